"""What a ticket says that holds its Halo id as an older program wrote it.

Promises: of every other ticket nothing is said; one that bears our property is none.
Does not do: judging whether it is what it seems (`core/older.py`).
"""

from collections.abc import Iterator
from typing import Any

from job.core.model import Ticket
from job.core.older import is_old
from job.core.remnants import Remnant
from job.core.tickets import PROPERTY, texts_held

WORDS = ("summary", "description")
"""The fields to be asked for, where such a ticket may come."""


def older_words(raw: Any, *, id_field: str | None) -> str:
    """Its summary and description; "" for a ticket that holds its id in another writing."""
    fields = raw["fields"]
    if PROPERTY in (raw.get("properties") or {}) or id_field is None:
        return ""
    if not any(map(is_old, texts_held(fields.get(id_field)))):
        return ""
    return " ".join(text for name in WORDS for text in _texts(fields.get(name)))


def remnant(raw: Any, *, ticket: Ticket, id_field: str) -> Remnant:
    """What a ticket says of itself, whoever made it."""
    fields = raw["fields"]
    return Remnant(
        ticket=ticket,
        ours=PROPERTY in (raw.get("properties") or {}),
        held=texts_held(fields.get(id_field)),
        summary=str(fields.get("summary") or ""),
        words=" ".join(_texts(fields.get("description"))),
        reporter=str((fields.get("reporter") or {}).get("accountId") or ""),
    )


def _texts(value: Any) -> Iterator[str]:
    """The texts of a field, or of a document's nodes at any depth."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from _texts(value.get("text"))
        yield from _texts(value.get("content"))
    elif isinstance(value, list):
        for part in value:
            yield from _texts(part)
