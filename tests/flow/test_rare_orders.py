"""Rules that only an unlikely order of events shows: what is seen twice, lost twice, or comes just
as patience ends.
"""

import asyncio
from datetime import timedelta

import pytest
from msgspec.structs import replace

from job.core.decisions import decide
from job.core.ids import IssueId
from job.core.memory import Changes
from job.core.model import Case, Decision, OutcomeKind
from job.core.shards import Shard
from job.errors import ClocksDiffer, MalformedAnswer, RemoteDown
from job.flow.brake import STREAK_MAX, Brake
from job.flow.lease import take_lease
from job.sim.call import LOST, Answer, Call
from job.sim.faults import REFUSALS, Hook
from job.sim.jira.search import fixed_lag
from job.sim.jira.site import ANNA, US
from tests.kit.builders import NOW, issue, policy
from tests.kit.oracle import twice
from tests.kit.quarter import at_once, done
from tests.kit.timeless import play
from tests.kit.tube import QUIET, Tube

ID_FIELD = "customfield_10010"


def lose(path: str) -> Hook:
    """Every write of one kind has its effect, and its answer is lost."""

    def hook(call: Call, side: str) -> Answer | None:
        is_meant = call.method == "POST" and call.path.endswith(path)
        return LOST if is_meant and side == "after" else None

    return hook


def test_of_two_sights_of_an_issue_in_one_run_the_newer_one_counts() -> None:
    """It is resolved after the list of active issues has come, and before that of resolved ones."""

    async def story() -> None:
        tube = Tube(policy=QUIET)
        issue_id = tube.halo.estate.open_issue(type="csm")
        await asyncio.sleep(60)
        seen: list[str] = []

        def hook(call: Call, side: str) -> Answer | None:
            if not call.path.endswith("/issues"):
                return None
            is_active = call.args().get("status") == "active"
            if side == "before" and not is_active and not seen:
                return Answer(503, {"retry-after": "1"})
            if side == "after" and is_active and not seen:
                seen.append(issue_id)
                tube.halo.estate.resolve(issue_id)
            return None

        tube.halo.faults.hook = hook
        await at_once(tube)
        [ticket] = tube.jira.people.tickets()
        assert (seen, ticket.status) == ([issue_id], "Done")

    play(story())


def test_lost_creates_are_looked_for_above_the_lowest_of_their_keys() -> None:
    """Two, between which others made tickets. Jira's search shows neither for a long time, and
    patience for the first is over when both are looked for.
    """

    async def story() -> None:
        tube = Tube(policy=QUIET)
        tube.jira.search.lag = fixed_lag(1e9)
        first = tube.halo.estate.open_issue(type="csm")
        tube.jira.faults.hook = lose("/issue/bulk")
        await done(tube)
        tube.jira.faults.quiet()
        [note] = await tube.store.intents()
        site = tube.jira.site
        for number in range(8):
            fields = {"summary": f"Milk {number}"}
            tube.jira.store.create(
                project=site.projects[0],
                issue_type=site.issue_types[0],
                fields=fields,
                author=ANNA,
            )
        second = tube.halo.estate.open_issue(type="csm")
        tube.jira.store.create(
            project=site.projects[0],
            issue_type=site.issue_types[0],
            fields={"summary": "lost", ID_FIELD: second},
            properties={"halo.sync": {"v": 1, "issue": second}},
            author=US,
        )
        later = replace(note, issue_id=IssueId(second), above_key=8, at=tube.clock.now())
        async with take_lease(Shard(), holder="other", store=tube.store, clock=tube.clock) as lease:
            await tube.store.commit(await lease.hold(), Changes(intents=(later,)))
        for _ in range(2):
            await done(tube, after_s=1_800.0)
        held = [ticket.fields[ID_FIELD] for ticket in tube.jira.people.tickets() if ticket.ours]
        assert sorted(map(str, held)) == sorted([first, second])

    play(story())


def test_what_a_comment_of_unknown_fate_said_is_no_news_for_the_next_scan() -> None:
    async def story() -> None:
        tube = Tube(policy=QUIET)
        issue_id = tube.halo.estate.open_issue(type="csm")
        await done(tube)
        tube.halo.estate.rescan(issue_id, changed=True)
        tube.jira.faults.hook = lose("/comment")
        await done(tube)
        tube.jira.faults.quiet()
        tube.halo.estate.rescan(issue_id)
        for _ in range(2):
            await done(tube)
        [ticket] = tube.jira.people.tickets()
        assert len(ticket.comments) == 1
        assert await tube.store.intents() == []

    play(story())


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_clock_an_hour_behind_or_ahead_stops_the_run(hours: int) -> None:
    async def story() -> None:
        tube = Tube(policy=QUIET)
        tube.halo.estate.open_issue(type="csm")
        await asyncio.sleep(60)
        tube.clock.skew = timedelta(hours=hours)
        assert isinstance(await tube.run(), ClocksDiffer)
        assert tube.jira.people.tickets() == []

    play(story())


@pytest.mark.parametrize("arrives_after_s", [1_485.0, 1_495.0])
def test_patience_for_a_comment_is_judged_by_when_it_was_looked_for(arrives_after_s: float) -> None:
    """It arrives just after somebody looked, and patience ends while the answer is on its way."""

    async def story() -> None:
        tube = Tube(policy=QUIET)
        issue_id = tube.halo.estate.open_issue(type="csm")
        await done(tube)
        tube.halo.estate.rescan(issue_id, changed=True)
        answer = tube.jira.answer

        def late(call: Call) -> Answer:
            if call.method == "POST" and call.path.endswith("/comment"):
                asyncio.get_running_loop().call_later(arrives_after_s, answer, call)
                tube.jira.answer = slow  # type: ignore[method-assign]
                return Answer(504)
            return answer(call)

        def slow(call: Call) -> Answer:
            told = answer(call)
            is_look = call.method == "GET" and call.path.endswith("/comment")
            return Answer(told.status, told.headers, told.body, delay_s=25.0) if is_look else told

        tube.jira.answer = late  # type: ignore[method-assign]
        await done(tube)
        sent_at = (await tube.store.intents())[0].at
        await asyncio.sleep((sent_at - tube.clock.now()).total_seconds() + 1_480.0)
        for _ in range(3):
            await at_once(tube)
            await asyncio.sleep(600.0)
        [ticket] = tube.jira.people.tickets()
        assert (list(twice(tube.jira)), len(ticket.comments)) == ([], 1)

    play(story())


def test_a_remote_that_answers_between_its_failures_is_not_down() -> None:
    """However many issues have a trouble of their own, each of them alone is set aside."""

    async def story() -> list[OutcomeKind]:
        tube = Tube(policy=QUIET)
        async with take_lease(Shard(), holder="run", store=tube.store, clock=tube.clock) as lease:
            brake = Brake(lease=lease, asked_to_stop=lambda: False)
            ended = []
            for _ in range(STREAK_MAX):
                for _ in range(STREAK_MAX - 1):
                    error = MalformedAnswer("halo", "reading a finding", "It is cut in two.")
                    ended.append(brake.ended_by(error, decision=some_decision()).kind)
                brake.all_is_well()
            return ended

    assert set(play(story())) == {OutcomeKind.FAILED}


def some_decision() -> Decision:
    return decide(Case(issue=issue()), policy=policy(), now=NOW)


@pytest.mark.parametrize("kind", [kind for kind in REFUSALS if kind.startswith("429")])
def test_a_halo_that_asks_every_call_to_wait_ends_the_run(kind: str) -> None:
    """Within minutes of its own time, however late it is by the machine's clock."""

    async def story() -> None:
        tube = Tube(policy=QUIET)
        issue_id = tube.halo.estate.open_issue(type="csm")
        tube.halo.faults.set_chance({kind: 1.0})
        for since_s in (60.0, 987.654_321, 1e7):
            await asyncio.sleep(since_s)
            began_s = tube.clock.monotonic()
            assert isinstance(await tube.run(), RemoteDown)
            assert tube.clock.monotonic() - began_s < 600
        tube.halo.faults.quiet()
        tube.halo.estate.rescan(issue_id)
        await done(tube)
        assert len([ticket for ticket in tube.jira.people.tickets() if ticket.ours]) == 1

    play(story())
