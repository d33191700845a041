"""What is parked is seen, tried again and set down, as people and machines ask for it."""

import asyncio
import sqlite3
from datetime import UTC, datetime, timedelta

import pytest

from job.core.ids import IssueId, Version
from job.core.memory import Changes, Parked
from job.sim.world import World
from job.state.urls import open_store
from tests.kit.program import Program

NOW = datetime.now(UTC)
TOMORROW = NOW + timedelta(days=1)


def parked(program: Program, *ids: str, next_at: datetime = TOMORROW) -> None:
    """Puts these issues aside in the program's memory."""

    async def put() -> None:
        async with open_store(program.environ["STATE_URL"]) as store:
            lease = await store.take_lease("0-of-1", holder="t", now=NOW, until=TOMORROW)
            entries = tuple(
                Parked(
                    issue_id=IssueId(issue_id),
                    version=Version("v"),
                    error_class="ticket_rejected",
                    message=f"Component Web does not exist in {issue_id[:4]}.",
                    attempts=3,
                    first_at=NOW - timedelta(days=number),
                    next_at=next_at,
                    settings_digest="s",
                    tried="create",
                )
                for number, issue_id in enumerate(ids)
            )
            await store.commit(lease, Changes(parked=entries))
            await store.release_lease(lease)

    asyncio.run(put())


def kept(program: Program) -> dict[str, datetime]:
    """What is parked now, and when it is tried again."""

    async def read() -> dict[str, datetime]:
        async with open_store(program.environ["STATE_URL"]) as store:
            return {entry.issue_id: entry.next_at for entry in await store.parked()}

    return asyncio.run(read())


def test_what_is_parked_is_shown_with_its_error_the_longest_parked_first(program: Program) -> None:
    parked(program, "aaaa-1", "bbbb-2")
    spoken = program("parked")
    rows = [line["cells"] for line in spoken.lines if line["event"] == "table.row"]
    assert spoken.exit_code == 0
    assert [row["Halo issue"] for row in rows] == ["bbbb-2", "aaaa-1"]
    assert rows[0]["error"] == "Component Web does not exist in bbbb."
    assert (rows[0]["tried"], rows[0]["attempts"]) == ("create", "3")
    told = spoken.only("memory.told")
    assert told["message"].startswith("2 issues are parked; the next run tries 0 of them again.")
    assert (told["parked"], told["due"]) == (2, 0)
    assert program("parked", "list").stdout.count("table.row") == 2


def test_where_nothing_is_parked_that_is_said(program: Program) -> None:
    spoken = program("parked")
    assert (spoken.exit_code, spoken.only("memory.told")["message"]) == (0, "Nothing is parked.")


@pytest.mark.parametrize("named", [("AAAA1",), ("--all",)])
def test_what_is_to_be_tried_again_is_due_at_once(program: Program, named: tuple[str]) -> None:
    parked(program, "aaaa-1", "bbbb-2")
    spoken = program("parked", "retry", *named)
    assert spoken.exit_code == 0
    due = {issue_id for issue_id, at in kept(program).items() if at <= datetime.now(UTC)}
    assert due == ({"aaaa-1"} if named == ("AAAA1",) else {"aaaa-1", "bbbb-2"})
    assert spoken.only("memory.changed")["issues"] == len(due)


def test_an_issue_that_is_due_already_is_not_put_off_by_being_tried_again(program: Program) -> None:
    parked(program, "aaaa-1", next_at=NOW - timedelta(hours=1))
    assert program("parked", "retry", "--all").exit_code == 0
    assert kept(program)["aaaa-1"] == NOW - timedelta(hours=1)


@pytest.mark.parametrize(
    "args",
    [
        ("retry",),
        ("retry", "--all", "aaaa-1"),
        ("retry", "cccc-3"),
        ("retry", "aaaa-1", "cccc-3"),
        ("drop",),
        ("drop", "cccc-3", "--yes"),
        ("drop", "aaaa-1", "cccc-3", "--yes"),
    ],
)
def test_an_issue_that_is_not_parked_or_not_named_changes_nothing(
    program: Program, args: tuple[str, ...]
) -> None:
    parked(program, "aaaa-1", "bbbb-2")
    before = kept(program)
    assert program("parked", *args).exit_code == 2
    assert kept(program) == before


def test_only_with_a_yes_is_an_issue_set_down(program: Program) -> None:
    parked(program, "aaaa-1", "bbbb-2")
    refused = program("parked", "drop", "aaaa-1")
    assert refused.exit_code == 3
    assert "--yes" in refused.only("run.stopped")["next"]
    assert len(kept(program)) == 2
    assert program("parked", "drop", "aaaa-1", "--yes").exit_code == 0
    assert set(kept(program)) == {"bbbb-2"}


@pytest.mark.parametrize(
    "args", [("parked", "retry", "--all"), ("parked", "drop", "aaaa-1", "--yes")]
)
@pytest.mark.parametrize("shard", ["0-of-1", "2-of-3"])
def test_nothing_is_changed_while_a_run_is_at_work(
    program: Program, args: tuple[str, ...], shard: str
) -> None:
    parked(program, "aaaa-1")
    before = kept(program)

    async def at_work() -> None:
        async with open_store(program.environ["STATE_URL"]) as store:
            now = datetime.now(UTC)
            await store.take_lease(shard, holder="run-7", now=now, until=TOMORROW)

    asyncio.run(at_work())
    spoken = program(*args)
    assert spoken.exit_code == 3
    line = spoken.only("run.stopped")
    assert "Run run-7 holds the lease" in line["message"]
    assert "Nothing was changed." in line["message"]
    assert "state release-lease" in line["next"]
    assert kept(program) == before


def test_a_run_finds_memory_free_after_it_was_changed_by_hand(
    program: Program, world: World
) -> None:
    parked(program, "aaaa-1")
    assert program("parked", "drop", "aaaa-1", "--yes").exit_code == 0
    assert program("run").exit_code == 0
    assert len(world.jira.people.tickets()) == 7


def test_a_run_that_is_told_to_tries_all_that_is_parked_at_once(
    program: Program, world: World
) -> None:
    halo = world.halo
    issue = next(one for one in halo.estate.issues.values() if one.status == "active")
    halo.quirks.broken[issue.findings[-1].finding_id] = 403
    assert program("run").exit_code == 5
    assert list(kept(program)) == [issue.id]
    halo.quirks.broken.clear()
    assert program("run").only("run.finished")["parked_total"] == 1
    retried = program("run", "--retry-parked")
    assert (retried.exit_code, retried.only("run.finished")["created"]) == (0, 1)
    assert kept(program) == {}


def test_an_entry_that_cannot_be_read_hides_no_other(program: Program) -> None:
    parked(program, "aaaa-1", "bbbb-2")
    with sqlite3.connect(program.environ["STATE_URL"].removeprefix("sqlite:///")) as memory:
        memory.execute(
            "UPDATE documents SET document = ? WHERE kind = 'parked' AND id = 'aaaa-1'",
            ('{"schema": 9, "issue_id": "somebody else knows"}',),
        )
    spoken = program("parked")
    assert spoken.exit_code == 0, spoken.stdout
    rows = [line["cells"] for line in spoken.lines if line["event"] == "table.row"]
    assert [row["Halo issue"] for row in rows] == ["bbbb-2"]
    told = spoken.only("memory.unreadable")
    assert (told["issue_id"], "state forget" in told["message"]) == ("aaaa-1", True)
    shown = program("state", "show")
    cells = {row["cells"]["memory"]: row["cells"]["is"] for row in shown.lines if "cells" in row}
    assert cells["parked issues"] == "1"
    assert "schema" in cells["cannot be read: aaaa-1"]
    (line,) = [line for line in program("check").lines if line.get("subject") == "issue aaaa-1"]
    assert line["event"] == "check.unproven"
    assert program("parked", "retry", "--all").exit_code == 0
    assert program("parked", "drop", "bbbb-2", "--yes").exit_code == 0
