"""What outcomes mean for memory: links, intents, parked issues, and how far the watermark may move.

Promises: a failed issue is parked with its error and a next try; a write of unknown fate keeps its
intent; the watermark never passes anything unsettled, never comes nearer to the run's start than
the overlap, and goes back only by command.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from datetime import datetime, timedelta

from msgspec.structs import replace

from job.core.model import (
    Action,
    Afterwards,
    Case,
    Changes,
    Decision,
    Fingerprint,
    Intent,
    IssueId,
    IssueStatus,
    Link,
    Outcome,
    OutcomeKind,
    Parked,
    Ticket,
    Version,
)
from job.core.plan import Plan

FIRST_RETRY = timedelta(minutes=10)
LONGEST_RETRY = timedelta(hours=24)
PARKED_TOO_LONG = timedelta(days=7)
"""After so long a parked issue is shouted about in every run. It is never dropped."""


# --- Links ----------------------------------------------------------------------------------------


def link_to(ticket: Ticket, *, case: Case, now: datetime) -> Link:
    """The link once everything that the issue's version asks for is done; what was said before is
    kept.
    """
    live = case.issue.status is IssueStatus.ACTIVE and not case.issue.gone
    return _link(ticket, case=case, now=now, version=case.issue.version, live=live)


def link_begun(ticket: Ticket, *, case: Case, now: datetime) -> Link:
    """The link while work on the ticket is unfinished: the version that it had applied before, or
    none.
    """
    before = case.link
    if before is not None and before.ticket_id == ticket.id:
        return _link(ticket, case=case, now=now, version=before.version, live=before.live)
    return _link(ticket, case=case, now=now, version=Version(""), live=True)


def _link(ticket: Ticket, *, case: Case, now: datetime, version: Version, live: bool) -> Link:
    """A new link, or the one there was to this ticket, with how the ticket looks now."""
    if case.link is not None and case.link.ticket_id == ticket.id:
        return replace(
            case.link,
            ticket_key=ticket.key,
            version=version,
            live=live,
            status_seen=ticket.status,
            misses=0,
            updated_at=now,
        )
    return Link(
        issue_id=case.issue.id,
        ticket_id=ticket.id,
        ticket_key=ticket.key,
        version=version,
        fingerprint=Fingerprint(""),
        live=live,
        status_seen=ticket.status,
        updated_at=now,
    )


def link_from(intent: Intent, *, ticket: Ticket) -> Link:
    """The link that a lost create would have left behind, once its ticket is found."""
    return Link(
        issue_id=intent.issue_id,
        ticket_id=ticket.id,
        ticket_key=ticket.key,
        version=intent.version,
        fingerprint=intent.fingerprint,
        live=True,
        status_seen=ticket.status,
        status_owed=intent.status_owed,
        updated_at=intent.at,
    )


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
    settled: list[IssueId] = []
    parked: list[Parked] = []
    released: list[IssueId] = []
    for decision in decisions:
        case = decision.case
        links.extend(_remembered(decision, now=now))
        if decision.afterwards is Afterwards.PARK:
            parked.append(
                park(
                    case,
                    error_class=decision.reason,
                    message=decision.because,
                    now=now,
                    under=settings_digest,
                )
            )
        elif decision.afterwards is Afterwards.REMEMBER:
            settled.extend([case.issue.id] if case.intent else [])
            released.extend([case.issue.id] if case.parked else [])
    return Changes(
        links=tuple(links), settled=tuple(settled), parked=tuple(parked), released=tuple(released)
    )


def _remembered(decision: Decision, *, now: datetime) -> Iterator[Link]:
    case, link = decision.case, decision.case.link
    if link is None:
        return
    if decision.afterwards is Afterwards.PARK:
        yield replace(link, misses=link.misses + 1, updated_at=now)
    elif decision.afterwards is Afterwards.REMEMBER:
        if case.ticket is None:
            renewed = replace(link, version=case.issue.version, live=False, updated_at=now)
        else:
            renewed = link_to(case.ticket, case=case, now=now)
        if renewed != replace(link, updated_at=now):
            yield renewed


def park(case: Case, *, error_class: str, message: str, now: datetime, under: str) -> Parked:
    """Sets an issue aside: the first try again comes within 15 minutes, each later one after twice
    as long.
    """
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
        issue_touched_at=case.issue.touched_at,
    )


# --- Watermark and accounts -----------------------------------------------------------------------


class Books:
    """What a run keeps of its outcomes: how many there are of each, and those that leave something
    behind.

    A first load ends in hundreds of thousands of outcomes, nearly all of them done: those are
    counted and let go.
    """

    def __init__(self) -> None:
        self.ended: dict[Action, Counter[OutcomeKind]] = {action: Counter() for action in Action}
        self.open: list[datetime] = []
        """When the issues were touched which only the watermark keeps in sight: unknown, deferred
        or not remembered.
        """
        self.bad: list[Outcome] = []
        """Failed or unknown."""
        self.parked: dict[IssueId, bool] = {}
        """Of issues that were parked or failed: whether they are parked now."""

    def enter(self, outcome: Outcome, *, remembered: bool = True) -> None:
        """Notes how one planned action ended, and whether memory could be told of it."""
        decision, kind = outcome.decision, outcome.kind
        if decision.action:
            self.ended[decision.action][kind] += 1
        if kind in {OutcomeKind.UNKNOWN, OutcomeKind.DEFERRED} or not remembered:
            self.open.append(decision.case.issue.touched_at)
        if kind in {OutcomeKind.FAILED, OutcomeKind.UNKNOWN}:
            self.bad.append(outcome)
        if remembered and (
            kind is OutcomeKind.FAILED
            or (decision.case.parked and kind is not OutcomeKind.DEFERRED)
        ):
            self.parked[decision.case.issue.id] = kind is OutcomeKind.FAILED


def unsettled(plan: Plan, *, books: Books) -> Iterator[datetime]:
    """When all that was touched which this run leaves for a later one and which no other note keeps
    in sight.
    """
    yield from (one.touched_at for one in plan.quiet.held if one.afterwards is Afterwards.WAIT)
    yield from (one.touched_at for one in plan.deferred.held)
    yield from books.open


def next_watermark(
    previous: datetime,
    *,
    started_at: datetime,
    overlap: timedelta,
    held_by: Iterable[datetime],
    may_go_back: bool,
) -> datetime:
    """The time up to which everything is settled after this run."""
    reached = min([started_at - overlap, *held_by])
    return reached if may_go_back else max(previous, reached)


def account(plan: Plan, *, books: Books) -> dict[str, dict[str, int]]:
    """Action -> outcome -> how many, deferred ones included. Raises `ValueError` unless the books
    balance.
    """
    ended = {action: Counter(kinds) for action, kinds in books.ended.items()}
    for one in plan.deferred.held:
        if one.action:
            ended[one.action][OutcomeKind.DEFERRED] += 1
    planned = plan.tally
    wrong = [
        f"{action}: {planned[action]} planned, {kinds.total()} ended"
        for action, kinds in ended.items()
        if planned[action] != kinds.total()
    ]
    if wrong:
        raise ValueError(f"The run's books do not balance: {'; '.join(wrong)}.")
    return {
        str(action): {str(kind): many for kind, many in kinds.items()}
        for action, kinds in ended.items()
    }
