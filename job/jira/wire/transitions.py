"""A ticket's ways through its workflow: which transitions exist, which one to take, and how.

Promises: a required resolution is filled with an allowed one; a transition that asks for anything
else is never tried; who finds no way is told which ways there are.
Does not do: walking over several transitions, remembering.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from msgspec import Struct

from job.core.model import Ticket
from job.core.routes import Goal
from job.core.shape import Allowed
from job.errors import FateUnknown, NoTransition, SyncError, TicketRejected
from job.http.message import Request, Response
from job.jira.wire.exchange import REJECTED, REMOTE, Site, complaint, readable, rejection
from job.jira.wire.metadata import allowed
from job.ports import ChosenTransition

LISTING = "listing transitions"


class Transition(Struct, frozen=True, kw_only=True):
    """One transition out of a status."""

    id: str
    name: str
    to_status: str
    available: bool
    resolutions: tuple[Allowed, ...] | None
    """What a required resolution may be; `None` where the screen requires none."""
    demands: tuple[str, ...]
    """The names of other required fields without a default."""


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
    """By the configured name if there is one of it, else by the status it leads to. Raises
    `NoTransition`.
    """
    statuses = {status.casefold() for status in goal.statuses}
    named = [
        way for way in ways if goal.transition and way.name.casefold() == goal.transition.casefold()
    ]
    fitting = named or [way for way in ways if way.to_status.casefold() in statuses]
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
            way.to_status.casefold() not in statuses,
            _number(way.id),
        ),
    )
    return ChosenTransition(
        id=best.id, name=best.name, to_status=best.to_status, fields=_fields(best, goal=goal)
    )


def arrived(ticket: Ticket, *, wanted: Collection[str]) -> bool:
    """Whether the ticket stands in one of these statuses, whoever brought it there."""
    return ticket.status.casefold() in {status.casefold() for status in wanted}


def curable(failure: SyncError) -> bool:
    """Whether to try again a move that failed, although the ticket was read anew and is not where
    it should be.

    400, 404 and 409 come when somebody else moved it or changed the workflow. 403, 413 and 422
    would come again, and a missing way has been looked for twice.
    """
    if isinstance(failure, TicketRejected):
        return failure.status in {400, 404, 409}
    return isinstance(failure, FateUnknown)


def take(site: Site, ticket: Ticket, *, chosen: ChosenTransition) -> Request:
    """Never repeated by itself: taking a transition twice may walk on, or fire the workflow's own
    actions twice.
    """
    body: dict[str, Any] = {"transition": {"id": chosen.id}} | (
        {"fields": dict(chosen.fields)} if chosen.fields else {}
    )
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


def _transition(raw: Any) -> Transition:
    required = {
        name: field
        for name, field in (raw.get("fields") or {}).items()
        if field["required"] and not field.get("hasDefaultValue", False)
    }
    resolution: Mapping[str, Any] | None = required.pop("resolution", None)
    resolutions = None
    if resolution is not None:
        resolutions = tuple(allowed(resolution.get("allowedValues") or ()))
    return Transition(
        id=str(raw["id"]),
        name=raw["name"],
        to_status=raw["to"]["name"],
        available=raw.get("isAvailable", True),
        resolutions=resolutions,
        demands=tuple(field.get("name", name) for name, field in required.items()),
    )


def _obstacle(way: Transition, *, goal: Goal) -> str:
    """Why we cannot take this way; "" when we can."""
    if way.demands:
        return f"asks for {', '.join(way.demands)}, which we cannot fill"
    if way.resolutions is not None and _resolution(way.resolutions, wanted=goal.resolution) is None:
        names = ", ".join(known.name for known in way.resolutions) or "none"
        wanted = goal.resolution or "none"
        return f"asks for a resolution and {wanted} is not allowed (allowed: {names})"
    return ""


def _fields(way: Transition, *, goal: Goal) -> dict[str, Any]:
    """Only what the screen requires: a field that is not on it would be refused."""
    chosen = _resolution(way.resolutions or (), wanted=goal.resolution)
    return {"resolution": {"id": chosen.id}} if chosen else {}


def _resolution(known: Iterable[Allowed], *, wanted: str) -> Allowed | None:
    """The configured one, by name or id, and no other; without one `Done`, else the first."""
    ranked = list(known)
    if wanted:
        named = (resolution for resolution in ranked if _is(resolution, wanted))
        return next(named, None)
    done = (resolution for resolution in ranked if _is(resolution, "done"))
    return next(done, ranked[0] if ranked else None)


def _is(resolution: Allowed, wanted: str) -> bool:
    return wanted.casefold() in (resolution.name.casefold(), resolution.id)


def _no_way(ways: Sequence[Transition], *, ticket: Ticket, goal: Goal, why: str) -> NoTransition:
    wanted = " or ".join(
        filter(
            None,
            (goal.transition, f"a way to {' / '.join(goal.statuses)}" if goal.statuses else ""),
        )
    )
    there = (
        ", ".join(f"{way.name} → {way.to_status}" for way in ways)
        or "none (may we transition tickets there?)"
    )
    return NoTransition(
        f"{ticket.key} in {ticket.status} needs {wanted}: {why} Transitions there: {there}."
    )


def _number(transition_id: str) -> tuple[int, str]:
    return (int(transition_id) if transition_id.isdecimal() else 0, transition_id)
