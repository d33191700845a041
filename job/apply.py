"""Carries out a plan: enrich, word, compare, note the intent, send, remember.

Promises: every planned action ends in exactly one outcome; nothing that could be done twice is sent
before its intent is stored; nothing is written unless the lease holds for as long as the writing
may take; a write of unknown fate is not sent again here; one bad issue stops nobody else, and what
stops the run stops it before the next write. It adds nothing to a plan and decides nothing.

Batches flow in two lines. What has to ask Halo flows in one, new tickets first, for their bulk
calls take longest; what needs nothing of Halo flows beside it and keeps Jira busy from the first
moment. While a batch is written, the details of the next are fetched.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from datetime import timedelta
from itertools import chain, islice
from typing import NamedTuple

import structlog
from msgspec import Struct, field
from msgspec.structs import replace

from job.core import outcomes, tickets
from job.core.decisions import Policy
from job.core.fields import Shape
from job.core.model import (
    Action,
    Case,
    Changes,
    Decision,
    Evidence,
    Fingerprint,
    Intent,
    IntentKind,
    IssueId,
    Link,
    Marker,
    Outcome,
    OutcomeKind,
    Ticket,
    Version,
)
from job.core.outcomes import Books
from job.core.plan import Plan
from job.core.shelf import Row
from job.core.tickets import Comment, Draft
from job.each import each
from job.errors import (
    FateUnknown,
    IssueFailed,
    MalformedAnswer,
    RemoteDown,
    StopsRun,
    SyncError,
    Withheld,
)
from job.lease import Tenure
from job.ports import Goal, Ports, Watcher

log = structlog.get_logger()

CREATES_A_BATCH = 100
"""Two bulk calls of 50, confirmed by one read."""
OTHERS_A_BATCH = 50
ASKED_AT_ONCE = 64
"""Issues whose details are fetched together, the first batch's first: it is written while the next
one's are fetched. Without it all would ask Halo together and then write together, and each remote
would wait for the other.
"""
ALONE = frozenset({Action.CLOSE, Action.ADOPT})
"""What needs nothing of Halo: a close speaks of the resolution alone, an adoption says nothing."""
CREATES = frozenset({Action.CREATE, Action.CREATE_AND_CLOSE})
COMMENT_PATIENCE = timedelta(minutes=2)
"""Jira may finish a comment after it said 504. Until then one that is not there says nothing.
Whoever has less patience with creates has no more with comments.
"""
STREAK_MAX = 5
"""So many failures of one kind in a row, without a success between them, open a circuit for the
rest of the run.
"""

EVENTS = {
    Action.CREATE: "ticket.created",
    Action.CREATE_AND_CLOSE: "ticket.created",
    Action.COMMENT: "ticket.commented",
    Action.REOPEN: "ticket.reopened",
    Action.CLOSE: "ticket.closed",
    Action.ADOPT: "ticket.adopted",
}


class Manner(Struct, frozen=True, kw_only=True):
    """How this deployment wants its plans carried out."""

    run_id: str
    shape: Shape
    policy: Policy
    close: Goal
    reopen: Goal
    settings_digest: str
    discreet: Callable[[str], str] = str
    """Takes the secrets out of words that will be kept."""


class Step(Struct, kw_only=True):
    """One decision on its way: what is known by now, and the words that it will send."""

    decision: Decision
    evidence: Evidence
    link: Link | None
    """As memory has it, or as it must be now that the fate of an earlier comment is known."""
    draft: Draft | None = None
    comment: Comment | None = None
    told: Draft | Comment | None = None
    """Which of these Jira has now, for certain."""

    @property
    def case(self) -> Case:
        return self.decision.case

    @property
    def said(self) -> bool:
        """Whether the comment is on the ticket already."""
        before = self.link.said if self.link else None
        return self.comment is not None and before == self.comment.marker


class Circuits(Struct):
    """Counts failures in a row by project and action: what is broken must not be tried hundreds of
    times in a run.
    """

    streaks: Counter[tuple[str, str]] = field(default_factory=Counter)

    def learn(self, scope: tuple[str, str], *, kind: OutcomeKind) -> None:
        """Takes in how one action ended."""
        if kind in {OutcomeKind.DONE, OutcomeKind.UNCHANGED}:
            self.streaks[scope] = 0
        elif kind is OutcomeKind.FAILED:
            self.streaks[scope] += 1
            if self.streaks[scope] == STREAK_MAX:
                log.error("circuit.opened", project=scope[0], action=scope[1], failures=STREAK_MAX)

    def is_open(self, scope: tuple[str, str]) -> bool:
        """Whether nothing more of this kind should be tried in this run."""
        return self.streaks[scope] >= STREAK_MAX


STOPPING = "The run is stopping."
FAILING = "This project failed the same way too often in this run."


class Apply:
    """One plan being carried out. `stopped_by` says afterwards what ended it early."""

    def __init__(
        self,
        ports: Ports,
        *,
        manner: Manner,
        tenure: Tenure,
        watcher: Watcher,
        stop: Callable[[], bool],
        high: dict[str, int],
    ) -> None:
        self.stopped_by: StopsRun | None = None
        self.high = high
        self._books = Books()
        self._ports = ports
        self._manner = manner
        self._tenure = tenure
        self._watcher = watcher
        self._stop = stop
        self._circuits = Circuits()
        self._down: Counter[str] = Counter()
        self._attempts = 0
        self._asking = asyncio.Semaphore(ASKED_AT_ONCE)
        self._log = log.bind()  # made once, and not for each of its lines

    async def __call__(self, plan: Plan) -> Books:
        """Every action of the plan; how each ended is in the books."""
        await each(self._line, _lines(plan.decisions), at_once=2)
        return self._books

    async def _line(self, line: "Line") -> None:
        await each(self._batch, line.batches, at_once=line.at_once)

    # --- A batch: from decisions to outcomes ------------------------------------------------------

    async def _batch(self, decisions: Sequence[Decision]) -> None:
        prepared = await each(self._prepare, decisions, at_once=len(decisions))
        ended = [made for made in prepared if isinstance(made, Outcome)]
        steps = [made for made in prepared if isinstance(made, Step)]
        unchanged = [outcome.decision for outcome in ended if outcome.kind is OutcomeKind.UNCHANGED]
        standing = _noted_before(unchanged)
        try:
            noted = await self._note(steps)
        except (
            StopsRun
        ) as error:  # what an earlier run noted of these is all that is known, and must stay
            self._stop_for(error)
            ended += [_deferred(step.decision, because=str(error)) for step in steps]
        else:
            standing |= noted | _noted_before(step.decision for step in steps)
            ended += await self._send(steps)
        await self._remember([self._discreet(outcome) for outcome in ended], standing=standing)

    async def _prepare(self, decision: Decision) -> Step | Outcome:
        """Fetches the details that the words need, and finds the words."""
        try:
            self._may_begin(decision)
            step = Step(
                decision=decision,
                evidence=await self._evidence(decision),
                link=await self._settled_link(decision),
            )
            await self._word(step)
        except SyncError as error:
            return self._ended_by(error, decision=decision)
        self._down.clear()
        if decision.action is Action.COMMENT and _nothing_new(step):
            step.comment = None
            if not self._goal(decision, ticket=_ticket(step)):
                link = self._linked(step, ticket=_ticket(step))
                return Outcome(
                    decision=decision,
                    kind=OutcomeKind.UNCHANGED,
                    link=link,
                    ticket_key=link.ticket_key,
                )
        return step

    async def _evidence(self, decision: Decision) -> Evidence:
        """The issue with what its words will speak of; only a field of a new ticket may need the
        asset.
        """
        issue, halo = decision.case.issue, self._ports.halo
        if decision.action in ALONE or issue.gone:
            return Evidence(issue=issue)
        async with self._asking:
            self._may_begin(decision)
            wants = decision.action in CREATES and tickets.wants_asset(
                self._manner.shape, issue=issue
            )
            asset = await halo.asset(issue) if wants else None
            return Evidence(issue=issue, finding=await halo.finding(issue), asset=asset)

    async def _settled_link(self, decision: Decision) -> Link | None:
        """The link, once the ticket was asked whether the last comment of unknown fate has arrived.

        Raises `Withheld` while it may still be on its way.
        """
        case = decision.case
        intent, link = case.intent, case.link
        if intent is None or intent.kind is not IntentKind.COMMENT or case.ticket is None:
            return link
        if not await self._ports.jira.has_comment(
            case.ticket.id, marker=intent.marker, since=intent.at
        ):
            if self._ports.clock.now() - intent.at < min(
                COMMENT_PATIENCE, self._manner.policy.create_patience
            ):
                raise Withheld("Its last comment may still be on its way.")
            return link
        begun = outcomes.link_begun(case.ticket, case=case, now=self._ports.clock.now())
        return replace(begun, said=intent.marker, fingerprint=intent.fingerprint)

    async def _word(self, step: Step) -> None:
        """Finds the words, and the way through the workflow before anything is said about taking
        it.
        """
        jira = self._ports.jira
        match step.decision.action:
            case Action.CREATE | Action.CREATE_AND_CLOSE if not _resumes(step):
                step.draft = tickets.draft(
                    step.evidence, shape=self._manner.shape, book=await jira.field_book()
                )
            case Action.COMMENT:
                step.comment = tickets.update_comment(step.evidence)
            case Action.REOPEN:
                await jira.route(_ticket(step), self._manner.reopen)
                step.comment = tickets.reopen_comment(step.evidence, because=step.decision.because)
            case Action.CLOSE:
                await jira.route(_ticket(step), self._manner.close)
                step.comment = tickets.close_comment(step.evidence)

    async def _note(self, steps: Sequence[Step]) -> set[IssueId]:
        """Stores an intent for everything that must not be sent twice; returns their issues."""
        creating = [step for step in steps if step.draft]
        project = self._manner.shape.project_key
        if creating and project not in self.high:
            self.high[project] = await self._ports.jira.highest_key(project)
        intents = [
            self._intent(step) for step in steps if step.draft or (step.comment and not step.said)
        ]
        # A comment's intent takes the place of a lost create's: what that create left behind must
        # be linked by then.
        now = self._ports.clock.now()
        found = [step for step in steps if step.comment and not step.case.linked]
        links = [
            step.link or outcomes.link_begun(_ticket(step), case=step.case, now=now)
            for step in found
        ]
        if intents:
            changes = Changes(intents=tuple(intents), links=tuple(links))
            await self._ports.store.commit(await self._tenure.hold(), changes)
        return {intent.issue_id for intent in intents}

    def _intent(self, step: Step) -> Intent:
        self._attempts += 1
        case, attempt = step.case, f"{self._manner.run_id}#{self._attempts}"
        follows = case.intent.attempt if case.intent else None
        now = self._ports.clock.now()
        if step.comment:
            return Intent(
                issue_id=case.issue.id,
                kind=IntentKind.COMMENT,
                attempt=attempt,
                version=Version(""),
                fingerprint=step.comment.fingerprint,
                marker=step.comment.marker,
                at=now,
                ticket_id=_ticket(step).id,
                ticket_key=_ticket(step).key,
                follows=follows,
            )
        applies = step.decision.action is Action.CREATE
        return Intent(
            issue_id=case.issue.id,
            kind=IntentKind.CREATE,
            attempt=attempt,
            version=case.issue.version if applies else Version(""),
            fingerprint=step.draft.fingerprint if step.draft else Fingerprint(""),
            marker=Marker(f"{case.issue.id}:create"),
            at=now,
            project=self._manner.shape.project_key,
            above_key=self.high[self._manner.shape.project_key],
            status_owed=self._manner.policy.new_status if applies else "",
            follows=follows,
        )

    # --- Sending ----------------------------------------------------------------------------------

    async def _send(self, steps: Sequence[Step]) -> list[Outcome]:
        creating = [step for step in steps if step.draft]
        others = [step for step in steps if not step.draft]
        return [
            *await self._create(creating),
            *await each(self._carry_out, others, at_once=OTHERS_A_BATCH),
        ]

    async def _create(self, steps: Sequence[Step]) -> list[Outcome]:
        """Creates in bulk, then finishes each ticket: its first status, or its close."""
        if not steps:
            return []
        try:
            drafts = [step.draft for step in steps if step.draft]
            creations = await self._ports.jira.create(drafts, guard=self._may_write)
        except StopsRun as error:
            self._stop_for(error)
            return [_unknown(step.decision, because=str(error)) for step in steps]

        async def finish(place: int) -> Outcome:
            step, creation = steps[place], creations[place]
            if creation.ticket is None or step.draft is None:
                error = creation.error or FateUnknown(
                    "jira", "creating a ticket", "no word about it"
                )
                return self._ended_by(error, decision=step.decision)
            self._learn_key(creation.ticket)
            step.told = step.draft
            return await self._finish(step, ticket=creation.ticket)

        return await each(finish, range(len(steps)), at_once=OTHERS_A_BATCH)

    async def _carry_out(self, step: Step) -> Outcome:
        """Everything but a create: the comment, then the transition."""
        ticket = _ticket(step)
        if step.comment and not step.said:
            body, marker = step.comment.body, step.comment.marker
            try:
                await self._ports.jira.comment(
                    ticket.id, body=body, marker=marker, guard=self._may_write
                )
            except SyncError as error:
                return self._ended_by(error, decision=step.decision)
        step.told = step.comment
        return await self._finish(step, ticket=ticket)

    async def _finish(self, step: Step, *, ticket: Ticket) -> Outcome:
        """The last part of any action: the transition that it needs, and the link to remember."""
        goal = self._goal(step.decision, ticket=ticket)
        told = step.decision.action in {
            Action.CREATE,
            Action.COMMENT,
        }  # then all that is left is the status
        owed = goal.transition if goal and told else ""
        if goal:
            try:
                ticket = await self._ports.jira.move(ticket, goal=goal, guard=self._may_write)
            except SyncError as error:
                unfinished = self._linked(step, owed=owed, ticket=ticket, whole=told)
                return self._ended_by(error, decision=step.decision, link=unfinished)
        link = self._linked(step, ticket=ticket, owed="", moved=goal is not None)
        self._tell(step.decision, ticket=ticket)
        return Outcome(
            decision=step.decision, kind=OutcomeKind.DONE, link=link, ticket_key=ticket.key
        )

    def _may_begin(self, decision: Decision) -> None:
        """Raises `Withheld` instead of letting one more action begin."""
        if self.stopped_by or self._stop():
            raise Withheld(STOPPING)
        if self._circuits.is_open(self._scope(decision)):
            raise Withheld(FAILING)

    async def _may_write(self) -> None:
        """The guard of every write: raises `Withheld` instead of letting one more out."""
        if self.stopped_by or self._stop():
            raise Withheld(STOPPING)
        try:
            await self._tenure.hold()
        except StopsRun as error:
            self._stop_for(error)
            raise Withheld(str(error)) from error

    def _goal(self, decision: Decision, *, ticket: Ticket) -> Goal | None:
        """Where the ticket must go to finish the action; `None` when it is there."""
        policy, owed = self._manner.policy, self._status_owed(decision, ticket=ticket)
        match decision.action:
            case Action.CREATE | Action.COMMENT if owed.casefold() not in {
                "",
                ticket.status.casefold(),
            }:
                return Goal(transition=owed, statuses=(owed,))
            case Action.CLOSE | Action.CREATE_AND_CLOSE if not policy.is_closed(ticket):
                return self._manner.close
            case Action.REOPEN if policy.is_closed(ticket):
                return self._manner.reopen
        return None

    def _status_owed(self, decision: Decision, *, ticket: Ticket) -> str:
        """The first status that a ticket still has to get: a new one, or one that nobody has moved
        since its create.
        """
        link = decision.case.link
        if link is not None and link.ticket_id == ticket.id:
            return link.status_owed if ticket.status == link.status_seen else ""
        return self._manner.policy.new_status if decision.action is Action.CREATE else ""

    # --- Outcomes ---------------------------------------------------------------------------------

    async def _remember(self, ended: Collection[Outcome], *, standing: Collection[IssueId]) -> None:
        now, digest = self._ports.clock.now(), self._manner.settings_digest
        changes = outcomes.after(ended, standing=standing, now=now, settings_digest=digest)
        remembered = True
        try:
            if changes:
                await self._ports.store.commit(await self._tenure.hold(), changes)
        except StopsRun as error:
            self._stop_for(error)
            remembered = False
        for outcome in sorted(ended, key=lambda outcome: outcome.kind is OutcomeKind.DONE):
            self._circuits.learn(self._scope(outcome.decision), kind=outcome.kind)
            self._books.enter(outcome, remembered=remembered)
            self._watcher.ended(outcome)

    def _discreet(self, outcome: Outcome) -> Outcome:
        """An outcome whose words may be kept."""
        return (
            replace(outcome, message=self._manner.discreet(outcome.message))
            if outcome.message
            else outcome
        )

    def _linked(
        self,
        step: Step,
        *,
        ticket: Ticket,
        whole: bool = True,
        owed: str | None = None,
        moved: bool = False,
    ) -> Link:
        """The link as it is when all is done, or only a part, with what was said on the way."""
        link_after = outcomes.link_to if whole else outcomes.link_begun
        link = link_after(ticket, case=step.case, now=self._ports.clock.now())
        before = step.link or link
        said, fingerprint = before.said, before.fingerprint
        if step.told:
            said, fingerprint = (
                step.told.marker if isinstance(step.told, Comment) else None,
                step.told.fingerprint,
            )
        return replace(
            link,
            said=said,
            fingerprint=fingerprint,
            status_owed=link.status_owed if owed is None else owed,
            status_set=ticket.status if moved else link.status_set,
        )

    def _ended_by(
        self, error: SyncError, *, decision: Decision, link: Link | None = None
    ) -> Outcome:
        """What an error makes of one action."""
        if isinstance(error, FateUnknown):
            log.warning(
                "write.unknown",
                issue_id=decision.case.issue.id,
                action=decision.action,
                happened=str(error),
            )
            return _unknown(decision, because=str(error), link=link)
        if isinstance(error, Withheld):
            return _deferred(decision, because=str(error), link=link)
        if isinstance(error, StopsRun) and not self._only_this_issue(error):
            self._stop_for(error)
            return _deferred(decision, because=str(error), link=link)
        error_class = error.error_class if isinstance(error, IssueFailed) else type(error).__name__
        log.error(
            "issue.parked",
            issue_id=decision.case.issue.id,
            action=decision.action,
            error=str(error),
        )
        return Outcome(
            decision=decision,
            kind=OutcomeKind.FAILED,
            link=link,
            error_class=error_class,
            message=str(error),
        )

    def _only_this_issue(self, error: StopsRun) -> bool:
        """Whether a remote's failure may be this one issue's own: until it has failed too often in
        a row.
        """
        if not isinstance(error, RemoteDown | MalformedAnswer):
            return False
        self._down[error.remote] += 1
        return self._down[error.remote] < STREAK_MAX

    def _stop_for(self, error: StopsRun) -> None:
        if self.stopped_by is None:
            log.error("run.stopping", error=str(error))
            self.stopped_by = error

    def _tell(self, decision: Decision, *, ticket: Ticket) -> None:
        event = EVENTS[decision.action] if decision.action else ""
        self._log.info(
            event,
            issue_id=decision.case.issue.id,
            ticket=ticket.key,
            reason=decision.reason,
            status=ticket.status,
        )

    def _scope(self, decision: Decision) -> tuple[str, str]:
        ticket = decision.case.ticket
        project = (
            ticket.project
            if ticket and decision.action is not Action.CREATE
            else self._manner.shape.project_key
        )
        return project, str(decision.action)

    def _learn_key(self, ticket: Ticket) -> None:
        project, _, number = ticket.key.rpartition("-")
        self.high[project] = max(self.high.get(project, 0), int(number))


class Line(NamedTuple):
    """Batches that are carried out in their order, some of them at once.

    Enough at once to keep the remotes busy, and few enough to notice in time what fails again and
    again.
    """

    batches: Iterator[Sequence[Decision]]
    at_once: int


def _lines(decisions: Row) -> tuple[Line, Line]:
    creates = _batches(decisions.of(CREATES), size=CREATES_A_BATCH)
    asking = _batches(decisions.of(frozenset(Action) - CREATES - ALONE), size=OTHERS_A_BATCH)
    alone = _batches(decisions.of(ALONE), size=OTHERS_A_BATCH)
    return Line(chain(creates, asking), at_once=8), Line(alone, at_once=4)


def _batches(decisions: Iterator[Decision], *, size: int) -> Iterator[Sequence[Decision]]:
    while batch := list(islice(decisions, size)):
        yield batch


def _noted_before(decisions: Iterable[Decision]) -> set[IssueId]:
    """Those of which an earlier run has left an intent."""
    return {decision.case.issue.id for decision in decisions if decision.case.intent}


def _ticket(step: Step) -> Ticket:
    """The ticket of a decision that has one by its rule."""
    if step.case.ticket is None:
        raise ValueError(f"{step.decision.reason} was decided without a ticket")
    return step.case.ticket


def _resumes(step: Step) -> bool:
    """Whether a create only finishes what an earlier one began."""
    return step.decision.reason == "create_cut_short"


def _nothing_new(step: Step) -> bool:
    """Whether the ticket already says all that an update would say."""
    return step.said or (
        step.link is not None
        and step.comment is not None
        and step.link.fingerprint == step.comment.fingerprint
    )


def _deferred(decision: Decision, *, because: str, link: Link | None = None) -> Outcome:
    return Outcome(decision=decision, kind=OutcomeKind.DEFERRED, link=link, message=because)


def _unknown(decision: Decision, *, because: str, link: Link | None = None) -> Outcome:
    return Outcome(decision=decision, kind=OutcomeKind.UNKNOWN, link=link, message=because)
