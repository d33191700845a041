"""Exactly how many documents a run reads, writes and deletes: what Firestore sends a bill for."""

import asyncio
from collections import Counter

import pytest

from tests.budget.kit import FEW, HOUR_S, Shop, batches, shop_with
from tests.kit.timeless import play

FIXED = Counter(
    read=1  # the lease before it is taken
    + 1  # the leases of all shards: one, where there is one task
    + 1  # the watermark
    + 1  # intents: none, which is billed as one
    + 1,  # parked issues: none
    write=1  # the lease, taken
    + 3  # the record, the watermark, and the lease that fences both
    + 1,  # the lease, given back
)
"""Of every run, whatever there is to do. (What `RUNS_KEPT` deletes later is one more.)"""


async def settled(many: int, *, comments: bool = True) -> Shop:
    shop = shop_with(many, comments=comments)
    await shop.settle()
    return shop


def test_a_run_without_news_reads_five_documents_and_writes_five() -> None:
    async def story() -> None:
        assert (await (await settled(120)).run()).store == FIXED

    play(story())


@pytest.mark.parametrize("many", FEW)
def test_a_new_issue_is_one_read_two_writes_and_one_delete(many: int) -> None:
    """The link that is not there, the intent, the link, and the intent again; each batch of 100
    fences twice.
    """

    async def story() -> None:
        shop = await settled(0)
        shop.opens(many)
        fences = 2 * batches(many, of=100)
        assert (await shop.run()).store == FIXED + Counter(
            read=many, write=2 * many + fences, delete=many
        )

    play(story())


@pytest.mark.parametrize("many", FEW)
def test_a_commented_issue_is_one_read_two_writes_and_one_delete(many: int) -> None:
    async def story() -> None:
        shop = await settled(many)
        for issue_id in list(shop.tube.halo.estate.issues):
            shop.tube.halo.estate.rescan(issue_id, changed=True)
        fences = 2 * batches(many, of=50)
        assert (await shop.run()).store == FIXED + Counter(
            read=many, write=2 * many + fences, delete=many
        )

    play(story())


@pytest.mark.parametrize("many", FEW)
def test_a_closed_issue_costs_as_much_and_each_run_with_closes_counts_the_live_links(
    many: int,
) -> None:
    async def story() -> None:
        shop = await settled(many)
        for issue_id in list(shop.tube.halo.estate.issues):
            shop.tube.halo.estate.resolve(issue_id)
        fences, counting = 2 * batches(many, of=50), batches(many, of=1_000)
        assert (await shop.run()).store == FIXED + Counter(
            read=many + counting, write=2 * many + fences, delete=many
        )

    play(story())


@pytest.mark.parametrize("many", [1, 120, 450])
def test_an_issue_that_was_only_seen_again_is_one_read_and_one_write(many: int) -> None:
    """Its new version, so that it costs no call the next time. Without comments 160 share a
    fence, else 50.
    """

    async def story() -> None:
        for comments, together in ((True, 50), (False, 160)):
            shop = await settled(many, comments=comments)
            for issue_id in list(shop.tube.halo.estate.issues):
                shop.tube.halo.estate.rescan(issue_id)
            fences = batches(many, of=together)
            assert (await shop.run()).store == FIXED + Counter(read=many, write=many + fences)

    play(story())


def test_what_is_listed_again_within_the_overlap_costs_one_read_and_nothing_else() -> None:
    async def story() -> None:
        shop = shop_with(120)
        await shop.run()
        await asyncio.sleep(120)
        assert (await shop.run()).store == FIXED + Counter(read=120)

    play(story())


def test_a_sweep_reads_every_live_link_at_most_three_times_and_writes_nothing() -> None:
    """Because Halo lists the issue as active, because the link is live, and because it changed
    since the last sweep but

    one: a listing cannot tell which it left out.
    """

    async def story() -> None:
        shop = await settled(120)
        for times in (3, 2, 2):
            await asyncio.sleep(24 * HOUR_S)
            assert (await shop.run()).store == FIXED + Counter(read=times * 120)

    play(story())
