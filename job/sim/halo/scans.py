"""What Halo's scans leave behind: findings and events, each under an id of its own.

Promises: ids are UUIDs of version 1 in time order, as Halo's are, and come from the seed; whatever
was found once can be asked for by its ids for ever.
Does not do: deciding what a scan finds (`estate.py`), or how it is written down (`evidence.py`).
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Final, Generic, TypeVar
from uuid import UUID

_UUID_EPOCH: Final = datetime(1582, 10, 15, tzinfo=UTC)
T = TypeVar("T")


@dataclass(slots=True)
class Finding:
    """One scan's evidence. `revision` is what the evidence says: a rescan that found the same keeps
    it.
    """

    scan_id: str
    finding_id: str
    created_at: datetime
    revision: int
    is_event: bool


def bare(hyphenated: str) -> str:
    return hyphenated.replace("-", "")


class Ids:
    """New ids, drawn from the world's own generator."""

    def __init__(self, now: Callable[[], datetime], *, draw: Random) -> None:
        self._now = now
        self._random = draw
        self._made = 0

    def new(self) -> str:
        """A hyphenated UUID of version 1: time-ordered, as Halo's are, and from the seed."""
        self._made += 1
        ticks = (self._now() - _UUID_EPOCH) // timedelta(microseconds=1) * 10 + self._made
        low, middle, high = ticks & 0xFFFFFFFF, (ticks >> 32) & 0xFFFF, (ticks >> 48) & 0x0FFF
        rest = self._random.getrandbits(14) | 0x8000
        node = self._random.getrandbits(48)
        return str(UUID(fields=(low, middle, high | 0x1000, rest >> 8, rest & 0xFF, node)))

    def unordered(self) -> str:
        """A UUID of version 4, as images and cloud resources have."""
        return str(UUID(int=self._random.getrandbits(128), version=4))


class Scans(Generic[T]):
    """Everything that scans have found, each with the issue that it is about."""

    def __init__(self, ids: Ids) -> None:
        self.findings: dict[tuple[str, str], tuple[T, Finding]] = {}
        self.events: dict[str, tuple[T, Finding]] = {}
        self._ids = ids

    def add(self, issue: T, *, at: datetime, revision: int, is_event: bool) -> Finding:
        finding = Finding(bare(self._ids.new()), bare(self._ids.new()), at, revision, is_event)
        found = (issue, finding)
        self.findings[finding.scan_id, finding.finding_id] = found
        self.events[finding.finding_id] = found
        return finding
