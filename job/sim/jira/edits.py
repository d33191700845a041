"""The operations that change a ticket: an edit, a comment, a transition.

Promises: a refused one leaves no trace.
Does not do: checking values (writes.py), or properties by themselves (properties.py).
Source: Jira Cloud REST v3, groups "Issues" and "Issue comments".
"""

from job.sim.call import Answer, json_answer
from job.sim.jira.access import Access
from job.sim.jira.request import Request
from job.sim.jira.sentences import Refused
from job.sim.jira.site import Site
from job.sim.jira.ticket_bodies import TicketBodies
from job.sim.jira.writes import Writes


class Edits:
    """Changes to tickets in the name of our account."""

    def __init__(self, site: Site, *, access: Access, writes: Writes, bodies: TicketBodies) -> None:
        self.mailed: list[str] = []
        """The keys of tickets of whose edits people got a mail, an entry for each edit."""
        self._site = site
        self._access = access
        self._writes = writes
        self._bodies = bodies

    def edit(self, request: Request) -> Answer:
        ticket = self._access.to_write(request, needs="EDIT_ISSUES")
        silent = request.arg("notifyUsers", default="true") == "false"
        if silent and not self._site.administered:
            raise Refused("loud")
        ticket = self._writes.edit(ticket, body=request.json())
        if not silent:
            self.mailed.append(ticket.key)
        if request.arg("returnIssue") != "true":
            return Answer(204)
        return json_answer(self._bodies.ticket(ticket, fields=["*all"]))

    def comment(self, request: Request) -> Answer:
        ticket = self._access.to_write(request, needs="ADD_COMMENTS")
        comment = self._writes.comment(ticket, body=request.json())
        body = self._bodies.comment(ticket, comment=comment, with_properties=request.arg("expand"))
        return json_answer(body, status=201)

    def transition(self, request: Request) -> Answer:
        self._writes.transition(self._access.to_write(request), body=request.json())
        return Answer(204)
