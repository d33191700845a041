"""Any number of tasks, and a number that changes: nothing is lost, and no issue ever has two
writers.
"""

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from job.core.memory import Changes, RunRecord
from job.core.policy import Policy
from job.core.shards import Shard
from job.errors import LeaseHeld, LeaseLost, SyncError
from job.flow.lease import LEASE, take_lease
from job.settings.destinations import routed
from job.settings.routing import rulebook
from job.sim.jira.site import Project
from tests.kit.builders import destination
from tests.kit.timeless import play
from tests.kit.tube import Fuse, Tube
from tests.simulation.life import live
from tests.simulation.world import World

HOURS_S = 36_000.0
SEEDS = 60


class Tasks(Tube):
    """A deployment whose every run is an execution of several tasks at once; their number
    changes from run to run.
    """

    count = 0
    """0: drawn anew for each run."""

    async def run(self, *, fuse: Fuse | None = None, **named: Any) -> RunRecord | SyncError | None:
        """One execution: the worst of what its tasks returned. The fuse is for its first task
        alone.
        """
        count = self.count or self.rng.choice([1, 2, 3, 8])

        async def task(index: int) -> RunRecord | SyncError | None:
            await asyncio.sleep(self.rng.random() / 10)
            shard = Shard(index=index, count=count)
            return await super(Tasks, self).run(
                fuse=fuse if index == 0 else None, shard=shard, **named
            )

        ended = await asyncio.gather(*map(task, range(count)))
        if early := [one for one in ended if not isinstance(one, RunRecord)]:
            return next((one for one in early if one is not None), None)
        return max(
            (one for one in ended if isinstance(one, RunRecord)), key=lambda one: one.exit_code
        )


def tasks_with(issues: int, *, count: int) -> Tasks:
    tube = Tasks()
    tube.look_back, tube.count = timedelta(minutes=15), count
    for _ in range(issues):
        tube.halo.estate.open_issue(type="csm")
    return tube


@pytest.mark.parametrize(("before", "after"), [(1, 3), (3, 1), (3, 8), (8, 3)])
def test_what_changes_between_two_numbers_of_tasks_is_not_lost(before: int, after: int) -> None:
    async def story() -> None:
        tube = tasks_with(40, count=before)
        await tube.run()
        assert len(tube.jira.people.tickets()) == 40
        for issue_id in list(tube.halo.estate.issues):
            tube.halo.estate.resolve(issue_id)
        await asyncio.sleep(HOURS_S)
        tube.count = after
        await tube.run()
        assert {ticket.status for ticket in tube.jira.people.tickets()} == {"Done"}
        assert len(tube.jira.people.tickets()) == 40

    play(story())


def test_a_run_does_nothing_while_one_of_another_number_of_tasks_is_at_work() -> None:
    async def story() -> None:
        tube = tasks_with(5, count=1)
        async with take_lease(
            Shard(index=2, count=3), holder="other", store=tube.store, clock=tube.clock
        ):
            held = await tube.run()
            assert isinstance(held, LeaseHeld)
            assert (held.shard, held.holder) == ("2-of-3", "other")
        assert tube.jira.people.tickets() == []
        await tube.run()
        assert len(tube.jira.people.tickets()) == 5

    play(story())


def test_of_two_numbers_of_tasks_that_begin_together_never_both_write() -> None:
    async def story() -> None:
        tube = tasks_with(0, count=1)
        for step in range(40):
            tube.halo.estate.open_issue(type="csm")
            delay_s = step / 2_000
            first, second = Shard(), Shard(index=0, count=2)
            ended = await asyncio.gather(
                Tube.run(tube, shard=first), _after(delay_s, tube=tube, shard=second)
            )
            assert any(isinstance(one, LeaseHeld) for one in ended), "they wrote together"
            await asyncio.sleep(900)
        await tube.run()
        assert len(tube.jira.people.tickets()) == 40

    play(story())


async def _after(seconds: float, *, tube: Tube, shard: Shard) -> RunRecord | SyncError | None:
    await asyncio.sleep(seconds)
    return await Tube.run(tube, shard=shard)


def test_a_late_write_under_a_lease_that_ran_out_does_not_pass_a_new_number_of_tasks() -> None:
    async def story() -> None:
        tube = tasks_with(0, count=3)
        now = tube.clock()
        late = await tube.store.take_lease("0-of-1", holder="asleep", now=now, until=now + LEASE)
        await asyncio.sleep(LEASE.total_seconds() + 1)
        await tube.run()
        with pytest.raises(LeaseLost):
            await tube.store.commit(late, Changes(released=()))

    play(story())


def test_random_worlds_come_out_right_whatever_the_number_of_tasks() -> None:
    async def life(seed: int) -> list[str]:
        world = World(seed)
        world.climate = replace(world.climate, counts=(1, 2, 3, 8))
        return await live(world)

    wrong = {seed: found for seed in range(SEEDS) if (found := play(life(seed)))}
    assert not wrong


def test_three_tasks_and_three_projects_make_each_ticket_once_in_its_own_project() -> None:
    """Every seed also kills the first task of its first execution somewhere."""

    async def life(seed: int) -> None:
        tube = Tasks(seed=seed, policy=Policy(routes=routed(destination(), book=rulebook(RULES))))
        tube.look_back, tube.count = timedelta(minutes=15), 3
        tube.jira.site.projects.append(Project("10003", "PAY", "Payments"))
        kinds = ("sva", "fim", "csm")
        for number in range(60):
            tube.halo.estate.open_issue(type=kinds[number % 3])
        await tube.run(fuse=Fuse(at=(10 + seed * 2, "before" if seed % 2 else "after")))
        for _ in range(3):
            await asyncio.sleep(HOURS_S)
            await tube.run()
        made = tube.jira.people.tickets()
        held = Counter(ticket.fields["customfield_10010"] for ticket in made)
        assert held == Counter(tube.halo.estate.issues.keys())
        where = {ticket.fields["customfield_10010"]: ticket.project for ticket in made}
        leads_to = {"sva": "PAY", "fim": "OPS", "csm": "SEC"}
        assert where == {
            issue.id: leads_to[issue.type] for issue in tube.halo.estate.issues.values()
        }

    for seed in range(12):
        play(life(seed))


RULES = """
routes:
  - {name: packages, when: {type: sva}, to: {project: PAY}}
  - {name: files, when: {type: fim}, to: {project: OPS, type: Task}}
"""
