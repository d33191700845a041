"""Several things that go wrong at once: a store that is down for a commit, a pause longer than a
lease, a slow Jira.
"""

import asyncio
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import pytest

from job.core.memory import Changes, Lease, RunRecord
from job.errors import LeaseHeld, RemoteDown
from job.flow.lease import LEASE
from job.sim.call import LOST, Answer, Call, json_answer
from job.sim.jira.search import fixed_lag
from tests.kit.oracle import twice
from tests.kit.quarter import at_once
from tests.kit.timeless import play
from tests.kit.tube import Tube

HOUR_S = 3_600.0
DAY_S = 86_400.0


def fail_one_commit(tube: Tube, *, of: Callable[[Changes], object]) -> None:
    """The store is down for the next commit of a kind, and well again right after it."""
    commit, failed = tube.store.commit, False

    async def once_down(lease: Lease, changes: Changes) -> None:
        nonlocal failed
        if of(changes) and not failed:
            failed = True
            raise RemoteDown("store", "writing", "It is unavailable.")
        await commit(lease, changes)

    tube.store.commit = once_down  # type: ignore[method-assign]


def lose(path: str) -> Callable[[Call, str], Answer | None]:
    """Jira does what it was asked for, and the answer is lost."""
    return lambda call, side: (
        LOST if side == "after" and call.method == "POST" and call.path.endswith(path) else None
    )


def test_a_lost_create_is_not_forgotten_when_the_note_that_should_follow_it_cannot_be_written() -> (
    None
):
    async def story() -> None:
        tube = Tube()
        tube.jira.search.lag = fixed_lag(DAY_S)
        issue_id = tube.halo.estate.open_issue(type="csm")
        tube.jira.faults.hook = lose("/issue/bulk")
        assert (await at_once(tube)).counts["create"] == {"unknown": 1}
        tube.jira.faults.quiet()
        await asyncio.sleep(HOUR_S)
        tube.halo.estate.rescan(issue_id, changed=True)
        await asyncio.sleep(HOUR_S)
        fail_one_commit(tube, of=lambda changes: changes.intents)
        assert isinstance(await tube.run(), RemoteDown)
        await asyncio.sleep(HOUR_S)
        await at_once(tube)
        assert len(tube.jira.people.tickets()) == 1

    play(story())


def test_a_lost_comment_is_not_forgotten_when_the_note_that_follows_cannot_be_written() -> None:
    async def story() -> None:
        tube = Tube()
        first, second = (tube.halo.estate.open_issue(type="csm") for _ in range(2))
        await asyncio.sleep(60)
        await at_once(tube)
        await asyncio.sleep(HOUR_S)
        tube.halo.estate.resolve(first)
        await asyncio.sleep(600)
        tube.jira.faults.hook = lose("/comment")
        assert (await at_once(tube)).counts["close"] == {"unknown": 1}
        tube.jira.faults.quiet()
        await asyncio.sleep(600)
        tube.halo.estate.resolve(second)
        await asyncio.sleep(600)
        fail_one_commit(tube, of=lambda changes: changes.intents)
        assert isinstance(await tube.run(), RemoteDown)
        await asyncio.sleep(HOUR_S)
        assert (await at_once(tube)).counts["close"] == {"done": 2}
        assert list(twice(tube.jira)) == []

    play(story())


@pytest.mark.parametrize(("pause_s", "fate"), [(5, "deferred"), (150, "unchanged")])
def test_a_comment_that_jira_finishes_after_its_504_is_waited_for(
    pause_s: float, fate: str
) -> None:
    async def story() -> None:
        tube = Tube()
        issue_id = tube.halo.estate.open_issue(type="csm")
        await asyncio.sleep(60)
        await at_once(tube)
        await asyncio.sleep(HOUR_S)
        tube.halo.estate.rescan(issue_id, changed=True)
        await asyncio.sleep(600)
        answer, late = tube.jira.answer, list[asyncio.TimerHandle]()

        def finish_later(call: Call) -> Answer:
            if call.method == "POST" and call.path.endswith("/comment") and not late:
                late.append(asyncio.get_running_loop().call_later(60, answer, call))
                return json_answer({}, status=504)
            return answer(call)

        tube.jira.answer = finish_later  # type: ignore[method-assign]
        assert (await at_once(tube)).counts["comment"] == {"unknown": 1}
        await asyncio.sleep(pause_s)
        assert (await at_once(tube)).counts["comment"] == {fate: 1}
        await asyncio.sleep(HOUR_S)
        await at_once(tube)
        assert await tube.store.intents() == []
        assert list(twice(tube.jira)) == []

    play(story())


@pytest.mark.parametrize(("pause_s", "second_at_s"), [(100, 50), (600, 420), (1_800, 1_200)])
@pytest.mark.parametrize("path", ["/comment", "/issue/bulk"])
def test_nothing_is_done_twice_however_long_a_rate_limit_holds_a_run(
    path: str, pause_s: int, second_at_s: float
) -> None:
    async def story() -> None:
        tube = Tube()
        ids = [tube.halo.estate.open_issue(type="csm") for _ in range(300)]
        await asyncio.sleep(60)
        if path == "/comment":
            await at_once(tube)
            await asyncio.sleep(HOUR_S)
            for issue_id in ids:
                tube.halo.estate.rescan(issue_id, changed=True)
            await asyncio.sleep(600)
        limited = False

        def hook(call: Call, side: str) -> Answer | None:
            nonlocal limited
            if limited or side == "after" or call.method != "POST" or not call.path.endswith(path):
                return None
            limited = True
            return json_answer({}, status=429, headers={"retry-after": str(pause_s)})

        tube.jira.faults.hook = hook
        first = asyncio.create_task(tube.run())
        await asyncio.sleep(second_at_s)
        assert isinstance(await tube.run(), LeaseHeld if pause_s < 120 else RunRecord)
        assert isinstance(await first, RunRecord if pause_s < 120 else RemoteDown)
        await asyncio.sleep(HOUR_S)
        await at_once(tube)
        assert len(tube.jira.people.tickets()) == 300
        assert list(twice(tube.jira)) == []

    play(story())


def test_a_create_that_takes_many_slow_calls_keeps_the_lease_through_all_of_them() -> None:
    async def story() -> None:
        tube = Tube()
        tube.at_once_max = 4
        for _ in range(800):
            tube.halo.estate.open_issue(type="csm")
        await asyncio.sleep(60)
        answer, sizes = tube.jira.answer, Counter[int]()

        def slowly(call: Call) -> Answer:
            if not call.path.endswith("/issue/bulk"):
                return answer(call)
            lease = tube.store._leases["0-of-1"]
            assert lease.until > tube.clock.now(), "a create leaves although the lease is over"
            size = len(json.loads(call.body)["issueUpdates"])
            sizes[size] += 1
            if sizes.total() <= 2 or (
                size == 10 and sizes[size] == 1
            ):  # so that most are sent one by one
                return json_answer({}, status=504)
            return replace(answer(call), delay_s=8.0)

        tube.jira.answer = slowly  # type: ignore[method-assign]
        began = tube.clock.monotonic()
        await at_once(tube)
        assert sizes[1] > 400
        assert tube.clock.monotonic() - began > 2 * LEASE.total_seconds()
        assert list(twice(tube.jira)) == []

    play(story())


@pytest.mark.parametrize("many", [100, 260])
def test_very_many_tickets_that_vanish_at_once_are_all_parked(many: int) -> None:
    async def story() -> None:
        tube = Tube()
        ids = [tube.halo.estate.open_issue(type="csm") for _ in range(many)]
        await asyncio.sleep(60)
        await at_once(tube)
        for ticket in list(tube.jira.people.tickets()):
            tube.jira.people.delete_ticket(ticket.key)
        await asyncio.sleep(HOUR_S)
        for issue_id in ids:
            tube.halo.estate.rescan(issue_id)
        await asyncio.sleep(600)
        assert (await at_once(tube)).parked_total == many

    play(story())


def test_what_could_not_be_remembered_is_looked_at_again_without_a_sweep() -> None:
    async def story() -> None:
        tube = Tube()
        tube.halo.estate.open_issue(type="csm")
        await asyncio.sleep(60)
        await at_once(tube)
        await asyncio.sleep(HOUR_S)
        tube.halo.estate.open_issue(type="csm")
        no_finding = json_answer({"message": "boom"}, status=500)
        tube.halo.faults.hook = lambda call, _: no_finding if "/findings/" in call.path else None
        await asyncio.sleep(HOUR_S / 2)
        fail_one_commit(tube, of=lambda changes: changes.parked)
        assert isinstance(await tube.run(), RemoteDown)
        assert await tube.store.parked() == []
        tube.halo.faults.quiet()
        await asyncio.sleep(2 * HOUR_S)
        assert (await at_once(tube)).counts["create"] == {"done": 1}

    play(story())


def test_a_halo_that_allows_little_each_minute_refuses_seldom_and_a_first_load_comes_through() -> (
    None
):
    async def story() -> None:
        tube, refused_at = Tube(), []
        tube.halo.calls_a_minute = 300
        answer = tube.halo.answer

        def noted(call: Call) -> Answer:
            given = answer(call)
            if given.status == 429:
                refused_at.append(tube.clock.monotonic())
            return given

        tube.halo.answer = noted  # type: ignore[method-assign]
        for _ in range(2_000):
            tube.halo.estate.open_issue(type="csm")
        await asyncio.sleep(60)
        began = tube.clock.monotonic()
        record = await at_once(tube)
        assert record.counts["create"] == {"done": 2_000}
        assert len(refused_at) <= 60
        assert sum(at - began > 150 for at in refused_at) <= 10
        assert tube.clock.monotonic() - began <= 600, "seven minutes are the least"

    play(story())
