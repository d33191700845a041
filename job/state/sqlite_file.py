"""One SQLite file of ours: opening it, preparing it, and using it from the one thread that may.

Promises: what is asked of the file happens whole, and one after the other; a change is one
transaction that holds the write lock from its start, in write-ahead mode with full synchronisation.
A file that is not ours, is damaged or was written by a newer program is `StateUnreadable`, and is
never changed.
Does not do: knowing what the documents in it mean (`sqlite_documents.py`).
"""

import asyncio
import os
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TypeVar

from job.errors import RemoteDown, RemoteRefused, StateUnreadable
from job.state import records

BUSY_S = 10.0
SWITCH_PAUSE_S = 0.05
OURS = 0x68616C6F
"""SQLite's application id of our files: "halo" in ASCII."""
LAYOUT = f"""
    PRAGMA application_id = {OURS};
    PRAGMA user_version = {records.SCHEMA};
    CREATE TABLE documents (kind TEXT, id TEXT, document TEXT NOT NULL, PRIMARY KEY (kind, id))
        WITHOUT ROWID;
    CREATE INDEX live_links ON documents (id)
        WHERE kind = 'links' AND json_extract(document, '$.live');
"""
CHECK_FILE = "Check the owner and the rights of the file and of its folder, or STATE_URL."

R = TypeVar("R")


@asynccontextmanager
async def open_file(path: Path) -> AsyncIterator["SqliteFile"]:
    """The file, which is made, readable by its owner only, when it is not there."""
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="sqlite") as thread:
        in_thread = partial(asyncio.get_running_loop().run_in_executor, thread)
        with _told(path, doing="opening the file"):
            connection = await in_thread(_open, path)
        try:
            with _told(path, doing="opening the file"):
                await _switch(partial(in_thread, _write_ahead, connection))
            yield SqliteFile(connection, path=path, thread=thread)
        finally:
            await in_thread(connection.close)


class SqliteFile:
    """An open file. Its connection is used in its thread only, which is where `look` and `change`
    call what they are given.
    """

    def __init__(
        self, connection: sqlite3.Connection, *, path: Path, thread: ThreadPoolExecutor
    ) -> None:
        self.connection = connection
        self.path = path
        self._thread = thread

    async def look(self, read: Callable[[], R]) -> R:
        """What was read."""
        with _told(self.path, doing="reading"):
            return await asyncio.get_running_loop().run_in_executor(self._thread, read)

    async def change(self, change: Callable[[], R], *, doing: str) -> R:
        """Reads and writes in one transaction. A task that is cancelled meanwhile does not undo
        it.
        """

        def whole() -> R:
            with _immediate(self.connection):
                return change()

        with _told(self.path, doing=doing):
            return await asyncio.get_running_loop().run_in_executor(self._thread, whole)


def _open(path: Path) -> sqlite3.Connection:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Only a new file is opened past SQLite: closing an old one would drop this process's locks on
    # it.
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    connection = sqlite3.connect(path, isolation_level=None, timeout=BUSY_S)
    try:
        _prepare(connection, path=path)
    except BaseException:
        connection.close()
        raise
    return connection


def _prepare(connection: sqlite3.Connection, *, path: Path) -> None:
    """Makes the layout in an empty file, and refuses a file that another program or a newer version
    made.
    """
    with _immediate(connection):
        empty = not number(connection, "SELECT count(*) FROM sqlite_schema")
        if empty:
            for statement in LAYOUT.strip().split(";\n"):
                connection.execute(statement)
        elif number(connection, "PRAGMA application_id") != OURS:
            wrong = "It is an SQLite file of another program."
            raise StateUnreadable(
                "store", f"opening {path}", wrong, "Name another file in STATE_URL."
            )
        elif (schema := number(connection, "PRAGMA user_version")) > records.SCHEMA:
            raise records.newer(schema, name=str(path))
    connection.execute("PRAGMA synchronous = FULL")


def _write_ahead(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA journal_mode = WAL").fetchall()


async def _switch(attempt: Callable[[], Awaitable[None]]) -> None:
    """Switches a new file's mode. SQLite waits for other readers everywhere but here, so we do."""
    for left in reversed(range(int(BUSY_S / SWITCH_PAUSE_S))):
        try:
            await attempt()
        except sqlite3.OperationalError as error:
            if not left or not error.sqlite_errorname.startswith("SQLITE_BUSY"):
                raise
            await asyncio.sleep(SWITCH_PAUSE_S)
        else:
            return


def number(connection: sqlite3.Connection, question: str) -> int:
    return int(connection.execute(question).fetchone()[0])


@contextmanager
def _immediate(connection: sqlite3.Connection) -> Iterator[None]:
    """A transaction that holds the write lock from its start. Failed, it leaves nothing behind."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.commit()
    except BaseException:
        connection.rollback()
        raise


@contextmanager
def _told(path: Path, *, doing: str) -> Iterator[None]:
    """SQLite's and the system's errors in our words."""
    try:
        yield
    except OSError as error:
        wrong = f"The file cannot be used: {error.strerror}."
        raise StateUnreadable("store", f"{doing} {path}", wrong, CHECK_FILE) from error
    except sqlite3.Error as error:
        raise _in_our_words(error, doing=f"{doing} {path}") from error


def _in_our_words(
    error: sqlite3.Error, *, doing: str
) -> StateUnreadable | RemoteDown | RemoteRefused:
    name, wrong = getattr(error, "sqlite_errorname", "") or "", f"SQLite says: {error}."
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return RemoteDown(
            "store",
            doing,
            f"Another program has kept the file locked for {BUSY_S:.0f} s.",
            "Close it.",
        )
    if name.startswith(("SQLITE_READONLY", "SQLITE_PERM", "SQLITE_AUTH")):
        return RemoteRefused("store", doing, wrong, CHECK_FILE)
    if name.startswith("SQLITE_CANTOPEN"):
        return StateUnreadable("store", doing, wrong, CHECK_FILE)
    if name.startswith(("SQLITE_FULL", "SQLITE_IOERR", "SQLITE_NOMEM")):
        return RemoteDown("store", doing, wrong, "Check the disk; nothing was half written.")
    return StateUnreadable(
        "store", doing, wrong, "Name another file in STATE_URL, or restore this one from a backup."
    )
