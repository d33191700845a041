"""What is true of the SQLite file in particular: its rights, its refusals, and several processes
on it.
"""

import asyncio
import os
import signal
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from job.core.memory import Changes
from job.errors import RemoteDown, StateUnreadable
from job.state import sqlite_file
from job.state.sqlite import open_sqlite
from tests.state.values import NOW, SOON, intent, issue_id, link, run

ROOT = Path(__file__).parents[2]


def change(path: Path, statement: str, *values: object) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(statement, values)


async def fill(path: Path) -> None:
    async with open_sqlite(path) as store:
        lease = await store.take_lease("0", holder="run-1", now=NOW, until=SOON)
        await store.commit(lease, Changes(links=(link(1), link(2)), intents=(intent(1),)))


async def test_the_file_and_its_folders_are_made_for_their_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "state.db"
    before = os.umask(0)
    try:
        async with open_sqlite(path):
            modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
    finally:
        os.umask(before)
    assert modes.pop("state.db") == 0o600
    assert set(modes.values()) <= {0o600}
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


async def test_what_is_committed_is_on_the_disk_before_anything_else_happens(
    tmp_path: Path,
) -> None:
    path = tmp_path / "state.db"
    async with open_sqlite(path) as store:
        full = await store._file.look(
            lambda: sqlite_file.number(store._file.connection, "PRAGMA synchronous")
        )
    with closing(sqlite3.connect(path)) as connection:
        (mode,) = connection.execute("PRAGMA journal_mode").fetchone()
    assert (mode, full) == ("wal", 2)


@pytest.mark.parametrize(
    "content", [b"no database at all, only text" * 100, b"SQLite format 3\x00" + b"\xff" * 5000]
)
async def test_a_file_that_is_no_database_is_refused_and_left_as_it_is(
    tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "state.db"
    path.write_bytes(content)
    with pytest.raises(StateUnreadable, match=rf"{path}.*STATE_URL"):
        async with open_sqlite(path):
            pass
    assert path.read_bytes() == content


async def test_a_file_of_a_newer_program_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    await fill(path)
    change(path, "PRAGMA user_version = 2")
    before = path.read_bytes()
    with pytest.raises(StateUnreadable, match=rf"{path}.*schema 2.*Run the newer version"):
        async with open_sqlite(path):
            pass
    assert path.read_bytes() == before


async def test_a_database_of_another_program_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    change(path, "CREATE TABLE songs (title)")
    with pytest.raises(StateUnreadable, match="another program"):
        async with open_sqlite(path):
            pass


async def test_a_folder_in_the_place_of_the_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StateUnreadable, match=rf"{tmp_path}.*Check the owner"):
        async with open_sqlite(tmp_path):
            pass


async def test_an_empty_file_becomes_a_store(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    path.touch()
    await fill(path)
    async with open_sqlite(path) as store:
        assert await store.live_count() == 2


@pytest.mark.parametrize(
    ("statement", "says"),
    [
        ("UPDATE documents SET document = '{\"schema\": 9}' WHERE kind = 'links'", "newer version"),
        (
            "UPDATE documents SET document = json_remove(document, '$.ticket_id') "
            "WHERE kind = 'links'",
            "ticket_id",
        ),
        (
            "UPDATE documents SET document = json_set(document, '$.issue_id', 'x') "
            "WHERE kind = 'links'",
            "another issue",
        ),
    ],
)
async def test_a_spoiled_document_is_named_and_nothing_is_guessed(
    tmp_path: Path, statement: str, says: str
) -> None:
    path = tmp_path / "state.db"
    await fill(path)
    change(path, statement)
    async with open_sqlite(path) as store:
        with pytest.raises(StateUnreadable, match=rf"{path}: links/{issue_id(1)}.*{says}"):
            await store.links([issue_id(1)])


async def test_a_document_that_is_not_json_is_named(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    await fill(path)
    change(path, "UPDATE documents SET document = '{' WHERE kind = 'intents'")
    async with open_sqlite(path) as store:
        with pytest.raises(StateUnreadable, match=rf"intents/{issue_id(1)}.*not JSON"):
            await store.intents()


async def test_a_file_that_stays_locked_is_a_remote_that_is_down(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "state.db"
    await fill(path)
    monkeypatch.setattr(sqlite_file, "BUSY_S", 0.1)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(RemoteDown, match="locked"):
            async with open_sqlite(path):
                pass


async def test_opening_a_new_file_waits_for_a_process_that_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.executescript(sqlite_file.LAYOUT)
        other.execute("BEGIN")
        other.execute("SELECT count(*) FROM documents").fetchall()
        filling = asyncio.ensure_future(fill(path))
        await asyncio.sleep(0.2)
        assert not filling.done()
        other.execute("COMMIT")
        await filling


async def test_opening_a_file_twice_in_one_process_leaves_its_locks_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "state.db"
    await fill(path)
    monkeypatch.setattr(sqlite_file, "BUSY_S", 0.1)
    with closing(sqlite3.connect(path, isolation_level=None)) as ours:
        ours.execute("BEGIN IMMEDIATE")
        with pytest.raises(RemoteDown):
            async with open_sqlite(path):
                pass
        locked = "import sqlite3, sys; "
        locked += "sqlite3.connect(sys.argv[1], timeout=0).execute('BEGIN IMMEDIATE')"
        other = subprocess.run(
            [sys.executable, "-c", locked, str(path)], capture_output=True, text=True, check=False
        )
        assert "database is locked" in other.stderr


async def test_a_commit_that_fails_halfway_leaves_nothing_and_the_next_one_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise sqlite3.OperationalError("disk I/O error")

    async with open_sqlite(tmp_path / "state.db") as store:
        lease = await store.take_lease("0", holder="run-1", now=NOW, until=SOON)
        monkeypatch.setattr(store._documents, "forget", fail)
        with pytest.raises(StateUnreadable, match="disk I/O error"):
            await store.commit(lease, Changes(links=(link(1),), run=run(1)))
        await store.commit(lease, Changes(links=(link(2),)))
        assert set(await store.links([issue_id(1), issue_id(2)])) == {issue_id(2)}
        assert await store.runs(limit=9) == []


async def test_records_of_runs_are_forgotten_after_ninety_days(tmp_path: Path) -> None:
    async with open_sqlite(tmp_path / "state.db") as store:
        lease = await store.take_lease("0", holder="run-1", now=NOW, until=SOON)
        for number, days in enumerate((0, 1, 90, 91)):
            await store.commit(
                lease, Changes(run=run(number, started_at=NOW + timedelta(days=days)))
            )
        assert [record.run_id for record in await store.runs(limit=9)] == ["run-3", "run-2"]


WRITER = """
import asyncio, sys
from datetime import timedelta
from pathlib import Path
from job.core.memory import Changes
from job.errors import LeaseHeld
from job.state.sqlite import open_sqlite
from tests.state.values import NOW, intent, link

async def main(path, number, count):
    async with open_sqlite(Path(path)) as store:
        until = NOW + timedelta(minutes=5)
        lease = await store.take_lease(str(number), holder=f"run-{number}", now=NOW, until=until)
        print("ready", flush=True)
        for step in range(count):
            key = number * 100000 + step
            await store.commit(lease, Changes(links=(link(key),), intents=(intent(key),)))

asyncio.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
"""


def writer(path: Path, *, number: int, count: int) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-c", WRITER, str(path), str(number), str(count)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE)


async def test_six_processes_that_open_and_write_one_new_file_at_once_lose_nothing(
    tmp_path: Path,
) -> None:
    path = tmp_path / "state.db"
    writers = [writer(path, number=number, count=20) for number in range(6)]
    ends = [await asyncio.to_thread(process.wait, 60) for process in writers]
    for process in writers:
        assert process.stdout
        process.stdout.close()
    assert ends == [0] * 6
    async with open_sqlite(path) as store:
        assert await store.live_count() == 120
        assert len(await store.intents()) == 120


async def test_a_process_killed_while_it_writes_leaves_whole_commits_only(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    for number, pause_s in enumerate((0.0, 0.013, 0.031, 0.057)):
        process = writer(path, number=number, count=100_000)
        assert process.stdout
        assert await asyncio.to_thread(process.stdout.readline) == b"ready\n"
        await asyncio.sleep(pause_s)
        process.send_signal(signal.SIGKILL)
        await asyncio.to_thread(process.wait, 10)
        process.stdout.close()
        async with open_sqlite(path) as store:
            linked = {found.issue_id async for page in store.live_links() for found in page}
            assert linked == {found.issue_id for found in await store.intents()}
    assert len(linked) > 1
