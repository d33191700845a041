"""All decisions of a run, ordered and counted, and what limits make of them.

Promises: the same decisions make the same plan; what a run takes on is ordered by how often it was
tried in vain, then by when Halo touched it, so that what fails for ever delays nobody.
Does not do: deciding about single issues (`decisions.py`), saying what is over a limit
(`weigh.py`), or holding decisions in little room (`shelf.py`).
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import chain
from operator import attrgetter

from msgspec import Struct, field
from msgspec.structs import replace

from job.core.model import Action
from job.core.shelf import Row, Shelved


class Limits(Struct, frozen=True, kw_only=True):
    """How much may be done unapproved, by all tasks together. 0 is no limit, except for closes:
    there 0 percent allows just the floor, and 100 is no limit.
    """

    close_percent_max: int = 30
    create_max: int = 0
    reopen_max: int = 0
    slices: bool = False
    """Whether more creates than allowed go in slices, the worst first, instead of being held."""


class Plan(Struct, frozen=True, kw_only=True):
    """What a run is about to do."""

    decisions: Row
    """Those with an action, to be carried out in this run."""
    deferred: Row = field(default_factory=Row)
    """Those with an action for which this run has no room; they wait for the next one."""
    held: Row = field(default_factory=Row)
    """Those whose kind is over a limit; they wait until somebody approves them."""
    quiet: Row = field(default_factory=Row)
    """Those without an action that are to be told or written down."""
    unmoved: int = 0
    """How many issues were looked at and need nothing at all."""
    over: tuple[str, ...] = ()
    """A sentence for each limit that was passed, with its name and the counts."""
    digest: str = ""
    """Names what is held; "" when nothing is."""
    sliced: int = 0
    """How many new tickets wait for a later slice."""
    backlog: str = ""
    """A sentence about what is older than the first run looks back; "" once that run is over."""
    pace: str = ""
    """A sentence about those, and until when they wait; "" when none do."""

    @property
    def tally(self) -> Counter[Action]:
        """How many of each action are planned, those that wait included."""
        return Counter(shelved.action for shelved in self.everything if shelved.action)

    @property
    def by_destination(self) -> dict[str, Counter[Action]]:
        """How many of each action are planned for each route that has any, by its name."""
        found: dict[str, Counter[Action]] = {}
        for shelved in self.everything:
            if shelved.action:
                found.setdefault(shelved.destination.name, Counter())[shelved.action] += 1
        return dict(sorted(found.items()))

    @property
    def everything(self) -> Iterator[Shelved]:
        """All that has an action, whether it waits or not."""
        return chain(self.decisions.shelved, self.deferred.shelved, self.held.shelved)


def make_plan(shelf: Iterable[Shelved], *, unmoved: int = 0) -> Plan:
    """Orders decisions, and takes on all of them."""
    ordered = sorted(shelf, key=attrgetter("issue_id"))
    ordered.sort(key=attrgetter("attempts", "touched_at"))
    return Plan(
        decisions=Row(tuple(shelved for shelved in ordered if shelved.action)),
        quiet=Row(tuple(shelved for shelved in ordered if not shelved.action)),
        unmoved=unmoved,
    )


def capped(plan: Plan, *, at_most: int) -> Plan:
    """Takes on so many actions at most (0: no cap); the rest waits for the next run."""
    cut = at_most or len(plan.decisions)
    taken, left = plan.decisions.shelved[:cut], plan.decisions.shelved[cut:]
    return replace(plan, decisions=Row(taken), deferred=Row(left + plan.deferred.shelved))
