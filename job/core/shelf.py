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
from typing import overload

from msgspec import Struct

from job.core.ids import IssueId, TicketId
from job.core.model import Action, Afterwards, Decision, Reason
from job.core.routes import Destination

WHOLE_MAX = 10_000
"""So many are held whole: packing and unpacking costs 60 microseconds for each of the others."""
_WINDOW = -11
"""2 KB, the length of one decision: all that they share is in the one that serves as dictionary."""


class Packed(Struct, frozen=True):
    """One decision as the difference from another one."""

    difference: bytes
    dictionary: bytes


class Held(Struct, frozen=True):
    """One decision on the shelf, and what a plan asks of it most."""

    issue_id: IssueId
    touched_at: datetime
    action: Action | None
    reason: Reason
    afterwards: Afterwards
    destination: Destination
    ticket_id: TicketId | None
    _kept: Decision | Packed

    @classmethod
    def of(cls, decision: Decision, *, dictionary: bytes = b"") -> "Held":
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
            _pack(decision, dictionary=dictionary) if dictionary else decision,
        )

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
        self._held: dict[IssueId, Held] = {}

    def put(self, decision: Decision) -> None:
        self.drop(decision.case.issue.id)
        if not self._dictionary and len(self._held) >= self._whole_max:
            self._dictionary = _plain(decision)
        self._held[decision.case.issue.id] = Held.of(decision, dictionary=self._dictionary)

    def drop(self, issue_id: IssueId) -> None:
        self._held.pop(issue_id, None)

    def __iter__(self) -> Iterator[Held]:
        return iter(self._held.values())

    def __len__(self) -> int:
        return len(self._held)


@dataclass(frozen=True, slots=True)
class Row(Sequence[Decision]):
    """Decisions in a fixed order, each unpacked when it is taken."""

    held: tuple[Held, ...] = ()

    def of(self, actions: Container[Action | None]) -> Iterator[Decision]:
        """Those with one of these actions, in their order."""
        return (held.whole() for held in self.held if held.action in actions)

    @overload
    def __getitem__(self, place: int) -> Decision: ...
    @overload
    def __getitem__(self, place: slice) -> "Row": ...
    def __getitem__(self, place: int | slice) -> "Decision | Row":
        return Row(self.held[place]) if isinstance(place, slice) else self.held[place].whole()

    def __len__(self) -> int:
        return len(self.held)


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
