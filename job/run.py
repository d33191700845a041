"""One run, from the lease to the watermark: the whole flow.

    prove the credentials -> take the lease -> gather cases -> decide -> plan -> guard -> apply -> record

Promises: a plan over its limits writes nothing; the watermark moves only when everything up to it
is settled; the books balance or the run fails; what happened is recorded in the store and in one
canonical log line, `run.finished`. `plan` is the same road, stopped before the first write: it
takes no lease and leaves no record.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, TypeVar

import structlog
from msgspec import Struct, field

from job.apply import Apply, Manner
from job.core.decisions import decide
from job.core.fields import check
from job.core.model import (
    Action,
    Afterwards,
    Case,
    Changes,
    Decision,
    IssueId,
    OutcomeKind,
    RunRecord,
    Watermark,
)
from job.core.outcomes import PARKED_TOO_LONG, Books, account, next_watermark, quietly, unsettled
from job.core.plan import Limits, Plan, guard, make_plan
from job.core.shards import Shard, inherited
from job.core.shelf import Shelf
from job.each import each
from job.errors import BadSettings, MalformedAnswer, StateUnreadable, StopsRun, UnsafePlan
from job.gather import Notes, Question, gather, recall
from job.lease import Tenure, take_lease
from job.ports import Ports, Watcher

log = structlog.get_logger()
T = TypeVar("T")

QUIET_A_COMMIT = 160
"""Each may change three documents, of which a commit takes 500."""
ERRORS_KEPT = 10
GRACE_S = 5.0
"""For what is under way when we are asked to stop. Cloud Run kills after ten seconds, and the
record needs some.
"""
CLOCK_SKEW_MAX = timedelta(minutes=1)
ALL_TIME = "all"
REPORTED = {
    "issue_gone": "issue.gone",
    "ticket_gone": "ticket.gone",
    "ticket_missing": "issue.parked",
    "create_unsettled": "write.unsettled",
}
"""Reasons for doing nothing that an operator should hear of, and the event that says so."""

DONE, FAILURES, REFUSED, STOPPED = "done", "failures", "refused", "stopped"
EXIT_CODES = {DONE: 0, FAILURES: 5, REFUSED: 4, STOPPED: 3}


class Setup(Struct, frozen=True, kw_only=True):
    """What a deployment decided once for all its runs."""

    ports: Ports
    manner: Manner
    limits: Limits
    shard: Shard
    look_back: timedelta
    """How far the first run looks back, when there is no watermark."""
    overlap: timedelta
    sweep_every: timedelta
    """Zero: never by itself."""
    sync_max: int
    """At most so many issues are acted on in a run; 0: no cap."""
    time_budget: timedelta | None
    """How long a run may take before it takes no more work."""
    spent: Callable[[], Mapping[str, Mapping[str, int]]]
    """Remote -> request -> calls so far."""
    hang_up: Callable[[], None]
    """Ends every call that is under way."""


class Order(Struct, frozen=True, kw_only=True):
    """What this one run was asked to do."""

    since: datetime | str | None = None
    """Look at everything from this time on (`ALL_TIME`: from the beginning) instead of from the
    watermark.
    """
    sweep: bool = False
    approved: str | None = None
    """The digest of a plan that was over its limits and is to be carried out all the same."""


async def plan(setup: Setup, *, order: Order, watcher: Watcher) -> Plan:
    """What `run` would do now. Writes nothing anywhere. Raises `UnsafePlan`, `BadSettings`,
    `StopsRun`.
    """
    one = Run(setup, order=order, watcher=watcher)
    await one.prove_identity()

    async def no_lease() -> None:
        """There is none to keep."""

    return (await one.look(await one.watermark(), stay=no_lease)).plan


async def run(setup: Setup, *, order: Order, watcher: Watcher, stop: asyncio.Event) -> RunRecord:
    """Carries out one run and returns its record. Once `stop` is set it begins nothing more, waits
    a little for what is

    under way, and ends in good order. Raises `LeaseHeld`, `UnsafePlan`, `BadSettings`, `StopsRun`.
    """
    closing = asyncio.create_task(_hang_up(setup, stop=stop))
    try:
        return await _run(setup, order=order, watcher=watcher, stop=stop)
    finally:
        closing.cancel()


async def _hang_up(setup: Setup, *, stop: asyncio.Event) -> None:
    await stop.wait()
    await setup.ports.clock.sleep(GRACE_S)
    setup.hang_up()


async def _run(setup: Setup, *, order: Order, watcher: Watcher, stop: asyncio.Event) -> RunRecord:
    one = Run(setup, order=order, watcher=watcher)
    log.info("run.started", run_id=setup.manner.run_id, shard=setup.shard.name)
    await one.prove_identity()
    store, clock = setup.ports.store, setup.ports.clock
    async with take_lease(
        setup.shard, holder=setup.manner.run_id, store=store, clock=clock
    ) as tenure:
        try:
            mark = await one.watermark(tenure)
            sight = await unless(stop, one.look(mark, stay=tenure.hold))
            report = (
                await one.carry_out(sight, tenure=tenure, stop=stop)
                if sight
                else Report(verdict=DONE)
            )
        except (UnsafePlan, StopsRun) as error:
            await one.record_failure(error, tenure=tenure)
            raise
        record = await one.record(report, tenure=tenure)
    if report.stopped_by:
        raise report.stopped_by
    return record


class Sight(Struct, frozen=True, kw_only=True):
    """What a run sees before it does anything."""

    mark: Watermark
    sweeps: bool
    notes: Notes
    plan: Plan


class Report(Struct, frozen=True, kw_only=True):
    """How a run ended, before it is written down."""

    verdict: str
    counts: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    mark: Watermark | None = None
    parked: int | None = None
    digest: str = ""
    errors: Sequence[str] = ()
    stopped_by: StopsRun | None = None


class Run:
    """The parts of one run, in the order in which they happen."""

    def __init__(self, setup: Setup, *, order: Order, watcher: Watcher) -> None:
        self._setup = setup
        self._ports = setup.ports
        self._order = order
        self._watcher = watcher
        self._started_at = setup.ports.clock.now()
        self._began = setup.ports.clock.monotonic()
        self._parked: int | None = None

    async def prove_identity(self) -> None:
        """Both remotes know us, before anything else is believed."""
        await each(lambda prove: prove(), (self._prove_jira, self._ports.halo.sign_in), at_once=2)

    async def _prove_jira(self) -> None:
        """Jira knows us, and its clock agrees with ours: with a wrong one the watermark would pass
        what it must not.
        """
        server_time = (await self._ports.jira.myself()).server_time
        if server_time and abs(self._ports.clock.now() - server_time) > CLOCK_SKEW_MAX:
            happened = f"Jira says it is {server_time.isoformat()}; our clock says {self._ports.clock.now().isoformat()}."
            raise MalformedAnswer(
                "jira", "comparing clocks", happened, "Set the clock of this machine right."
            )

    async def look(self, mark: Watermark, *, stay: Callable[[], Awaitable[object]]) -> Sight:
        """Everything up to the bridge: gather, decide, plan, guard. Writes nothing; `stay` keeps
        the lease.
        """
        setup, policy = self._setup, self._setup.manner.policy
        sweeps = self._order.sweep or self._sweep_is_due(mark)
        notes = await recall(self._ports, shard=setup.shard)
        self._parked = len(notes.parked)
        question = Question(
            since=self._since(mark, sweeps=sweeps),
            until=self._started_at,
            sweep=sweeps,
            shard=setup.shard,
            policy=policy,
            settings_digest=setup.manner.settings_digest,
            notes=notes,
            begins=not mark.highest_keys,
        )
        shelf, unmoved = await self._decisions(question, stay=stay)
        planned = make_plan(shelf, at_most=setup.sync_max, unmoved=unmoved)
        self._watcher.planned(planned)
        await self._guard(planned)
        return Sight(mark=mark, sweeps=sweeps, notes=notes, plan=planned)

    async def _decisions(
        self, question: Question, *, stay: Callable[[], Awaitable[object]]
    ) -> tuple[Shelf, int]:
        """Those that lead to an action or a note, and how many lead to neither: a sweep of very
        many holds few.
        """
        shelf = Shelf()

        def take(case: Case) -> None:
            decision = decide(case, policy=question.policy, now=self._started_at)
            if self._matters(decision):
                shelf.put(decision)
            else:
                shelf.drop(case.issue.id)

        looked_at = await gather(self._ports, question=question, take=take, stay=stay)
        return shelf, looked_at - len(shelf)

    def _matters(self, decision: Decision) -> bool:
        """Whether anything is done, said or written down because of it."""
        if decision.action or decision.afterwards is Afterwards.WAIT or decision.reason in REPORTED:
            return True
        digest = self._setup.manner.settings_digest
        return bool(quietly([decision], now=self._started_at, settings_digest=digest))

    async def carry_out(self, sight: Sight, *, tenure: Tenure, stop: asyncio.Event) -> Report:
        """Everything after the bridge: remember what was only seen, apply the plan, see how far all
        is settled.
        """
        await self._remember_quiet(sight.plan, tenure=tenure)
        budget, clock = self._setup.time_budget, self._ports.clock

        def enough() -> bool:
            return stop.is_set() or (
                budget is not None and clock.monotonic() - self._began >= budget.total_seconds()
            )

        high = dict(sight.mark.highest_keys)
        apply = Apply(
            self._ports,
            manner=self._setup.manner,
            tenure=tenure,
            watcher=self._watcher,
            stop=enough,
            high=high,
        )
        books = await apply(sight.plan)
        return Report(
            verdict=STOPPED if apply.stopped_by else FAILURES if books.bad else DONE,
            counts=account(sight.plan, books=books),
            mark=self._next_mark(sight, books=books, high=apply.high),
            parked=self._parked_now(sight, books=books),
            digest=sight.plan.digest,
            errors=[
                f"{outcome.decision.case.issue.id}: {outcome.message}" for outcome in books.bad
            ],
            stopped_by=apply.stopped_by,
        )

    # --- Before the bridge ------------------------------------------------------------------------

    async def watermark(self, tenure: Tenure | None = None) -> Watermark:
        """Where the last run left off. A first run begins with the look-back, or where another
        number of tasks left

        off, and writes that down if it may write: if it dies, its successor must not begin any
        later.
        """
        mark = await self._ports.store.watermark(self._setup.shard.name)
        if mark is None:
            begin = self._started_at - self._setup.look_back
            mark = inherited(await self._ports.store.watermarks(), look_back_to=begin)
            if tenure:
                await self._ports.store.commit(await tenure.hold(), Changes(watermark=mark))
        if mark.at > self._started_at + CLOCK_SKEW_MAX and self._order.since is None:
            happened = f"The watermark {mark.at.isoformat()} lies in the future."
            advice = "Check the clock of the machine; then set the watermark anew with: run --since TIME."
            raise StateUnreadable("store", "reading the watermark", happened, advice)
        return mark

    def _since(self, mark: Watermark, *, sweeps: bool) -> datetime | None:
        """From when on Halo is asked for changes. A sweep asks again for all since the sweep before
        the last: one

        listing that came back shorter than the truth, without a sign of it, must not be the last
        word.
        """
        if isinstance(self._order.since, datetime):
            return self._order.since
        if self._order.since == ALL_TIME:
            return None
        since = (
            min(mark.at, (mark.swept_at or mark.at) - self._setup.sweep_every)
            if sweeps
            else mark.at
        )
        return since - self._setup.overlap

    def _sweep_is_due(self, mark: Watermark) -> bool:
        every = self._setup.sweep_every
        return bool(every) and (mark.swept_at is None or self._started_at - mark.swept_at >= every)

    async def _guard(self, planned: Plan) -> None:
        """Refuses a plan over its limits, and settings that the project's fields contradict, before
        the first write.
        """
        live = await self._ports.store.live_count() if planned.tally[Action.CLOSE] else 0
        mine = self._setup.shard.share_of(live)
        guard(planned, limits=self._setup.limits, live_links=mine, approved=self._order.approved)
        if planned.tally[Action.CREATE] or planned.tally[Action.CREATE_AND_CLOSE]:
            problems = check(self._setup.manner.shape, book=await self._ports.jira.field_book())
            if problems:
                raise BadSettings(problems)

    # --- After it ---------------------------------------------------------------------------------

    async def _remember_quiet(self, planned: Plan, *, tenure: Tenure) -> None:
        """Writes down what was seen of issues for which nothing is done, and says aloud what
        somebody should know.
        """
        for one in planned.quiet.held:
            if event := REPORTED.get(one.reason):
                log.warning(event, issue_id=one.issue_id, error=one.whole().because)
        quiet = iter(planned.quiet)
        while some := list(islice(quiet, QUIET_A_COMMIT)):
            digest = self._setup.manner.settings_digest
            changes = quietly(some, now=self._ports.clock.now(), settings_digest=digest)
            if changes:
                await self._ports.store.commit(await tenure.hold(), changes)

    def _next_mark(self, sight: Sight, *, books: Books, high: Mapping[str, int]) -> Watermark:
        left = list(unsettled(sight.plan, books=books))
        at = next_watermark(
            sight.mark.at,
            started_at=self._started_at,
            overlap=self._setup.overlap,
            held_by=left,
            may_go_back=self._order.since is not None,
        )
        swept_at = self._started_at if sight.sweeps and not left else sight.mark.swept_at
        return Watermark(at=at, swept_at=swept_at, highest_keys=high)

    def _parked_now(self, sight: Sight, *, books: Books) -> int:
        """How many issues are parked after the run; those parked for too long are shouted about."""
        parked = dict.fromkeys(sight.notes.parked)
        for one in sight.plan.quiet.held:
            _park_or_release(parked, one.issue_id, parks=one.afterwards is Afterwards.PARK)
        for issue_id, parks in books.parked.items():
            _park_or_release(parked, issue_id, parks=parks)
        for issue_id, entry in sight.notes.parked.items():
            if issue_id in parked and self._started_at - entry.first_at > PARKED_TOO_LONG:
                log.error(
                    "issue.park_expired",
                    issue_id=issue_id,
                    error=entry.message,
                    since=entry.first_at.isoformat(),
                )
        return len(parked)

    # --- The record -------------------------------------------------------------------------------

    async def record(self, report: Report, *, tenure: Tenure) -> RunRecord:
        """Writes the run's record, the new watermark with it, and the canonical line."""
        now, setup = self._ports.clock.now(), self._setup
        record = RunRecord(
            run_id=setup.manner.run_id,
            shard=setup.shard.name,
            started_at=self._started_at,
            finished_at=now,
            verdict=report.verdict,
            exit_code=EXIT_CODES[report.verdict],
            counts=report.counts,
            calls=setup.spent(),
            watermark_at=report.mark.at if report.mark else None,
            parked_total=self._parked if report.parked is None else report.parked,
            digest=report.digest,
            errors=tuple(map(setup.manner.discreet, report.errors[:ERRORS_KEPT])),
        )
        await self._ports.store.commit(
            await tenure.hold(), Changes(watermark=report.mark, run=record)
        )
        log.info("run.finished", **_canonical(record))
        return record

    async def record_failure(self, error: UnsafePlan | StopsRun, *, tenure: Tenure) -> None:
        """Leaves a record of a run that ended early. If the store fails as well, the first error
        stands.
        """
        if isinstance(error, UnsafePlan):
            report = Report(verdict=REFUSED, digest=error.digest, errors=error.limits)
        else:
            report = Report(verdict=STOPPED, errors=[str(error)])
        try:
            await self.record(report, tenure=tenure)
        except StopsRun as second:
            log.exception("run.unrecorded", error=str(second))


async def unless(stop: asyncio.Event, work: Coroutine[Any, Any, T]) -> T | None:
    """What the work returns; `None` when we are asked to stop before, and the work, which only
    reads, is dropped.
    """
    doing, asked = asyncio.create_task(work), asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({doing, asked}, return_when=asyncio.FIRST_COMPLETED)
        return await doing if doing.done() else None
    finally:
        for task in (doing, asked):
            task.cancel()
        await asyncio.gather(doing, asked, return_exceptions=True)


def _park_or_release(parked: dict[IssueId, None], issue_id: IssueId, *, parks: bool) -> None:
    if parks:
        parked[issue_id] = None
    else:
        parked.pop(issue_id, None)


def _canonical(record: RunRecord) -> dict[str, object]:
    """The facts of `run.finished`: every count of the run in one line."""
    kinds: Counter[str] = Counter()
    for ended in record.counts.values():
        kinds.update({str(kind): many for kind, many in ended.items()})
    done = {str(action): ended.get(OutcomeKind.DONE, 0) for action, ended in record.counts.items()}
    return {
        "run_id": record.run_id,
        "shard": record.shard,
        "verdict": record.verdict,
        "exit_code": record.exit_code,
        "created": done.get(Action.CREATE, 0) + done.get(Action.CREATE_AND_CLOSE, 0),
        "commented": done.get(Action.COMMENT, 0),
        "closed": done.get(Action.CLOSE, 0) + done.get(Action.CREATE_AND_CLOSE, 0),
        "reopened": done.get(Action.REOPEN, 0),
        "adopted": done.get(Action.ADOPT, 0),
        **{str(kind): kinds[kind] for kind in OutcomeKind if kind is not OutcomeKind.DONE},
        "parked_total": record.parked_total,
        **{f"calls_{remote}": sum(calls.values()) for remote, calls in record.calls.items()},
        "duration_s": round((record.finished_at - record.started_at).total_seconds(), 3),
        "watermark": record.watermark_at.isoformat() if record.watermark_at else None,
        "lag_s": round((record.finished_at - record.watermark_at).total_seconds())
        if record.watermark_at
        else None,
    }
