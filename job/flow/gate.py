"""Lets through of a plan what its limits allow or somebody approved; the rest is held.

Promises: what a run takes of a limit is written down before its first write, so that neither a kill
nor another task makes it more; a run with nothing to hold and nothing to count asks memory for
nothing.
Does not do: saying what is over a limit (`core/weigh.py`), what memory keeps of it (`holding.py`),
or noting approvals (`approval.py`).
"""

from collections.abc import Collection, Sequence
from datetime import datetime

import structlog
from msgspec.structs import replace

from job.core import pieces
from job.core.held import (
    Approval,
    HeldSet,
    Kind,
    Quota,
    approving,
)
from job.core.ids import IssueId
from job.core.memory import Watermark
from job.core.plan import Plan
from job.core.weigh import Past, allowances, within_limits
from job.events import Event
from job.flow.approval import ROUNDS_MAX, approve, change, contended, words_about
from job.flow.holding import Holding, Passage
from job.flow.lease import HeldLease
from job.flow.look import Survey
from job.flow.setup import Order, Setup

log = structlog.get_logger()


async def open_gate(setup: Setup, *, order: Order, started_at: datetime) -> "Gate":
    """The gate of a run, once memory knows what the run was told to let through."""
    approval = await approve(order.approved, store=setup.ports.store, now=started_at)
    return Gate(setup, order=order, approval=approval, started_at=started_at)


class Gate:
    """One run's way through the limits."""

    def __init__(
        self, setup: Setup, *, order: Order, approval: Approval, started_at: datetime
    ) -> None:
        self._setup = setup
        self._order = order
        self._started_at = started_at
        self._approval = approval
        self._approved_now: HeldSet | None = None
        """What this run holds itself and was told to let through."""
        self._strangers: Sequence[str] = ()
        self.holding = Holding(setup, started_at=started_at)

    # --- Before the first write ---------------------------------------------------------------

    async def weigh(
        self, survey: Survey, *, looked_at: Collection[IssueId], lease: HeldLease | None
    ) -> Survey:
        """The survey with its plan as it may be carried out, and the watermark with what memory
        needs to know of it. Without a lease nothing is written.
        """
        plan, mark = survey.plan, survey.mark
        self._strangers = survey.strangers
        limited = self._setup.limits.close_percent_max < 100
        closes = any(shelved.kind is Kind.CLOSE for shelved in plan.decisions.shelved)
        store = self._setup.ports.store
        live = await store.live_count() if limited and closes else 0
        passage = self._pass(
            plan, mark=mark, looked_at=looked_at, quota=self.holding.quota, live=live
        )
        if not self._needs_quota(passage, mark=mark):
            return replace(survey, plan=self._told(passage, mark=mark))
        for _ in range(ROUNDS_MAX):
            kept = await store.quota()
            quota = approving(kept, self._approved_now) if self._approved_now else kept
            passage = self._pass(plan, mark=mark, looked_at=looked_at, quota=quota, live=live)
            if self._is_approved_now(passage):
                self._approve_own(passage)
                continue
            if lease is None:
                return replace(survey, plan=self._told(passage, mark=mark))
            mark = await self.holding.note(passage, quota=kept, mark=mark, lease=lease)
            changed = self.holding.taking(passage, quota=quota)
            if changed == kept or await change(kept, becomes=changed, store=store):
                return replace(survey, plan=self._told(passage, mark=mark), mark=mark)
        raise contended()

    def _is_approved_now(self, passage: Passage) -> bool:
        unknown = self._approval is Approval.UNKNOWN and bool(passage.digest)
        return unknown and passage.digest == self._order.approved

    def _approve_own(self, passage: Passage) -> None:
        """A plan's digest may be approved before any run has held what it names."""
        generations = {self._setup.shard.name: passage.generation}
        self._approval = Approval.NOTED
        self._approved_now = HeldSet(
            digest=passage.digest, generations=generations, at=self._started_at
        )
        self.holding.known = replace(self.holding.known, entries=passage.entries)

    def _pass(
        self,
        plan: Plan,
        *,
        mark: Watermark,
        looked_at: Collection[IssueId],
        quota: Quota,
        live: int,
    ) -> Passage:
        setup, shard = self._setup, self._setup.shard
        known = self.holding.known
        approved = known.approved(quota, shard=shard.name)
        allowed = allowances(
            setup.limits,
            quota=quota,
            shard=shard,
            run=setup.run_id,
            execution=setup.execution,
            live_links=live,
            strangers=self._strangers,
            now=self._started_at,
        )
        past = Past(approved=approved, granted=known.granted)
        weighed = within_limits(plan, allowed=allowed, past=past, at_most=setup.sync_max)
        # Should the watermark be lost, no generation is given again that was approved once.
        generation = max(mark.generation, quota.approved.get(shard.name, 0))
        entries = pieces.held_after(
            known,
            plan=weighed.plan,
            approved=approved,
            looked_at=looked_at,
            generation=generation,
            now=self._started_at,
        )
        return Passage(
            weighed=weighed,
            entries=entries,
            approved=approved,
            generation=max([generation, *(entry.generation for entry in entries)]),
            digest=pieces.digest_of_held(entries, approved=approved),
            live_links=live,
        )

    def _needs_quota(self, passage: Passage, *, mark: Watermark) -> bool:
        """Whether anything is held, or counts for a limit that is not this run's alone."""
        counted = passage.weighed.counted
        shared = Kind.CLOSE in counted or (bool(counted) and self._setup.shard.count > 1)
        return mark.holds or shared or bool(passage.entries)

    def _told(self, passage: Passage, *, mark: Watermark) -> Plan:
        """The plan with the words that its reader needs."""
        plan = replace(passage.weighed.plan, digest=passage.digest)
        words = words_about(self._approval, digest=self._order.approved)
        if plan.held and words:
            plan = replace(plan, over=(words, *plan.over))
        if plan.sliced:
            plan = replace(plan, pace=self._pace(passage, mark=mark))
            log.info(Event.PLAN_SLICED, message=plan.pace, waiting=plan.sliced)
        return plan

    def _pace(self, passage: Passage, *, mark: Watermark) -> str:
        """How many new tickets wait for their slice, and until when if all goes on like this."""
        many = passage.weighed.plan.sliced
        taken = len(passage.weighed.counted.get(Kind.CREATE, ()))
        waits = "1 new ticket waits" if many == 1 else f"{many:,} new tickets wait"
        words = f"{waits} for later slices (MAX_CREATE={self._setup.limits.create_max})"
        if not taken:
            return f"{words}; there was no room for any in this one."
        runs = -(-many // taken)
        if runs == 1:
            return f"{words}; at this pace the next run makes what is left."
        if mark.began_at is None:
            return f"{words}; at this pace {runs} more runs make them."
        until = self._started_at + runs * (self._started_at - mark.began_at)
        return f"{words}; at this pace until {until.isoformat(timespec='minutes')}."
