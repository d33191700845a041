"""The actions of a plan as people look at them: those that are alike together, the worst first.

Promises: every action of a plan is in exactly one group; nothing is unpacked to count or order it.
Does not do: showing them (`console/planned.py`).
"""

from collections import defaultdict
from collections.abc import Iterator
from enum import StrEnum

from msgspec import Struct

from job.core.model import Action, Reason
from job.core.plan import Plan
from job.core.shelf import Shelved


class Turn(StrEnum):
    """When actions come to be done."""

    NOW = "now"
    LATER = "later"
    """In a later run, for this one has no room for them."""
    HELD = "held"
    """Once somebody approves them."""


class Group(Struct, frozen=True, kw_only=True):
    """Actions of one kind, for one reason, by one route into one project."""

    turn: Turn
    action: Action
    reason: Reason
    route: str
    project: str
    members: tuple[Shelved, ...]
    """The most urgent first."""


def groups(plan: Plan) -> Iterator[Group]:
    """What is done now comes before what waits, and of that creates come first; of several reasons
    or routes the one with the most actions.
    """
    turns = {Turn.NOW: plan.decisions, Turn.LATER: plan.deferred, Turn.HELD: plan.held}
    for turn, row in turns.items():
        found: defaultdict[tuple[Action, Reason, str, str], list[Shelved]] = defaultdict(list)
        for shelved in row.shelved:
            if shelved.action:
                to = shelved.destination
                found[shelved.action, shelved.reason, to.name, to.project].append(shelved)
        order = {action: place for place, action in enumerate(Action)}
        for key in sorted(found, key=lambda key: (order[key[0]], -len(found[key]), key)):
            action, reason, route, project = key
            yield Group(
                turn=turn,
                action=action,
                reason=reason,
                route=route,
                project=project,
                members=tuple(sorted(found[key], key=lambda one: one.urgency)),
            )
