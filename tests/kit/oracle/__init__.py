"""The oracle: looks at both worlds from outside and says what is wrong. It shares no line with the
job, and believes nothing that the job says of itself.

It reads the vendors' own records (who created what and when, every status change with its author,
every comment with its words) and compares them with what happened in Halo and what people did,
which the `Diary` has. Every complaint is a sentence. Each rule is a generator of complaints in a
room of its own; whoever adds a rule adds it to one of the two tuples below.

    diary.py      what happened, noted by whoever drives the worlds
    reading.py    what a ticket or a comment says: whose it is, and which evidence it tells of

    ALWAYS, at any instant, even in the middle of a crash:
    doubles.py    no issue has two tickets of ours at once
    told.py       nothing is said twice, and nothing is closed without a word why
    closes.py     nothing is closed that Halo never called resolved
    strangers.py  nothing is written to a ticket of another issue, or of none
    unasked.py    no issue that was old before the first run looked gets a ticket unasked
    persons.py    nobody's ticket gets its first status after a person has moved it, and one whose
                  risk people accept is left alone

    AT REST, once faults have stopped and clean runs are over:
    rest.py       each issue has the ticket, the status and the news that Halo's last word asks for

A write that the vendor carries out a second time, or long after it was sent, is not the program's
doing: the simulated Jira says of such a ticket, comment or change that it came `again` or `late`.
"""

from collections.abc import Collection, Iterator

from job.sim.halo.api import HaloSim
from job.sim.jira.api import JiraSim
from tests.kit.oracle.closes import closes_without_evidence
from tests.kit.oracle.diary import Diary
from tests.kit.oracle.doubles import doubles
from tests.kit.oracle.persons import acceptance_disturbed, persons_overruled
from tests.kit.oracle.reading import ACCEPTED, CLOSED, HARD_CLOSED, ID_FIELD
from tests.kit.oracle.rest import unrest
from tests.kit.oracle.strangers import strangers_written_to
from tests.kit.oracle.told import marked_twice, told_badly
from tests.kit.oracle.unasked import unasked

__all__ = ["ACCEPTED", "CLOSED", "HARD_CLOSED", "ID_FIELD", "Diary", "always", "settled", "twice"]

ALWAYS = (
    doubles,
    told_badly,
    closes_without_evidence,
    strangers_written_to,
    persons_overruled,
    acceptance_disturbed,
    unasked,
)
AT_REST = (unrest,)


def always(jira: JiraSim, *, diary: Diary) -> Iterator[str]:
    """What must hold at any instant, even in the middle of a crash."""
    tickets = jira.people.tickets(deleted=True)
    for rule in ALWAYS:
        yield from rule(tickets, diary=diary)


def twice(jira: JiraSim) -> Iterator[str]:
    """Tickets and comments that exist twice, for whoever keeps no diary."""
    tickets = jira.people.tickets(deleted=True)
    yield from doubles(tickets, diary=Diary())
    for ticket in tickets:
        yield from marked_twice(ticket)


def settled(
    halo: HaloSim, *, jira: JiraSim, diary: Diary, free: Collection[str] = ()
) -> Iterator[str]:
    """What must hold once faults have stopped and the clean runs are over, except for the issues
    that are `free`.
    """
    tickets = jira.people.tickets(deleted=True)
    issues = [issue for issue in halo.estate.issues.values() if issue.id not in free]
    for rule in AT_REST:
        yield from rule(issues, tickets=tickets, diary=diary)
