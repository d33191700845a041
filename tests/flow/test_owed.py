"""What a command asked to be read: it moves no watermark over what nobody read, and it is owed
until all of it was read, whatever dies or is held back meanwhile.
"""

import asyncio
from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from job.core.ids import EPOCH
from job.core.ledger import owing
from job.core.memory import Watermark
from job.core.plan import Limits
from job.core.shards import Shard
from job.errors import RemoteDown
from job.flow.setup import ALL_TIME, Order, Setup
from job.sim.call import json_answer
from tests.kit.quarter import done
from tests.kit.timeless import play
from tests.kit.tube import QUIET, START, Fuse, Side, Tube

HOUR_S = 3_600.0
DAY_S = 86_400.0
SHARD = "0-of-1"


class Sleepless(Tube):
    """A deployment that never sweeps by itself."""

    def setup(self, fuse: Fuse, *, shard: Shard) -> Setup:
        return replace(super().setup(fuse, shard=shard), sweep_every=timedelta(0))


@dataclass
class FuseOf(Fuse):
    """Kills the run before so many operations of one kind have had their effect."""

    kind: str = ""
    times: int = 0

    def begin(self, name: str) -> int:
        self.dead = self.dead or [*self.names, name].count(self.kind) == self.times
        return super().begin(name)


async def mark_of(tube: Tube) -> Watermark:
    mark = await tube.store.watermark(SHARD)
    assert mark is not None
    return mark


async def with_old_issues(many: int, *, tube: Tube | None = None) -> Tube:
    """So many issues that Halo saw last ten days ago, and a first run that did not look so far."""
    tube = tube or Tube(policy=QUIET)
    tube.look_back = timedelta(minutes=15)
    for _ in range(many):
        tube.halo.estate.open_issue(type="fim")
    await asyncio.sleep(10 * DAY_S)
    await done(tube)
    assert tube.jira.people.tickets() == []
    return tube


def statuses(tube: Tube) -> Counter[str]:
    return Counter(ticket.status for ticket in tube.jira.people.tickets())


# --- A command that begins after the watermark ----------------------------------------------------


@pytest.mark.parametrize("quiet", [Tube, Sleepless])
def test_a_glance_at_the_last_minutes_loses_nothing_of_what_lies_before(quiet: type[Tube]) -> None:
    async def story() -> None:
        tube = quiet(policy=QUIET)
        issue_id = tube.halo.estate.open_issue(type="fim")
        await done(tube)
        before = await mark_of(tube)
        await asyncio.sleep(2 * DAY_S)
        tube.halo.estate.resolve(issue_id)
        await asyncio.sleep(3 * DAY_S)
        tube.halo.estate.open_issue(type="csm")
        glance = Order(since=tube.clock() - timedelta(minutes=15))
        assert (await done(tube, glance)).watermark_at == before.at
        assert await mark_of(tube) == replace(before, highest_keys={"SEC": 2})
        await done(tube)
        assert statuses(tube) == {"Done": 1, "To Do": 1}
        assert (await mark_of(tube)).at > before.at + timedelta(days=5)

    play(story())


def test_a_command_that_begins_before_the_watermark_moves_it_on_as_usual() -> None:
    async def story() -> None:
        tube = Tube(policy=QUIET)
        await done(tube)
        before = await mark_of(tube)
        await asyncio.sleep(HOUR_S)
        await done(tube, Order(since=before.at))
        assert (await mark_of(tube)).at > before.at + timedelta(hours=1, minutes=14)

    play(story())


def test_a_sweep_that_was_asked_for_reads_from_the_watermark_whatever_time_stands_beside_it() -> (
    None
):
    async def story() -> None:
        tube = Sleepless(policy=QUIET)
        issue_id = tube.halo.estate.open_issue(type="fim")
        await asyncio.sleep(DAY_S)
        tube.halo.estate.resolve(issue_id)
        await asyncio.sleep(HOUR_S)
        since = tube.clock() + timedelta(minutes=10)
        await done(tube, Order(since=since, sweep=True))
        assert statuses(tube) == {"Done": 1}, "resolved before it had a ticket, and before the time"

    play(story())


# --- A back-fill that is cut short ----------------------------------------------------------------


@pytest.mark.parametrize("since", [ALL_TIME, START - timedelta(days=1)])
def test_a_back_fill_that_is_killed_goes_on_in_the_next_runs_until_it_is_done(
    since: datetime | str,
) -> None:
    async def story() -> None:
        tube = await with_old_issues(300)
        before = await mark_of(tube)
        fuse = FuseOf(kind="POST /rest/api/3/issue/bulk", times=4)
        assert await tube.run(fuse=fuse, order=Order(since=since)) is None
        half = len(tube.jira.people.tickets())
        assert 0 < half < 300
        owed = await mark_of(tube)
        assert owed.at == before.at
        assert owed.reading_from == (EPOCH if since == ALL_TIME else since)
        for _ in range(3):
            await done(tube)
        assert len(tube.jira.people.tickets()) == 300
        assert (await mark_of(tube)).reading_from is None
        calls = tube.halo.calls["GET /v3/issues"]
        await done(tube)
        assert tube.halo.calls["GET /v3/issues"] - calls == 2, "it is over"

    play(story())


@pytest.mark.parametrize("side", get_args(Side))
def test_a_back_fill_that_is_killed_at_any_step_after_its_note_is_done_by_two_clean_runs(
    side: Side,
) -> None:
    async def story(number: int) -> Fuse:
        tube, fuse = await with_old_issues(4), Fuse(at=(number, side))
        tube.halo.estate.resolve(next(iter(tube.halo.estate.issues)))
        await tube.run(fuse=fuse, order=Order(since=ALL_TIME))
        if "store.commit" not in fuse.names[: number - (side == "before")]:
            return fuse  # it died before it could note anything
        for _ in range(2):
            await done(tube)
        assert statuses(tube) == {"To Do": 3, "Done": 1}, fuse.names[-1]
        assert (await mark_of(tube)).reading_from is None
        return fuse

    for number in count(1):
        if not play(story(number)).dead:
            break
    assert number > 20, "the story has become too short to prove anything"


def test_what_a_dead_back_fill_has_settled_costs_its_listing_and_no_call_to_jira() -> None:
    async def story() -> None:
        tube = await with_old_issues(150)
        await done(tube, Order(since=ALL_TIME))
        await done(tube)
        tube.store._watermarks[SHARD] = replace(await mark_of(tube), reading_from=EPOCH)
        halo, jira = Counter(tube.halo.calls), Counter(tube.jira.calls)
        await done(tube)
        spent = Counter(tube.halo.calls) - halo
        assert spent["GET /v3/issues"] == 3, "two pages of active ones, and none of resolved ones"
        assert Counter(tube.jira.calls) - jira == {"GET /myself": 1}
        assert (await mark_of(tube)).reading_from is None

    play(story())


def test_a_back_fill_whose_halo_is_down_goes_on_when_it_is_well_again() -> None:
    async def story() -> None:
        tube = await with_old_issues(5)
        down = json_answer({"message": "boom"}, status=500)
        tube.halo.faults.hook = lambda call, _: down if call.path == "/v3/issues" else None
        assert isinstance(await tube.run(order=Order(since=ALL_TIME)), RemoteDown)
        tube.halo.faults.quiet()
        await done(tube)
        assert len(tube.jira.people.tickets()) == 5

    play(story())


def test_a_back_fill_that_meets_its_cap_goes_on() -> None:
    async def story() -> None:
        tube = await with_old_issues(7)
        tube.sync_max = 3
        records = [await done(tube, order) for order in (Order(since=ALL_TIME), None, None)]
        left = [record.counts["create"].get("deferred", 0) for record in records]
        assert left == [4, 1, 0]

    play(story())


def test_what_a_command_brought_up_and_is_held_is_not_owed_for_it_would_be_held_for_ever() -> None:
    async def story() -> None:
        tube = await with_old_issues(12, tube=Tube(policy=QUIET, limits=Limits(create_max=10)))
        before = await mark_of(tube)
        refused = await done(tube, Order(since=ALL_TIME, sweep=True))
        assert refused.counts["create"] == {"held": 12}
        mark = await mark_of(tube)
        assert (mark.reading_from, mark.sweep_owed) == (None, False)
        assert mark.at > before.at
        tube.halo.estate.open_issue(type="csm")
        assert (await done(tube)).counts["create"] == {"done": 1}

    play(story())


def test_a_back_fill_that_was_begun_is_read_and_its_creates_wait_for_an_approval() -> None:
    async def story() -> None:
        tube = await with_old_issues(12, tube=Tube(policy=QUIET, limits=Limits(create_max=10)))
        owed = replace(await mark_of(tube), reading_from=EPOCH)
        tube.store._watermarks[SHARD] = owed
        refused = await done(tube)
        assert refused.counts["create"] == {"held": 12}
        assert (await mark_of(tube)).reading_from is None
        await done(tube, Order(approved=refused.digest))
        assert len(tube.jira.people.tickets()) == 12

    play(story())


def test_a_glance_leaves_a_back_fill_owed() -> None:
    async def story() -> None:
        tube = await with_old_issues(3)
        owed = replace(await mark_of(tube), reading_from=EPOCH)
        tube.store._watermarks[SHARD] = owed
        await asyncio.sleep(HOUR_S)
        await done(tube, Order(since=tube.clock()))
        assert await mark_of(tube) == owed
        await done(tube)
        assert len(tube.jira.people.tickets()) == 3

    play(story())


@given(st.integers(-5, 5), st.integers(-5, 5) | st.none(), st.booleans(), st.booleans())
def test_what_is_owed_is_the_earliest_that_was_asked_for(
    since_h: int, owed_h: int | None, sweep: bool, swept: bool
) -> None:
    since = START + timedelta(hours=since_h)
    owed = None if owed_h is None else START + timedelta(hours=owed_h)
    mark = Watermark(at=START, reading_from=owed, sweep_owed=swept)
    noted = owing(mark, since=since, sweep=sweep)
    wanted = [at for at in (owed, since if since <= START else None) if at is not None]
    assert noted.reading_from == min(wanted, default=None)
    assert noted.sweep_owed == (sweep or swept)
    assert owing(mark, since=None, sweep=False) == mark


# --- A sweep that is cut short --------------------------------------------------------------------


async def with_tickets_closed_early(tube: Tube, many: int) -> Tube:
    """So many tickets that people closed although Halo still sees their issues."""
    for _ in range(many):
        tube.halo.estate.open_issue(type="csm")
    await done(tube)
    await asyncio.sleep(HOUR_S)
    await done(tube)
    for ticket in tube.jira.people.tickets():
        tube.jira.people.transition_by_person(ticket.key, status="Done")
    await asyncio.sleep(HOUR_S)
    return tube


def test_a_sweep_by_hand_that_meets_its_cap_goes_on_although_none_is_ever_due() -> None:
    async def story() -> None:
        tube = await with_tickets_closed_early(Sleepless(policy=QUIET), 7)
        tube.sync_max = 3
        await done(tube, Order(sweep=True))
        assert statuses(tube) == {"To Do": 3, "Done": 4}
        for _ in range(2):
            await done(tube)
        assert statuses(tube) == {"To Do": 7}
        assert not (await mark_of(tube)).sweep_owed
        calls = tube.halo.calls["GET /v3/issues"]
        await done(tube)
        assert tube.halo.calls["GET /v3/issues"] - calls == 2, "it is over"

    play(story())


@pytest.mark.parametrize("at", [8, 20])
def test_a_sweep_by_hand_that_is_killed_goes_on_although_none_is_ever_due(at: int) -> None:
    async def story() -> None:
        tube = await with_tickets_closed_early(Sleepless(policy=QUIET), 7)
        fuse = Fuse(at=(at, "after"))
        assert await tube.run(fuse=fuse, order=Order(sweep=True)) is None
        assert (await mark_of(tube)).sweep_owed
        for _ in range(2):
            await done(tube)
        await asyncio.sleep(HOUR_S)
        await done(tube)
        assert statuses(tube) == {"To Do": 7}
        assert not (await mark_of(tube)).sweep_owed

    play(story())
