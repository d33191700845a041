"""When evidence that could not be read is asked for again, whether Halo touches its issue or not.

Promises: soon at first, then each time after twice as long, and no more after a day: by then it is
gone rather than late, and Halo's next scan brings other evidence.
Does not do: reading it (`flow/prepare.py`), or saying that it could not be read (`kinds/`).
"""

from datetime import datetime, timedelta

from msgspec.structs import replace

from job.core.findings import Gone, Unreadable
from job.core.issues import Evidence, IssueStatus
from job.core.memory import Link
from job.core.recollection import Moves, moves_remembered, moves_written

FIRST_AFTER = timedelta(minutes=10)
NO_MORE_AFTER = timedelta(days=1)


def asked_again(link: Link, *, evidence: Evidence, before: Link, now: datetime) -> Link:
    """The link with when its issue is looked at again, where the evidence could not be read and
    nothing is gathered. `before` is the link as it was until now.
    """
    is_unread = isinstance(evidence.finding, Gone | Unreadable)
    if link.tell_at or not is_unread or evidence.issue.status is not IssueStatus.ACTIVE:
        return link
    since = _since(moves_remembered(before.gathered)) or now
    if now - since > NO_MORE_AFTER:
        return link
    moves = Moves(since=since.isoformat(timespec="seconds"))
    return replace(link, gathered=moves_written(moves), tell_at=now + max(FIRST_AFTER, now - since))


def gathered(moves: Moves | None) -> Moves | None:
    """What has moved; `None` where a note says only since when the evidence cannot be read."""
    return moves if moves and moves.count else None


def _since(moves: Moves | None) -> datetime | None:
    return None if moves is None or moves.count else datetime.fromisoformat(moves.since)
