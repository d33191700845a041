"""What a person decided on a ticket stands."""

from collections.abc import Iterator, Sequence

from job.sim.jira.people import Snapshot
from tests.kit.oracle.diary import Diary


def persons_overruled(tickets: Sequence[Snapshot], *, diary: Diary) -> Iterator[str]:
    """A first status that we gave to a ticket which a person had moved by then."""
    if not diary.first_status:
        return
    for ticket in tickets:
        moves = [change for change in ticket.history if change.what == "status"]
        for place, change in enumerate(moves):
            is_first_status = change.ours and change.after == diary.first_status
            if is_first_status and not change.late and any(not c.ours for c in moves[:place]):
                yield f"{ticket.key} got its first status at {change.at}, after a person moved it"
