"""What becomes of issues that were old before the first run looked, run by run."""

import asyncio
from datetime import datetime, timedelta
from itertools import count
from typing import get_args

import pytest
from msgspec.structs import replace
from structlog.testing import LogCapture

from job.core.backlog import BacklogMode
from job.core.memory import RunRecord
from job.core.plan import Limits, Plan
from job.core.shards import Shard
from job.flow import run as flow
from job.flow.setup import ALL_TIME, Order
from tests.kit.builders import policy
from tests.kit.oracle.reading import issue_of
from tests.kit.quarter import done
from tests.kit.timeless import play
from tests.kit.tube import QUIET, START, Fuse, Onlooker, Side, Tube, writes

QUARTER_HOUR_S = 900.0
DAY_S = 86_400.0
WORDS = [str(mode) for mode in BacklogMode]


class Estate:
    """Thirty issues of long ago, two of them critical, and one that Halo has just found."""

    def __init__(self, word: str, *, many: int = 30) -> None:
        self.tube = Tube(policy=replace(QUIET, backlog=BacklogMode(word)))
        self.halo = self.tube.halo.estate
        self.old = [self.halo.open_issue(type="csm", critical=n < 2) for n in range(many)]

    async def begin(self) -> RunRecord:
        await asyncio.sleep(90 * DAY_S)
        self.new = self.halo.open_issue(type="csm")
        return await self.run()

    async def run(
        self, *, after_s: float = QUARTER_HOUR_S, order: Order | None = None
    ) -> RunRecord:
        await asyncio.sleep(after_s)
        record = await self.tube.run(order=order)
        assert isinstance(record, RunRecord), record
        return record

    async def days(self, many: int = 2) -> None:
        """So many daily sweeps."""
        for _ in range(many):
            await self.run(after_s=DAY_S + 60)

    @property
    def ticketed(self) -> set[str]:
        """The issues with a ticket of ours."""
        return {issue_of(ticket) for ticket in self.tube.jira.people.tickets() if ticket.ours}


@pytest.mark.parametrize(
    ("word", "of_old"), [("touched", 0), ("all", 30), ("critical", 2), ("none", 0)]
)
def test_each_word_makes_its_tickets_in_the_first_run_and_no_sweep_makes_more(
    word: str, of_old: int
) -> None:
    async def story() -> None:
        home = Estate(word)
        await home.begin()
        wanted = {*home.old[:of_old], home.new}
        assert home.ticketed == wanted
        await home.days(3)
        await home.run(order=Order(sweep=True))
        assert home.ticketed == wanted, "a sweep makes none"

    play(story())


@pytest.mark.parametrize(("word", "comes"), [("touched", True), ("none", False), ("all", True)])
def test_a_scan_brings_what_waits_for_it_and_nothing_else(word: str, *, comes: bool) -> None:
    async def story() -> None:
        home = Estate(word)
        await home.begin()
        for _ in range(2):
            home.halo.rescan(home.old[7], changed=True)
            await home.run()
        assert (home.old[7] in home.ticketed) == comes
        await home.days()
        assert (home.old[7] in home.ticketed) == comes

    play(story())


@pytest.mark.parametrize("word", ["critical", "none"])
def test_an_old_issue_that_is_resolved_has_no_record_and_a_ticket_when_it_comes_back(
    word: str,
) -> None:
    async def story() -> None:
        home = Estate(word)
        await home.begin()
        home.halo.resolve(home.old[7])
        await home.run()
        await home.days()
        assert home.old[7] not in home.ticketed
        home.halo.reopen(home.old[7])
        await home.run()
        assert home.old[7] in home.ticketed

    play(story())


def test_with_touched_a_resolve_is_a_touch_and_leaves_its_record() -> None:
    async def story() -> None:
        home = Estate("touched")
        await home.begin()
        home.halo.resolve(home.old[7])
        await home.run()
        (ticket,) = [t for t in home.tube.jira.people.tickets() if issue_of(t) == home.old[7]]
        assert ticket.status == "Done"

    play(story())


@pytest.mark.parametrize("word", WORDS)
def test_what_was_resolved_before_the_first_run_looked_gets_no_record_from_any_sweep(
    word: str,
) -> None:
    async def story() -> None:
        home = Estate(word, many=1)
        await asyncio.sleep(DAY_S)
        home.halo.resolve(home.old[0])
        await asyncio.sleep(DAY_S + 3_600)
        await home.run()
        await home.days()
        assert home.ticketed == set()

    play(story())


@pytest.mark.parametrize("word", ["critical", "none"])
def test_an_old_issue_that_becomes_critical_gets_a_ticket_though_nothing_else_is_new(
    word: str,
) -> None:
    async def story() -> None:
        home = Estate(word)
        await home.begin()
        home.halo.rescan(home.old[0])
        await home.run()
        assert (home.old[0] in home.ticketed) == (word == "critical"), "it was critical before"
        home.halo.edit_issue(home.old[7], critical=True)
        silently = home.halo.issues[home.old[8]]  # no scan says it: only a sweep sees it
        silently.critical = True
        home.halo._changed(silently)
        await home.run()
        assert home.old[7] in home.ticketed
        await home.days(1)
        assert home.old[8] in home.ticketed

    play(story())


@pytest.mark.parametrize("word", ["touched", "critical", "none"])
@pytest.mark.parametrize("since", [ALL_TIME, START])
def test_who_asks_for_a_time_before_it_gets_its_ticket(word: str, since: datetime | str) -> None:
    async def story() -> None:
        home = Estate(word)
        await home.begin()
        home.halo.rescan(home.old[7])
        await home.run(order=Order(since=since))
        assert home.ticketed == {*home.old, home.new}

    play(story())


def test_who_asks_for_a_time_after_it_gets_none() -> None:
    async def story() -> None:
        home = Estate("none")
        await home.begin()
        await home.run(order=Order(since=home.tube.clock() - 20 * (home.tube.clock() - START) / 30))
        assert home.ticketed == {home.new}

    play(story())


@pytest.mark.parametrize("word", ["touched", "critical", "none"])
def test_what_was_asked_for_and_had_no_room_yet_comes_in_the_runs_that_follow(word: str) -> None:
    """The issue was noted, was seen since, and its turn comes when nobody asks any more."""

    async def story() -> None:
        home = Estate(word)
        await home.begin()
        for issue_id in home.old:
            home.halo.rescan(issue_id) if word != "touched" else None
        home.tube.sync_max = 9
        await home.run(order=Order(since=ALL_TIME))
        assert len(home.ticketed) < len(home.old)
        for _ in range(4):
            await home.run()
        assert home.ticketed == {*home.old, home.new}

    play(story())


@pytest.mark.parametrize("word", ["critical", "none"])
def test_what_halo_saw_since_the_time_that_somebody_asked_for_comes_however_long_it_takes(
    word: str,
) -> None:
    async def story() -> None:
        home = Estate(word)
        await home.begin()
        await home.days(1)
        for issue_id in home.old[:20]:
            home.halo.rescan(issue_id)
        await home.run(after_s=3_600.0)
        home.tube.sync_max = 9
        await home.run(order=Order(since=home.tube.clock() - timedelta(hours=2)))
        for _ in range(3):
            await home.run(after_s=3_600.0)
        made = {"critical": 2, "none": 0}[word]
        assert home.ticketed == {*home.old[:20], *home.old[:made], home.new}

    play(story())


@pytest.mark.parametrize("word", ["touched", "none"])
def test_what_was_asked_for_and_is_held_comes_when_it_is_approved(word: str) -> None:
    async def story() -> None:
        home = Estate(word)
        await home.begin()
        home.tube.limits = Limits(create_max=5)
        held = await home.run(order=Order(since=ALL_TIME))
        assert home.ticketed == {home.new}
        await home.days()
        await home.run(order=Order(approved=held.digest))
        assert home.ticketed == {*home.old, home.new}

    play(story())


def test_a_whole_backlog_over_the_limit_is_held_until_it_is_approved() -> None:
    async def story() -> None:
        home = Estate("all")
        home.tube.limits = Limits(create_max=12)
        held = await home.begin()
        assert (held.exit_code, home.ticketed) == (4, set())
        await home.days(1)
        assert home.ticketed == set()
        await home.run(order=Order(approved=held.digest))
        assert home.ticketed == {*home.old, home.new}

    play(story())


def test_a_whole_backlog_goes_in_slices_where_the_settings_say_so(said: LogCapture) -> None:
    async def story() -> None:
        home = Estate("all")
        home.tube.limits = Limits(create_max=12, slices=True)
        await home.begin()
        made = [len(home.ticketed)]
        assert set(home.old[:2]) <= home.ticketed, "the worst come first"
        for _ in range(3):
            assert (await home.run()).exit_code == 0
            made.append(len(home.ticketed))
        assert made == [12, 24, 31, 31]

    play(story())
    told = [line["message"] for line in said.entries if line["event"] == "plan.sliced"]
    assert told == [
        "19 new tickets wait for later slices (MAX_CREATE=12); at this pace 2 more runs make them.",
        "7 new tickets wait for later slices (MAX_CREATE=12); at this pace the next run makes what "
        "is left.",
    ]


def test_slices_tell_until_when_they_go_on(said: LogCapture) -> None:
    async def story() -> None:
        home = Estate("all", many=0)
        await home.run()
        for _ in range(14):
            home.halo.open_issue(type="csm")
        home.tube.limits = Limits(create_max=3, slices=True)
        await home.run(after_s=3_600.0)
        await home.tube.run()

    play(story())
    told = [line["message"] for line in said.entries if line["event"] == "plan.sliced"]
    assert told[0] == (
        "11 new tickets wait for later slices (MAX_CREATE=3); at this pace until 2026-03-01T17:15"
        "+00:00."
    )
    assert told[1].startswith("8 new tickets wait for later slices (MAX_CREATE=3); at this pace ")


@pytest.mark.parametrize("word", ["all", "critical", "none"])
def test_a_first_run_that_dies_anywhere_leaves_nothing_undone_and_nothing_unasked(
    word: str,
) -> None:
    async def story(at: int, side: Side) -> Fuse:
        home = Estate(word, many=4)
        await asyncio.sleep(90 * DAY_S)
        home.new = home.halo.open_issue(type="csm")
        fuse = Fuse(at=(at, side))
        await home.tube.run(fuse=fuse)
        await home.run(after_s=1_800.0)
        for issue_id in home.old:
            home.halo.rescan(issue_id)
        await home.run()
        made = {"all": 4, "critical": 2, "none": 0}[word]
        assert home.ticketed == {*home.old[:made], home.new}, fuse.names[-1]
        return fuse

    for at in count(1):
        died = [play(story(at, side)).dead for side in get_args(Side)]
        if not any(died):
            break
    assert at > 10, "the story has become too short to prove anything"


def test_a_noted_issue_whose_ticket_was_about_to_be_made_is_not_forgotten_by_a_crash() -> None:
    async def story(at: int, side: Side) -> Fuse:
        home = Estate("none", many=4)
        await home.begin()
        home.halo.rescan(home.old[3])
        fuse = Fuse(at=(at, side))
        await asyncio.sleep(QUARTER_HOUR_S)
        await home.tube.run(fuse=fuse, order=Order(since=ALL_TIME))
        noted = "store.commit" in fuse.names[:-1]
        await home.run(after_s=1_800.0)
        await home.run(after_s=1_800.0)
        assert home.ticketed == ({*home.old, home.new} if noted else {home.new}), fuse.names[-1]
        return fuse

    for at in count(12):
        died = [play(story(at, side)).dead for side in get_args(Side)]
        if not any(died):
            break
    assert at > 20, "the story has become too short to prove anything"


@pytest.mark.parametrize("word", ["touched", "none"])
def test_a_ticket_that_an_old_issue_has_already_is_found_and_kept(word: str) -> None:
    """Memory is lost, the ticket is there, and nothing was touched for weeks."""

    async def story() -> None:
        home = Estate(word, many=3)
        await home.run()
        assert len(home.ticketed) == 3
        await asyncio.sleep(60 * DAY_S)
        fresh = Tube(policy=home.tube.policy)
        home.tube.store = fresh.store
        await home.run()
        await home.days(1)
        links = await home.tube.store.links(list(home.tube.store._links))
        assert set(links) == set(home.old)
        home.halo.resolve(home.old[0])
        await home.run()
        assert [t.status for t in home.tube.jira.people.tickets()].count("Done") == 1
        assert len(home.tube.jira.people.tickets()) == 3

    play(story())


@pytest.mark.parametrize("word", WORDS)
def test_memory_of_an_older_program_goes_on_as_it_did(word: str) -> None:
    async def story() -> None:
        home = Estate("touched")
        await home.begin()
        (name, mark), *_ = (await home.tube.store.watermarks()).items()
        home.tube.store._watermarks[name] = replace(mark, begun_from=None, backlog_as="")
        home.tube.policy = replace(home.tube.policy, backlog=BacklogMode(word))
        await home.run()
        assert home.ticketed == {home.new}
        await home.days(1)
        assert home.ticketed == {*home.old, home.new}

    play(story())


@pytest.mark.parametrize(
    ("before", "after", "of_old"), [("touched", "all", 30), ("none", "critical", 2)]
)
def test_another_word_is_carried_out_by_the_next_run(before: str, after: str, of_old: int) -> None:
    async def story() -> None:
        home = Estate(before)
        await home.begin()
        assert home.ticketed == {home.new}
        home.tube.policy = replace(home.tube.policy, backlog=BacklogMode(after))
        await home.run()
        assert home.ticketed == {*home.old[:of_old], home.new}

    play(story())


def test_what_was_noted_comes_with_halos_next_scan_once_the_word_is_touched() -> None:
    async def story() -> None:
        home = Estate("none")
        await home.begin()
        home.tube.policy = replace(home.tube.policy, backlog=BacklogMode.TOUCHED)
        await home.days()
        assert home.ticketed == {home.new}
        home.halo.rescan(home.old[7])
        await home.run()
        assert home.ticketed == {home.old[7], home.new}

    play(story())


@pytest.mark.parametrize("word", ["all", "critical", "none"])
def test_the_first_run_looks_at_everything_even_where_nothing_is_ever_swept(word: str) -> None:
    async def story() -> None:
        home = Estate(word)
        home.tube.sweep_every *= 0
        await home.begin()
        made = {"all": 30, "critical": 2, "none": 0}[word]
        for issue_id in home.old:
            home.halo.rescan(issue_id)
        await home.run()
        assert home.ticketed == {*home.old[:made], home.new}

    play(story())


def test_several_tasks_and_then_one_agree_about_what_is_old() -> None:
    async def story() -> None:
        home = Estate("none")
        await asyncio.sleep(90 * DAY_S)
        for tasks in (3, 1):
            for index in range(tasks):
                await home.tube.run(shard=Shard(index=index, count=tasks))
            for issue_id in home.old:
                home.halo.rescan(issue_id)
            await asyncio.sleep(QUARTER_HOUR_S)
        await home.run()
        assert home.ticketed == set()

    play(story())


@pytest.mark.parametrize("word", WORDS)
def test_a_plan_tells_the_size_of_the_backlog_until_a_run_was_there(word: str) -> None:
    async def story() -> None:
        home = Estate(word)
        await asyncio.sleep(90 * DAY_S)
        home.halo.open_issue(type="csm")
        before = writes(home.tube.jira.calls)
        said = (await planned(home)).backlog
        assert said.startswith("30 active issues are older than the look-back, 2 critical; ")
        assert f"BACKLOG={word}: " in said
        home.tube.halo.ignores_gte = True
        assert "does not let us count" in (await planned(home)).backlog
        home.tube.halo.ignores_gte = False
        assert writes(home.tube.jira.calls) == before
        await home.run()
        calls = home.tube.halo.calls["GET /v3/issues"]
        assert (await planned(home)).backlog == ""
        assert home.tube.halo.calls["GET /v3/issues"] - calls == 2

    play(story())


async def planned(home: Estate) -> Plan:
    setup = home.tube.setup(Fuse(), shard=Shard())
    return await flow.plan(setup, order=Order(), watcher=Onlooker())


def test_what_is_held_of_old_issues_stays_in_sight_when_the_number_of_tasks_changes() -> None:
    async def story() -> None:
        tube = Tube(policy=policy(backlog=BacklogMode.ALL), limits=Limits(create_max=2))
        tube.look_back, tube.sweep_every = timedelta(minutes=15), timedelta(0)
        for _ in range(6):
            tube.halo.estate.open_issue()
        await asyncio.sleep(86_400.0)
        assert (await done(tube)).exit_code == 4
        held: list[int] = []
        for index in range(2):
            record = await tube.run(shard=Shard(index=index, count=2))
            assert isinstance(record, RunRecord)
            held.append(record.counts["create"].get("held", 0))
        assert sum(held) == 6

    play(story())
