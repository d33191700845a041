"""How Jira Cloud writes its tickets and their comments down as JSON (REST v3).

Promises: a ticket has exactly the fields and properties that were asked for and exist.
Does not do: choosing which tickets may be seen (access.py).
"""

from collections.abc import Callable, Sequence
from typing import Any

from job.sim.jira.bodies import Bodies
from job.sim.jira.site import Site
from job.sim.jira.tickets import Comment, Ticket


class TicketBodies:
    """The shapes of one site's tickets."""

    def __init__(self, site: Site, *, bodies: Bodies) -> None:
        self._site = site
        self._bodies = bodies
        self._derived: dict[str, Callable[[Ticket], Any]] = {
            "status": self._status_of,
            "project": lambda ticket: bodies.project(ticket.project),
            "issuetype": lambda ticket: bodies.issue_type(ticket.issue_type),
            "created": lambda ticket: bodies.stamp(ticket.created_at),
            "updated": lambda ticket: bodies.stamp(ticket.updated_at),
            "reporter": lambda ticket: bodies.person(ticket.creator),
            "comment": self._comments,
        }

    def ticket(
        self, ticket: Ticket, *, fields: Sequence[str], properties: Sequence[str] = ()
    ) -> dict[str, Any]:
        body: dict[str, Any] = {
            "expand": "",
            "id": str(ticket.id),
            "self": self._bodies.url(f"issue/{ticket.id}"),
            "key": ticket.key,
        }
        if wanted := self._wanted(fields):
            body["fields"] = {name: self._value(ticket, name=name) for name in wanted}
        if properties:
            body["properties"] = {
                key: ticket.properties[key] for key in properties if key in ticket.properties
            }
        return body

    def _wanted(self, fields: Sequence[str]) -> list[str]:
        known = [field.id for field in self._site.fields if field.id != "issuekey"]
        chosen: list[str] = []
        for name in fields:
            if name == "*all":
                chosen += [*known, "comment"]
            elif name == "*navigable":
                chosen += known
            elif name.startswith("-"):
                chosen = [kept for kept in chosen or known if kept != name[1:]]
            elif name in known or name == "comment":
                chosen.append(name)
        return list(dict.fromkeys(chosen))

    def _value(self, ticket: Ticket, *, name: str) -> Any:
        derive = self._derived.get(name)
        if derive:
            return derive(ticket)
        return ticket.fields.get(name, [] if name == "labels" else None)

    def _status_of(self, ticket: Ticket) -> dict[str, Any]:
        workflow = self._site.workflow(ticket.project, issue_type=ticket.issue_type)
        return self._bodies.status(workflow.status(ticket.status))

    def _comments(self, ticket: Ticket) -> dict[str, Any]:
        """Embedded, only a first slice of them comes along."""
        slice_ = [self.comment(ticket, comment=comment) for comment in ticket.comments[:20]]
        return {
            "comments": slice_,
            "startAt": 0,
            "maxResults": len(slice_),
            "total": len(ticket.comments),
        }

    def comment(
        self, ticket: Ticket, *, comment: Comment, with_properties: str = ""
    ) -> dict[str, Any]:
        body: dict[str, Any] = {
            "self": self._bodies.url(f"issue/{ticket.id}/comment/{comment.id}"),
            "id": comment.id,
            "author": self._bodies.person(comment.author),
            "body": comment.body,
            "updateAuthor": self._bodies.person(comment.author),
            "created": self._bodies.stamp(comment.created_at),
            "updated": self._bodies.stamp(comment.created_at),
            "jsdPublic": True,
        }
        if "properties" in with_properties.split(","):
            body["properties"] = [
                {"key": key, "value": value} for key, value in comment.properties.items()
            ]
        return body
