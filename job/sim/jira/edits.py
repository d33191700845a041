"""The operations that change a ticket: an edit, a comment, a transition.

Promises: a refused one leaves no trace.
Does not do: checking values (writes.py), or properties by themselves (properties.py).
Source: Jira Cloud REST v3, groups "Issues" and "Issue comments".
"""

from job.sim.call import Answer, json_answer
from job.sim.jira.access import Access
from job.sim.jira.request import Request
from job.sim.jira.ticket_bodies import TicketBodies
from job.sim.jira.writes import Writes


class Edits:
    """Changes to tickets in the name of our account."""

    def __init__(self, *, access: Access, writes: Writes, bodies: TicketBodies) -> None:
        self._access = access
        self._writes = writes
        self._bodies = bodies

    def edit(self, request: Request) -> Answer:
        ticket = self._writes.edit(
            self._access.to_write(request, needs="EDIT_ISSUES"), body=request.json()
        )
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
