"""Single values of Halo's JSON bodies: words, lists, objects, instants and numbers.

Promises: every way in which Halo says "nothing" (no key, null, "", the text `null_value`) comes out
as `None`, "" or empty; every instant is aware UTC; what is no instant and no number is nothing.
Where a list or an object is due, anything else is a `MalformedAnswer`, or nothing to whoever can do
without (`some_list`, `some_objects`).
Does not do: knowing what an issue, a finding or an asset is made of (`bodies.py`, `findings.py`).
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from math import isfinite
from sys import intern
from typing import Any

from job.errors import MalformedAnswer

Body = Mapping[str, Any]
YEARS = range(1971, 3000)
"""Programs write the years 1, 1970 and 9999 for "never"."""


def malformed(doing: str, happened: str, *, advice: str = "") -> MalformedAnswer:
    return MalformedAnswer("halo", doing, happened, advice)


def text(value: Any) -> str:
    """A value as words; "" for nothing. Names are known to carry carriage returns, which no ticket
    should.
    """
    if type(value) is str:
        if value == "null_value":
            return ""
        return value.replace("\r", "") if "\r" in value else value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return ", ".join(map(text, value)) if isinstance(value, list) else str(value)


def listed(body: Body, key: str) -> list[Any]:
    """The list under this key; an empty one for nothing."""
    value = body.get(key)
    if isinstance(value, list):
        return value
    if text(value):
        raise malformed(
            "reading an answer", f"Halo sent {kind_of(value)} as `{key}`, where a list was due."
        )
    return []


def some_list(body: Body, key: str) -> list[Any]:
    """The list under this key; an empty one for anything else."""
    value = body.get(key)
    return value if isinstance(value, list) else []


def some_objects(body: Body, key: str) -> list[Body]:
    """The objects in the list under this key, and nothing else of it."""
    return [row for row in some_list(body, key) if isinstance(row, dict)]


def rows_of(body: Body, key: str) -> list[Body]:
    """The list of objects under this key; an empty one for nothing."""
    rows = listed(body, key)
    for row in rows:
        if not isinstance(row, dict):
            raise malformed(
                "reading an answer", f"Halo sent something in `{key}` that is no object."
            )
    return rows


def object_of(body: Body, key: str) -> Body:
    """The object under this key; an empty one for nothing."""
    value = body.get(key)
    if isinstance(value, dict):
        return value
    if text(value):
        raise malformed(
            "reading an answer", f"Halo sent {kind_of(value)} as `{key}`, where an object was due."
        )
    return {}


def shared(value: Any) -> str:
    """A value as words of which there is one copy, whoever has them."""
    return intern(text(value))


def prose(value: Any) -> str:
    """Descriptions arrive with a backslash and an n where a line ends."""
    return text(value).replace("\\n", "\n")


def instant(value: Any) -> datetime | None:
    """`…Z` or `…+0000`, with no fraction or one of any length; `None` for anything else, and for a
    year in which nothing can have happened, such as 1, 1970 or 9999.
    """
    return _instant(value) if isinstance(value, str) else None


@lru_cache(maxsize=1_000)
def _instant(words: str) -> datetime | None:
    """One value for all that happened at this instant, as most of what an issue has gone through
    did.
    """
    try:
        at = datetime.fromisoformat(words)
        at = at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None
    return at if at.year in YEARS else None


def number(value: Any) -> float | None:
    """A finite number, also one sent as text; `None` for anything else."""
    try:
        found = float("nan" if isinstance(value, bool) else value)
    except (TypeError, ValueError, OverflowError):
        return None
    return found if isfinite(found) else None


def truth(value: Any) -> bool | None:
    """Yes or no; `None` for anything else."""
    return value if isinstance(value, bool) else None


def kind_of(value: Any) -> str:
    """What a value is, for people to read."""
    return "missing" if value is None else f"a {type(value).__name__}"
