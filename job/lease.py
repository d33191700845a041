"""Holds the right to write for the length of a run.

Promises: nobody writes without asking `hold` first; it renews the lease in good time, and the lease is short, so that
of a killed run dies within minutes; when it cannot be held for as long as the next write may take, it raises instead of
hoping.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import structlog

from job.core.model import Lease
from job.errors import LeaseLost
from job.ports import Clock, Store

log = structlog.get_logger()

LEASE = timedelta(minutes=6)
LONGEST_WRITE = timedelta(minutes=4)
"""A write may wait two minutes for its turn behind a rate limit, and another two for its answer."""


class Tenure:
    """The lease of one run, kept fresh by those who use it."""

    def __init__(self, lease: Lease, *, store: Store, clock: Clock) -> None:
        self.lease = lease
        self._store = store
        self._clock = clock
        self._renewing = asyncio.Lock()

    async def hold(self) -> Lease:
        """The lease, good for the longest write from now on. Raises `LeaseLost`."""
        async with self._renewing:
            now = self._clock.now()
            if self.lease.until <= now:
                raise LeaseLost("store", "holding the lease", "Our lease ended while we were busy.")
            if self.lease.until - now < LONGEST_WRITE:
                self.lease = await self._store.renew_lease(self.lease, until=now + LEASE)
            return self.lease


@asynccontextmanager
async def take_lease(shard: str, *, holder: str, store: Store, clock: Clock) -> AsyncIterator[Tenure]:
    """Takes the lease for the length of the block. Raises `LeaseHeld`."""
    now = clock.now()
    tenure = Tenure(await store.take_lease(shard, holder=holder, now=now, until=now + LEASE), store=store, clock=clock)
    try:
        yield tenure
    finally:
        await store.release_lease(tenure.lease)
