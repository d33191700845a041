"""One random world: its climate in force, both vendors in it, and runs of the job over them.

Does not do: saying what happens in it (`happenings.py`, `runs.py`), or judging it (`life.py`).
"""

import asyncio
import random
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from job.core.memory import RunRecord
from job.core.pieces import all_held
from job.core.shards import Shard
from job.errors import SyncError, UnsafePlan
from job.flow.setup import Order
from job.sim.jira.limits import Limits as RateLimits
from job.sim.jira.people import Snapshot
from job.sim.jira.site import ANNA
from tests.kit.oracle import CLOSED, ID_FIELD, Diary
from tests.kit.tube import Fuse, Tube
from tests.simulation.climate import Climate

Ended = RunRecord | SyncError | None


@dataclass
class World:
    """One seed's world on its way."""

    seed: int
    rng: random.Random = field(init=False)
    climate: Climate = field(init=False)
    tube: Tube = field(init=False)
    diary: Diary = field(default_factory=Diary)
    wrong: list[str] = field(default_factory=list)
    free: set[str] = field(default_factory=set)
    """Issues of which nothing is asked: a person has opened the ticket again although Halo calls it
    resolved, has made a copy of it, or nobody has ever asked for so old ones.
    """
    old: set[str] = field(default_factory=set)
    """Issues that are to be left alone by the settings, as long as nothing happens to them."""
    cloned: set[str] = field(default_factory=set)
    """Issues with a copy of their ticket: whichever the job keeps is right."""
    renamed: set[int] = field(default_factory=set)
    """Tickets into whose id field a person wrote another issue's id."""
    broken: set[str] = field(default_factory=set)
    """Issues of which Halo refuses or garbles something for as long as the world lasts."""
    granted: set[str] = field(default_factory=set)
    """Issues whose held work somebody has approved, done or not."""

    def __post_init__(self) -> None:
        self.rng = random.Random(self.seed)
        self.climate = Climate.draw(self.rng)

    def begin(self) -> None:
        """Puts the climate into force."""
        climate = self.climate
        self.tube = tube = Tube(seed=self.seed, policy=climate.policy, limits=climate.limits)
        tube.look_back = timedelta(days=30)
        tube.jira.search.lag = climate.lag
        tube.jira.site.workflows["", ""] = climate.workflow
        tube.halo.ignores_gte = climate.gte_ignored
        tube.halo.quirks.gte_status = climate.gte_status
        tube.halo.quirks.count_off = climate.count_off
        if not climate.sweeps:
            tube.sweep_every = timedelta(0)
        if climate.rates:
            tube.jira.limit_rates(RateLimits(tube.clock, seed=self.seed, bucket_s=0.05))
        if rewrite := climate.rewrites:
            tube.jira.rewrite_new_tickets(lambda fields: {ID_FIELD: rewrite(fields[ID_FIELD])})
        self.diary.first_status = climate.policy.routes.default.workflow.new_status
        self._furnish()

    def _furnish(self) -> None:
        """Both projects have tickets of their own, or nobody could tell a deleted ticket from an
        invisible project.
        """
        site, bug = self.tube.jira.site, self.tube.jira.site.issue_types[0]
        for project in site.projects:
            self.tube.jira.store.create(
                project=project, issue_type=bug, fields={"summary": "Buy milk"}, author=ANNA
            )

    # --- Runs in it -------------------------------------------------------------------------------

    async def sleep(self, seconds: float) -> None:
        """Time passes, and what is late arrives in it."""
        await asyncio.sleep(seconds)
        self.tube.jira.late.catch_up()

    async def run(
        self, *, fuse: Fuse | None = None, order: Order | None = None, **named: Any
    ) -> Ended:
        """One execution, of one task or several: the worst of what they returned. The fuse is for
        the first alone.
        """
        count = self.rng.choice(self.climate.counts)
        starts_s = [self.rng.random() / 10 for _ in range(count)] if count > 1 else [0.0]

        async def task(index: int) -> Ended:
            await asyncio.sleep(starts_s[index])
            shard, own_fuse = Shard(index=index, count=count), fuse if index == 0 else None
            return await self._task(shard, fuse=own_fuse, order=order or Order(), **named)

        ended = await asyncio.gather(*map(task, range(count)))
        early = [one for one in ended if not isinstance(one, RunRecord)]
        if early:
            return next((one for one in early if one is not None), None)
        records = [one for one in ended if isinstance(one, RunRecord)]
        return max(records, key=lambda record: record.exit_code)

    async def _task(
        self,
        shard: Shard,
        *,
        fuse: Fuse | None,
        order: Order,
        approves: bool = False,
        stop: asyncio.Event | None = None,
    ) -> Ended:
        """One task; a plan over its limits is carried out after all if somebody approves it."""
        ended = await self.tube.run(fuse=fuse, order=order, asked_to_stop=stop, shard=shard)
        digest = refused(ended)
        if digest is None or not approves:
            return ended
        held = all_held(await self.tube.store.pieces(), now=self.tube.clock())
        self.granted |= {str(entry.issue_id) for _, entry in held}
        again = Order(since=order.since, sweep=order.sweep, approved=digest)
        return await self.tube.run(order=again, shard=shard)

    # --- What can be found in it ------------------------------------------------------------------

    def some_issue(self, status: str) -> str | None:
        """An issue that Halo calls so, if there is one."""
        issues = self.tube.halo.estate.issues.values()
        there = [issue.id for issue in issues if issue.status == status and not issue.forgotten]
        return self.rng.choice(there) if there else None

    def some_ticket(self, *, closed: bool) -> Snapshot | None:
        """A ticket that we made, if there is one."""
        tickets = self.tube.jira.people.tickets()
        there = [
            ticket for ticket in tickets if ticket.ours and (ticket.status in CLOSED) == closed
        ]
        return self.rng.choice(there) if there else None


def refused(ended: Ended) -> str | None:
    """The digest with which somebody may approve what a run did not do; `None` where there is
    nothing to approve.
    """
    if isinstance(ended, UnsafePlan):
        return ended.digest
    if isinstance(ended, RunRecord):
        return ended.digest or None  # also what an earlier run held, and this one did not look at
    return None
