"""Values of the model, each built in one place: plain ones, whose parts a test replaces by keyword.

Promises: the same number gives an issue, its ticket, its link and its notes; whatever is not given
is what most tests would say. An override is any field of the value.
Does not do: values with every field filled, which only stores need (`tests/state/values.py`), or
issues full of words, which only tickets need.
"""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from msgspec.structs import replace

from job.core.model import (
    Fingerprint,
    Intent,
    IntentKind,
    Issue,
    IssueId,
    IssueStatus,
    Link,
    Marker,
    Parked,
    Ticket,
    TicketId,
    TicketKey,
    Version,
)

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def issue_id(number: int = 1) -> IssueId:
    return IssueId(str(UUID(int=number)))


def ticket_id(number: int = 1) -> TicketId:
    return TicketId(str(10_000 + number))


def ticket_key(number: int = 1) -> TicketKey:
    return TicketKey(f"SEC-{number}")


def issue(number: int = 1, **over: Any) -> Issue:
    """An active one of csm, which Halo has never seen, as far as it says."""
    made = Issue(
        id=issue_id(number),
        type="csm",
        source="server_secure",
        status=IssueStatus.ACTIVE,
        critical=False,
        name="SSH root login",
    )
    return replace(made, **over)


def ticket(number: int = 1, **over: Any) -> Ticket:
    """An open one."""
    made = Ticket(
        id=ticket_id(number),
        key=ticket_key(number),
        project="SEC",
        status="To Do",
    )
    return replace(made, **over)


def link(number: int = 1, **over: Any) -> Link:
    """A live one, to an open ticket that was told an older version."""
    made = Link(
        issue_id=issue_id(number),
        ticket_id=ticket_id(number),
        ticket_key=ticket_key(number),
        version=Version("older"),
        fingerprint=Fingerprint("f"),
        live=True,
        status_seen="To Do",
    )
    return replace(made, **over)


def intent(number: int = 1, **over: Any) -> Intent:
    """A note of a create that is about to be sent."""
    made = Intent(
        issue_id=issue_id(number),
        kind=IntentKind.CREATE,
        attempt="r#1",
        version=Version("v1"),
        fingerprint=Fingerprint("f"),
        marker=Marker("m"),
        at=NOW,
        project="SEC",
    )
    return replace(made, **over)


def parked(number: int = 1, **over: Any) -> Parked:
    """Set aside just now, for the first time, for five minutes."""
    made = Parked(
        issue_id=issue_id(number),
        version=Version("v1"),
        error_class="ticket_rejected",
        message="Jira said no.",
        attempts=1,
        first_at=NOW,
        next_at=NOW + timedelta(minutes=5),
        settings_digest="d",
        issue_touched_at=NOW,
    )
    return replace(made, **over)
