"""Tickets that older programs left behind, as they were found and as they are classed.

Promises: every value is frozen; the same rows give the same digest.
Does not do: saying which class a ticket is of (`takeover.py`).
"""

from collections import Counter
from enum import StrEnum
from hashlib import sha256
from typing import assert_never

from msgspec import Struct

from job.core.ids import IssueId, TicketId, TicketKey
from job.core.model import Ticket


class Class(StrEnum):
    """What a ticket is."""

    OURS = "ours"
    HYPHENATED = "2.x or 3.x"
    HEX = "1.x"
    HEX_DOUBTFUL = "1.x, doubtful"
    EPIC = "epic of 3.x"
    ORPHAN = "orphan"
    ORPHAN_UNSURE = "orphan, unsure"
    ONE_OF_SEVERAL = "one of several"
    NOT_OURS = "not ours"

    @property
    def is_taken(self) -> bool:
        """Whether tickets of this class are taken over."""
        return self in {Class.OURS, Class.HYPHENATED, Class.HEX, Class.ORPHAN}

    @property
    def becomes(self) -> str:
        """What becomes of such tickets, for whoever reads the plan."""
        match self:
            case Class.OURS | Class.HYPHENATED | Class.HEX:
                said = "kept for their issues; id fields stay as they are"
            case Class.ORPHAN:
                said = "kept for the issues they are of; their empty id fields are filled"
            case Class.HEX_DOUBTFUL:
                said = "left alone; a run makes no ticket beside one and parks its issue"
            case Class.ORPHAN_UNSURE:
                said = "left alone; write the issue's id into the field of those that are right"
            case Class.ONE_OF_SEVERAL:
                said = "left alone; another ticket of the same issue is kept"
            case Class.EPIC | Class.NOT_OURS:
                said = "left alone"
            case _:
                assert_never(self)
        return said


class Remnant(Struct, frozen=True, kw_only=True):
    """A ticket as it was found: by what its id field holds, or by its summary."""

    ticket: Ticket
    ours: bool
    """Whether it bears our property."""
    held: tuple[str, ...]
    """What its id field holds."""
    summary: str
    words: str
    """What its description says."""
    reporter: str
    """The account that made it; "" where Jira does not say."""


class Row(Struct, frozen=True, kw_only=True):
    """One ticket of the plan, and what is written for it."""

    ticket_id: TicketId
    key: TicketKey
    what: Class
    why: str
    issue_id: IssueId = IssueId("")
    """"" where it is of no issue that could be told."""
    confidence: int = 100
    """In hundredths."""
    links: bool = False
    marks: bool = False
    fills: bool = False

    @property
    def writes(self) -> bool:
        """Whether anything is to be written for it."""
        return self.links or self.marks or self.fills

    @property
    def writing(self) -> str:
        """What is written, in words."""
        parts = {"link": self.links, "property": self.marks, "id field": self.fills}
        return ", ".join(name for name, wanted in parts.items() if wanted)


class Takeover(Struct, frozen=True, kw_only=True):
    """The plan: a row for each ticket that was looked at, in the order of their ages."""

    rows: tuple[Row, ...]

    @property
    def counts(self) -> Counter[Class]:
        return Counter(row.what for row in self.rows)

    @property
    def work(self) -> tuple[Row, ...]:
        """The rows for which something is written."""
        return tuple(row for row in self.rows if row.writes)

    @property
    def digest(self) -> str:
        """Names all that would be written."""
        lines = (
            f"{row.ticket_id} {row.issue_id} {row.links:d}{row.marks:d}{row.fills:d}"
            for row in self.work
        )
        return sha256("\n".join(lines).encode()).hexdigest()[:16]
