"""The operations on properties of tickets and of comments: small values under keys of their own.

Promises: writing one leaves the ticket's time of update alone, and no search ever sees it.
Does not do: properties that come along with another write (payloads.py).
Source: Jira Cloud REST v3, groups "Issue properties" and "Issue comment properties".
"""

from collections.abc import Mapping
from typing import Any

from job.sim.call import Answer, json_answer
from job.sim.jira.access import Access
from job.sim.jira.bodies import Bodies
from job.sim.jira.payloads import check_property
from job.sim.jira.request import Request
from job.sim.jira.sentences import Refused
from job.sim.jira.tickets import Tickets


class Properties:
    """The properties of one site's tickets and comments."""

    def __init__(self, *, access: Access, tickets: Tickets, bodies: Bodies) -> None:
        self._access = access
        self._tickets = tickets
        self._bodies = bodies

    def of_ticket(self, request: Request) -> Answer:
        return _property(self._access.ticket(request).properties, key=request.names[1])

    def set_of_ticket(self, request: Request) -> Answer:
        ticket = self._access.to_write(request, needs="EDIT_ISSUES")
        key, value = request.names[1], request.json()
        check_property(key, value=value)
        self._tickets.set_properties(ticket, properties={**ticket.properties, key: value})
        return Answer(200 if key in ticket.properties else 201)

    def drop_of_ticket(self, request: Request) -> Answer:
        ticket = self._access.to_write(request, needs="EDIT_ISSUES")
        key = request.names[1]
        _property(ticket.properties, key=key)
        kept = {name: value for name, value in ticket.properties.items() if name != key}
        self._tickets.set_properties(ticket, properties=kept)
        return Answer(204)

    def keys_of_ticket(self, request: Request) -> Answer:
        ticket = self._access.ticket(request)
        here = self._bodies.url(f"issue/{ticket.id}/properties")
        return json_answer(
            {"keys": [{"self": f"{here}/{key}", "key": key} for key in ticket.properties]}
        )

    def of_comment(self, request: Request) -> Answer:
        _, comment = self._access.comment(request)
        return _property(comment.properties, key=request.names[1])

    def set_of_comment(self, request: Request) -> Answer:
        ticket, comment = self._access.comment(request)
        key, value = request.names[1], request.json()
        check_property(key, value=value)
        self._tickets.set_comment_property(ticket, comment=comment, key=key, value=value)
        return Answer(200 if key in comment.properties else 201)


def _property(properties: Mapping[str, Any], *, key: str) -> Answer:
    if key not in properties:
        raise Refused("no_property", key, status=404)
    return json_answer({"key": key, "value": properties[key]})
