"""What `takeover` notes of each ticket that it takes over: what it writes, and whether it began.

Promises: a note says all that is written for one issue, and nothing that was there before.
Does not do: choosing tickets (`takeover.py`), or writing any of it (`flow/takeover.py`).
"""

from msgspec import Struct

from job.core.ids import Instant, IssueId, TicketId, TicketKey


class Taken(Struct, frozen=True, kw_only=True):
    """A ticket of an older program that is taken over for an issue, or is planned to be."""

    issue_id: IssueId
    ticket_id: TicketId
    ticket_key: TicketKey
    digest: str
    """Of the plan that named it last."""
    links: bool
    """Whether memory had no link of the issue, so that the link is ours to take back."""
    marks: bool
    """Whether the ticket had no property of ours."""
    fills: bool
    """Whether its id field was empty."""
    begun: bool = False
    """Whether any of it may have been written."""
    at: Instant
