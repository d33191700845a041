"""The slower look at every open link: what no watermark can catch."""

import asyncio

import pytest
from msgspec.structs import replace
from structlog.testing import LogCapture

from job.core.memory import RunRecord
from job.core.policy import WhenGone
from job.flow.setup import Order
from job.sim.jira.people import Snapshot
from job.sim.jira.site import ANNA
from tests.kit.timeless import play
from tests.kit.tube import QUIET, Tube, writes

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


@pytest.mark.parametrize(("policy", "status"), [("report", "To Do"), ("close", "Done")])
def test_an_issue_that_halo_forgot_is_reported_or_closed_with_that_reason(
    policy: str, status: str, said: LogCapture
) -> None:
    async def story() -> None:
        home = Household(when_issue_gone=policy)
        await home.begin()
        home.tube.halo.estate.forget(home.issue_id)
        await home.run(sweep=True)
        assert home.ticket.status == status
        assert len(home.ticket.comments) == (policy == "close")
        assert all("no longer knows" in text for text in home.ticket.texts)
        assert any(entry["event"] == "issue.gone" for entry in said.entries) == (policy == "report")

    play(story())


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
