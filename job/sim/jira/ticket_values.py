"""What a ticket holds in a field, in a form that can be compared and put in order.

Promises: each kind of field has one such form, whoever asks: the index, a clause or an order.
Does not do: knowing what a clause asks for (clauses.py).
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final

from job.sim.jira.adf import plain_text
from job.sim.jira.site import Field
from job.sim.jira.tickets import Ticket

_WORD: Final = re.compile(r"\w+")
_OWN: Final[dict[str, Callable[[Ticket], Any]]] = {
    "status": lambda ticket: ticket.status.lower(),
    "project": lambda ticket: ticket.project.id,
    "issuetype": lambda ticket: ticket.issue_type.id,
    "created": lambda ticket: ticket.created_at,
    "updated": lambda ticket: ticket.updated_at,
    "reporter": lambda ticket: ticket.creator.account_id.lower(),
}


def values_of(ticket: Ticket, *, field: Field) -> list[Any]:
    """What a ticket holds in a field, in comparable form; an empty list is EMPTY."""
    if field.id in _OWN:
        return [_OWN[field.id](ticket)]
    raw = ticket.fields.get(field.id)
    if raw in (None, [], ""):
        return []
    held = raw if isinstance(raw, list) else [raw]
    return [_comparable(value, kind=field.kind) for value in held]


def _comparable(raw: Any, *, kind: str) -> Any:
    if kind == "textarea":
        return plain_text(raw)
    if kind == "user":
        return str(raw["accountId"]).lower()
    if kind in ("date", "datetime"):
        at = datetime.fromisoformat(raw)
        return at if at.tzinfo else at.replace(tzinfo=UTC)
    if isinstance(raw, dict):
        return raw["id"]
    return raw.lower() if kind == "url" else raw


@lru_cache(maxsize=100_000)
def words(text: str) -> tuple[str, ...]:
    """Punctuation splits, underscores do not, case is forgotten."""
    return tuple(_WORD.findall(text.lower()))


def sort_key(ticket: Ticket, *, name: str) -> Any:
    match name:
        case "id":
            return ticket.id
        case "key" | "issuekey" | "issue":
            return (ticket.project.key, ticket.number)
        case "created":
            return ticket.created_at
        case "updated":
            return ticket.updated_at
        case _:
            return str(ticket.fields.get(name) or "")
