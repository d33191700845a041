"""The comment that comes next after what is known of an issue, for people to look at beforehand.

Promises: what has happened is worded as a run words it; what has not is an example, and its title
says so.
Does not do: deciding what a run does (`decisions.py`), or when news is told (`noise.py`).
"""

from datetime import datetime, timedelta

from msgspec.structs import replace

from job.core.comments import close_comment, reopen_comment, update_comment
from job.core.evidence import fingerprint
from job.core.ids import TicketId, TicketKey
from job.core.issues import Evidence, IssueStatus
from job.core.memory import Link
from job.core.noise import Telling, weigh
from job.core.recollection import recollection, written
from job.core.routes import CommentRule
from job.core.sheets import Sheet, comment_sheet
from job.core.sightings import sighting

EXAMPLE = "Next comment, for example: once a scan no longer finds it"
CLOSING = "Next comment: the issue is resolved"
REOPENING = "Next comment: the ticket is open again"
NEWS = "Next comment: what is new"
NO_NEWS = "Next comment: none, for nothing is new"


def next_comment(now: Evidence, *, before: Evidence | None, halo_link: str, at: datetime) -> Sheet:
    """After a ticket was told what was `before`; where that is not known, once it is over."""
    if now.issue.status is IssueStatus.RESOLVED or now.issue.gone:
        return comment_sheet(close_comment(now, halo_link=halo_link), title=CLOSING)
    if before is None:
        return example(now, halo_link=halo_link, at=at)
    if before.issue.status is IssueStatus.RESOLVED:
        because = "It was resolved in Halo and is active again."
        words = reopen_comment(now, because=because, halo_link=halo_link)
        return comment_sheet(words, title=REOPENING)
    rule = CommentRule(every=timedelta())
    weighed = weigh(now, link=_told(before), rule=rule, now=at)
    if weighed.telling is not Telling.TELL:
        return Sheet(title=NO_NEWS)
    return comment_sheet(update_comment(now, weighed=weighed, halo_link=halo_link), title=NEWS)


def example(now: Evidence, *, halo_link: str, at: datetime) -> Sheet:
    """How a ticket is closed in the end, if a scan passes now."""
    over = replace(
        now.issue,
        status=IssueStatus.RESOLVED,
        resolved_at=at,
        resolved_by="system",
        resolution="Halo detected that the issue has been remediated.",
    )
    words = close_comment(replace(now, issue=over), halo_link=halo_link)
    return comment_sheet(words, title=EXAMPLE)


def _told(before: Evidence) -> Link:
    """The memory of a ticket that was told this."""
    return Link(
        issue_id=before.issue.id,
        ticket_id=TicketId(""),
        ticket_key=TicketKey(""),
        version=before.issue.version,
        fingerprint=fingerprint(before),
        live=True,
        recalls=written(recollection(sighting(before), before=None)),
    )
