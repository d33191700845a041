"""No ticket is made of an issue that was old before the first run looked, unless the settings or a
person asked for it.
"""

from collections.abc import Iterator, Sequence

from job.sim.jira.people import Snapshot
from tests.kit.oracle.diary import Diary
from tests.kit.oracle.reading import issue_of


def unasked(tickets: Sequence[Snapshot], *, diary: Diary) -> Iterator[str]:
    """A ticket of ours for an issue that is to be left alone."""
    for ticket in tickets:
        issue_id = issue_of(ticket)
        if ticket.ours and issue_id in diary.alone:
            yield f"nobody asked for {ticket.key}: {issue_id} was old when all began"
