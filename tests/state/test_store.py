"""What every store promises: one suite, run on memory, on an SQLite file and on Firestore (the
emulator).
"""

import asyncio
from contextlib import AsyncExitStack
from datetime import timedelta

import pytest
from msgspec.structs import replace

from job.core.ids import IssueId
from job.core.memory import Changes, Lease, Link, Verdict
from job.core.shards import run_name
from job.errors import LeaseHeld, LeaseLost, StateUnreadable
from job.state.urls import CountingStore
from tests.state.values import NOW, SOON, World, intent, issue_id, link, parked, run, watermark


async def lease_of(store: CountingStore, *, holder: str = "run-1") -> Lease:
    return await store.take_lease("0", holder=holder, now=NOW, until=SOON)


async def overtaken(store: CountingStore, lease: Lease) -> Lease:
    """The lease of another run, taken after ours ran out."""
    later = lease.until + timedelta(seconds=1)
    return await store.take_lease(
        "0", holder="run-2", now=later, until=later + timedelta(minutes=5)
    )


async def live(store: CountingStore) -> list[Link]:
    return [link async for page in store.live_links() for link in page]


# --- The lease ------------------------------------------------------------------------------------


async def test_a_first_lease_has_fence_one(store: CountingStore) -> None:
    assert await lease_of(store) == Lease(shard="0", holder="run-1", fence=1, until=SOON)


async def test_a_lease_that_is_good_is_held_against_everyone_and_says_by_whom_until_when(
    world: World,
) -> None:
    async with world() as ours, world() as theirs:
        await lease_of(ours)
        with pytest.raises(LeaseHeld) as held:
            await lease_of(theirs, holder="run-2")
    assert (held.value.shard, held.value.holder, held.value.until) == ("0", "run-1", SOON)


async def test_a_lease_is_free_at_the_instant_it_ends_and_the_fence_rises(
    store: CountingStore,
) -> None:
    await lease_of(store)
    taken = await store.take_lease("0", holder="run-2", now=SOON, until=SOON + timedelta(minutes=5))
    assert (taken.holder, taken.fence) == ("run-2", 2)


async def test_the_fence_rises_after_a_release_too_and_over_restarts(world: World) -> None:
    for fence in (1, 2, 3):
        async with world() as store:
            lease = await lease_of(store, holder=f"run-{fence}")
            assert lease.fence == fence
            await store.release_lease(lease)


async def test_the_last_lease_of_every_shard_is_listed_whether_it_holds_or_not(
    store: CountingStore,
) -> None:
    assert await store.leases() == []
    given = [
        await store.take_lease(shard, holder="run-1", now=NOW, until=SOON)
        for shard in ("0-of-1", "1-of-12")
    ]
    await store.release_lease(given[0])
    await store.commit(given[1], Changes(watermark=watermark()))
    listed = sorted(await store.leases(), key=lambda lease: lease.shard)
    assert [(one.shard, one.holder, one.fence) for one in listed] == [
        ("0-of-1", "", 1),
        ("1-of-12", "run-1", 1),
    ]
    assert listed[1] == given[1]


async def test_watermarks_are_listed_by_their_shards_and_nothing_else_is(
    store: CountingStore,
) -> None:
    assert await store.watermarks() == {}
    for shard in ("0-of-2", "1-of-2", "0-of-1"):
        lease = await store.take_lease(shard, holder="run-1", now=NOW, until=SOON)
        if shard != "0-of-1":
            await store.commit(lease, Changes(watermark=watermark(), links=(link(1),)))
    before = store.spent["read"]
    assert await store.watermarks() == {"0-of-2": watermark(), "1-of-2": watermark()}
    assert store.spent["read"] - before == 2


async def test_leases_of_different_shards_do_not_meet(store: CountingStore) -> None:
    first = await lease_of(store)
    second = await store.take_lease("1", holder="run-2", now=NOW, until=SOON)
    await store.commit(second, Changes(watermark=watermark(1)))
    await store.commit(first, Changes(watermark=watermark(2)))
    assert await store.watermark("0") == watermark(2)
    assert await store.watermark("1") == watermark(1)


async def test_of_twenty_racing_takers_exactly_one_wins(world: World) -> None:
    async with AsyncExitStack() as stack:
        stores = [await stack.enter_async_context(world()) for _ in range(20)]
        takers = (lease_of(store, holder=f"run-{number}") for number, store in enumerate(stores))
        answers = await asyncio.gather(*takers, return_exceptions=True)
        won = [answer for answer in answers if isinstance(answer, Lease)]
        assert len(won) == 1
        assert [type(answer) for answer in answers if answer not in won] == [LeaseHeld] * 19
        winner = stores[int(won[0].holder.removeprefix("run-"))]
        await winner.commit(won[0], Changes(links=(link(1),)))


async def test_of_twenty_racers_for_a_lease_that_ran_out_exactly_one_wins(world: World) -> None:
    async with AsyncExitStack() as stack:
        stores = [await stack.enter_async_context(world()) for _ in range(20)]
        old = await lease_of(stores[0], holder="old")
        later = SOON + timedelta(minutes=1)
        takers = (
            store.take_lease(
                "0", holder=f"run-{number}", now=later, until=later + timedelta(minutes=5)
            )
            for number, store in enumerate(stores)
        )
        answers = await asyncio.gather(*takers, return_exceptions=True)
        won = [answer for answer in answers if isinstance(answer, Lease)]
        assert [lease.fence for lease in won] == [2]
        assert [type(answer) for answer in answers if answer not in won] == [LeaseHeld] * 19
        with pytest.raises(LeaseLost):
            await stores[0].commit(old, Changes(links=(link(1),)))


async def test_a_renewed_lease_keeps_its_fence_and_holds_longer(world: World) -> None:
    async with world() as ours, world() as theirs:
        renewed = await ours.renew_lease(await lease_of(ours), until=SOON + timedelta(minutes=5))
        assert renewed == Lease(
            shard="0", holder="run-1", fence=1, until=SOON + timedelta(minutes=5)
        )
        with pytest.raises(LeaseHeld):
            await theirs.take_lease(
                "0", holder="run-2", now=SOON, until=SOON + timedelta(minutes=9)
            )


async def test_a_lease_that_was_taken_over_cannot_be_renewed(world: World) -> None:
    async with world() as ours, world() as theirs:
        lease = await lease_of(ours)
        await overtaken(theirs, lease)
        with pytest.raises(LeaseLost, match="run-2"):
            await ours.renew_lease(lease, until=SOON + timedelta(minutes=5))


def attempt(number: int, *, execution: str = "sync-x7") -> str:
    """The name of a task's run on Cloud Run."""
    return run_name(execution=execution, attempt=number, began_at=NOW, salt="0a1b2c3d")


async def test_a_tasks_next_attempt_takes_over_its_lease_at_once_and_the_fence_rises(
    world: World,
) -> None:
    async with world() as dead, world() as ours:
        zombie = await lease_of(dead, holder=attempt(0))
        await dead.commit(zombie, Changes(links=(link(1),)))
        taken = await lease_of(ours, holder=attempt(1))
        assert (taken.holder, taken.fence) == (attempt(1), 2)
        with pytest.raises(LeaseLost, match="attempt1"):
            await dead.commit(zombie, Changes(links=(link(2),)))
        with pytest.raises(LeaseLost):
            await dead.renew_lease(zombie, until=SOON + timedelta(minutes=5))
        await dead.release_lease(zombie)
        await ours.commit(taken, Changes(links=(link(3),)))
        assert await ours.live_count() == 2


@pytest.mark.parametrize(
    "other", [attempt(1), attempt(0), attempt(2, execution="sync-x8"), "run-2"]
)
async def test_a_good_lease_is_not_taken_over_by_anybody_else(world: World, other: str) -> None:
    async with world() as ours, world() as theirs:
        await lease_of(ours, holder=attempt(1))
        with pytest.raises(LeaseHeld):
            await lease_of(theirs, holder=other)


async def test_releasing_a_lease_that_was_taken_over_takes_nothing_from_its_new_holder(
    world: World,
) -> None:
    async with world() as ours, world() as theirs:
        lease = await lease_of(ours)
        taken = await overtaken(theirs, lease)
        await ours.release_lease(lease)
        await theirs.commit(taken, Changes(links=(link(1),)))
        assert await theirs.live_count() == 1


async def test_a_released_lease_writes_nothing_and_may_be_released_again(
    store: CountingStore,
) -> None:
    lease = await lease_of(store)
    await store.release_lease(lease)
    await store.release_lease(lease)
    with pytest.raises(LeaseLost):
        await store.commit(lease, Changes(links=(link(1),)))
    assert await store.live_count() == 0


async def test_a_lease_that_ends_in_more_than_a_day_stops_the_run_instead_of_blocking_it_quietly(
    store: CountingStore,
) -> None:
    await store.take_lease(
        "0", holder="run-1", now=NOW + timedelta(days=9), until=NOW + timedelta(days=9, minutes=5)
    )
    with pytest.raises(StateUnreadable, match=r"run-1.*2026-03-10.*clock"):
        await lease_of(store, holder="run-2")


# --- Committing -----------------------------------------------------------------------------------


async def test_everything_committed_is_read_back_equal_after_a_restart(world: World) -> None:
    async with world() as store:
        changes = Changes(
            links=(link(1), link(2, live=False)),
            intents=(intent(3), intent(4)),
            parked=(parked(5),),
            watermark=watermark(),
            run=run(1),
        )
        await store.commit(await lease_of(store), changes)
    async with world() as store:
        assert await store.links([issue_id(1), issue_id(2), issue_id(9)]) == {
            issue_id(1): link(1),
            issue_id(2): link(2, live=False),
        }
        assert sorted(await store.intents(), key=lambda intent: intent.issue_id) == [
            intent(3),
            intent(4),
        ]
        assert await store.parked() == [parked(5)]
        assert await store.watermark("0") == watermark()
        assert await store.runs(limit=5) == [run(1)]


async def test_an_empty_store_answers_with_nothing(store: CountingStore) -> None:
    assert await store.links([issue_id(1)]) == {}
    assert await store.links([]) == {}
    assert await live(store) == []
    assert await store.live_count() == 0
    assert await store.intents() == []
    assert await store.parked() == []
    assert await store.watermark("0") is None
    assert await store.runs(limit=5) == []


async def test_a_later_commit_replaces_links_and_drops_what_is_settled_and_released(
    store: CountingStore,
) -> None:
    lease = await lease_of(store)
    await store.commit(
        lease, Changes(links=(link(1),), intents=(intent(1),), parked=(parked(1), parked(2)))
    )
    moved = replace(link(1), live=False, said=None, status_seen="Done")
    await store.commit(
        lease, Changes(links=(moved,), settled=(issue_id(1),), released=(issue_id(1), issue_id(7)))
    )
    assert await store.links([issue_id(1)]) == {issue_id(1): moved}
    assert await store.intents() == []
    assert await store.parked() == [parked(2)]


async def test_a_commit_under_a_lease_that_was_taken_over_writes_nothing(world: World) -> None:
    async with world() as ours, world() as theirs:
        lease = await lease_of(ours)
        await ours.commit(lease, Changes(links=(link(1),)))
        taken = await overtaken(theirs, lease)
        with pytest.raises(LeaseLost, match="fence 2"):
            await ours.commit(
                lease, Changes(links=(link(2),), intents=(intent(2),), watermark=watermark())
            )
        await theirs.commit(taken, Changes(links=(link(3),)))
        assert [found.issue_id for found in await live(theirs)] == [issue_id(1), issue_id(3)]
        assert await theirs.intents() == []
        assert await theirs.watermark("0") is None


async def test_a_lease_of_another_holder_with_our_fence_is_not_ours(store: CountingStore) -> None:
    lease = await lease_of(store)
    with pytest.raises(LeaseLost):
        await store.commit(replace(lease, holder="run-2"), Changes(links=(link(1),)))
    assert await store.live_count() == 0


async def test_an_older_lease_of_the_same_holder_is_not_ours_any_more(store: CountingStore) -> None:
    older = await lease_of(store)
    newer = await store.take_lease("0", holder="run-1", now=SOON, until=SOON + timedelta(minutes=5))
    with pytest.raises(LeaseLost):
        await store.commit(older, Changes(links=(link(1),)))
    await store.commit(newer, Changes(links=(link(2),)))
    assert await store.links([issue_id(1), issue_id(2)]) == {issue_id(2): link(2)}


async def test_a_commit_without_any_lease_ever_given_writes_nothing(store: CountingStore) -> None:
    with pytest.raises(LeaseLost):
        await store.commit(
            Lease(shard="0", holder="run-1", fence=1, until=SOON), Changes(links=(link(1),))
        )
    assert await store.live_count() == 0


async def test_a_lease_that_ran_out_still_writes_while_nobody_has_taken_it(
    store: CountingStore,
) -> None:
    lease = await store.take_lease(
        "0", holder="run-1", now=NOW - timedelta(days=9), until=NOW - timedelta(days=8)
    )
    await store.commit(lease, Changes(links=(link(1),)))
    assert await store.live_count() == 1


async def test_a_lease_taken_by_one_store_is_good_in_another(world: World) -> None:
    async with world() as first, world() as second:
        lease = await lease_of(first)
        for number, store in enumerate((second, first, second)):
            await store.commit(lease, Changes(links=(link(number),)))
        assert await first.live_count() == 3


async def test_commits_of_one_store_at_the_same_time_are_all_written(store: CountingStore) -> None:
    lease = await lease_of(store)
    commits = (
        store.commit(lease, Changes(links=(link(number),), intents=(intent(number),)))
        for number in range(20)
    )
    await asyncio.gather(*commits, store.renew_lease(lease, until=SOON + timedelta(minutes=5)))
    assert await store.live_count() == 20
    assert len(await store.intents()) == 20


async def test_a_cancelled_commit_is_written_whole_or_not_at_all_and_the_next_one_works(
    world: World,
) -> None:
    async with world() as store:
        lease = await lease_of(store)
        for number in range(10):
            changes = Changes(links=(link(number),), intents=(intent(number),))
            commit = asyncio.ensure_future(store.commit(lease, changes))
            for _ in range(number):
                await asyncio.sleep(0)
            commit.cancel()
            await asyncio.gather(commit, return_exceptions=True)
        await store.commit(lease, Changes(links=(link(100),), intents=(intent(100),)))
    async with world() as store:
        linked = {found.issue_id for found in await live(store)}
        assert linked == {found.issue_id for found in await store.intents()}
        assert issue_id(100) in linked


async def test_a_commit_of_five_hundred_documents_is_written_as_one(store: CountingStore) -> None:
    lease = await lease_of(store)
    await store.commit(
        lease, Changes(links=tuple(map(link, range(250))), intents=tuple(map(intent, range(250))))
    )
    assert await store.live_count() == 250
    assert len(await store.intents()) == 250


@pytest.mark.parametrize(("count", "reads"), [(499, 499), (500, 501), (501, 501)])
async def test_listings_longer_than_a_page_are_read_to_their_end(
    store: CountingStore, count: int, reads: int
) -> None:
    lease = await lease_of(store)
    for numbers in (range(300), range(300, count)):
        await store.commit(lease, Changes(parked=tuple(map(parked, numbers))))
    before = store.spent["read"]
    assert sorted(found.issue_id for found in await store.parked()) == [
        issue_id(number) for number in range(count)
    ]
    assert store.spent["read"] - before == reads


async def test_a_commit_of_more_is_refused_whole(store: CountingStore) -> None:
    lease = await lease_of(store)
    with pytest.raises(ValueError, match="501 documents"):
        await store.commit(lease, Changes(links=tuple(map(link, range(501)))))
    assert await store.live_count() == 0


async def test_a_commit_that_names_a_document_twice_is_refused_whole(store: CountingStore) -> None:
    lease = await lease_of(store)
    with pytest.raises(ValueError, match="twice"):
        await store.commit(
            lease, Changes(intents=(intent(1),), settled=(issue_id(1),), links=(link(1),))
        )
    assert await store.live_count() == 0


# --- Intents --------------------------------------------------------------------------------------


async def test_a_first_intent_is_refused_while_another_stands_and_nothing_of_its_commit_is_written(
    store: CountingStore,
) -> None:
    lease = await lease_of(store)
    await store.commit(lease, Changes(intents=(intent(1),)))
    with pytest.raises(LeaseLost, match="run-1/1"):
        await store.commit(
            lease, Changes(links=(link(2),), intents=(intent(2), intent(1, attempt="run-1/2")))
        )
    assert await store.intents() == [intent(1)]
    assert await store.live_count() == 0


async def test_an_intent_replaces_the_one_that_it_follows(store: CountingStore) -> None:
    lease = await lease_of(store)
    await store.commit(lease, Changes(intents=(intent(1),)))
    second = intent(1, attempt="run-1/2", follows="run-1/1")
    await store.commit(lease, Changes(intents=(second, intent(2))))
    assert sorted(await store.intents(), key=lambda intent: intent.issue_id) == [second, intent(2)]


@pytest.mark.parametrize("standing", [(), ("run-0/9",)])
async def test_an_intent_that_follows_another_than_the_standing_one_is_refused(
    store: CountingStore, standing: tuple[str, ...]
) -> None:
    lease = await lease_of(store)
    before = [intent(1, attempt=attempt) for attempt in standing]
    await store.commit(lease, Changes(intents=tuple(before), links=(link(9),)))
    with pytest.raises(LeaseLost):
        await store.commit(
            lease,
            Changes(intents=(intent(1, attempt="run-1/2", follows="run-1/1"),), links=(link(1),)),
        )
    assert await store.intents() == before
    assert await store.live_count() == 1


# --- Reading many ---------------------------------------------------------------------------------


async def test_all_live_links_come_once_in_pages_and_no_others(store: CountingStore) -> None:
    lease = await lease_of(store)
    for start in range(0, 1200, 400):
        numbers = range(start, start + 400)
        await store.commit(
            lease, Changes(links=tuple(link(number, live=number % 6 != 0) for number in numbers))
        )
    pages = [page async for page in store.live_links()]
    found = [link.issue_id for page in pages for link in page]
    assert [len(page) for page in pages] == [500, 500]
    assert sorted(found) == [issue_id(number) for number in range(1200) if number % 6]
    assert await store.live_count() == 1000


async def test_links_that_are_closed_while_all_are_listed_make_no_other_be_left_out(
    store: CountingStore,
) -> None:
    lease = await lease_of(store)
    for start in (0, 400):
        await store.commit(lease, Changes(links=tuple(map(link, range(start, start + 400)))))
    seen: list[IssueId] = []
    async for page in store.live_links():
        seen += [found.issue_id for found in page]
        await store.commit(
            lease, Changes(links=tuple(replace(found, live=False) for found in page[:400]))
        )
    assert seen == [issue_id(number) for number in range(800)]


async def test_links_are_found_among_many_ids_and_repeated_ids_count_once(
    store: CountingStore,
) -> None:
    lease = await lease_of(store)
    await store.commit(lease, Changes(links=tuple(map(link, range(0, 800, 2)))))
    found = await store.links([issue_id(number) for number in range(800)] * 2)
    assert found == {issue_id(number): link(number) for number in range(0, 800, 2)}


@pytest.mark.parametrize("odd", ["a/b", ".", "..", "__x__", "ü 1", "x" * 2000, "a:b'c\"d%20\n"])
async def test_an_issue_id_of_any_shape_can_be_kept(store: CountingStore, odd: str) -> None:
    lease = await lease_of(store)
    kept = replace(link(1), issue_id=IssueId(odd))
    await store.commit(
        lease, Changes(links=(kept, link(2)), intents=(replace(intent(1), issue_id=IssueId(odd)),))
    )
    assert await store.links([IssueId(odd)]) == {IssueId(odd): kept}
    await store.commit(lease, Changes(settled=(IssueId(odd),)))
    assert await store.intents() == []


async def test_runs_come_newest_first_and_no_more_than_asked_for(store: CountingStore) -> None:
    lease = await lease_of(store)
    records = [
        run(number, started_at=NOW + timedelta(minutes=7 * number % 10)) for number in range(10)
    ]
    for record in records:
        await store.commit(lease, Changes(run=record))
    newest = sorted(records, key=lambda record: record.started_at, reverse=True)
    assert await store.runs(limit=4) == newest[:4]


async def test_the_same_run_of_two_shards_is_two_records_and_the_same_record_again_is_one(
    store: CountingStore,
) -> None:
    lease = await lease_of(store)
    for record in (run(1), replace(run(1), shard="1"), replace(run(1), verdict=Verdict.STOPPED)):
        await store.commit(lease, Changes(run=record))
    kept = await store.runs(limit=9)
    assert sorted((record.shard, record.verdict) for record in kept) == [
        ("0", "stopped"),
        ("1", "done"),
    ]


# --- What it costs --------------------------------------------------------------------------------


async def test_every_store_counts_the_same_operations(store: CountingStore) -> None:
    async def spent_by(work: object) -> tuple[int, int, int]:
        before = dict(store.spent)
        await work  # type: ignore[misc]
        read, write, delete = (
            store.spent[kind] - before.get(kind, 0) for kind in ("read", "write", "delete")
        )
        return read, write, delete

    lease = await lease_of(store)
    assert dict(store.spent) == {"read": 1, "write": 1}
    first = Changes(
        links=tuple(map(link, range(50))),
        intents=tuple(map(intent, range(50))),
        parked=(parked(1),),
    )
    assert await spent_by(store.commit(lease, first)) == (0, 102, 0)
    second = Changes(
        intents=(intent(1, attempt="2", follows="run-1/1"),),
        settled=(issue_id(2), issue_id(3)),
        released=(issue_id(1),),
        watermark=watermark(),
        run=run(1),
    )
    assert await spent_by(store.commit(lease, second)) == (1, 4, 3)
    assert await spent_by(store.links([issue_id(number) for number in range(60)])) == (60, 0, 0)
    assert await spent_by(store.links([])) == (0, 0, 0)
    assert await spent_by(live(store)) == (50, 0, 0)
    assert await spent_by(store.live_count()) == (1, 0, 0)
    assert await spent_by(store.intents()) == (48, 0, 0)
    assert await spent_by(store.parked()) == (1, 0, 0)
    assert await spent_by(store.watermark("0")) == (1, 0, 0)
    assert await spent_by(store.runs(limit=3)) == (1, 0, 0)
    assert await spent_by(store.renew_lease(lease, until=SOON)) == (0, 1, 0)
    assert await spent_by(store.release_lease(lease)) == (0, 1, 0)
