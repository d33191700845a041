"""Carries out a plan: prepares, notes the intent, sends, remembers.

Promises: every planned action ends in exactly one outcome, and each outcome is remembered before it
is counted; nothing is written unless the lease holds for as long as the writing may take; one bad
issue stops nobody else, and what stops the run stops it before the next write; nothing is added to
a plan.
Does not do: finding words (`prepare.py`), or writing to Jira itself (`send.py`).

Batches flow in two lines. What has to ask Halo flows in one, new tickets first, for their bulk
calls take longest; what needs nothing of Halo flows beside it and keeps Jira busy from the first
moment. While a batch is written, the details of the next are fetched.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from itertools import chain
from typing import NamedTuple

from msgspec.structs import replace

from job.batches import batches
from job.core import outcomes, steps
from job.core.ids import IssueId
from job.core.ledger import Known, Ledger
from job.core.memory import Watermark
from job.core.model import Action, Decision, Outcome, OutcomeKind
from job.core.plan import Plan
from job.core.shelf import Row
from job.core.steps import Step
from job.each import each
from job.errors import StopsRun
from job.flow.brake import Brake
from job.flow.edit import Follower
from job.flow.lease import HeldLease
from job.flow.prepare import Preparer
from job.flow.send import Sender
from job.flow.setup import Setup
from job.ports import Watcher

CREATES_A_BATCH = 100
"""Two bulk calls of 50, confirmed by one read."""
OTHERS_A_BATCH = 50


class Apply:
    """One plan being carried out."""

    def __init__(
        self,
        setup: Setup,
        *,
        lease: HeldLease,
        watcher: Watcher,
        asked_to_stop: Callable[[], bool],
        mark: Watermark,
    ) -> None:
        self._setup = setup
        self._lease = lease
        self._watcher = watcher
        self._ledger = Ledger()
        self._brake = Brake(lease=lease, asked_to_stop=asked_to_stop)
        follower = Follower(setup, brake=self._brake)
        self._preparer = Preparer(setup, brake=self._brake, follower=follower)
        self._sender = Sender(setup, brake=self._brake, lease=lease, mark=mark, follower=follower)

    @property
    def stopped_by(self) -> StopsRun | None:
        """What ended it early."""
        return self._brake.stopped_by

    @property
    def known(self) -> Known:
        """What it knows of Jira by now."""
        return Known(highest_keys=self._sender.highest_keys, canary=self._sender.canary)

    async def __call__(self, plan: Plan) -> Ledger:
        """Every action of the plan; how each ended is in the ledger."""
        await each(self._line, _lines(plan.decisions), at_once=2)
        return self._ledger

    async def _line(self, line: "Line") -> None:
        await each(self._batch, line.batches, at_once=line.at_once)

    async def _batch(self, decisions: Sequence[Decision]) -> None:
        """From decisions to outcomes."""
        prepared = await each(self._preparer.prepare, decisions, at_once=len(decisions))
        ended = [made for made in prepared if isinstance(made, Outcome)]
        batch = [made for made in prepared if isinstance(made, Step)]
        unchanged = [outcome.decision for outcome in ended if outcome.kind is OutcomeKind.UNCHANGED]
        standing = steps.noted_before(unchanged)
        try:
            noted = await self._sender.note(batch)
        except StopsRun as error:
            # What an earlier run noted of these is all that is known, and must stay.
            self._brake.stop_for(error)
            ended += [outcomes.deferred(step.decision, because=str(error)) for step in batch]
        else:
            standing |= noted | steps.noted_before(step.decision for step in batch)
            ended += await self._sender.send(batch)
        await self._remember([self._redacted(outcome) for outcome in ended], standing=standing)

    async def _remember(self, ended: Collection[Outcome], *, standing: Collection[IssueId]) -> None:
        now, digest = self._setup.ports.clock.now(), self._setup.settings_digest
        changes = outcomes.after(ended, standing=standing, now=now, settings_digest=digest)
        remembered = True
        try:
            if changes:
                await self._setup.ports.store.commit(await self._lease.hold(), changes)
        except StopsRun as error:
            self._brake.stop_for(error)
            remembered = False
        for outcome in sorted(ended, key=lambda outcome: outcome.kind is OutcomeKind.DONE):
            self._brake.learn(outcome)
            self._ledger.enter(outcome, remembered=remembered)
            self._watcher.ended(outcome)

    def _redacted(self, outcome: Outcome) -> Outcome:
        """An outcome whose words may be kept."""
        if not outcome.message:
            return outcome
        return replace(outcome, message=self._setup.redact(outcome.message))


class Line(NamedTuple):
    """Batches that are carried out in their order, some of them at once.

    Enough at once to keep the remotes busy, and few enough to notice in time what fails again and
    again.
    """

    batches: Iterator[Sequence[Decision]]
    at_once: int


def _lines(decisions: Row) -> tuple[Line, Line]:
    asking_halo = frozenset(Action) - steps.CREATES - steps.NEEDS_NO_HALO
    creates = batches(decisions.of(steps.CREATES), size=CREATES_A_BATCH)
    asking = batches(decisions.of(asking_halo), size=OTHERS_A_BATCH)
    alone = batches(decisions.of(steps.NEEDS_NO_HALO), size=OTHERS_A_BATCH)
    return Line(chain(creates, asking), at_once=8), Line(alone, at_once=4)
