"""Memory is shown as it is, and mended by hand only with a yes and while no run is at work."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest

from job.core.memory import Changes, Lease
from job.sim.world import World
from job.state.urls import CountingStore, open_store
from tests.kit.program import Program, Spoken


def memory(program: Program, work: Callable[[CountingStore], Awaitable[None]]) -> None:
    async def within() -> None:
        async with open_store(program.environ["STATE_URL"]) as store:
            await work(store)

    asyncio.run(within())


def marks(program: Program) -> dict[str, datetime]:
    found: dict[str, datetime] = {}

    async def read(store: CountingStore) -> None:
        found.update({shard: mark.at for shard, mark in (await store.watermarks()).items()})

    memory(program, read)
    return found


def holds(program: Program, shard: str, *, minutes: int) -> Lease:
    """A run has taken this lease."""
    taken: list[Lease] = []

    async def take(store: CountingStore) -> None:
        now = datetime.now(UTC)
        until = now + timedelta(minutes=minutes)
        taken.append(await store.take_lease(shard, holder="run-7", now=now, until=until))

    memory(program, take)
    return taken[0]


def cells(spoken: Spoken) -> dict[str, str]:
    rows = [line["cells"] for line in spoken.lines if line["event"] == "table.row"]
    return {row["memory"]: row["is"] for row in rows}


def test_memory_before_the_first_run_says_so(program: Program) -> None:
    spoken = program("state", "show")
    assert spoken.exit_code == 0
    assert spoken.only("memory.told")["message"] == "No run has begun yet."
    assert cells(spoken)["open tickets"] == "0"


def test_memory_says_whose_it_is_how_far_it_came_and_what_is_unfinished(
    program: Program, world: World
) -> None:
    assert program("run").exit_code == 0
    holds(program, "0-of-1", minutes=5)
    seen = cells(program("state", "show"))
    assert program.environ["JIRA_API_URL"] == seen["Jira site"]
    assert seen["its cloud id"].count("-") == 4
    assert program.environ["HALO_API_HOSTNAME"] in seen["Halo account"]
    assert program.environ["HALO_API_SECRET_KEY"] not in str(seen)
    assert datetime.fromisoformat(seen["0-of-1: watermark"]) < datetime.now(UTC)
    assert seen["0-of-1: lease"].startswith("run run-7 until ")
    assert (seen["parked issues"], seen["writes of unknown fate"]) == ("0", "0")
    assert int(seen["open tickets"]) > 0
    assert seen["0-of-1: highest keys"].startswith("SEC-")


def test_the_newest_runs_are_listed_with_what_became_of_them(
    program: Program, world: World
) -> None:
    assert program("state", "runs").only("memory.told")["message"] == "No run yet."
    assert program("run").exit_code == 0
    assert program("run").exit_code == 0
    spoken = program("state", "runs", "--limit", "5")
    rows = [line["cells"] for line in spoken.lines if line["event"] == "table.row"]
    assert [row["done"] for row in rows] == ["nothing", "7 created, 1 closed"]
    assert {row["ended"] for row in rows} == {"done"}
    assert len({row["run"] for row in rows}) == 2


def test_a_watermark_is_set_back_only_with_a_yes_and_only_back(
    program: Program, world: World
) -> None:
    assert program("run").exit_code == 0
    before = marks(program)
    assert program("state", "rewind", "2d").exit_code == 3
    for later in ("1m", "2100-01-01T00:00:00Z"):
        assert program("state", "rewind", later, "--yes").exit_code == 2
    assert marks(program) == before
    spoken = program("state", "rewind", "2d", "--yes")
    assert spoken.exit_code == 0
    [at] = marks(program).values()
    assert timedelta(days=2) <= datetime.now(UTC) - at < timedelta(days=2, minutes=1)
    again = program("run")
    assert again.exit_code == 0
    assert len(world.jira.people.tickets()) == 7
    assert again.only("plan.made")["actions"] == {}


def test_what_lies_after_a_mark_set_back_before_the_first_run_is_no_backlog(
    program: Program, world: World
) -> None:
    for issue in world.halo.estate.issues.values():
        issue.last_seen_at -= timedelta(days=90)
    assert program("run", BACKLOG="none").exit_code == 0
    assert [ticket.status for ticket in world.jira.people.tickets()] == ["Done"]
    assert program("state", "rewind", "100d", "--yes").exit_code == 0
    assert program("run", BACKLOG="none").exit_code == 0
    assert [ticket.status for ticket in world.jira.people.tickets()].count("To Do") == 6


def test_memory_without_a_watermark_cannot_be_set_back(program: Program) -> None:
    assert program("state", "rewind", "2d", "--yes").exit_code == 2


def test_every_task_of_the_newest_number_reads_again(program: Program, world: World) -> None:
    for index in ("0", "1", "2"):
        task = {"CLOUD_RUN_TASK_INDEX": index, "CLOUD_RUN_TASK_COUNT": "3"}
        assert program("run", **task).exit_code == 0
    assert program("state", "rewind", "3d", "--yes").exit_code == 0
    assert set(marks(program)) == {"0-of-3", "1-of-3", "2-of-3"}
    assert all(datetime.now(UTC) - at >= timedelta(days=3) for at in marks(program).values())


def test_a_watermark_is_left_alone_while_a_run_is_at_work(program: Program, world: World) -> None:
    assert program("run").exit_code == 0
    before = marks(program)
    holds(program, "0-of-1", minutes=5)
    assert program("state", "rewind", "2d", "--yes").exit_code == 3
    assert marks(program) == before


def test_the_lease_of_a_dead_run_is_ended_and_what_it_still_writes_is_refused(
    program: Program, world: World
) -> None:
    lease = holds(program, "0-of-1", minutes=60)
    assert program("run").only("lease.held")["exit_code"] == 0
    assert program("state", "release-lease").exit_code == 3
    assert program("run").only("lease.held")
    spoken = program("state", "release-lease", "--yes")
    assert spoken.exit_code == 0
    assert "run run-7 (0-of-1)" in spoken.only("memory.changed")["message"]
    assert program("run").only("run.finished")["created"] == 7

    async def late(store: CountingStore) -> None:
        with pytest.raises(Exception, match="lease"):
            await store.commit(lease, Changes(settled=()))

    memory(program, late)


def test_where_no_lease_is_held_nothing_is_ended(program: Program, world: World) -> None:
    assert program("run").exit_code == 0
    spoken = program("state", "release-lease", "--yes")
    assert (spoken.exit_code, "No lease is held" in spoken.only("memory.told")["message"]) == (
        0,
        True,
    )
