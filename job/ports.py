"""What a run needs from outside, as promises without code.

Promises: `flow/` knows these and nothing behind them. Every method may raise `StopsRun`; other
errors are named where they come.
Does not do: keeping them. `halo/client.py`, `jira/client.py`, `console/*.py` and `clock.py` do;
our memory is in `stores.py`.
"""

from collections.abc import (
    AsyncGenerator,
    Awaitable,
    Callable,
    Collection,
    Mapping,
    Sequence,
)
from datetime import datetime
from typing import Any, Protocol

from msgspec import Struct

from job.core.adf import Document
from job.core.backlog import Size
from job.core.comments import Comment
from job.core.findings import CveDetails, Finding, Gone, Unreadable
from job.core.ids import IssueId, Marker, TicketId
from job.core.issues import Asset, Issue
from job.core.model import Outcome, SearchProof, Ticket
from job.core.plan import Plan
from job.core.routes import Destination, Goal
from job.core.shape import CreateScreen
from job.core.tickets import Draft
from job.core.ways import ChosenTransition, Moved, Seen
from job.errors import SyncError
from job.inheritance import JiraRemnants
from job.stores import Store


class Clock(Protocol):
    """The only source of time."""

    def now(self) -> datetime:
        """The wall clock, aware UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds that never run backward, for durations only."""
        ...

    async def sleep(self, seconds: float) -> None: ...


Pieces = AsyncGenerator[Sequence[Issue], None]
"""A listing on its way: each piece is given once, and only one is held at a time."""


class HaloIssues(Protocol):
    """Read-only sight of Halo."""

    async def sign_in(self) -> datetime | None:
        """Proves the credentials before anything else is believed, and returns what time Halo says
        it is, to the second; `None` when it does not say. Raises `RemoteRefused`.
        """
        ...

    def changed(self, *, since: datetime | None, until: datetime) -> Sequence[Pieces]:
        """Every issue touched in `[since, until]`, in pieces, in no particular order, none left
        out.

        Two listings, which may be read at the same time: active issues by when they were last seen,
        resolved ones by when they were resolved. An issue that changes while we read may come in
        both or in neither: it was touched after `until`, so it belongs to the next run anyway.
        `since=None` means from the beginning. A listing raises `MalformedAnswer` rather than end
        early. One that cannot be read says why (`Issue.unreadable`); one without an id
        (`Issue.has_id`) stands for others that are out of reach for now.
        """
        ...

    def active(self) -> Pieces:
        """Every active issue, however old; for the sweep."""
        ...

    async def older_than(self, at: datetime) -> Size | None:
        """How many active issues were last seen before then; `None` where Halo does not tell."""
        ...

    async def issue(self, issue_id: IssueId) -> Issue | None:
        """One issue as it is now; `None` when Halo says 404. One that Halo refuses, or that cannot
        be read, says why (`Issue.unreadable`), as it does in a listing.
        """
        ...

    async def finding(self, issue: Issue) -> Finding | Gone | Unreadable | None:
        """The newest evidence; `None` where the issue names none. Raises `DetailRefused`."""
        ...

    async def cve(self, cve_id: str) -> CveDetails | None:
        """What Halo tells of one vulnerability, asked for once a run; `None` where it has nothing,
        or cannot be asked.
        """
        ...

    async def asset(self, issue: Issue) -> Asset | Gone | Unreadable | None:
        """The asset, fetched once for each asset and run; `None` where the issue names none. Raises
        `DetailRefused`.
        """
        ...


class Identity(Struct, frozen=True, kw_only=True):
    """Who Jira says we are."""

    account_id: str
    display_name: str
    server_time: datetime | None = None
    """What time Jira says it is, to the second; `None` when it does not say."""
    locale: str = ""
    """In which language Jira speaks to us, such as `de_DE`; "" when it does not say."""


class Probe(Struct, frozen=True, kw_only=True):
    """What was found among the keys of a project."""

    found: dict[IssueId, tuple[Ticket, ...]]
    complete: bool
    """Whether each key up to the newest was seen, so that no ticket can be hidden among them."""


class Creation(Struct, frozen=True, kw_only=True):
    """How one draft of a bulk create ended: a confirmed ticket, or `IssueFailed`, `FateUnknown` or
    `Withheld`.
    """

    draft: Draft
    ticket: Ticket | None = None
    error: SyncError | None = None


Guard = Callable[[], Awaitable[None]]
"""Asked when a write has its turn to leave, however long it waited for it. Raises `Withheld` to
keep it back.
"""


class JiraTickets(JiraRemnants, Protocol):
    """Jira Cloud, as far as a run needs it."""

    async def myself(self) -> Identity:
        """Proves the credentials before anything else is believed. Raises `RemoteRefused`."""
        ...

    async def cloud_id(self) -> str:
        """What names the site for good, whatever its address is by now."""
        ...

    def address_of(self, key: str) -> str:
        """Where people find a ticket; "" where only another call could tell."""
        ...

    async def read(
        self,
        ids: Collection[TicketId],
        *,
        not_loaded: set[TicketId] | None = None,
        holding: Collection[str] = (),
    ) -> dict[TicketId, Ticket]:
        """Tickets by immutable id, from the database and not the index, with what the fields of
        these ids hold. Deleted or invisible ones are simply absent. The few that Jira knows and
        cannot load are added to `not_loaded`. Raises `MalformedAnswer` where there is no such set,
        or they are many.
        """
        ...

    async def prove_search(self, *, canary: IssueId, first_in: Collection[str] = ()) -> SearchProof:
        """Proves that a search finds tickets by the ids they hold: that of the issue `canary`, or
        another. From then on `find` asks in the form that was seen to work. `first_in` are the
        projects of a run that knows of no ticket that was ever made: only ids in Halo's own writing
        count then. Raises `MalformedAnswer` where tickets are not found by the ids they hold.
        """
        ...

    async def find(self, ids: Collection[IssueId]) -> dict[IssueId, tuple[Ticket, ...]]:
        """Tickets whose id field holds one of these, in any project, by search. Adds knowledge;
        proves no absence.
        """
        ...

    def holders(self) -> AsyncGenerator[Sequence[Ticket], None]:
        """Every ticket that search shows to hold anything in the id field, in any project, in
        pieces, each as the database has it.
        """
        ...

    async def probe(self, project: str, *, above: int, wanted: Collection[IssueId]) -> Probe:
        """Looks for lost creates among the keys after `above`, from the database, until the keys
        run out.
        """
        ...

    async def highest_key(self, project: str) -> int:
        """A lower bound of the highest key number in a project (by search, which may lag); 0 for
        none.
        """
        ...

    async def visible(self, project: str) -> bool:
        """Whether we may browse the project and see a ticket in it: what is missing there is then
        really missing.
        """
        ...

    async def create_screen(self, destination: Destination) -> CreateScreen:
        """What the fields of its project and ticket type are and allow; read once a run. Raises
        `BadSettings`.
        """
        ...

    async def person(self, email: str, *, project: str) -> str | None:
        """The account id of whoever has this address and may be assigned in this project; `None`
        for nobody, or several. Asked once a run for each.
        """
        ...

    async def create(self, drafts: Sequence[Draft], *, guard: Guard) -> list[Creation]:
        """Creates up to 100 tickets in bulk and confirms each by its id field. A result for each
        draft, in order.
        """
        ...

    async def comment(
        self, ticket_id: TicketId, *, body: Document, marker: Marker, public: bool, guard: Guard
    ) -> None:
        """Adds one comment, which carries the marker as a property. Unless it is public, customers
        of a service project do not see it.

        Raises `TicketRejected`, `FateUnknown`, `Withheld`.
        """
        ...

    async def has_comment(self, ticket_id: TicketId, *, marker: Marker, since: datetime) -> bool:
        """Whether a comment with this marker, no older than `since` less a day, is there."""
        ...

    async def edit(
        self,
        ticket: Ticket,
        *,
        fields: Mapping[str, Any],
        labels: Mapping[str, Sequence[Mapping[str, str]]],
        guard: Guard,
    ) -> None:
        """One edit: values by field id, and labels to add and remove. Nobody gets a mail of it,
        where Jira lets us decide that. Done twice it does no more than once.

        Raises `TicketRejected`, `FateUnknown`, `Withheld`.
        """
        ...

    async def workflow(self, destination: Destination) -> Seen:
        """Which statuses its tickets can have, and whether those that are there could be moved."""
        ...

    async def choose_transition(self, ticket: Ticket, goal: Goal) -> ChosenTransition:
        """The transition to take; listed once for each state, and once more for a ticket that has
        not what others have. Raises `NoTransition`, or `Withheld` where too many had none.
        """
        ...

    async def move(
        self,
        ticket: Ticket,
        *,
        goal: Goal,
        way: ChosenTransition | None = None,
        comment: Comment | None = None,
        guard: Guard,
    ) -> Moved:
        """Takes the transition, reading the ticket anew and trying again where that is safe. `way`
        is one that was chosen before; a comment comes along only on one that carries it.

        Raises `NoTransition`, `TicketRejected`, `FateUnknown`, `Withheld`.
        """
        ...


class Ports(Struct, frozen=True, kw_only=True):
    """Everything outside that a run touches."""

    halo: HaloIssues
    jira: JiraTickets
    store: Store
    clock: Clock


class Watcher(Protocol):
    """Whoever looks on: a progress bar, or nobody."""

    def planned(self, plan: Plan) -> None: ...

    def ended(self, outcome: Outcome) -> None: ...
