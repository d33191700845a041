"""Exactly how many documents a run reads, writes and deletes: what Firestore sends a bill for."""

import asyncio
from collections import Counter

import pytest
from msgspec.structs import replace

from job.core.backlog import BacklogMode
from job.core.memory import RunRecord
from job.core.plan import Limits
from job.flow.setup import Order
from tests.budget.kit import FEW, HOUR_S, Shop, batches, shop_with
from tests.kit.timeless import play
from tests.kit.tube import QUIET

FIXED = Counter(
    read=1  # the lease before it is taken
    + 1  # the leases of all shards: one, where there is one task
    + 1  # the watermark
    + 1  # intents: none, which is billed as one
    + 1  # parked issues: none
    + 1  # issues that are due to be looked at: none
    + 1,  # notes of what Jira told of tickets: none
    write=1  # the lease, taken
    + 3  # the record, the watermark, and the lease that fences both
    + 1,  # the lease, given back
)
"""Of every run, whatever there is to do. (What `RUNS_KEPT` deletes later is one more.)"""


async def settled(many: int, *, comments: bool = True) -> Shop:
    shop = shop_with(many, comments=comments)
    await shop.settle()
    return shop


def test_a_run_without_news_reads_seven_documents_and_writes_five() -> None:
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
def test_an_edit_of_fields_is_one_write_more_of_the_link_before_it_leaves(many: int) -> None:
    async def story() -> None:
        tickets = replace(QUIET.routes.default.tickets, mapping=(("critical", "Halo Group"),))
        shop = Shop(settings=tickets)
        issues = shop.opens(many)
        for issue_id in issues:
            shop.tube.halo.estate.edit_issue(issue_id, critical=False)
        await shop.settle()
        for issue_id in issues:
            shop.tube.halo.estate.edit_issue(issue_id, critical=True)
        fences = 2 * batches(many, of=50)
        assert (await shop.run()).store == FIXED + Counter(
            read=many, write=3 * many + fences, delete=many
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
def test_a_closed_issue_costs_as_much_where_closes_have_no_limit(many: int) -> None:
    async def story() -> None:
        shop = await settled(many)
        for issue_id in list(shop.tube.halo.estate.issues):
            shop.tube.halo.estate.resolve(issue_id)
        fences = 2 * batches(many, of=50)
        assert (await shop.run()).store == FIXED + Counter(
            read=many, write=2 * many + fences, delete=many
        )

    play(story())


@pytest.mark.parametrize(("links", "many"), [(5, 1), (120, 36)])
def test_closes_within_their_limit_cost_two_reads_four_writes_and_a_delete_for_all_of_them(
    links: int, many: int
) -> None:
    """The live links are counted and the quota is read; the quota, the watermark, the piece of what
    was granted and the fence of both are written; in the end the piece goes.
    """

    async def story() -> None:
        shop = await settled(links)
        shop.tube.limits = Limits()
        for issue_id in list(shop.tube.halo.estate.issues)[:many]:
            shop.tube.halo.estate.resolve(issue_id)
        fences = 2 * batches(many, of=50)
        assert (await shop.run()).store == FIXED + Counter(
            read=many + 2, write=2 * many + fences + 4, delete=many + 1
        )

    play(story())


def test_creates_within_their_limit_cost_nothing_more() -> None:
    async def story() -> None:
        shop = await settled(0)
        shop.tube.limits = Limits(create_max=200)
        shop.opens(120)
        fences = 2 * batches(120, of=100)
        assert (await shop.run()).store == FIXED + Counter(read=120, write=240 + fences, delete=120)

    play(story())


def test_what_stays_held_costs_each_run_its_pieces_two_looks_at_the_quota_and_no_write() -> None:
    """Besides what it takes to see that it is still planned: here one read for each link."""

    async def story() -> None:
        shop = await settled(0)
        shop.tube.limits = Limits(create_max=10)
        shop.opens(1_200)
        tube = shop.tube
        await tube.run()
        for _ in range(2):
            await asyncio.sleep(HOUR_S)
            before = Counter(tube.store.spent)
            record = await tube.run()
            assert isinstance(record, RunRecord)
            assert record.counts["create"] == {"held": 1_200}
            spent = Counter(tube.store.spent) - before
            assert spent == FIXED + Counter(read=1_200 + batches(1_200, of=500) + 2)

    play(story())


def test_nothing_that_was_held_costs_a_run_anything_once_it_is_let_through() -> None:
    async def story() -> None:
        shop = await settled(0)
        shop.tube.limits = Limits(create_max=10)
        shop.opens(12)
        held = await shop.tube.run()
        assert isinstance(held, RunRecord)
        await asyncio.sleep(HOUR_S)
        await shop.tube.run(order=Order(approved=held.digest))
        for _ in range(2):
            await asyncio.sleep(HOUR_S)
            bill = await shop.run()
        assert bill.store == FIXED

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
            due = 0 if comments else -1  # nothing is ever due where nothing is told
            spent = FIXED + Counter(read=many, write=many + fences)
            spent.update(read=due)
            assert (await shop.run()).store == spent

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


OLD = 320


async def week_old(word: str) -> Shop:
    """A shop whose first run has just looked at issues of a week ago and a new one."""
    shop = Shop()
    shop.tube.policy = replace(shop.tube.policy, backlog=BacklogMode(word))
    shop.opens(OLD)
    await asyncio.sleep(7 * 24 * HOUR_S)
    shop.opens(1)
    await shop.settle()
    return shop


def test_old_issues_that_wait_for_halo_cost_a_sweep_the_read_that_finds_no_link() -> None:
    """One for each, as before there was a backlog, and for the new ticket as for any."""

    async def story() -> None:
        shop = await week_old("touched")
        for times in (3, 2, 2):
            await asyncio.sleep(24 * HOUR_S)
            assert (await shop.run()).store == FIXED + Counter(read=OLD + times)

    play(story())


@pytest.mark.parametrize("word", ["critical", "none"])
def test_old_issues_that_are_left_alone_cost_one_read_more_each_time_halo_touches_them(
    word: str,
) -> None:
    """The note, which the first run writes: 160 share a fence. A sweep reads it only of those that
    Halo has touched since; what nobody has touched costs what it costs with `touched`.
    """

    async def story() -> None:
        shop = await week_old(word)
        assert len(shop.tube.store._backlog) == OLD
        await asyncio.sleep(24 * HOUR_S)
        assert (await shop.run()).store == FIXED + Counter(read=OLD + 3)
        estate = shop.tube.halo.estate
        for issue_id in list(estate.issues)[:100]:
            estate.rescan(issue_id)
        assert (await shop.run()).store == FIXED + Counter(read=2 * 100)
        await asyncio.sleep(24 * HOUR_S)
        notes, listed_as_changed = 100, 100
        swept = (await shop.run()).store
        assert swept == FIXED + Counter(read=OLD + 2 + notes + listed_as_changed)

    play(story())


def test_a_first_run_that_leaves_the_backlog_alone_writes_a_note_of_each() -> None:
    async def story() -> None:
        spent = []
        for word in ("touched", "none"):
            shop = Shop()
            shop.tube.policy = replace(shop.tube.policy, backlog=BacklogMode(word))
            shop.opens(OLD)
            await asyncio.sleep(7 * 24 * HOUR_S)
            spent.append((await shop.run()).store)
        plain, noting = spent
        assert noting - plain == Counter(
            read=OLD + 1,  # the links that are not there, and that no link is live
            write=OLD + batches(OLD, of=160),
        )

    play(story())
