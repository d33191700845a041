"""Holds decisions until their turn comes: whole while they are few, packed when they are very many.

A first load decides about hundreds of thousands of issues before it may write the first ticket, for
the limits of a plan need the whole count. Whole, each decision takes more than a kilobyte, nearly
all of it words that thousands of issues share; packed, about a third of that.

Promises: what comes out equals what was put in; to order, count and name what is held, nothing is
unpacked. What is packed never leaves the process.
Does not do: storing or sending anything.
"""

import pickle
import zlib
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import overload

from msgspec import Struct

from job.core.held import Kind
from job.core.ids import IssueId, TicketId
from job.core.issues import Issue
from job.core.memory import IntentKind
from job.core.model import Action, Afterwards, Decision, Reason, kind_of
from job.core.routes import Destination

WHOLE_MAX = 10_000
"""So many are held whole: packing and unpacking costs 60 microseconds for each of the others."""
_WINDOW = -11
"""2 KB, the length of one decision: all that they share is in the one that serves as dictionary."""


class Packed(Struct, frozen=True):
    """One decision as the difference from another one."""

    difference: bytes
    dictionary: bytes


class Weight(StrEnum):
    """What an action counts for its limit."""

    NOTHING = "nothing"
    """Nothing bounds it, or it finishes what an earlier run began."""
    ONCE_TRIED = "once_tried"
    """It was tried before and failed: it counted then."""
    NEW = "new"


class Shelved(Struct, frozen=True):
    """One decision on the shelf, and what a plan asks of it most."""

    issue_id: IssueId
    touched_at: datetime
    action: Action | None
    reason: Reason
    afterwards: Afterwards
    destination: Destination
    ticket_id: TicketId | None
    weight: Weight
    attempts: int
    """How often it was tried in vain; then a note of it is parked."""
    urgency: float
    """The smaller, the worse is the issue: critical before all others, then by CVSS, then by when
    it was first seen. One number, for there are very many of them.
    """
    _kept: Decision | Packed

    @classmethod
    def of(cls, decision: Decision, *, dictionary: bytes = b"") -> "Shelved":
        """Whole, or packed if there is a dictionary."""
        issue, ticket = decision.case.issue, decision.case.ticket
        return cls(
            issue.id,
            issue.touched_at,
            decision.action,
            decision.reason,
            decision.afterwards,
            decision.destination,
            ticket.id if ticket else None,
            _weight(decision),
            decision.case.parked.attempts if decision.case.parked else 0,
            _urgency(issue),
            _pack(decision, dictionary=dictionary) if dictionary else decision,
        )

    @property
    def kind(self) -> Kind | None:
        """Which limit bounds it."""
        return kind_of(self.action) if self.action else None

    @property
    def line(self) -> str:
        """Names the action, the issue and what it is done to."""
        return f"{self.action} {self.issue_id} {self.ticket_id or '-'} {self.destination.project}"

    def whole(self) -> Decision:
        """The decision itself."""
        if isinstance(self._kept, Decision):
            return self._kept
        return _unpack(self._kept, destination=self.destination)


class Shelf:
    """The decisions of a run; of one issue only the last that was put there."""

    def __init__(self, *, whole_max: int = WHOLE_MAX) -> None:
        self._whole_max = whole_max
        self._dictionary = b""
        self._shelved: dict[IssueId, Shelved] = {}

    def put(self, decision: Decision) -> None:
        self.drop(decision.case.issue.id)
        if not self._dictionary and len(self._shelved) >= self._whole_max:
            self._dictionary = _plain(decision)
        self._shelved[decision.case.issue.id] = Shelved.of(decision, dictionary=self._dictionary)

    def drop(self, issue_id: IssueId) -> None:
        self._shelved.pop(issue_id, None)

    def __iter__(self) -> Iterator[Shelved]:
        return iter(self._shelved.values())

    def __len__(self) -> int:
        return len(self._shelved)


@dataclass(frozen=True, slots=True)
class Row(Sequence[Decision]):
    """Decisions in a fixed order, each unpacked when it is taken."""

    shelved: tuple[Shelved, ...] = ()

    def of(self, actions: Container[Action | None]) -> Iterator[Decision]:
        """Those with one of these actions, in their order."""
        return (shelved.whole() for shelved in self.shelved if shelved.action in actions)

    @overload
    def __getitem__(self, place: int) -> Decision: ...
    @overload
    def __getitem__(self, place: slice) -> "Row": ...
    def __getitem__(self, place: int | slice) -> "Decision | Row":
        return Row(self.shelved[place]) if isinstance(place, slice) else self.shelved[place].whole()

    def __len__(self) -> int:
        return len(self.shelved)


def _urgency(issue: Issue) -> float:
    """The seconds of an epoch have ten digits; what counts for more stands before them."""
    seen_at = issue.first_seen_at or issue.created_at or issue.touched_at
    mildness = (0 if issue.critical else 1_000) + round(10 * (10 - (issue.max_cvss or 0.0)))
    return mildness * 1e10 + seen_at.timestamp()


def _weight(decision: Decision) -> Weight:
    kind = kind_of(decision.action) if decision.action else None
    parked, intent = decision.case.parked, decision.case.intent
    begun = intent is not None and intent.kind is IntentKind.CREATE
    if kind is None or decision.reason is Reason.CREATE_CUT_SHORT:
        return Weight.NOTHING
    if kind is Kind.CREATE and begun:
        return Weight.NOTHING
    return Weight.ONCE_TRIED if parked and parked.tried == kind else Weight.NEW


_PACKED = tuple(name for name in Decision.__struct_fields__ if name != "destination")
"""What is packed of a decision. Of destinations there are few, so they are held as they are."""


def _plain(decision: Decision) -> bytes:
    return pickle.dumps([getattr(decision, name) for name in _PACKED], protocol=5)


def _pack(decision: Decision, *, dictionary: bytes) -> Packed:
    packer = zlib.compressobj(1, zlib.DEFLATED, _WINDOW, zdict=dictionary)
    return Packed(packer.compress(_plain(decision)) + packer.flush(), dictionary)


def _unpack(packed: Packed, *, destination: Destination) -> Decision:
    unpacker = zlib.decompressobj(_WINDOW, zdict=packed.dictionary)
    plain = unpacker.decompress(packed.difference) + unpacker.flush()
    # This process packed it, and nobody else saw it since.
    values = pickle.loads(plain)  # noqa: S301
    return Decision(destination=destination, **dict(zip(_PACKED, values, strict=True)))
