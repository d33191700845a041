"""One visit to a ticket: what is said there, and where it is moved.

Promises: a comment comes along with the transition where the screen lets it; a comment that Jira
does not take keeps no ticket open; what was moved does not count before it was seen (`sight.py`).
Does not do: finding words (`prepare.py`), saying them (`voice.py`), or notes of what is about to
be sent (`send.py`).
"""

from typing import assert_never

import structlog
from msgspec import Struct
from msgspec.structs import replace

from job.core import comments, steps
from job.core.arrivals import Journey
from job.core.comments import Comment
from job.core.model import Action, Decision, Outcome, OutcomeKind, Ticket
from job.core.routes import Goal
from job.core.steps import Step, ticket_of
from job.core.ways import ChosenTransition
from job.errors import StatusUnnamed, SyncError, TicketRejected, Unmoved
from job.events import Event
from job.flow.brake import Brake
from job.flow.edit import Follower
from job.flow.setup import Setup
from job.flow.voice import CONFLICT, GONE, Voice

log = structlog.get_logger()

BOTH = frozenset({Action.CLOSE, Action.REOPEN})
"""What is said and moved in one visit."""


class Arriving(Struct, frozen=True, kw_only=True):
    """A ticket whose transition Jira has confirmed and that was not seen there yet."""

    step: Step
    journey: Journey


Made = Outcome | Arriving
"""What comes of a visit: its outcome, or a ticket that must be seen first."""


class Visitor:
    """Visits the tickets of one run."""

    def __init__(self, setup: Setup, *, brake: Brake, follower: Follower) -> None:
        self.jira = setup.ports.jira
        self.clock = setup.ports.clock
        self._brake = brake
        self._follower = follower
        self._voice = Voice(self.jira, brake=brake)

    async def carry_out(self, step: Step) -> Made:
        """Everything but a create."""
        ticket = ticket_of(step.decision)
        if step.decision.action not in BOTH:
            try:
                await self._voice.say(step, ticket=ticket)
                await self._follower.carry_out(step, ticket=ticket)
            except SyncError as error:
                return self._cut_short(error, step=step, ticket=ticket)
        return await self.go_on(step, ticket=ticket)

    async def go_on(self, step: Step, *, ticket: Ticket) -> Made:
        """What is left to be done at the ticket."""
        if step.decision.action in BOTH:
            return await self._say_and_move(step, ticket=ticket)
        return await self.finish(step, ticket=ticket)

    async def finish(self, step: Step, *, ticket: Ticket) -> Made:
        """The last part of any action: the transition that it still needs."""
        goal = None if step.stays else steps.goal(step.decision, ticket=ticket)
        if goal is None:
            return self.done(step, ticket=ticket)
        try:
            way = await self.jira.choose_transition(ticket, goal)
            return await self._move_with_words(step, ticket=ticket, goal=goal, way=way)
        except SyncError as error:
            return self.ended_by(error, step=step, ticket=ticket, goal=goal)

    def done(self, step: Step, *, ticket: Ticket) -> Outcome:
        """All of it is done, and seen."""
        decision = step.decision
        link = steps.linked(step, ticket=ticket, now=self.clock.now(), owed="")
        log.info(
            Event.TICKET_COMMENTED if step.stays else event_of(decision),
            issue_id=decision.case.issue.id,
            ticket=ticket.key,
            reason=decision.reason,
            route=decision.destination.name,
            status=ticket.status,
        )
        return Outcome(decision=decision, kind=OutcomeKind.DONE, link=link, ticket_key=ticket.key)

    # --- Saying and moving ------------------------------------------------------------------------

    async def _say_and_move(self, step: Step, *, ticket: Ticket) -> Made:
        """In one visit if the screen lets the comment come along, else in two. What is said comes
        first, except where a closed status takes no comments.
        """
        goal = None if step.stays else steps.goal(step.decision, ticket=ticket)
        try:
            if goal is None:
                await self._voice.say_if_taken(step, ticket=ticket)
                await self._voice.say_late(step, ticket=ticket)
                await self._follower.carry_out(step, ticket=ticket)
                return self.done(step, ticket=ticket)
            way = await self.jira.choose_transition(ticket, goal)
            if way.carries_comment and step.unsaid:
                made = await self._ride(step, ticket=ticket, goal=goal, way=way)
                if made is not None:
                    return made
            await self._voice.say_if_taken(step, ticket=ticket)
            return await self._move_with_words(step, ticket=ticket, goal=goal, way=way)
        except SyncError as error:
            return self.ended_by(error, step=step, ticket=ticket, goal=goal)

    async def _ride(
        self, step: Step, *, ticket: Ticket, goal: Goal, way: ChosenTransition
    ) -> Made | None:
        """Comment and transition as one; `None` where Jira refuses them together."""
        try:
            return await self._move(step, ticket=ticket, goal=goal, way=way, comment=step.comment)
        except TicketRejected as refusal:
            if refusal.status in {GONE, CONFLICT} or way.needs_comment:
                raise
            return None

    async def _move_with_words(
        self, step: Step, *, ticket: Ticket, goal: Goal, way: ChosenTransition
    ) -> Made:
        """The transition, with a comment where it asks for one. A validator may ask for it, of
        which the metadata of its screen tells nothing.
        """
        if not way.needs_comment:
            try:
                return await self._move(step, ticket=ticket, goal=goal, way=way, comment=None)
            except TicketRejected as refusal:
                if not way.carries_comment or refusal.status in {GONE, CONFLICT}:
                    raise
        words = _required(step)
        return await self._move(step, ticket=ticket, goal=goal, way=way, comment=words)

    async def _move(
        self,
        step: Step,
        *,
        ticket: Ticket,
        goal: Goal,
        way: ChosenTransition,
        comment: Comment | None,
    ) -> Made:
        moved = await self.jira.move(
            ticket, goal=goal, way=way, comment=comment, guard=self._brake.may_write
        )
        self._brake.write_succeeded()
        if moved.told and step.comment is not None:
            step.told = step.comment
        if step.decision.action in BOTH:
            await self._voice.say_late(step, ticket=moved.ticket)
        await self._follower.carry_out(step, ticket=moved.ticket)
        journey = Journey(goal=goal, before=ticket, after=moved.ticket)
        return Arriving(step=step, journey=journey)

    # --- Ends -------------------------------------------------------------------------------------

    def _cut_short(self, error: SyncError, *, step: Step, ticket: Ticket) -> Outcome:
        """The outcome of what was not done to its end. What is on the ticket is not said again."""
        link = None
        if step.told:
            link = steps.linked(step, ticket=ticket, now=self.clock.now(), whole=False)
        return self._brake.ended_by(error, decision=step.decision, link=link)

    def ended_by(
        self, error: SyncError, *, step: Step, ticket: Ticket, goal: Goal | None
    ) -> Outcome:
        """An error's outcome, with the link to what was done until then."""
        is_told = step.decision.action in {Action.CREATE, Action.COMMENT}
        given = goal.transition if goal else ""
        owed = given if is_told else None
        link = None
        if is_told or step.told or isinstance(error, Unmoved | StatusUnnamed):
            now = self.clock.now()
            link = steps.linked(step, ticket=ticket, now=now, whole=is_told, owed=owed)
        return self._brake.ended_by(error, decision=step.decision, link=link)


def _required(step: Step) -> Comment:
    """What is said because a transition asks for a comment: what was to be said anyway, or a word
    where all is said already.
    """
    if step.comment is not None and step.unsaid:
        return step.comment
    to, issue = step.decision.destination, step.case.issue
    if step.comment is not None:
        comment = comments.aside(issue, words="The comment above says why.")
    elif step.decision.action is Action.CREATE_AND_CLOSE:
        comment = comments.close_comment(step.evidence, halo_link=to.tickets.halo_link)
    else:
        comment = comments.aside(issue, words="The description says what this is about.")
    return replace(comment, public=to.comment_rule.public)


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
