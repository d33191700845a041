"""Once faults have stopped and the clean runs are over, nothing is lost: each issue has the ticket,
the status and the news that Halo's last word asks for.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

from job.sim.halo.estate import HaloIssue
from job.sim.jira.people import Snapshot
from tests.kit.oracle.diary import Diary
from tests.kit.oracle.reading import (
    ACCEPTED,
    CLOSED,
    HARD_CLOSED,
    UNNAMED,
    Word,
    description_of,
    issue_of,
    lacks_evidence,
    own_comments,
    revision_after,
    tells_evidence,
    word_of,
)


def unrest(
    issues: Sequence[HaloIssue], *, tickets: Sequence[Snapshot], diary: Diary
) -> Iterator[str]:
    """What is not as it must be about any of these issues. A twin of a ticket that is over is not
    known to us: it may arrive when nobody looks for it any more.
    """
    live: dict[str, list[Snapshot]] = defaultdict(list)
    over: set[str] = set()
    for ticket in tickets:
        if ticket.deleted or ticket.status == HARD_CLOSED:
            over.add(issue_of(ticket))
        elif ticket.ours:
            live[issue_of(ticket)].append(ticket)
    for issue in issues:
        if issue.forgotten:
            continue
        mine = live[issue.id]
        if issue.status == "active":
            yield from _of_active(issue.id, tickets=mine, diary=diary)
        elif not mine and issue.id not in over:
            yield f"resolved {issue.id} has no ticket"
        elif not (issue.id in over and all(ticket.again for ticket in mine)):
            yield from _best(mine, issue_id=issue.id, wrong=_of_resolved, diary=diary)


def _of_active(issue_id: str, *, tickets: list[Snapshot], diary: Diary) -> Iterator[str]:
    """One ticket, but for those that the vendor made of one request a second time."""
    once = [ticket for ticket in tickets if not ticket.again]
    if not tickets or len(once) > 1:
        keys = [ticket.key for ticket in tickets]
        yield f"active {issue_id} has {len(tickets)} live tickets: {keys}"
    yield from _best(tickets, issue_id=issue_id, wrong=_of_open, diary=diary)


def _best(
    tickets: list[Snapshot], *, issue_id: str, wrong: Callable[..., Iterator[str]], diary: Diary
) -> Iterator[str]:
    """Of a ticket and its twin only one is kept; what is wrong with the better of them counts."""
    judged = [list(wrong(ticket, issue_id=issue_id, diary=diary)) for ticket in tickets]
    yield from min(judged, key=len, default=[])


def _of_resolved(ticket: Snapshot, *, issue_id: str, diary: Diary) -> Iterator[str]:
    if ticket.status not in CLOSED | {UNNAMED}:
        yield f"{ticket.key} is {ticket.status}, but {issue_id} is resolved"


def _of_open(ticket: Snapshot, *, issue_id: str, diary: Diary) -> Iterator[str]:
    if ticket.status in CLOSED:
        yield f"{ticket.key} is {ticket.status}, but {issue_id} is active"
    moved = any(change.what == "status" for change in ticket.history)
    was_over = "Resolved in Halo" in description_of(ticket)
    is_owed = diary.first_status and not was_over and issue_id not in diary.blurred
    if is_owed and not moved:
        yield f"{ticket.key} never got its first status"
    if any(change.after == ACCEPTED for change in ticket.history):
        return  # what was seen while people accepted the risk is told with the next news
    if issue_id in diary.evidence:
        yield from _untold(ticket, issue_id=issue_id, revision=diary.evidence[issue_id])
    elif issue_id in diary.news:
        yield from _unmentioned(ticket, issue_id=issue_id, news_at=diary.news[issue_id])


def _untold(ticket: Snapshot, *, issue_id: str, revision: int) -> Iterator[str]:
    """The last evidence that the ticket shows is not the newest. Where it says that there is none
    to be had, that is what was found when it was last looked for.
    """
    told = [description_of(ticket), *(text for _, text in own_comments(ticket))]
    open_words = [text for text in told if word_of(text) is not Word.CLOSE or text == told[0]]
    read = [text for text in open_words if tells_evidence(text)] or [told[0]]
    last = read[-1]
    shown = revision_after(read)
    if shown != revision and not lacks_evidence(last):
        yield f"{ticket.key} shows evidence {shown} of {issue_id}, the newest is {revision}"


def _unmentioned(ticket: Snapshot, *, issue_id: str, news_at: datetime) -> Iterator[str]:
    """Where whoever drives the worlds does not say what changed: nothing was said since."""
    told = [ticket.created_at, *(comment.created_at for comment, _ in own_comments(ticket))]
    if max(told) < news_at:
        yield f"{ticket.key} was never told what changed about {issue_id} at {news_at}"
