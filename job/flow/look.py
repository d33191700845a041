"""Everything before the bridge: prove who we are, read the watermark, gather, decide, plan, guard.

Promises: nothing is written to Jira or Halo; the one thing that may be written to memory is where a
first run began; a plan over its limits goes no further.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import assert_never

from msgspec import Struct

from job.core import fields
from job.core.cases import Notes, Scope
from job.core.decisions import decide
from job.core.memory import Changes, Watermark
from job.core.model import Action, Afterwards, Case, Decision, Reason
from job.core.outcomes import leaves_a_trace
from job.core.plan import Plan, guard, make_plan
from job.core.shards import inherited
from job.core.shelf import Shelf
from job.core.steps import CREATES
from job.each import each
from job.errors import BadSettings, ClocksDiffer, StateUnreadable
from job.events import Event
from job.flow.gather import gather, recall
from job.flow.lease import HeldLease
from job.flow.setup import ALL_TIME, Order, Setup
from job.ports import Watcher

CLOCK_SKEW_MAX = timedelta(minutes=1)

KeepLease = Callable[[], Awaitable[object]]
"""Called again and again while the looking gets on, for it may take longer than a lease lasts."""


class Survey(Struct, frozen=True, kw_only=True):
    """What a run sees before it does anything."""

    mark: Watermark
    sweeps: bool
    notes: Notes
    plan: Plan


def event_of(reason: Reason) -> Event | None:
    """What an operator should hear of an issue for which nothing is done; `None` when nothing."""
    match reason:
        case Reason.ISSUE_UNREADABLE:
            return Event.ISSUE_UNREADABLE
        case Reason.ISSUE_GONE:
            return Event.ISSUE_GONE
        case Reason.TICKET_GONE:
            return Event.TICKET_GONE
        case Reason.TICKET_MISSING:
            return Event.ISSUE_PARKED
        case Reason.CREATE_UNSETTLED:
            return Event.WRITE_UNSETTLED
        case (
            Reason.OUT_OF_SCOPE
            | Reason.CREATE_CUT_SHORT
            | Reason.RESOLVED_UNSEEN
            | Reason.ALREADY_CLOSED
            | Reason.OPENED_BY_PERSON
            | Reason.RESOLVED
            | Reason.NEW
            | Reason.HARD_CLOSED
            | Reason.CAME_BACK
            | Reason.CLOSED_TOO_EARLY
            | Reason.UNCHANGED
            | Reason.COMMENTS_OFF
            | Reason.UPDATED
        ):
            return None
    assert_never(reason)


async def prove_identity(setup: Setup) -> None:
    """Both remotes know us, before anything else is believed. Raises `RemoteRefused`,
    `ClocksDiffer`.
    """

    async def prove_jira() -> None:
        """With a clock that differs from Jira's the watermark would pass what it must not."""
        server_time = (await setup.ports.jira.myself()).server_time
        now = setup.ports.clock.now()
        if server_time and abs(now - server_time) > CLOCK_SKEW_MAX:
            raise ClocksDiffer(
                "jira",
                "comparing clocks",
                f"Jira says it is {server_time.isoformat()}; our clock says {now.isoformat()}.",
                "Set the clock of this machine right.",
            )

    proofs = (prove_jira, setup.ports.halo.sign_in)
    await each(lambda prove: prove(), proofs, at_once=2)


async def begin_mark(
    setup: Setup, *, order: Order, started_at: datetime, lease: HeldLease | None = None
) -> Watermark:
    """Where the last run left off. A first run begins with the look-back, or where another number
    of tasks left off, and writes that down if it holds a lease: if it dies, its successor must not
    begin any later. Raises `StateUnreadable` for a watermark from the future.
    """
    store = setup.ports.store
    mark = await store.watermark(setup.shard.name)
    if mark is None:
        begin = started_at - setup.look_back
        mark = inherited(await store.watermarks(), look_back_to=begin)
        if lease:
            await store.commit(await lease.hold(), Changes(watermark=mark))
    if mark.at > started_at + CLOCK_SKEW_MAX and order.since is None:
        happened = f"The watermark {mark.at.isoformat()} lies in the future."
        advice = "Check the clock of the machine; then set the watermark anew: run --since TIME."
        raise StateUnreadable("store", "reading the watermark", happened, advice)
    return mark


class Look:
    """One run's look at both sides. `parked` says afterwards how many issues memory has parked."""

    def __init__(
        self, setup: Setup, *, order: Order, watcher: Watcher, started_at: datetime
    ) -> None:
        self.parked: int | None = None
        self._setup = setup
        self._order = order
        self._watcher = watcher
        self._started_at = started_at

    async def __call__(self, mark: Watermark, *, keep_lease: KeepLease) -> Survey:
        """Raises `UnsafePlan` and `BadSettings`."""
        setup = self._setup
        sweeps = self._order.sweep or self._sweep_is_due(mark)
        notes = await recall(setup.ports, shard=setup.shard)
        self.parked = len(notes.parked)
        scope = Scope(
            since=self._since(mark, sweeps=sweeps),
            until=self._started_at,
            sweep=sweeps,
            shard=setup.shard,
            policy=setup.policy,
            settings_digest=setup.settings_digest,
            notes=notes,
            begins=not mark.highest_keys,
        )
        shelf, unmoved = await self._decisions(scope, keep_lease=keep_lease)
        planned = make_plan(shelf, at_most=setup.sync_max, unmoved=unmoved)
        self._watcher.planned(planned)
        await self._guard(planned)
        return Survey(mark=mark, sweeps=sweeps, notes=notes, plan=planned)

    async def _decisions(self, scope: Scope, *, keep_lease: KeepLease) -> tuple[Shelf, int]:
        """Those that lead to an action or a note, and how many lead to neither: a sweep of very
        many holds few.
        """
        shelf = Shelf()

        def decide_case(case: Case) -> None:
            decision = decide(case, policy=scope.policy, now=self._started_at)
            if self._matters(decision):
                shelf.put(decision)
            else:
                shelf.drop(case.issue.id)

        looked_at = await gather(
            self._setup.ports, scope=scope, on_case=decide_case, keep_lease=keep_lease
        )
        return shelf, looked_at - len(shelf)

    def _matters(self, decision: Decision) -> bool:
        """Whether anything is done, said or written down because of it."""
        if decision.action or decision.afterwards is Afterwards.WAIT or event_of(decision.reason):
            return True
        return leaves_a_trace(decision, now=self._started_at)

    def _since(self, mark: Watermark, *, sweeps: bool) -> datetime | None:
        """From when on Halo is asked for changes. A sweep asks again for all since the sweep before
        the last: one listing that came back shorter than the truth, without a sign of it, must not
        be the last word.
        """
        if isinstance(self._order.since, datetime):
            return self._order.since
        if self._order.since == ALL_TIME:
            return None
        since = mark.at
        if sweeps:
            since = min(since, (mark.swept_at or mark.at) - self._setup.sweep_every)
        return since - self._setup.overlap

    def _sweep_is_due(self, mark: Watermark) -> bool:
        every = self._setup.sweep_every
        return bool(every) and (mark.swept_at is None or self._started_at - mark.swept_at >= every)

    async def _guard(self, planned: Plan) -> None:
        """Refuses a plan over its limits, and settings that a project's fields contradict, before
        the first write.
        """
        store, setup = self._setup.ports.store, self._setup
        live = await store.live_count() if planned.tally[Action.CLOSE] else 0
        mine = setup.shard.share_of(live)
        guard(planned, limits=setup.limits, live_links=mine, approved=self._order.approved)
        creates = (held for held in planned.everything if held.action in CREATES)
        destinations = {held.destination.name: held.destination for held in creates}
        for destination in destinations.values():
            screen = await setup.ports.jira.create_screen(destination)
            if problems := fields.check(destination.tickets, screen=screen):
                raise BadSettings(problems)
