"""Model values as plain documents and back: the one form in which every store keeps them.

Promises: each document carries the schema it was written by. What is read is checked field by field
against the model; a newer schema, a missing field or a value of another kind is `StateUnreadable`
with the document's name and a way out, never a guess. A field that the model gives a default may be
absent, so that adding one needs no new schema.
Does not do: I/O, or knowing a store. A document is a `dict` of text, numbers, instants, lists and
maps.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from job.core.backlog import Backlog
from job.core.held import FORGOTTEN_AFTER, KNOWN_FOR, HeldSet, Piece, Quota
from job.core.memory import (
    Changes,
    Intent,
    Lease,
    Link,
    Noted,
    Parked,
    RunRecord,
    Watermark,
)
from job.core.taken import Taken
from job.errors import StateUnreadable

SCHEMA = 1
WRITES_MAX = 500
"""Of one commit. All or nothing costs every writer the same wait, so it must stay a short one."""
RUNS_KEPT = timedelta(days=90)

Document = dict[str, Any]
OfIssue = Link | Intent | Parked | Backlog | Taken
"""Records of which each issue has one at most, under its id."""
Record = OfIssue | Noted | Lease | Watermark | RunRecord | Piece | HeldSet | Quota
T = TypeVar("T", bound=Record)


class Table(StrEnum):
    """Where documents of a kind are kept."""

    LINKS = "links"
    INTENTS = "intents"
    PARKED = "parked"
    BACKLOG = "backlog"
    NOTED = "noted"
    TAKEN = "taken"
    HELD = "held"
    DIGESTS = "digests"
    RUNS = "runs"
    CONTROL = "control"


WAY_OUT: Mapping[type[Any], str] = {
    Link: "Restore it from a backup, or delete it: the ticket is then found again by its id field.",
    Intent: "Look in Jira for a ticket with this Halo id before you delete it: a write of ours may "
    "have succeeded.",
    Parked: "Restore it from a backup, or delete it: the issue is then tried again.",
    Backlog: "Restore it from a backup, or delete it: the issue then gets a ticket when Halo "
    "touches it.",
    Noted: "Delete it: the next sweep looks at the ticket anyway.",
    Taken: "Restore it from a backup, or delete it: `takeover undo` then leaves its ticket alone.",
    Piece: "Restore it from a backup, or delete it: what it holds is then held or approved anew.",
    HeldSet: "Delete it: what it names is then approved by another digest, which `plan --held` "
    "shows.",
    Quota: "Restore it from a backup, or delete it: the closes of the last 24 hours are then "
    "forgotten, and what was approved is approved anew.",
    Lease: "Make sure that no run is at work, then delete it.",
    Watermark: "Restore it from a backup, or delete it and say from when to read with "
    "`run --since`.",
    RunRecord: "Delete it: nothing depends on the record of a run.",
}


class Write(Struct, frozen=True, kw_only=True):
    """One document of a commit: put, or dropped when there is none. A fresh one must not exist
    yet.
    """

    table: Table
    id: str
    document: Document | None
    fresh: bool = False


# --- Names ----------------------------------------------------------------------------------------

_PLAIN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}")


def document_id(name: str) -> str:
    """A name as the id of a document: itself where every store takes it, otherwise its hash."""
    return name if _PLAIN_NAME.fullmatch(name) else f"sha256-{sha256(name.encode()).hexdigest()}"


LEASE = "lease-"
WATERMARK = "watermark-"
"""What the ids of control documents begin with; the name of the shard follows."""
QUOTA = "quota"
"""The control document that all shards share."""
_TABLES: Mapping[type[Any], Table] = {
    Link: Table.LINKS,
    Intent: Table.INTENTS,
    Parked: Table.PARKED,
    Backlog: Table.BACKLOG,
    Taken: Table.TAKEN,
    Piece: Table.HELD,
    HeldSet: Table.DIGESTS,
    RunRecord: Table.RUNS,
}


def table_of(kind: type[Any]) -> Table:
    """Where records of a kind are kept that is no control document."""
    return _TABLES[kind]


EXPIRING = (Table.RUNS, Table.HELD, Table.DIGESTS)
"""Whose documents say when they are forgotten."""


def lease_id(shard: str) -> str:
    return document_id(f"{LEASE}{shard}")


def watermark_id(shard: str) -> str:
    return document_id(f"{WATERMARK}{shard}")


def note_id(noted: Noted) -> str:
    """One document for each ticket and what was said of it: a deletion is not hidden by an update
    that arrives after it.
    """
    said = "-deleted" if noted.deleted else ""
    return document_id(f"{noted.ticket_id}-{noted.issue_id}{said}")


def run_id(run: RunRecord) -> str:
    """Hashed, because ids that rise with time would all land on one of the database's servers."""
    return sha256(f"{run.run_id} {run.shard}".encode()).hexdigest()[:32]


# --- Writing --------------------------------------------------------------------------------------


def document(record: Record) -> Document:
    """The plain form of a record, with its schema."""
    plain: Document = _in_utc(msgspec.to_builtins(record, builtin_types=(datetime,)))
    return {"schema": SCHEMA} | plain


def _in_utc(value: Any) -> Any:
    """The same with each instant in UTC and of the plain kind, at any depth."""
    if isinstance(value, datetime):
        return _utc(value)
    if isinstance(value, Mapping):
        return {name: _in_utc(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_in_utc(inner) for inner in value]
    return value


def _utc(at: datetime) -> datetime:
    if at.tzinfo is None:
        raise ValueError(f"{at} names no time zone, so it is no instant.")
    utc = at.astimezone(UTC)
    # Firestore reads a timestamp as a kind of datetime of its own; the model knows only the plain
    # one.
    return datetime.combine(utc.date(), utc.timetz())


def writes(changes: Changes, *, shard: str) -> list[Write]:
    """Every document that these changes put or drop. Naming one twice, or too many at once, is a
    bug of the caller.
    """
    found = [
        *(_of_issue(Table.LINKS, link) for link in changes.links),
        *(_of_issue(Table.INTENTS, intent) for intent in changes.intents),
        *(_of_issue(Table.PARKED, parked) for parked in changes.parked),
        *(
            Write(table=Table.INTENTS, id=document_id(issue), document=None)
            for issue in changes.settled
        ),
        *(
            Write(table=Table.PARKED, id=document_id(issue), document=None)
            for issue in changes.released
        ),
        *(
            Write(table=Table.LINKS, id=document_id(issue), document=None)
            for issue in changes.forgotten
        ),
        *(_of_issue(Table.BACKLOG, backlog) for backlog in changes.backlog),
        *(_of_issue(Table.TAKEN, taken) for taken in changes.taken),
        *(
            Write(table=Table.TAKEN, id=document_id(issue), document=None)
            for issue in changes.untaken
        ),
        *(Write(table=Table.HELD, id=document_id(name), document=None) for name in changes.dropped),
        *(
            _expiring(Table.HELD, piece.name, piece, until=piece_ends(piece))
            for piece in changes.pieces
        ),
        *(
            _expiring(Table.DIGESTS, held.digest, held, until=held.at + KNOWN_FOR)
            for held in changes.held_sets
        ),
    ]
    if changes.watermark:
        found.append(
            Write(table=Table.CONTROL, id=watermark_id(shard), document=document(changes.watermark))
        )
    found.extend(
        _expiring(Table.RUNS, run_id(run), run, until=run.finished_at + RUNS_KEPT)
        for run in (*changes.past_runs, *filter(None, [changes.run]))
    )
    if len({(write.table, write.id) for write in found}) < len(found):
        raise ValueError(
            "A commit names one document twice; which of the two would hold is anybody's guess."
        )
    if len(found) > WRITES_MAX:
        raise ValueError(
            f"A commit of {len(found)} documents; at most {WRITES_MAX} are written as one."
        )
    return found


def piece_ends(piece: Piece) -> datetime:
    """When nothing of a piece counts any more."""
    return piece.at + FORGOTTEN_AFTER


def _expiring(table: Table, name: str, record: Record, *, until: datetime) -> Write:
    kept = document(record) | {"expires_at": _utc(until)}
    return Write(table=table, id=document_id(name), document=kept)


def _of_issue(table: Table, record: OfIssue) -> Write:
    fresh = isinstance(record, Intent) and record.follows is None
    return Write(
        table=table, id=document_id(record.issue_id), document=document(record), fresh=fresh
    )


# --- Reading --------------------------------------------------------------------------------------


def read(kind: type[T], found: object, *, name: str) -> T:
    """The record in a document found under this name (as `halo-jira-sync-links/ab12`)."""
    if not isinstance(found, Mapping):
        raise unreadable(kind, name=name, wrong="it is not a document")
    schema = found.get("schema")
    if type(schema) is not int or schema < 1:
        raise unreadable(
            kind, name=name, wrong=f"its schema is {schema!r}, not a number from 1 to {SCHEMA}"
        )
    if schema > SCHEMA:
        raise newer(schema, name=name)
    try:
        record = msgspec.convert(_in_utc(found), kind)
    except ValueError as misfit:
        raise unreadable(kind, name=name, wrong=str(misfit).rstrip(".")) from None
    if isinstance(record, OfIssue) and not name.endswith(f"/{document_id(record.issue_id)}"):
        raise unreadable(kind, name=name, wrong=f"it is about another issue, {record.issue_id}")
    return record


def unreadable(kind: type[Any], *, name: str, wrong: str) -> StateUnreadable:
    return StateUnreadable(
        "store", f"reading {name}", f"This {kind.__name__} cannot be used: {wrong}.", WAY_OUT[kind]
    )


def newer(schema: int, *, name: str) -> StateUnreadable:
    """What is kept was written by a program that knows more than this one."""
    wrong = f"It was written by a newer version of this program (schema {schema}; this one knows "
    wrong += f"{SCHEMA})."
    advice = "Run the newer version, or name other memory in STATE_URL."
    return StateUnreadable("store", f"reading {name}", wrong, advice)
