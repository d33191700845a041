"""Limits hold back what is over them and nothing else, and need no yes twice."""

import asyncio
from collections import Counter
from datetime import timedelta

import pytest

from job.core.ids import IssueId
from job.core.memory import RunRecord
from job.core.plan import Limits
from job.errors import LeaseHeld
from job.flow.run import plan
from job.flow.setup import ALL_TIME, Order
from job.sim.call import json_answer
from tests.kit.timeless import play
from tests.kit.tube import POLICY, QUIET, Fuse, Onlooker, Tube

MINUTES_5_S = 300.0
HOUR_S = 3_600.0
DAY_S = 86_400.0


def tube_with(issues: int, *, limits: Limits) -> Tube:
    tube = Tube(policy=QUIET, limits=limits)
    opens(tube, issues)
    return tube


def opens(tube: Tube, many: int) -> list[str]:
    return [tube.halo.estate.open_issue(type="fim") for _ in range(many)]


def resolves(tube: Tube, many: int) -> list[str]:
    active = [
        issue_id for issue_id, issue in tube.halo.estate.issues.items() if issue.status == "active"
    ]
    for issue_id in active[:many]:
        tube.halo.estate.resolve(issue_id)
    return active[:many]


async def ran(tube: Tube, order: Order | None = None, *, after_s: float = MINUTES_5_S) -> RunRecord:
    await asyncio.sleep(after_s)
    record = await tube.run(order=order)
    assert isinstance(record, RunRecord), record
    return record


def statuses(tube: Tube) -> Counter[str]:
    return Counter(ticket.status for ticket in tube.jira.people.tickets())


async def with_links(many: int, *, limits: Limits) -> Tube:
    tube = tube_with(many, limits=Limits())
    await ran(tube)
    tube.limits = limits
    return tube


# --- What is held, and what is not ----------------------------------------------------------------


def test_a_kind_over_its_limit_is_held_and_everything_else_is_done() -> None:
    async def story() -> None:
        tube = await with_links(40, limits=Limits())
        resolved = resolves(tube, 39)
        (left,) = set(tube.halo.estate.issues) - set(resolved)
        tube.halo.estate.rescan(left, changed=True)
        opens(tube, 3)
        record = await ran(tube)
        assert (record.verdict, record.exit_code) == ("refused", 4)
        assert "MAX_CLOSE_PERCENT allows 12" in record.held[0]
        assert "the plan has 39" in record.held[0]
        assert record.counts["close"] == {"held": 39}
        assert record.counts["create"] == {"done": 3}
        assert record.counts["comment"] == {"done": 1}
        assert statuses(tube) == {"To Do": 43}

    play(story())


def test_creates_over_their_limit_are_held_while_closes_go_on() -> None:
    async def story() -> None:
        tube = await with_links(20, limits=Limits(create_max=5))
        resolves(tube, 2)
        opens(tube, 6)
        record = await ran(tube)
        assert record.counts["create"] == {"held": 6}
        assert record.counts["close"] == {"done": 2}
        assert "MAX_CREATE allows 5" in record.held[0]

    play(story())


def test_an_approval_is_good_although_one_new_issue_comes_every_five_minutes() -> None:
    async def story() -> None:
        tube = await with_links(60, limits=Limits())
        resolves(tube, 30)
        digest = (await ran(tube)).digest
        for made in (1, 2, 3):
            opens(tube, 1)
            assert (await ran(tube)).digest == digest
            assert len(tube.jira.people.tickets()) == 60 + made
        opens(tube, 1)
        approved = await ran(tube, Order(approved=digest))
        assert approved.exit_code == 0, approved.held
        assert statuses(tube) == {"Done": 30, "To Do": 34}
        assert (await ran(tube)).exit_code == 0

    play(story())


def test_what_came_since_the_digest_is_judged_anew() -> None:
    async def story() -> None:
        tube = tube_with(12, limits=Limits(create_max=10))
        first = (await ran(tube)).digest
        opens(tube, 11)
        second = (await ran(tube)).digest
        assert first != second
        record = await ran(tube, Order(approved=first))
        assert record.counts["create"] == {"done": 12, "held": 11}
        assert record.exit_code == 4
        assert record.digest not in {first, second}
        assert (await ran(tube, Order(approved=record.digest))).counts["create"] == {"done": 11}

    play(story())


def test_an_approval_goes_on_over_as_many_runs_as_it_takes_killed_or_not() -> None:
    async def story() -> None:
        tube = await with_links(80, limits=Limits())
        resolves(tube, 40)
        digest = (await ran(tube)).digest
        await asyncio.sleep(MINUTES_5_S)
        assert await tube.run(order=Order(approved=digest), fuse=Fuse(at=(70, "after"))) is None
        half = statuses(tube)["Done"]
        assert 0 < half < 40
        tube.sync_max = 7
        while statuses(tube)["Done"] < 40:
            assert (await ran(tube, after_s=HOUR_S / 4)).exit_code == 0
        tube.sync_max = 0
        assert (await ran(tube)).exit_code == 0
        assert not await tube.store.pieces()

    play(story())


@pytest.mark.parametrize("digest", ["0123456789abcdef", "", "e3b0c44298fc1c14"])
def test_a_digest_that_names_nothing_approves_nothing_and_is_told_as_mistyped(digest: str) -> None:
    async def story() -> None:
        tube = tube_with(12, limits=Limits(create_max=10))
        held = await ran(tube)
        record = await ran(tube, Order(approved=digest))
        assert "mistyped" in record.held[0]
        assert (record.digest, record.exit_code) == (held.digest, 4)
        assert tube.jira.people.tickets() == []

    play(story())


def test_a_digest_is_forgotten_after_seven_days_and_told_as_old() -> None:
    async def story() -> None:
        tube = tube_with(12, limits=Limits(create_max=10))
        old = (await ran(tube)).digest
        record = await ran(tube, Order(approved=old), after_s=8 * DAY_S)
        assert "forgotten" in record.held[0]
        assert record.digest != old
        assert tube.jira.people.tickets() == []
        assert (await ran(tube, Order(approved=record.digest))).counts["create"] == {"done": 12}

    play(story())


def test_a_digest_that_a_plan_showed_can_be_approved_before_any_run() -> None:
    async def story() -> None:

        tube = tube_with(12, limits=Limits(create_max=10))
        shown = await plan(tube.setup(Fuse(), shard=tube.shard), order=Order(), watcher=Onlooker())
        assert len(shown.held) == 12
        assert not await tube.store.pieces()
        record = await ran(tube, Order(approved=shown.digest))
        assert record.counts["create"] == {"done": 12}
        assert not await tube.store.pieces()

    play(story())


def test_an_approval_given_while_another_run_is_at_work_is_not_lost() -> None:
    async def story() -> None:
        tube = tube_with(30, limits=Limits(create_max=10))
        digest = (await ran(tube)).digest
        await asyncio.sleep(MINUTES_5_S)
        first, second = await asyncio.gather(tube.run(), tube.run(order=Order(approved=digest)))
        assert isinstance(first, RunRecord)
        assert isinstance(second, LeaseHeld)
        await ran(tube)
        assert len(tube.jira.people.tickets()) == 30

    play(story())


def test_an_approval_with_nothing_held_is_no_error() -> None:
    async def story() -> None:
        tube = tube_with(12, limits=Limits(create_max=10))
        digest = (await ran(tube)).digest
        for _ in range(2):
            assert (await ran(tube, Order(approved=digest))).exit_code == 0
        assert (await ran(tube, Order(approved="0123456789abcdef"))).exit_code == 0

    play(story())


def test_what_is_held_and_no_longer_planned_is_let_go() -> None:
    async def story() -> None:
        tube = await with_links(40, limits=Limits())
        resolved = resolves(tube, 30)
        digest = (await ran(tube)).digest
        for issue_id in resolved:
            tube.halo.estate.reopen(issue_id)
        assert (await ran(tube)).exit_code == 0
        assert not await tube.store.pieces()
        assert (await tube.store.quota()).standing == {}
        for issue_id in resolved:
            tube.halo.estate.resolve(issue_id)
        assert (await ran(tube, Order(approved=digest))).counts["close"] == {"held": 30}

    play(story())


def test_a_held_set_may_be_larger_than_one_document() -> None:
    async def story() -> None:
        tube = tube_with(1_203, limits=Limits(create_max=10))
        digest = (await ran(tube)).digest
        assert sorted(len(piece.texts) for piece in await tube.store.pieces()) == [203, 500, 500]
        opens(tube, 1)
        await ran(tube)
        assert (await ran(tube, Order(approved=digest))).counts["create"] == {"done": 1_204}
        assert not await tube.store.pieces()

    play(story())


def test_a_back_fill_over_its_limit_is_held_and_approved_without_being_ordered_again() -> None:
    async def story() -> None:
        tube = tube_with(12, limits=Limits(create_max=10))
        tube.look_back = timedelta(minutes=15)
        await asyncio.sleep(10 * DAY_S)
        await ran(tube)
        record = await ran(tube, Order(since=ALL_TIME))
        assert record.counts["create"] == {"held": 12}
        assert (await ran(tube)).exit_code == 0, "a no is a no: nobody has to say it"
        assert tube.jira.people.tickets() == []
        approved = await ran(tube, Order(approved=record.digest))
        assert approved.counts["create"] == {"done": 12}

    play(story())


# --- What counts ----------------------------------------------------------------------------------


def test_closes_that_jira_keeps_refusing_are_parked_and_trip_no_limit() -> None:
    async def story() -> None:
        tube = await with_links(30, limits=Limits())
        tube.jira.faults.hook = lambda call, side: (
            json_answer({"errorMessages": ["Not now."]}, status=400)
            if side == "before" and call.method == "POST" and call.path.endswith("/transitions")
            else None
        )
        for _ in range(2):
            resolves(tube, 6)
            assert (await ran(tube)).exit_code == 5
        for _ in range(30):
            opens(tube, 1)
            record = await ran(tube)
            assert record.exit_code in {0, 5}, record.held
        assert len(tube.jira.people.tickets()) == 60
        tube.jira.faults.quiet()
        for _ in range(3):
            await ran(tube, after_s=DAY_S)
        assert statuses(tube) == {"Done": 12, "To Do": 48}

    play(story())


def test_finishing_the_tickets_of_a_killed_run_is_not_creating_them() -> None:
    async def story() -> None:
        tube = tube_with(8, limits=Limits(create_max=10))
        tube.policy = POLICY
        tube.jira.faults.hook = lambda call, side: (
            json_answer({"errorMessages": ["Not now."]}, status=400)
            if side == "before" and call.method == "POST" and call.path.endswith("/transitions")
            else None
        )
        await ran(tube)
        tube.jira.faults.quiet()
        opens(tube, 8)
        record = await ran(tube, after_s=HOUR_S)
        assert record.counts["create"] == {"done": 16}
        assert statuses(tube) == {"In Progress": 16}

    play(story())


def test_the_closes_of_a_day_count_together_against_the_links_at_their_start() -> None:
    async def story() -> None:
        tube = await with_links(100, limits=Limits())
        for _ in range(3):
            resolves(tube, 10)
            assert (await ran(tube)).counts["close"] == {"done": 10}
        resolves(tube, 1)
        record = await ran(tube)
        assert record.counts["close"] == {"held": 1}
        assert "allows 30" in record.held[0]
        assert "and 30 were closed" in record.held[0]
        record = await ran(tube, after_s=DAY_S)
        assert record.counts["close"] == {"done": 1}

    play(story())


def test_approved_closes_do_not_count_for_the_day() -> None:
    async def story() -> None:
        tube = await with_links(100, limits=Limits())
        resolves(tube, 50)
        digest = (await ran(tube)).digest
        assert (await ran(tube, Order(approved=digest))).counts["close"] == {"done": 50}
        resolves(tube, 15)
        assert (await ran(tube)).counts["close"] == {"done": 15}

    play(story())


def test_closes_behind_the_cap_count_for_their_limit() -> None:
    async def story() -> None:
        tube = await with_links(100, limits=Limits())
        tube.sync_max = 5
        resolves(tube, 31)
        for _ in range(3):
            assert (await ran(tube)).counts["close"] == {"held": 31}

    play(story())


@pytest.mark.parametrize("at", [*range(14, 24), 30, 45, 60, 75])
def test_a_run_killed_anywhere_never_lets_more_through_than_the_limit(at: int) -> None:
    async def story() -> None:
        tube = await with_links(40, limits=Limits())
        resolves(tube, 12)
        await asyncio.sleep(MINUTES_5_S)
        await tube.run(fuse=Fuse(at=(at, "after")))
        for _ in range(3):  # a comment whose fate is unknown is waited for
            assert (await ran(tube, after_s=HOUR_S / 4)).exit_code == 0, "the rest needs no yes"
        assert statuses(tube) == {"Done": 12, "To Do": 28}
        resolves(tube, 1)
        assert (await ran(tube)).counts["close"] == {"held": 1}

    play(story())


# --- Slices ---------------------------------------------------------------------------------------


def test_creates_go_in_slices_the_worst_first() -> None:
    async def story() -> None:
        tube = Tube(policy=QUIET, limits=Limits(create_max=4, slices=True))
        estate = tube.halo.estate
        mild = [estate.open_issue(type="csm") for _ in range(6)]
        worst = [estate.open_issue(type="csm") for _ in range(3)]
        for issue_id in mild:
            estate.edit_issue(issue_id, critical=False)
        for issue_id in worst:
            estate.edit_issue(issue_id, critical=True)
        record = await ran(tube)
        assert (record.exit_code, record.counts["create"]) == (0, {"done": 4, "deferred": 5})
        assert len(await tube.store.links(list(map(IssueId, worst)))) == 3
        left = [(await ran(tube)).counts["create"].get("deferred", 0) for _ in range(2)]
        assert left == [1, 0]

    play(story())
