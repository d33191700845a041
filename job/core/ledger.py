"""What a run keeps of its outcomes, and how far the watermark may move because of them.

Promises: every planned action is counted once, or the run fails; the watermark never passes
anything unsettled or unread, never comes nearer to the run's start than the overlap, and goes back
only by command; what a command asked to be read is owed until it was read.
Does not do: storing the watermark, or writing the record of a run (`flow/record.py`).
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta

from msgspec import Struct
from msgspec.structs import replace

from job.core.ids import IssueId
from job.core.memory import Noted, Watermark
from job.core.model import Action, Afterwards, Outcome, OutcomeKind
from job.core.plan import Plan


class Known(Struct, frozen=True, kw_only=True):
    """What a run knows of Jira at its end that the next one need not ask for."""

    highest_keys: Mapping[str, int]
    """The highest key number of each project."""
    canary: IssueId
    """An issue whose ticket is known to hold its id; "" while none is."""


class Ledger:
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
        self.left: dict[IssueId, OutcomeKind] = {}
        """Whose action is not done, or not known to be."""
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
        if kind not in {OutcomeKind.DONE, OutcomeKind.UNCHANGED}:
            self.left[decision.case.issue.id] = kind
        if remembered and (
            kind is OutcomeKind.FAILED
            or (decision.case.parked and kind is not OutcomeKind.DEFERRED)
        ):
            self.parked[decision.case.issue.id] = kind is OutcomeKind.FAILED


def unsettled(plan: Plan, *, ledger: Ledger) -> Iterator[datetime]:
    """When all that was touched which this run leaves for a later one and which no other note keeps
    in sight. What is parked is kept in sight by that.
    """
    quiet, deferred = plan.quiet.shelved, plan.deferred.shelved
    yield from (left.touched_at for left in quiet if left.afterwards is Afterwards.WAIT)
    yield from (left.touched_at for left in deferred if not left.attempts)
    yield from ledger.open


def done_with(told: Iterable[Noted], *, plan: Plan, ledger: Ledger) -> Iterator[Noted]:
    """The notes on tickets that this run looked at and leaves to no later one. What failed is kept
    in sight by being parked, and what is held by that.
    """
    again = {OutcomeKind.UNKNOWN, OutcomeKind.DEFERRED}
    left = {issue_id for issue_id, kind in ledger.left.items() if kind in again}
    left |= {shelved.issue_id for shelved in plan.deferred.shelved}
    quiet = plan.quiet.shelved
    left |= {shelved.issue_id for shelved in quiet if shelved.afterwards is Afterwards.WAIT}
    return (noted for noted in told if noted.issue_id not in left)


def held_since(plan: Plan, *, since: datetime) -> Iterator[datetime]:
    """When all that was touched which is held and which came into sight by the watermark. What a
    sweep or a command brought up is kept in sight by the note of what is held, for as long as that
    counts: it must not be asked for in every run because nobody says yes.
    """
    return (held.touched_at for held in plan.held.shelved if held.touched_at >= since)


def owing(mark: Watermark, *, since: datetime | None, sweep: bool) -> Watermark:
    """The watermark with a note of what this run was asked for besides: whoever comes after a run
    that died reads the rest of it. Nothing is owed from a time after the watermark, for every later
    run reads that anyway. What was asked for is no backlog from then on.
    """
    reading_from, begun_from = mark.reading_from, mark.begun_from
    if since is not None and since <= mark.at:
        reading_from = min(since, reading_from or since)
        begun_from = begun_from and min(since, begun_from)
    return replace(
        mark,
        reading_from=reading_from,
        begun_from=begun_from,
        sweep_owed=mark.sweep_owed or sweep,
    )


def set_back(mark: Watermark, *, to: datetime) -> Watermark:
    """The watermark at an earlier time. What lies after that is no backlog from then on."""
    begun_from = mark.begun_from and min(to, mark.begun_from)
    return replace(mark, at=to, begun_from=begun_from)


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


def account(plan: Plan, *, ledger: Ledger) -> dict[str, dict[str, int]]:
    """Action -> outcome -> how many, deferred ones included. Raises `ValueError` unless the
    ledger balances.
    """
    ended = {action: Counter(kinds) for action, kinds in ledger.ended.items()}
    for kind, row in ((OutcomeKind.DEFERRED, plan.deferred), (OutcomeKind.HELD, plan.held)):
        for shelved in row.shelved:
            if shelved.action:
                ended[shelved.action][kind] += 1
    planned = plan.tally
    wrong = [
        f"{action}: {planned[action]} planned, {kinds.total()} ended"
        for action, kinds in ended.items()
        if planned[action] != kinds.total()
    ]
    if wrong:
        raise ValueError(f"The run's ledger does not balance: {'; '.join(wrong)}.")
    return {
        str(action): {str(kind): many for kind, many in kinds.items()}
        for action, kinds in ended.items()
    }
