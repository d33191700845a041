"""Nothing is closed because it is absent: before we close, Halo has called the issue resolved."""

from collections.abc import Iterator, Sequence

from job.sim.jira.people import Snapshot
from tests.kit.oracle.diary import Diary
from tests.kit.oracle.reading import CLOSED, issue_of


def closes_without_evidence(tickets: Sequence[Snapshot], *, diary: Diary) -> Iterator[str]:
    """A ticket that we closed before Halo said anything."""
    for ticket in tickets:
        for change in ticket.history:
            if change.what == "status" and change.ours and change.after in CLOSED:
                issue_id = issue_of(ticket)
                if not diary.was_resolved_by(issue_id, at=change.at):
                    yield (
                        f"we closed {ticket.key} at {change.at}, "
                        f"and Halo had never said that {issue_id} was resolved"
                    )
