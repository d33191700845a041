"""What a run works with: tickets, cases, decisions and outcomes.

Promises: every value is frozen. Every closed set is an enum, and whoever tells its members apart
does so with a `match` that ends in `assert_never`, so that a member somebody forgot fails the type
check.
Does not do: deciding anything (`decisions.py`).
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import assert_never

from msgspec import Struct, field
from msgspec.structs import replace

from job.core.backlog import Backlog
from job.core.held import Kind
from job.core.ids import IssueId, TicketId, TicketKey, canonical
from job.core.issues import Issue
from job.core.memory import Intent, Link, Parked
from job.core.present import Holding
from job.core.routes import Destination
from job.core.statuses import Status


class Ticket(Struct, frozen=True, kw_only=True):
    """A ticket as Jira's database has it now, not as its search index remembers it."""

    id: TicketId
    key: TicketKey
    project: str
    status: str
    """The name of its status, as our account sees it."""
    status_id: str = ""
    status_untranslated: str = ""
    category: str = ""
    """Jira's category of its status, such as `done`; "" where Jira does not say."""
    type_id: str = ""
    names: frozenset[str] = frozenset()
    """The issues that it names, in canonical form: by our property, else by its id field."""
    older_words: str = ""
    """What it says, where it names its issue as an older program wrote the id and that was asked
    for; "" for every other.
    """
    holds: Mapping[str, Holding] = field(default_factory=dict)
    """What its fields hold, by their ids: of those that were asked for."""

    @property
    def standing(self) -> Status:
        """Its status, by all its names."""
        return Status(
            name=self.status,
            id=self.status_id,
            untranslated=self.status_untranslated,
            category=self.category,
        )

    def at(self, status: Status) -> "Ticket":
        """The same ticket in this status."""
        return replace(
            self,
            status=status.name,
            status_id=status.id,
            status_untranslated=status.untranslated,
            category=status.category,
        )

    def is_of(self, issue_id: IssueId) -> bool:
        """Whether it names this issue. We write to no other ticket."""
        return canonical(issue_id) in self.names


class SearchProof(Struct, frozen=True, kw_only=True):
    """What a look at the id field has shown before anything is searched for."""

    in_use: bool
    """Whether any ticket that we can see, in any project, has something in the id field."""
    canary: IssueId = IssueId("")
    """An issue whose ticket was found by its id; "" where no ticket is known to hold one."""
    held: tuple[str, ...] = ()
    """What tickets of the projects of a first run hold in the id field, the newest first."""


class Case(Struct, frozen=True, kw_only=True):
    """Everything known about one issue when deciding."""

    issue: Issue
    link: Link | None = None
    intent: Intent | None = None
    ticket: Ticket | None = None
    """The ticket we keep for the issue: the linked one, else the best of those that the id field
    names.
    """
    parked: Parked | None = None
    linked: bool = False
    """Whether memory holds a link to this very ticket; `link` may also be drawn up from the intent
    of a lost create.
    """
    ticket_gone: bool = False
    """Whether the ticket was missing in an earlier run too, and Jira shows us other tickets of its
    project now.
    """
    create_denied: bool = False
    """Whether a create whose answer was lost has certainly had no effect so far."""
    stranger: Ticket | None = None
    """The ticket that memory links although it does not name the issue. It is never written to."""
    parkable: bool = True
    """Whether the issue may be set aside: not where what memory keeps of that cannot be used."""
    memory_broken: str = ""
    """Why what memory keeps of the issue cannot be used, as a sentence; "" for nearly all. Then
    nothing else is known of it.
    """
    old: bool = False
    """Whether it was old before the first run looked and is left alone, if it has no ticket."""
    noting: Backlog | None = None
    """What memory is to be told of that; `None` when nothing."""
    doubtful: Ticket | None = None
    """The ticket of an older program that seems to hold the issue's id and names another asset or
    rule. It is never written to.
    """
    not_loaded: TicketKey | None = None
    """The linked ticket that Jira knows and could not load; nothing else was asked of it."""


class Action(StrEnum):
    """What a run can do for an issue, in the order in which a plan lists it."""

    CREATE = "create"
    CREATE_AND_CLOSE = "create-and-close"
    REOPEN = "reopen"
    COMMENT = "comment"
    CLOSE = "close"
    ADOPT = "adopt"


def kind_of(action: Action) -> Kind | None:
    """Which limit bounds an action."""
    match action:
        case Action.CREATE | Action.CREATE_AND_CLOSE:
            return Kind.CREATE
        case Action.CLOSE:
            return Kind.CLOSE
        case Action.REOPEN:
            return Kind.REOPEN
        case Action.COMMENT | Action.ADOPT:
            return None
    assert_never(action)


class Reason(StrEnum):
    """Why a case was decided as it was: the word for the rule and the branch that answered."""

    MEMORY_UNREADABLE = "memory_unreadable"
    ISSUE_UNREADABLE = "issue_unreadable"
    TICKET_NOT_LOADED = "ticket_not_loaded"
    BACKLOG = "backlog"
    OUT_OF_SCOPE = "out_of_scope"
    CREATE_UNSETTLED = "create_unsettled"
    ISSUE_GONE = "issue_gone"
    TICKET_MISSING = "ticket_missing"
    TICKET_GONE = "ticket_gone"
    TICKET_UNCONFIRMED = "ticket_unconfirmed"
    LINK_STRANGE = "link_strange"
    TICKET_DOUBTFUL = "ticket_doubtful"
    CREATE_GIVEN_UP = "create_given_up"
    CREATE_CUT_SHORT = "create_cut_short"
    RESOLVED_UNSEEN = "resolved_unseen"
    ACCEPTED = "accepted"
    ACCEPTANCE_ENDED = "acceptance_ended"
    ALREADY_CLOSED = "already_closed"
    OPENED_BY_PERSON = "opened_by_person"
    RESOLVED = "resolved"
    NEW = "new"
    HARD_CLOSED = "hard_closed"
    CAME_BACK = "came_back"
    CLOSED_TOO_EARLY = "closed_too_early"
    UNCHANGED = "unchanged"
    COMMENTS_OFF = "comments_off"
    UPDATED = "updated"
    GATHERED = "gathered"


class Afterwards(StrEnum):
    """What becomes of an issue for which nothing is done now."""

    REMEMBER = "remember"
    """Its version counts as applied."""
    WAIT = "wait"
    """It stays unsettled and holds the watermark."""
    PARK = "park"
    """It is set aside and looked at again later."""


class Decision(Struct, frozen=True, kw_only=True):
    """The answer for one case: the rule that gave it, in a word and in a sentence, and an action or
    none.
    """

    case: Case
    destination: Destination
    """Where a new ticket goes, or whose workflow words count for the ticket that is there."""
    reason: Reason
    because: str
    action: Action | None = None
    afterwards: Afterwards = Afterwards.REMEMBER
    """For decisions without an action; an action's outcome says it for the others."""
    aside: str = ""
    """What an operator should know besides, and no reader of the ticket; "" for nothing."""


class OutcomeKind(StrEnum):
    """How a planned action ended. Every planned action ends in exactly one of these."""

    DONE = "done"
    UNCHANGED = "unchanged"
    FAILED = "failed"
    UNKNOWN = "unknown"
    DEFERRED = "deferred"
    HELD = "held"
    """Its kind is over a limit; it waits until somebody approves it."""


class Outcome(Struct, frozen=True, kw_only=True):
    """How one planned action ended, and what is to be remembered of it."""

    decision: Decision
    kind: OutcomeKind
    link: Link | None = None
    """The link to remember; `None` leaves memory as it is."""
    error_class: str = ""
    message: str = ""
    ticket_key: TicketKey | None = None
