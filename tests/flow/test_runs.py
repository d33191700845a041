"""A run as its operator meets it: stopping, overlap, the record, back-fills."""

import asyncio
from datetime import timedelta

import pytest
from msgspec.structs import replace
from structlog.testing import LogCapture

from job.core.memory import RunRecord, Watermark
from job.core.plan import Limits
from job.errors import LeaseHeld, StateUnreadable
from job.flow.run import plan
from job.flow.setup import ALL_TIME, Order
from job.sim.call import LOST, Answer, Call, json_answer
from tests.kit.builders import policy
from tests.kit.quarter import QUARTER_HOUR_S, done
from tests.kit.timeless import play
from tests.kit.tube import POLICY, QUIET, Fuse, Onlooker, Tube, writes


def tube_with(issues: int, *, limits: Limits | None = None) -> Tube:
    tube = Tube(policy=QUIET, limits=limits)
    for _ in range(issues):
        tube.halo.estate.open_issue(type="fim")
    return tube


# --- Stopping and overlapping ---------------------------------------------------------------------


def test_a_run_that_is_asked_to_stop_ends_in_good_order_and_the_next_one_goes_on() -> None:
    async def story() -> None:
        tube, stop = tube_with(600), asyncio.Event()
        asyncio.get_running_loop().call_later(0.6, stop.set)
        record = await tube.run(asked_to_stop=stop)
        assert isinstance(record, RunRecord)
        assert record.exit_code == 0
        created, left = record.counts["create"].get("done", 0), record.counts["create"]["deferred"]
        assert created + left == 600
        assert left > 0
        held = await tube.store.take_lease(
            "0-of-1", holder="me", now=tube.clock(), until=tube.clock()
        )
        assert held.holder == "me", "the lease was given back"
        await done(tube)
        assert len(tube.jira.people.tickets()) == 600

    play(story())


def test_a_run_that_is_asked_to_stop_while_it_still_looks_writes_nothing() -> None:
    async def story() -> None:
        tube, stop = tube_with(5), asyncio.Event()
        stop.set()
        record = await tube.run(asked_to_stop=stop)
        assert isinstance(record, RunRecord)
        assert (record.verdict, record.exit_code) == ("stopped", 3)
        assert (await tube.store.runs(limit=1)) == [record]
        assert tube.jira.people.tickets() == []
        await done(tube)
        assert len(tube.jira.people.tickets()) == 5

    play(story())


def test_a_run_that_is_asked_to_stop_does_not_wait_for_a_vendor_that_never_answers() -> None:
    async def story() -> None:
        tube, stop = tube_with(3), asyncio.Event()

        def never(call: Call, side: str) -> Answer | None:
            return (
                Answer(200, delay_s=3_600.0)
                if side == "after" and call.path.endswith("/issue/bulk")
                else None
            )

        tube.jira.faults.hook = never
        asyncio.get_running_loop().call_later(2.0, stop.set)
        before = tube.clock()
        record = await tube.run(asked_to_stop=stop)
        assert isinstance(record, RunRecord)
        assert tube.clock() - before < timedelta(seconds=9)
        assert record.counts["create"] == {"unknown": 3}
        assert len(await tube.store.intents()) == 3
        tube.jira.faults.quiet()
        await done(tube)
        assert len(tube.jira.people.tickets()) == 3

    play(story())


def test_a_time_budget_ends_a_run_as_a_stop_does() -> None:
    async def story() -> None:
        tube = tube_with(600)
        tube.time_budget = timedelta(seconds=0.6)
        record = await tube.run()
        assert isinstance(record, RunRecord)
        assert (record.exit_code, record.counts["create"]["deferred"] > 0) == (0, True)

    play(story())


def test_a_second_run_finds_the_lease_held_and_is_told_by_whom_and_until_when() -> None:
    async def story() -> None:
        tube = tube_with(30)
        first, second = await asyncio.gather(tube.run(), tube.run())
        assert isinstance(first, RunRecord)
        assert isinstance(second, LeaseHeld)
        assert second.holder == "run-1"
        assert second.until > tube.clock()
        assert len(tube.jira.people.tickets()) == 30

    play(story())


def test_the_lease_of_a_killed_run_dies_within_minutes() -> None:
    async def story() -> None:
        tube = tube_with(3)
        await tube.run(fuse=Fuse(at=(9, "after")))
        assert isinstance(await tube.run(), LeaseHeld)
        await asyncio.sleep(6 * 60)
        assert isinstance(await tube.run(), RunRecord)

    play(story())


# --- Where a run begins and ends ------------------------------------------------------------------


def test_a_first_run_looks_back_only_so_far_and_a_back_fill_as_far_as_it_is_told() -> None:
    async def story() -> None:
        tube = tube_with(2)
        tube.look_back = timedelta(minutes=15)
        await asyncio.sleep(10 * 86_400.0)
        tube.halo.estate.open_issue(type="csm")
        await asyncio.sleep(2 * QUARTER_HOUR_S)
        await done(tube)
        assert len(tube.jira.people.tickets()) == 0
        await done(tube, Order(since=tube.clock() - timedelta(days=1)))
        assert len(tube.jira.people.tickets()) == 1
        await done(tube, Order(since=ALL_TIME))
        assert len(tube.jira.people.tickets()) == 3

    play(story())


def test_a_watermark_from_the_future_stops_the_run_until_a_command_sets_it_anew() -> None:
    async def story() -> None:
        tube = tube_with(1)
        tube.store._watermarks["0-of-1"] = Watermark(at=tube.clock() + timedelta(days=3))
        error = await tube.run()
        assert isinstance(error, StateUnreadable)
        assert "lies in the future" in str(error)
        await done(tube, Order(since=ALL_TIME))
        mark = await tube.store.watermark("0-of-1")
        assert mark is not None
        assert mark.at < tube.clock()
        await done(tube)

    play(story())


def test_what_a_cap_leaves_waiting_is_not_lost() -> None:
    async def story() -> None:
        tube = tube_with(7)
        tube.sync_max = 3
        left = []
        for _ in range(3):
            record = await done(tube)
            left.append(record.counts["create"].get("deferred", 0))
        assert left == [4, 1, 0]
        assert len(tube.jira.people.tickets()) == 7

    play(story())


def test_a_rescan_that_found_the_same_writes_nothing_and_one_that_found_more_is_told_once() -> None:
    async def story() -> None:
        tube = tube_with(1)
        await done(tube)
        (issue_id,) = tube.halo.estate.issues
        for changed, comments in [(False, 0), (True, 1), (False, 1), (True, 2)]:
            tube.halo.estate.rescan(issue_id, changed=changed)
            await done(tube)
            await done(tube)
            (ticket,) = tube.jira.people.tickets()
            assert len(ticket.comments) == comments

    play(story())


def test_a_run_leaves_a_record_and_one_canonical_line_with_all_its_counts(said: LogCapture) -> None:
    async def story() -> None:
        tube = tube_with(4)
        record = await done(tube)
        assert (await tube.store.runs(limit=1)) == [record]
        (line,) = [entry for entry in said.entries if entry["event"] == "run.finished"]
        assert (line["created"], line["failed"], line["exit_code"], line["parked_total"]) == (
            4,
            0,
            0,
            0,
        )
        assert line["calls_jira"] == sum(tube.jira.calls.values())
        assert line["calls_halo"] == sum(tube.halo.calls.values())

    play(story())


def test_a_first_status_left_over_is_set_by_the_next_run_as_a_part_of_its_create() -> None:
    async def story() -> None:
        tube = tube_with(2)
        tube.policy = POLICY
        tube.jira.faults.hook = lambda call, side: (
            json_answer({"errorMessages": ["Not now."]}, status=400)
            if side == "before" and call.method == "POST" and call.path.endswith("/transitions")
            else None
        )
        assert (await done(tube)).counts["create"] == {"failed": 2}
        tube.jira.faults.quiet()
        record = await done(tube)
        assert (record.counts["create"], record.counts["comment"]) == ({"done": 2}, {})
        assert {ticket.status for ticket in tube.jira.people.tickets()} == {"In Progress"}

    play(story())


@pytest.mark.parametrize("id_field", ["Halo Issue ID", "Halo Link", "Halo Tags"])
def test_a_lost_create_is_found_again_by_an_id_field_of_any_kind(id_field: str) -> None:
    async def story() -> None:
        tube = tube_with(3)
        settings = replace(tube.policy.routes.default.tickets, id_field=id_field)
        tube.policy = policy(tickets=settings)
        tube.jira.faults.hook = lambda call, side: (
            LOST if side == "after" and call.path.endswith("/bulk") else None
        )
        record = await done(tube)
        assert record.counts["create"] == {"unknown": 3}
        tube.jira.faults.quiet()
        record = await done(tube)
        assert record.counts["adopt"] == {"done": 3}
        assert len(tube.jira.people.tickets()) == 3

    play(story())


@pytest.mark.parametrize("issues", [0, 5])
def test_a_plan_is_the_same_road_and_writes_nothing_anywhere(issues: int) -> None:
    async def story() -> None:
        tube, onlooker = tube_with(issues), Onlooker()
        fuse = Fuse()
        shown = await plan(tube.setup(fuse, shard=tube.shard), order=Order(), watcher=onlooker)
        assert len(shown.decisions) == issues
        assert writes(tube.jira.calls) == {}
        assert {"store.commit", "store.take_lease"}.isdisjoint(fuse.names)
        record = await done(tube)
        assert (record.digest, shown.digest) == ("", "")

    play(story())
