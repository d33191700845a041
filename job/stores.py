"""What a run needs of our memory, as promises without code.

Promises: `flow/` knows these and no store behind them. Every method may raise `StopsRun`; other
errors are named where they come.
Does not do: keeping them, which `state/*.py` does, or what else is outside (`ports.py`).
"""

from collections.abc import AsyncIterator, Collection, Sequence
from datetime import datetime
from typing import Protocol, TypeVar

from job.core.backlog import Backlog
from job.core.held import HeldSet, Piece, Quota
from job.core.ids import IssueId, TicketId
from job.core.memory import (
    Broken,
    Changes,
    Intent,
    Lease,
    Link,
    Noted,
    Parked,
    RunRecord,
    Watermark,
)
from job.core.taken import Taken

K = TypeVar("K", Link, Intent, Parked, Backlog, Taken, Piece, HeldSet, RunRecord)
"""Kinds of which there are many: all but leases, watermarks and the quota."""


class Store(Protocol):
    """Our memory between runs. Raises `StateUnreadable` rather than guess. Where there is a
    `broken`, a document of one issue that cannot be used is noted there and left out instead.
    """

    async def take_lease(self, shard: str, *, holder: str, now: datetime, until: datetime) -> Lease:
        """Takes the right to write. Raises `LeaseHeld` while another run's lease is good."""
        ...

    async def renew_lease(self, lease: Lease, *, until: datetime) -> Lease:
        """The same lease with a later end. Raises `LeaseLost`."""
        ...

    async def release_lease(self, lease: Lease) -> None:
        """Gives the right back; nothing happens when it is no longer ours."""
        ...

    async def leases(self) -> list[Lease]:
        """The last lease given for each shard, whether it still holds or not."""
        ...

    async def watermark(self, shard: str) -> Watermark | None: ...

    async def watermarks(self) -> dict[str, Watermark]:
        """The watermark of each shard that has one, by the shard's name."""
        ...

    async def links(
        self, ids: Collection[IssueId], *, broken: Broken | None = None
    ) -> dict[IssueId, Link]: ...

    def live_links(self, *, broken: Broken | None = None) -> AsyncIterator[Sequence[Link]]:
        """Every link whose issue was active when last applied, in pieces."""
        ...

    def every(self, kind: type[K]) -> AsyncIterator[Sequence[K]]:
        """All records of one kind, in pieces, live or not. Raises `StateUnreadable` for one that
        cannot be used.
        """
        ...

    async def live_count(self) -> int:
        """How many live links there are."""
        ...

    async def intents(self, *, broken: Broken | None = None) -> list[Intent]:
        """Every intent that stands: writes whose fate is unknown."""
        ...

    async def parked(self, *, broken: Broken | None = None) -> list[Parked]: ...

    async def backlog(
        self, ids: Collection[IssueId], *, broken: Broken | None = None
    ) -> dict[IssueId, Backlog]:
        """Of these issues, those that are noted as left alone."""
        ...

    async def pieces(self, *, broken: Broken | None = None) -> list[Piece]:
        """All that any shard holds, or was granted to one of its runs."""
        ...

    async def held_set(self, digest: str) -> HeldSet | None:
        """What this digest names; `None` when nothing of that name was held lately."""
        ...

    async def quota(self) -> Quota:
        """What all tasks share of the limits."""
        ...

    async def change_quota(self, changed: Quota) -> bool:
        """Keeps this quota if the one that is kept has the revision before its own, else does
        nothing and says False. Needs no lease, for nobody owns it alone.
        """
        ...

    async def due(self, now: datetime) -> list[IssueId]:
        """The issues whose tickets are to be told by now what was gathered (`Link.tell_at`)."""
        ...

    async def issues_of(self, ticket_id: TicketId) -> list[IssueId]:
        """The issues whose links lead to this ticket: one, or none if it is nobody's."""
        ...

    async def note(self, noted: Noted) -> None:
        """Keeps a note, in place of an older one of the same ticket. Needs no lease: who tells us
        of tickets is no run.
        """
        ...

    async def noted(self, *, broken: Broken | None = None) -> list[Noted]:
        """Every note that stands."""
        ...

    async def forget_noted(self, seen: Collection[Noted]) -> None:
        """Drops these notes, but for those that a newer delivery has replaced meanwhile."""
        ...

    async def commit(self, lease: Lease, changes: Changes) -> None:
        """Writes all of it or nothing, only while the lease's fence is the newest. Raises
        `LeaseLost`.
        """
        ...

    async def prove_writable(self) -> None:
        """Proves that it could be written to, and changes nothing."""
        ...

    async def runs(self, *, limit: int) -> list[RunRecord]:
        """The newest records first."""
        ...
