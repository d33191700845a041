"""Where issues are sent: the destination of each, and the workflow words of the project it is in.

Promises: every decision's destination comes from here, so that project, ticket type, workflow names
and the comment rule are nobody else's to know.
Does not do: reading settings (`wiring.py`), or asking Jira whether its names exist (`check`).
"""

from datetime import timedelta
from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

from job.core.conditions import When
from job.core.issues import Issue
from job.core.shape import TicketSettings
from job.core.statuses import Status


class Purpose(StrEnum):
    """What a ticket is moved for."""

    CLOSE = "close"
    REOPEN = "reopen"
    BEGIN = "begin"
    """A new ticket gets its first status."""


DEFAULT = "default"
"""What the destination of the plain settings is called, and in tests of routes the way there."""
SKIP = "skip"
"""What tests of routes call it when an issue gets no ticket. No route may have either name."""


class Goal(Struct, frozen=True, kw_only=True):
    """Where a ticket should go: by a transition of this name, else to one of these statuses. To
    begin with, where a transition leads counts before what it is called.
    """

    transition: str
    statuses: tuple[str, ...] = ()
    """Names or ids."""
    purpose: Purpose = Purpose.CLOSE
    resolution: str = ""
    """What to set where the screen lists a resolution; "" lets the adapter choose (Done, else the
    first allowed).
    """
    fields: tuple[tuple[str, str], ...] = ()
    """Further fields of the screen (name or id) -> value."""
    leaves: tuple[str, ...] = ()
    """The ticket has arrived as soon as it is in none of these, wherever that is."""

    def is_reached(self, status: Status) -> bool:
        """Whether a ticket in this status is where it should go, whoever brought it there."""
        if self.leaves:
            return not status.among(self.leaves)
        return status.among(self.statuses)


class Workflow(Struct, frozen=True, kw_only=True):
    """What the statuses of a project mean to us, and how its tickets are closed and reopened.

    Statuses are named or given by their ids (`statuses.py`).
    """

    close: Goal
    reopen: Goal
    closed: frozenset[str]
    hard_closed: frozenset[str] = frozenset()
    accepted: frozenset[str] = frozenset()
    """Where people put a risk that they accept."""
    new_status: str = ""
    """The status that a new ticket is moved to; "" leaves it where it starts."""

    def is_hard_closed(self, status: Status) -> bool:
        """Never to be reopened."""
        return status.among(self.hard_closed)

    def is_closed(self, status: Status) -> bool:
        """Closed, in either way."""
        return status.among(self.closed) or self.is_hard_closed(status)

    def is_accepted(self, status: Status) -> bool:
        """Whether people accept the risk of a ticket that stands there."""
        return status.among(self.accepted)

    def is_closed_unnamed(self, status: Status) -> bool:
        """Whether Jira says that work is over there, and the settings say nothing of it."""
        named = (*self.closed, *self.hard_closed, *self.accepted, self.new_status)
        return status.is_done and not status.among(named)

    @property
    def closing(self) -> Goal:
        """How a ticket is closed."""
        return replace(self.close, purpose=Purpose.CLOSE)

    @property
    def reopening(self) -> Goal:
        """How a ticket is reopened: it has arrived when it is in no closed status."""
        leaves = tuple(sorted({*self.closed, *self.hard_closed, *self.accepted}))
        return replace(self.reopen, purpose=Purpose.REOPEN, leaves=leaves)

    @staticmethod
    def beginning(status: str) -> Goal:
        """How a new ticket gets its first status."""
        return Goal(transition=status, statuses=(status,), purpose=Purpose.BEGIN)


class CommentWhen(StrEnum):
    """Which updates of open issues are told."""

    CHANGE = "change"
    """What is new about an issue."""
    UPDATE = "update"
    """Each time that Halo reports the issue, new or not."""
    NEVER = "never"


class CommentRule(Struct, frozen=True, kw_only=True):
    """When a ticket is talked at."""

    when: CommentWhen = CommentWhen.CHANGE
    every: timedelta = timedelta(hours=24)
    """So long after a comment, news is gathered and then told together; 0 tells all at once."""
    public: bool = False
    """Whether customers of a service project see our comments."""


class Destination(Struct, frozen=True, kw_only=True):
    """Where a route sends an issue: project, ticket type, fields, workflow words, comment rule."""

    name: str = DEFAULT
    """The route's; it stands in the ticket's property and in the log."""
    tickets: TicketSettings
    workflow: Workflow
    comment_rule: CommentRule = CommentRule()

    @property
    def comments(self) -> bool:
        """Whether updates of open issues are told."""
        return self.comment_rule.when is not CommentWhen.NEVER

    @property
    def project(self) -> str:
        return self.tickets.project_key

    @property
    def mark(self) -> dict[str, str]:
        """What the property of a ticket says of the route that brought it there."""
        return {} if self.name == DEFAULT else {"route": self.name}


class Rule(Struct, frozen=True, kw_only=True):
    """One route: where the issues go that it is for, or why they get no tickets."""

    name: str
    when: When
    to: Destination | None = None
    """`None` for a rule that skips."""
    skip: str = ""
    """Why its issues get no tickets, in the words of whoever decided it."""


class Routes(Struct, frozen=True, kw_only=True):
    """Every destination there is: that of the plain settings, and those of the rules."""

    default: Destination
    rules: tuple[Rule, ...] = ()
    """In their order: the first that is for an issue counts."""
    skips_others: bool = False
    """Whether an issue that no rule is for gets no ticket; else it goes to the default."""

    @property
    def destinations(self) -> tuple[Destination, ...]:
        """All to which something may go, each once."""
        ours = tuple(rule.to for rule in self.rules if rule.to is not None)
        return ours if self.skips_others and ours else (self.default, *ours)

    def skipped(self, issue: Issue) -> str:
        """Why this issue gets no ticket, as a sentence; "" where it gets one."""
        rule = self._rule(issue)
        if rule is not None:
            return f'Route "{rule.name}" skips it: {rule.skip}' if rule.to is None else ""
        return "No route is for it, and the others are skipped." if self.skips_others else ""

    def to(self, issue: Issue) -> Destination:
        """Where a new ticket of this issue goes."""
        rule = self._rule(issue)
        return self.default if rule is None or rule.to is None else rule.to

    def at(self, project: str) -> Destination:
        """Whose workflow words count for a ticket that stands in this project. They are the same in
        all destinations of one project.
        """
        return next((to for to in self.destinations if to.project == project), self.default)

    def of(self, issue: Issue, *, project: str) -> Destination:
        """Whose words count for a ticket of this issue that stands in this project: its own
        route's, as long as that leads there.
        """
        own = self.to(issue)
        return own if own.project == project else self.at(project)

    def _rule(self, issue: Issue) -> Rule | None:
        return next((rule for rule in self.rules if rule.when.holds(issue)), None)
