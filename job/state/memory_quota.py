"""What a store in memory keeps besides links and leases: notes, backlog, pieces, quota, runs.

Promises: as `memory.py`, which this is a part of; each operation calls `hook` on both sides.
Does not do: leases.
"""

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Literal

from job.core.backlog import Backlog
from job.core.held import KNOWN_FOR, HeldSet, Piece, Quota
from job.core.ids import IssueId
from job.core.memory import Broken, Changes, Noted, RunRecord
from job.core.taken import Taken
from job.state import records, rules

Hook = Callable[[str, Literal["before", "after"]], None]


class MemoryQuota:
    """A part of the `Store` of `job/stores.py` as plain dicts."""

    def __init__(self, *, hook: Hook | None) -> None:
        self.hook = hook
        self.spent = rules.Spent()
        self._backlog: dict[IssueId, Backlog] = {}
        self._taken: dict[IssueId, Taken] = {}
        self._pieces: dict[str, Piece] = {}
        self._held_sets: dict[str, HeldSet] = {}
        self._quota = Quota()
        self._runs: dict[str, RunRecord] = {}
        self._noted: dict[str, Noted] = {}

    async def note(self, noted: Noted) -> None:
        with self._operation("note"):
            self._noted[records.note_id(noted)] = noted
            self.spent.noted()

    async def noted(self, *, broken: Broken | None = None) -> list[Noted]:
        with self._operation("noted"):
            self.spent.listed(len(self._noted))
            return list(self._noted.values())

    async def forget_noted(self, seen: Collection[Noted]) -> None:
        with self._operation("forget_noted"):
            self.spent.forgot(len(seen))
            for noted in seen:
                if self._noted.get(records.note_id(noted)) == noted:
                    del self._noted[records.note_id(noted)]

    async def backlog(
        self, ids: Collection[IssueId], *, broken: Broken | None = None
    ) -> dict[IssueId, Backlog]:
        with self._operation("backlog"):
            wanted = dict.fromkeys(ids)
            self.spent["read"] += len(wanted)
            return {key: self._backlog[key] for key in wanted if key in self._backlog}

    async def pieces(self, *, broken: Broken | None = None) -> list[Piece]:
        with self._operation("pieces"):
            self.spent.listed(len(self._pieces))
            return list(self._pieces.values())

    async def held_set(self, digest: str) -> HeldSet | None:
        with self._operation("held_set"):
            self.spent.read(1)
            return self._held_sets.get(digest)

    async def quota(self) -> Quota:
        with self._operation("quota"):
            self.spent.read(1)
            return self._quota

    async def change_quota(self, changed: Quota) -> bool:
        with self._operation("change_quota"):
            self.spent.changed_quota()
            if self._quota.revision + 1 != changed.revision:
                return False
            self._quota = changed
            return True

    def apply(self, changes: Changes) -> None:
        """What a commit changes of it."""
        self._backlog.update((old.issue_id, old) for old in changes.backlog)
        self._taken.update((note.issue_id, note) for note in changes.taken)
        for issue_id in changes.untaken:
            self._taken.pop(issue_id, None)
        self._pieces.update((piece.name, piece) for piece in changes.pieces)
        self._held_sets.update((held.digest, held) for held in changes.held_sets)
        for name in changes.dropped:
            self._pieces.pop(name, None)

    @property
    def others(self) -> Iterator[Backlog | Taken | Piece | HeldSet | RunRecord]:
        """All that is kept here."""
        yield from self._backlog.values()
        yield from self._taken.values()
        yield from self._pieces.values()
        yield from self._held_sets.values()
        yield from self._runs.values()

    async def runs(self, *, limit: int) -> list[RunRecord]:
        with self._operation("runs"):
            newest = sorted(self._runs.values(), key=lambda run: run.started_at, reverse=True)[
                :limit
            ]
            self.spent.read(len(newest))
            return newest

    def forget(self, now: datetime) -> None:
        """Drops what has expired by now."""
        self._pieces = {
            name: piece for name, piece in self._pieces.items() if records.piece_ends(piece) > now
        }
        self._held_sets = {
            digest: held for digest, held in self._held_sets.items() if held.at + KNOWN_FOR > now
        }

    @contextmanager
    def _operation(self, name: str) -> Iterator[None]:
        """Where a simulation may crash: before an operation has its effect, or after it and before
        the caller knows.
        """
        if self.hook:
            self.hook(name, "before")
        yield
        if self.hook:
            self.hook(name, "after")
