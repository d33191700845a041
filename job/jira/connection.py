"""The line to one Jira site: every request goes out here, and every answer is checked to be ours.

Promises: no answer that was given to a stranger or to another account is believed; metadata that
comes in pieces is read to its end; a write that certainly was not done is never taken for one of
unknown fate.
Does not do: knowing any endpoint but the one that says who we are.
"""

from collections.abc import Awaitable, Callable, Iterable
from typing import Any, TypeVar

from job.errors import RemoteDown, Withheld
from job.http.caller import Caller, unguarded
from job.http.message import Request, Response
from job.jira.signing import SignedCaller
from job.jira.wire import exchange, metadata, tickets
from job.ports import Guard, Identity

T = TypeVar("T")
R = TypeVar("R")


class Connection:
    """One site, one account, one polite caller."""

    def __init__(self, *, caller: Caller, signed: SignedCaller) -> None:
        self.site = signed.site
        self._caller = caller
        self._signed = signed
        self._account_id: str | None = None
        self.reads_translations = False
        """Whether Jira shows us names in another language than English."""

    async def myself(self) -> Identity:
        """Who Jira says we are; later answers are compared with it. Raises `RemoteRefused`."""
        request = self.site.request("GET /rest/api/3/myself")
        response = await self.send(request, doing=tickets.IDENTIFYING)
        body = self.site.answer(response, doing=tickets.IDENTIFYING)
        identity = tickets.identity(body, server_time=response.instant("date"))
        self._account_id = identity.account_id
        self.reads_translations = not identity.locale.startswith(("en", "C")) and bool(
            identity.locale
        )
        return identity

    async def cloud_id(self) -> str:
        """What names the site for good: the gateway's address carries it, a site tells it, and
        where it does not, its base address has to serve. Raises `RemoteRefused`.
        """
        if known := self.site.door.cloud_id or await self._signed.cloud_id():
            return known
        return await self._told_address()

    async def web_address(self) -> str:
        """Where people find the site. It is asked for where the settings name the gateway, at whose
        address there is nothing for people. Raises `RemoteRefused`.
        """
        return self._signed.site_address or await self._told_address()

    def address_of(self, key: str) -> str:
        """Where people find a ticket; "" where the settings name the gateway."""
        site = self._signed.site_address
        return f"{site.rstrip('/')}/browse/{key}" if site else ""

    async def scopes(self) -> frozenset[str] | None:
        """What our credentials are good for; `None` where nothing tells."""
        return await self._signed.scopes()

    async def _told_address(self) -> str:
        doing = "asking which site it is"
        body = await self.ask(self.site.request("GET /rest/api/3/serverInfo"), doing=doing)
        with exchange.readable(doing):
            return str(body["baseUrl"]).rstrip("/")

    async def send(self, request: Request, *, doing: str, guard: Guard = unguarded) -> Response:
        """The answer to one request, whatever its status, if it was given to us. Raises `Withheld`
        for a write that Jira did not look at and that a later run can do.
        """
        try:
            answer = await self._signed.call(request, guard=guard)
        except RemoteDown as down:
            if request.repeatable or not down.not_done:
                raise
            # Others that left in the same moment may have been done, so this one speaks for itself.
            raise Withheld(str(down), stops=None if down.others_go_on else down) from down
        return self.site.trust(answer, doing=doing, account_id=self._account_id)

    async def ask(self, request: Request, *, doing: str) -> Any:
        """The JSON that a read answers."""
        return self.site.answer(await self.send(request, doing=doing), doing=doing)

    async def each(self, work: Callable[[T], Awaitable[R]], items: Iterable[T]) -> list[R]:
        """Calls `work` for every item, enough of them at once to keep Jira as busy as it allows."""
        return await self._caller.each(work, items)

    async def list_all(
        self,
        request: Callable[[int], Request],
        *,
        key: str,
        missing: frozenset[int] = frozenset(),
    ) -> list[Any]:
        """Every piece of a listing of metadata; nothing for an answer with a status that means it
        is not there.
        """
        items: list[Any] = []
        start: int | None = 0
        while start is not None:
            response = await self.send(request(start), doing=metadata.DOING)
            if response.status in missing:
                return []
            body = self.site.answer(response, doing=metadata.DOING)
            page = exchange.page(body, key=key, start=start, doing=metadata.DOING)
            items, start = items + page.items, page.next_start
        return items
