"""Random worlds from one number each: a history, faults, crashes and clocks; the same seed plays
exactly the same way.

    python -m tests.simulation.worlds --seeds 100000 --from 0

plays many of them on all cores, prints how fast it goes, and every seed whose world came out wrong.
"""

import argparse
import asyncio
import os
import random
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta

from job.core.memory import RunRecord
from job.errors import SyncError
from job.sim.faults import KINDS
from job.sim.jira.limits import Limits as RateLimits
from job.sim.jira.people import Snapshot
from job.sim.jira.search import fixed_lag, long_lag, no_lag, usual_lag
from job.sim.jira.site import ANNA
from tests.kit.checker import CLOSED, HARD_CLOSED, ID_FIELD, Diary, always, settled
from tests.kit.silence import silence
from tests.kit.timeless import play
from tests.kit.tube import POLICY, QUIET, Fuse, Tube, writes

TYPES = ("csm", "fim", "sva", "lids", "image_sva")
LAGS = (no_lag, usual_lag, long_lag(), fixed_lag(43_200.0))
UNKNOWN_FATES = ("lost_after", "500_after", "slow", "504_after")
ISSUES_MAX = 7
DAY_S = 86_400.0


@dataclass
class World:
    """One seed's world on its way."""

    seed: int
    rng: random.Random = field(init=False)
    tube: Tube = field(init=False)
    diary: Diary = field(default_factory=Diary)
    wrong: list[str] = field(default_factory=list)
    free: set[str] = field(default_factory=set)
    """Issues whose closed tickets a person has opened again, which is then that person's affair."""
    cloned: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.rng = random.Random(self.seed)
        self.tube = Tube(seed=self.seed, policy=self.rng.choice([QUIET, POLICY]))
        self.tube.look_back = timedelta(days=30)
        self.tube.jira.search.lag = self.rng.choice(LAGS)
        self.furnish()
        self.tube.halo.ignores_gte = self.rng.random() < 0.1
        if self.rng.random() < 0.2:
            self.tube.jira.limit_rates(RateLimits(self.tube.clock, seed=self.seed, bucket_s=0.05))

    def furnish(self) -> None:
        """Both projects have tickets of their own, or nobody could tell a deleted ticket from an
        invisible project.
        """
        site, bug = self.tube.jira.site, self.tube.jira.site.issue_types[0]
        for project in site.projects:
            self.tube.jira.store.create(
                project=project, issue_type=bug, fields={"summary": "Buy milk"}, author=ANNA
            )

    # --- What happens -----------------------------------------------------------------------------

    async def play(self) -> list[str]:
        """Plays the world to its end; returns what was wrong with it."""
        for _ in range(self.rng.randint(2, 4)):
            for _ in range(self.rng.randint(1, 5)):
                self.rng.choice(EVENTS)(self)
            await asyncio.sleep(self.rng.choice([60.0, 400.0, 900.0, 3_600.0]))
            await self.rng.choice(RUNS)(self)
            self.wrong += always(self.tube.jira, diary=self.diary)
        await self.come_to_rest()
        return self.wrong

    async def come_to_rest(self) -> None:
        """Faults stop, clocks are right, and a day passes: parked issues, lagging indexes and
        the sweep are due.
        """
        self.tube.halo.faults.quiet()
        self.tube.jira.faults.quiet()
        self.tube.clock.skew = timedelta()
        for wait_s in (DAY_S + 3_600.0, DAY_S + 3_600.0, 1_000.0):
            await asyncio.sleep(wait_s)
            ended = await self.tube.run()
            if not isinstance(ended, RunRecord) or ended.exit_code:
                self.wrong.append(f"a clean run ended with {ended}")
        self.wrong += always(self.tube.jira, diary=self.diary)
        self.wrong += settled(
            self.tube.halo, jira=self.tube.jira, diary=self.diary, free=self.free | self.cloned
        )
        before = writes(self.tube.jira.calls)
        await asyncio.sleep(1_000.0)
        await self.tube.run()
        if more := writes(self.tube.jira.calls) - before:
            self.wrong.append(f"a run without news wrote {dict(more)}")

    def say(self, issue_id: str, *, resolved: bool = False, news: bool = False) -> None:
        now = self.tube.clock()
        self.diary.note(issue_id, at=now, resolved=resolved)
        if news:
            self.diary.news[issue_id] = now

    def some_issue(self, status: str) -> str | None:
        there = [
            i.id
            for i in self.tube.halo.estate.issues.values()
            if i.status == status and not i.forgotten
        ]
        return self.rng.choice(there) if there else None

    def some_ticket(self, *, closed: bool) -> Snapshot | None:
        there = [
            t for t in self.tube.jira.people.tickets() if t.ours and (t.status in CLOSED) == closed
        ]
        return self.rng.choice(there) if there else None


# --- Halo's part ----------------------------------------------------------------------------------


def open_issue(world: World) -> None:
    if len(world.tube.halo.estate.issues) < ISSUES_MAX:
        critical = world.rng.random() < 0.3
        world.say(
            world.tube.halo.estate.open_issue(type=world.rng.choice(TYPES), critical=critical),
            news=True,
        )


def rescan(world: World) -> None:
    if issue_id := world.some_issue("active"):
        changed = world.rng.random() < 0.5
        world.tube.halo.estate.rescan(issue_id, changed=changed)
        world.say(issue_id, news=changed)


def resolve(world: World) -> None:
    if issue_id := world.some_issue("active"):
        world.tube.halo.estate.resolve(issue_id)
        world.diary.news.pop(issue_id, None)
        world.say(issue_id, resolved=True)
        world.free.discard(issue_id)


def reopen(world: World) -> None:
    if issue_id := world.some_issue("resolved"):
        world.tube.halo.estate.reopen(issue_id)
        world.say(issue_id, news=True)
        world.free.discard(issue_id)


def forget(world: World) -> None:
    if world.rng.random() < 0.2 and (issue_id := world.some_issue("active")):
        world.tube.halo.estate.forget(issue_id)


# --- People's part --------------------------------------------------------------------------------


def close_early(world: World) -> None:
    if ticket := world.some_ticket(closed=False):
        world.tube.jira.people.transition_by_person(
            ticket.key, status=world.rng.choice(["Done", HARD_CLOSED])
        )


def open_again(world: World) -> None:
    """A person reopens a closed ticket. If Halo calls the issue resolved, we leave it to that
    person.
    """
    ticket = world.some_ticket(closed=True)
    if ticket and ticket.status != HARD_CLOSED:
        world.tube.jira.people.transition_by_person(ticket.key, status="To Do")
        issue_id = str(ticket.fields.get(ID_FIELD))
        if world.tube.halo.estate.issues[issue_id].status == "resolved":
            world.free.add(issue_id)


def move(world: World) -> None:
    if ticket := world.some_ticket(closed=world.rng.random() < 0.5):
        world.tube.jira.people.move_ticket(ticket.key, project=world.rng.choice(["SEC", "OPS"]))


def delete(world: World) -> None:
    if world.rng.random() < 0.3 and (ticket := world.some_ticket(closed=world.rng.random() < 0.5)):
        world.tube.jira.people.delete_ticket(ticket.key)
        world.diary.deleted[ticket.id] = world.tube.clock()


def write_comment(world: World) -> None:
    if ticket := world.some_ticket(closed=False):
        world.tube.jira.people.comment_by_person(ticket.key, text="Looking into it.")


def clone(world: World) -> None:
    """The copy carries the id as well: whichever of the two the job keeps is right, as long as
    it makes no third.
    """
    if world.rng.random() < 0.2 and (ticket := world.some_ticket(closed=False)):
        world.tube.jira.people.clone_ticket(ticket.key)
        world.cloned.add(str(ticket.fields.get(ID_FIELD)))


EVENTS: tuple[Callable[[World], None], ...] = (
    *(open_issue,) * 4,
    *(rescan,) * 3,
    *(resolve,) * 2,
    reopen,
    forget,
    close_early,
    open_again,
    move,
    delete,
    write_comment,
    clone,
)


# --- How a run goes -------------------------------------------------------------------------------


async def plain_run(world: World) -> None:
    await world.tube.run()


async def faulty_run(world: World) -> None:
    kinds = world.rng.sample(sorted(KINDS), k=world.rng.randint(1, 6))
    chance = {kind: world.rng.choice([0.02, 0.1, 0.3]) for kind in kinds}
    world.tube.halo.faults.set_chance(chance)
    world.tube.jira.faults.set_chance(chance)
    await world.tube.run()
    world.tube.halo.faults.quiet()
    world.tube.jira.faults.quiet()


async def killed_run(world: World) -> None:
    side = world.rng.choice(["before", "after"])
    await world.tube.run(fuse=Fuse(at=(world.rng.randint(1, 40), side)))  # type: ignore[arg-type]


async def killed_faulty_run(world: World) -> None:
    world.tube.jira.faults.set_chance({world.rng.choice(UNKNOWN_FATES): 0.3})
    await killed_run(world)
    world.tube.jira.faults.quiet()


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
        tube.jira.faults.set_chance(dict.fromkeys(UNKNOWN_FATES, rng.choice([0.0, 0.1, 0.2])))
        await tube.run()
        await asyncio.sleep(rng.choice([60.0, 600.0, 1_200.0]))
    tube.store_falters = lambda: False
    tube.jira.faults.quiet()


async def overlapping_runs(world: World) -> None:
    async def late() -> None:
        await asyncio.sleep(world.rng.random() / 2)
        await world.tube.run()

    await asyncio.gather(world.tube.run(), late())


async def stopped_run(world: World) -> None:
    stop, after_s = asyncio.Event(), world.rng.random() / 2
    asyncio.get_running_loop().call_later(after_s, stop.set)
    await world.tube.run(asked_to_stop=stop)


async def run_with_a_wrong_clock(world: World) -> None:
    world.tube.clock.skew = timedelta(minutes=world.rng.choice([-600, -20, -2, 2, 20, 600]))
    await world.tube.run()
    world.tube.clock.skew = timedelta()


async def run_with_an_expired_token(world: World) -> None:
    before = writes(world.tube.jira.calls)
    world.tube.jira.token_expires_at = world.tube.clock()
    ended = await world.tube.run()
    world.tube.jira.token_expires_at = None
    if not isinstance(ended, SyncError):
        world.wrong.append(f"a run with an expired token ended with {ended}")
    if writes(world.tube.jira.calls) != before:
        world.wrong.append("a run with an expired token wrote to Jira")


RUNS = (
    plain_run,
    *(faulty_run,) * 3,
    *(killed_run,) * 3,
    killed_faulty_run,
    *(runs_with_a_faltering_store,) * 2,
    overlapping_runs,
    stopped_run,
    run_with_a_wrong_clock,
    run_with_an_expired_token,
)


# --- Many of them ---------------------------------------------------------------------------------


def outcome(seed: int) -> list[str]:
    """What is wrong with one seed's world; an exception is wrong as well."""

    async def life() -> list[str]:
        return await World(seed).play()

    try:
        return play(life())
    except Exception as bug:  # noqa: BLE001 -- whatever it is, it is this seed's verdict
        return [f"{type(bug).__name__}: {bug}"]


def _chunk(seeds: range) -> list[tuple[int, list[str]]]:
    silence()
    return [(seed, wrong) for seed in seeds if (wrong := outcome(seed))]


def play_many(seeds: range, *, workers: int | None = None) -> Iterator[tuple[int, list[str]]]:
    """The seeds whose worlds came out wrong, played on all cores."""
    chunks = [seeds[at : at + 50] for at in range(0, len(seeds), 50)]
    with ProcessPoolExecutor(workers or os.cpu_count()) as pool:
        for bad in pool.map(_chunk, chunks):
            yield from bad


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=2_000)
    parser.add_argument("--from", dest="first", type=int, default=0)
    asked = parser.parse_args()
    began, bad = time.perf_counter(), 0
    for seed, wrong in play_many(range(asked.first, asked.first + asked.seeds)):
        bad += 1
        print(f"seed {seed}: {'; '.join(wrong[:3])}", flush=True)
    took_s = time.perf_counter() - began
    pace = f"{asked.seeds / took_s:.0f} a second"
    print(f"{asked.seeds} worlds in {took_s:.1f} s, {pace}: {bad} came out wrong.")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
