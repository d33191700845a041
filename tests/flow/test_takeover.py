"""A takeover that is killed at any operation is gone on with, and undone to the last bit."""

import asyncio
from typing import Any

import pytest

from job.core.remnants import Class
from job.core.shards import Shard
from job.flow.setup import ALL_TIME, Order, Setup
from job.flow.takeback import undo
from job.flow.takeover import apply, look, notes, remember
from job.flow.taking import Ended
from job.sim.jira.search import no_lag
from tests.kit.leftovers import ID_FIELD, Leftovers
from tests.kit.quarter import done
from tests.kit.timeless import play
from tests.kit.tube import QUIET, Fuse, Killed, Tube


def town() -> Tube:
    """A ticket of 1.x, one of 3.x and an orphan."""
    tube = Tube(policy=QUIET)
    tube.jira.search.lag = no_lag
    old = Leftovers(tube.halo, tube.jira)
    names = ("Rule one holds", "Rule two holds", "Rule three holds")
    ids = [tube.halo.estate.open_issue(type="csm", name=name) for name in names]
    old.v1(ids[0])
    old.v3(ids[1])
    old.v1(ids[2], **{ID_FIELD: None})
    return tube


def tickets(tube: Tube) -> list[Any]:
    """All that could have been written to them."""
    found = [(one.key, tube.jira.store.find(one.key), one) for one in tube.jira.people.tickets()]
    return [
        (key, dict(raw.properties), one.fields.get(ID_FIELD), one.status, len(one.comments))
        for key, raw, one in found
        if raw
    ]


async def planned(tube: Tube) -> str:
    setup = tube.setup(Fuse(), shard=Shard())
    sight = await look(setup)
    await remember(setup, sight=sight)
    return sight.plan.digest


async def applied(setup: Setup, *, digest: str) -> Ended:
    return await apply(setup, sight=await look(setup), digest=digest)


def is_killed(failure: BaseException) -> bool:
    if isinstance(failure, BaseExceptionGroup):
        return all(map(is_killed, failure.exceptions))
    return isinstance(failure, Killed | asyncio.CancelledError)


async def killed(work: Any, fuse: Fuse) -> bool:
    """Whether it was killed before its end."""
    try:
        await work
    except BaseException as failure:
        if not (fuse.dead and is_killed(failure)):
            raise
    return fuse.dead


def test_killed_at_any_operation_it_is_gone_on_with_and_undone() -> None:
    async def story(at: tuple[int, Any]) -> bool:
        tube = town()
        before = tickets(tube)
        digest = await planned(tube)
        fuse = Fuse(at=at)
        dead = await killed(applied(tube.setup(fuse, shard=Shard()), digest=digest), fuse)
        await asyncio.sleep(900)
        again = await applied(tube.setup(Fuse(), shard=Shard()), digest=digest)
        assert again.left == (), at
        assert all(properties for _, properties, *_ in tickets(tube)), at
        assert await tube.store.live_count() == 3, at
        fuse = Fuse(at=at)
        await killed(undo(tube.setup(fuse, shard=Shard())), fuse)
        await asyncio.sleep(900)
        assert (await undo(tube.setup(Fuse(), shard=Shard()))).left == (), at
        assert tickets(tube) == before, at
        assert await tube.store.live_count() == 0, at
        assert await notes(tube.setup(Fuse(), shard=Shard())) == {}, at
        return dead

    number = 1
    while any([play(story((number, "before"))), play(story((number, "after")))]):
        number += 1
    assert number > 10


def test_a_run_that_follows_creates_nothing_and_says_nothing() -> None:
    async def story() -> None:
        tube = town()
        digest = await planned(tube)
        await applied(tube.setup(Fuse(), shard=Shard()), digest=digest)
        after = tickets(tube)
        for _ in range(3):
            record = await done(tube, Order(since=ALL_TIME))
            assert record.counts.get("create", {}) == {}
        assert tickets(tube) == after

    play(story())


def city(tube: Tube, *, many: int) -> int:
    """One account's issues as all versions after each other left them; how many tickets."""
    tube.jira.search.lag = no_lag
    old, estate, people = Leftovers(tube.halo, tube.jira), tube.halo.estate, tube.jira.people
    makes = (old.v1, old.v2, old.v3)
    ids = [estate.open_issue(type="csm", name=f"Rule number {n} holds") for n in range(many)]
    keys = []
    for number, issue_id in enumerate(ids):
        lost = {ID_FIELD: None} if number % 30 in {0, 1} else {}
        keys.append(makes[number % 3](issue_id, **lost))
    for number in range(0, many, 10):
        estate.resolve(ids[number])
        people.transition_by_person(keys[number], status=("Done", "Closed")[number // 10 % 2])
    for number in range(5, many, 50):
        people.move_ticket(keys[number], project="OPS")
    doubles = [makes[number % 3](ids[number]) for number in range(7, many, 40)]
    epics = [old.epic(f"i-{number}") for number in range(0, many, 100)]
    return len(keys) + len(doubles) + len(epics)


@pytest.mark.parametrize(
    "many", [pytest.param(120, id="quick"), pytest.param(10_000, marks=pytest.mark.long)]
)
def test_a_whole_site_is_classed_taken_over_run_on_and_given_back(many: int) -> None:
    async def story() -> None:
        tube = Tube(policy=QUIET)
        total = city(tube, many=many)
        before = tickets(tube)
        setup = tube.setup(Fuse(), shard=Shard())
        sight = await look(setup)
        await remember(setup, sight=sight)
        counts = sight.plan.counts
        assert sum(counts.values()) == len(sight.plan.rows) == total == len(before)
        assert counts[Class.EPIC] == len(range(0, many, 100))
        assert counts[Class.ONE_OF_SEVERAL] == len(range(7, many, 40))
        assert counts[Class.ORPHAN] == len([n for n in range(many) if n % 30 in {0, 1}])
        assert len(sight.plan.work) == many, "each issue has exactly one ticket"
        ended = await applied(tube.setup(Fuse(), shard=Shard()), digest=sight.plan.digest)
        assert (ended.links, ended.properties, ended.left) == (many, many, ())
        after = tickets(tube)
        for _ in range(3):
            record = await done(tube, Order(since=ALL_TIME))
            assert not record.counts.get("create")
            assert not record.counts.get("create-and-close")
        assert [ticket[0] for ticket in tickets(tube)] == [ticket[0] for ticket in after]
        assert tickets(tube) == after, "nothing was said and nothing moved"
        assert (await undo(tube.setup(Fuse(), shard=Shard()))).left == ()
        assert tickets(tube) == before
        assert await tube.store.live_count() == 0

    play(story())
