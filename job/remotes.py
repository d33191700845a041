"""Both remotes as settings name them: opened with one session, closed as one block.

Promises: no credential that goes out, and no token that comes in, can be repeated by anything that
the program says; nothing is sent before somebody asks for it.
Does not do: memory, or what the operator chose (`wiring.py`).
"""

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from msgspec import Struct, field

from job import __version__
from job.console.redactor import Redactor
from job.core.routes import Destination
from job.halo.client import HaloClient
from job.halo.limits import HALO_LIMITS
from job.http.caller import Caller
from job.http.limits import RemoteLimits
from job.http.message import Request, Response, Transport
from job.http.retry import Patience
from job.http.sockets import AiohttpTransport, open_session
from job.jira.client import JiraClient
from job.jira.limits import JIRA_LIMITS
from job.jira.signing import Access
from job.jira.wire.access import ApiToken, ClientCredentials
from job.ports import Clock
from job.settings.variables import Settings

HASTY = Patience(total_s=10.0, attempts_max=2, answer_s=8.0)
"""For a rehearsal: what does not answer twice is told, not waited for."""
USER_AGENT = f"halo-jira-sync/{__version__}"


class Surroundings(Struct, frozen=True, kw_only=True):
    """What a process brings to all that it opens."""

    clock: Clock
    redactor: Redactor = field(default_factory=Redactor)
    secrets_read: int = 0
    """How many settings were references to secrets, which were read."""


class Remotes(Struct, frozen=True, kw_only=True):
    """Both remotes, connected."""

    halo: HaloClient
    jira: JiraClient
    callers: tuple[Caller, Caller]
    """Halo's and Jira's."""

    def hang_up(self) -> None:
        """Ends every call that is under way."""
        for caller in self.callers:
            caller.hang_up()


@asynccontextmanager
async def open_remotes(
    settings: Settings, surroundings: Surroundings, *, home: Destination, patience: Patience
) -> AsyncIterator[Remotes]:
    """`home` is the destination that settles the id field."""
    session = open_session(user_agent=USER_AGENT, ca_bundle=settings.ca_bundle)
    async with session as opened:
        transport = Confidential(AiohttpTransport(opened), redactor=surroundings.redactor)
        tasks = settings.cloud_run_task_count

        def caller(remote: str, *, at_once_max: int, limits: RemoteLimits) -> Caller:
            """The limits are per site, so each of several tasks takes its share of them."""
            return Caller(
                remote=remote,
                transport=transport,
                clock=surroundings.clock,
                at_once_max=max(1, at_once_max // tasks),
                limits=limits.shared_by(tasks),
                rng=random.Random(),  # noqa: S311 -- scatters retries; guards nothing
                patience=patience,
            )

        halo = caller("halo", at_once_max=settings.halo_concurrency_max, limits=HALO_LIMITS)
        jira = caller("jira", at_once_max=settings.jira_concurrency_max, limits=JIRA_LIMITS)
        yield Remotes(
            halo=_halo(settings, caller=halo, surroundings=surroundings),
            jira=_jira(settings, caller=jira, surroundings=surroundings, home=home),
            callers=(halo, jira),
        )


class Confidential:
    """A transport whose credentials nobody can repeat: what goes out as authorization is a secret
    from then on.
    """

    def __init__(self, transport: Transport, *, redactor: Redactor) -> None:
        self._transport = transport
        self._redactor = redactor
        self._hidden: set[str] = set()

    async def send(self, request: Request) -> Response:
        if (authorization := request.headers.get("Authorization", "")) not in self._hidden:
            self._hidden.add(authorization)
            self._redactor.hide([authorization.partition(" ")[2]])
        return await self._transport.send(request)


def _halo(settings: Settings, *, caller: Caller, surroundings: Surroundings) -> HaloClient:
    return HaloClient(
        caller=caller,
        base_url=settings.halo_api_hostname,
        key=settings.halo_api_key.text,
        secret=settings.halo_api_secret_key.text,
        clock=surroundings.clock,
        confide=lambda token: surroundings.redactor.hide([token]),
    )


def _jira(
    settings: Settings, *, caller: Caller, surroundings: Surroundings, home: Destination
) -> JiraClient:
    access = Access(
        address=settings.jira_api_url,
        credentials=_credentials(settings),
        gateway=settings.jira_gateway_url,
    )
    return JiraClient(
        caller=caller,
        access=access,
        clock=surroundings.clock,
        home=home,
        confide=lambda token: surroundings.redactor.hide([token]),
    )


def _credentials(settings: Settings) -> ApiToken | ClientCredentials:
    """The one way to sign in; that there is one is seen to when settings are loaded."""
    if settings.jira_client_secret is not None:
        return ClientCredentials(
            client_id=settings.jira_client_id,
            secret=settings.jira_client_secret.text,
            token_url=settings.jira_token_url,
        )
    token = settings.jira_api_token.text if settings.jira_api_token else ""
    return ApiToken(user=settings.jira_api_user, token=token)
