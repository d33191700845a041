"""Joins the stretches of one run, and of a `plan`, in their order.

    prove the credentials -> take the lease -> look -> apply -> record

Promises: what is over a limit is held and all else is done; the watermark moves only when
everything up to it is settled; what a command asked to be read is read, however many runs that
takes; the ledger balances or the run fails; what happened is recorded in the store and in one
canonical log line, `run.finished`. `plan` is the same road, stopped before the first write: it
takes no lease and leaves no record.
Does not do: the work of a stretch. Each has a file beside this one.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any

import structlog
from msgspec.structs import replace

from job.batches import batches
from job.core.held import Approval
from job.core.ids import IssueId
from job.core.ledger import Ledger, account, done_with
from job.core.memory import Changes, Noted, RunRecord, Verdict, Watermark
from job.core.outcomes import quietly
from job.core.plan import Plan
from job.each import beside, unless
from job.errors import StopsRun
from job.events import Event
from job.flow.apply import Apply
from job.flow.gate import Gate, open_gate
from job.flow.holding import give_back
from job.flow.identity import prove_memory
from job.flow.lease import HeldLease, take_lease
from job.flow.look import Look, Survey, asked, backlog_size, begin_mark, prove_identity
from job.flow.notices import event_of
from job.flow.record import Recorder, Report, errors_of, verdict_of
from job.flow.setup import Order, Setup
from job.ports import Watcher

log = structlog.get_logger()

QUIET_A_COMMIT = 160
"""Each may change three documents, of which a commit takes 500."""
GRACE_S = 5.0
"""For what is under way when we are asked to stop. Cloud Run kills after ten seconds, and the
record needs some.
"""


async def plan(setup: Setup, *, order: Order, watcher: Watcher) -> Plan:
    """What `run` would do now. Writes nothing anywhere. Raises `BadSettings`, `StopsRun`."""

    async def no_lease() -> None:
        """There is none to keep."""

    started_at = setup.ports.clock.now()
    gate = Gate(setup, order=order, approval=Approval.NONE, started_at=started_at)
    look = Look(setup, order=order, holding=gate.holding, started_at=started_at)
    await prove_identity(setup)
    mark = await begin_mark(setup, order=order, started_at=started_at)
    await prove_memory(setup, order=order, mark=mark)
    seen = await look(asked(mark, order=order), keep_lease=no_lease)
    planned = (await gate.weigh(seen, looked_at=look.seen, lease=None)).plan
    _, backlog = await backlog_size(setup, mark=mark)
    planned = replace(planned, backlog=backlog)
    watcher.planned(planned)
    return planned


async def run(
    setup: Setup, *, order: Order, watcher: Watcher, asked_to_stop: asyncio.Event
) -> RunRecord:
    """Carries out one run and returns its record. Once `asked_to_stop` is set it begins nothing
    more, waits a little for what is under way, and ends in good order. Raises `LeaseHeld`,
    `BadSettings`, `StopsRun`.
    """

    async def hang_up() -> None:
        await asked_to_stop.wait()
        await setup.ports.clock.sleep(GRACE_S)
        setup.hang_up()

    async with beside(hang_up()):
        return await Run(setup, order=order, watcher=watcher, asked_to_stop=asked_to_stop)()


class Run:
    """One run under way."""

    def __init__(
        self, setup: Setup, *, order: Order, watcher: Watcher, asked_to_stop: asyncio.Event
    ) -> None:
        self._setup = setup
        self._order = order
        self._watcher = watcher
        self._asked_to_stop = asked_to_stop
        self._started_at = setup.ports.clock.now()
        self._began_s = setup.ports.clock.monotonic()
        self._recorder = Recorder(setup, started_at=self._started_at)

    async def __call__(self) -> RunRecord:
        setup, ports = self._setup, self._setup.ports
        log.info(Event.RUN_STARTED, run_id=setup.run_id, shard=setup.shard.name)
        await prove_identity(setup)
        gate = await open_gate(setup, order=self._order, started_at=self._started_at)
        async with take_lease(
            setup.shard, holder=setup.run_id, store=ports.store, clock=ports.clock
        ) as lease:
            report = await self._look_and_apply(lease, gate=gate)
            record = await self._recorder.record(report, lease=lease)
            await give_back(report.closing, setup=setup)
            if report.told:
                await ports.store.forget_noted(report.told)
        if report.stopped_by:
            raise report.stopped_by
        return record

    async def _look_and_apply(self, lease: HeldLease, *, gate: Gate) -> Report:
        """What ends before the bridge is recorded here; what went wrong later is in the report."""
        setup, order = self._setup, self._order
        look = Look(setup, order=order, holding=gate.holding, started_at=self._started_at)
        try:
            mark = await self._begin(lease)
            survey = await self._unless_called_off(look(mark, keep_lease=lease.hold))
            if survey is None:
                return self._called_off(look)
            survey = await gate.weigh(survey, looked_at=look.seen, lease=lease)
            self._watcher.planned(survey.plan)
            return await self._carry_out(survey, gate=gate, lease=lease)
        except StopsRun as error:
            await self._recorder.record_failure(error, parked=look.parked, lease=lease)
            raise

    async def _own(self, mark: Watermark, *, lease: HeldLease) -> Watermark:
        """Memory says whose it is before all else is done with it. Raises `MemoryOfAnother`."""
        setup = self._setup
        owner = await prove_memory(setup, order=self._order, mark=mark)
        if self._order.adopt_memory:
            # What it knows of keys and of what a search finds may be of another site.
            mark = replace(mark, owner=None, highest_keys={}, canary=IssueId(""))
        if owner != mark.owner:
            mark = replace(mark, owner=owner)
            await setup.ports.store.commit(await lease.hold(), Changes(watermark=mark))
        return mark

    async def _begin(self, lease: HeldLease) -> Watermark:
        """The watermark, and in memory what this run was asked for besides: should it die, the next
        one goes on with that.
        """
        setup, order = self._setup, self._order
        found = await begin_mark(setup, order=order, started_at=self._started_at, lease=lease)
        found = await self._own(found, lease=lease)
        self._recorder.stands = found
        mark = asked(found, order=order)
        if mark != found:
            await setup.ports.store.commit(await lease.hold(), Changes(watermark=mark))
        return mark

    async def _unless_called_off(self, looking: Coroutine[Any, Any, Survey]) -> Survey | None:
        """What the looking sees; `None` when we are asked to stop before its end, or the time is
        over.
        """
        time_is_over = asyncio.Event()

        async def call_time() -> None:
            if (left_s := self._left_s()) is not None:
                await self._setup.ports.clock.sleep(left_s)
                time_is_over.set()

        async with beside(call_time()):
            return await unless(self._asked_to_stop, unless(time_is_over, looking))

    def _called_off(self, look: Look) -> Report:
        """Says how far the looking came. The watermark stays, and so does what memory owes."""
        spent_s = self._setup.ports.clock.monotonic() - self._began_s
        calls = sum(self._setup.spent().get("halo", {}).values())
        far = f"after {spent_s:.0f} s, {calls} calls to Halo and {look.looked_at} issues decided"
        if self._asked_to_stop.is_set():
            words = f"It was asked to stop while it still looked, {far}. Nothing was written."
        else:
            words = f"TASK_TIMEOUT_S is too short for the looking, which was not over {far}. "
            words += "Nothing was written, and the next run begins anew: give it more time, or "
            words += "spread the work over more tasks."
        log.error(Event.RUN_STOPPING, error=words)
        return Report(verdict=Verdict.STOPPED, parked=look.parked, errors=[words])

    async def _carry_out(self, survey: Survey, *, gate: Gate, lease: HeldLease) -> Report:
        """Everything after the bridge: remember what was only seen, apply the plan, see how far all
        is settled.
        """
        await remember_quiet(survey.plan, setup=self._setup, lease=lease)
        await open_old(survey.plan, setup=self._setup, lease=lease)
        apply = Apply(
            self._setup,
            lease=lease,
            watcher=self._watcher,
            asked_to_stop=self._has_to_stop,
            mark=survey.mark,
        )
        ledger = await apply(survey.plan)
        closing = gate.holding.settle(ledger)
        return Report(
            verdict=verdict_of(survey.plan, stopped_by=apply.stopped_by, ledger=ledger),
            counts=account(survey.plan, ledger=ledger),
            mark=self._recorder.next_mark(
                survey, ledger=ledger, known=apply.known, holds=closing.holds
            ),
            closing=closing,
            parked=self._recorder.parked_now(survey, ledger=ledger),
            accepted=survey.accepted,
            held=survey.plan.over,
            digest=survey.plan.digest,
            errors=errors_of(ledger),
            stopped_by=apply.stopped_by,
            told=told_and_seen(survey, ledger=ledger, stopped_by=apply.stopped_by),
        )

    def _has_to_stop(self) -> bool:
        """Whether we were asked to stop, or the time is nearly over."""
        left_s = self._left_s()
        return self._asked_to_stop.is_set() or (left_s is not None and left_s <= 0)

    def _left_s(self) -> float | None:
        """Seconds until this run takes no more work; `None` when it has no end."""
        budget = self._setup.time_budget
        if budget is None:
            return None
        spent_s = self._setup.ports.clock.monotonic() - self._began_s
        return budget.total_seconds() - spent_s


def told_and_seen(
    survey: Survey, *, ledger: Ledger, stopped_by: StopsRun | None
) -> tuple[Noted, ...]:
    """The notes on tickets that are done with. A run that something stopped leaves them all."""
    if stopped_by:
        return ()
    return tuple(done_with(survey.notes.noted, plan=survey.plan, ledger=ledger))


async def remember_quiet(planned: Plan, *, setup: Setup, lease: HeldLease) -> None:
    """Writes down what was seen of issues for which nothing is done, and says aloud what
    somebody should know.
    """
    for shelved in planned.quiet.shelved:
        if event := event_of(shelved.reason):
            log.warning(event, issue_id=shelved.issue_id, error=shelved.whole().because)
    store, digest = setup.ports.store, setup.settings_digest
    for some in batches(planned.quiet, size=QUIET_A_COMMIT):
        now = setup.ports.clock.now()
        changes = quietly(some, now=now, settings_digest=digest)
        if changes:
            await store.commit(await lease.hold(), changes)


async def open_old(planned: Plan, *, setup: Setup, lease: HeldLease) -> None:
    """Writes down of which old issues tickets are made after all: should this run not come to
    them, a later one must not leave them alone.
    """
    if not setup.policy.backlog.keeps_notes:
        return
    noting = (shelved.whole().case.noting for shelved in planned.everything)
    opened = (note for note in noting if note is not None)
    for some in batches(opened, size=QUIET_A_COMMIT):
        await setup.ports.store.commit(await lease.hold(), Changes(backlog=some))
