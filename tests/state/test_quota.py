"""What every store keeps of limits: held pieces, what digests name, and the quota of all tasks."""

import asyncio
from contextlib import AsyncExitStack
from datetime import timedelta

from msgspec.structs import replace

from job.core.held import Quota
from job.core.ids import IssueId
from job.core.memory import Changes, Lease
from job.state.urls import CountingStore
from tests.state.values import NOW, SOON, World, backlog, held_set, issue_id, piece, quota, run

EIGHT_DAYS = timedelta(days=8)


async def lease_of(store: CountingStore) -> Lease:
    return await store.take_lease("0", holder="run-1", now=NOW, until=SOON)


async def test_pieces_and_what_digests_name_are_kept_until_they_are_dropped(world: World) -> None:
    async with world() as store:
        lease = await lease_of(store)
        pieces = (piece(1), piece(1, run="run-1"), piece(2))
        await store.commit(lease, Changes(pieces=pieces, held_sets=(held_set(),)))
        await store.commit(lease, Changes(dropped=(piece(2).name,)))
    async with world() as store:
        kept = {kept.name: kept for kept in await store.pieces()}
        assert kept == {made.name: made for made in pieces[:2]}
        assert await store.held_set(held_set().digest) == held_set()
        assert await store.held_set("fedcba9876543210") is None
        assert await store.held_set("") is None


async def test_what_is_written_again_takes_the_place_of_what_was_there(
    store: CountingStore,
) -> None:
    lease = await lease_of(store)
    shorter = replace(piece(1), texts=("1 1772366400 close a 10001 SEC",))
    for made in (piece(1), shorter):
        await store.commit(lease, Changes(pieces=(made,)))
    assert await store.pieces() == [shorter]


async def test_backlog_notes_are_found_among_many_ids(store: CountingStore) -> None:
    lease = await lease_of(store)
    await store.commit(lease, Changes(backlog=tuple(map(backlog, range(0, 400, 2)))))
    found = await store.backlog([issue_id(number) for number in range(400)])
    assert found == {issue_id(number): backlog(number) for number in range(0, 400, 2)}
    assert await store.backlog([IssueId("a/b")]) == {}


async def test_there_is_an_empty_quota_before_the_first_change(store: CountingStore) -> None:
    assert await store.quota() == Quota()
    assert await store.change_quota(quota(1))
    assert await store.quota() == quota(1)


async def test_a_quota_is_changed_only_from_exactly_what_was_read(world: World) -> None:
    async with world() as ours, world() as theirs:
        for store in (ours, theirs):
            assert (await store.quota()).revision == 0
        assert await theirs.change_quota(quota(1))
        assert not await ours.change_quota(replace(quota(1), approved={}))
        assert await ours.quota() == quota(1)
        assert await ours.change_quota(quota(2))
        assert not await theirs.change_quota(replace(quota(2), approved={}))
        assert await theirs.quota() == quota(2)


async def test_of_twenty_racers_that_each_add_one_none_is_lost(world: World) -> None:
    async def add(store: CountingStore, number: int) -> None:
        while True:
            kept = await store.quota()
            approved = {**kept.approved, f"{number}-of-20": 1}
            changed = replace(kept, revision=kept.revision + 1, approved=approved)
            if await store.change_quota(changed):
                return

    async with AsyncExitStack() as stack:
        stores = [await stack.enter_async_context(world()) for _ in range(20)]
        await asyncio.gather(*(add(store, number) for number, store in enumerate(stores)))
        kept = await stores[0].quota()
    assert (kept.revision, len(kept.approved)) == (20, 20)


async def test_a_change_without_a_reading_before_it_is_made_or_refused_by_what_is_kept(
    world: World,
) -> None:
    async with world() as store:
        assert await store.change_quota(quota(1))
    async with world() as store:
        assert not await store.change_quota(quota(1))
        assert await store.change_quota(quota(2))


async def test_every_store_counts_alike_what_limits_cost(store: CountingStore) -> None:
    lease = await lease_of(store)
    before = dict(store.spent)
    changes = Changes(pieces=(piece(1),), held_sets=(held_set(),), dropped=(piece(2).name,))
    await store.commit(lease, changes)
    await store.pieces()
    await store.held_set("0123456789abcdef")
    await store.backlog([issue_id(1), issue_id(2)])
    await store.change_quota(replace(await store.quota(), revision=1))
    spent = {kind: many - before.get(kind, 0) for kind, many in store.spent.items()}
    assert spent == {"read": 1 + 1 + 2 + 1, "write": 3 + 1, "delete": 1}


async def test_what_has_expired_is_forgotten_where_the_store_forgets_by_itself(
    world: World,
) -> None:
    async with world() as store:
        if "firestore" in type(store).__module__:
            return  # a policy of the database forgets there, which the emulator does not have
        lease = await lease_of(store)
        await store.commit(lease, Changes(pieces=(piece(1),), held_sets=(held_set(),)))
        await store.commit(lease, Changes(run=run(1, started_at=NOW + EIGHT_DAYS)))
        assert await store.pieces() == []
        assert await store.held_set(held_set().digest) == held_set(), "known to be old"
        await store.commit(lease, Changes(run=run(2, started_at=NOW + 4 * EIGHT_DAYS)))
        assert await store.held_set(held_set().digest) is None
