"""Says on a ticket what is to be said, and keeps no ticket waiting for a comment that Jira refuses.

Promises: a comment is sent once; what could not be said is logged in its own words.
Does not do: finding words (`prepare.py`), or moving the ticket (`visit.py`).
"""

import structlog

from job.core import adf
from job.core.model import Action, Ticket
from job.core.steps import Step
from job.errors import TicketRejected
from job.events import Event
from job.flow.brake import Brake
from job.ports import JiraTickets

log = structlog.get_logger()

GONE, CONFLICT = 404, 409
"""The ticket itself is not there, or somebody else was writing to it: neither speaks of the
comment.
"""


class Voice:
    """Comments of one run."""

    def __init__(self, jira: JiraTickets, *, brake: Brake) -> None:
        self._jira = jira
        self._brake = brake
        self._silent: set[tuple[str, str, str]] = set()
        """Project, type and status in which Jira took no comment: there a ticket is moved first."""

    async def say(self, step: Step, *, ticket: Ticket) -> None:
        """The comment, unless it is there. Raises what Jira says against it."""
        comment = step.comment
        if comment is not None and step.unsaid:
            await self._jira.comment(
                ticket.id,
                body=comment.body,
                marker=comment.marker,
                public=comment.public,
                guard=self._brake.may_write,
            )
            self._brake.write_succeeded()
        step.told = comment

    async def say_if_taken(self, step: Step, *, ticket: Ticket) -> None:
        """The comment, if Jira takes it: else the ticket is moved all the same, and it is tried
        again afterwards.
        """
        place = (ticket.project, ticket.type_id, ticket.status)
        if step.unsaid and place in self._silent:
            return
        try:
            await self.say(step, ticket=ticket)
        except TicketRejected as refusal:
            if refusal.status in {GONE, CONFLICT}:
                raise
            step.refusal = refusal
            if step.decision.action is Action.REOPEN:
                self._silent.add(place)

    async def say_late(self, step: Step, *, ticket: Ticket) -> None:
        """What could not be said before. A refusal of the comment is logged with the words, and is
        no failure; one that does not speak of the comment is raised, and a later run says it.
        """
        if not step.unsaid:
            return
        closes = step.decision.action is Action.CLOSE
        try:
            if step.refusal is not None and closes:
                raise step.refusal
            await self.say(step, ticket=ticket)
        except TicketRejected as refusal:
            if refusal.status in {GONE, CONFLICT}:
                raise
            log.warning(
                Event.TICKET_UNTOLD,
                issue_id=step.case.issue.id,
                ticket=ticket.key,
                error=str(refusal),
                unsaid=adf.plain(step.comment.body) if step.comment else "",
            )
