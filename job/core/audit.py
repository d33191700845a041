"""Finds counterexamples to the promises in what both sides and memory say of one issue.

Promises: what a run has not read yet, or has set aside in sight, is never called a counterexample;
what should be done is asked of the rules of a run.
Does not do: reading anything (`flow/audit.py`).
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from enum import StrEnum

from msgspec import Struct

from job.core.decisions import decide
from job.core.ids import IssueId, TicketKey
from job.core.model import Action, Case, Reason, Ticket
from job.core.policy import Policy


class Breach(StrEnum):
    """What must not be."""

    TWO_TICKETS = "two_tickets"
    LINK_STRANGE = "link_strange"
    NO_TICKET = "no_ticket"
    LEFT_OPEN = "left_open"
    NOT_SEEN_CLOSED = "not_seen_closed"


class Excuse(StrEnum):
    """Why an issue may be otherwise than its last word in Halo asks for."""

    UNREADABLE = "cannot be read"
    PARKED = "parked"
    UNSETTLED = "of unknown fate"
    HELD = "held"
    EXCLUDED = "excluded"
    BACKLOG = "left alone as old"
    NOT_READ = "not read yet"
    TOO_OLD = "too old"


class Counterexample(Struct, frozen=True, kw_only=True):
    """One promise that does not hold."""

    breach: Breach
    issue_id: IssueId
    tickets: tuple[TicketKey, ...]
    words: str


class Known(Struct, frozen=True, kw_only=True):
    """What the judging of all issues needs."""

    policy: Policy
    now: datetime
    read_from: datetime | None
    """From when on anything was ever read; `None` where nothing tells."""
    read_to: datetime
    """Up to when all is settled."""
    held: frozenset[IssueId] = frozenset()
    backlog: frozenset[IssueId] = frozenset()


def excuse(case: Case, *, known: Known) -> Excuse | None:
    """Why the issue may be otherwise; `None` where it may not."""
    issue = case.issue
    reasons = (
        (issue.unreadable or case.memory_broken or case.not_loaded, Excuse.UNREADABLE),
        (case.parked, Excuse.PARKED),
        (case.intent, Excuse.UNSETTLED),
        (issue.id in known.held, Excuse.HELD),
        (known.policy.excludes(issue), Excuse.EXCLUDED),
        (issue.id in known.backlog, Excuse.BACKLOG),
        (issue.touched_at >= known.read_to, Excuse.NOT_READ),
        (_is_too_old(case, known=known), Excuse.TOO_OLD),
    )
    return next((reason for holds, reason in reasons if holds), None)


def counterexamples(
    case: Case, *, others: Sequence[Ticket], known: Known
) -> Iterator[Counterexample]:
    """Each promise that does not hold for this issue. `others` are further tickets that name it."""
    every = [ticket for ticket in (case.ticket, *others) if ticket is not None]
    live = [ticket for ticket in every if not _is_over(ticket, policy=known.policy)]
    if len(live) > 1:
        keys = " and ".join(ticket.key for ticket in live)
        yield _of(case, Breach.TWO_TICKETS, live, words=f"{keys} both name it, and both are open.")
    excused = excuse(case, known=known)
    if case.stranger is not None and excused is not Excuse.PARKED:
        words = f"Memory links {case.stranger.key}, which does not name it."
        yield _of(case, Breach.LINK_STRANGE, [case.stranger], words=words)
    if excused is None:
        yield from _undone(case, known=known)


def _undone(case: Case, *, known: Known) -> Iterator[Counterexample]:
    """What a run should have done by now, or counted as done too early."""
    decision = decide(case, policy=known.policy, now=known.now)
    tickets = [case.ticket] if case.ticket else []
    if decision.action is Action.CREATE and decision.reason is Reason.NEW:
        words = "It is active, has no ticket, and nothing says why."
        yield _of(case, Breach.NO_TICKET, (), words=words)
    elif case.ticket is None:
        return
    elif decision.action is Action.CLOSE and decision.reason is Reason.RESOLVED:
        words = f"It is resolved since {case.issue.touched_at:%Y-%m-%dT%H:%MZ}, and "
        words += f"{case.ticket.key} still stands in {case.ticket.status}."
        yield _of(case, Breach.LEFT_OPEN, tickets, words=words)
    elif decision.reason is Reason.OPENED_BY_PERSON and _was_never_elsewhere(case, case.ticket):
        words = f"{case.ticket.key} counts as closed and stands in {case.ticket.status}, and was "
        words += "never seen closed."
        yield _of(case, Breach.NOT_SEEN_CLOSED, tickets, words=words)


def _was_never_elsewhere(case: Case, ticket: Ticket) -> bool:
    """Whether an open ticket stands where it was last seen, when it was taken for closed: nobody
    has opened it again since.
    """
    return case.link is not None and case.link.status_seen == ticket.status


def _is_over(ticket: Ticket, *, policy: Policy) -> bool:
    """Whether nobody works on it any more, or people accept the risk."""
    return (
        policy.is_closed(ticket) or policy.is_accepted(ticket) or policy.is_closed_unnamed(ticket)
    )


def _is_too_old(case: Case, *, known: Known) -> bool:
    unseen = case.link is None and case.ticket is None
    return unseen and known.read_from is not None and case.issue.touched_at < known.read_from


def _of(case: Case, breach: Breach, tickets: Sequence[Ticket], *, words: str) -> Counterexample:
    keys = tuple(ticket.key for ticket in tickets)
    return Counterexample(breach=breach, issue_id=case.issue.id, tickets=keys, words=words)
