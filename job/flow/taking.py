"""Writes to one ticket what a takeover writes to it, and takes exactly that back.

Promises: the id before the property, so that a ticket is found by it whatever comes; what is no
longer as we wrote it is left alone; Jira's no to one ticket stops no other.
Does not do: memory (`takeover.py`, `takeback.py`).
"""

from msgspec import Struct

from job.core.ids import IssueId
from job.core.model import Ticket
from job.core.present import form
from job.core.remnants import Row
from job.core.shape import CreateScreen
from job.core.taken import Taken
from job.core.tickets import id_value
from job.errors import FateUnknown, TicketRejected
from job.flow.setup import Setup


class Left(Struct, frozen=True, kw_only=True):
    """A ticket for which less was done than was agreed to, and why."""

    issue_id: IssueId
    key: str
    why: str
    failed: bool = False
    """Whether Jira refused it, or its answer never came; it is tried again next time."""


class Ended(Struct, frozen=True, kw_only=True):
    """What became of an `apply` or an `undo`."""

    links: int = 0
    properties: int = 0
    ids: int = 0
    left: tuple[Left, ...] = ()


def added(one: Ended, other: Ended) -> Ended:
    return Ended(
        links=one.links + other.links,
        properties=one.properties + other.properties,
        ids=one.ids + other.ids,
        left=one.left + other.left,
    )


async def _at_any_time() -> None:
    """Nothing keeps back a write that does no more when it is done twice."""


class Hands:
    """Writes to one ticket after another what is planned for it."""

    def __init__(self, setup: Setup, *, screen: CreateScreen) -> None:
        self._jira = setup.ports.jira
        self._policy = setup.policy
        self._screen = screen

    async def write(self, row: Row, *, ticket: Ticket) -> Left | None:
        """The id first: from then on the ticket is found by it, whatever comes."""
        try:
            if row.fills:
                await self._jira.edit(
                    ticket,
                    fields={self._screen.id_field.id: self.value(row.issue_id)},
                    labels={},
                    guard=_at_any_time,
                )
            if row.marks:
                await self._jira.mark(row.ticket_id, value={"v": 1, "issue": row.issue_id})
        except (TicketRejected, FateUnknown) as error:
            return Left(issue_id=row.issue_id, key=row.key, why=str(error), failed=True)
        return None

    async def take_back(self, note: Taken, *, ticket: Ticket | None) -> Ended:
        """The property and the id, each only where it is still what we wrote."""
        properties = ids = 0
        if ticket is None:
            return Ended()
        field = self._screen.id_field.id
        try:
            if note.marks and ticket.is_of(note.issue_id):
                await self._jira.mark(ticket.id, value=None)
                properties = 1
            held = ticket.holds.get(field)
            if note.fills and held and held.form == form(self.value(note.issue_id)):
                await self._jira.edit(ticket, fields={field: None}, labels={}, guard=_at_any_time)
                ids = 1
        except (TicketRejected, FateUnknown) as error:
            left = Left(issue_id=note.issue_id, key=ticket.key, why=str(error), failed=True)
            return Ended(properties=properties, left=(left,))
        return Ended(properties=properties, ids=ids)

    def value(self, issue_id: IssueId) -> str | list[str]:
        """What the id field holds for this issue."""
        settings = self._policy.routes.default.tickets
        return id_value(issue_id, spec=self._screen.id_field, settings=settings)
