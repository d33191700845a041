"""The documents in an open SQLite file: questions in SQL, records out, and writes in.

Promises: a document that cannot be used is named by the file, its table and its id.
Does not do: transactions, threads, or deciding what may be written (`sqlite_file.py`, `sqlite.py`).
Its caller sees to it that each call is made in the file's thread.
"""

import json
import sqlite3
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import msgspec

from job.core.held import Quota
from job.core.ids import IssueId, TicketId
from job.core.memory import Broken, Intent, Lease, Link, Noted, RunRecord
from job.errors import StateUnreadable
from job.state import records, rules
from job.state.records import Document, Record, Table, Write
from job.state.sqlite_file import number

T = TypeVar("T", bound=Record)

_ALL = "SELECT id, document FROM documents WHERE kind = ? ORDER BY id"
_PAGE = "SELECT id, document FROM documents WHERE kind = ? AND id > ? ORDER BY id LIMIT ?"
_ONE = "SELECT id, document FROM documents WHERE kind = ? AND id = ?"
_OF_ISSUES = """
    SELECT id, document FROM documents
    WHERE kind = ? AND id IN (SELECT value FROM json_each(?))
"""
_OF_SHARDS = "SELECT id, document FROM documents WHERE kind = 'control' AND id GLOB ? ORDER BY id"
_LIVE = """
    SELECT id, document FROM documents
    WHERE kind = 'links' AND json_extract(document, '$.live') AND id > ? ORDER BY id LIMIT ?
"""
_LIVE_COUNT = """
    SELECT count(*) FROM documents WHERE kind = 'links' AND json_extract(document, '$.live')
"""
_DUE = """
    SELECT id, document FROM documents
    WHERE kind = 'links' AND json_extract(document, '$.tell_at') <= ? ORDER BY id
"""
_OF_TICKET = """
    SELECT id, document FROM documents WHERE kind = 'links'
    AND CASE WHEN json_valid(document) THEN json_extract(document, '$.ticket_id') = ? END
"""
_FORGET_NOTED = """
    DELETE FROM documents WHERE kind = 'noted' AND id = ?
    AND json_extract(document, '$.delivery') = ? AND json_extract(document, '$.at') = ?
"""
_NEWEST_RUNS = """
    SELECT id, document FROM documents WHERE kind = 'runs'
    ORDER BY CASE WHEN json_valid(document) THEN json_extract(document, '$.started_at') END DESC
    LIMIT ?
"""
_FORGET = """
    DELETE FROM documents WHERE kind = ?
    AND CASE WHEN json_valid(document) THEN json_extract(document, '$.expires_at') <= ? END
"""


class LivePage(NamedTuple):
    """A piece of the live links: those that can be used, of how many, and the id of the last."""

    links: list[Link]
    rows: int
    last: str


class SqliteDocuments:
    """All documents of one file, whose name stands in the complaints."""

    def __init__(self, connection: sqlite3.Connection, *, path: Path) -> None:
        self._connection = connection
        self._path = path

    def lease(self, shard: str) -> Lease | None:
        return self.one(Lease, Table.CONTROL, records.lease_id(shard))

    def quota(self) -> Quota:
        return self.one(Quota, Table.CONTROL, records.QUOTA) or Quota()

    def one(self, kind: type[T], table: Table, key: str) -> T | None:
        found = self._records(kind, table, _ONE, (table, key))
        return found[0] if found else None

    def every(self, kind: type[T], table: Table, *, broken: Broken | None = None) -> list[T]:
        return self._records(kind, table, _ALL, (table,), broken=broken)

    def page(self, kind: type[T], table: Table, after: str) -> dict[str, T]:
        """The records whose ids follow this one, as many as a page holds, by their ids."""
        rows = self._connection.execute(_PAGE, (table, after, rules.PAGE))
        return {key: self._record(kind, table, key, text) for key, text in rows}

    def of_issues(
        self,
        kind: type[T],
        table: Table,
        ids: Collection[IssueId],
        *,
        broken: Broken | None = None,
    ) -> list[T]:
        keys = {records.document_id(issue_id): issue_id for issue_id in ids}
        wanted = json.dumps(list(keys))
        return self._records(kind, table, _OF_ISSUES, (table, wanted), names=keys, broken=broken)

    def of_shards(self, kind: type[T], prefix: str) -> dict[str, T]:
        """The control documents of this kind, by the name of the shard."""
        rows = self._connection.execute(_OF_SHARDS, (f"{prefix}*",))
        return {
            key.removeprefix(prefix): self._record(kind, Table.CONTROL, key, text)
            for key, text in rows
        }

    def live_page(self, after: str, *, broken: Broken | None = None) -> LivePage:
        """The live links that follow this id, as many as a page holds."""
        rows = self._connection.execute(_LIVE, (after, rules.PAGE)).fetchall()
        links = self._usable(Link, Table.LINKS, rows, broken=broken)
        return LivePage(links=links, rows=len(rows), last=rows[-1][0] if rows else "")

    def live_count(self) -> int:
        return number(self._connection, _LIVE_COUNT)

    def due(self, now: datetime) -> list[Link]:
        """The links of which something is to be told by now. One that cannot be used is left out:
        it is noticed where its issue is looked at.
        """
        return self._records(Link, Table.LINKS, _DUE, (_instant(now),), broken={})

    def of_ticket(self, ticket_id: TicketId) -> list[Link]:
        """The links that lead to this ticket. One that cannot be used is left out: it is noticed
        where its issue is looked at.
        """
        return self._records(Link, Table.LINKS, _OF_TICKET, (ticket_id,), broken={})

    def newest_runs(self, limit: int) -> list[RunRecord]:
        return self._records(RunRecord, Table.RUNS, _NEWEST_RUNS, (limit,))

    def check_follows(self, intents: Sequence[Intent], *, lease: Lease) -> None:
        """Raises `LeaseLost` unless each of these intents follows the one that stands."""
        ids = [intent.issue_id for intent in intents]
        standing = {
            intent.issue_id: intent for intent in self.of_issues(Intent, Table.INTENTS, ids)
        }
        for intent in intents:
            rules.follow(intent, standing.get(intent.issue_id), lease=lease)

    def put(self, writes: Sequence[Write]) -> None:
        put = [
            (write.table, write.id, _text(write.document))
            for write in writes
            if write.document is not None
        ]
        dropped = [(write.table, write.id) for write in writes if write.document is None]
        self._connection.executemany("REPLACE INTO documents VALUES (?, ?, ?)", put)
        self._connection.executemany("DELETE FROM documents WHERE kind = ? AND id = ?", dropped)

    def forget_noted(self, seen: Collection[Noted]) -> None:
        """Drops these notes as they were read."""
        gone = [(records.note_id(noted), noted.delivery, _instant(noted.at)) for noted in seen]
        self._connection.executemany(_FORGET_NOTED, gone)

    def put_lease(self, lease: Lease) -> None:
        kept, key = records.document(lease), records.lease_id(lease.shard)
        self.put([Write(table=Table.CONTROL, id=key, document=kept)])

    def forget(self, *, before: datetime) -> None:
        """Drops what expires until then."""
        expired = [(table, _instant(before)) for table in records.EXPIRING]
        self._connection.executemany(_FORGET, expired)

    def _records(
        self,
        kind: type[T],
        table: Table,
        question: str,
        values: tuple[Any, ...],
        *,
        names: Mapping[str, IssueId] | None = None,
        broken: Broken | None = None,
    ) -> list[T]:
        rows = self._connection.execute(question, values)
        return self._usable(kind, table, rows, names=names, broken=broken)

    def _usable(
        self,
        kind: type[T],
        table: Table,
        rows: Iterable[tuple[str, str]],
        *,
        names: Mapping[str, IssueId] | None = None,
        broken: Broken | None,
    ) -> list[T]:
        """The records in these rows. `names` are the issues by the ids of their documents, which
        are mostly the same.
        """
        made: list[T] = []
        for key, text in rows:
            try:
                made.append(self._record(kind, table, key, text))
            except StateUnreadable as error:
                if broken is None:
                    raise
                broken[(names or {}).get(key, IssueId(key))] = str(error)
        return made

    def _record(self, kind: type[T], table: Table, key: str, text: str) -> T:
        name = f"{self._path}: {table}/{key}"
        try:
            found = msgspec.json.decode(text)
        except ValueError:
            raise records.unreadable(kind, name=name, wrong="it is not JSON") from None
        return records.read(kind, found, name=name)


def _text(document: Document) -> str:
    return msgspec.json.encode(_plain(document)).decode()


def _plain(value: Any) -> Any:
    """The same with each instant as text, also those within."""
    match value:
        case datetime():
            return _instant(value)
        case dict():
            return {key: _plain(inner) for key, inner in value.items()}
        case list():
            return [_plain(inner) for inner in value]
        case _:
            return value


def _instant(at: datetime) -> str:
    """Always UTC and to the microsecond, so that text sorts as time does."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")
