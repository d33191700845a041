"""Keeps a run from going on: when it is asked to stop, when an error stops it, and when the same
thing fails again and again.

Promises: what stops a run stops it before its next write; one issue's trouble stops nobody else,
until it has come too often in a row to be one issue's own.
"""

from collections import Counter
from collections.abc import Callable

import structlog
from msgspec import Struct, field

from job.core import steps
from job.core.memory import Link
from job.core.model import Action, Decision, Outcome, OutcomeKind
from job.errors import (
    FateUnknown,
    IssueFailed,
    MalformedAnswer,
    RemoteDown,
    StopsRun,
    SyncError,
    Withheld,
)
from job.events import Event
from job.flow.lease import HeldLease

log = structlog.get_logger()

STREAK_MAX = 5
"""So many failures of one kind in a row, without a success between them, open a circuit for the
rest of the run.
"""
STOPPING = "The run is stopping."
FAILING = "This project failed the same way too often in this run."

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

    def learn(self, outcome: Outcome) -> None:
        """Takes in how one action ended."""
        self._circuits.learn(_kind(outcome.decision), ended=outcome.kind)

    def ended_by(
        self, error: SyncError, *, decision: Decision, link: Link | None = None
    ) -> Outcome:
        """What an error makes of one action."""
        issue_id, action = decision.case.issue.id, decision.action
        if isinstance(error, FateUnknown):
            log.warning(Event.WRITE_UNKNOWN, issue_id=issue_id, action=action, error=str(error))
            return steps.unknown(decision, because=str(error), link=link)
        if isinstance(error, Withheld):
            if error.stops:
                self.stop_for(error.stops)
            return steps.deferred(decision, because=str(error), link=link)
        if isinstance(error, StopsRun) and not self._only_this_issue(error):
            if not _others_go_on(error):
                self.stop_for(error)
            return steps.deferred(decision, because=str(error), link=link)
        log.error(Event.ISSUE_PARKED, issue_id=issue_id, action=action, error=str(error))
        return Outcome(
            decision=decision,
            kind=OutcomeKind.FAILED,
            link=link,
            error_class=_error_class(error),
            message=str(error),
        )

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


def _others_go_on(error: StopsRun) -> bool:
    return isinstance(error, RemoteDown) and error.others_go_on


def _error_class(error: SyncError) -> str:
    return error.error_class if isinstance(error, IssueFailed) else type(error).__name__
