"""The right to write over the length of a run: renewed in time, never used after its end, given
back.
"""

import asyncio
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import timedelta

import pytest

from job.core.memory import Changes, RunRecord, Watermark
from job.core.shards import Shard
from job.errors import LeaseHeld, LeaseLost
from job.flow.lease import LEASE, HeldLease, take_lease
from job.sim.call import Answer, Call
from job.state.memory import MemoryStore
from tests.kit.timeless import play
from tests.kit.tube import START, LoopClock, Tube

CLOCK = LoopClock()
A_LONG_WRITE = timedelta(minutes=4)


def lease_for(holder: str, *, store: MemoryStore) -> AbstractAsyncContextManager[HeldLease]:
    return take_lease(Shard(), holder=holder, store=store, clock=CLOCK)


def test_a_lease_held_again_is_always_good_for_the_longest_write_and_keeps_its_fence() -> None:
    async def story() -> None:
        store = MemoryStore()
        async with lease_for("run-1", store=store) as tenure:
            for _ in range(20):
                lease = await tenure.hold()
                assert lease.until - CLOCK.now() >= A_LONG_WRITE
                await store.commit(lease, Changes(watermark=Watermark(at=START)))
                await asyncio.sleep(100)
            assert lease.fence == 1

    play(story())


def test_a_lease_that_ran_out_is_taken_up_again_unless_somebody_else_has_had_it() -> None:
    async def story() -> None:
        store = MemoryStore()
        async with lease_for("run-1", store=store) as tenure:
            await asyncio.sleep(2 * LEASE.total_seconds())
            assert (await tenure.hold()).until - CLOCK.now() == LEASE
            await asyncio.sleep(2 * LEASE.total_seconds())
            async with lease_for("run-2", store=store):
                pass
            with pytest.raises(LeaseLost):
                await tenure.hold()

    play(story())


@pytest.mark.parametrize("slow", ["listing", "single issues"])
def test_a_look_at_halo_that_takes_longer_than_a_lease_keeps_it(slow: str) -> None:
    async def story() -> None:
        tube, many = Tube(), 2_000 if slow == "listing" else 60
        tube.at_once_max = 1
        for _ in range(many):
            tube.halo.estate.open_issue(type="csm")
        await asyncio.sleep(600)
        if slow == "single issues":  # a sweep asks for each that should have been listed
            assert isinstance(await tube.run(), RunRecord)
            tube.halo.faults.set_chance({"empty_list": 1.0})
            await asyncio.sleep(25 * 3_600)
        answer = tube.halo.answer

        def slowly(call: Call) -> Answer:
            is_slow = (
                call.path == "/v3/issues"
                if slow == "listing"
                else call.path.startswith("/v3/issues/")
            )
            return replace(answer(call), delay_s=12.0 if is_slow else 0.0)

        tube.halo.answer = slowly  # type: ignore[method-assign]
        first = asyncio.create_task(tube.run())
        for _ in range(7):
            await asyncio.sleep(60)
            assert not first.done()
            assert isinstance(await tube.run(), LeaseHeld)
        record = await first
        assert isinstance(record, RunRecord)
        assert len(tube.jira.people.tickets()) == many

    play(story())


def test_the_lease_of_a_killed_run_is_over_after_minutes_and_its_late_writes_are_refused() -> None:
    async def story() -> None:
        store = MemoryStore()
        dead = await lease_for("killed", store=store).__aenter__()
        with pytest.raises(LeaseHeld):
            async with lease_for("too early", store=store):
                pass
        await asyncio.sleep(timedelta(minutes=10).total_seconds())
        async with lease_for("successor", store=store) as tenure:
            assert tenure.lease.fence == dead.lease.fence + 1
            with pytest.raises(LeaseLost):
                await store.commit(dead.lease, Changes(watermark=Watermark(at=START)))

    play(story())


def test_a_lease_is_given_back_at_the_end_whatever_the_end() -> None:
    async def story() -> None:
        store = MemoryStore()
        with pytest.raises(ZeroDivisionError):
            async with lease_for("run-1", store=store):
                raise ZeroDivisionError
        async with lease_for("run-2", store=store) as tenure:
            assert tenure.lease.fence == 2

    play(story())


def test_a_run_longer_than_its_lease_keeps_it_and_another_finds_it_held_all_the_while() -> None:
    async def story() -> None:
        tube = Tube()
        for _ in range(
            100
        ):  # which are one batch: nothing but its writes asks for the lease meanwhile
            tube.halo.estate.open_issue(type="fim")
        tube.jira.faults.hook = move_slowly
        first = asyncio.create_task(tube.run())
        for _ in range(6):
            await asyncio.sleep(60)
            assert isinstance(await tube.run(), LeaseHeld)
        record = await first
        assert isinstance(record, RunRecord)
        assert record.finished_at - record.started_at > LEASE
        assert record.counts["create"] == {"done": 100}

    play(story())


def move_slowly(call: Call, side: str) -> Answer | None:
    moved = side == "after" and call.method == "POST" and call.path.endswith("/transitions")
    return Answer(204, delay_s=29.0) if moved else None
