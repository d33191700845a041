"""A ticket's ways through its workflow: which transitions exist, which one to take, and how.

Promises: a transition that asks for what we cannot give is never tried; who finds no way is told
which ways there are; a comment comes along only where the screen lists one.
Does not do: walking over several transitions, remembering, or filling screens (`screens.py`).
"""

from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from job.core.comments import Comment
from job.core.model import Ticket
from job.core.routes import Goal, Purpose
from job.core.statuses import Status, spelled
from job.core.ways import ChosenTransition
from job.errors import FateUnknown, NoTransition, TicketRejected, UnusableValue
from job.http.message import Request, Response
from job.jira.wire.comments import remark
from job.jira.wire.exchange import REJECTED, REMOTE, Site, complaint, readable, rejection
from job.jira.wire.screens import Screen, filled, screen
from job.jira.wire.tickets import status

LISTING = "listing transitions"


class Transition(Struct, frozen=True, kw_only=True):
    """One transition out of a status."""

    id: str
    name: str
    to: Status
    available: bool
    screen: Screen


def listing(site: Site, ticket: Ticket) -> Request:
    return site.request(
        "GET /rest/api/3/issue/{id}/transitions",
        ids={"id": ticket.id},
        query={"expand": "transitions.fields"},
    )


def transitions(body: Any) -> tuple[Transition, ...]:
    with readable(LISTING):
        return tuple(_transition(raw) for raw in body["transitions"])


def choose(ways: Sequence[Transition], *, ticket: Ticket, goal: Goal) -> ChosenTransition:
    """By the configured name if there is one of it, else by the status it leads to; a new ticket's
    first status the other way round. Raises `NoTransition`.
    """
    fitting = _fitting(ways, goal=goal)
    if not fitting:
        raise _no_way(ways, ticket=ticket, goal=goal, why="no transition fits.")
    usable = [way for way in fitting if not _obstacle(way, goal=goal)]
    if not usable:
        why = " ".join(f"{way.name} {_obstacle(way, goal=goal)}." for way in fitting)
        raise _no_way(ways, ticket=ticket, goal=goal, why=why)
    best = min(
        usable,
        key=lambda way: (
            not way.available,
            not goal.is_reached(way.to),
            not way.to.among(goal.statuses),
            len(filled(way.screen, goal=goal).own),
            _number(way.id),
        ),
    )
    sent = filled(best.screen, goal=goal)
    return ChosenTransition(
        id=best.id,
        name=best.name,
        to=best.to,
        fields=sent.fields,
        own=sent.own,
        carries_comment=best.screen.lists_comment,
        needs_comment=best.screen.needs_comment,
    )


def take(
    site: Site,
    ticket: Ticket,
    *,
    chosen: ChosenTransition,
    own: Any = None,
    comment: Comment | None = None,
) -> Request:
    """Never repeated by itself: taking a transition twice may walk on, or fire the workflow's own
    actions twice. `own` are the ticket's own values of fields that the screen requires.
    """
    body: dict[str, Any] = {"transition": {"id": chosen.id}}
    if fields := {**chosen.fields, **(own or {})}:
        body["fields"] = fields
    if comment is not None:
        added = remark(comment.body, marker=comment.marker, public=comment.public)
        body["update"] = {"comment": [{"add": added}]}
    return site.request(
        "POST /rest/api/3/issue/{id}/transitions",
        ids={"id": ticket.id},
        body=body,
        repeatable=False,
        deadline_s=60.0,
        subject=ticket.id,
    )


def taken(response: Response, *, doing: str) -> None:
    """Raises `TicketRejected` or `FateUnknown` unless Jira confirms the transition: 204 and nothing
    more.
    """
    if response.status in REJECTED:
        raise rejection(response, doing=doing)
    if response.status != 204:
        raise FateUnknown(REMOTE, doing, f"it answered {response.status}: {complaint(response)}")


def may_pass(failure: TicketRejected) -> bool:
    """Whether a refusal is of the kind that ends by itself: somebody else was writing just then."""
    return failure.status == 409


def _transition(raw: Any) -> Transition:
    return Transition(
        id=str(raw["id"]),
        name=raw["name"],
        to=status(raw["to"]),
        available=raw.get("isAvailable", True),
        screen=screen(raw.get("fields") or {}),
    )


def _fitting(ways: Sequence[Transition], *, goal: Goal) -> list[Transition]:
    wanted = spelled(goal.transition)
    named = [way for way in ways if wanted and wanted in (spelled(way.name), way.id)]
    leading = [way for way in ways if way.to.among(goal.statuses)]
    return leading or named if goal.purpose is Purpose.BEGIN else named or leading


def _obstacle(way: Transition, *, goal: Goal) -> str:
    """Why we cannot take this way; "" when we can, as far as its screen tells."""
    try:
        filled(way.screen, goal=goal)
    except UnusableValue as error:
        return str(error).rstrip(".")
    return ""


def _no_way(ways: Sequence[Transition], *, ticket: Ticket, goal: Goal, why: str) -> NoTransition:
    places = f"a way to {' / '.join(goal.statuses)}" if goal.statuses else ""
    wanted = " or ".join(filter(None, (goal.transition, places)))
    there = (
        ", ".join(f"{way.name} → {way.to}" for way in ways)
        or "none (may we transition tickets there?)"
    )
    return NoTransition(
        f"{ticket.key} in {ticket.status} needs {wanted}: {why} Transitions there: {there}."
    )


def _number(transition_id: str) -> tuple[int, str]:
    return (int(transition_id) if transition_id.isdecimal() else 0, transition_id)
