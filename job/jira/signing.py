"""Asks Jira with credentials that are good, at the address where they count, whoever asks.

Promises: the token of a service account is one for all workers, renewed a little before it ends and
once after a 401, never by several at once; an API token that the site refuses is tried at the
gateway, once, before anything was answered to us, and where it is accepted it is used from then on;
no credential goes anywhere but to the site, the gateway and the address of tokens that the settings
name.
Does not do: reading what is answered, but for who it was answered to (`connection.py`).
"""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import assert_never

import structlog
from msgspec import Struct
from msgspec.structs import replace

from job.errors import RemoteDown
from job.events import Event
from job.http.caller import Caller, unguarded
from job.http.message import Request, Response
from job.http.tokens import SharedToken, Token
from job.jira.wire import access
from job.jira.wire.access import GATEWAY, ApiToken, ClientCredentials, Door, SignIn
from job.jira.wire.exchange import Site
from job.ports import Clock, Guard

log = structlog.get_logger()


class Access(Struct, frozen=True, kw_only=True):
    """How a site is reached, as the settings say it."""

    address: str
    """The site's own, or the gateway's with the cloud id."""
    credentials: ApiToken | ClientCredentials
    gateway: str = GATEWAY

    @property
    def door(self) -> Door:
        """Where it is asked as long as nothing better is known."""
        is_token = isinstance(self.credentials, ApiToken)
        sign_in = SignIn.API_TOKEN if is_token else SignIn.SERVICE_ACCOUNT
        return Door(base_url=self.address.rstrip("/"), sign_in=sign_in)


class SignedCaller(ABC):
    """A caller with credentials."""

    def __init__(self, caller: Caller, *, access: Access) -> None:
        self.site = Site(access.door)
        self._caller = caller
        self._access = access
        self._finding = asyncio.Lock()

    @property
    def site_address(self) -> str:
        """The site's own address; "" where the settings name the gateway's."""
        door = self._access.door
        return "" if door.is_gateway else door.base_url

    @abstractmethod
    async def call(self, request: Request, *, guard: Guard = unguarded) -> Response:
        """Whatever was answered, also to a stranger."""

    @abstractmethod
    async def scopes(self) -> frozenset[str] | None:
        """What our credentials are good for; `None` where nothing tells."""

    async def cloud_id(self) -> str:
        """What the site itself says it is; "" where it does not."""
        address = self._access.door.base_url
        return access.tenant(await self._caller.call(access.tenant_request(address)))

    def _gateway_door(self, cloud_id: str) -> Door:
        gateway, sign_in = self._access.gateway, self.site.door.sign_in
        return access.gateway_door(gateway, cloud_id=cloud_id, sign_in=sign_in)

    async def _send(
        self, request: Request, *, door: Door, authorization: str, guard: Guard = unguarded
    ) -> Response:
        headers = {**request.headers, "Authorization": authorization}
        addressed = replace(request, url=f"{door.base_url}{request.url}", headers=headers)
        return await self._caller.call(addressed, guard=guard)


class ByApiToken(SignedCaller):
    """A caller with an API token, of which nothing tells whether it has scopes."""

    def __init__(self, caller: Caller, *, access: Access, token: ApiToken) -> None:
        super().__init__(caller, access=access)
        self._authorization = token.authorization
        self._let_in = False
        self._gateway_tried = False

    async def scopes(self) -> frozenset[str] | None:
        return None

    async def call(self, request: Request, *, guard: Guard = unguarded) -> Response:
        door = self.site.door
        answer = await self._send(
            request, door=door, authorization=self._authorization, guard=guard
        )
        if not access.is_refusal(answer):
            self._let_in = True
            return answer
        # A write is no question: strangers may write to some sites, so it may have been done.
        if self._let_in or door.is_gateway or not request.repeatable:
            return answer
        async with self._finding:
            if self.site.door.is_gateway:
                door, authorization = self.site.door, self._authorization
                return await self._send(request, door=door, authorization=authorization)
            return await self._at_gateway(request) or answer

    async def _at_gateway(self, request: Request) -> Response | None:
        """The gateway's answer, if it knows us; `None` if it does not, or was asked before."""
        if self._gateway_tried:
            return None
        self._gateway_tried = True
        cloud_id = await self.cloud_id()
        if not cloud_id:
            return None
        door = self._gateway_door(cloud_id)
        try:
            answer = await self._send(request, door=door, authorization=self._authorization)
        except RemoteDown as down:
            # What the site said is the news; that nobody could be asked there stands in the log.
            log.warning(Event.JIRA_GATEWAY_UNREACHABLE, gateway=door.base_url, error=str(down))
            return None
        if answer.status != 200 and not access.lacks_scope(answer):
            return None
        self.site.door = door
        message = (
            "The site refuses our token and the gateway accepts it, so it is a token with scopes. "
            f"Set JIRA_API_URL to {door.base_url} to spare two calls a run."
        )
        log.info(Event.JIRA_GATEWAY_FOUND, message=message, base_url=door.base_url)
        return answer


class AsServiceAccount(SignedCaller):
    """A caller with a token of a service account, which counts behind the gateway alone. `confide`
    is told each token before anybody can repeat it.
    """

    def __init__(
        self,
        caller: Caller,
        *,
        access: Access,
        credentials: ClientCredentials,
        clock: Clock,
        confide: Callable[[str], None],
    ) -> None:
        super().__init__(caller, access=access)
        self._credentials = credentials
        self._clock = clock
        self._confide = confide
        self._token = SharedToken(self._ask, clock=clock)

    async def scopes(self) -> frozenset[str] | None:
        return (await self._token.good()).scopes

    async def call(self, request: Request, *, guard: Guard = unguarded) -> Response:
        """After a 401 once more with a newer token: it was turned away before anything was done."""
        token = await self._token.good()
        door = await self._door(token)
        bearer = f"Bearer {token.value}"
        answer = await self._send(request, door=door, authorization=bearer, guard=guard)
        if answer.status != 401 or access.lacks_scope(answer):
            return answer
        newer = f"Bearer {(await self._token.good(refused=token)).value}"
        return await self._send(request, door=door, authorization=newer, guard=guard)

    async def _door(self, token: Token) -> Door:
        """Which site it is behind the gateway; asked once."""
        async with self._finding:
            if self.site.door.is_gateway:
                return self.site.door
            cloud_id = await self.cloud_id() or await self._among_resources(token)
            if not cloud_id:
                raise access.unknown_site(self.site.door, gateway=self._access.gateway)
            self.site.door = self._gateway_door(cloud_id)
            return self.site.door

    async def _among_resources(self, token: Token) -> str:
        asked = access.resources_request(self._access.gateway)
        signed = {**asked.headers, "Authorization": f"Bearer {token.value}"}
        answer = await self._caller.call(replace(asked, headers=signed))
        return access.resource(answer, address=self._access.door.base_url)

    async def _ask(self) -> Token:
        asked_at = self._clock.monotonic()
        answer = await self._caller.call(access.token_request(self._credentials))
        token = access.token(answer, asked_at=asked_at)
        self._confide(token.value)
        return token


def sign(
    caller: Caller, *, access: Access, clock: Clock, confide: Callable[[str], None]
) -> SignedCaller:
    """The caller with these credentials."""
    match access.credentials:
        case ApiToken() as token:
            return ByApiToken(caller, access=access, token=token)
        case ClientCredentials() as credentials:
            return AsServiceAccount(
                caller, access=access, credentials=credentials, clock=clock, confide=confide
            )
    assert_never(access.credentials)
