"""All decisions of a run, ordered and counted, with the limits that a plan may not pass unapproved.

Promises: the same decisions make the same plan and the same digest; over a limit nothing of the
plan may be written, and the error names the limit, the counts and the way to approve exactly this
plan. Closes that wait behind the cap of a run count for their limit too.
Does not do: deciding about single issues (`decisions.py`), or holding decisions (`shelf.py`).
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from operator import attrgetter

from msgspec import Struct, field

from job.core.model import Action
from job.core.shelf import Held, Row
from job.errors import UnsafePlan

DIGEST_LENGTH = 16
CLOSE_FLOOR = 10
STRANGERS_SHOWN = 3
GUARDED = frozenset({Action.CREATE, Action.CREATE_AND_CLOSE, Action.REOPEN, Action.CLOSE})


class Limits(Struct, frozen=True, kw_only=True):
    """How much one run may do unapproved. 0 is no limit, except for closes: there 0 percent allows
    just the floor.
    """

    close_percent_max: int = 30
    create_max: int = 0
    reopen_max: int = 0


class Plan(Struct, frozen=True, kw_only=True):
    """What a run is about to do, oldest change first."""

    decisions: Row
    """Those with an action, to be carried out in this run."""
    deferred: Row = field(default_factory=Row)
    """Those with an action beyond the cap of a run; they wait for the next one."""
    quiet: Row = field(default_factory=Row)
    """Those without an action that are to be told or written down."""
    unmoved: int = 0
    """How many issues were looked at and need nothing at all."""

    @property
    def tally(self) -> Counter[Action]:
        """How many of each action are planned, deferred ones included."""
        return Counter(held.action for held in self.everything if held.action)

    @property
    def by_destination(self) -> dict[str, Counter[Action]]:
        """How many of each action are planned for each route that has any, by its name."""
        found: dict[str, Counter[Action]] = {}
        for held in self.everything:
            if held.action:
                found.setdefault(held.destination.name, Counter())[held.action] += 1
        return dict(sorted(found.items()))

    @property
    def everything(self) -> Iterator[Held]:
        """All that has an action, deferred or not."""
        return chain(self.decisions.held, self.deferred.held)

    @property
    def digest(self) -> str:
        """Names exactly the creates, reopens and closes of this plan. Comments are harmless and may
        come and go.
        """
        lines = sorted(_line(held) for held in self.decisions.held if held.action in GUARDED)
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:DIGEST_LENGTH]


def make_plan(held: Iterable[Held], *, at_most: int, unmoved: int = 0) -> Plan:
    """Orders decisions by when Halo touched their issues and cuts after `at_most` actions (0: no
    cut).
    """
    ordered = sorted(held, key=attrgetter("issue_id"))
    ordered.sort(key=attrgetter("touched_at"))
    acting = [decision for decision in ordered if decision.action]
    cut = at_most or len(acting)
    quiet = Row(tuple(decision for decision in ordered if not decision.action))
    return Plan(
        decisions=Row(tuple(acting[:cut])),
        deferred=Row(tuple(acting[cut:])),
        quiet=quiet,
        unmoved=unmoved,
    )


def guard(
    plan: Plan,
    *,
    limits: Limits,
    live_links: int,
    approved: str | None,
    strangers: Sequence[str] = (),
) -> None:
    """Raises `UnsafePlan` when the plan is over a limit and not approved, or not the plan that was
    approved. `strangers` are what tickets hold in the id field already, where a run knows of no
    ticket that was ever made and Halo knows none of it: no ticket is made beside them unapproved.
    """
    if approved == plan.digest:
        return
    broken = list(_broken(plan, limits=limits, live_links=live_links))
    if strangers and _creates(plan):
        broken.append(_strange(strangers))
    if approved is not None:
        moved = f"The approved plan {approved} is not today's plan {plan.digest}: "
        broken.insert(0, f"{moved}the world has moved since.")
    if broken:
        raise UnsafePlan(plan.digest, broken)


def _broken(plan: Plan, *, limits: Limits, live_links: int) -> Iterable[str]:
    """A sentence for each limit passed. Closes that wait behind the cap count too, lest a mass
    close come in slices.
    """
    now = Counter(held.action for held in plan.decisions.held)
    creates, reopens = _creates(plan), now[Action.REOPEN]
    closes, closes_max = (
        plan.tally[Action.CLOSE],
        max(CLOSE_FLOOR, live_links * limits.close_percent_max // 100),
    )
    if limits.create_max and creates > limits.create_max:
        yield f"MAX_CREATE allows {limits.create_max} new tickets in a run; the plan has {creates}."
    if limits.reopen_max and reopens > limits.reopen_max:
        allowed = f"MAX_REOPEN allows {limits.reopen_max} reopened tickets in a run"
        yield f"{allowed}; the plan has {reopens}."
    if closes > closes_max:
        share = f"{limits.close_percent_max} % of {live_links} open links, at least {CLOSE_FLOOR}"
        allowed = f"MAX_CLOSE_PERCENT allows {closes_max} closed tickets in a run ({share})"
        yield f"{allowed}; the plan has {closes}."


def _creates(plan: Plan) -> int:
    now = Counter(held.action for held in plan.decisions.held)
    return now[Action.CREATE] + now[Action.CREATE_AND_CLOSE]


def _strange(held: Sequence[str]) -> str:
    shown = ", ".join(f'"{text}"' for text in held[:STRANGERS_SHOWN])
    return (
        f"This run knows of no ticket that was ever made, but tickets are there that hold {shown} "
        "in the id field, and Halo knows none of these as an issue. They may be tickets of another "
        "Halo account or of another program: then every issue gets a second ticket."
    )


def _line(held: Held) -> str:
    where = held.destination.project
    return f"{held.action} {held.issue_id} {held.ticket_id or '-'} {where}"
