"""Moves tickets through their workflows, one transition at a time.

Promises: after a failure the ticket is read anew, and what stands in the database decides; a
transition whose fate is unknown is not taken again while a comment came along with it.
Does not do: deciding where a ticket should go (`core/steps.py`), or whether it got there
(`flow/sight.py`).
"""

from typing import Any

from job.core.comments import Comment
from job.core.model import Ticket
from job.core.routes import Goal, Purpose
from job.core.ways import ChosenTransition, Moved
from job.errors import FateUnknown, NoTransition, RemoteDown, SyncError, TicketRejected
from job.http.caller import unguarded
from job.jira.connection import Connection
from job.jira.reader import Reader
from job.jira.ways import Ways, WorkflowState
from job.jira.wire import exchange, screens, transitions
from job.ports import Clock, Guard

MOVES_MAX = 3


class Mover:
    """Takes transitions."""

    def __init__(self, connection: Connection, *, ways: Ways, reader: Reader, clock: Clock) -> None:
        self._connection = connection
        self._ways = ways
        self._reader = reader
        self._clock = clock

    async def move(
        self,
        ticket: Ticket,
        *,
        goal: Goal,
        way: ChosenTransition | None = None,
        comment: Comment | None = None,
        guard: Guard = unguarded,
    ) -> Moved:
        """Takes the transition, reading the ticket anew and trying again where that is safe."""
        for attempt in range(1, MOVES_MAX + 1):
            chosen, rides = way, None
            try:
                chosen = chosen or await self._ways.choose(ticket, goal)
                rides = comment if chosen.carries_comment else None
                await self._take(ticket, goal=goal, chosen=chosen, comment=rides, guard=guard)
                return Moved(ticket=ticket.at(chosen.to), told=rides is not None)
            except (NoTransition, TicketRejected, FateUnknown) as error:
                failure = error
            # Somebody else may have moved it, or the workflow changed: what stands in the database
            # decides.
            before, ticket = ticket, await self._read_again(ticket, failure=failure)
            if self._has_arrived(ticket, before=before, goal=goal, chosen=chosen):
                is_lost = isinstance(failure, FateUnknown)
                return Moved(ticket=ticket, told=is_lost and rides is not None)
            way = await self._other_way(
                ticket, before=before, goal=goal, refused=chosen, failure=failure, rides=rides
            )
            await self._clock.sleep(attempt)
        raise failure

    def _has_arrived(
        self, ticket: Ticket, *, before: Ticket, goal: Goal, chosen: ChosenTransition | None
    ) -> bool:
        """Whether nothing is left to do, whoever did it. A new ticket that a person has taken
        elsewhere is that person's.
        """
        if goal.is_reached(ticket.standing):
            return True
        was_moved = ticket.status != before.status
        if goal.purpose is Purpose.BEGIN and was_moved:
            return True
        return was_moved and chosen is not None and ticket.status == chosen.to.name

    async def _other_way(
        self,
        ticket: Ticket,
        *,
        before: Ticket,
        goal: Goal,
        refused: ChosenTransition | None,
        failure: SyncError,
        rides: Comment | None,
    ) -> ChosenTransition | None:
        """What to try instead, `None` for the same again. Raises the failure where nothing would
        end otherwise.
        """
        if isinstance(failure, FateUnknown):
            if rides is not None:
                raise failure  # the comment may yet appear, and must not be sent twice
            return None
        if WorkflowState.of(ticket) != WorkflowState.of(before):
            return None  # it is chosen anew from where it stands
        if refused is None or not isinstance(failure, TicketRejected):
            raise failure
        if transitions.may_pass(failure):
            return None
        if failure.status not in {400, 404}:
            raise failure
        own = await self._ways.choose_own(ticket, goal)
        if own == refused:
            raise failure
        return own

    async def _take(
        self,
        ticket: Ticket,
        *,
        goal: Goal,
        chosen: ChosenTransition,
        comment: Comment | None,
        guard: Guard,
    ) -> None:
        doing, site = f"taking the transition {chosen.name}", self._connection.site
        own = await self.own_values(ticket, goal=goal, chosen=chosen) if chosen.own else None
        request = transitions.take(site, ticket, chosen=chosen, own=own, comment=comment)
        answer = await self._connection.send(request, doing=doing, guard=guard)
        transitions.taken(answer, doing=doing)

    async def own_values(self, ticket: Ticket, *, goal: Goal, chosen: ChosenTransition) -> Any:
        """What the ticket gives to the screen, read just before it is sent back, so that nothing of
        a person's is overwritten. Raises `NoTransition` where it has nothing.
        """
        doing, site = screens.READING, self._connection.site
        request = screens.held(site, ticket, specs=chosen.own)
        response = await self._connection.send(request, doing=doing)
        if response.status == 404:
            raise exchange.rejection(response, doing=doing)
        body = site.answer(response, doing=doing)
        return screens.sent_back(body, ticket=ticket, specs=chosen.own, goal=goal)

    async def _read_again(self, ticket: Ticket, *, failure: SyncError) -> Ticket:
        """The ticket as it is now; the failure that made us look when it is not there."""
        try:
            found = await self._reader.read([ticket.id], not_loaded=set())
        except RemoteDown:
            if isinstance(failure, FateUnknown):
                raise failure from None
            raise
        if ticket.id not in found:
            raise failure
        return found[ticket.id]
