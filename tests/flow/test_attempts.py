"""A task that Cloud Run tries again within one execution: it takes over what its dead attempt held,
and nothing is done twice.
"""

import asyncio
from datetime import timedelta

import pytest
from msgspec.structs import replace

from job.core.memory import Changes, RunRecord, Watermark
from job.core.shards import Shard, comes_after, run_name
from job.errors import LeaseHeld, LeaseLost
from job.flow.lease import take_lease
from job.flow.setup import Setup
from job.sim.call import Answer, Call
from tests.kit.builders import NOW
from tests.kit.timeless import play
from tests.kit.tube import QUIET, START, Fuse, Tube


def named(execution: str, attempt: int, *, later_s: int = 0) -> str:
    began_at = NOW + timedelta(seconds=later_s)
    return run_name(execution=execution, attempt=attempt, began_at=began_at, salt="0a1b2c3d")


class Tried(Tube):
    """A deployment whose runs have the names that they have on Cloud Run."""

    execution = "sync-x7"
    attempt = 0

    def setup(self, fuse: Fuse, *, shard: Shard) -> Setup:
        setup = super().setup(fuse, shard=shard)
        return replace(setup, run_id=named(self.execution, self.attempt, later_s=self.runs))


async def killed_in_its_create(*, arrives_after_s: float) -> Tried:
    """A first attempt that dies when its create is on its way; Jira carries it out later."""
    tube = Tried(policy=QUIET)
    tube.halo.estate.open_issue(type="fim")
    await asyncio.sleep(60)
    answer, loop, fuse = tube.jira.answer, asyncio.get_running_loop(), Fuse()

    def late(call: Call) -> Answer:
        if call.path.endswith("/issue/bulk") and not fuse.dead:
            loop.call_later(arrives_after_s, answer, call)
            fuse.dead = True
        return answer(call) if not fuse.dead else Answer(504)

    tube.jira.answer = late  # type: ignore[method-assign]
    assert await tube.run(fuse=fuse) is None
    tube.jira.answer = answer  # type: ignore[method-assign]
    assert len(await tube.store.intents()) == 1
    return tube


@pytest.mark.parametrize("arrives_after_s", [60.0, 1_140.0])
def test_the_next_attempt_goes_on_at_once_and_still_waits_for_what_the_dead_one_sent(
    arrives_after_s: float,
) -> None:
    async def story() -> None:
        tube = await killed_in_its_create(arrives_after_s=arrives_after_s)
        tube.attempt = 1
        tube.halo.estate.open_issue(type="csm")
        record = await tube.run()
        assert isinstance(record, RunRecord), record
        assert record.counts["create"] == {"done": 1}
        assert len(await tube.store.intents()) == 1, "the dead one's create may still arrive"
        for _ in range(2):
            tube.execution, tube.attempt = f"sync-{tube.runs}", 0
            await asyncio.sleep(900)
            assert isinstance(await tube.run(), RunRecord)
        assert len(tube.jira.people.tickets()) == 2
        assert await tube.store.intents() == []

    play(story())


@pytest.mark.parametrize(("execution", "attempt"), [("sync-x7", 0), ("sync-x8", 1), ("", 1)])
def test_nobody_else_takes_over_a_lease_that_is_good(execution: str, attempt: int) -> None:
    async def story() -> None:
        tube = await killed_in_its_create(arrives_after_s=60)
        tube.execution, tube.attempt = execution, attempt
        assert isinstance(await tube.run(), LeaseHeld)

    play(story())


def test_a_dead_attempt_that_still_moves_can_write_nothing_any_more() -> None:
    async def story() -> None:
        tube = Tube()
        first, second = named("sync-x7", 0), named("sync-x7", 1)
        zombie = await take_lease(
            Shard(), holder=first, store=tube.store, clock=tube.clock
        ).__aenter__()
        async with take_lease(Shard(), holder=second, store=tube.store, clock=tube.clock) as ours:
            assert ours.lease.fence == zombie.lease.fence + 1
            with pytest.raises(LeaseLost):
                await tube.store.commit(zombie.lease, Changes(watermark=Watermark(at=START)))

    play(story())


@pytest.mark.parametrize(
    ("name", "earlier", "expected"),
    [
        (named("sync-x7", 1), named("sync-x7", 0), True),
        (named("sync-x7", 10), named("sync-x7", 9, later_s=99), True),
        (named("sync-x7", 1), named("sync-x7", 1), False),
        (named("sync-x7", 0), named("sync-x7", 1), False),
        (named("sync-x8", 1), named("sync-x7", 0), False),
        (named("", 1), named("", 0), False),
        (named("sync-x7", 1), "", False),
        ("run-2", "run-1", False),
    ],
)
def test_a_run_comes_after_an_earlier_attempt_of_its_own_execution_alone(
    name: str, earlier: str, *, expected: bool
) -> None:
    assert comes_after(name, earlier) is expected
