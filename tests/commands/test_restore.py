"""Memory that is made again, or forgotten, by hand: what is said, and what is there afterwards."""

import resource
import sqlite3
from pathlib import Path
from uuid import uuid4

import pytest
from click import UsageError

from job.commands.restore import write_out
from job.sim.jira.search import no_lag
from job.sim.world import World
from job.state.memory import MemoryStore
from tests.kit.program import Program


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "state.db"


@pytest.fixture
def issue_id(program: Program, world: World) -> str:
    """An active issue of the world, after a run."""
    world.jira.search.lag = no_lag
    assert program("run").exit_code == 0
    every = world.halo.estate.issues.values()
    return next(issue.id for issue in every if issue.status == "active")


@pytest.mark.usefixtures("issue_id")
def test_a_lost_file_is_made_again_and_the_next_run_creates_and_says_nothing(
    program: Program, world: World, file: Path
) -> None:
    before = [(ticket.key, len(ticket.comments)) for ticket in world.jira.people.tickets()]
    for lost in file.parent.glob("state.db*"):
        lost.unlink()
    refused = program("state", "rebuild")
    assert refused.exit_code == 3
    assert "Jira has tickets of 7 issues" in refused.stdout
    assert program("state", "show").only("memory.told")["message"] == "No run has begun yet."
    made = program("state", "rebuild", "--yes").only("memory.changed")
    assert (made["made"], made["duplicates"]) == (7, 0)
    assert "run --since" in made["message"]
    again = program("state", "rebuild", "--yes").only("memory.changed")
    assert (again["made"], again["tickets_of"]) == (0, 7)
    ended = program("run", "--since", "all")
    assert ended.exit_code == 0
    counts = ended.only("run.finished")
    assert (counts["created"], counts["commented"], counts["closed"]) == (0, 0, 0)
    after = [(ticket.key, len(ticket.comments)) for ticket in world.jira.people.tickets()]
    assert after == before


def test_several_tickets_of_one_issue_are_told(
    program: Program, world: World, issue_id: str
) -> None:
    ours = [ticket for ticket in world.jira.people.tickets() if ticket.status == "To Do"]
    (mine,) = [ticket for ticket in ours if ticket.fields["customfield_10010"] == issue_id]
    copy = world.jira.people.clone_ticket(mine.key)
    world.jira.people.edit(copy, customfield_10010=issue_id)
    spoken = program("state", "rebuild", "--yes")
    line = spoken.only("ticket.duplicate_seen")
    assert line["issue_id"] == issue_id
    assert {line["kept"], *line["also"]} == {copy, mine.key}


def test_an_issue_is_forgotten_only_with_a_yes_and_its_ticket_is_found_again(
    program: Program, world: World, issue_id: str
) -> None:
    refused = program("state", "forget", issue_id)
    assert refused.exit_code == 3
    assert "nothing was changed" in refused.stdout
    assert program("state", "forget", issue_id, "--yes").exit_code == 0
    assert program("state", "forget", issue_id, "--yes").exit_code == 2, "it is forgotten already"
    tickets = len(world.jira.people.tickets())
    assert program("run", "--sweep").only("run.finished")["created"] == 0
    assert len(world.jira.people.tickets()) == tickets
    assert program("state", "forget", issue_id, "--yes").exit_code == 0, "it was linked again"


def test_a_ticket_that_jira_confirmed_and_does_not_show_is_not_forgotten(
    program: Program, issue_id: str, file: Path
) -> None:
    with sqlite3.connect(file) as memory:
        memory.execute(
            "UPDATE documents SET document = json_set(document, '$.unconfirmed', json('true')) "
            "WHERE kind = 'links'"
        )
    spoken = program("state", "forget", issue_id, "--yes")
    assert spoken.exit_code == 3
    assert "second ticket" in spoken.only("run.stopped")["message"]
    assert "does not show it" in spoken.only("run.stopped")["message"]
    with sqlite3.connect(file) as memory:
        query = "SELECT count(*) FROM documents WHERE kind = 'links' AND id = ?"
        assert memory.execute(query, [issue_id]).fetchone() == (1,)


def test_nothing_is_forgotten_or_made_while_a_run_holds_the_lease(
    program: Program, issue_id: str, file: Path
) -> None:
    with sqlite3.connect(file) as memory:
        memory.execute(
            "UPDATE documents SET document = json_set(document, '$.holder', 'run-7', '$.until', "
            "strftime('%Y-%m-%dT%H:%M:%f', 'now', '+5 minutes') || '000+00:00') "
            "WHERE id LIKE 'lease-%'"
        )
        kept = memory.execute("SELECT * FROM documents ORDER BY kind, id").fetchall()
    for args in (("forget", issue_id), ("rebuild",)):
        spoken = program("state", *args, "--yes")
        assert spoken.exit_code == 3, spoken.stdout
        assert "run-7" in spoken.only("run.stopped")["message"]
    with sqlite3.connect(file) as memory:
        assert memory.execute("SELECT * FROM documents ORDER BY kind, id").fetchall() == kept


async def test_of_an_export_that_could_not_be_written_nothing_is_left(tmp_path: Path) -> None:
    path, store = tmp_path / "there.jsonl", MemoryStore()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (8, hard))
    try:
        with pytest.raises(UsageError, match=r"there\.jsonl cannot be written: File too large"):
            await write_out(store, path=str(path))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not path.exists()
    assert await write_out(store, path=str(path)) >= 0
    assert path.stat().st_size


@pytest.mark.usefixtures("issue_id")
def test_memory_moves_to_another_store_and_back_with_two_commands(
    program: Program, world: World, tmp_path: Path, firestore_emulator: str
) -> None:
    cloud = f"firestore://p-{uuid4().hex[:20]}/state?prefix=moved"
    there, back = str(tmp_path / "there.jsonl"), str(tmp_path / "back.jsonl")
    laptop = f"sqlite:///{tmp_path / 'new.db'}"
    assert program("state", "export", there).exit_code == 0
    assert program("state", "export", there).exit_code == 2, "no file is written over"
    assert program("state", "import", there, STATE_URL=cloud).exit_code == 3, "nobody said yes"
    assert program("state", "import", there, "--yes", STATE_URL=cloud).exit_code == 0
    refused = program("state", "import", there, "--yes", STATE_URL=cloud)
    assert (refused.exit_code, "is in use" in refused.stdout) == (3, True)
    assert program("state", "export", back, STATE_URL=cloud).exit_code == 0
    assert program("state", "import", back, "--yes", STATE_URL=laptop).exit_code == 0
    assert sorted(Path(there).read_bytes().splitlines()) == sorted(
        Path(back).read_bytes().splitlines()
    )
    for url in (cloud, laptop):
        ended = program("run", "--sweep", STATE_URL=url)
        assert ended.exit_code == 0, ended.stdout
        assert ended.only("plan.made")["actions"] == {}
    assert len(world.jira.people.tickets()) == 7


def test_a_file_that_was_cut_short_is_refused(program: Program, file: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut.jsonl"
    cut.write_text('{"kind":"head","number":1}\n')
    spoken = program("state", "import", str(cut), "--yes")
    assert spoken.exit_code == 3
    assert "cut short" in spoken.stdout
    assert program("state", "import", str(tmp_path / "nowhere"), "--yes").exit_code == 2
