"""What a person decided on a ticket stands."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import zip_longest

from job.sim.jira.people import Snapshot
from tests.kit.oracle.diary import Diary
from tests.kit.oracle.reading import ACCEPTED, issue_of, own_comments

ON_THE_WAY = timedelta(minutes=30)
"""What was sent before a person moved the ticket may still have its effect."""
FOREVER = datetime.max.replace(tzinfo=UTC)


def persons_overruled(tickets: Sequence[Snapshot], *, diary: Diary) -> Iterator[str]:
    """A first status that we gave to a ticket which a person had moved by then. One that a person
    put back to where it began looks like one that was never moved.
    """
    if not diary.first_status:
        return
    for ticket in tickets:
        moves = [change for change in ticket.history if change.what == "status"]
        for place, change in enumerate(moves):
            is_first_status = change.ours and change.after == diary.first_status
            was_moved = any(not earlier.ours for earlier in moves[:place])
            is_back = change.before == moves[0].before
            if is_first_status and not change.late and was_moved and not is_back:
                yield f"{ticket.key} got its first status at {change.at}, after a person moved it"


def acceptance_disturbed(tickets: Sequence[Snapshot], *, diary: Diary) -> Iterator[str]:
    """A word of ours, or a move, on a ticket whose risk people accept, although Halo had never
    called the issue resolved.
    """
    for ticket in tickets:
        for since, until in _accepted(ticket):
            if diary.was_resolved_by(issue_of(ticket), at=until):
                continue
            said = [comment.created_at for comment, _ in own_comments(ticket)]
            if any(since + ON_THE_WAY < at < until for at in said):
                yield f"{ticket.key} was told something while people accepted its risk"
            if any(
                change.ours and not change.late and change.at == until for change in ticket.history
            ):
                yield f"{ticket.key} was moved while people accepted its risk"


def _accepted(ticket: Snapshot) -> Iterator[tuple[datetime, datetime]]:
    """From when until when it stood there."""
    moves = [change for change in ticket.history if change.what == "status"]
    for change, following in zip_longest(moves, moves[1:]):
        if change.after == ACCEPTED:
            yield change.at, following.at if following else FOREVER
