"""Changes memory by hand, and only while no run is at work.

Promises: nothing is changed while any task of a run holds a lease; a run that begins meanwhile
finds ours and leaves the work to the next; what is changed is fenced like the writes of a run.
Does not do: asking whether it may (`commands/`), or deciding what is right.
"""

from collections.abc import AsyncIterator, Collection, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from job.batches import batches
from job.core.ids import IssueId
from job.core.ledger import set_back
from job.core.memory import Changes, Lease, Link, Parked, Watermark
from job.core.shards import Shard
from job.errors import LeaseHeld, MemoryBusy
from job.flow.lease import LEASE, HeldLease
from job.ports import Clock
from job.stores import Store

HOLDER = "by hand"
A_COMMIT = 50
"""Links of up to 110 KB each: some 6 MB, of which a commit takes 10."""
ALONE = Shard().name


class Mending:
    """Memory in the hands of one person. `leases` are ours, by shard.

    Only that of the whole is kept fresh: no run of any number of tasks begins beside it.
    """

    def __init__(self, store: Store, *, leases: dict[str, Lease], clock: Clock) -> None:
        self._store = store
        self._leases = leases
        self._clock = clock
        self._whole = HeldLease(leases[ALONE], store=store, clock=clock)

    async def park(self, entries: Iterable[Parked]) -> None:
        """Writes these entries."""
        for some in batches(entries, size=A_COMMIT):
            await self._commit(Changes(parked=some))

    async def release(self, ids: Iterable[IssueId]) -> None:
        """Forgets that these issues are parked."""
        for some in batches(ids, size=A_COMMIT):
            await self._commit(Changes(released=some))

    async def link(self, links: Iterable[Link]) -> int:
        """Writes those of these links of whose issues memory has none, and says how many."""
        made = 0
        for some in batches(links, size=A_COMMIT):
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

    async def give_back(self, notes: Iterable[IssueId], *, links: Collection[IssueId]) -> None:
        """Drops these notes of a takeover, and with them those of these links."""
        for some in batches(notes, size=A_COMMIT):
            forgotten = tuple(issue_id for issue_id in some if issue_id in links)
            await self._commit(Changes(untaken=tuple(some), forgotten=forgotten))

    async def write(self, records: Sequence[Struct], *, field: str) -> None:
        """Writes records into memory that has none of them; `field` is theirs in `Changes`."""
        for some in batches(records, size=A_COMMIT):
            await self._commit(replace(Changes(), **{field: some}))

    async def mark(self, shard: str, mark: Watermark) -> None:
        """Writes the mark of a shard, whose lease is ours from then on."""
        if shard not in self._leases:
            now = self._clock.now()
            self._leases[shard] = await self._store.take_lease(
                shard, holder=HOLDER, now=now, until=now + LEASE
            )
        await self._store.commit(self._leases[shard], Changes(watermark=mark))

    async def rewind(self, marks: dict[str, Watermark], *, to: datetime) -> None:
        """Sets the marks of these shards back."""
        for shard, mark in marks.items():
            changes = Changes(watermark=set_back(mark, to=to))
            await self._store.commit(self._leases[shard], changes)

    async def _commit(self, changes: Changes) -> None:
        lease = self._leases[ALONE] = await self._whole.hold()
        await self._store.commit(lease, changes)


@asynccontextmanager
async def mending(store: Store, *, clock: Clock) -> AsyncIterator[Mending]:
    """Holds every lease there is for the length of the block. Raises `MemoryBusy`."""
    leases: dict[str, Lease] = {}
    try:
        try:
            await _take_all(leases, store=store, now=clock.now())
        except LeaseHeld as held:
            raise busy(held) from held
        yield Mending(store, leases=leases, clock=clock)
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
