"""Sends what was prepared: notes an intent, creates, comments, takes the transition.

Promises: nothing that could be done twice is sent before its intent is stored; a write of unknown
fate is not sent again here; every step ends in exactly one outcome.
Does not do: finding words (`prepare.py`), or remembering outcomes (`apply.py`).
"""

from collections.abc import Sequence
from typing import assert_never

import structlog

from job.core import links, steps
from job.core.ids import IssueId
from job.core.memory import Changes, Intent, Link, Watermark
from job.core.model import Action, Decision, Outcome, OutcomeKind, Ticket
from job.core.steps import Step, ticket_of
from job.each import each
from job.errors import FateUnknown, StopsRun, SyncError, Unconfirmed
from job.events import Event
from job.flow.brake import Brake
from job.flow.lease import HeldLease
from job.flow.setup import Setup

log = structlog.get_logger()

SENT_AT_ONCE = 50


class Sender:
    """Writes to Jira. It knows the highest key of each project by now and a ticket that is known to
    hold its id, and numbers its attempts.
    """

    def __init__(self, setup: Setup, *, brake: Brake, lease: HeldLease, mark: Watermark) -> None:
        self.highest_keys = dict(mark.highest_keys)
        self.canary = mark.canary
        self._run_id = setup.run_id
        self._ports = setup.ports
        self._brake = brake
        self._lease = lease
        self._attempts = 0
        self._log = log.bind()  # made once, and not for each of its lines

    # --- Before: the intent -----------------------------------------------------------------------

    async def note(self, batch: Sequence[Step]) -> set[IssueId]:
        """Stores an intent for everything that must not be sent twice; returns their issues."""
        await self._know_highest_keys(batch)
        unsaid = [step for step in batch if step.draft or (step.comment and not step.said)]
        intents = tuple(self._intent(step) for step in unsaid)
        if intents:
            changes = Changes(intents=intents, links=self._found_links(batch))
            await self._ports.store.commit(await self._lease.hold(), changes)
        return {intent.issue_id for intent in intents}

    async def _know_highest_keys(self, batch: Sequence[Step]) -> None:
        """A lost create is looked for above the highest key that was known before it was sent."""
        projects = {step.decision.destination.project for step in batch if step.draft}
        for project in sorted(projects - self.highest_keys.keys()):
            self.highest_keys[project] = await self._ports.jira.highest_key(project)

    def _found_links(self, batch: Sequence[Step]) -> tuple[Link, ...]:
        """A comment's intent takes the place of a lost create's: what that create left behind must
        be linked by then.
        """
        now = self._ports.clock.now()
        found = [step for step in batch if step.comment and not step.case.linked]
        return tuple(
            step.link or links.link_begun(ticket_of(step.decision), case=step.case, now=now)
            for step in found
        )

    def _intent(self, step: Step) -> Intent:
        self._attempts += 1
        attempt = f"{self._run_id}#{self._attempts}"
        above_key = self.highest_keys.get(step.decision.destination.project, 0)
        now = self._ports.clock.now()
        return steps.intent(step, attempt=attempt, above_key=above_key, now=now)

    # --- The writes -------------------------------------------------------------------------------

    async def send(self, batch: Sequence[Step]) -> list[Outcome]:
        """Creates in bulk; everything else ticket by ticket."""
        creating = [step for step in batch if step.draft]
        others = [step for step in batch if not step.draft]
        ended = [
            *await self._create(creating),
            *await each(self._carry_out, others, at_once=SENT_AT_ONCE),
        ]
        return self._brake.judged(ended)

    async def _create(self, batch: Sequence[Step]) -> list[Outcome]:
        """Creates in bulk, then finishes each ticket: its first status, or its close."""
        if not batch:
            return []
        try:
            drafts = [step.draft for step in batch if step.draft]
            creations = await self._ports.jira.create(drafts, guard=self._brake.may_write)
        except StopsRun as error:
            self._brake.stop_for(error)
            return [steps.unknown(step.decision, because=str(error)) for step in batch]

        async def finish(place: int) -> Outcome:
            step, creation = batch[place], creations[place]
            if creation.ticket is None or step.draft is None:
                silence = FateUnknown("jira", "creating a ticket", "no word about it")
                error = creation.error or silence
                link = None
                if isinstance(error, Unconfirmed):
                    link = steps.unconfirmed(step, error=error, now=self._ports.clock.now())
                return self._brake.ended_by(error, decision=step.decision, link=link)
            self._brake.write_succeeded()
            self._learn_key(creation.ticket)
            self.canary = self.canary or step.draft.issue_id
            step.told = step.draft
            return await self._finish(step, ticket=creation.ticket)

        return await each(finish, range(len(batch)), at_once=SENT_AT_ONCE)

    async def _carry_out(self, step: Step) -> Outcome:
        """Everything but a create: the comment, then the transition."""
        ticket, jira = ticket_of(step.decision), self._ports.jira
        if step.comment and not step.said:
            body, marker, guard = step.comment.body, step.comment.marker, self._brake.may_write
            try:
                await jira.comment(ticket.id, body=body, marker=marker, guard=guard)
            except SyncError as error:
                return self._brake.ended_by(error, decision=step.decision)
            self._brake.write_succeeded()
        step.told = step.comment
        return await self._finish(step, ticket=ticket)

    async def _finish(self, step: Step, *, ticket: Ticket) -> Outcome:
        """The last part of any action: the transition that it needs, and the link to remember."""
        decision, clock = step.decision, self._ports.clock
        goal = steps.goal(decision, ticket=ticket)
        # Then all that is left is the status.
        told = decision.action in {Action.CREATE, Action.COMMENT}
        if goal:
            owed = goal.transition if told else ""
            try:
                ticket = await self._ports.jira.move(ticket, goal=goal, guard=self._brake.may_write)
            except SyncError as error:
                unfinished = steps.linked(
                    step, ticket=ticket, now=clock.now(), whole=told, owed=owed
                )
                return self._brake.ended_by(error, decision=decision, link=unfinished)
            self._brake.write_succeeded()
        link = steps.linked(step, ticket=ticket, now=clock.now(), owed="")
        self._log.info(
            event_of(decision),
            issue_id=decision.case.issue.id,
            ticket=ticket.key,
            reason=decision.reason,
            status=ticket.status,
        )
        return Outcome(decision=decision, kind=OutcomeKind.DONE, link=link, ticket_key=ticket.key)

    def _learn_key(self, ticket: Ticket) -> None:
        project, _, number = ticket.key.rpartition("-")
        self.highest_keys[project] = max(self.highest_keys.get(project, 0), int(number))


def event_of(decision: Decision) -> Event:
    """What the log says when the action is done."""
    match decision.action:
        case Action.CREATE | Action.CREATE_AND_CLOSE:
            return Event.TICKET_CREATED
        case Action.COMMENT:
            return Event.TICKET_COMMENTED
        case Action.REOPEN:
            return Event.TICKET_REOPENED
        case Action.CLOSE:
            return Event.TICKET_CLOSED
        case Action.ADOPT:
            return Event.TICKET_ADOPTED
        case None:
            raise ValueError(f"{decision.reason} asks for no action")
    assert_never(decision.action)
