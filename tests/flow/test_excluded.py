"""Issues that the settings exclude, now or only for a while: what was begun for them is settled
first, and a ticket that they have is not forgotten.
"""

import asyncio

import pytest
from msgspec.structs import replace

from job.core.memory import RunRecord
from job.sim.call import LOST, Answer, Call
from job.sim.jira.search import fixed_lag
from job.state.memory import MemoryStore
from tests.kit.timeless import play
from tests.kit.tube import QUIET, Tube

QUARTER_HOUR_S = 900.0
NO_SVA = replace(QUIET, no_sva=True)


async def done(tube: Tube) -> RunRecord:
    await asyncio.sleep(QUARTER_HOUR_S)
    record = await tube.run()
    assert isinstance(record, RunRecord), record
    return record


def lose_answers(tube: Tube, path: str) -> None:
    def lose(call: Call, side: str) -> Answer | None:
        return LOST if side == "after" and call.path.endswith(path) else None

    tube.jira.faults.hook = lose


@pytest.mark.parametrize("runs", [1, 4])
@pytest.mark.parametrize("found_at_once", [True, False])
def test_an_issue_that_is_excluded_while_its_create_is_unsettled_gets_one_ticket(
    runs: int, *, found_at_once: bool
) -> None:
    async def story() -> None:
        tube = Tube(policy=QUIET)
        if not found_at_once:
            tube.jira.search.lag = fixed_lag(1e9)
        tube.halo.estate.open_issue(type="sva")
        lose_answers(tube, "/issue/bulk")
        assert (await done(tube)).counts["create"] == {"unknown": 1}
        tube.jira.faults.quiet()
        tube.policy = NO_SVA
        for _ in range(runs):
            await done(tube)
        tube.policy = QUIET
        for _ in range(3):
            tube.halo.estate.rescan(next(iter(tube.halo.estate.issues)))
            await done(tube)
        assert len(tube.jira.people.tickets()) == 1
        assert await tube.store.intents() == []

    play(story())


def test_an_issue_that_is_excluded_before_its_create_takes_effect_gets_one_ticket() -> None:
    async def story() -> None:
        tube = Tube(policy=QUIET)
        tube.jira.search.lag = fixed_lag(1e9)
        issue_id = tube.halo.estate.open_issue(type="sva")
        answer = tube.jira.answer

        def late(call: Call) -> Answer:
            if not call.path.endswith("/issue/bulk"):
                return answer(call)
            asyncio.get_running_loop().call_later(1.2 * QUARTER_HOUR_S, answer, call)
            return Answer(504)

        tube.jira.answer = late  # type: ignore[method-assign]
        assert (await done(tube)).counts["create"] == {"unknown": 1}
        tube.jira.answer = answer  # type: ignore[method-assign]
        tube.policy = NO_SVA
        await done(tube)
        assert len(await tube.store.intents()) == 1
        tube.policy = QUIET
        tube.halo.estate.rescan(issue_id)
        for _ in range(3):
            await done(tube)
        assert len(tube.jira.people.tickets()) == 1

    play(story())


@pytest.mark.parametrize("runs", [1, 4])
def test_an_issue_that_is_excluded_while_its_comment_is_unsettled_is_told_once(runs: int) -> None:
    async def story() -> None:
        tube = Tube(policy=QUIET)
        issue_id = tube.halo.estate.open_issue(type="sva")
        await done(tube)
        tube.halo.estate.rescan(issue_id, changed=True)
        lose_answers(tube, "/comment")
        assert (await done(tube)).counts["comment"] == {"unknown": 1}
        tube.jira.faults.quiet()
        tube.policy = NO_SVA
        for _ in range(runs):
            await done(tube)
        tube.policy = QUIET
        tube.halo.estate.rescan(issue_id)
        for _ in range(3):
            await done(tube)
        (ticket,) = tube.jira.people.tickets()
        assert len(ticket.comments) == 1
        assert await tube.store.intents() == []

    play(story())


def test_with_lost_memory_the_ticket_of_an_excluded_issue_is_closed_when_it_is_resolved() -> None:
    async def story() -> None:
        tube = Tube(policy=QUIET)
        issue_id = tube.halo.estate.open_issue(type="sva")
        await done(tube)
        tube.store, tube.policy = MemoryStore(), NO_SVA
        await done(tube)
        tube.halo.estate.resolve(issue_id)
        await done(tube)
        (ticket,) = tube.jira.people.tickets()
        assert ticket.status == "Done"

    play(story())


def test_an_excluded_issue_without_a_ticket_gets_none_when_it_is_resolved() -> None:
    async def story() -> None:
        tube = Tube(policy=NO_SVA)
        tube.halo.estate.open_issue(type="csm")
        issue_id = tube.halo.estate.open_issue(type="sva")
        await done(tube)
        tube.halo.estate.resolve(issue_id)
        for _ in range(2):
            await done(tube)
        assert len(tube.jira.people.tickets()) == 1
        assert await tube.store.parked() == []

    play(story())
