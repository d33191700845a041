"""What is new about an issue since its ticket was last told: new, gone, worse, better, changed.

Promises: what is no different is never named; what memory keeps as a hash is compared as well as
what it keeps by name; where memory keeps neither, no more is called new than there are more.
Does not do: deciding when it is told (`noise.py`), or saying it (`comments.py`).
"""

from datetime import datetime
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from job.core.recollection import Moves, Recollection, hashed_name, hashed_row
from job.core.sightings import GRAVE, Row, Sighting

FOLLOWED_MAX: Final = 100
"""Rows of one issue whose moves are followed between two comments."""
_VULNERABILITIES: Final = {"cves", "sva"}


class News(Struct, frozen=True, kw_only=True):
    """The names of rows, by what became of them; of facts, what they were and are."""

    facts: dict[str, tuple[str, str]]
    new: tuple[str, ...] = ()
    worse: tuple[str, ...] = ()
    better: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    gone_unnamed: int = 0
    """Further ones, of which memory has no name."""
    first: bool = False
    """Whether the evidence could not be seen when the ticket was told last, and can be now."""

    def __bool__(self) -> bool:
        return bool(self.facts or self.gone_unnamed or any(self.rows))

    @property
    def rows(self) -> tuple[tuple[str, ...], ...]:
        return (self.new, self.worse, self.better, self.changed, self.gone)

    @property
    def shown(self) -> frozenset[str]:
        """The rows that a reader wants to see: they are there, and not as they were."""
        return frozenset((*self.new, *self.worse, *self.better, *self.changed))


def news(told: Recollection, *, seen: Sighting) -> News:
    facts = {
        name: (told.facts.get(name, ""), value)
        for name, value in seen.facts.items()
        if told.facts.get(name, "") != value
    }
    if seen.rows is None:
        return News(facts=facts)
    first = not told.kind and bool(seen.rows)
    if seen.kind != told.kind:
        told = _named_alike(told, seen=seen, rows=seen.rows)
    found = _compared(told, rows=seen.rows)
    if seen.kind == "lids":
        found = {"new": found["new"]}  # a log keeps its lines; the newest is all that is read
    unnamed = 0 if seen.kind == "lids" else _gone_unnamed(told, rows=seen.rows)
    return News(facts=facts, gone_unnamed=unnamed, first=first, **found)


def _named_alike(told: Recollection, *, seen: Sighting, rows: dict[str, Row]) -> Recollection:
    """What was told in rows of another kind. Vulnerabilities have the same names whether the issue
    or its finding lists them, and no rank where the issue does; of others nothing was told.
    """
    if {told.kind, seen.kind} != _VULNERABILITIES:
        return Recollection(kind=seen.kind, facts=told.facts)
    hashes = told.hashes()
    known = {
        name: row for name, row in rows.items() if name in told.rows or hashed_name(name) in hashes
    }
    return replace(told, kind=seen.kind, rows=told.rows | known)


def _compared(told: Recollection, *, rows: dict[str, Row]) -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {name: [] for name in ("new", "worse", "better", "changed")}
    hashes = told.hashes()
    for name, row in sorted(rows.items(), key=lambda item: (-item[1].rank, item[0])):
        before = told.rows.get(name)
        if before is not None:
            word = _word(before.rank, row.rank, same=before.mark == row.mark)
        elif kept := hashes.get(hashed_name(name)):
            same = kept == hashed_row(name, row)[-len(kept) :]
            word = _word(int(kept[0]) - 1, row.rank, same=same)
        else:
            word = "new"
        if word:
            found[word].append(name)
    found["gone"] = [name for name in told.rows if name not in rows]
    if told.beyond:
        grown = len(rows) - told.total + len(found["gone"]) + _gone_unnamed(told, rows=rows)
        found["new"] = found["new"][: max(grown, 0)]
    return {word: tuple(names) for word, names in found.items()}


def _word(before: int, now: int, *, same: bool) -> str:
    """What became of a row that was there before; "" if nothing."""
    if before != now:
        return "worse" if now > before else "better"
    return "" if same else "changed"


def _gone_unnamed(told: Recollection, *, rows: dict[str, Row]) -> int:
    hashes = told.hashes()
    return len(hashes.keys() - {hashed_name(name) for name in rows}) if hashes else 0


def is_urgent(found: News, *, seen: Sighting) -> bool:
    """Whether it may not wait: it became critical, or a vulnerability of CVSS 9 or more is new."""
    if found.facts.get("critical", ("", ""))[1] == "yes":
        return True
    if seen.kind != "sva" or seen.rows is None:
        return False
    return any(seen.rows[name].rank >= GRAVE for name in (*found.new, *found.worse))


# --- What moves back and forth --------------------------------------------------------------------


def moved(
    before: Moves | None, *, told: Recollection, seen: Sighting, found: News, at: datetime
) -> Moves | None:
    """What has moved since the ticket was last told, with this sight; `None` if nothing has."""
    facts = [f"{_FACT}{name}" for name in found.facts]
    rows = [name for names in found.rows for name in names]
    kept = before or Moves(since=at.isoformat(timespec="minutes"))
    followed = dict.fromkeys((*kept.states, *facts, *rows))
    states = dict(kept.states)
    moves = 0
    for name in followed:
        now, last = _state(name, seen=seen), _state_told(name, told=told)
        if name in states:
            last = states[name][0]
        if now == last or now is None:
            continue
        moves += 1
        earlier, back = (states[name][1], states[name][2]) if name in states else ("?", 0)
        back += now == earlier
        if name in states or len(states) < FOLLOWED_MAX:
            states[name] = (now, last or "", back)
    if before is None and not moves:
        return None
    return Moves(since=kept.since, count=kept.count + bool(moves), states=states)


def flapping(moves: Moves | None) -> dict[str, int]:
    """What went and came back, and how often."""
    return {name: back for name, (_, _, back) in (moves.states if moves else {}).items() if back}


_FACT: Final = "*"


def _state(name: str, *, seen: Sighting) -> str | None:
    """A row or a fact as it is; "" where it is not there, `None` where it could not be seen."""
    if name.startswith(_FACT):
        return seen.facts.get(name[1:], "")
    if seen.rows is None:
        return None
    row = seen.rows.get(name)
    return f"{row.rank} {row.mark}" if row else ""


def _state_told(name: str, *, told: Recollection) -> str:
    if name.startswith(_FACT):
        return told.facts.get(name[1:], "")
    row = told.rows.get(name)
    return f"{row.rank} {row.mark}" if row else ""
