"""Changes memory by hand, and only while no run is at work.

Promises: nothing is changed while any task of a run holds a lease; a run that begins meanwhile
finds ours and leaves the work to the next; what is changed is fenced like the writes of a run.
Does not do: asking whether it may (`commands/`), or deciding what is right.
"""

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import TypeVar

from msgspec import Struct
from msgspec.structs import replace

from job.core.ids import IssueId
from job.core.memory import Changes, Lease, Link, Parked, Watermark
from job.core.shards import Shard
from job.errors import LeaseHeld, MemoryBusy
from job.flow.lease import LEASE
from job.ports import Clock
from job.stores import Store

T = TypeVar("T")

HOLDER = "by hand"
A_COMMIT = 200
ALONE = Shard().name


class Mending:
    """Memory in the hands of one person. `leases` are ours, by shard."""

    def __init__(self, store: Store, *, leases: dict[str, Lease]) -> None:
        self._store = store
        self._leases = leases

    async def park(self, entries: Iterable[Parked]) -> None:
        """Writes these entries."""
        for some in _batches([*entries]):
            await self._commit(Changes(parked=tuple(some)))

    async def release(self, ids: Iterable[IssueId]) -> None:
        """Forgets that these issues are parked."""
        for some in _batches([*ids]):
            await self._commit(Changes(released=tuple(some)))

    async def link(self, links: Iterable[Link]) -> int:
        """Writes those of these links of whose issues memory has none, and says how many."""
        made = 0
        for some in _batches([*links]):
            known = await self._store.links([link.issue_id for link in some])
            new = tuple(link for link in some if link.issue_id not in known)
            made += len(new)
            if new:
                await self._commit(Changes(links=new))
        return made

    async def forget(self, issue_id: IssueId, *, parked: bool) -> None:
        """Drops the link of this issue, and that it is parked."""
        released = (issue_id,) if parked else ()
        await self._commit(Changes(forgotten=(issue_id,), released=released))

    async def write(self, records: Sequence[Struct], *, field: str) -> None:
        """Writes records into memory that has none of them; `field` is theirs in `Changes`."""
        for some in _batches([*records]):
            await self._commit(replace(Changes(), **{field: tuple(some)}))

    async def mark(self, shard: str, mark: Watermark) -> None:
        """Writes the mark of a shard, whose lease is ours from then on."""
        if shard not in self._leases:
            until = self._leases[ALONE].until
            lease = await self._store.take_lease(
                shard, holder=HOLDER, now=until - LEASE, until=until
            )
            self._leases[shard] = lease
        await self._store.commit(self._leases[shard], Changes(watermark=mark))

    async def rewind(self, marks: dict[str, Watermark], *, to: datetime) -> None:
        """Sets the marks of these shards back."""
        for shard, mark in marks.items():
            changes = Changes(watermark=replace(mark, at=to))
            await self._store.commit(self._leases[shard], changes)

    async def _commit(self, changes: Changes) -> None:
        await self._store.commit(self._leases[ALONE], changes)


@asynccontextmanager
async def mending(store: Store, *, clock: Clock) -> AsyncIterator[Mending]:
    """Holds every lease there is for the length of the block. Raises `MemoryBusy`."""
    leases: dict[str, Lease] = {}
    try:
        try:
            await _take_all(leases, store=store, now=clock.now())
        except LeaseHeld as held:
            raise busy(held) from held
        yield Mending(store, leases=leases)
    finally:
        for lease in leases.values():
            await store.release_lease(lease)


async def _take_all(leases: dict[str, Lease], *, store: Store, now: datetime) -> None:
    """Takes each lease that was ever given, and looks again: a task of another number of tasks may
    have begun meanwhile. It finds our lease, or we find its. Raises `LeaseHeld`.
    """
    for shard in sorted({lease.shard for lease in await store.leases()} | {ALONE}):
        leases[shard] = await store.take_lease(shard, holder=HOLDER, now=now, until=now + LEASE)
    for lease in await store.leases():
        if lease.shard not in leases and lease.holder and lease.until > now:
            raise LeaseHeld(lease.shard, lease.holder, lease.until)


def busy(held: LeaseHeld) -> MemoryBusy:
    return MemoryBusy(
        "store",
        "taking the lease",
        f"{held} Nothing was changed.",
        "Wait until that run has ended. Should it be dead, its lease ends by itself at that time; "
        "`state release-lease` ends it at once.",
    )


def _batches(entries: list[T]) -> Iterable[list[T]]:
    return (entries[at : at + A_COMMIT] for at in range(0, len(entries), A_COMMIT))
