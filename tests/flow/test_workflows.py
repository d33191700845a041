"""Workflows as they are: transitions that some tickets have not, screens, statuses outside the
settings, and confirmations that mean nothing.
"""

import asyncio
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from msgspec.structs import replace as replaced
from structlog.testing import LogCapture

from job.core.memory import RunRecord
from job.core.policy import Policy
from job.core.routes import Goal
from job.sim.call import LOST, Call
from job.sim.jira.people import Snapshot
from job.sim.jira.workflow import DEFAULT, SIMPLIFIED, Transition, Workflow
from tests.kit.builders import policy
from tests.kit.timeless import play
from tests.kit.tube import POLICY, Tube
from tests.kit.workflows import (
    COMMENT_REQUIRED,
    COMMENT_VALIDATED,
    LEADS_TO_CLOSED,
    REOPEN,
    RESOLUTION_OPTIONAL,
    RESOLVE,
    RIDING,
    SILENT_WHEN_DONE,
    SUMMARY_REQUIRED,
    TRANSLATED,
    TRIAGE,
    changed,
)

QUARTER_HOUR_S = 900.0
DAY_S = 86_400.0
COMMENT, MOVE = "POST /issue/{key}/comment", "POST /issue/{key}/transitions"
ONLY_DONE = policy(reopen=Goal(transition="Reopen", statuses=("To Do",)))


class Place:
    """A deployment on a site with this workflow, and tickets that are to be closed."""

    def __init__(self, workflow: Workflow = DEFAULT, *, words: Policy = ONLY_DONE) -> None:
        self.tube = Tube(policy=words)
        self.tube.jira.site.workflows["", ""] = workflow
        self.issues: list[str] = []

    async def opened(self, many: int = 1) -> "Place":
        """With so many tickets."""
        for _ in range(many):
            self.issues.append(self.tube.halo.estate.open_issue(type="fim"))
        await self.run()
        return self

    async def resolved(self, many: int = 1) -> "Place":
        """With so many tickets whose issues were resolved since."""
        await self.opened(many)
        for issue_id in self.issues:
            self.tube.halo.estate.resolve(issue_id)
        return self

    async def closed(self) -> "Place":
        """With one ticket that was closed, whose issue is active again."""
        await self.resolved()
        await self.run()
        assert self.ticket.status == "Done"
        self.tube.halo.estate.reopen(self.issues[0])
        return self

    async def run(self, *, after_s: float = QUARTER_HOUR_S) -> RunRecord:
        await asyncio.sleep(after_s)
        record = await self.tube.run()
        assert isinstance(record, RunRecord), record
        return record

    @property
    def ticket(self) -> Snapshot:
        [ticket] = self.tube.jira.people.tickets()
        return ticket

    @property
    def statuses(self) -> Counter[str]:
        return Counter(ticket.status for ticket in self.tube.jira.people.tickets())


# --- Where the close led --------------------------------------------------------------------------


def test_a_close_that_leads_to_a_status_outside_the_settings_is_told_loudly_and_tried_once(
    said: LogCapture,
) -> None:
    async def story() -> None:
        place = await Place(LEADS_TO_CLOSED).resolved()
        record = await place.run()
        assert record.exit_code == 5
        assert '"Closed" (id 6)' in record.errors[0]
        assert "ISSUE_STATUS_CLOSED" in record.errors[0]
        assert "ticket.closed" not in {line["event"] for line in said.entries}
        record = await place.run()
        assert (record.exit_code, record.parked_total) == (0, 0)  # closed enough, by its category
        assert (len(place.ticket.comments), len(place.ticket.history)) == (1, 1)

    play(story())


def test_an_active_issue_in_a_done_status_outside_the_settings_is_told_once_and_goes_on(
    said: LogCapture,
) -> None:
    async def story() -> None:
        place = await Place(LEADS_TO_CLOSED).opened()
        place.tube.jira.people.transition_by_person(place.ticket.key, status="Closed")
        for _ in range(3):
            place.tube.halo.estate.rescan(place.issues[0], changed=True)
            assert (await place.run()).exit_code == 0
        told = [line for line in said.entries if line["event"] == "status.unnamed"]
        assert [line["status"] for line in told] == ["Closed"]
        assert (place.ticket.status, len(place.ticket.comments)) == ("Closed", 3)

    play(story())


@pytest.mark.parametrize(
    "named", ["10001", "  ALL   done ", "all\u00a0Done", "erledigt "], ids=repr
)
def test_a_closed_status_may_be_given_by_its_id_and_by_either_name_with_any_blanks(
    named: str,
) -> None:
    """The account sees a translation of what the workflow calls `All done`."""

    async def story() -> None:
        words = policy(
            closed=frozenset({named}),
            close=Goal(transition="Resolve", statuses=(named,)),
            reopen=Goal(transition="Reopen"),
        )
        place = Place(TRANSLATED, words=words)
        place.tube.jira.site.language = "de"
        await place.resolved()
        assert (await place.run()).exit_code == 0
        assert place.ticket.status == "Erledigt"
        place.tube.halo.estate.reopen(place.issues[0])
        assert (await place.run()).exit_code == 0
        assert place.ticket.status == "To Do"

    play(story())


def test_a_reopen_that_leads_where_work_is_over_is_a_failure() -> None:
    async def story() -> None:
        place = await Place(changed(REOPEN, to="Closed")).closed()
        record = await place.run()
        assert record.exit_code == 5
        assert "ISSUE_REOPEN_TRANSITION" in record.errors[0]

    play(story())


# --- Seen, before it counts -----------------------------------------------------------------------


@pytest.mark.parametrize("workflow", [DEFAULT, RIDING])
def test_a_close_that_was_confirmed_and_did_nothing_is_made_good_and_told_once(
    workflow: Workflow,
) -> None:
    async def story() -> None:
        place = await Place(workflow).resolved()
        place.tube.jira.faults.set_chance({"transition_without_effect": 1.0})
        record = await place.run()
        assert record.exit_code == 5
        assert "still stands in To Do" in record.errors[0]
        place.tube.jira.faults.quiet()
        assert (await place.run()).exit_code == 0
        assert (place.ticket.status, len(place.ticket.comments)) == ("Done", 1)

    play(story())


def test_a_close_without_effect_is_taken_once_more_in_the_same_run() -> None:
    async def story() -> None:
        place = await Place(RIDING).resolved()
        strikes = iter([True])
        faults = place.tube.jira.faults
        plain = faults.strikes
        faults.strikes = lambda kind: (  # type: ignore[method-assign]
            next(strikes, False) if kind == "transition_without_effect" else plain(kind)
        )
        assert (await place.run()).exit_code == 0
        assert (place.ticket.status, len(place.ticket.comments)) == ("Done", 1)

    play(story())


def test_a_reopen_without_effect_does_not_count_as_one() -> None:
    async def story() -> None:
        place = await Place().closed()
        place.tube.jira.faults.set_chance({"transition_without_effect": 1.0})
        assert (await place.run()).exit_code == 5
        place.tube.jira.faults.quiet()
        assert (await place.run()).exit_code == 0
        assert (place.ticket.status, len(place.ticket.comments)) == ("To Do", 2)

    play(story())


# --- Transitions of single tickets ----------------------------------------------------------------


@pytest.mark.parametrize("blocked", [4, 20])
@pytest.mark.parametrize("workflow", [DEFAULT, RIDING])
def test_tickets_that_may_not_take_the_close_keep_no_other_open(
    blocked: int, workflow: Workflow
) -> None:
    async def story() -> None:
        place = await Place(workflow).resolved(100)
        oldest = [ticket.key for ticket in place.tube.jira.people.tickets()][:blocked]
        place.tube.jira.site.hidden_ways = {(key, RESOLVE) for key in oldest}
        place.tube.jira.site.hidden_ways |= {(key, "51") for key in oldest}
        record = await place.run()
        assert place.statuses == {"Done": 100 - blocked, "To Do": blocked}
        assert (record.exit_code, record.parked_total) == (5, blocked)
        place.tube.jira.site.hidden_ways.clear()
        for _ in range(3):
            await place.run()
        assert place.statuses == {"Done": 100}
        assert {len(ticket.comments) for ticket in place.tube.jira.people.tickets()} == {1}

    play(story())


def test_where_no_ticket_has_the_way_few_are_asked_and_all_are_told_in_time() -> None:
    async def story() -> None:
        place = await Place(SIMPLIFIED, words=policy(close=Goal(transition="No such way"))).opened(
            60
        )
        for issue_id in place.issues:
            place.tube.halo.estate.resolve(issue_id)
        before = Counter(place.tube.jira.calls)
        record = await place.run()
        asked = (Counter(place.tube.jira.calls) - before)["GET /issue/{key}/transitions"]
        assert (record.exit_code, record.parked_total, asked) == (5, 25, 25)
        for _ in range(6):
            record = await place.run()
        assert record.parked_total == 60

    play(story())


def test_a_missing_transition_opens_no_circuit(said: LogCapture) -> None:
    async def story() -> None:
        place = await Place().resolved(40)
        oldest = [ticket.key for ticket in place.tube.jira.people.tickets()][:10]
        place.tube.jira.site.hidden_ways = {(key, way) for key in oldest for way in ("31", "51")}
        await place.run()
        assert "circuit.opened" not in {line["event"] for line in said.entries}

    play(story())


# --- Screens --------------------------------------------------------------------------------------


def test_a_required_summary_is_sent_back_as_the_ticket_has_it() -> None:
    async def story() -> None:
        place = await Place(SUMMARY_REQUIRED).resolved()
        place.tube.jira.people.edit(place.ticket.key, summary="As a person put it")
        assert (await place.run()).exit_code == 0
        assert place.ticket.status == "Done"
        assert place.ticket.fields["summary"] == "As a person put it"

    play(story())


def test_a_required_field_that_the_ticket_lacks_is_told_and_can_be_set() -> None:
    async def story() -> None:
        place = await Place(changed(RESOLVE, required=("customfield_10014",))).resolved()
        record = await place.run()
        assert record.exit_code == 5
        assert "Halo Severity (allowed: High, Normal)" in record.errors[0]
        assert "CLOSE_FIELDS" in record.errors[0]
        home = place.tube.policy.routes.default
        close = replaced(home.workflow.close, fields=(("Halo Severity", "Normal"),))
        home = replaced(home, workflow=replaced(home.workflow, close=close))
        place.tube.policy = replaced(
            place.tube.policy, routes=replaced(place.tube.policy.routes, default=home)
        )
        place.tube.settings_digest = "other"
        assert (await place.run()).exit_code == 0
        assert place.ticket.fields["customfield_10014"]["value"] == "Normal"
        assert len(place.ticket.comments) == 1

    play(story())


def test_a_comment_that_the_transition_requires_comes_along_with_it() -> None:
    async def story() -> None:
        place = await Place(COMMENT_VALIDATED).resolved()
        assert (await place.run()).exit_code == 0
        assert (place.ticket.status, len(place.ticket.comments)) == ("Done", 1)

    play(story())


@pytest.mark.parametrize("workflow", [COMMENT_VALIDATED, COMMENT_REQUIRED])
def test_a_ticket_for_a_resolved_issue_is_closed_where_a_comment_is_required(
    workflow: Workflow,
) -> None:
    async def story() -> None:
        place = Place(workflow)
        place.tube.halo.estate.resolve(place.tube.halo.estate.open_issue(type="fim"))
        assert (await place.run()).exit_code == 0
        assert (place.ticket.status, len(place.ticket.comments)) == ("Done", 1)

    play(story())


@pytest.mark.parametrize("workflow", [COMMENT_VALIDATED, COMMENT_REQUIRED])
def test_words_that_stand_on_the_ticket_are_not_repeated_for_a_transition_that_wants_some(
    workflow: Workflow,
) -> None:
    async def story() -> None:
        place = await Place(DEFAULT).opened()
        place.tube.halo.estate.resolve(place.issues[0])
        stop = asyncio.Event()

        def hook(call: Call, side: str) -> None:
            if side == "after" and call.method == "POST" and call.path.endswith("/comment"):
                stop.set()

        place.tube.jira.faults.hook = hook
        await place.tube.run(asked_to_stop=stop)
        place.tube.jira.faults.quiet()
        assert (place.ticket.status, len(place.ticket.comments)) == ("To Do", 1)
        place.tube.jira.site.workflows["", ""] = workflow
        assert (await place.run()).exit_code == 0
        assert place.ticket.status == "Done"
        assert "The comment above says why." in place.ticket.texts[-1]
        assert len(place.ticket.comments) == 2

    play(story())


@pytest.mark.parametrize(
    "needed",
    [
        {"optional": ("comment",), "needs_comment": True},
        {"required": ("comment",)},
    ],
)
def test_a_new_ticket_gets_a_first_status_whose_transition_wants_a_comment(
    needed: dict[str, Any],
) -> None:
    async def story() -> None:
        begin = next(way for way in DEFAULT.transitions if way.to == "In Progress")
        place = Place(changed(begin.id, **needed), words=POLICY)
        place.issues.append(place.tube.halo.estate.open_issue(type="fim"))
        record = await place.run()
        assert record.errors == ()
        assert place.ticket.status == "In Progress"
        assert place.ticket.texts == ("The description says what this is about.",)

    play(story())


@pytest.mark.parametrize("wanted", ["", "Duplicate"])
def test_a_resolution_is_set_wherever_the_screen_lists_it(wanted: str) -> None:
    async def story() -> None:
        words = policy(
            close=Goal(transition="Resolve", statuses=("Done",), resolution=wanted),
            reopen=Goal(transition="Reopen", statuses=("To Do",)),
        )
        place = await Place(RESOLUTION_OPTIONAL, words=words).closed()
        assert place.ticket.fields["resolution"]["name"] == (wanted or "Done")

    play(story())


def test_a_resolution_is_cleared_where_the_screen_that_reopens_lists_it() -> None:
    async def story() -> None:
        place = await Place(
            changed(REOPEN, clears_resolution=False, optional=("resolution",))
        ).closed()
        assert (await place.run()).exit_code == 0
        assert (place.ticket.status, place.ticket.fields["resolution"]) == ("To Do", None)

    play(story())


# --- What is said on the way ----------------------------------------------------------------------


def test_a_comment_and_its_transition_are_one_write_where_the_screen_allows_it() -> None:
    async def story() -> None:
        place = await Place(RIDING).resolved()
        before = Counter(place.tube.jira.calls)
        await place.run()
        spent = Counter(place.tube.jira.calls) - before
        assert (spent[COMMENT], spent[MOVE]) == (0, 1)
        place.tube.halo.estate.reopen(place.issues[0])
        await place.run()
        spent = Counter(place.tube.jira.calls) - before
        assert (spent[COMMENT], spent[MOVE]) == (0, 2)
        assert (place.ticket.status, len(place.ticket.comments)) == ("To Do", 2)

    play(story())


@pytest.mark.parametrize("workflow", [DEFAULT, RIDING])
@pytest.mark.parametrize("trouble", ["full", "no right"])
def test_a_comment_that_jira_does_not_take_keeps_no_ticket_open(
    workflow: Workflow, trouble: str, said: LogCapture
) -> None:
    async def story() -> None:
        place = await Place(workflow).resolved()
        if trouble == "full":
            place.tube.jira.limit_comments(0)
        else:
            place.tube.jira.site.refused_permissions.add("ADD_COMMENTS")
        assert (await place.run()).exit_code == 0
        assert (place.ticket.status, len(place.ticket.comments)) == ("Done", 0)
        [told] = [line for line in said.entries if line["event"] == "ticket.untold"]
        assert "Resolved in Halo" in told["unsaid"]
        assert (await place.run(after_s=DAY_S)).exit_code == 0

    play(story())


def test_where_a_closed_status_takes_no_comments_it_is_reopened_first() -> None:
    async def story() -> None:
        place = await Place(SILENT_WHEN_DONE).closed()
        assert (await place.run()).exit_code == 0
        assert (place.ticket.status, len(place.ticket.comments)) == ("To Do", 2)

    play(story())


@pytest.mark.parametrize("status", ["To Do", "In Progress"])
def test_a_rule_that_reopens_on_our_comment_has_reopened_the_ticket(status: str) -> None:
    async def story() -> None:
        place = await Place().closed()
        place.tube.jira.site.reopens_commented = status
        assert (await place.run()).exit_code == 0
        assert (place.ticket.status, len(place.ticket.comments)) == (status, 2)

    play(story())


@pytest.mark.parametrize("keeps", [True, False])
def test_a_ridden_comment_whose_answer_was_lost_is_never_told_twice(keeps: bool) -> None:
    """Also where Jira forgets what we write beside such a comment to know it by."""

    async def story() -> None:
        place = await Place(RIDING).resolved()
        place.tube.jira.site.keeps_properties_of_ridden = keeps
        lost = iter([True])
        place.tube.jira.faults.hook = lambda call, side: (
            LOST
            if side == "after"
            and call.method == "POST"
            and call.path.endswith("/transitions")
            and next(lost, False)
            else None
        )
        for _ in range(3):
            await place.run()
        assert (place.ticket.status, len(place.ticket.comments)) == ("Done", 1)

    play(story())


# --- A first status -------------------------------------------------------------------------------


def test_where_a_transition_leads_counts_before_what_it_is_called() -> None:
    async def story() -> None:
        place = await Place(TRIAGE, words=policy(new_status="Triage")).opened()
        assert place.ticket.status == "Triage"

    play(story())


def test_a_ticket_that_a_person_moved_before_its_first_status_stays_there() -> None:
    async def story() -> None:
        review = Transition("7", "Review", "Closed", frozenset({"To Do"}))
        flow = replace(DEFAULT, transitions=(review, *DEFAULT.transitions))
        place = Place(flow, words=policy(new_status="In Progress"))
        place.issues.append(place.tube.halo.estate.open_issue(type="fim"))
        place.tube.jira.site.hidden_ways = {("SEC-1", "11")}
        assert (await place.run()).exit_code == 5
        place.tube.jira.site.hidden_ways.clear()
        place.tube.jira.site.workflows["", ""] = replace(
            flow,
            statuses=(*flow.statuses, replace(flow.statuses[1], id="77", name="Review")),
            transitions=(
                *flow.transitions,
                Transition("8", "To review", "Review", frozenset({"To Do"})),
                Transition("9", "Take up", "In Progress", frozenset({"Review"})),
            ),
        )
        place.tube.jira.people.transition_by_person("SEC-1", status="Review")
        for _ in range(4):
            assert (await place.run()).exit_code == 0
            place.tube.halo.estate.rescan(place.issues[0], changed=True)
        assert place.ticket.status == "Review"

    play(story())
