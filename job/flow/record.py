"""Writes down what became of a run: its record, the new watermark, and one line with all counts.

Promises: the record and the new watermark are written together, and what is said of a run is what
was written.
Does not do: saying how far the watermark may move (`core/ledger.py`).
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import assert_never

import structlog
from msgspec import Struct, field
from msgspec.structs import replace

from job.core.ledger import Known, Ledger, held_since, next_watermark, unsettled
from job.core.memory import Changes, Noted, RunRecord, Verdict, Watermark
from job.core.model import Action, Afterwards, OutcomeKind, Reason
from job.core.outcomes import PARKED_TOO_LONG
from job.core.plan import Plan
from job.errors import StopsRun
from job.events import Event
from job.flow.holding import Closing, commits
from job.flow.lease import HeldLease
from job.flow.look import Survey
from job.flow.setup import Setup

log = structlog.get_logger()

ERRORS_KEPT = 10
_NEVER_SENT_AGAIN = frozenset({Reason.TICKET_UNCONFIRMED, "unconfirmed"})
"""How issues are parked whose ticket Jira confirmed and does not show."""


class Report(Struct, frozen=True, kw_only=True):
    """How a run ended, before it is written down."""

    verdict: Verdict
    counts: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    mark: Watermark | None = None
    parked: int | None = None
    accepted: int = 0
    held: tuple[str, ...] = ()
    """A sentence for each limit that was passed."""
    digest: str = ""
    closing: Closing = Closing()
    errors: Sequence[str] = ()
    stopped_by: StopsRun | None = None
    told: Sequence[Noted] = ()
    """The notes on tickets that are done with."""


class Recorder:
    """Writes down one run."""

    def __init__(self, setup: Setup, *, started_at: datetime) -> None:
        self._setup = setup
        self._started_at = started_at
        self.stands: Watermark | None = None
        """Where memory stood when the run began: how far all is settled if it ends early."""

    async def record(self, report: Report, *, lease: HeldLease) -> RunRecord:
        """Writes the run's record, the new watermark with it, and the canonical line."""
        setup = self._setup
        finished_at = setup.ports.clock.now()
        record = RunRecord(
            run_id=setup.run_id,
            shard=setup.shard.name,
            started_at=self._started_at,
            finished_at=finished_at,
            verdict=report.verdict,
            exit_code=report.verdict.exit_code,
            counts=report.counts,
            calls=setup.spent(),
            watermark_at=report.mark.at if report.mark else None,
            parked_total=report.parked,
            accepted=report.accepted,
            held=tuple(map(setup.redact, report.held)),
            lag_s=self._lag_s(report.mark or self.stands, finished_at=finished_at),
            digest=report.digest,
            errors=tuple(map(setup.redact, report.errors[:ERRORS_KEPT])),
        )
        closing = report.closing
        for changes in commits(
            Changes(
                watermark=report.mark, run=record, pieces=closing.pieces, dropped=closing.dropped
            )
        ):
            await setup.ports.store.commit(await lease.hold(), changes)
        log.info(Event.RUN_FINISHED, **canonical(record))
        return record

    async def record_failure(
        self,
        error: StopsRun,
        *,
        parked: int | None,
        lease: HeldLease,
    ) -> None:
        """Leaves a record of a run that ended early. If the store fails as well, the first error
        stands.
        """
        report = Report(verdict=Verdict.STOPPED, errors=[str(error)], parked=parked)
        try:
            await self.record(report, lease=lease)
        except StopsRun as second:
            log.exception(Event.RUN_UNRECORDED, error=str(second))

    def _lag_s(self, mark: Watermark | None, *, finished_at: datetime) -> int | None:
        """How far a watermark lies behind, but for the overlap, to which it is held on purpose."""
        if mark is None:
            return None
        behind = finished_at - mark.at - self._setup.overlap
        return max(0, round(behind.total_seconds()))

    def next_mark(self, survey: Survey, *, ledger: Ledger, known: Known, holds: bool) -> Watermark:
        """Where the next run begins. A back-fill has been read to its end by now; what it left
        takes the watermark back. A sweep that left anything is owed. What is held is neither left
        nor owed where only a back-fill or a sweep brought it up: memory holds it.
        """
        mark = replace(
            survey.mark, highest_keys=known.highest_keys, canary=known.canary, holds=holds
        )
        if not survey.reaches_mark:
            return mark
        left = list(unsettled(survey.plan, ledger=ledger))
        held = held_since(survey.plan, since=mark.at - self._setup.overlap)
        at = next_watermark(
            mark.at,
            started_at=self._started_at,
            overlap=self._setup.overlap,
            held_by=[*left, *held],
            may_go_back=mark.reading_from is not None,
        )
        swept_at = self._started_at if survey.sweeps else mark.swept_at
        owed = survey.sweeps and bool(left)
        backlog_as = self._setup.policy.backlog if survey.sweeps else mark.backlog_as
        return replace(
            mark,
            at=at,
            swept_at=swept_at,
            reading_from=None,
            sweep_owed=owed,
            backlog_as=backlog_as,
            began_at=self._started_at,
        )

    def parked_now(self, survey: Survey, *, ledger: Ledger) -> int:
        """How many issues are parked after the run; those parked for too long are shouted about."""
        parked = dict.fromkeys(survey.notes.parked, True)
        for shelved in survey.plan.quiet.shelved:
            parked[shelved.issue_id] = shelved.afterwards is Afterwards.PARK
        parked |= ledger.parked
        for issue_id, entry in survey.notes.parked.items():
            if parked[issue_id] and entry.error_class in _NEVER_SENT_AGAIN:
                log.error(Event.TICKET_UNCONFIRMED, issue_id=issue_id, error=entry.message)
            if parked[issue_id] and self._started_at - entry.first_at > PARKED_TOO_LONG:
                since = entry.first_at.isoformat()
                log.error(
                    Event.ISSUE_PARK_EXPIRED, issue_id=issue_id, error=entry.message, since=since
                )
        return sum(parked.values())


def canonical(record: RunRecord) -> dict[str, object]:
    """The facts of `run.finished`: every count of the run in one line."""
    kinds: Counter[str] = Counter()
    done: Counter[str] = Counter()
    for action in Action:
        ended = record.counts.get(action, {})
        kinds.update({str(kind): many for kind, many in ended.items()})
        done.update(dict.fromkeys(counted_as(action), ended.get(OutcomeKind.DONE, 0)))
    return {
        "run_id": record.run_id,
        "shard": record.shard,
        "verdict": record.verdict,
        "exit_code": record.exit_code,
        **{word: done[word] for word in _words()},
        **{str(kind): kinds[kind] for kind in OutcomeKind if kind is not OutcomeKind.DONE},
        "parked_total": record.parked_total,
        "accepted": record.accepted,
        **{f"calls_{remote}": sum(calls.values()) for remote, calls in record.calls.items()},
        "duration_s": round((record.finished_at - record.started_at).total_seconds(), 3),
        **_reach(record),
    }


def counted_as(action: Action) -> tuple[str, ...]:
    """The counts of `run.finished` to which an action that is done adds one."""
    match action:
        case Action.CREATE:
            return ("created",)
        case Action.CREATE_AND_CLOSE:
            return ("created", "closed")
        case Action.COMMENT:
            return ("commented",)
        case Action.CLOSE:
            return ("closed",)
        case Action.REOPEN:
            return ("reopened",)
        case Action.ADOPT:
            return ("adopted",)
    assert_never(action)


def _words() -> Iterable[str]:
    return dict.fromkeys(word for action in Action for word in counted_as(action))


def _reach(record: RunRecord) -> dict[str, object]:
    """How far the run settled everything, and how long before its end that was."""
    at = record.watermark_at
    return {"watermark": at.isoformat() if at else None, "lag_s": record.lag_s}


def verdict_of(plan: Plan, *, stopped_by: StopsRun | None, ledger: Ledger) -> Verdict:
    """How a run ended that carried out its plan, or part of it."""
    if stopped_by:
        return Verdict.STOPPED
    if plan.held:
        return Verdict.REFUSED
    return Verdict.FAILURES if ledger.bad else Verdict.DONE


def errors_of(ledger: Ledger) -> list[str]:
    """A line for each action that failed or whose fate is unknown."""
    return [f"{outcome.decision.case.issue.id}: {outcome.message}" for outcome in ledger.bad]
