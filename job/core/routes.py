"""Where issues are sent: the destination of each, and the workflow words of the project it is in.

Promises: every decision's destination comes from here, so that project, ticket type, workflow names
and the comment rule are nobody else's to know.
Does not do: reading settings (`wiring.py`), or asking Jira whether its names exist (`check`).
"""

from msgspec import Struct

from job.core.issues import Issue
from job.core.shape import TicketSettings


class Goal(Struct, frozen=True, kw_only=True):
    """Where a ticket should go: by a transition of this name, else to one of these statuses."""

    transition: str
    statuses: tuple[str, ...] = ()
    resolution: str = ""
    """What to set where the screen asks for a resolution; "" lets the adapter choose (Done, else
    the first allowed).
    """


class Workflow(Struct, frozen=True, kw_only=True):
    """What the statuses of a project mean to us, and how its tickets are closed and reopened.

    Names are compared without regard to case.
    """

    close: Goal
    reopen: Goal
    closed: frozenset[str]
    hard_closed: frozenset[str] = frozenset()
    new_status: str = ""
    """The status that a new ticket is moved to; "" leaves it where it starts."""

    def is_hard_closed(self, status: str) -> bool:
        """Never to be reopened."""
        return _among(status, self.hard_closed)

    def is_closed(self, status: str) -> bool:
        """Closed, in either way."""
        return _among(status, self.closed) or self.is_hard_closed(status)


class Destination(Struct, frozen=True, kw_only=True):
    """Where a route sends an issue: project, ticket type, fields, workflow words, comment rule."""

    name: str = "default"
    tickets: TicketSettings
    workflow: Workflow
    comments: bool = True
    """Whether updates of open issues are told."""

    @property
    def project(self) -> str:
        return self.tickets.project_key


class Routes(Struct, frozen=True, kw_only=True):
    """Every destination there is. Today there is one, made from the plain settings."""

    default: Destination

    @property
    def destinations(self) -> tuple[Destination, ...]:
        """All of them, each once."""
        return (self.default,)

    def to(self, _issue: Issue) -> Destination:
        """Where a new ticket of this issue goes."""
        return self.default

    def at(self, _project: str) -> Destination:
        """Whose workflow words and comment rule count for a ticket that stands in this project."""
        return self.default


def _among(status: str, names: frozenset[str]) -> bool:
    return status.casefold() in {name.casefold() for name in names}
