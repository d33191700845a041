"""Ends of actions that are not done, and what outcomes mean for memory: links, intents, parking.

Promises: a failed issue is parked with its error and a next try; a write of unknown fate keeps its
intent; a ticket that Jira did not show has one miss more.
Does not do: writing to the store (`flow/apply.py`, `flow/run.py`).
"""

from collections.abc import Collection, Iterable, Iterator
from datetime import datetime, timedelta
from typing import assert_never

from msgspec.structs import replace

from job.core.backlog import Backlog
from job.core.ids import IssueId
from job.core.links import link_to
from job.core.memory import Changes, Link, Parked
from job.core.model import (
    Action,
    Afterwards,
    Case,
    Decision,
    Outcome,
    OutcomeKind,
    Reason,
    kind_of,
)

FIRST_RETRY = timedelta(minutes=10)
LONGEST_RETRY = timedelta(hours=24)
PARKED_TOO_LONG = timedelta(days=7)
"""After so long a parked issue is shouted about in every run. It is never dropped."""


# --- Changes for the store ------------------------------------------------------------------------


def after(
    outcomes: Collection[Outcome],
    *,
    standing: Collection[IssueId],
    now: datetime,
    settings_digest: str,
) -> Changes:
    """What to write once some actions have ended. `standing` are the issues that have an intent in
    the store.
    """
    over = [outcome for outcome in outcomes if outcome.kind is not OutcomeKind.UNKNOWN]
    failed = [outcome for outcome in outcomes if outcome.kind is OutcomeKind.FAILED]
    well = [
        outcome.decision.case
        for outcome in outcomes
        if outcome.kind in {OutcomeKind.DONE, OutcomeKind.UNCHANGED}
    ]
    return Changes(
        links=tuple(outcome.link for outcome in outcomes if outcome.link is not None),
        settled=tuple(
            issue_id for outcome in over if (issue_id := outcome.decision.case.issue.id) in standing
        ),
        parked=tuple(
            park(
                failure.decision.case,
                error_class=failure.error_class,
                message=failure.message,
                now=now,
                under=settings_digest,
                tried=failure.decision.action,
            )
            for failure in failed
        ),
        released=tuple(case.issue.id for case in well if case.parked is not None),
    )


def quietly(decisions: Iterable[Decision], *, now: datetime, settings_digest: str) -> Changes:
    """What to write for decisions without an action: mostly nothing, else the version or the miss
    that was seen.
    """
    links: list[Link] = []
    noted: list[Backlog] = []
    settled: list[IssueId] = []
    parked: list[Parked] = []
    released: list[IssueId] = []
    for decision in decisions:
        case = decision.case
        links.extend(_remembered(decision, now=now))
        noted.extend(_noted(decision))
        match decision.afterwards:
            case Afterwards.PARK:
                reason, because = decision.reason, decision.because
                parked.append(
                    park(case, error_class=reason, message=because, now=now, under=settings_digest)
                )
            case Afterwards.REMEMBER:
                settled.extend([case.issue.id] if case.intent else [])
                released.extend([case.issue.id] if case.parked else [])
            case Afterwards.WAIT:
                pass  # its intent stands, and it holds the watermark
            case _:
                assert_never(decision.afterwards)
    return Changes(
        links=tuple(links),
        settled=tuple(settled),
        parked=tuple(parked),
        released=tuple(released),
        backlog=tuple(noted),
    )


def _noted(decision: Decision) -> Iterator[Backlog]:
    """That an issue is left alone because it was old before the first run looked."""
    if decision.reason is Reason.BACKLOG and decision.case.noting is not None:
        yield decision.case.noting


def leaves_a_trace(decision: Decision, *, now: datetime) -> bool:
    """Whether `quietly` would write anything for a decision without an action."""
    match decision.afterwards:
        case Afterwards.PARK:
            return True
        case Afterwards.WAIT:
            return False
        case Afterwards.REMEMBER:
            noted = decision.case.intent or decision.case.parked
            if any(_noted(decision)):
                return True
            return bool(noted) or any(_remembered(decision, now=now))
    assert_never(decision.afterwards)


def _remembered(decision: Decision, *, now: datetime) -> Iterator[Link]:
    """The link, where it is another one now."""
    case, link = decision.case, decision.case.link
    workflow, ticket = decision.destination.workflow, case.ticket
    accepted = ticket is not None and workflow.is_accepted(ticket.standing)
    if decision.reason is Reason.ISSUE_GONE and case.ticket is not None:
        yield link_to(case.ticket, case=case, now=now, accepted=accepted)
        return
    if link is None:
        return
    if decision.afterwards is Afterwards.PARK and case.stranger is None:
        yield replace(link, misses=link.misses + 1, updated_at=now)
    elif decision.afterwards is Afterwards.REMEMBER:
        if case.ticket is None:
            renewed = replace(link, version=case.issue.version, live=False, updated_at=now)
        else:
            renewed = link_to(case.ticket, case=case, now=now, accepted=accepted)
            if decision.reason is Reason.ALREADY_CLOSED:
                renewed = replace(renewed, live=False)
        if renewed != replace(link, updated_at=now):
            yield renewed


def park(
    case: Case,
    *,
    error_class: str,
    message: str,
    now: datetime,
    under: str,
    tried: Action | None = None,
) -> Parked:
    """Sets an issue aside: the first try again comes within 15 minutes, each later one after twice
    as long. `tried` is the action that failed.
    """
    before = case.parked.tried if case.parked else ""
    kind = kind_of(tried) if tried else None
    attempts = case.parked.attempts + 1 if case.parked else 1
    return Parked(
        issue_id=case.issue.id,
        version=case.issue.version,
        error_class=error_class,
        message=message,
        attempts=attempts,
        first_at=case.parked.first_at if case.parked else now,
        next_at=now + min(FIRST_RETRY * 2 ** min(attempts - 1, 16), LONGEST_RETRY),
        settings_digest=under,
        tried=kind or before,
    )


# --- Actions that did not come to their end -------------------------------------------------------


def deferred(decision: Decision, *, because: str, link: Link | None = None) -> Outcome:
    """It was not begun, or not ended, and a later run does it."""
    return Outcome(decision=decision, kind=OutcomeKind.DEFERRED, link=link, message=because)


def unknown(decision: Decision, *, because: str, link: Link | None = None) -> Outcome:
    """A write was sent, and nobody knows whether it arrived."""
    return Outcome(decision=decision, kind=OutcomeKind.UNKNOWN, link=link, message=because)
