"""What Jira refuses: a ticket, a kind of request or everybody for a while, or every write alike."""

import asyncio
import json
from collections import Counter
from dataclasses import replace
from typing import get_args

import pytest

from job.core.ids import IssueId
from job.core.memory import RunRecord
from job.core.model import OutcomeKind
from job.errors import RemoteDown, RemoteRefused, SyncError
from job.sim.call import Answer, Call, json_answer
from job.sim.jira.limits import Form, Limits
from tests.kit.timeless import play
from tests.kit.tube import QUIET, Onlooker, Tube, writes

HOUR_S = 3_600.0
BULK, COMMENT = "POST /issue/bulk", "POST /issue/{key}/comment"
MOVE, WAYS = "POST /issue/{key}/transitions", "GET /issue/{key}/transitions"
BURST, PER_ISSUE = "jira-burst-based", "jira-per-issue-on-write"
QUOTA = "jira-quota-tenant-based"
DONE, DEFERRED, FAILED = OutcomeKind.DONE, OutcomeKind.DEFERRED, OutcomeKind.FAILED
SOON_S = 5.0


class Scene:
    """Issues whose tickets have news to tell, new issues without a ticket, and a run that meets
    refusals.
    """

    def __init__(self) -> None:
        self.tube = Tube(policy=QUIET)
        self.limits = Limits(self.tube.clock, bucket_s=1_000.0)
        self.began_s = 0.0
        self.known: list[IssueId] = []

    @classmethod
    async def with_news(cls, many: int, *, new: int = 0) -> "Scene":
        scene = cls()
        estate = scene.tube.halo.estate
        scene.known = [IssueId(estate.open_issue(type="csm")) for _ in range(many)]
        await asyncio.sleep(60)
        await scene.tube.run()
        await asyncio.sleep(HOUR_S)
        for issue_id in scene.known:
            estate.rescan(issue_id, changed=True)
        for _ in range(new):
            estate.open_issue(type="csm")
        await asyncio.sleep(600)
        scene.tube.jira.limit_rates(scene.limits)
        return scene

    async def run(self) -> tuple[RunRecord | SyncError | None, Counter[OutcomeKind]]:
        """One run: how it ended, and how its actions did."""
        self.began_s, onlooker = self.tube.clock.monotonic(), Onlooker()
        ended = await self.tube.run(watcher=onlooker)
        assert len(onlooker.outcomes) == sum(len(plan.decisions) for plan in onlooker.plans)
        return ended, Counter(outcome.kind for outcome in onlooker.outcomes)

    @property
    def took_s(self) -> float:
        """Since the run began."""
        return self.tube.clock.monotonic() - self.began_s

    def commented_after_s(self) -> dict[int, float]:
        """How long after the beginning of the run each ticket got its comment."""
        now, took_s = self.tube.clock(), self.took_s
        return {
            ticket.id: took_s - (now - ticket.comments[-1].created_at).total_seconds()
            for ticket in self.tube.jira.people.tickets()
            if ticket.comments
        }

    def created_after_s(self) -> list[float]:
        """How long after the beginning of the run each new ticket was there."""
        now, took_s = self.tube.clock(), self.took_s
        ages = [(now - ticket.created_at).total_seconds() for ticket in self.tickets()]
        return [took_s - age for age in ages if age < took_s]

    def tickets(self) -> list:  # type: ignore[type-arg]
        return list(self.tube.jira.people.tickets())

    async def all_is_told_later(self) -> None:
        """A later run without refusals tells everything that is left, and nothing twice."""
        self.tube.jira.refuse_writes(None)
        await asyncio.sleep(2 * HOUR_S)
        assert isinstance(await self.tube.run(), RunRecord)
        assert await self.tube.store.parked() == []
        assert await self.tube.store.intents() == []
        estate = self.tube.halo.estate
        assert len(self.tickets()) == len(estate.issues)
        assert sum(len(ticket.comments) for ticket in self.tickets()) == len(self.known)


# --- For a while ----------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["retry-after", "reset", "reset-seconds"])
def test_a_ticket_that_is_written_to_too_often_keeps_no_other_waiting(form: Form) -> None:
    async def story() -> None:
        scene = await Scene.with_news(60)
        slow = scene.tickets()[7].id
        scene.limits.order(slow, wait_s=20, reason=PER_ISSUE, form=form)
        _, ended = await scene.run()
        assert ended == {DONE: 60}
        told = scene.commented_after_s()
        assert told.pop(slow) >= 18
        assert max(told.values()) < SOON_S

    play(story())


def test_an_endpoint_that_is_called_too_often_keeps_no_other_waiting() -> None:
    async def story() -> None:
        scene = await Scene.with_news(10, new=10)
        scene.limits.order(BULK, wait_s=20, reason=BURST, form="retry-after")
        _, ended = await scene.run()
        assert ended == {DONE: 20}
        assert max(scene.commented_after_s().values()) < SOON_S
        assert len(scene.created_after_s()) == 10
        assert min(scene.created_after_s()) >= 19

    play(story())


@pytest.mark.parametrize("reason", ["", QUOTA, "a-reason-of-tomorrow"])
def test_a_limit_of_all_requests_holds_everybody(reason: str) -> None:
    async def story() -> None:
        scene = await Scene.with_news(10, new=10)
        scene.limits.order(BULK, wait_s=20, reason=reason, form="reset")
        _, ended = await scene.run()
        assert ended == {DONE: 20}
        assert min(scene.created_after_s()) >= 19
        assert min(scene.commented_after_s().values()) >= 19

    play(story())


@pytest.mark.parametrize("form", get_args(Form)[:3])
@pytest.mark.parametrize("new", [1, 5, 120])
def test_behind_a_pause_without_end_all_is_deferred_at_once(form: Form, new: int) -> None:
    async def story() -> None:
        scene = await Scene.with_news(5, new=new)
        scene.limits.order(BULK, wait_s=HOUR_S, reason="", form=form)
        error, ended = await scene.run()
        assert isinstance(error, RemoteDown)
        assert error.not_done
        assert not error.others_go_on
        assert set(ended) <= {DONE, DEFERRED}
        assert ended[DEFERRED] >= new
        assert scene.took_s < SOON_S
        assert await scene.tube.store.parked() == []
        assert await scene.tube.store.intents() == []
        await scene.all_is_told_later()

    play(story())


@pytest.mark.parametrize(("held", "reason"), [(COMMENT, QUOTA), (COMMENT, "")])
def test_a_comment_that_was_refused_for_an_hour_is_deferred_with_all_others(
    held: str, reason: str
) -> None:
    async def story() -> None:
        scene = await Scene.with_news(60)
        scene.limits.order(held, wait_s=HOUR_S, reason=reason, form="retry-after")
        error, ended = await scene.run()
        assert isinstance(error, RemoteDown)
        assert ended == {DEFERRED: 60}
        assert scene.took_s < SOON_S
        await scene.all_is_told_later()

    play(story())


def test_an_endpoint_that_is_closed_for_an_hour_stops_no_other() -> None:
    async def story() -> None:
        scene = await Scene.with_news(5, new=5)
        scene.limits.order(BULK, wait_s=HOUR_S, reason=BURST, form="retry-after")
        record, ended = await scene.run()
        assert isinstance(record, RunRecord)
        assert record.counts["comment"] == {"done": 5}
        assert record.counts["create"] == {"deferred": 5}
        assert ended == {DONE: 5, DEFERRED: 5}
        assert scene.took_s < SOON_S
        await scene.all_is_told_later()

    play(story())


def test_a_ticket_that_is_closed_for_an_hour_is_deferred_alone() -> None:
    async def story() -> None:
        scene = await Scene.with_news(60)
        slow = scene.tickets()[7].id
        scene.limits.order(slow, wait_s=HOUR_S, reason=PER_ISSUE, form="reset")
        record, ended = await scene.run()
        assert isinstance(record, RunRecord)
        assert ended == {DONE: 59, DEFERRED: 1}
        assert scene.took_s < SOON_S
        await scene.all_is_told_later()

    play(story())


def test_a_transition_that_was_refused_for_an_hour_is_taken_later() -> None:
    async def story() -> None:
        scene = await Scene.with_news(0, new=12)
        assert (await scene.run())[1] == {DONE: 12}
        await asyncio.sleep(HOUR_S)
        for issue_id in list(scene.tube.halo.estate.issues):
            scene.tube.halo.estate.resolve(issue_id)
        scene.limits.order(MOVE, wait_s=HOUR_S, reason="", form="retry-after")
        await asyncio.sleep(600)
        error, ended = await scene.run()
        assert isinstance(error, RemoteDown)
        assert ended == {DEFERRED: 12}
        assert scene.took_s < SOON_S
        await asyncio.sleep(2 * HOUR_S)
        assert (await scene.run())[1] == {DONE: 12}
        assert {ticket.status for ticket in scene.tickets()} == {"Done"}
        assert all(len(ticket.comments) == 1 for ticket in scene.tickets())

    play(story())


def test_a_question_that_may_not_be_asked_for_an_hour_stops_nobody_else() -> None:
    async def story() -> None:
        scene = await Scene.with_news(12)
        for issue_id in scene.known[:6]:
            scene.tube.halo.estate.resolve(issue_id)
        scene.limits.order(WAYS, wait_s=HOUR_S, reason=BURST, form="retry-after")
        await asyncio.sleep(600)
        record, ended = await scene.run()
        assert isinstance(record, RunRecord)
        assert ended == {DONE: 6, DEFERRED: 6}
        assert scene.took_s < SOON_S

    play(story())


def test_a_halo_that_refuses_every_detail_parks_nothing() -> None:
    async def story() -> None:
        scene = await Scene.with_news(0, new=12)
        refused = Answer(429, {"retry-after": "3600"})
        scene.tube.halo.faults.hook = lambda call, _: refused if "finding" in call.path else None
        error, ended = await scene.run()
        assert isinstance(error, RemoteDown)
        assert ended == {DEFERRED: 12}
        assert await scene.tube.store.parked() == []

    play(story())


def test_what_a_pause_kept_from_leaving_is_deferred_although_others_cannot_be_read_back() -> None:
    async def story() -> None:
        scene = await Scene.with_news(0, new=60)
        bulk_calls: list[Call] = []

        def close_after_the_first(call: Call, side: str) -> Answer | None:
            if side == "before" and call.path.endswith("/issue/bulk"):
                bulk_calls.append(call)
                if len(bulk_calls) > 1:
                    return Answer(429, {"retry-after": "3600"})
            return None

        scene.tube.jira.faults.hook = close_after_the_first
        _, ended = await scene.run()
        assert ended[DEFERRED] > 0
        assert ended[DEFERRED] + ended[OutcomeKind.UNKNOWN] == 60
        scene.tube.jira.faults.quiet()
        await scene.all_is_told_later()
        assert len(scene.tube.jira.people.tickets()) == 60

    play(story())


# --- Every write alike ----------------------------------------------------------------------------


def refuse_writes_after(scene: Scene, *, comments: int, status: int) -> None:
    """Once so many comments are there, every write is refused."""

    def hook(call: Call, side: str) -> Answer | None:
        told = scene.tube.jira.calls[COMMENT]
        if side == "before" and call.path.endswith("/comment") and told > comments:
            scene.tube.jira.refuse_writes(status)
        return None

    scene.tube.jira.faults.hook = hook


@pytest.mark.parametrize("status", [402, 403])
@pytest.mark.parametrize("before", [0, 20])
def test_when_every_write_is_refused_the_run_stops_and_parks_nothing(
    status: int, before: int
) -> None:
    async def story() -> None:
        scene = await Scene.with_news(60)
        refuse_writes_after(scene, comments=before, status=status)
        error, ended = await scene.run()
        assert isinstance(error, RemoteRefused)
        assert f"({status}): The IP address has been rejected" in error.happened
        assert all(word in error.advice for word in ("permission", "allow-list", "licence"))
        assert (ended[DONE], ended[DEFERRED], ended.total()) == (before, 60 - before, 60)
        assert writes(scene.tube.jira.calls)[COMMENT] <= before + 20
        assert await scene.tube.store.parked() == []
        scene.tube.jira.faults.quiet()
        await scene.all_is_told_later()

    play(story())


@pytest.mark.parametrize("status", [402, 403])
@pytest.mark.parametrize(("known", "new"), [(2, 0), (0, 2), (0, 60)])
def test_two_refusals_of_everybody_are_enough(status: int, known: int, new: int) -> None:
    async def story() -> None:
        scene = await Scene.with_news(known, new=new)
        scene.tube.jira.refuse_writes(status)
        error, ended = await scene.run()
        assert isinstance(error, RemoteRefused)
        assert ended == {DEFERRED: known + new}
        await scene.all_is_told_later()

    play(story())


@pytest.mark.parametrize("status", [402, 403])
def test_the_last_two_of_a_run_that_are_refused_are_parked_and_told_once_jira_takes_them(
    status: int,
) -> None:
    """They may be archived, or we may be shut out since: the next run's first two writes tell."""

    async def story() -> None:
        scene = await Scene.with_news(60)
        refuse_writes_after(scene, comments=58, status=status)
        record, ended = await scene.run()
        assert isinstance(record, RunRecord)
        assert (record.exit_code, ended) == (5, {DONE: 58, FAILED: 2})
        scene.tube.jira.faults.quiet()
        scene.tube.jira.refuse_writes(status)
        await asyncio.sleep(HOUR_S)
        error, ended = await scene.run()
        assert isinstance(error, RemoteRefused)
        assert ended == {DEFERRED: 2}
        await scene.all_is_told_later()

    play(story())


@pytest.mark.parametrize("bad", [{7}, {7, 8}, {0, 1, 20, 40, 41}, {58, 59}, {49, 50, 56, 57, 58}])
def test_tickets_that_refuse_us_among_others_that_do_not_are_parked_alone(bad: set[int]) -> None:
    async def story() -> None:
        scene = await Scene.with_news(60)
        for place, ticket in enumerate(scene.tickets()):
            if place in bad:
                scene.tube.jira.people.archive_ticket(ticket.key)
        record, ended = await scene.run()
        assert isinstance(record, RunRecord)
        assert (record.exit_code, record.parked_total) == (5, len(bad))
        assert ended == {DONE: 60 - len(bad), FAILED: len(bad)}

    play(story())


def test_new_tickets_that_are_refused_beside_one_that_is_made_are_parked_alone() -> None:
    async def story() -> None:
        scene = await Scene.with_news(0, new=3)
        answer = scene.tube.jira.answer

        def refuse_first_and_last(call: Call) -> Answer:
            if not call.path.endswith("/issue/bulk"):
                return answer(call)
            _, middle, _ = json.loads(call.body)["issueUpdates"]
            refused = {"status": 403, "elementErrors": {"errorMessages": ["Not here."]}}
            made = answer(replace(call, body=json.dumps({"issueUpdates": [middle]}).encode()))
            errors = [{**refused, "failedElementNumber": place} for place in (0, 2)]
            return json_answer({**made.json(), "errors": errors}, status=201)

        scene.tube.jira.answer = refuse_first_and_last  # type: ignore[method-assign]
        record, ended = await scene.run()
        assert isinstance(record, RunRecord)
        assert (record.exit_code, ended) == (5, {DONE: 1, FAILED: 2})

    play(story())


def test_a_ticket_that_refuses_us_when_there_is_no_other_is_parked() -> None:
    async def story() -> None:
        scene = await Scene.with_news(1)
        scene.tube.jira.people.archive_ticket("SEC-1")
        record, ended = await scene.run()
        assert isinstance(record, RunRecord)
        assert (record.exit_code, ended) == (5, {FAILED: 1})

    play(story())
