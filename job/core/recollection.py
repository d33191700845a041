"""What memory keeps of what a ticket was last told, as one short text; and back.

Promises: bounded, whatever Halo sends: rows stand by their names as far as they fit, the worst
first, further ones as hashes, and what is beyond those is counted; a text that this program does
not understand is no recollection, and then everything is told once.
Does not do: storing it (`state/records.py`), or comparing it with what is seen (`news.py`).
"""

from collections.abc import Mapping
from hashlib import sha256
from typing import Final

import msgspec
from msgspec import Struct, field

from job.core.sightings import Row, Sighting

NAMED_MAX: Final = 16_000
"""Characters of JSON for rows with their names."""
HASHED_MAX: Final = 6_000
"""Rows that are kept as hashes: 90 KB."""
_KEY, _RANK, _MARK = 10, 1, 4
_HASHED: Final = _KEY + _RANK + _MARK


class Recollection(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What was told. `hashed` holds fixed pieces, one a row: of its name, its rank, its mark."""

    kind: str
    facts: dict[str, str]
    rows: dict[str, Row] = field(default_factory=dict)
    hashed: str = ""
    beyond: int = 0

    @property
    def total(self) -> int:
        return len(self.rows) + len(self.hashed) // _HASHED + self.beyond

    def hashes(self) -> dict[str, str]:
        """Rank and mark of each hashed row, by the hash of its name."""
        pieces = (self.hashed[at : at + _HASHED] for at in range(0, len(self.hashed), _HASHED))
        return {piece[:_KEY]: piece[_KEY:] for piece in pieces}


def recollection(seen: Sighting, *, before: Recollection | None) -> Recollection:
    """What was told when this was told. Rows that could not be seen are as they were."""
    if seen.rows is None:
        if before is None:
            return Recollection(kind=seen.kind, facts=seen.facts)
        return msgspec.structs.replace(before, facts=seen.facts)
    ordered = sorted(seen.rows.items(), key=lambda item: (-item[1].rank, item[0]))
    room, named = NAMED_MAX, 0
    for name, row in ordered:
        room -= len(name) * 2 + len(row.mark) * 2 + 16  # a quote or a backslash takes two
        if room < 0:
            break
        named += 1
    hashed = "".join(hashed_row(name, row) for name, row in ordered[named : named + HASHED_MAX])
    return Recollection(
        kind=seen.kind,
        facts=seen.facts,
        rows=dict(ordered[:named]),
        hashed=hashed,
        beyond=max(len(ordered) - named - HASHED_MAX, 0),
    )


def hashed_name(name: str) -> str:
    return sha256(name.encode()).hexdigest()[:_KEY]


def hashed_row(name: str, row: Row) -> str:
    """A row as a piece of fixed length."""
    return f"{hashed_name(name)}{row.rank + 1}{sha256(row.mark.encode()).hexdigest()[:_MARK]}"


def written(kept: Recollection) -> str:
    return msgspec.json.encode(kept).decode()


def remembered(text: str) -> Recollection | None:
    """What such a text says; `None` for "" and for one that another version wrote."""
    try:
        return msgspec.json.decode(text, type=Recollection) if text else None
    except msgspec.DecodeError:
        return None


class Moves(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What happened since a ticket was last told, and has not been told."""

    since: str
    """ISO 8601, of the first of it."""
    count: int = 0
    """Sights that brought something else than the one before."""
    states: Mapping[str, tuple[str, str, int]] = field(default_factory=dict)
    """Of a row that moved: as it is now, as it was before, how often it came back to that."""


def moves_written(moves: Moves | None) -> str:
    return msgspec.json.encode(moves).decode() if moves else ""


def moves_remembered(text: str) -> Moves | None:
    """What such a text says; `None` for "" and for one that another version wrote."""
    try:
        return msgspec.json.decode(text, type=Moves) if text else None
    except msgspec.DecodeError:
        return None
