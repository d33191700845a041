"""Jira Cloud as a run needs it: joins what we know about its answers (`wire`) with one polite
caller (`http`).

Promises: what `ports.JiraTickets` says. Tickets are read from Jira's database; its search index
only ever names candidates. Metadata and workflows are read once a run, however many ask. A create
or a comment is sent once. Does not do: repeating on 429 and 5xx (the caller does), deciding,
remembering anything beyond the run.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import datetime, timedelta
from functools import partial
from itertools import chain, islice
from typing import Any, NamedTuple, TypeVar

import structlog
from msgspec.structs import replace

from job.core.adf import Document
from job.core.fields import FieldBook, Shape
from job.core.model import IssueId, Marker, Ticket, TicketId
from job.core.tickets import Draft
from job.errors import (
    FateUnknown,
    MalformedAnswer,
    NoTransition,
    RemoteDown,
    SyncError,
    TicketRejected,
    Withheld,
)
from job.http.caller import Caller, unguarded
from job.http.message import Request, Response
from job.jira.remembered import Remembered
from job.jira.wire import exchange, metadata, search, tickets, transitions
from job.jira.wire.exchange import REMOTE, Site
from job.jira.wire.search import IdClause
from job.jira.wire.tickets import Sent
from job.jira.wire.transitions import Exit
from job.ports import Clock, Creation, Goal, Guard, Identity, Route

log = structlog.get_logger()
T = TypeVar("T")

FETCH_ROUNDS_MAX = 3
PROBE_BLOCKS_MAX = 20
MOVES_MAX = 3
DOUBTS_MAX = 3
"""So often the ways out of one place are listed anew in a run because none leads where we want to
go.
"""
BLOCK_SIZES = (tickets.CREATE_MAX, 10, 1)
COMMENT_MARGIN = timedelta(days=1)
"""How much Jira's clock and ours may differ about a comment."""


class Place(NamedTuple):
    """Where in which workflow a ticket stands: tickets in the same place have the same ways out."""

    project: str
    type_id: str
    status: str


class JiraClient:
    """`ports.JiraTickets` over HTTP."""

    def __init__(
        self, *, caller: Caller, base_url: str, user: str, token: str, clock: Clock, shape: Shape
    ) -> None:
        self._caller = caller
        self._site = Site(base_url=base_url, user=user, token=token)
        self._clock = clock
        self._shape = shape
        self._account_id: str | None = None
        self._doubts: Counter[Place] = Counter()
        self._id_field = metadata.certain_id(shape)
        self._block_max = tickets.CREATE_MAX
        self._books = Remembered[str, FieldBook]()
        self._clauses = Remembered[str, IdClause]()
        self._in_use = Remembered[str, bool]()
        self._exits = Remembered[Place, Sequence[Exit]]()

    # --- Who we are and what there is -------------------------------------------------------------

    async def myself(self) -> Identity:
        request = self._site.request("GET /rest/api/3/myself")
        response = await self._send(request, doing=tickets.IDENTIFYING)
        body = self._site.answer(response, doing=tickets.IDENTIFYING)
        identity = tickets.identity(body, server_time=response.instant("date"))
        self._account_id = identity.account_id
        return identity

    async def visible(self, project: str) -> bool:
        doing = "asking for our permissions"
        response = await self._send(metadata.permission(self._site, project), doing=doing)
        if response.status == 404 or not metadata.may_browse(
            self._site.answer(response, doing=doing)
        ):
            return False
        newest = await self._newest(project, count=10)
        found = await self.read([tickets.id_of(raw) for raw in newest])
        return any(ticket.project == project for ticket in found.values())

    async def field_book(self) -> FieldBook:
        return await self._books.get(self._shape.project_key, read=self._read_book)

    async def _read_book(self) -> FieldBook:
        site, shape = self._site, self._shape
        types = await self._list(
            lambda start: metadata.ticket_types(site, shape.project_key, start=start),
            key=metadata.TYPES,
            missing=frozenset({400, 403, 404}),
        )
        if not types:
            known = await self._send(metadata.projects(site), doing=metadata.DOING)
            raise metadata.no_project(shape.project_key, known=known)
        chosen = metadata.ticket_type(types, shape=shape)
        fields = await self._list(
            lambda start: metadata.screen(site, shape.project_key, type_id=chosen.id, start=start),
            key=metadata.FIELDS,
        )
        book = metadata.field_book(fields, shape=shape, chosen=chosen)
        self._id_field = book.id_field.id
        return book

    # --- Reading tickets --------------------------------------------------------------------------

    async def read(self, ids: Collection[TicketId]) -> dict[TicketId, Ticket]:
        found = (tickets.ticket(raw, id_field=self._id_field) for raw in await self._fetch(ids))
        return {ticket.id: ticket for ticket in found}

    async def find(
        self, ids: Collection[IssueId], *, doubtful: bool = False
    ) -> dict[IssueId, tuple[Ticket, ...]]:
        if not ids:
            return {}
        clause = await self._clauses.get(self._shape.id_field, read=self._read_clause)
        if doubtful and not await self._in_use.get(
            clause.name, read=lambda: self._read_in_use(clause)
        ):
            return {}
        spec = (await self.field_book()).id_field
        queries = search.queries(search.values(ids, spec=spec, shape=self._shape), clause=clause)
        pages = await self._caller.each(
            partial(self._search, fields=tickets.fields(spec.id)), queries
        )
        seen = tickets.by_issue_id(chain.from_iterable(pages), id_field=spec.id, wanted=set(ids))
        # The index may show a status, a project or an id of yesterday; only the database is
        # believed.
        return await self._holding({one.id for found in seen.values() for one in found}, wanted=ids)

    async def probe(
        self, project: str, *, above: int, wanted: Collection[IssueId]
    ) -> dict[IssueId, tuple[Ticket, ...]]:
        id_field = (await self.field_book()).id_field.id
        reach = PROBE_BLOCKS_MAX * tickets.FETCH_MAX
        seen, ended = await self._walk(project, above=above)
        if not ended:
            # A busy project has moved on since `above` was noted: a create lost lately lies near
            # its newest key.
            log.warning("probe.bounded", project=project, above=above, blocks_max=PROBE_BLOCKS_MAX)
            near_newest = await self.highest_key(project) - reach // 2
            seen += (await self._walk(project, above=max(above + reach, near_newest)))[0]
        return tickets.by_issue_id(seen, id_field=id_field, wanted=set(wanted))

    async def _walk(self, project: str, *, above: int) -> tuple[list[Any], bool]:
        """Tickets by their keys, from `above` on, and whether the keys ran out before our patience
        did.
        """
        seen: list[Any] = []
        for block in range(PROBE_BLOCKS_MAX):
            first = above + 1 + block * tickets.FETCH_MAX
            there = await self._fetch_block(
                [f"{project}-{first + step}" for step in range(tickets.FETCH_MAX)]
            )
            if not there:
                return seen, True
            seen += there
        return seen, False

    async def highest_key(self, project: str) -> int:
        return max(map(tickets.key_number, await self._newest(project, count=1)), default=0)

    async def _holding(
        self, ids: Collection[TicketId], *, wanted: Collection[IssueId]
    ) -> dict[IssueId, tuple[Ticket, ...]]:
        """Which of these tickets hold which of the wanted ids, by the database."""
        id_field = (await self.field_book()).id_field.id
        oldest_first = sorted(ids, key=tickets.age_order)
        return tickets.by_issue_id(
            await self._fetch(oldest_first), id_field=id_field, wanted=set(wanted)
        )

    async def _fetch(self, names: Iterable[str]) -> list[Any]:
        blocks = await self._caller.each(self._fetch_block, _blocks(names, size=tickets.FETCH_MAX))
        return list(chain.from_iterable(blocks))

    async def _fetch_block(self, names: Sequence[str]) -> list[Any]:
        """Up to 100 tickets. Jira may fail to load some of them for the moment; those are asked for
        again.
        """
        found: list[Any] = []
        for attempt in range(1, FETCH_ROUNDS_MAX + 1):
            request = tickets.fetch(self._site, names, id_field=self._id_field)
            there, names = tickets.fetched(await self._ask(request, doing=tickets.READING))
            found += there
            if not names:
                return found
            await self._clock.sleep(attempt)
        what = f"{len(names)} tickets could not be loaded in {FETCH_ROUNDS_MAX} attempts, the first {names[0]}."
        raise MalformedAnswer(REMOTE, tickets.READING, what)

    # --- Searching --------------------------------------------------------------------------------

    async def _read_clause(self) -> IdClause:
        body, _ = await self._caller.each(
            lambda read: read(), (self._read_operators, self.field_book)
        )
        return search.id_clause(body, spec=(await self.field_book()).id_field)

    async def _read_operators(self) -> Any:
        return await self._ask(search.operators(self._site), doing="asking how fields are searched")

    async def _read_in_use(self, clause: IdClause) -> bool:
        """Whether any ticket that we can see, in any project, has something in the id field.

        One question instead of hundreds before a first run. The index runs behind, so a `False` may
        be a few seconds old, and so might each of those answers have been: `find` adds knowledge
        and proves no absence, it is intents that keep a create from being done twice.
        """
        return bool(await self._search(search.filled(clause), enough=1))

    async def _newest(self, project: str, *, count: int) -> list[Any]:
        return await self._search(search.newest(project), enough=count)

    async def _search(
        self, jql: str, *, fields: Sequence[str] = search.KEYS, enough: int | None = None
    ) -> list[Any]:
        """Everything that matches, or no more pages than it takes to have enough."""
        found: list[Any] = []
        tokens: list[str] = []
        for _ in range(search.PAGES_MAX):
            request = search.search(
                self._site,
                jql,
                fields=fields,
                token=tokens[-1] if tokens else None,
                size=enough or search.PAGE_MAX,
            )
            page = search.hits(await self._ask(request, doing=search.SEARCHING))
            found += page.raws
            if page.next_token is None or (enough is not None and len(found) >= enough):
                return found
            if page.next_token in tokens:
                raise MalformedAnswer(REMOTE, search.SEARCHING, "a page came twice.")
            tokens.append(page.next_token)
        raise MalformedAnswer(
            REMOTE, search.SEARCHING, f"more than {search.PAGES_MAX} pages for one query."
        )

    # --- Writing ----------------------------------------------------------------------------------

    async def create(self, drafts: Sequence[Draft], *, guard: Guard = unguarded) -> list[Creation]:
        await self.field_book()
        create_block = partial(self._create_block, guard=guard)
        blocks = await self._caller.each(create_block, _blocks(drafts, size=self._block_max))
        sent = sum(blocks, Sent())
        found = await self._holding(sent.created, wanted=[draft.issue_id for draft in drafts])
        return [tickets.creation(draft, sent=sent, found=found) for draft in drafts]

    async def _create_block(self, drafts: Sequence[Draft], *, guard: Guard) -> Sent:
        """One bulk call. A body that Jira refuses as a whole is halved until the draft that spoils
        it stands alone.
        """
        try:
            response = await self._send(
                tickets.create(self._site, drafts), doing=tickets.CREATING, guard=guard
            )
            return tickets.created(response, drafts=drafts)
        except TicketRejected as refusal:
            if refusal.status in {400, 413} and len(drafts) > 1:
                halves = drafts[: len(drafts) // 2], drafts[len(drafts) // 2 :]
                first, second = [await self._create_block(half, guard=guard) for half in halves]
                return first + second
            return Sent(errors={draft.issue_id: refusal for draft in drafts})
        except FateUnknown as unknown:
            self._shrink_blocks(len(drafts))
            return Sent(errors={draft.issue_id: unknown for draft in drafts})
        except Withheld as withheld:  # what the other calls have done counts all the same
            return Sent(errors={draft.issue_id: withheld for draft in drafts})

    def _shrink_blocks(self, size: int) -> None:
        """The next unknown fate shall be the fate of fewer."""
        smaller = next((one for one in BLOCK_SIZES if one < size), BLOCK_SIZES[-1])
        if smaller < self._block_max:
            self._block_max = smaller
            log.warning("blocks.shrunk", block_max=smaller)

    async def comment(
        self, ticket_id: TicketId, *, body: Document, marker: Marker, guard: Guard = unguarded
    ) -> None:
        request = tickets.comment(self._site, ticket_id, body=body, marker=marker)
        tickets.commented(await self._send(request, doing=tickets.COMMENTING, guard=guard))

    async def has_comment(self, ticket_id: TicketId, *, marker: Marker, since: datetime) -> bool:
        doing, start = "reading comments", 0
        while True:
            response = await self._send(
                tickets.comments(self._site, ticket_id, start=start), doing=doing
            )
            if response.status == 404:
                return False
            page = tickets.comments_page(self._site.answer(response, doing=doing), start=start)
            if marker in page.markers:
                return True
            if page.next_start is None or page.reaches(since - COMMENT_MARGIN):
                return False
            start = page.next_start

    # --- Moving -----------------------------------------------------------------------------------

    async def route(self, ticket: Ticket, goal: Goal) -> Route:
        try:
            return transitions.choose(await self._ways(ticket), ticket=ticket, goal=goal)
        except NoTransition:
            # What we remember may have been listed for a ticket that had just been moved elsewhere.
            # A few other tickets are asked about, but not each of hundreds whose workflow has no
            # such way.
            if self._doubts[place := _place(ticket)] < DOUBTS_MAX:
                self._doubts[place] += 1
                self._exits.forget(place)
            return transitions.choose(await self._ways(ticket), ticket=ticket, goal=goal)

    async def move(self, ticket: Ticket, *, goal: Goal, guard: Guard = unguarded) -> Ticket:
        for attempt in range(1, MOVES_MAX + 1):
            place, wanted = _place(ticket), goal.statuses
            try:
                route = await self.route(ticket, goal)
                wanted = (route.to_status, *goal.statuses)
                await self._take(ticket, route=route, guard=guard)
                return replace(ticket, status=route.to_status)
            except (NoTransition, TicketRejected, FateUnknown) as error:
                failure = error
            # Somebody else may have moved it, or the workflow changed: what stands in the database
            # decides.
            self._exits.forget(place)
            ticket = await self._read_again(ticket, failure=failure)
            if transitions.arrived(ticket, wanted=wanted):
                return ticket
            if not transitions.curable(failure):
                break
            await self._clock.sleep(attempt)
        raise failure

    async def _take(self, ticket: Ticket, *, route: Route, guard: Guard) -> None:
        doing = f"taking the transition {route.name}"
        response = await self._send(
            transitions.take(self._site, ticket, route=route), doing=doing, guard=guard
        )
        transitions.taken(response, doing=doing)

    async def _ways(self, ticket: Ticket) -> Sequence[Exit]:
        return await self._exits.get(_place(ticket), read=lambda: self._read_exits(ticket))

    async def _read_exits(self, ticket: Ticket) -> Sequence[Exit]:
        response = await self._send(
            transitions.listing(self._site, ticket), doing=transitions.LISTING
        )
        if response.status == 404:  # the ticket is gone, which concerns nobody else
            raise exchange.rejection(response, doing=transitions.LISTING)
        return transitions.exits(self._site.answer(response, doing=transitions.LISTING))

    async def _read_again(self, ticket: Ticket, *, failure: SyncError) -> Ticket:
        """The ticket as it is now; the failure that made us look when it is not there."""
        try:
            found = await self.read([ticket.id])
        except RemoteDown:
            if isinstance(failure, FateUnknown):
                raise failure from None
            raise
        if ticket.id not in found:
            raise failure
        return found[ticket.id]

    # --- Calling ----------------------------------------------------------------------------------

    async def _send(self, request: Request, *, doing: str, guard: Guard = unguarded) -> Response:
        answer = await self._caller.call(request, guard=guard)
        return self._site.trust(answer, doing=doing, account_id=self._account_id)

    async def _ask(self, request: Request, *, doing: str) -> Any:
        return self._site.answer(await self._send(request, doing=doing), doing=doing)

    async def _list(
        self, request: Callable[[int], Request], *, key: str, missing: frozenset[int] = frozenset()
    ) -> list[Any]:
        """Every piece of a listing of metadata; nothing for an answer with a status that means it
        is not there.
        """
        items: list[Any] = []
        start: int | None = 0
        while start is not None:
            response = await self._send(request(start), doing=metadata.DOING)
            if response.status in missing:
                return []
            body = self._site.answer(response, doing=metadata.DOING)
            page = exchange.page(body, key=key, start=start, doing=metadata.DOING)
            items, start = items + page.items, page.next_start
        return items


def _place(ticket: Ticket) -> Place:
    return Place(ticket.project, ticket.type_id, ticket.status)


def _blocks(items: Iterable[T], *, size: int) -> Iterable[list[T]]:
    rest = iter(items)
    while block := list(islice(rest, size)):
        yield block
