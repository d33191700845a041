"""Edits of tickets: one request for all fields of a ticket that are to change, and our property.

Promises: what is sent twice does no more than once.
Does not do: choosing what is written (`job/core/follow.py`), or when (`job/jira/editor.py`).
"""

from collections.abc import Mapping, Sequence
from typing import Any

from job.core.ids import TicketId
from job.core.tickets import PROPERTY
from job.errors import FateUnknown
from job.http.message import Request, Response
from job.jira.wire.exchange import REJECTED, REMOTE, Site, complaint, rejection

EDITING, MARKING = "editing the ticket", "writing our property"


def edit(
    site: Site,
    ticket_id: TicketId,
    *,
    fields: Mapping[str, Any],
    labels: Mapping[str, Sequence[Mapping[str, str]]],
    mails: str,
) -> Request:
    """Jira Cloud REST v3, PUT "issue/{issueIdOrKey}": `fields` sets, and `update` holds lists of
    single steps. A field may stand in one of the two only. `mails` is `true` or `false`.
    """
    body: dict[str, Any] = {}
    if fields:
        body["fields"] = dict(fields)
    if labels:
        body["update"] = {name: list(map(dict, steps)) for name, steps in labels.items()}
    return site.request(
        "PUT /rest/api/3/issue/{id}",
        ids={"id": ticket_id},
        query={} if mails == "true" else {"notifyUsers": mails},
        body=body,
        repeatable=True,
        deadline_s=60.0,
        subject=ticket_id,
    )


def edited(response: Response) -> None:
    """Raises `TicketRejected` or `FateUnknown` unless the edit is certainly done."""
    if response.status in REJECTED:
        raise rejection(response, doing=EDITING)
    if response.status not in {200, 204}:
        raise FateUnknown(REMOTE, EDITING, f"it answered {response.status}: {complaint(response)}")


def mark(site: Site, ticket_id: TicketId, *, value: Mapping[str, Any] | None) -> Request:
    """Jira Cloud REST v3, PUT and DELETE "issue/{issueIdOrKey}/properties/{propertyKey}"."""
    method = "DELETE" if value is None else "PUT"
    return site.request(
        f"{method} /rest/api/3/issue/{{id}}/properties/{{key}}",
        ids={"id": ticket_id, "key": PROPERTY},
        body=value,
        repeatable=True,
        deadline_s=60.0,
        subject=ticket_id,
    )


def marked(response: Response, *, taken_away: bool) -> None:
    """Raises `TicketRejected` or `FateUnknown` unless it is certainly done. A property, or a
    ticket, that is not there needs not be taken away.
    """
    if taken_away and response.status == 404:
        return
    if response.status in REJECTED:
        raise rejection(response, doing=MARKING)
    if response.status not in {200, 201, 204}:
        raise FateUnknown(REMOTE, MARKING, f"it answered {response.status}: {complaint(response)}")
