"""Comments on tickets: adding one of ours, and finding our markers among those that are there.

Promises: a comment of ours carries its marker in the same call, so none is ever without it;
whatever an answer to a new comment leaves open comes out as `FateUnknown`.
Does not do: writing what a comment says (`job/core/adf.py`), or reading what other comments say.
"""

from datetime import UTC, datetime
from typing import Any

from msgspec import Struct

from job.core.adf import Document
from job.core.ids import Marker, TicketId
from job.core.tickets import PROPERTY
from job.http.message import Request, Response
from job.jira.wire.exchange import REJECTED, NumberedPage, Site, page, readable, rejection, written

PAGE_MAX = 100
INTERNAL = "sd.public.comment"
"""Jira Service Management's own property of a comment (its public documentation of comments)."""

COMMENTING, READING = "adding a comment", "reading comments"


def comment(
    site: Site, ticket_id: TicketId, *, body: Document, marker: Marker, public: bool
) -> Request:
    """The marker is a property in the same call, so no comment of ours is ever without it."""
    return site.request(
        "POST /rest/api/3/issue/{id}/comment",
        ids={"id": ticket_id},
        body=remark(body, marker=marker, public=public),
        repeatable=False,
        deadline_s=60.0,
        subject=ticket_id,
    )


def remark(body: Document, *, marker: Marker, public: bool) -> dict[str, Any]:
    """A comment as it is written, by itself or along with a transition. A property hides it from
    the customers of a service project; elsewhere that means nothing.
    """
    properties: list[dict[str, Any]] = [{"key": PROPERTY, "value": {"marker": marker}}]
    if not public:
        properties.append({"key": INTERNAL, "value": {"internal": True}})
    return {"body": body, "properties": properties}


class _Named(Struct):
    """What must be in the answer. It repeats the whole comment, which nobody needs to have read."""

    id: str


def commented(response: Response) -> None:
    """Raises `TicketRejected` or `FateUnknown` unless the comment is certainly there."""
    if response.status in REJECTED:
        raise rejection(response, doing=COMMENTING)
    written(response, doing=COMMENTING, kind=_Named)


def comments(site: Site, ticket_id: TicketId, *, start: int) -> Request:
    """The newest first, so that a new comment on the way shows an old one twice and hides none."""
    return site.request(
        "GET /rest/api/3/issue/{id}/comment",
        ids={"id": ticket_id},
        query={
            "startAt": start,
            "maxResults": PAGE_MAX,
            "orderBy": "-created",
            "expand": "properties",
        },
    )


class Comments(Struct, frozen=True, kw_only=True):
    """A piece of the comments, the newest first: our markers among them, and how far back they
    reach.
    """

    markers: frozenset[str]
    oldest_at: datetime | None
    next_start: int | None

    def reaches(self, at: datetime) -> bool:
        """Whether everything that follows is older."""
        return self.oldest_at is None or self.oldest_at < at


def comments_page(body: Any, *, start: int) -> Comments:
    piece: NumberedPage = page(body, key="comments", start=start, doing=READING)
    with readable(READING):
        markers = {marker for comment in piece.items if (marker := _marker(comment)) is not None}
        oldest_at = _instant(piece.items[-1]["created"]) if piece.items else None
    return Comments(markers=frozenset(markers), oldest_at=oldest_at, next_start=piece.next_start)


def _marker(raw: Any) -> str | None:
    for held in raw.get("properties") or ():
        if held["key"] == PROPERTY and isinstance(held["value"], dict):
            return held["value"].get("marker")
    return None


def _instant(text: str) -> datetime:
    """Jira writes offsets without a colon and in the site's zone (Jira Cloud REST v3,
    "Timestamps").
    """
    return datetime.fromisoformat(text).astimezone(UTC)
