"""All of memory as lines of text, and back: for a move from one store to another.

Promises: what is read back is what was kept, record by record, checked like any document; a file
that is cut short, or of another kind, is refused before anything is written; memory that is in use
is never written over.
Does not do: leases, which mean nothing elsewhere, or opening files (`commands/restore.py`).
"""

from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Any, get_args

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from job.core.backlog import Backlog
from job.core.held import HeldSet, Piece, Quota
from job.core.memory import Intent, Link, Parked, RunRecord, Watermark
from job.core.taken import Taken
from job.errors import StateUnreadable
from job.flow.mend import Mending
from job.stores import Store

FORMAT = 1
KINDS = (Link, Intent, Parked, Backlog, Taken, Piece, HeldSet, RunRecord)
Kept = Link | Intent | Parked | Backlog | Taken | Piece | HeldSet | RunRecord | Watermark | Quota
_BY_NAME = {kind.__name__.lower(): kind for kind in get_args(Kept)}
HEAD, END = "head", "end"


class Line(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line: what it holds, and that. The head says the format, the end how many there were."""

    kind: str
    record: Any = None
    shard: str = ""
    number: int = 0


async def written(store: Store) -> AsyncIterator[bytes]:
    """Every record as a line, with a head and an end."""
    many = 0
    yield _line(Line(kind=HEAD, number=FORMAT))
    async for line in _lines(store):
        many += 1
        yield _line(line)
    yield _line(Line(kind=END, number=many))


async def _lines(store: Store) -> AsyncIterator[Line]:
    for shard, mark in (await store.watermarks()).items():
        yield Line(kind="watermark", shard=shard, record=mark)
    yield Line(kind="quota", record=await store.quota())
    for kind in KINDS:
        async for piece in store.every(kind):  # type: ignore[type-var]
            for record in piece:
                yield Line(kind=kind.__name__.lower(), record=record)


def _line(line: Line) -> bytes:
    return msgspec.json.encode(line, order="deterministic") + b"\n"


class Archive(Struct, frozen=True, kw_only=True):
    """What was written, whole and readable."""

    records: tuple[Kept, ...]
    marks: dict[str, Watermark]

    def of(self, kind: type[Any]) -> list[Any]:
        return [record for record in self.records if isinstance(record, kind)]


def read(lines: Iterable[bytes]) -> Archive:
    """Raises `StateUnreadable` for what no `written` ever gave, or not all of it."""
    records: list[Kept] = []
    marks: dict[str, Watermark] = {}
    found = [_decoded(text, at=number) for number, text in enumerate(lines, 1)]
    if not found or (found[0].kind, found[0].number) != (HEAD, FORMAT):
        raise _unusable(f"It is no export of memory in format {FORMAT}.")
    if found[-1].kind != END or found[-1].number != len(found) - 2:
        raise _unusable("It was cut short: its end is missing.")
    for number, line in enumerate(found[1:-1], 2):
        record = _record(line, at=number)
        if isinstance(record, Watermark):
            marks[line.shard] = record
        else:
            records.append(record)
    return Archive(records=tuple(records), marks=marks)


def _decoded(text: bytes, *, at: int) -> Line:
    try:
        return msgspec.json.decode(text, type=Line)
    except ValueError as error:
        raise _unusable(f"Line {at} cannot be read: {error}.") from None


def _record(line: Line, *, at: int) -> Kept:
    kind = _BY_NAME.get(line.kind)
    if kind is None:
        raise _unusable(f"Line {at} is a {line.kind}, which this program does not know.")
    try:
        record: Kept = msgspec.convert(line.record, kind)
    except ValueError as error:
        raise _unusable(f"Line {at}, a {line.kind}, cannot be read: {error}.") from None
    return record


async def is_in_use(store: Store) -> bool:
    """Whether there is anything that an import would mix with."""
    if await store.watermarks() or await store.runs(limit=1):
        return True
    for kind in KINDS:
        async for piece in store.every(kind):  # type: ignore[type-var]
            if piece:
                return True
    return False


async def restore(archive: Archive, *, store: Store, hand: Mending) -> None:
    """Writes all of it into memory that is not in use; the watermarks last."""
    intents = archive.of(Intent)
    # One that follows another is taken only after that one.
    first = [replace(note, attempt=note.follows, follows=None) for note in intents if note.follows]
    await hand.write(first, field="intents")
    await hand.write([note for note in intents if note.follows], field="intents")
    await hand.write([note for note in intents if not note.follows], field="intents")
    for kind, field in _FIELDS:
        await hand.write(archive.of(kind), field=field)
    for quota in archive.of(Quota):
        if quota.revision and not await store.change_quota(replace(quota, revision=1)):
            raise _unusable("Somebody else has begun to use this memory meanwhile.")
    for shard, mark in archive.marks.items():
        await hand.mark(shard, mark)


_FIELDS: Sequence[tuple[type[Any], str]] = (
    (Link, "links"),
    (Parked, "parked"),
    (Backlog, "backlog"),
    (Taken, "taken"),
    (Piece, "pieces"),
    (HeldSet, "held_sets"),
    (RunRecord, "past_runs"),
)
"""In which field of `Changes` records of a kind are written."""


def _unusable(happened: str) -> StateUnreadable:
    return StateUnreadable(
        "file", "reading an export", happened, "Export memory once more, into new memory."
    )
