"""Holds the right to write for the length of a run.

Promises: nobody writes without asking `hold` first, when the write is about to leave; it renews the
lease in good time, and the lease is short, so that of a killed run dies within minutes; when it
cannot be held for as long as the next write may take, it raises instead of hoping; tasks of two
different numbers, whose shards overlap, are never at work together.
Does not do: keeping the lease itself, which the store does (`state/rules.py`).
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import structlog

from job.core.memory import Lease
from job.core.shards import Shard
from job.ports import Clock
from job.stores import Store

log = structlog.get_logger()

LEASE = timedelta(minutes=6)
LONGEST_WRITE = timedelta(minutes=4)
"""A write may wait two minutes for its answer; as long again for clocks that differ and for the
renewal itself.
"""


class HeldLease:
    """The lease of one run, kept fresh by those who use it."""

    def __init__(self, lease: Lease, *, store: Store, clock: Clock) -> None:
        self.lease = lease
        self._store = store
        self._clock = clock
        self._renewing = asyncio.Lock()

    async def hold(self) -> Lease:
        """The lease, good for the longest write from now on. Raises `LeaseLost`.

        One that ran out is renewed like any other, for the store refuses that once somebody else
        has taken it.
        """
        if not self._is_good():
            async with self._renewing:
                if not self._is_good():
                    self.lease = await self._store.renew_lease(
                        self.lease, until=self._clock.now() + LEASE
                    )
        return self.lease

    def _is_good(self) -> bool:
        return self.lease.until - self._clock.now() >= LONGEST_WRITE


@asynccontextmanager
async def take_lease(
    shard: Shard, *, holder: str, store: Store, clock: Clock
) -> AsyncIterator[HeldLease]:
    """Takes the lease for the length of the block. Raises `LeaseHeld`."""
    now = clock.now()
    lease = await store.take_lease(shard.name, holder=holder, now=now, until=now + LEASE)
    held = HeldLease(lease, store=store, clock=clock)
    try:
        await _shut_out_others(shard, holder=holder, store=store, clock=clock)
        yield held
    finally:
        await store.release_lease(held.lease)


async def _shut_out_others(shard: Shard, *, holder: str, store: Store, clock: Clock) -> None:
    """Makes sure that nobody writes under a lease of another number of tasks. Raises `LeaseHeld`.

    Ours is taken before theirs are looked at, so of two that begin together at least one sees the
    other. A lease that ran out is taken and given back: that raises its fence, and a late write of
    its holder can no longer arrive.
    """
    for other in await store.leases():
        if shard.cuts_differently(other.shard) and other.holder:
            now = clock.now()
            await store.release_lease(
                await store.take_lease(other.shard, holder=holder, now=now, until=now)
            )
