"""Limits are the deployment's: over any number of tasks no more than one task alone might do."""

import asyncio
from collections import Counter

import pytest

from job.core.held import joint_set
from job.core.memory import RunRecord
from job.core.plan import Limits
from job.core.shards import Shard
from job.flow.setup import Order
from tests.kit.timeless import play
from tests.kit.tube import QUIET, Fuse, Tube

QUARTER_HOUR_S = 900.0


async def execution(tube: Tube, *, tasks: int, order: Order | None = None) -> list[RunRecord]:
    """All tasks of one execution, which begin at about the same time."""
    await asyncio.sleep(QUARTER_HOUR_S)
    tube.execution = f"e-{tube.runs}"

    async def task(index: int) -> RunRecord:
        await asyncio.sleep(tube.rng.random() / 10)
        record = await tube.run(shard=Shard(index=index, count=tasks), order=order)
        assert isinstance(record, RunRecord), record
        return record

    return list(await asyncio.gather(*map(task, range(tasks))))


async def with_links(many: int, *, tasks: int) -> Tube:
    tube = Tube(policy=QUIET)
    for _ in range(many):
        tube.halo.estate.open_issue(type="fim")
    await execution(tube, tasks=tasks)
    assert statuses(tube) == {"To Do": many}
    return tube


def statuses(tube: Tube) -> Counter[str]:
    return Counter(ticket.status for ticket in tube.jira.people.tickets())


@pytest.mark.parametrize("tasks", [1, 2, 8])
def test_all_tasks_together_close_no_more_than_one_task_might_and_one_approval_serves_all(
    tasks: int,
) -> None:
    async def story() -> None:
        tube = await with_links(80, tasks=tasks)
        tube.limits = Limits()
        for issue_id in list(tube.halo.estate.issues):
            tube.halo.estate.resolve(issue_id)
        for _ in range(3):
            records = await execution(tube, tasks=tasks)
            assert max(record.exit_code for record in records) == 4
        done = statuses(tube)["Done"]
        assert done <= 24
        held = {digest for record in records if (digest := record.digest)}
        standing = (await tube.store.quota()).standing
        assert {kept.digest for kept in standing.values()} == held
        joint = await joint_of(tube)
        records = await execution(tube, tasks=tasks, order=Order(approved=joint))
        assert {record.exit_code for record in records} == {0}
        assert statuses(tube) == {"Done": 80}

    play(story())


async def joint_of(tube: Tube) -> str:
    """The digest that `plan --held` shows."""

    return joint_set((await tube.store.quota()).standing, at=tube.clock()).digest


def test_each_task_also_takes_its_own_digest_and_to_the_others_it_is_no_error() -> None:
    async def story() -> None:
        tube = await with_links(80, tasks=4)
        tube.limits = Limits()
        for issue_id in list(tube.halo.estate.issues):
            tube.halo.estate.resolve(issue_id)
        records = await execution(tube, tasks=4)
        holder = next(record for record in records if record.held)
        many = holder.counts["close"]["held"]
        before = statuses(tube)["Done"]
        again = await execution(tube, tasks=4, order=Order(approved=holder.digest))
        assert statuses(tube)["Done"] == before + many
        mine = next(record for record in again if record.shard == holder.shard)
        assert mine.exit_code == 0

    play(story())


@pytest.mark.parametrize("named", [True, False])
def test_all_tasks_of_an_execution_share_the_limit_on_new_tickets(named: bool) -> None:
    async def story() -> None:
        tube = Tube(policy=QUIET, limits=Limits(create_max=40))
        for _ in range(100):
            tube.halo.estate.open_issue(type="fim")
        await asyncio.sleep(QUARTER_HOUR_S)
        tube.execution = "e-1" if named else ""

        async def task(index: int) -> object:
            await asyncio.sleep(tube.rng.random() / 10)
            return await tube.run(shard=Shard(index=index, count=8))

        records = await asyncio.gather(*map(task, range(8)))
        made = len(tube.jira.people.tickets())
        assert 0 < made <= 40
        assert max(record.exit_code for record in records if isinstance(record, RunRecord)) == 4

    play(story())


def test_slices_are_shared_as_well_and_every_task_has_its_part() -> None:
    async def story() -> None:
        tube = Tube(policy=QUIET, limits=Limits(create_max=20, slices=True))
        for _ in range(100):
            tube.halo.estate.open_issue(type="fim")
        records = await execution(tube, tasks=4)
        assert [record.counts["create"]["done"] for record in records] == [5, 5, 5, 5]
        for run in range(2, 6):
            await execution(tube, tasks=4)
            assert len(tube.jira.people.tickets()) <= run * 20
        for _ in range(5):
            await execution(tube, tasks=4)
        assert len(tube.jira.people.tickets()) == 100

    play(story())


def test_an_approval_outlives_a_change_of_the_number_of_tasks() -> None:
    async def story() -> None:
        tube = await with_links(80, tasks=2)
        tube.limits = Limits()
        for issue_id in list(tube.halo.estate.issues):
            tube.halo.estate.resolve(issue_id)
        await execution(tube, tasks=2)
        joint = await joint_of(tube)
        await asyncio.sleep(QUARTER_HOUR_S)
        for index in range(2):
            shard = Shard(index=index, count=2)
            fuse = Fuse(at=(60, "after"))
            await tube.run(shard=shard, order=Order(approved=joint), fuse=fuse)
        assert 0 < statuses(tube)["Done"] < 80
        for _ in range(3):
            records = await execution(tube, tasks=3)
            assert {record.exit_code for record in records} == {0}
        assert statuses(tube) == {"Done": 80}

    play(story())
