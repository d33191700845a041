"""Effects that come later than their answers, and clocks: what is not there yet is not said to be
missing.
"""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest

from job.core.memory import RunRecord
from job.errors import ClocksDiffer
from job.http.caller import Caller
from job.sim.call import Answer, Call, json_answer
from tests.kit.oracle import twice
from tests.kit.quarter import QUARTER_HOUR_S, at_once
from tests.kit.timeless import play
from tests.kit.tube import QUIET, Fuse, LoopClock, Tube, writes

HOUR_S = 3_600.0


async def with_news() -> Tube:
    """A ticket, and an update that is to be told on it."""
    tube = Tube(policy=QUIET)
    issue_id = tube.halo.estate.open_issue(type="csm")
    await asyncio.sleep(60)
    await at_once(tube)
    await asyncio.sleep(HOUR_S)
    tube.halo.estate.rescan(issue_id, changed=True)
    await asyncio.sleep(600)
    return tube


def hold_back(tube: Tube, path: str, *, refuse_s: float, arrives_after_s: float) -> None:
    """Jira asks for a pause before a write of this kind, then takes it, says 504 and carries it out
    later; all that once.
    """
    answer, seen = tube.jira.answer, list[float]()

    def held(call: Call) -> Answer:
        if call.method != "POST" or not call.path.endswith(path):
            return answer(call)
        seen.append(tube.clock.monotonic())
        if len(seen) == 1 and refuse_s:
            return json_answer({}, status=429, headers={"retry-after": str(refuse_s)})
        if len(seen) <= 1 + bool(refuse_s):
            asyncio.get_running_loop().call_later(arrives_after_s, answer, call)
            return json_answer({}, status=504)
        return answer(call)

    tube.jira.answer = held  # type: ignore[method-assign]


@pytest.mark.parametrize("wait_s", [20.0, QUARTER_HOUR_S])
@pytest.mark.parametrize("arrives_after_s", [60.0, 1_180.0])
def test_a_comment_that_waited_before_it_left_is_told_once(
    wait_s: float, arrives_after_s: float
) -> None:
    async def story() -> None:
        tube = await with_news()
        hold_back(tube, "/comment", refuse_s=110.0, arrives_after_s=arrives_after_s)
        assert (await at_once(tube)).counts["comment"] == {"unknown": 1}
        for _ in range(3):
            await asyncio.sleep(wait_s)
            await at_once(tube)
        await asyncio.sleep(HOUR_S)
        await at_once(tube)
        assert await tube.store.intents() == []
        (ticket,) = tube.jira.people.tickets()
        assert (list(twice(tube.jira)), len(ticket.comments)) == ([], 1)

    play(story())


def test_a_comment_that_never_arrived_is_told_by_the_second_run_a_quarter_of_an_hour_apart() -> (
    None
):
    async def story() -> None:
        tube = await with_news()
        fuse = Fuse()
        answer = tube.jira.answer

        def die(call: Call) -> Answer:
            fuse.dead = fuse.dead or call.path.endswith("/comment")
            return Answer(504) if fuse.dead else answer(call)

        tube.jira.answer = die  # type: ignore[method-assign]
        assert await tube.run(fuse=fuse) is None
        tube.jira.answer = answer  # type: ignore[method-assign]
        for told in (0, 1):
            await asyncio.sleep(QUARTER_HOUR_S)
            await at_once(tube)
            (ticket,) = tube.jira.people.tickets()
            assert len(ticket.comments) == told

    play(story())


@pytest.mark.parametrize("arrives_after_s", [60.0, 600.0, 1_180.0])
def test_a_create_that_takes_effect_twenty_minutes_late_is_made_once(
    arrives_after_s: float,
) -> None:
    async def story() -> None:
        tube = Tube(policy=QUIET)
        tube.halo.estate.open_issue(type="csm")
        await asyncio.sleep(60)
        hold_back(tube, "/issue/bulk", refuse_s=0.0, arrives_after_s=arrives_after_s)
        assert (await at_once(tube)).counts["create"] == {"unknown": 1}
        for _ in range(2):
            await asyncio.sleep(QUARTER_HOUR_S)
            await at_once(tube)
        assert len(tube.jira.people.tickets()) == 1
        assert await tube.store.intents() == []

    play(story())


class Ahead(LoopClock):
    """A vendor's clock that is so far ahead of ours."""

    def __init__(self, by: timedelta) -> None:
        super().__init__()
        self.by = by

    def __call__(self) -> datetime:
        return super().__call__() + self.by


class Vexed(Tube):
    """A deployment of which one vendor's clock goes wrong."""

    def __init__(self, *, remote: str, by: timedelta) -> None:
        super().__init__(policy=QUIET)
        self.wrong, self.theirs = remote, Ahead(by)

    def _caller(self, remote: str, **named: Any) -> Caller:
        caller = super()._caller(remote, **named)
        if remote == self.wrong:
            wire: Any = caller._transport
            wire._clock = self.theirs
        return caller


@pytest.mark.parametrize("remote", ["halo", "jira"])
@pytest.mark.parametrize(("minutes", "stops"), [(0.5, False), (-0.5, False), (2, True), (-2, True)])
def test_a_clock_that_differs_from_either_vendors_by_more_than_a_minute_stops_the_run(
    remote: str, minutes: float, *, stops: bool
) -> None:
    async def story() -> None:
        tube = Vexed(remote=remote, by=timedelta(minutes=minutes))
        tube.halo.estate.open_issue(type="csm")
        ended = await tube.run()
        assert isinstance(ended, ClocksDiffer if stops else RunRecord), ended
        if isinstance(ended, ClocksDiffer):
            assert ended.remote == remote
            assert f"{remote.title()} says it is" in str(ended)
            assert writes(tube.jira.calls) == {}

    play(story())
