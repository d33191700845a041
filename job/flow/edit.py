"""Has a ticket's fields follow Halo: finds out what to write, and writes it beside the action.

Promises: at most one edit a ticket and run, and none where Halo says of its fields what it said
before; whatever keeps fields from following costs nothing else, and is told once a run.
Does not do: deciding whose a value is (`core/follow.py`).
"""

import structlog
from msgspec.structs import replace

from job.core import fields, follow
from job.core.follow import Edit
from job.core.issues import Evidence
from job.core.memory import Link
from job.core.model import Case, Ticket
from job.core.rewritten import rewritten
from job.core.shape import TicketSettings
from job.core.steps import Step, ticket_of
from job.errors import BadSettings, DetailRefused, TicketRejected, UnusableValue
from job.events import Event
from job.flow.brake import Brake
from job.flow.destinations import people_of
from job.flow.setup import Setup

log = structlog.get_logger()

NOT_OURS = 403
"""Jira's answer to whoever may see a ticket and not edit it. 404 speaks of the one ticket."""


class Follower:
    """Edits of one run; it knows the projects that let us edit nothing."""

    def __init__(self, setup: Setup, *, brake: Brake) -> None:
        self._ports = setup.ports
        self._redact = setup.redact
        self._brake = brake
        self._closed: set[str] = set()
        self._told: set[tuple[str, str]] = set()

    async def look(self, step: Step) -> None:
        """Finds what is to be written. Where that cannot be found out, nothing is, and the rest of
        the action goes on.
        """
        try:
            edit = await self._found(step)
        except DetailRefused as refusal:  # its words name the one asset, and it is told of them all
            self._tell(step, error=str(refusal), alike="an asset")
        except (BadSettings, UnusableValue) as error:
            self._tell(step, error=str(error))
        else:
            if edit is not None and edit.touched:
                step.edit = edit
            elif edit is not None:
                step.wrote = edit.done.text

    async def _found(self, step: Step) -> Edit | None:
        """The edit, perhaps of nothing; `None` where Halo says what it said before. Halo is asked
        for the asset where a field needs it, and Jira for the fields of the destination, once a
        run, where something has changed.
        """
        wrote = wrote_before(step.case)
        ticket, to, clock = ticket_of(step.decision), step.decision.destination, self._ports.clock
        if wrote is None or not to.tickets.follow or ticket.project in self._closed:
            return None
        seen = await self._with_asset(step.evidence, settings=to.tickets)
        if follow.source_of(seen, settings=to.tickets, now=clock.now()) == wrote.source:
            return None
        screen = await self._ports.jira.create_screen(to)
        return follow.edit(
            seen,
            wrote=wrote,
            holds=ticket.holds,
            settings=to.tickets,
            screen=screen,
            now=clock.now(),
            people=await people_of(seen, destination=to, jira=self._ports.jira, clock=clock),
        )

    async def _with_asset(self, seen: Evidence, *, settings: TicketSettings) -> Evidence:
        if not fields.needs_asset(settings, issue=seen.issue):
            return seen
        asset = await self._ports.halo.asset(seen.issue)
        return rewritten(replace(seen, asset=asset), self._redact)

    def note(self, step: Step) -> Link | None:
        """What memory must hold before the edit leaves."""
        if step.edit is None or step.link is None:
            return None
        return replace(step.link, wrote=step.edit.pending, updated_at=self._ports.clock.now())

    async def carry_out(self, step: Step, *, ticket: Ticket) -> None:
        """The edit, if there is one. Raises what stops the action, and no refusal."""
        edit = step.edit
        if edit is None:
            return
        step.edit = None
        step.wrote = edit.pending
        if ticket.project in self._closed:
            step.wrote = edit.before.text
            return
        try:
            step.wrote = (await self._written(edit, step=step, ticket=ticket)).text
        except TicketRejected as refusal:
            step.wrote = edit.before.text
            if refusal.status == NOT_OURS:
                self._closed.add(ticket.project)
            self._tell(step, error=str(refusal))

    async def _written(self, edit: Edit, *, step: Step, ticket: Ticket) -> follow.Wrote:
        """What we wrote by now. Fields that Jira refuses by name stay as they are."""
        try:
            await self._send(edit, ticket=ticket)
        except TicketRejected as refusal:
            left = edit.without(refusal.fields)
            if left.touched == edit.touched:
                raise
            self._tell(step, error=str(refusal))
            if left.touched:
                await self._send(left, ticket=ticket)
            return left.done
        return edit.done

    async def _send(self, edit: Edit, *, ticket: Ticket) -> None:
        await self._ports.jira.edit(
            ticket, fields=edit.fields, labels=edit.labels, guard=self._brake.may_write
        )
        self._brake.write_succeeded()

    def _tell(self, step: Step, *, error: str, alike: str = "") -> None:
        """Once a run and project for all that is alike, else for each error."""
        ticket = ticket_of(step.decision)
        if (ticket.project, alike or error) in self._told:
            return
        self._told.add((ticket.project, alike or error))
        log.warning(
            Event.FIELDS_NOT_FOLLOWED,
            issue_id=step.case.issue.id,
            ticket=ticket.key,
            route=step.decision.destination.name,
            error=error,
        )


def wrote_before(case: Case) -> follow.Wrote | None:
    """What we wrote into the ticket of an issue; `None` where nothing is known. Then all its values
    are people's.
    """
    if case.link is None or not case.linked or case.issue.gone:
        return None
    return follow.remembered(case.link.wrote)
