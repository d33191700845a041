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

from job.core.ids import (
    Fingerprint,
    IssueId,
    Marker,
    TicketId,
    TicketKey,
    Version,
    canonical,
)
from job.core.issues import Issue, IssueStatus
from job.core.memory import Intent, IntentKind, Link, Parked
from job.core.model import Ticket
from job.core.policy import Policy
from job.core.routes import CommentRule, CommentWhen, Destination, Goal, Routes, Workflow
from job.core.shape import TicketSettings
from job.http.limits import RemoteLimits

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
        names=frozenset({canonical(issue_id(number))}),
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
    )
    return replace(made, **over)


def workflow(**over: Any) -> Workflow:
    """Closed is Done, and nothing is hard-closed."""
    made = Workflow(
        close=Goal(transition="Resolve", statuses=("Done",)),
        reopen=Goal(transition="Reopen"),
        closed=frozenset({"Done"}),
    )
    return replace(made, **over)


def destination(**over: Any) -> Destination:
    """Bugs in SEC, whose updates are told at once. An override is a field of its workflow, of its
    comment rule, or of its own; `comments=False` is never.
    """
    if not over.pop("comments", True):
        over["when"] = CommentWhen.NEVER
    rule = {name: over.pop(name) for name in CommentRule.__struct_fields__ if name in over}
    words = {name: over.pop(name) for name in Workflow.__struct_fields__ if name in over}
    tickets = TicketSettings(project_key="SEC", ticket_type="Bug", id_field="Halo Issue ID")
    made = Destination(
        tickets=tickets,
        workflow=workflow(**words),
        comment_rule=replace(CommentRule(every=timedelta()), **rule),
    )
    return replace(made, **over)


def policy(**over: Any) -> Policy:
    """One destination. An override is a field of the destination's workflow or its comment rule, or
    one of the policy.
    """
    there = {*Workflow.__struct_fields__, *Destination.__struct_fields__, "comments"}
    there |= set(CommentRule.__struct_fields__)
    words = {name: over.pop(name) for name in sorted(there) if name in over}
    return replace(Policy(routes=Routes(default=destination(**words))), **over)


def limits(**over: Any) -> RemoteLimits:
    """A remote that allows a hundred requests a second and says when it is too much."""
    made = RemoteLimits(per_second_max=100.0, first_pause_s=2.0, longest_pause_s=30.0, apart_s=0.1)
    return replace(made, **over)
