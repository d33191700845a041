"""Moves tickets through their workflows, one transition at a time.

Promises: the transitions out of a state of a workflow are listed once a run, however many tickets
stand there; after a failure the ticket is read anew, and what stands in the database decides.
Does not do: deciding where a ticket should go (`core/steps.py`).
"""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from msgspec.structs import replace

from job.core.model import Ticket
from job.core.routes import Goal
from job.errors import FateUnknown, NoTransition, RemoteDown, SyncError, TicketRejected
from job.http.caller import unguarded
from job.jira.connection import Connection
from job.jira.reader import Reader
from job.jira.remembered import Remembered
from job.jira.wire import exchange, transitions
from job.jira.wire.transitions import Transition
from job.ports import ChosenTransition, Clock, Guard

MOVES_MAX = 3
DOUBTS_MAX = 3
"""So often the transitions out of one state are listed anew in a run because none leads where we
want to go.
"""


class WorkflowState(NamedTuple):
    """Where in which workflow a ticket stands: tickets there have the same transitions."""

    project: str
    type_id: str
    status: str

    @classmethod
    def of(cls, ticket: Ticket) -> "WorkflowState":
        return cls(ticket.project, ticket.type_id, ticket.status)


class Mover:
    """Takes transitions, and knows those that were listed."""

    def __init__(self, connection: Connection, *, reader: Reader, clock: Clock) -> None:
        self._connection = connection
        self._reader = reader
        self._clock = clock
        self._doubts: Counter[WorkflowState] = Counter()
        self._transitions = Remembered[WorkflowState, Sequence[Transition]]()

    async def choose_transition(self, ticket: Ticket, goal: Goal) -> ChosenTransition:
        """The transition to take. Raises `NoTransition`."""
        try:
            return transitions.choose(await self._known(ticket), ticket=ticket, goal=goal)
        except NoTransition:
            # What we remember may have been listed for a ticket that had just been moved elsewhere.
            # A few other tickets are asked about, but not each of hundreds whose workflow has no
            # such way.
            if self._doubts[state := WorkflowState.of(ticket)] < DOUBTS_MAX:
                self._doubts[state] += 1
                self._transitions.forget(state)
            return transitions.choose(await self._known(ticket), ticket=ticket, goal=goal)

    async def move(self, ticket: Ticket, *, goal: Goal, guard: Guard = unguarded) -> Ticket:
        """Takes the transition, reading the ticket anew and trying again where that is safe.
        Returns it as it is then.
        """
        for attempt in range(1, MOVES_MAX + 1):
            state, wanted = WorkflowState.of(ticket), goal.statuses
            try:
                chosen = await self.choose_transition(ticket, goal)
                wanted = (chosen.to_status, *goal.statuses)
                await self._take(ticket, chosen=chosen, guard=guard)
                return replace(ticket, status=chosen.to_status)
            except (NoTransition, TicketRejected, FateUnknown) as error:
                failure = error
            # Somebody else may have moved it, or the workflow changed: what stands in the database
            # decides.
            self._transitions.forget(state)
            ticket = await self._read_again(ticket, failure=failure)
            if transitions.arrived(ticket, wanted=wanted):
                return ticket
            if not transitions.curable(failure):
                break
            await self._clock.sleep(attempt)
        raise failure

    async def _take(self, ticket: Ticket, *, chosen: ChosenTransition, guard: Guard) -> None:
        doing = f"taking the transition {chosen.name}"
        request = transitions.take(self._connection.site, ticket, chosen=chosen)
        answer = await self._connection.send(request, doing=doing, guard=guard)
        transitions.taken(answer, doing=doing)

    async def _known(self, ticket: Ticket) -> Sequence[Transition]:
        state = WorkflowState.of(ticket)
        return await self._transitions.get(state, read=lambda: self._read_transitions(ticket))

    async def _read_transitions(self, ticket: Ticket) -> Sequence[Transition]:
        doing, site = transitions.LISTING, self._connection.site
        response = await self._connection.send(transitions.listing(site, ticket), doing=doing)
        if response.status == 404:  # the ticket is gone, which concerns nobody else
            raise exchange.rejection(response, doing=doing)
        return transitions.transitions(site.answer(response, doing=doing))

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
