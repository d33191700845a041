"""One document of memory that is broken or newer: its issue waits, the others go on, and the
document is left for somebody to mend.
"""

import sqlite3
from pathlib import Path

import pytest

from job.sim.jira.search import no_lag
from job.sim.world import World
from tests.kit.program import Program

NEWER = '{"schema": 9, "issue_id": "somebody else knows"}'


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "state.db"


def kept(file: Path, kind: str, issue_id: str) -> str | None:
    with sqlite3.connect(file) as memory:
        found = memory.execute(
            "SELECT document FROM documents WHERE kind = ? AND id = ?", (kind, issue_id)
        ).fetchone()
    return found and str(found[0])


def spoil(file: Path, kind: str, issue_id: str) -> str:
    """Another program's document in the place of ours; of a live link, one that is live."""
    live = NEWER.replace("{", '{"live": true, ', 1)
    document = live if kind == "links" else NEWER
    with sqlite3.connect(file) as memory:
        memory.execute("REPLACE INTO documents VALUES (?, ?, ?)", (kind, issue_id, document))
    return document


def mend(file: Path, kind: str, issue_id: str) -> None:
    with sqlite3.connect(file) as memory:
        memory.execute("DELETE FROM documents WHERE kind = ? AND id = ?", (kind, issue_id))


@pytest.mark.parametrize("sweep", [False, True])
@pytest.mark.parametrize("kind", ["links", "intents", "parked"])
def test_it_stops_its_own_issue_and_nobody_else(
    program: Program, world: World, file: Path, kind: str, *, sweep: bool
) -> None:
    world.jira.search.lag = no_lag  # without its link a ticket is found by the index alone
    assert program("run", "--since", "all").exit_code == 0
    active = [issue for issue in world.halo.estate.issues.values() if issue.status == "active"]
    mine, *others = [issue.id for issue in active]
    document = spoil(file, kind, mine)
    for issue_id in (mine, *others):
        world.halo.estate.resolve(issue_id)

    def closed() -> set[str]:
        done = [ticket for ticket in world.jira.people.tickets() if ticket.status == "Done"]
        return {str(ticket.fields["customfield_10010"]) for ticket in done}

    heard: list[str] = []
    for _ in range(2):
        options = ["--sweep"] if sweep else []
        spoken = program("run", *options, MAX_CLOSE_PERCENT="100")
        assert spoken.exit_code == 0, spoken.stdout
        told = [line["issue_id"] for line in spoken.lines if line["event"] == "memory.unreadable"]
        assert set(told) <= {mine}
        heard += told
        assert set(others) <= closed()
        assert mine not in closed()
        assert kept(file, kind, mine) == document, "it is not written over"
    assert heard
    tickets = len(world.jira.people.tickets())
    mend(file, kind, mine)
    assert program("run", MAX_CLOSE_PERCENT="99", ISSUE_SYNC_MAX="500").exit_code == 0
    assert mine in closed()
    assert len(world.jira.people.tickets()) == tickets


def test_what_is_held_is_held_anew_where_its_document_is_broken_and_nothing_gets_through(
    program: Program, world: World, file: Path
) -> None:
    limits = {"MAX_CREATE": "3"}
    first = program("run", **limits)
    assert first.exit_code == 4
    digest = first.only("plan.refused")["digest"]
    with sqlite3.connect(file) as memory:
        memory.execute("UPDATE documents SET document = ? WHERE kind = 'held'", (NEWER,))
    shown = program("plan", "--held", **limits)
    assert shown.exit_code == 0
    assert "The next run holds it anew." in shown.only("memory.unreadable")["message"]
    again = program("run", **limits)
    assert again.exit_code == 4, again.stdout
    assert again.only("memory.unreadable")
    assert world.jira.people.tickets() == []
    assert program("run", "--approve", digest, **limits).exit_code == 4
    renewed = again.only("plan.refused")["digest"]
    assert program("run", "--approve", renewed, **limits).exit_code == 0
    assert len(world.jira.people.tickets()) == 7
