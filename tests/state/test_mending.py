"""Whoever mends memory by hand has it alone, in every store."""

from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from job.clock import SystemClock
from job.core.ids import IssueId, Version
from job.core.memory import Changes, Parked, Watermark
from job.core.shards import Shard
from job.errors import LeaseHeld, MemoryBusy
from job.flow.lease import take_lease
from job.flow.mend import mending
from job.state.urls import CountingStore
from tests.kit import builders

CLOCK = SystemClock()
HOUR = timedelta(hours=1)


def entry(number: int) -> Parked:
    now = datetime.now(UTC)
    return Parked(
        issue_id=IssueId(f"issue-{number}"),
        version=Version("v"),
        error_class="e",
        message="m",
        attempts=1,
        first_at=now,
        next_at=now + HOUR,
        settings_digest="s",
    )


async def test_many_entries_are_parked_and_released_by_hand(store: CountingStore) -> None:
    entries = [entry(number) for number in range(250)]
    async with mending(store, clock=CLOCK) as hand:
        await hand.park(entries)
    assert len(await store.parked()) == 250
    async with mending(store, clock=CLOCK) as hand:
        await hand.release(entry.issue_id for entry in entries[:201])
    assert {kept.issue_id for kept in await store.parked()} == {
        entry.issue_id for entry in entries[201:]
    }


class Later(SystemClock):
    """So much later than it is."""

    by = timedelta()

    def now(self) -> datetime:
        return super().now() + self.by


async def test_work_by_hand_that_takes_long_keeps_runs_out_to_its_end(store: CountingStore) -> None:
    clock = Later()
    async with mending(store, clock=clock) as hand:
        for _ in range(4):
            await hand.park([entry(1)])
            clock.by += timedelta(minutes=3)
        now = clock.now()
        for shard in (Shard(), Shard(count=2)):
            with pytest.raises(LeaseHeld):
                async with take_lease(shard, holder="run-7", store=store, clock=clock):
                    pytest.fail("a run began beside it")
        assert [lease.until > now for lease in await store.leases() if lease.holder] == [True]


@pytest.mark.parametrize("shard", ["0-of-1", "1-of-3"])
async def test_memory_is_not_given_to_two(store: CountingStore, shard: str) -> None:
    now = CLOCK.now()
    lease = await store.take_lease(shard, holder="run-7", now=now, until=now + HOUR)
    with pytest.raises(MemoryBusy, match="run-7"):
        async with mending(store, clock=CLOCK):
            pytest.fail("it was given away")
    await store.release_lease(lease)
    async with mending(store, clock=CLOCK):
        for name in ("0-of-1", shard):
            with pytest.raises(LeaseHeld):
                await store.take_lease(name, holder="run-8", now=now, until=now + HOUR)
    assert await store.take_lease(shard, holder="run-8", now=now, until=now + HOUR)


async def test_what_was_taken_is_given_back_when_memory_is_busy(store: CountingStore) -> None:
    now = CLOCK.now()
    await store.take_lease("1-of-3", holder="run-7", now=now, until=now + HOUR)
    with pytest.raises(MemoryBusy):
        async with mending(store, clock=CLOCK):
            pytest.fail("it was given away")
    assert {lease.shard for lease in await store.leases() if lease.holder} == {"1-of-3"}


async def test_each_task_reads_again_from_where_it_is_set_back_to(store: CountingStore) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    for index in range(3):
        name = f"{index}-of-3"
        lease = await store.take_lease(name, holder="r", now=now, until=now + HOUR)
        await store.commit(lease, Changes(watermark=Watermark(at=now, highest_keys={"SEC": index})))
        await store.release_lease(lease)
    async with mending(store, clock=CLOCK) as hand:
        await hand.rewind(await store.watermarks(), to=now - HOUR)
    marks = await store.watermarks()
    assert {mark.at for mark in marks.values()} == {now - HOUR}
    assert [marks[f"{n}-of-3"].highest_keys for n in range(3)] == [{"SEC": n} for n in range(3)]


async def test_a_link_is_made_only_where_there_is_none_and_forgotten_with_what_is_parked(
    store: CountingStore,
) -> None:
    links = [builders.link(number) for number in range(1, 451)]
    async with mending(store, clock=CLOCK) as hand:
        assert await hand.link(links[:3]) == 3
        newer = [replace(link, status_seen="newer") for link in links]
        assert await hand.link(newer) == 447
    assert await store.live_count() == 450
    first = links[0].issue_id
    assert await store.links([first]) == {first: links[0]}
    async with mending(store, clock=CLOCK) as hand:
        await hand.park([replace(entry(1), issue_id=first)])
        await hand.forget(first, parked=True)
    assert await store.links([first]) == {}
    assert await store.parked() == []
    assert await store.live_count() == 449
