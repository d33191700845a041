"""Keeps a run from going on: asked to stop, stopped by an error, or a circuit open after failures.

Promises: what stops a run stops it before its next write; one issue's trouble stops nobody else,
until it has come too often in a row to be one issue's own: then a circuit is open for the rest of
the run; what was refused because of us is deferred and not parked.
Does not do: bringing a run to its end (`run.py`).
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable

import structlog
from msgspec import Struct, field

from job.core import outcomes, steps
from job.core.ids import IssueId
from job.core.memory import Link
from job.core.model import Action, Decision, Outcome, OutcomeKind
from job.errors import (
    FateUnknown,
    IssueFailed,
    MalformedAnswer,
    RemoteDown,
    RemoteRefused,
    StopsRun,
    SyncError,
    TicketRejected,
    Withheld,
)
from job.events import Event
from job.flow.lease import HeldLease

log = structlog.get_logger()

STREAK_MAX = 5
"""So many failures of one kind in a row, without a success between them, open a circuit for the
rest of the run.
"""
NO_WAY = "no_transition"
STOPPING = "The run is stopping."
FAILING = "This project failed the same way too often in this run."

TURNED_AWAY = frozenset({402, 403})
"""Jira may mean the ticket or us: an archived ticket answers as an allow-list without us does."""
ALIKE = 2
"""So many tickets turned away in a row mean us in a run in which Jira has taken no write yet. Once
it has taken one, as many as open a circuit: two archived tickets beside each other stop nobody.
"""
OUR_OWN = (
    "Check the permissions of the account in Jira, the site's IP allow-list and whether its "
    "licence has ended. What was refused is deferred: the next run tries it again."
)

Kind = tuple[str, Action | None]
"""A project, and what is done in it."""


class Circuits(Struct):
    """Counts failures in a row by project and action: what is broken must not be tried hundreds of
    times in a run.
    """

    streaks: Counter[Kind] = field(default_factory=Counter)

    def learn(self, kind: Kind, *, ended: OutcomeKind) -> None:
        """Takes in how one action ended."""
        if ended in {OutcomeKind.DONE, OutcomeKind.UNCHANGED}:
            self.streaks[kind] = 0
        elif ended is OutcomeKind.FAILED:
            self.streaks[kind] += 1
            if self.streaks[kind] == STREAK_MAX:
                project, action = kind
                log.error(Event.CIRCUIT_OPENED, project=project, action=action, failures=STREAK_MAX)

    def is_open(self, kind: Kind) -> bool:
        """Whether nothing more of this kind should be tried in this run."""
        return self.streaks[kind] >= STREAK_MAX


class TurnedAway(Struct):
    """The issues whose writes Jira turned away in a row, with what it said.

    Writes that are on their way together may yet tell that others are let in, so two in a row count
    when their batch is over, and while it lasts as many as open a circuit.
    """

    in_a_row: dict[IssueId, str] = field(default_factory=dict)
    unjudged: set[IssueId] = field(default_factory=set)
    """Turned away in batches that are not over."""
    let_in: bool = False
    """Whether Jira has taken any write of this run."""

    def note(self, issue_id: IssueId, *, words: str) -> bool:
        """Takes in a refusal; whether it is plain by now that we are meant."""
        self.in_a_row[issue_id] = words
        self.unjudged.add(issue_id)
        return len(self.in_a_row) >= STREAK_MAX

    def judge(self, batch: Collection[IssueId]) -> set[IssueId]:
        """Of a batch that is over, those that were turned away."""
        judged = self.unjudged & set(batch)
        self.unjudged -= judged
        return judged

    @property
    def means_us(self) -> bool:
        """Whether whoever comes is turned away."""
        return len(self.in_a_row) >= (STREAK_MAX if self.let_in else ALIKE)

    def welcome(self) -> None:
        """Jira let us write, so whom it turned away before had a trouble of its own."""
        self.in_a_row.clear()
        self.let_in = True

    def error(self) -> RemoteRefused:
        """What ends the run."""
        words = list(self.in_a_row.values())[-1]
        happened = f"it turned away {len(self.in_a_row)} writes in a row. {words}"
        return RemoteRefused("jira", "writing to tickets", happened, OUR_OWN)


class Brake:
    """Asked before anything begins and before each write leaves. `stopped_by` says afterwards what
    ended the run early.
    """

    def __init__(self, *, lease: HeldLease, asked_to_stop: Callable[[], bool]) -> None:
        self.stopped_by: StopsRun | None = None
        self._lease = lease
        self._asked_to_stop = asked_to_stop
        self._circuits = Circuits()
        self._down: Counter[str] = Counter()
        self._turned_away = TurnedAway()

    def may_begin(self, decision: Decision) -> None:
        """Raises `Withheld` instead of letting one more action begin."""
        if self.stopped_by or self._asked_to_stop():
            raise Withheld(STOPPING)
        if self._circuits.is_open(_kind(decision)):
            raise Withheld(FAILING)

    async def may_write(self) -> None:
        """The guard of every write: raises `Withheld` instead of letting one more out."""
        if self.stopped_by or self._asked_to_stop():
            raise Withheld(STOPPING)
        try:
            await self._lease.hold()
        except StopsRun as error:
            self.stop_for(error)
            raise Withheld(str(error)) from error

    def stop_for(self, error: StopsRun) -> None:
        """Nothing more begins and nothing more is written."""
        if self.stopped_by is None:
            log.error(Event.RUN_STOPPING, error=str(error))
            self.stopped_by = error

    def all_is_well(self) -> None:
        """A remote has answered, so that what failed before was one issue's own."""
        self._down.clear()

    def write_succeeded(self) -> None:
        """Jira let us write."""
        if self.stopped_by is None:
            self._turned_away.welcome()

    def judged(self, ended: Iterable[Outcome]) -> list[Outcome]:
        """The outcomes of a batch that is over: what Jira turned away is parked, or deferred if it
        meant us.
        """
        batch = {outcome.decision.case.issue.id: outcome for outcome in ended}
        for issue_id in self._turned_away.judge(batch):
            if self._turned_away.means_us and issue_id in self._turned_away.in_a_row:
                self.stop_for(self._turned_away.error())
                failed = batch[issue_id]
                batch[issue_id] = outcomes.deferred(
                    failed.decision, because=failed.message, link=failed.link
                )
            else:
                _say_parked(batch[issue_id])
        return list(batch.values())

    def learn(self, outcome: Outcome) -> None:
        """Takes in how one action ended. A missing transition is the ticket's own, for conditions
        of a workflow differ from ticket to ticket.
        """
        if outcome.error_class != NO_WAY:
            self._circuits.learn(_kind(outcome.decision), ended=outcome.kind)

    def ended_by(
        self, error: SyncError, *, decision: Decision, link: Link | None = None
    ) -> Outcome:
        """What an error makes of one action."""
        issue_id, action = decision.case.issue.id, decision.action
        if isinstance(error, FateUnknown):
            log.warning(Event.WRITE_UNKNOWN, issue_id=issue_id, action=action, error=str(error))
            return outcomes.unknown(decision, because=str(error), link=link)
        if isinstance(error, Withheld):
            if error.stops:
                self.stop_for(error.stops)
            return outcomes.deferred(decision, because=str(error), link=link)
        if isinstance(error, StopsRun) and not self._only_this_issue(error):
            if not _others_go_on(error):
                self.stop_for(error)
            return outcomes.deferred(decision, because=str(error), link=link)
        failed = Outcome(
            decision=decision,
            kind=OutcomeKind.FAILED,
            link=link,
            error_class=_error_class(error),
            message=str(error),
        )
        if isinstance(error, TicketRejected) and error.status in TURNED_AWAY:
            if self._turned_away.note(issue_id, words=str(error)):
                self.stop_for(self._turned_away.error())
        else:
            _say_parked(failed)
        return failed

    def _only_this_issue(self, error: StopsRun) -> bool:
        """Whether a remote's failure may be this one issue's own: until it has failed too often in
        a row.
        """
        if not isinstance(error, RemoteDown | MalformedAnswer):
            return False
        if isinstance(error, RemoteDown) and error.not_done:
            return False  # nobody looked at it, so it is not the issue that was wrong
        self._down[error.remote] += 1
        return self._down[error.remote] < STREAK_MAX


def _kind(decision: Decision) -> Kind:
    return steps.written_project(decision), decision.action


def _say_parked(outcome: Outcome) -> None:
    decision = outcome.decision
    log.error(
        Event.ISSUE_PARKED,
        issue_id=decision.case.issue.id,
        action=decision.action,
        error=outcome.message,
    )


def _others_go_on(error: StopsRun) -> bool:
    return isinstance(error, RemoteDown) and error.others_go_on


def _error_class(error: SyncError) -> str:
    return error.error_class if isinstance(error, IssueFailed) else type(error).__name__
