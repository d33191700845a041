"""Everything before the first write: prove who we are, read the watermark, gather, decide, plan.

Promises: nothing is written to Jira or Halo; all that may be written to memory is where a first run
began and what a command asked to be read.
Does not do: comparing the plan with its limits (`gate.py`), or carrying it out (`apply.py`).
"""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from msgspec import Struct
from msgspec.structs import replace

from job.core.backlog import Beginning, Size, told
from job.core.cases import Notes, Scope
from job.core.decisions import decide
from job.core.ids import EPOCH, IssueId
from job.core.ledger import owing
from job.core.memory import Changes, Watermark
from job.core.model import Afterwards, Case, Decision
from job.core.outcomes import leaves_a_trace
from job.core.plan import Plan, make_plan
from job.core.shards import inherited
from job.core.shelf import Shelf
from job.core.steps import CREATES
from job.each import each
from job.errors import ClocksDiffer, StateUnreadable
from job.flow.destinations import prove_destination
from job.flow.gather import gather, recall
from job.flow.holding import Holding
from job.flow.lease import HeldLease
from job.flow.notices import Notices, event_of
from job.flow.setup import Order, Setup
from job.flow.trust import Trust

CLOCK_SKEW_MAX = timedelta(minutes=1)

KeepLease = Callable[[], Awaitable[object]]
"""Called again and again while the looking gets on, for it may take longer than a lease lasts."""


class Survey(Struct, frozen=True, kw_only=True):
    """What a run sees before it does anything."""

    mark: Watermark
    since: datetime | None
    """From when on Halo was asked for changes; `None`: from the beginning."""
    sweeps: bool
    notes: Notes
    plan: Plan
    accepted: int = 0
    """How many issues are left alone because people accept their risk."""
    strangers: tuple[str, ...] = ()
    """What tickets hold in the id field that nobody knows, where no ticket was ever made."""

    @property
    def reaches_mark(self) -> bool:
        """Whether all was read that lies after the watermark, so that it may move."""
        return self.since is None or self.since <= self.mark.at


async def prove_identity(setup: Setup) -> None:
    """Both remotes know us, before anything else is believed. Raises `RemoteRefused`,
    `ClocksDiffer`.
    """

    now = setup.ports.clock.now

    async def prove_jira() -> None:
        server_time = (await setup.ports.jira.myself()).server_time
        compare_clocks("Jira", says=server_time, now=now())

    async def prove_halo() -> None:
        server_time = await setup.ports.halo.sign_in()
        compare_clocks("Halo", says=server_time, now=now())

    await each(lambda prove: prove(), (prove_jira, prove_halo), at_once=2)


def compare_clocks(remote: str, *, says: datetime | None, now: datetime) -> None:
    """With a clock that differs from theirs the watermark would pass what it must not. Raises
    `ClocksDiffer`.
    """
    if says and abs(now - says) > CLOCK_SKEW_MAX:
        raise ClocksDiffer(
            remote.lower(),
            "comparing clocks",
            f"{remote} says it is {says.isoformat()}; our clock says {now.isoformat()}.",
            "Set the clock of this machine right.",
        )


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
        marks = await store.watermarks()
        mark = inherited(marks, look_back_to=begin, overlap=setup.overlap)
        # What another number of tasks holds may be so old that no list but a sweep's has it.
        mark = replace(mark, sweep_owed=mark.sweep_owed or mark.holds)
        if lease:
            await store.commit(await lease.hold(), Changes(watermark=mark))
    if mark.at > started_at + CLOCK_SKEW_MAX and order.since is None:
        happened = f"The watermark {mark.at.isoformat()} lies in the future."
        advice = "Check the clock of the machine; then set the watermark anew: run --since TIME."
        raise StateUnreadable("store", "reading the watermark", happened, advice)
    return mark


async def backlog_size(setup: Setup, *, mark: Watermark) -> tuple[Size | None, str]:
    """How much Halo has that is older than a first run looks back, and what becomes of it, as a
    sentence; "" once a run has come to its end. The size is `None` where Halo does not tell it.
    """
    if mark.begun_from is None or mark.began_at is not None:
        return None, ""
    size = await setup.ports.halo.older_than(mark.begun_from)
    return size, told(size, mode=setup.policy.backlog)


def asked(mark: Watermark, *, order: Order) -> Watermark:
    """The watermark with a note of what this run shall read besides."""
    return owing(mark, since=order.begins_at, sweep=order.sweep)


class Look:
    """One run's look at both sides. `parked` says afterwards how many issues memory has parked,
    `looked_at` at any time of how many it has decided, and `seen` which of those are of held
    actions.
    """

    def __init__(
        self, setup: Setup, *, order: Order, holding: Holding, started_at: datetime
    ) -> None:
        self.parked: int | None = None
        self.looked_at = 0
        self.seen: set[IssueId] = set()
        self._setup = setup
        self._order = order
        self._holding = holding
        self._started_at = started_at
        self._notices = Notices(setup.policy)

    async def __call__(self, mark: Watermark, *, keep_lease: KeepLease) -> Survey:
        """Raises `BadSettings`."""
        scope = await self.scope(mark)
        trust = Trust(self._setup.ports, scope=scope)
        shelf, unmoved = await self._decisions(scope, trust=trust, keep_lease=keep_lease)
        planned = make_plan(shelf, unmoved=unmoved)
        await self._check_fields(planned)
        # A stranger's id proves that search works, and not that nothing of ours is to be found.
        canary = mark.canary if trust.strangers else trust.canary
        return Survey(
            mark=replace(mark, canary=canary),
            since=scope.since,
            sweeps=scope.sweep,
            notes=scope.notes,
            plan=planned,
            accepted=self._notices.accepted,
            strangers=trust.strangers,
        )

    async def scope(self, mark: Watermark) -> Scope:
        """What is looked at, with all that memory has noted."""
        setup = self._setup
        glance = self._glance(mark)
        sweeps = glance is None and self._sweeps(mark)
        await self._holding.recall(mark)
        notes = await recall(
            setup.ports,
            shard=setup.shard,
            routes=setup.policy.routes,
            now=self._started_at,
        )
        known = self._holding.known
        approved = known.approved_ids(self._holding.quota, shard=setup.shard.name)
        notes = replace(notes, held=known.ids, approved=approved)
        self.parked = len(notes.parked)
        return Scope(
            since=glance or self._since(mark, sweeps=sweeps),
            until=self._started_at,
            sweep=sweeps,
            shard=setup.shard,
            policy=setup.policy,
            settings_digest=setup.settings_digest,
            notes=notes,
            canary=mark.canary,
            retries=self._order.retry_parked,
            beginning=Beginning(
                mode=setup.policy.backlog,
                begun_from=mark.begun_from,
                told=mark.backlog_as == setup.policy.backlog,
                asked_from=glance or mark.reading_from,
            ),
            begins=not mark.highest_keys,
        )

    async def _decisions(
        self, scope: Scope, *, trust: Trust, keep_lease: KeepLease
    ) -> tuple[Shelf, int]:
        """Those that lead to an action or a note, and how many lead to neither: a sweep of very
        many holds few.
        """
        shelf = Shelf()

        def decide_case(case: Case) -> None:
            self.looked_at += 1
            if case.issue.id in scope.notes.held:
                self.seen.add(case.issue.id)
            decision = decide(case, policy=scope.policy, now=self._started_at)
            self._notices.take(decision)
            if self._matters(decision):
                shelf.put(decision)
            else:
                shelf.drop(case.issue.id)

        looked_at = await gather(
            self._setup.ports,
            scope=scope,
            trust=trust,
            on_case=decide_case,
            keep_lease=keep_lease,
        )
        return shelf, looked_at - len(shelf)

    def _matters(self, decision: Decision) -> bool:
        """Whether anything is done, said or written down because of it."""
        if decision.action or decision.afterwards is Afterwards.WAIT or event_of(decision.reason):
            return True
        return leaves_a_trace(decision, now=self._started_at)

    def _glance(self, mark: Watermark) -> datetime | None:
        """From when on it was asked to look, where that is after the watermark: then it looks there
        and nowhere else, and neither the watermark nor a sweep comes any further.
        """
        begins_at = self._order.begins_at
        if begins_at is None or begins_at <= mark.at or self._order.sweep:
            return None
        return begins_at

    def _since(self, mark: Watermark, *, sweeps: bool) -> datetime | None:
        """From when on Halo is asked for changes. A sweep asks again for all since the sweep before
        the last: one listing that came back shorter than the truth, without a sign of it, must not
        be the last word.
        """
        since = mark.at
        if sweeps:
            since = min(since, (mark.swept_at or mark.at) - self._setup.sweep_every)
        since = since - self._setup.overlap
        if mark.reading_from is not None:
            since = min(since, mark.reading_from)
        return since if since > EPOCH else None

    def _sweeps(self, mark: Watermark) -> bool:
        """Whether this run looks at all active issues: it must, or is due to, or the settings ask
        for the backlog at once and nobody has looked at it yet.
        """
        mode = self._setup.policy.backlog
        untold = mark.begun_from is not None and mark.backlog_as != mode
        return mark.sweep_owed or self._sweep_is_due(mark) or (mode.at_once and untold)

    def _sweep_is_due(self, mark: Watermark) -> bool:
        """Whether it is time for a sweep that nobody asked for."""
        every = self._setup.sweep_every
        return bool(every) and (mark.swept_at is None or self._started_at - mark.swept_at >= every)

    async def _check_fields(self, planned: Plan) -> None:
        """Refuses settings that a project's fields contradict, before the first write."""
        creates = (shelved for shelved in planned.everything if shelved.action in CREATES)
        destinations = {shelved.destination.name: shelved.destination for shelved in creates}
        for destination in destinations.values():
            await prove_destination(self._setup.ports.jira, destination)
