"""Work that was cut in two: the half that was done is not done again, and the other half is not
forgotten.
"""

import asyncio
import re
from itertools import count
from typing import get_args

import pytest
from msgspec.structs import replace

from job.core.ids import IssueId
from job.errors import RemoteRefused
from job.sim.call import LOST, Answer, Call, json_answer
from job.sim.jira.search import fixed_lag
from tests.kit.builders import policy
from tests.kit.oracle.reading import own_comments
from tests.kit.quarter import QUARTER_HOUR_S, done
from tests.kit.timeless import play
from tests.kit.tube import POLICY, QUIET, Fuse, Side, Tube
from tests.kit.workflows import COMMENT_REQUIRED

DAY_S = 86_400.0
STILL = policy(tickets=replace(QUIET.routes.default.tickets, follow=()))
"""No field follows, so that no edit brings into memory what a comment should."""


async def with_news(kind: str) -> Tube:
    """One ticket, and the need to close or to reopen it."""
    tube = Tube(policy=QUIET)
    issue_id = tube.halo.estate.open_issue(type="fim")
    await done(tube)
    tube.halo.estate.resolve(issue_id)
    if kind == "reopen":
        await done(tube)
        tube.halo.estate.reopen(issue_id)
    return tube


def lose_creates(call: Call, side: str) -> Answer | None:
    return LOST if side == "after" and call.path.endswith("/issue/bulk") else None


def lose_comments(call: Call, side: str) -> Answer | None:
    return (
        LOST
        if side == "after" and call.method == "POST" and call.path.endswith("/comment")
        else None
    )


def stops_after_comment(tube: Tube) -> asyncio.Event:
    """Asks a run to stop once a comment is there, and before the transition."""
    stop = asyncio.Event()

    def hook(call: Call, side: str) -> None:
        if side == "after" and call.method == "POST" and call.path.endswith("/comment"):
            stop.set()

    tube.jira.faults.hook = hook
    return stop


def status_and_comments(tube: Tube) -> tuple[str, int]:
    [ticket] = tube.jira.people.tickets()
    return ticket.status, len(ticket.comments)


@pytest.mark.parametrize(("kind", "expected"), [("close", ("Done", 1)), ("reopen", ("To Do", 2))])
def test_a_transition_that_jira_refused_is_made_later_without_another_comment(
    kind: str, expected: tuple[str, int]
) -> None:
    async def story() -> None:
        tube = await with_news(kind)

        def refuse(call: Call, side: str) -> Answer | None:
            if side == "before" and call.method == "POST" and call.path.endswith("/transitions"):
                return json_answer({"errorMessages": ["Not today."], "errors": {}}, status=400)
            return None

        tube.jira.faults.hook = refuse
        assert (await done(tube)).exit_code == 5
        assert status_and_comments(tube) != expected
        tube.jira.faults.quiet()
        assert (await done(tube)).exit_code == 0
        assert status_and_comments(tube) == expected

    play(story())


@pytest.mark.parametrize(("kind", "expected"), [("close", ("Done", 1)), ("reopen", ("To Do", 2))])
def test_a_run_stopped_between_comment_and_transition_leaves_the_transition_to_the_next(
    kind: str, expected: tuple[str, int]
) -> None:
    async def story() -> None:
        tube = await with_news(kind)
        stop = stops_after_comment(tube)
        record = await done(tube, stop=stop)
        assert record.counts[kind] == {"deferred": 1}
        assert status_and_comments(tube) != expected
        tube.jira.faults.quiet()
        await done(tube)
        assert status_and_comments(tube) == expected

    play(story())


@pytest.mark.parametrize("changed", [False, True])
def test_a_reopening_cut_short_is_told_again_only_with_other_evidence(*, changed: bool) -> None:
    async def story() -> None:
        tube = await with_news("reopen")
        [issue_id] = tube.halo.estate.issues
        stop = stops_after_comment(tube)
        assert (await done(tube, stop=stop)).counts["reopen"] == {"deferred": 1}
        tube.jira.faults.quiet()
        tube.halo.estate.rescan(issue_id, changed=changed)
        assert (await done(tube)).counts["reopen"] == {"done": 1}
        await done(tube)
        assert status_and_comments(tube) == ("To Do", 2 + changed)

    play(story())


def test_a_reopening_that_a_person_has_finished_is_over_and_the_next_one_is_told() -> None:
    async def story() -> None:
        tube = await with_news("reopen")
        [issue_id], [ticket] = tube.halo.estate.issues, tube.jira.people.tickets()
        stop = stops_after_comment(tube)
        assert (await done(tube, stop=stop)).counts["reopen"] == {"deferred": 1}
        tube.jira.faults.quiet()
        for status in ("To Do", "Done"):
            tube.jira.people.transition_by_person(ticket.key, status=status)
            tube.halo.estate.rescan(issue_id)
            await done(tube)
        assert status_and_comments(tube) == ("To Do", 3)

    play(story())


def test_what_a_comment_of_unknown_fate_said_is_known_however_the_next_one_dies() -> None:
    async def story(at: tuple[int, Side]) -> bool:
        tube, fuse = Tube(policy=STILL), Fuse(at=at)
        issue_id = tube.halo.estate.open_issue(type="sva")
        await done(tube)
        tube.halo.estate.rescan(issue_id, changed=True)
        tube.jira.faults.hook = lose_comments
        assert (await done(tube)).counts["comment"] == {"unknown": 1}
        tube.jira.faults.quiet()
        tube.halo.estate.rescan(issue_id, changed=True)
        await asyncio.sleep(QUARTER_HOUR_S)
        await tube.run(fuse=fuse)
        for _ in range(3):
            await done(tube)
        [ticket] = tube.jira.people.tickets()
        named = [set(re.findall(r"CVE-\d+-\d+", text)) for _, text in own_comments(ticket)]
        assert [len(each) for each in named] == [1, 1], (at, fuse.names[-1])
        assert named[0] != named[1], (at, fuse.names[-1])
        return fuse.dead

    for number in count(1):
        died = [play(story((number, side))) for side in get_args(Side)]
        if not any(died):
            break
    assert number > 10, "the story has become too short to prove anything"


def test_a_ticket_of_a_lost_answer_is_found_by_its_key_however_far_the_search_runs_behind() -> None:
    async def story() -> None:
        tube = Tube(policy=QUIET)
        tube.jira.search.lag = fixed_lag(43_200.0)
        tube.halo.estate.open_issue(type="fim")
        tube.jira.faults.hook = lose_creates
        assert (await done(tube)).counts["create"] == {"unknown": 1}
        tube.jira.faults.quiet()
        await asyncio.sleep(3_600)
        assert (await done(tube)).counts["adopt"] == {"done": 1}
        assert len(tube.jira.people.tickets()) == 1

    play(story())


def test_a_ticket_of_a_lost_answer_is_remembered_although_halo_has_forgotten_its_issue_since() -> (
    None
):
    async def story() -> None:
        tube = Tube(policy=QUIET)
        issue_id = IssueId(tube.halo.estate.open_issue(type="fim"))
        tube.jira.faults.hook = lose_creates
        assert (await done(tube)).counts["create"] == {"unknown": 1}
        tube.jira.faults.quiet()
        tube.halo.estate.forget(issue_id)
        await done(tube)
        [ticket] = tube.jira.people.tickets()
        assert (await tube.store.links([issue_id]))[issue_id].ticket_key == ticket.key
        assert await tube.store.intents() == []

    play(story())


def test_a_ticket_of_a_lost_answer_is_known_when_that_to_its_first_comment_is_lost_too() -> None:
    async def story() -> None:
        tube = Tube(policy=QUIET)
        tube.jira.search.lag = fixed_lag(43_200.0)
        issue_id = tube.halo.estate.open_issue(type="fim")
        tube.jira.faults.hook = lose_creates
        await done(tube)
        [ticket] = tube.jira.people.tickets()
        tube.jira.people.transition_by_person(ticket.key, status="Done")
        tube.halo.estate.rescan(issue_id)
        tube.jira.faults.hook = lose_comments
        assert (await done(tube)).counts["reopen"] == {"unknown": 1}
        tube.jira.faults.quiet()
        await done(tube)
        assert status_and_comments(tube) == ("To Do", 1)

    play(story())


def test_what_a_sweep_began_and_left_is_taken_up_by_the_next_run_although_it_is_none() -> None:
    async def story() -> None:
        tube, stop = Tube(policy=QUIET), asyncio.Event()
        tube.halo.estate.open_issue(type="fim")
        await done(tube)
        [ticket] = tube.jira.people.tickets()
        tube.jira.people.transition_by_person(
            ticket.key, status="Done"
        )  # of which Halo knows nothing
        await asyncio.sleep(DAY_S)
        tube.jira.faults.hook = lambda call, _: (
            stop.set() if call.path.endswith("/comment") else None
        )
        assert (await done(tube, stop=stop)).counts["reopen"] == {"deferred": 1}
        tube.jira.faults.quiet()
        await done(tube)
        assert status_and_comments(tube) == ("To Do", 1)

    play(story())


def test_no_transition_follows_a_comment_once_the_run_has_lost_its_credentials() -> None:
    async def story() -> None:
        tube = Tube(policy=QUIET)
        issues = [tube.halo.estate.open_issue(type="fim") for _ in range(3)]
        await done(tube)
        for issue_id in issues:
            tube.halo.estate.resolve(issue_id)
        sent: list[str] = []

        def refuse_one(call: Call, side: str) -> Answer | None:
            """The first comment meets a dead token, the others arrive but are answered later."""
            part = call.path.rpartition("/")[2] if call.method == "POST" else ""
            if part not in {"comment", "transitions"}:
                return None
            if side == "before":
                sent.append(part)
                return Answer(401) if sent == ["comment"] else None
            return Answer(201, body=b'{"id": "1"}', delay_s=5.0)

        tube.jira.faults.hook = refuse_one
        await asyncio.sleep(QUARTER_HOUR_S)
        assert isinstance(await tube.run(), RemoteRefused)
        assert sent == ["comment"] * 3
        tube.jira.faults.quiet()
        await done(tube)
        assert [(ticket.status, len(ticket.comments)) for ticket in tube.jira.people.tickets()] == [
            ("Done", 1)
        ] * 3

    play(story())


def test_what_a_comment_said_is_known_by_its_fingerprint_where_an_older_program_noted_it() -> None:
    async def story() -> None:
        tube = Tube(policy=STILL)
        issue_id = IssueId(tube.halo.estate.open_issue(type="fim"))
        await done(tube)
        tube.halo.estate.rescan(issue_id, changed=True)
        tube.jira.faults.hook = lose_comments
        assert (await done(tube)).counts["comment"] == {"unknown": 1}
        tube.jira.faults.quiet()
        links, intents = tube.store._links, tube.store._intents
        links[issue_id] = replace(links[issue_id], recalls="")
        intents[issue_id] = replace(intents[issue_id], recalls="")
        for _ in range(3):
            tube.halo.estate.rescan(issue_id)
            await done(tube)
        [ticket] = tube.jira.people.tickets()
        assert len(own_comments(ticket)) == 1

    play(story())


def test_a_reopening_that_jira_took_without_its_words_is_told_by_a_later_run() -> None:
    """A closed ticket takes no comment, and then somebody else was writing to it: that says nothing
    against the words.
    """

    async def story() -> None:
        tube = await with_news("reopen")

        def conflict(call: Call, side: str) -> Answer | None:
            if side == "before" and call.method == "POST" and call.path.endswith("/comment"):
                (ticket,) = tube.jira.people.tickets()
                status = 400 if ticket.status == "Done" else 409
                return json_answer({"errorMessages": ["Try again."]}, status=status)
            return None

        tube.jira.faults.hook = conflict
        await tube.run()
        tube.jira.faults.quiet()
        for _ in range(10):
            await done(tube)
        (ticket,) = tube.jira.people.tickets()
        assert ticket.status == "To Do"
        assert len(own_comments(ticket)) == 2, "that it was resolved, and that it is active again"

    play(story())


def test_a_close_that_came_no_further_than_its_words_leaves_a_first_status_owed() -> None:
    async def story() -> None:
        tube = Tube(policy=POLICY)
        issue_id = tube.halo.estate.open_issue(type="fim")
        tube.jira.faults.hook = lose_creates
        await tube.run()
        tube.jira.faults.quiet()
        tube.halo.estate.resolve(issue_id)
        await asyncio.sleep(QUARTER_HOUR_S)
        await tube.run(asked_to_stop=stops_after_comment(tube))
        tube.jira.faults.quiet()
        tube.halo.estate.reopen(issue_id)
        for _ in range(4):
            await done(tube)
        (ticket,) = tube.jira.people.tickets()
        assert ticket.status == "In Progress"

    play(story())


async def closed_by_a_run_that_died() -> Tube:
    """One ticket for a resolved issue, closed by the last call of a run."""
    for at in count(10):
        tube, fuse = Tube(policy=QUIET), Fuse(at=(at, "after"))
        tube.jira.site.workflows["", ""] = COMMENT_REQUIRED
        tube.halo.estate.resolve(tube.halo.estate.open_issue(type="fim"))
        await tube.run(fuse=fuse)
        if [ticket.status for ticket in tube.jira.people.tickets()] == ["Done"]:
            assert fuse.dead, "it had come to its end"
            return tube
    raise AssertionError("no run was killed in time")


def test_what_a_create_said_as_it_closed_its_ticket_is_not_said_again_when_a_person_opens_it() -> (
    None
):
    async def story() -> None:
        tube = await closed_by_a_run_that_died()
        tube.jira.people.transition_by_person("SEC-1", status="To Do")
        for _ in range(3):
            await done(tube)
        (ticket,) = tube.jira.people.tickets()
        assert ticket.status == "Done"
        texts = [text for _, text in own_comments(ticket)]
        assert [("Resolved in Halo" in text) for text in texts] == [True, False]

    play(story())
