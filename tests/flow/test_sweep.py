"""The slower look at every open link: what no watermark can catch."""

import asyncio
from itertools import count
from typing import get_args

import pytest
from msgspec.structs import replace
from structlog.testing import LogCapture

from job.core.memory import RunRecord
from job.core.policy import WhenGone
from job.flow.setup import Order
from job.sim.jira.people import Snapshot
from job.sim.jira.site import ANNA
from tests.kit.timeless import play
from tests.kit.tube import QUIET, Fuse, Side, Tube, writes

QUARTER_HOUR_S = 900.0
DAY_S = 86_400.0


class Household:
    """One issue with its ticket, in a project where others have tickets too."""

    def __init__(
        self, *, when_ticket_gone: str = "recreate", when_issue_gone: str = "report"
    ) -> None:
        policy = replace(
            QUIET,
            when_ticket_gone=WhenGone(when_ticket_gone),
            when_issue_gone=WhenGone(when_issue_gone),
        )
        self.tube = Tube(policy=policy)
        site = self.tube.jira.site
        self.tube.jira.store.create(
            project=site.projects[0],
            issue_type=site.issue_types[0],
            fields={"summary": "Buy milk"},
            author=ANNA,
        )

    async def begin(self) -> str:
        self.issue_id = self.tube.halo.estate.open_issue(type="csm")
        await self.run()
        return self.ticket.key

    async def run(self, *, sweep: bool = False) -> RunRecord:
        await asyncio.sleep(QUARTER_HOUR_S)
        record = await self.tube.run(order=Order(sweep=sweep))
        assert isinstance(record, RunRecord), record
        return record

    @property
    def ours(self) -> list[Snapshot]:
        return [ticket for ticket in self.tube.jira.people.tickets() if ticket.ours]

    @property
    def ticket(self) -> Snapshot:
        (ticket,) = self.ours
        return ticket


def test_a_ticket_closed_too_early_is_reopened_even_if_halo_says_nothing_new() -> None:
    async def story() -> None:
        home = Household()
        key = await home.begin()
        home.tube.jira.people.transition_by_person(key, status="Done")
        await home.run()
        assert home.ticket.status == "Done", "without a sweep nobody looks at it"
        await home.run(sweep=True)
        assert home.ticket.status == "To Do"
        assert "Halo still sees the issue" in home.ticket.texts[-1]

    play(story())


def test_a_sweep_comes_by_itself_once_a_day() -> None:
    async def story() -> None:
        home = Household()
        key = await home.begin()
        home.tube.jira.people.transition_by_person(key, status="Done")
        await asyncio.sleep(DAY_S)
        await home.run()
        assert home.ticket.status == "To Do"
        calls = home.tube.halo.calls["GET /v3/issues"]
        await home.run()
        assert home.tube.halo.calls["GET /v3/issues"] - calls == 2, "and not again in the next run"

    play(story())


def test_a_resolve_that_was_never_listed_is_found_and_applied() -> None:
    async def story() -> None:
        home = Household()
        await home.begin()
        home.tube.halo.faults.set_chance({"empty_list": 1.0})
        home.tube.halo.estate.resolve(home.issue_id)
        for _ in range(3):
            await home.run()
        home.tube.halo.faults.quiet()
        await home.run(sweep=True)
        assert home.ticket.status == "Done"
        assert "Resolved in Halo" in home.ticket.texts[-1]

    play(story())


def test_an_empty_answer_of_halo_closes_nothing_even_in_a_sweep() -> None:
    async def story() -> None:
        home = Household()
        await home.begin()
        home.tube.halo.faults.set_chance({"empty_list": 1.0})
        before = writes(home.tube.jira.calls)
        await home.run(sweep=True)
        assert home.ticket.status == "To Do"
        assert writes(home.tube.jira.calls) == before

    play(story())


def test_an_issue_that_halo_forgot_is_reported_once_and_its_ticket_left_as_it_is(
    said: LogCapture,
) -> None:
    async def story() -> None:
        home = Household()
        await home.begin()
        home.tube.halo.estate.forget(home.issue_id)
        for _ in range(3):
            await home.run(sweep=True)
        assert (home.ticket.status, home.ticket.comments) == ("To Do", ())
        assert [entry["event"] for entry in said.entries].count("issue.gone") == 1

    play(story())


@pytest.mark.parametrize("sweeps", [True, False])
def test_an_issue_that_halo_does_not_know_twice_closes_its_ticket_in_these_words(
    sweeps: bool,
) -> None:
    async def story() -> None:
        home = Household(when_issue_gone="close")
        await home.begin()
        home.tube.halo.estate.forget(home.issue_id)
        await home.run(sweep=True)
        assert (home.ticket.status, home.ticket.comments) == ("To Do", ()), "one miss is none"
        await home.run(sweep=sweeps)
        assert home.ticket.status == "Done"
        (text,) = home.ticket.texts
        assert "Halo no longer knows the issue" in text
        assert "Resolved" not in text
        asked = home.tube.halo.calls["GET /v3/issues/{id}"]
        await home.run(sweep=True)
        assert home.tube.halo.calls["GET /v3/issues/{id}"] == asked, "it is over"
        assert await home.tube.store.parked() == []

    play(story())


def test_a_run_that_dies_over_its_first_miss_and_its_successor_are_one_miss() -> None:
    async def story() -> None:
        home = Household(when_issue_gone="close")
        await home.begin()
        home.tube.halo.estate.forget(home.issue_id)
        await asyncio.sleep(QUARTER_HOUR_S)
        for _ in range(2):
            await home.tube.run(order=Order(sweep=True))
            await asyncio.sleep(5.0)
        assert home.ticket.status == "To Do"

    play(story())


@pytest.mark.parametrize("policy", ["report", "close"])
@pytest.mark.parametrize("closed_meanwhile", [False, True])
def test_an_issue_that_was_resolved_while_halo_did_not_know_it_is_closed_when_it_is_back(
    policy: str, closed_meanwhile: bool
) -> None:
    async def story() -> None:
        home = Household(when_issue_gone=policy)
        estate = home.tube.halo.estate
        await home.begin()
        estate.forget(home.issue_id)
        await home.run(sweep=True)
        if closed_meanwhile:
            await home.run()
        await asyncio.sleep(DAY_S)
        estate.resolve(home.issue_id)
        await asyncio.sleep(2 * DAY_S)
        estate.recall(home.issue_id)
        await home.run(sweep=True)
        assert home.ticket.status == "Done"
        assert await home.tube.store.parked() == []

    play(story())


@pytest.mark.parametrize(("policy", "closed"), [("report", False), ("close", True)])
def test_an_issue_that_is_back_and_active_goes_on_as_if_nothing_had_been(
    policy: str, *, closed: bool
) -> None:
    async def story() -> None:
        home = Household(when_issue_gone=policy)
        estate = home.tube.halo.estate
        await home.begin()
        estate.forget(home.issue_id)
        for _ in range(3):
            await home.run(sweep=True)
        estate.recall(home.issue_id)
        await home.run(sweep=True)
        assert home.ticket.status == "To Do"
        assert len(home.ticket.comments) == (2 if closed else 0)
        assert all("was resolved" not in text for text in home.ticket.texts)
        estate.forget(home.issue_id)
        await home.run(sweep=True)
        assert home.ticket.status == "To Do", "a first miss again"

    play(story())


def test_a_ticket_that_is_closed_too_early_is_reopened_with_a_comment_each_time() -> None:
    async def story() -> None:
        home = Household()
        key = await home.begin()
        for times in range(1, 4):
            home.tube.jira.people.transition_by_person(key, status="Done")
            await home.run(sweep=True)
            assert home.ticket.status == "To Do"
            assert len(home.ticket.comments) == times
        await home.run(sweep=True)
        assert len(home.ticket.comments) == 3

    play(story())


def test_a_second_reopening_that_was_cut_short_is_told_once() -> None:
    async def story(at: int, side: Side) -> Fuse:
        home, fuse = Household(), Fuse(at=(at, side))
        key = await home.begin()
        for second in (False, True):
            home.tube.jira.people.transition_by_person(key, status="Done")
            await asyncio.sleep(QUARTER_HOUR_S)
            killed = fuse if second else None
            await home.tube.run(order=Order(sweep=True), fuse=killed)
        for _ in range(3):
            await home.run(sweep=True)
        assert (home.ticket.status, len(home.ticket.comments)) == ("To Do", 2), fuse.names[-1]
        return fuse

    for at in count(1):
        died = [play(story(at, side)).dead for side in get_args(Side)]
        if not any(died):
            break
    assert at > 10, "the story has become too short to prove anything"


def test_a_deleted_ticket_is_made_anew_only_after_two_misses() -> None:
    async def story() -> None:
        home = Household()
        home.tube.jira.people.delete_ticket(await home.begin())
        await home.run(sweep=True)
        assert home.ours == []
        await home.run()
        assert home.ticket.status == "To Do"

    play(story())


def test_a_deleted_ticket_is_only_reported_if_the_policy_says_so(said: LogCapture) -> None:
    async def story() -> None:
        home = Household(when_ticket_gone="report")
        home.tube.jira.people.delete_ticket(await home.begin())
        await home.run(sweep=True)
        for _ in range(3):
            await home.run()
        assert home.ours == []
        assert await home.tube.store.parked() == []
        assert [
            entry["event"] for entry in said.entries if "deleted" in entry.get("error", "")
        ] == ["ticket.gone"]

    play(story())


def test_a_ticket_in_a_project_that_has_become_invisible_gets_no_second_one() -> None:
    async def story() -> None:
        home = Household()
        home.tube.jira.people.move_ticket(await home.begin(), project="OPS")
        await home.run(sweep=True)
        home.tube.jira.people.hide_project("OPS")
        for _ in range(4):
            await home.run(sweep=True)
            await asyncio.sleep(DAY_S)
        (parked,) = await home.tube.store.parked()
        assert parked.error_class == "ticket_missing"
        home.tube.jira.people.show_project("OPS")
        await asyncio.sleep(DAY_S)
        await home.run(sweep=True)
        assert home.ticket.key == "OPS-1"
        assert await home.tube.store.parked() == []

    play(story())
