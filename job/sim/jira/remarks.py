"""Comments of our account: written by themselves, or along with a transition.

Promises: a refused comment leaves no trace; one that comes along with a transition whose screen
lists none is dropped without a word (observed: github.com sooperset/mcp-atlassian#1623); a rule of
the site may answer a comment.
Does not do: carrying out the transition (writes.py), or what people write (people.py).
Source: Jira Cloud REST v3, POST /issue/{key}/comment and /transitions; the workflow property
`jira.permission.comment.denied`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from job.sim.jira.fields import document
from job.sim.jira.payloads import properties_of
from job.sim.jira.sentences import Refused
from job.sim.jira.site import AUTOMATION, Site
from job.sim.jira.tickets import Comment, Ticket, Tickets
from job.sim.jira.workflow import Status, Transition


@dataclass(frozen=True, slots=True)
class Remark:
    """A comment that passed every check."""

    body: Any
    properties: Mapping[str, Any]


class Remarks:
    """What our account says on the tickets of one site."""

    def __init__(self, site: Site, *, tickets: Tickets) -> None:
        self.most = 5_000
        self._site = site
        self._tickets = tickets

    def comment(self, ticket: Ticket, *, body: Any) -> Comment:
        comment = self.say(ticket, remark=self._checked(ticket, raw=body))
        if self._site.reopens_commented and self._status(ticket).category == "done":
            self._tickets.move_status(
                self._tickets.by_id[ticket.id],
                status=self._site.reopens_commented,
                resolution=None,
                author=AUTOMATION,
            )
        return comment

    def say(self, ticket: Ticket, *, remark: Remark) -> Comment:
        return self._tickets.comment(
            ticket, body=remark.body, author=self._site.me, properties=remark.properties
        )

    def ridden(self, ticket: Ticket, *, body: Any, transition: Transition) -> Remark | None:
        """The comment that comes along with a transition."""
        steps = body.get("update", {}).get("comment")
        if "comment" in body.get("fields", {}):
            raise Refused("off_screen", "comment", field="comment")
        if steps is None or "comment" not in transition.screen:
            if transition.needs_comment or "comment" in transition.required:
                raise Refused("required", "Comment", field="comment")
            return None
        if not isinstance(steps, list) or len(steps) != 1 or set(steps[0]) != {"add"}:
            raise Refused("bad_payload", field="comment")
        if "ADD_COMMENTS" in self._site.refused_permissions:
            raise Refused("no_comments_here", field="comment")
        remark = self._checked(ticket, raw=steps[0]["add"])
        return remark if self._site.keeps_properties_of_ridden else replace(remark, properties={})

    def _checked(self, ticket: Ticket, *, raw: Any) -> Remark:
        if not isinstance(raw, dict):
            raise Refused("bad_payload")
        text = document(raw.get("body"), field="comment", sentence="comment_body")
        properties = properties_of(raw.get("properties", []))
        if len(ticket.comments) >= self.most:
            raise Refused("too_many_comments", self.most, status=413)
        if self._status(ticket).forbids_comments:
            raise Refused("no_comments_here")
        return Remark(text, properties)

    def _status(self, ticket: Ticket) -> Status:
        workflow = self._site.workflow(ticket.project, issue_type=ticket.issue_type)
        return workflow.status(ticket.status)
