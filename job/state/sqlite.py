"""A store in one SQLite file, for a laptop: any number of processes, any of which may be killed.

Every change is one `BEGIN IMMEDIATE` transaction that reads the lease before it writes, in
write-ahead mode with full synchronisation: what was committed survives a lost machine. A file that
is not ours, is damaged or was written by a newer program is `StateUnreadable`; it is never changed.

Documents are kept as JSON, so that the file can be read with nothing but `sqlite3`. It does not
belong in a network folder, whose locks cannot be trusted.
"""

import asyncio
import json
import os
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager, suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from msgspec.structs import replace

from job.core.ids import IssueId
from job.core.memory import Changes, Intent, Lease, Link, Parked, RunRecord, Watermark
from job.errors import RemoteDown, RemoteRefused, StateUnreadable
from job.state import records, rules
from job.state.records import Document, Record, Table, Write

BUSY_S = 10.0
SWITCH_PAUSE_S = 0.05
OURS = 0x68616C6F
"""SQLite's application id of our files: "halo" in ASCII."""
LAYOUT = f"""
    PRAGMA application_id = {OURS};
    PRAGMA user_version = {records.SCHEMA};
    CREATE TABLE documents (kind TEXT, id TEXT, document TEXT NOT NULL, PRIMARY KEY (kind, id)) WITHOUT ROWID;
    CREATE INDEX live_links ON documents (id) WHERE kind = 'links' AND json_extract(document, '$.live');
"""
CHECK_FILE = "Check the owner and the rights of the file and of its folder, or STATE_URL."

T = TypeVar("T", bound=Record)
R = TypeVar("R")


@asynccontextmanager
async def open_sqlite(path: Path) -> AsyncIterator["SqliteStore"]:
    """The store in this file, which is made, readable by its owner only, when it is not there."""
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="sqlite") as thread:
        in_thread = partial(asyncio.get_running_loop().run_in_executor, thread)
        with _told(path, doing="opening the file"):
            connection = await in_thread(_open, path)
        try:
            with _told(path, doing="opening the file"):
                await _switch(partial(in_thread, _write_ahead, connection))
            yield SqliteStore(connection, path=path, thread=thread)
        finally:
            await in_thread(connection.close)


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
        empty = not _number(connection, "SELECT count(*) FROM sqlite_schema")
        if empty:
            for statement in LAYOUT.strip().split(";\n"):
                connection.execute(statement)
        elif _number(connection, "PRAGMA application_id") != OURS:
            wrong = "It is an SQLite file of another program."
            raise StateUnreadable(
                "store", f"opening {path}", wrong, "Name another file in STATE_URL."
            )
        elif (schema := _number(connection, "PRAGMA user_version")) > records.SCHEMA:
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


def _number(connection: sqlite3.Connection, question: str) -> int:
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


class SqliteStore:
    """The `Store` of `job/ports.py` on one connection, which one thread uses: what is asked of it
    happens whole, and

    one after the other. Opened and closed by `open_sqlite`.
    """

    def __init__(
        self, connection: sqlite3.Connection, *, path: Path, thread: ThreadPoolExecutor
    ) -> None:
        self.spent = rules.Spent()
        self._connection = connection
        self._path = path
        self._thread = thread

    async def take_lease(self, shard: str, *, holder: str, now: datetime, until: datetime) -> Lease:
        def take() -> Lease:
            lease = rules.succeed(
                self._lease(shard), shard=shard, holder=holder, now=now, until=until
            )
            self._put([_lease_write(lease)])
            return lease

        lease = await self._change(take, doing="taking the lease in")
        self.spent.took_lease()
        return lease

    async def renew_lease(self, lease: Lease, *, until: datetime) -> Lease:
        renewed = replace(lease, until=until)

        def renew() -> None:
            rules.confirm(self._lease(lease.shard), lease)
            self._put([_lease_write(renewed)])

        await self._change(renew, doing="renewing the lease in")
        self.spent.wrote((), following=())
        return renewed

    async def release_lease(self, lease: Lease) -> None:
        def release() -> bool:
            ours = rules.holds(self._lease(lease.shard), lease)
            if ours:
                self._put([_lease_write(rules.released(lease))])
            return ours

        if await self._change(release, doing="releasing the lease in"):
            self.spent.wrote((), following=())

    async def leases(self) -> list[Lease]:
        return list((await self._of_shards(Lease, records.LEASE)).values())

    async def watermark(self, shard: str) -> Watermark | None:
        self.spent.read(1)
        return await self._look(
            lambda: self._one(Watermark, Table.CONTROL, records.watermark_id(shard))
        )

    async def watermarks(self) -> dict[str, Watermark]:
        return await self._of_shards(Watermark, records.WATERMARK)

    async def links(self, ids: Collection[IssueId]) -> dict[IssueId, Link]:
        self.spent["read"] += len(set(ids))
        return {
            link.issue_id: link
            for link in await self._look(lambda: self._of_issues(Link, Table.LINKS, ids))
        }

    async def live_links(self) -> AsyncIterator[Sequence[Link]]:
        question = """SELECT id, document FROM documents WHERE kind = 'links' AND json_extract(document, '$.live')
                      AND id > ? ORDER BY id LIMIT ?"""
        after, more = "", True
        while more:
            read = partial(self._records, Link, Table.LINKS, question, (after, rules.PAGE))
            page = await self._look(read)
            self.spent.read(len(page))
            if page:
                yield page
                after = records.document_id(page[-1].issue_id)
            more = len(page) == rules.PAGE

    async def live_count(self) -> int:
        question = "SELECT count(*) FROM documents WHERE kind = 'links' AND json_extract(document, '$.live')"
        live = await self._look(lambda: _number(self._connection, question))
        self.spent.count(live)
        return live

    async def intents(self) -> list[Intent]:
        return await self._all(Intent, Table.INTENTS)

    async def parked(self) -> list[Parked]:
        return await self._all(Parked, Table.PARKED)

    async def commit(self, lease: Lease, changes: Changes) -> None:
        writes = records.writes(changes, shard=lease.shard)

        def write() -> None:
            rules.confirm(self._lease(lease.shard), lease)
            self._check_follows(changes.intents, lease=lease)
            self._put(writes)
            if changes.run:
                self._forget_runs(before=changes.run.finished_at)

        await self._change(write, doing="writing to")
        self.spent.wrote(writes, following=[intent for intent in changes.intents if intent.follows])

    async def runs(self, *, limit: int) -> list[RunRecord]:
        question = """SELECT id, document FROM documents WHERE kind = 'runs'
                      ORDER BY json_extract(document, '$.started_at') DESC LIMIT ?"""
        newest = await self._look(lambda: self._records(RunRecord, Table.RUNS, question, (limit,)))
        self.spent.read(len(newest))
        return newest

    async def _all(self, kind: type[T], table: Table) -> list[T]:
        question = "SELECT id, document FROM documents WHERE kind = ? ORDER BY id"
        found = await self._look(lambda: self._records(kind, table, question, (table,)))
        self.spent.listed(len(found))
        return found

    async def _of_shards(self, kind: type[T], prefix: str) -> dict[str, T]:
        question = (
            "SELECT id, document FROM documents WHERE kind = 'control' AND id GLOB ? ORDER BY id"
        )

        def read() -> dict[str, T]:
            rows = self._connection.execute(question, (f"{prefix}*",))
            return {
                key.removeprefix(prefix): self._record(kind, Table.CONTROL, key, text)
                for key, text in rows
            }

        found = await self._look(read)
        self.spent.listed(len(found))
        return found

    # --- Into the thread --------------------------------------------------------------------------

    async def _look(self, read: Callable[[], R]) -> R:
        with _told(self._path, doing="reading"):
            return await asyncio.get_running_loop().run_in_executor(self._thread, read)

    async def _change(self, change: Callable[[], R], *, doing: str) -> R:
        """Reads and writes in one transaction. A task that is cancelled meanwhile does not undo it."""

        def whole() -> R:
            with _immediate(self._connection):
                return change()

        with _told(self._path, doing=doing):
            return await asyncio.get_running_loop().run_in_executor(self._thread, whole)

    # --- Documents, in the thread -----------------------------------------------------------------

    def _lease(self, shard: str) -> Lease | None:
        return self._one(Lease, Table.CONTROL, records.lease_id(shard))

    def _check_follows(self, intents: Sequence[Intent], *, lease: Lease) -> None:
        ids = [intent.issue_id for intent in intents]
        standing = {
            intent.issue_id: intent for intent in self._of_issues(Intent, Table.INTENTS, ids)
        }
        for intent in intents:
            rules.follow(intent, standing.get(intent.issue_id), lease=lease)

    def _one(self, kind: type[T], table: Table, key: str) -> T | None:
        question = "SELECT id, document FROM documents WHERE kind = ? AND id = ?"
        found = self._records(kind, table, question, (table, key))
        return found[0] if found else None

    def _of_issues(self, kind: type[T], table: Table, ids: Collection[IssueId]) -> list[T]:
        question = "SELECT id, document FROM documents WHERE kind = ? AND id IN (SELECT value FROM json_each(?))"
        wanted = json.dumps([records.document_id(issue_id) for issue_id in ids])
        return self._records(kind, table, question, (table, wanted))

    def _records(
        self, kind: type[T], table: Table, question: str, values: tuple[Any, ...]
    ) -> list[T]:
        return [
            self._record(kind, table, key, text)
            for key, text in self._connection.execute(question, values)
        ]

    def _record(self, kind: type[T], table: Table, key: str, text: str) -> T:
        name = f"{self._path}: {table}/{key}"
        try:
            found = msgspec.json.decode(text)
        except ValueError:
            raise records.unreadable(kind, name=name, wrong="it is not JSON") from None
        return records.read(kind, found, name=name)

    def _put(self, writes: Sequence[Write]) -> None:
        put = [
            (write.table, write.id, _text(write.document))
            for write in writes
            if write.document is not None
        ]
        dropped = [(write.table, write.id) for write in writes if write.document is None]
        self._connection.executemany("REPLACE INTO documents VALUES (?, ?, ?)", put)
        self._connection.executemany("DELETE FROM documents WHERE kind = ? AND id = ?", dropped)

    def _forget_runs(self, *, before: datetime) -> None:
        question = "DELETE FROM documents WHERE kind = 'runs' AND json_extract(document, '$.expires_at') <= ?"
        self._connection.execute(question, (_instant(before),))


def _lease_write(lease: Lease) -> Write:
    return Write(
        table=Table.CONTROL, id=records.lease_id(lease.shard), document=records.document(lease)
    )


def _text(document: Document) -> str:
    plain = {
        key: _instant(value) if isinstance(value, datetime) else value
        for key, value in document.items()
    }
    return msgspec.json.encode(plain).decode()


def _instant(at: datetime) -> str:
    """Always UTC and to the microsecond, so that text sorts as time does."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")
