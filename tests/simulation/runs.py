"""How a run goes: well, or in one of many bad ways.

Each takes the world, lets one run or a few happen in it, and leaves the way to the vendors quiet.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import get_args

from job.core.memory import RunRecord
from job.errors import SyncError
from job.flow.setup import ALL_TIME, Order
from job.sim.halo.estate import HaloIssue
from tests.kit.oracle.reading import issue_of
from tests.kit.tube import Fuse, Side, writes
from tests.simulation.happenings import open_issue, rescan, resolve
from tests.simulation.world import World

STEPS_BEFORE_IT_IS_OWED = 15
"""By then a run has noted in memory what it was asked for."""


async def go(world: World) -> None:
    """A run goes in some way."""
    await world.rng.choice(WAYS)(world)


async def plain_run(world: World) -> None:
    """Without anything wrong; if it is over its limits, perhaps somebody approves. What was
    approved before, or noted by a run before, and is made only now counts for no limit.
    """
    approves = world.rng.random() < 0.5
    begun = {str(intent.issue_id) for intent in await world.tube.store.intents()}
    before = _made(world)
    await world.run(approves=approves)
    limit, made = world.climate.limits.create_max, _made(world) - before
    counted = sum(made.values()) - sum(made[of] for of in world.granted | begun)
    if (
        limit
        and not approves
        and not world.tube.jira.late
        and counted > limit * max(world.climate.counts)
    ):
        world.wrong.append(f"a run made {counted} tickets, and MAX_CREATE is {limit}")


def _made(world: World) -> Counter[str]:
    """How many tickets of ours were ever made for each issue."""
    return Counter(issue_of(made) for made in world.tube.jira.people.creations() if made.ours)


async def faulty_run(world: World) -> None:
    rng = world.rng
    kinds = rng.sample(world.climate.faults, k=rng.randint(1, 6))
    chance = {kind: rng.choice([0.02, 0.1, 0.3]) for kind in kinds}
    world.tube.halo.faults.set_chance(chance)
    world.tube.jira.faults.set_chance(chance)
    await world.run(approves=rng.random() < 0.5)
    world.tube.halo.faults.quiet()
    world.tube.jira.faults.quiet()


async def killed_run(world: World) -> None:
    await world.run(fuse=_fuse(world, first=1))


def _fuse(world: World, *, first: int) -> Fuse:
    side: Side = world.rng.choice(get_args(Side))
    return Fuse(at=(world.rng.randint(first, 40), side))


async def killed_faulty_run(world: World) -> None:
    world.tube.jira.faults.set_chance({world.rng.choice(world.climate.fates): 0.3})
    await killed_run(world)
    world.tube.jira.faults.quiet()


async def runs_of_unknown_fate(world: World) -> None:
    """Two in which most writes have an effect that the run does not hear of, now or later."""
    for _ in range(2):
        world.tube.jira.faults.set_chance({world.rng.choice(world.climate.fates): 0.6})
        await world.run(approves=True)
        world.tube.jira.faults.quiet()
        await world.sleep(world.rng.choice([300.0, 900.0]))


async def runs_with_a_faltering_store(world: World) -> None:
    """Three, for what the first leaves unknown and the second cannot write down, only the third
    does wrong.
    """
    rng, tube = world.rng, world.tube
    for _ in range(3):
        for happens in rng.choices((open_issue, rescan, resolve), k=4):
            happens(world)
        chance = rng.choice([0.0, 0.1, 0.3])
        tube.store_falters = lambda chance=chance: rng.random() < chance  # type: ignore[misc]
        tube.jira.faults.set_chance(dict.fromkeys(world.climate.fates, rng.choice([0.0, 0.1, 0.2])))
        await world.run()
        await world.sleep(rng.choice([60.0, 600.0, 1_200.0]))
    tube.store_falters = lambda: False
    tube.jira.faults.quiet()


async def overlapping_runs(world: World) -> None:
    async def late() -> None:
        await asyncio.sleep(world.rng.random() / 2)
        await world.run()

    await asyncio.gather(world.run(), late())


async def stopped_run(world: World) -> None:
    stop, after_s = asyncio.Event(), world.rng.random() / 2
    asyncio.get_running_loop().call_later(after_s, stop.set)
    await world.run(stop=stop)


async def run_with_a_wrong_clock(world: World) -> None:
    world.tube.clock.skew = timedelta(minutes=world.rng.choice([-600, -20, -2, 2, 20, 600]))
    await world.run()
    world.tube.clock.skew = timedelta()


async def run_with_an_expired_token(world: World) -> None:
    before = writes(world.tube.jira.calls)
    world.tube.jira.reception.tokens_end_at = world.tube.clock()
    ended = await world.run()
    world.tube.jira.reception.tokens_end_at = None
    if not isinstance(ended, SyncError):
        world.wrong.append(f"a run with an expired token ended with {ended}")
    if writes(world.tube.jira.calls) != before:
        world.wrong.append("a run with an expired token wrote to Jira")


async def glance(world: World) -> None:
    """`run --since` a moment ago, which lies after the watermark: it must not move that."""
    since = world.tube.clock() - timedelta(minutes=world.rng.choice([0, 1, 30]))
    known = world.tube.halo.estate.issues.values()
    world.diary.alone -= {issue.id for issue in known if _touched_at(issue) >= since}
    await world.run(order=Order(since=since), approves=world.rng.random() < 0.5)


def _touched_at(issue: HaloIssue) -> datetime:
    return max(issue.last_seen_at, issue.resolved_at or issue.last_seen_at)


async def back_fill(world: World) -> None:
    """`run --since all`, perhaps killed: what it was asked for is owed by then."""
    fuse = _fuse(world, first=STEPS_BEFORE_IT_IS_OWED) if world.rng.random() < 0.6 else None
    world.diary.alone.clear()
    ended = await world.run(fuse=fuse, order=Order(since=ALL_TIME), approves=True)
    if ended is None or isinstance(ended, RunRecord):
        known = world.tube.halo.estate.issues.values()
        wanted = {issue.id for issue in known if issue.status == "active"}
        world.free -= wanted
        world.old -= wanted


async def sweep(world: World) -> None:
    """`run --sweep`, perhaps killed."""
    fuse = _fuse(world, first=1) if world.rng.random() < 0.6 else None
    await world.run(fuse=fuse, order=Order(sweep=True))


WAYS: tuple[Callable[[World], Awaitable[None]], ...] = (
    *(plain_run,) * 2,
    *(faulty_run,) * 4,
    *(killed_run,) * 3,
    *(runs_of_unknown_fate,) * 2,
    *(runs_with_a_faltering_store,) * 2,
    killed_faulty_run,
    overlapping_runs,
    stopped_run,
    run_with_a_wrong_clock,
    run_with_an_expired_token,
    glance,
    back_fill,
    sweep,
)
