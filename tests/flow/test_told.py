"""What Jira told us of tickets between two runs: the next run looks, and decides as ever."""

import asyncio
from collections import Counter
from itertools import count
from typing import get_args

import pytest
from msgspec.structs import replace

from job.core.ids import IssueId
from job.core.memory import Noted, RunRecord
from job.core.policy import WhenGone
from job.flow.setup import Order
from job.sim.jira.people import Snapshot
from job.sim.jira.site import ANNA
from tests.kit.timeless import play
from tests.kit.tube import QUIET, Fuse, Side, Tube, writes

HOUR_S = 3600.0


class Street:
    """A few issues with their tickets, settled so long ago that no list shows them."""

    def __init__(self, *, when_ticket_gone: str = "recreate") -> None:
        self.tube = Tube(policy=replace(QUIET, when_ticket_gone=WhenGone(when_ticket_gone)))
        self.tube.look_back = self.tube.sweep_every / 24
        site = self.tube.jira.site
        self.tube.jira.store.create(
            project=site.projects[0],
            issue_type=site.issue_types[0],
            fields={"summary": "Buy milk"},
            author=ANNA,
        )

    async def settle(self, many: int = 3) -> list[str]:
        """The keys of their tickets, in the order of the issues."""
        self.issues = [self.tube.halo.estate.open_issue(type="csm") for _ in range(many)]
        for _ in range(2):
            await self.run()
            await asyncio.sleep(HOUR_S)
        links = await self.tube.store.links([IssueId(issue_id) for issue_id in self.issues])
        self.links = [links[IssueId(issue_id)] for issue_id in self.issues]
        return [link.ticket_key for link in self.links]

    async def tell(self, number: int, *, deleted: bool = False) -> None:
        link = self.links[number]
        await self.tube.store.note(
            Noted(
                ticket_id=link.ticket_id,
                issue_id=link.issue_id,
                deleted=deleted,
                delivery="d-1",
                at=self.tube.clock.now(),
            )
        )

    async def run(self, *, order: Order | None = None) -> RunRecord:
        record = await self.tube.run(order=order)
        assert isinstance(record, RunRecord), record
        return record

    def delete(self, number: int) -> None:
        self.tube.jira.people.delete_ticket(self.links[number].ticket_key)

    @property
    def ours(self) -> dict[str, Snapshot]:
        return {ticket.key: ticket for ticket in self.tube.jira.people.tickets() if ticket.ours}


def test_a_ticket_that_a_person_closed_is_reopened_by_the_very_next_run() -> None:
    async def story() -> None:
        street = Street()
        first, *others = await street.settle()
        for key in (first, *others):
            street.tube.jira.people.transition_by_person(key, status="Done")
        await street.tell(0)
        await street.run()
        assert street.ours[first].status == "To Do"
        assert {street.ours[key].status for key in others} == {"Done"}, "nobody told of them"
        assert await street.tube.store.noted() == []

    play(story())


def test_a_ticket_that_was_told_of_costs_one_call_to_halo_and_one_to_jira() -> None:
    async def story() -> None:
        street = Street()
        await street.settle()
        tube = street.tube
        halo, jira = Counter(tube.halo.calls), Counter(tube.jira.calls)
        await street.run()
        quiet_halo = Counter(tube.halo.calls) - halo
        quiet_jira = Counter(tube.jira.calls) - jira
        for number in range(3):
            await street.tell(number)
        halo, jira = Counter(tube.halo.calls), Counter(tube.jira.calls)
        await street.run()
        more_halo = Counter(tube.halo.calls) - halo - quiet_halo
        more_jira = Counter(tube.jira.calls) - jira - quiet_jira
        assert sum(more_halo.values()) == 3
        assert more_jira == Counter({"POST /issue/bulkfetch": 1})
        assert await tube.store.noted() == []

    play(story())


def test_a_deleted_ticket_is_known_without_a_second_miss() -> None:
    async def story() -> None:
        street = Street()
        first, *others = await street.settle()
        street.delete(0)
        await street.tell(0, deleted=True)
        await street.run()
        (made,) = street.ours.keys() - set(others)
        assert made != first
        links = await street.tube.store.links([street.links[0].issue_id])
        assert [link.ticket_key for link in links.values()] == [made]

    play(story())


def test_without_jiras_word_a_deleted_ticket_is_still_missed_twice() -> None:
    async def story() -> None:
        street = Street()
        await street.settle()
        street.delete(0)
        await street.tell(0)
        await street.run()
        assert len(street.ours) == 2, "one miss proves nothing"

    play(story())


def test_a_ticket_that_was_called_deleted_and_is_there_is_left_alone() -> None:
    async def story() -> None:
        street = Street()
        await street.settle()
        before, written = street.ours, writes(street.tube.jira.calls)
        await street.tell(0, deleted=True)
        await street.run()
        assert street.ours == before
        assert writes(street.tube.jira.calls) == written

    play(story())


@pytest.mark.parametrize("side", get_args(Side))
def test_a_run_that_dies_anywhere_loses_no_word_of_jiras(side: Side) -> None:
    async def story() -> None:
        for number in count(1):
            street = Street()
            first, *_ = await street.settle(1)
            street.tube.jira.people.transition_by_person(first, status="Done")
            await street.tell(0)
            fuse = Fuse((number, side))
            await street.tube.run(fuse=fuse)
            for _ in range(2):
                await asyncio.sleep(HOUR_S / 2)
                await street.run()
            assert street.ours[first].status == "To Do", fuse.names[-1]
            assert await street.tube.store.noted() == []
            if not fuse.dead:
                return

    play(story())


def test_a_word_that_comes_while_a_run_looks_is_left_for_the_next() -> None:
    async def story() -> None:
        street = Street()
        first, *_ = await street.settle(1)
        await street.tell(0)
        store = street.tube.store

        async def late() -> None:
            while not await store.runs(limit=1) or not street.tube.runs > 2:
                await asyncio.sleep(0.001)
            await asyncio.sleep(0.05)
            await street.tell(0)

        async with asyncio.TaskGroup() as group:
            group.create_task(street.run())
            group.create_task(late())
        assert len(await store.noted()) == 1
        street.tube.jira.people.transition_by_person(first, status="Done")
        await street.run()
        assert street.ours[first].status == "To Do"

    play(story())


def test_a_ticket_whose_action_has_to_wait_is_looked_at_again() -> None:
    async def story() -> None:
        street = Street()
        keys = await street.settle()
        for number, key in enumerate(keys):
            street.tube.jira.people.transition_by_person(key, status="Done")
            await street.tell(number)
        street.tube.sync_max = 1
        for done in (1, 2, 3):
            await street.run()
            assert [ticket.status for ticket in street.ours.values()].count("To Do") == done
            assert len(await street.tube.store.noted()) == len(keys) - done
            await asyncio.sleep(HOUR_S)

    play(story())
