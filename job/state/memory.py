"""A store in this process's memory, for simulations: the promises of a store without its waiting.

Promises: it never awaits, so a simulation of thousands of runs stays fast and plays the same way
each time. A restart is handing the same object to the next run. `hook`, when set, is called before
and after each operation and may raise: a crash on either side of the effect.
Does not do: documents. It keeps the model's values as they are; how documents are written and read
is the business of the other stores' tests.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime

from msgspec.structs import replace

from job.core.ids import IssueId
from job.core.memory import Broken, Changes, Intent, Lease, Link, Parked, Watermark
from job.state import records, rules
from job.state.memory_links import MemoryLinks
from job.state.memory_quota import Hook
from job.stores import K


class MemoryStore(MemoryLinks):
    """The `Store` of `job/stores.py` as plain dicts."""

    def __init__(self, *, hook: Hook | None = None) -> None:
        super().__init__(hook=hook)
        self._leases: dict[str, Lease] = {}
        self._watermarks: dict[str, Watermark] = {}
        self._intents: dict[IssueId, Intent] = {}
        self._parked: dict[IssueId, Parked] = {}

    async def take_lease(self, shard: str, *, holder: str, now: datetime, until: datetime) -> Lease:
        with self._operation("take_lease"):
            lease = rules.succeed(
                self._leases.get(shard), shard=shard, holder=holder, now=now, until=until
            )
            self._leases[shard] = lease
            self.spent.took_lease()
        return lease

    async def renew_lease(self, lease: Lease, *, until: datetime) -> Lease:
        with self._operation("renew_lease"):
            rules.confirm(self._leases.get(lease.shard), lease)
            self._leases[lease.shard] = renewed = replace(lease, until=until)
            self.spent.wrote((), following=())
        return renewed

    async def release_lease(self, lease: Lease) -> None:
        with self._operation("release_lease"):
            if rules.holds(self._leases.get(lease.shard), lease):
                self._leases[lease.shard] = rules.released(lease)
                self.spent.wrote((), following=())

    async def leases(self) -> list[Lease]:
        with self._operation("leases"):
            self.spent.listed(len(self._leases))
            return list(self._leases.values())

    async def watermark(self, shard: str) -> Watermark | None:
        with self._operation("watermark"):
            self.spent.read(1)
            return self._watermarks.get(shard)

    async def watermarks(self) -> dict[str, Watermark]:
        with self._operation("watermarks"):
            self.spent.listed(len(self._watermarks))
            return dict(self._watermarks)

    async def every(self, kind: type[K]) -> AsyncIterator[Sequence[K]]:
        with self._operation("every"):
            ours: tuple[Mapping[IssueId, Link | Intent | Parked], ...]
            ours = (self._links, self._intents, self._parked)
            kept = (*(value for some in ours for value in some.values()), *self.others)
            found = [value for value in kept if isinstance(value, kind)]
            self.spent.listed(len(found))
        if found:
            yield found

    async def intents(self, *, broken: Broken | None = None) -> list[Intent]:
        with self._operation("intents"):
            self.spent.listed(len(self._intents))
            return list(self._intents.values())

    async def parked(self, *, broken: Broken | None = None) -> list[Parked]:
        with self._operation("parked"):
            self.spent.listed(len(self._parked))
            return list(self._parked.values())

    async def commit(self, lease: Lease, changes: Changes) -> None:
        with self._operation("commit"):
            writes = records.writes(changes, shard=lease.shard)
            rules.confirm(self._leases.get(lease.shard), lease)
            for intent in changes.intents:
                rules.follow(intent, self._intents.get(intent.issue_id), lease=lease)
            self._apply(changes, shard=lease.shard)
            self.spent.wrote(
                writes, following=[intent for intent in changes.intents if intent.follows]
            )

    def _apply(self, changes: Changes, *, shard: str) -> None:
        self._links.update((link.issue_id, link) for link in changes.links)
        self._intents.update((intent.issue_id, intent) for intent in changes.intents)
        self._parked.update((parked.issue_id, parked) for parked in changes.parked)
        self.apply(changes)
        for issue_id in changes.settled:
            self._intents.pop(issue_id, None)
        for issue_id in changes.released:
            self._parked.pop(issue_id, None)
        for issue_id in changes.forgotten:
            self._links.pop(issue_id, None)
        if changes.watermark:
            self._watermarks[shard] = replace(
                changes.watermark, highest_keys=dict(changes.watermark.highest_keys)
            )
        self._runs |= {records.run_id(run): run for run in changes.past_runs}
        if run := changes.run:
            self._runs[records.run_id(run)] = run
            self._forget(run.finished_at)

    def _forget(self, now: datetime) -> None:
        """Drops what has expired by now."""
        self._runs = {
            key: run for key, run in self._runs.items() if run.finished_at + records.RUNS_KEPT > now
        }
        self.forget(now)

    async def prove_writable(self) -> None:
        """Nothing could stand in the way."""
