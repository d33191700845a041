"""A risk that people accepted: the ticket is left alone, until Halo or the settings end it."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from structlog.testing import LogCapture

from job.core.memory import RunRecord
from job.core.routes import Goal
from job.sim.jira.people import Snapshot
from job.sim.jira.workflow import DEFAULT, Status, Transition, Workflow
from tests.kit.builders import policy
from tests.kit.timeless import play
from tests.kit.tube import Tube, writes

QUARTER_HOUR_S = 900.0
DAY_S = 86_400.0
ACCEPTED = Status("10070", "Accepted Risk", "done")
ANYWHERE = frozenset({"To Do", "In Progress"})


def site(*, closes: bool = True, reopens: bool = True) -> Workflow:
    """The default workflow with a place for accepted risks, and ways out of it."""
    ways = [Transition("71", "Accept", "Accepted Risk", ANYWHERE)]
    there = frozenset({"Accepted Risk"})
    if closes:
        ways.append(Transition("72", "Resolve", "Done", there, required=("resolution",)))
    if reopens:
        ways.append(Transition("73", "Reopen", "To Do", there, clears_resolution=True))
    return Workflow((*DEFAULT.statuses, ACCEPTED), (*DEFAULT.transitions, *ways))


class Place:
    """A deployment with one ticket in which people accepted the risk."""

    def __init__(self, *, workflow: Workflow | None = None, **words: Any) -> None:
        self.tube = Tube(
            policy=policy(
                accepted=frozenset({" accepted  RISK"}),
                reopen=Goal(transition="Reopen", statuses=("To Do",)),
                **words,
            )
        )
        self.tube.jira.site.workflows["", ""] = workflow or site()
        self.issue = ""

    async def accepted(self, **seen: Any) -> "Place":
        self.issue = self.tube.halo.estate.open_issue(type="sva", critical=False)
        if seen:
            self.tube.halo.estate.edit_issue(self.issue, **seen)
        await self.run()
        self.accept()
        self.touch()
        await self.run()
        return self

    def accept(self) -> None:
        self.tube.jira.people.transition_by_person(self.ticket.key, status="Accepted Risk")

    def touch(self) -> None:
        self.tube.halo.estate.rescan(self.issue, changed=True)

    async def run(self, *, after_s: float = QUARTER_HOUR_S) -> RunRecord:
        await asyncio.sleep(after_s)
        record = await self.tube.run()
        assert isinstance(record, RunRecord), record
        assert record.exit_code == 0, record.errors
        return record

    @property
    def ticket(self) -> Snapshot:
        [ticket] = self.tube.jira.people.tickets()
        return ticket


def test_the_ticket_of_an_accepted_risk_is_left_alone_whatever_halo_sees(said: LogCapture) -> None:
    async def story() -> None:
        place = await Place().accepted()
        before = writes(place.tube.jira.calls)
        told = len(said.entries)
        for after_s in (QUARTER_HOUR_S, 2 * DAY_S, 40 * DAY_S):
            place.touch()
            record = await place.run(after_s=after_s)
            assert record.accepted == 1
        assert writes(place.tube.jira.calls) == before
        assert place.ticket.status == "Accepted Risk"
        heard = {line["event"] for line in said.entries[told:]}
        assert heard <= {"run.started", "run.finished", "plan.made", "halo.listing_moved"}

    play(story())


def test_memory_that_was_lost_leaves_it_alone_as_well() -> None:
    async def story() -> None:
        place = await Place().accepted()
        comments = len(place.ticket.comments)
        place.tube.store = Tube().store
        place.touch()
        await place.run(after_s=DAY_S)
        assert (place.ticket.status, len(place.ticket.comments)) == ("Accepted Risk", comments)

    play(story())


def test_it_ends_with_a_comment_and_a_close_when_halo_resolves_the_issue() -> None:
    async def story() -> None:
        place = await Place().accepted()
        place.tube.halo.estate.resolve(place.issue)
        await place.run()
        assert (place.ticket.status, len(place.ticket.comments)) == ("Done", 1)
        assert "Resolved in Halo" in place.ticket.texts[0]

    play(story())


def test_where_there_is_no_way_to_close_it_it_is_told_once(said: LogCapture) -> None:
    async def story() -> None:
        place = await Place(workflow=site(closes=False)).accepted()
        place.tube.halo.estate.resolve(place.issue)
        for after_s in (QUARTER_HOUR_S, DAY_S, DAY_S):
            record = await place.run(after_s=after_s)
        assert record.parked_total == 0
        assert (place.ticket.status, len(place.ticket.comments)) == ("Accepted Risk", 1)
        assert "ticket.closed" not in {line["event"] for line in said.entries}

    play(story())


def test_it_ends_when_the_issue_becomes_critical() -> None:
    async def story() -> None:
        place = await Place().accepted()
        place.tube.halo.estate.edit_issue(place.issue, critical=True)
        await place.run()
        assert (place.ticket.status, len(place.ticket.comments)) == ("To Do", 1)
        assert "has become critical" in place.ticket.texts[0]
        place.accept()
        place.touch()
        await place.run()
        place.touch()
        await place.run()
        assert (place.ticket.status, len(place.ticket.comments)) == ("Accepted Risk", 1)

    play(story())


@pytest.mark.parametrize(
    ("worse_by", "after", "status"),
    [(0.0, 9.9, "Accepted Risk"), (1.5, 6.4, "Accepted Risk"), (1.5, 6.5, "To Do")],
)
def test_it_ends_when_its_cvss_rises_by_as_much_as_the_settings_say(
    worse_by: float, after: float, status: str
) -> None:
    async def story() -> None:
        place = await Place(accepted_worse_by=worse_by).accepted(max_cvss=5.0)
        place.tube.halo.estate.edit_issue(place.issue, max_cvss=after)
        await place.run()
        assert place.ticket.status == status
        assert len(place.ticket.comments) == (status == "To Do")

    play(story())


def test_it_ends_after_the_days_that_the_settings_say_from_when_it_was_first_seen() -> None:
    async def story() -> None:
        place = await Place(accepted_for=timedelta(days=90)).accepted()
        for _ in range(3):
            await place.run(after_s=29 * DAY_S)  # each a sweep, which looks again
            assert place.ticket.status == "Accepted Risk"
        await place.run(after_s=4 * DAY_S)
        assert (place.ticket.status, len(place.ticket.comments)) == ("To Do", 1)
        assert "90 days" in place.ticket.texts[0]

    play(story())


def test_a_new_acceptance_begins_anew() -> None:
    async def story() -> None:
        place = await Place(accepted_for=timedelta(days=90)).accepted()
        place.tube.jira.people.transition_by_person(place.ticket.key, status="To Do")
        await place.run(after_s=80 * DAY_S)
        place.accept()
        await place.run(after_s=20 * DAY_S)
        await place.run(after_s=80 * DAY_S)
        assert place.ticket.status == "Accepted Risk"

    play(story())
