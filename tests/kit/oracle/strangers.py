"""Nothing is ever written to a ticket of another issue, or of none."""

from collections.abc import Iterator, Sequence

from job.sim.jira.people import Snapshot
from tests.kit.oracle.diary import Diary
from tests.kit.oracle.reading import issues_in, names_ever, own_comments


def strangers_written_to(tickets: Sequence[Snapshot], *, diary: Diary) -> Iterator[str]:
    """A comment that speaks of another issue than its ticket, and any write to one that never named
    an issue.
    """
    del diary
    for ticket in tickets:
        named = names_ever(ticket)
        for comment, text in own_comments(ticket):
            if not named or issues_in(text) - named:
                yield f"{ticket.key} is of {named or 'no issue'}, and we said there: {text[:60]}"
            del comment
        moved = [change for change in ticket.history if change.ours and not change.late]
        if moved and not named:
            yield f"{ticket.key} is of no issue, and we changed its {moved[0].what}"
