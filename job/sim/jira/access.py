"""Which tickets a request may see, and which it may write just now.

Promises: missing and forbidden look the same; a write that is refused for its rate, for a conflict
or for want of a permission is refused before it has any effect.
Does not do: deciding who is asking (api.py), or checking what is written (writes.py).
"""

from typing import Final

from job.sim.call import Answer, json_answer
from job.sim.faults import Faults
from job.sim.jira.limits import Limits
from job.sim.jira.request import Instead, Request
from job.sim.jira.sentences import EN, Refused
from job.sim.jira.tickets import Comment, Ticket, Tickets

_READS: Final = frozenset(
    {
        "POST /jql/parse",
        "POST /search/jql",
        "POST /search/approximate-count",
        "POST /issue/bulkfetch",
        "POST /comment/list",
    }
)


def is_write(route: str) -> bool:
    """Whether an operation, by its title, changes anything."""
    return not route.startswith("GET ") and route not in _READS


class Access:
    """The way from the name in a request to the ticket or the comment."""

    def __init__(self, tickets: Tickets, *, faults: Faults) -> None:
        self.limits: Limits | None = None
        self.writes_refused: int | None = None
        """The status with which every write is refused just now, as when an allow-list changes."""
        self._tickets = tickets
        self._faults = faults

    def visible(self, request: Request, *, name: str) -> Ticket | None:
        return self._tickets.visible(name) if request.signed_in else None

    def ticket(self, request: Request) -> Ticket:
        """Missing and forbidden look the same."""
        ticket = self.visible(request, name=request.name)
        if ticket is None:
            raise Refused("no_ticket", status=404)
        return ticket

    def to_write(self, request: Request, *, needs: str = "") -> Ticket:
        ticket = self.ticket(request)
        if self.limits and (refusal := self.limits.take_write(ticket.id)):
            raise Instead(refusal)
        if self._faults.strikes("conflict"):
            raise Refused("conflict", status=409)
        if needs in self._tickets.site.refused_permissions:
            raise Refused("no_ticket", status=403)
        return ticket

    def turn_away(self, route: str) -> Answer | None:
        """The refusal of a write that would meet any other alike."""
        if self.writes_refused is None or not is_write(route):
            return None
        body = {"errorMessages": [EN["turned_away"]], "errors": {}}
        return json_answer(body, status=self.writes_refused)

    def comment(self, request: Request) -> tuple[Ticket, Comment]:
        for ticket in self._tickets.live():
            for comment in ticket.comments:
                if comment.id == request.name and self.visible(request, name=str(ticket.id)):
                    return ticket, comment
        raise Refused("no_ticket", status=404)
