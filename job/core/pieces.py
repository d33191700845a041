"""What one shard holds and was granted, from the pieces in which memory keeps it, and back.

Promises: what was held for seven days counts no more; an approval covers what was held when its
digest was made and nothing that came since; only pieces that change are written.
Does not do: reading or writing them (`flow/gate.py`).
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from job.core.held import (
    DAY,
    FORGOTTEN_AFTER,
    HOUR,
    LINES_A_PIECE,
    Entry,
    Kind,
    Piece,
    Quota,
    Used,
    digest_of,
    issue_of,
)
from job.core.ids import IssueId
from job.core.plan import Plan
from job.core.shards import Shard


class Known(Struct, frozen=True, kw_only=True):
    """What memory says of one shard before its plan is weighed."""

    pieces: tuple[Piece, ...] = ()
    """The shard's own, of what it holds."""
    granted_pieces: tuple[Piece, ...] = ()
    """The shard's own, of what a limit granted to runs that died since."""
    entries: tuple[Entry, ...] = ()
    """What the shard holds, approved or not, and has not forgotten."""
    granted: frozenset[str] = frozenset()
    """Lines that were counted for a limit already."""
    inherited: frozenset[str] = frozenset()
    """Lines that were approved when the shards were others."""

    @property
    def ids(self) -> frozenset[IssueId]:
        """The issues of all that is held."""
        return frozenset(entry.issue_id for entry in self.entries)

    def approved_ids(self, quota: Quota, *, shard: str) -> frozenset[IssueId]:
        """The issues of what was approved and is perhaps not done."""
        until = quota.approved.get(shard, 0)
        return frozenset(entry.issue_id for entry in self.entries if entry.generation <= until)

    def approved(self, quota: Quota, *, shard: str) -> frozenset[str]:
        """The lines that may go through, whatever the limits say."""
        until = quota.approved.get(shard, 0)
        own = (entry.line for entry in self.entries if entry.generation <= until)
        return self.inherited.union(own)


def all_held(pieces: Iterable[Piece], *, now: datetime) -> Iterator[tuple[Piece, Entry]]:
    """What is held by any shard, approved or not, each with the piece that says so."""
    for piece in pieces:
        if piece.run:
            continue
        for entry in map(Entry.of, piece.texts):
            if now - entry.at < FORGOTTEN_AFTER:
                yield piece, entry


def known_of(pieces: Iterable[Piece], *, quota: Quota, shard: Shard, now: datetime) -> Known:
    """What of all pieces is this shard's. Of shards that were cut differently counts what belongs
    to it now.
    """
    runs = {used.run for used in quota.used if used.run}
    own, granted_pieces = [], []
    entries: list[Entry] = []
    granted, inherited = set[str](), set[str]()
    for piece in pieces:
        if piece.run and piece.run in runs:
            granted |= {line for line in piece.texts if issue_of(line) in shard}
        if piece.run and piece.shard == shard.name:
            granted_pieces.append(piece)
        if piece.run:
            continue
        kept = [entry for _, entry in all_held([piece], now=now)]
        if piece.shard == shard.name:
            own.append(piece)
            entries += kept
        elif shard.cuts_differently(piece.shard):
            until = quota.approved.get(piece.shard, 0)
            inherited |= {
                entry.line
                for entry in kept
                if entry.generation <= until and entry.issue_id in shard
            }
    return Known(
        pieces=tuple(own),
        granted_pieces=tuple(granted_pieces),
        entries=tuple(entries),
        granted=frozenset(granted),
        inherited=frozenset(inherited),
    )


def held_after(
    known: Known,
    *,
    plan: Plan,
    approved: Collection[str],
    looked_at: Collection[IssueId],
    generation: int,
    now: datetime,
) -> tuple[Entry, ...]:
    """What the shard holds once this plan is weighed: what was held before and still is, what was
    approved and is not done, what this run did not look at; and what is new, in a new generation.
    """
    held = {shelved.line for shelved in plan.held.shelved}
    planned = {shelved.line for shelved in plan.everything if shelved.kind}
    kept = [
        entry
        for entry in known.entries
        if entry.line in held
        or (entry.line in approved and entry.line in planned)
        or (entry.line not in planned and entry.issue_id not in looked_at)
    ]
    before = {entry.line for entry in kept}
    new = [Entry(generation + 1, now, line) for line in sorted(held - before)]
    return (*kept, *new)


def digest_of_held(entries: Iterable[Entry], *, approved: Collection[str]) -> str:
    """Names what waits for an approval; "" when nothing does."""
    return digest_of(
        f"{entry.generation} {entry.line}" for entry in entries if entry.line not in approved
    )


def repacked(
    before: Sequence[Piece], *, shard: str, entries: Iterable[Entry]
) -> tuple[tuple[Piece, ...], tuple[str, ...]]:
    """The pieces to write so that these entries are kept and no others, and the names of those to
    drop.
    """
    wanted = {entry.text: entry for entry in entries}
    rows: dict[int, list[str]] = {
        piece.number: [text for text in piece.texts if text in wanted] for piece in before
    }
    there = {text for row in rows.values() for text in row}
    number = max(rows, default=0)
    for text in wanted:
        if text in there:
            continue
        if len(rows.setdefault(number, [])) >= LINES_A_PIECE:
            number += 1
            rows[number] = []
        rows[number].append(text)
    kept = {piece.number: piece for piece in before}
    written = [
        Piece(
            shard=shard,
            number=place,
            texts=tuple(row),
            at=max(wanted[text].at for text in row),
        )
        for place, row in rows.items()
        if row and (place not in kept or kept[place].texts != tuple(row))
    ]
    dropped = [kept[place].name for place, row in rows.items() if not row and place in kept]
    return tuple(written), tuple(dropped)


def granting(
    lines: Sequence[str], *, shard: str, run: str, after: Sequence[Piece], now: datetime
) -> tuple[Piece, ...]:
    """The pieces that say what a limit granted to a run, beside those of runs that died."""
    first = max((piece.number for piece in after), default=-1) + 1
    starts = range(0, len(lines), LINES_A_PIECE)
    return tuple(
        Piece(
            shard=shard,
            number=first + place,
            texts=tuple(lines[start : start + LINES_A_PIECE]),
            at=now,
            run=run,
        )
        for place, start in enumerate(starts)
    )


def taking(
    quota: Quota,
    *,
    mine: Mapping[Kind, Used],
    shard: Shard,
    open_runs: Collection[str],
    now: datetime,
) -> Quota:
    """The quota once this run has taken its part of the limits. What its shard took before and has
    settled is kept by the hour, and only as long as it counts.
    """
    kept: list[Used] = []
    hours: dict[int, Used] = {}
    runs = {used.run for used in mine.values()}
    for used in sorted(quota.used, key=lambda used: used.at):
        if now - used.at >= DAY or used.run in runs:
            continue
        if used.shard != shard.name or used.run in open_runs:
            kept.append(used)
        elif used.kind is Kind.CLOSE:
            hour = int(used.at.timestamp() // HOUR.total_seconds())
            first = hours.get(hour, replace(used, many=0))
            hours[hour] = replace(first, at=used.at, many=first.many + used.many, run="")
    return replace(quota, used=(*kept, *hours.values(), *mine.values()))


def giving_back(quota: Quota, *, shard: str, many: int) -> Quota:
    """The quota without so many closes of this shard, the newest first: a refusal is no close."""
    used: list[Used] = []
    for taken in sorted(quota.used, key=lambda taken: taken.at, reverse=True):
        if taken.kind is Kind.CLOSE and taken.shard == shard and many:
            less = min(many, taken.many)
            many -= less
            used.append(replace(taken, many=taken.many - less))
        else:
            used.append(taken)
    return replace(quota, used=tuple(taken for taken in reversed(used) if taken.many))
