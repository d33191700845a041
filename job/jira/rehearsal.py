"""Looks, without a write, at the workflow that a destination's tickets have: statuses, and ways.

Promises: ways are listed for tickets that are there, whoever made them: a few that are open and a
few that are closed; nothing is moved.
Does not do: judging it (`core/workflow_checks.py`).
"""

from collections.abc import Sequence

from job.core.model import Ticket
from job.core.routes import Destination, Goal, Purpose
from job.core.statuses import Status
from job.core.ways import Seen
from job.errors import NoTransition
from job.jira.connection import Connection
from job.jira.mover import Mover
from job.jira.reader import Reader
from job.jira.searcher import Searcher
from job.jira.ways import Ways
from job.jira.wire import search, tickets, workflows

LOOKED_AT = 100
"""Of the newest tickets of a project."""
ASKED_MAX = 3
"""So many are asked for their transitions before none is believed to have the way."""


class Rehearsal:
    """The workflows of one site, looked at for `check`."""

    def __init__(
        self,
        connection: Connection,
        *,
        reader: Reader,
        searcher: Searcher,
        ways: Ways,
        mover: Mover,
    ) -> None:
        self._connection = connection
        self._reader = reader
        self._searcher = searcher
        self._ways = ways
        self._mover = mover

    async def workflow(self, destination: Destination) -> Seen:
        """What `check` can know of it before the first write."""
        settings, words = destination.tickets, destination.workflow
        site, project = self._connection.site, settings.project_key
        body = await self._connection.ask(
            workflows.statuses_request(site, project), doing=workflows.ASKING
        )
        statuses = workflows.statuses(body, ticket_type=settings.ticket_type)
        there = await self._there(destination, statuses=statuses)
        an_open = [ticket for ticket in there if not _is_over(ticket, destination=destination)]
        closed = [ticket for ticket in there if words.is_closed(ticket.standing)]
        return Seen(
            statuses=tuple(statuses),
            is_open_seen=bool(an_open),
            is_closed_seen=bool(closed),
            against_close=await self._refusal(an_open, goal=words.closing),
            against_reopen=await self._refusal(closed, goal=words.reopening),
        )

    async def _there(
        self, destination: Destination, *, statuses: Sequence[Status]
    ) -> Sequence[Ticket]:
        """Tickets of this type among the newest of the project, as the database has them."""
        jql = search.newest(destination.project)
        raws = await self._searcher(jql, enough=LOOKED_AT)
        ids = [tickets.id_of(raw) for raw in raws[:LOOKED_AT]]
        found = await self._reader.look_at(ids, not_loaded=set()) if ids else {}
        names = {status.name for status in statuses}
        return [ticket for ticket in found.values() if ticket.status in names]

    async def _refusal(self, some: Sequence[Ticket], *, goal: Goal) -> str:
        """Why none of the first of these could be moved so; "" where one could, or there is none.
        A condition may hide the way on single ones.
        """
        refusals = []
        for ticket in some[:ASKED_MAX]:
            try:
                way = await self._ways.choose_own(ticket, goal)
                if way.own:
                    await self._mover.own_values(ticket, goal=goal, chosen=way)
            except NoTransition as refusal:
                refusals.append(str(refusal))
                continue
            if goal.is_reached(way.to) or (goal.purpose is Purpose.CLOSE and way.to.is_done):
                return ""
            refusals.append(f"{way.name} leads {ticket.key} to {way.to}: {_wanted(goal)}.")
        return refusals[0] if refusals else ""


def _wanted(goal: Goal) -> str:
    """Where it should go, in words."""
    if goal.purpose is Purpose.CLOSE:
        return f"a ticket is closed in {' / '.join(goal.statuses)}"
    return f"a reopened ticket may not be in {' / '.join(goal.leaves)}"


def _is_over(ticket: Ticket, *, destination: Destination) -> bool:
    standing, words = ticket.standing, destination.workflow
    return standing.is_done or words.is_closed(standing) or words.is_accepted(standing)
