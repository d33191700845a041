"""The life of one world: what happens in it from its beginning to its end, and its judgement.

A world plays two to four rounds. In each, things happen in Halo and among people
(`happenings.py`), time passes, and a run goes in one of many ways (`runs.py`). Then everything that
goes wrong stops, the world comes to rest, and the oracle (`tests/kit/oracle`) says what is wrong.
"""

from datetime import datetime, timedelta

from job.core.ids import IssueId
from job.core.memory import RunRecord, Verdict
from job.sim.halo.estate import HaloIssue
from tests.kit.oracle import ACCEPTED, always, settled
from tests.kit.oracle.reading import issue_of
from tests.kit.tube import writes
from tests.simulation.happenings import happen, open_old_issues, touch, want_what_rose
from tests.simulation.runs import go
from tests.simulation.world import World

MINUTE_S = 60.0
QUARTER_HOUR_S = 900.0
DAY_S = 86_400.0
REVISIONS_SHOWN = 5
"""A package has no more vulnerabilities than these."""


async def live(world: World) -> list[str]:
    """Plays a world to its end; returns what was wrong with it."""
    rng = world.rng
    world.begin()
    await open_old_issues(world)
    for _ in range(rng.randint(2, 4)):
        for _ in range(rng.randint(1, 5)):
            happen(world)
        await world.sleep(rng.choice([MINUTE_S, 400.0, QUARTER_HOUR_S, 3_600.0]))
        await go(world)
        look(world)
    await come_to_rest(world)
    return world.wrong


def look(world: World) -> None:
    """Judges what must hold at any instant."""
    world.tube.jira.late.catch_up()
    tickets = world.tube.jira.people.tickets(deleted=True)
    world.diary.blurred |= {issue_of(ticket) for ticket in tickets if ticket.again}
    world.wrong += always(world.tube.jira, diary=world.diary)


async def come_to_rest(world: World) -> None:
    """Faults stop and clocks are right. A world that sweeps is judged when everything that is
    parked, lags or is swept was due; one that does not after two runs, and again when what they
    parked was due.
    """
    calm(world)
    if not world.tube.store._watermarks:  # no run has begun: then all of this is to be looked at
        world.tube.look_back = timedelta(days=30)
        world.diary.alone.clear()
    if world.climate.sweeps:
        for wait_s in (DAY_S + 3_600.0, DAY_S + 3_600.0, 1_000.0):
            await clean_run(world, after_s=wait_s)
        await judge(world)
    else:
        for _ in range(2):
            await clean_run(world, after_s=QUARTER_HOUR_S)
        await judge(world, but=await _parked(world) | _unread(world).keys())
        await _until_nothing_is_parked(world)
        await judge(world)
    await _a_run_without_news(world)


def calm(world: World) -> None:
    """Whatever was going wrong stops, but for what is broken for good."""
    world.tube.halo.faults.quiet()
    world.tube.jira.faults.quiet()
    world.tube.jira.site.hidden_ways.clear()
    world.tube.clock.skew = timedelta()
    for ticket in world.tube.jira.people.tickets():
        issue = world.tube.halo.estate.issues.get(issue_of(ticket))
        if ticket.status == ACCEPTED and issue and issue.status == "active" and not issue.forgotten:
            touch(world, issue.id, changed=True)
    quirks = world.tube.halo.quirks
    quirks.rows.clear()
    if world.rng.random() < 0.5:
        world.broken.clear()
        quirks.broken.clear()
        quirks.details.clear()


async def clean_run(world: World, *, after_s: float) -> None:
    """A run in which nothing goes wrong; whatever is over its limits is approved."""
    await world.sleep(after_s)
    ended = await world.run(approves=True)
    failed = not isinstance(ended, RunRecord) or ended.exit_code > 0
    excused = isinstance(ended, RunRecord) and ended.verdict is Verdict.FAILURES and world.broken
    if failed and not excused:
        world.wrong.append(f"a clean run ended with {ended}")


async def judge(world: World, *, but: frozenset[str] = frozenset()) -> None:
    """Judges what must hold at rest."""
    look(world)
    want_what_rose(world)
    for issue in world.tube.halo.estate.issues.values():
        world.diary.evidence[issue.id] = newest_evidence(issue)
    free = world.free | world.cloned | world.broken | _moved_late(world) | but
    world.wrong += settled(world.tube.halo, jira=world.tube.jira, diary=world.diary, free=free)


def _moved_late(world: World) -> set[str]:
    """Issues whose ticket was moved late by a write of ours: nobody looks at it again before a
    sweep, or Halo, has a reason to.
    """
    moved = set()
    for ticket in world.tube.jira.people.tickets():
        moves = [change for change in ticket.history if change.what == "status"]
        if moves and moves[-1].late:
            moved.add(issue_of(ticket))
    return moved


async def _parked(world: World) -> frozenset[str]:
    return frozenset(entry.issue_id for entry in await world.tube.store.parked())


async def _until_nothing_is_parked(world: World) -> None:
    """What is parked comes right when its time has come, and so does evidence that could not be
    read, but for what is broken for good.
    """
    for _ in range(9):
        due = {entry.issue_id: entry.next_at for entry in await world.tube.store.parked()}
        due |= _unread(world)
        if not (times := [at for issue_id, at in due.items() if issue_id not in world.broken]):
            return
        await _run_when(world, max(times))


def _unread(world: World) -> dict[IssueId, datetime]:
    """When evidence is asked for again."""
    links = world.tube.store._links.values()
    return {link.issue_id: link.tell_at for link in links if link.live and link.tell_at}


async def _run_when(world: World, due_at: datetime) -> None:
    left_s = (due_at - world.tube.clock()).total_seconds()
    await clean_run(world, after_s=max(left_s, 0.0) + MINUTE_S)


async def _a_run_without_news(world: World) -> None:
    """Whatever is parked had its turn just before, for what is broken may have come right too."""
    if parked := await world.tube.store.parked():
        await _run_when(world, max(entry.next_at for entry in parked))
    before = writes(world.tube.jira.calls)
    await world.sleep(1_000.0)
    await world.run()
    if more := writes(world.tube.jira.calls) - before:
        world.wrong.append(f"a run without news wrote {dict(more)}")


def newest_evidence(issue: HaloIssue) -> int:
    """The revision that the newest scan of an issue shows."""
    revision = issue.findings[-1].revision
    return min(revision, REVISIONS_SHOWN) if issue.type.endswith("sva") else revision
