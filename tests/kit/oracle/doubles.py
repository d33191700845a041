"""No issue ever has two live tickets of ours."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import pairwise

from job.sim.jira.people import Snapshot
from tests.kit.oracle.diary import Diary
from tests.kit.oracle.reading import HARD_CLOSED, issue_of, status_at


def doubles(tickets: Sequence[Snapshot], *, diary: Diary) -> Iterator[str]:
    """Two tickets that we made for one issue, the second while the first was there and not
    hard-closed.
    """
    by_issue: dict[str, list[Snapshot]] = defaultdict(list)
    for ticket in tickets:
        if ticket.ours and not ticket.again:
            by_issue[issue_of(ticket)].append(ticket)
    for issue_id, made in by_issue.items():
        oldest_first = sorted(made, key=lambda ticket: (ticket.created_at, ticket.id))
        for earlier, later in pairwise(oldest_first):
            if not _was_over(earlier, at=later.created_at, diary=diary):
                yield f"{issue_id} got {later.key} while {earlier.key} was alive"


def _was_over(ticket: Snapshot, *, at: datetime, diary: Diary) -> bool:
    """Whether a ticket was deleted or hard-closed by then."""
    if ticket.id in diary.deleted and diary.deleted[ticket.id] <= at:
        return True
    return status_at(ticket, at=at) == HARD_CLOSED
