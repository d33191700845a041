"""The ways out of each state of a workflow, as they were listed for one ticket or another.

Promises: the transitions out of a state are listed once a run, however many tickets stand there; a
ticket that has not what others have is asked for its own before it fails, as often as is bounded by
what succeeds.
Does not do: taking a transition (`mover.py`).
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import NamedTuple

from msgspec.structs import replace

from job.core.ids import TicketId
from job.core.model import Ticket
from job.core.routes import Goal
from job.core.ways import ChosenTransition
from job.errors import NoTransition, Withheld
from job.jira.connection import Connection
from job.jira.tongue import Tongue
from job.jira.wire import exchange, transitions
from job.jira.wire.transitions import Transition

IN_VAIN_MAX = 25
"""So many more tickets of one state than had the way are asked for their own transitions in a run.
"""
TOO_MANY = "Too many tickets there have no such transition; this one is asked in a later run."


class WorkflowState(NamedTuple):
    """Where in which workflow a ticket stands. Tickets there have the same transitions, but for
    those that a condition hides on some of them.
    """

    project: str
    type_id: str
    status: str

    @classmethod
    def of(cls, ticket: Ticket) -> "WorkflowState":
        return cls(ticket.project, ticket.type_id, ticket.status)


class Listed(NamedTuple):
    """Transitions, and the ticket that they were listed for."""

    ticket_id: TicketId
    ways: Sequence[Transition]


class Ways:
    """Transitions that were listed in this run."""

    def __init__(self, connection: Connection, *, tongue: Tongue) -> None:
        self._connection = connection
        self._tongue = tongue
        self._listed: dict[WorkflowState, Listed] = {}
        self._turns: defaultdict[WorkflowState, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._found: Counter[WorkflowState] = Counter()
        self._in_vain: Counter[WorkflowState] = Counter()

    async def choose(self, ticket: Ticket, goal: Goal) -> ChosenTransition:
        """The transition to take. Raises `NoTransition`, `Withheld`."""
        state = WorkflowState.of(ticket)
        async with self._turns[state]:
            chosen = await self._choose(ticket, goal=goal)
            self._found[state] += 1
        return chosen

    async def choose_own(self, ticket: Ticket, goal: Goal) -> ChosenTransition:
        """The transition that is listed for this very ticket now. Raises `NoTransition`."""
        async with self._turns[WorkflowState.of(ticket)]:
            return await self._own(ticket, goal=goal)

    async def _choose(self, ticket: Ticket, *, goal: Goal) -> ChosenTransition:
        """By what was listed for others, else by what is listed for this very ticket."""
        state = WorkflowState.of(ticket)
        if listed := self._listed.get(state):
            try:
                return transitions.choose(listed.ways, ticket=ticket, goal=goal)
            except NoTransition:
                if self._in_vain[state] >= IN_VAIN_MAX + self._found[state]:
                    raise Withheld(TOO_MANY) from None
        return await self._own(ticket, goal=goal)

    async def _own(self, ticket: Ticket, *, goal: Goal) -> ChosenTransition:
        """By this ticket's own list, which serves the others if it has the way."""
        state = WorkflowState.of(ticket)
        own = Listed(ticket.id, await self._read_transitions(ticket))
        self._listed.setdefault(state, own)
        try:
            chosen = transitions.choose(own.ways, ticket=ticket, goal=goal)
        except NoTransition:
            self._in_vain[state] += 1
            raise
        self._listed[state] = own
        return chosen

    async def _read_transitions(self, ticket: Ticket) -> Sequence[Transition]:
        doing, site = transitions.LISTING, self._connection.site
        response = await self._connection.send(transitions.listing(site, ticket), doing=doing)
        if response.status == 404:  # the ticket is gone, which concerns nobody else
            raise exchange.rejection(response, doing=doing)
        listed = transitions.transitions(site.answer(response, doing=doing))
        return [
            replace(way, to=await self._tongue.status(way.to, project=ticket.project))
            for way in listed
        ]
