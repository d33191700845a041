"""Whether a ticket that was moved is where it should be, and what is to be said if it is not.

Promises: what counts is how the ticket stands when it is read again, not what the transition said;
a status that the settings do not name is told with the variable that should name it.
Does not do: reading it (`flow/sight.py`).
"""

from enum import StrEnum
from typing import assert_never

from msgspec import Struct

from job.core.model import Decision, Ticket
from job.core.routes import Goal, Purpose
from job.errors import IssueFailed, StatusUnnamed, Unmoved


class Arrival(StrEnum):
    """How a ticket stands after a transition that Jira confirmed."""

    THERE = "there"
    UNMOVED = "unmoved"
    """Where it stood before, although Jira confirmed."""
    ELSEWHERE = "elsewhere"


class Journey(Struct, frozen=True, kw_only=True):
    """One transition that was confirmed: from where, to where, and what for."""

    goal: Goal
    before: Ticket
    after: Ticket
    """As the transition promises."""


def arrival(journey: Journey, *, decision: Decision, now: Ticket) -> Arrival:
    """How the ticket stands by what was read of it now."""
    if _is_there(journey, decision=decision, now=now):
        return Arrival.THERE
    return Arrival.UNMOVED if now.status == journey.before.status else Arrival.ELSEWHERE


def _is_there(journey: Journey, *, decision: Decision, now: Ticket) -> bool:
    workflow, standing = decision.destination.workflow, now.standing
    match journey.goal.purpose:
        case Purpose.CLOSE:
            return workflow.is_closed(standing)
        case Purpose.REOPEN:
            return journey.goal.is_reached(standing) and not workflow.is_closed_unnamed(standing)
        case Purpose.BEGIN:
            return now.status != journey.before.status or now.status == journey.after.status
    assert_never(journey.goal.purpose)


def complaint(journey: Journey, *, decision: Decision, now: Ticket) -> IssueFailed:
    """What is wrong with a ticket that is not where it should be."""
    key, goal = now.key, journey.goal
    if arrival(journey, decision=decision, now=now) is Arrival.UNMOVED:
        return Unmoved(
            f"Jira confirmed that {key} was moved to {journey.after.status}, twice, and it still "
            f"stands in {now.status}."
        )
    if now.status != journey.after.status:
        return Unmoved(
            f"{key} was moved to {journey.after.status} and stands in {now.status}: a person or a "
            "rule of the site has moved it on."
        )
    if goal.purpose is Purpose.CLOSE:
        return StatusUnnamed(
            f"The transition that closes took {key} to {_named(now)}, which no setting calls "
            "closed. Add it to ISSUE_STATUS_CLOSED if such tickets may be reopened, or to "
            "STATUS_HARD_CLOSED if never; or set ISSUE_CLOSE_TRANSITION to another one."
        )
    return StatusUnnamed(
        f"The transition that reopens took {key} to {_named(now)}, where work is over. Set "
        "ISSUE_REOPEN_TRANSITION to one that leads to a status of open tickets."
    )


def _named(ticket: Ticket) -> str:
    status = ticket.standing
    return f'"{status}" (id {status.id})' if status.id else f'"{status}"'
