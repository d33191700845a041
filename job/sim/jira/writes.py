"""The writes of Jira Cloud: create, edit, comment, transition; each checked as Jira checks it.

Promises: a refused write leaves no trace, and says every field that was wrong.
Does not do: HTTP and identity (api.py), or several writes in one call (creates.py).
Source: Jira Cloud REST v3, POST /issue, PUT /issue, POST /issue/{key}/comment and /transitions.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from job.sim.jira.bodies import Bodies
from job.sim.jira.fields import document
from job.sim.jira.payloads import merged, properties_of
from job.sim.jira.screens import Screens
from job.sim.jira.sentences import Refused
from job.sim.jira.site import AUTOMATION, PRIORITIES, Option, Project, Site
from job.sim.jira.tickets import Comment, Ticket, Tickets
from job.sim.jira.workflow import Transition

_CREATE_KEYS: Final = frozenset({"fields", "update", "properties", "historyMetadata"})
Rule = Callable[[Mapping[str, Any]], Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Draft:
    """A create that passed every check."""

    project: Project
    issue_type: Option
    fields: Mapping[str, Any]
    properties: Mapping[str, Any]


class Writes:
    """All writes of one site in the name of our account."""

    def __init__(self, site: Site, *, tickets: Tickets, bodies: Bodies, screens: Screens) -> None:
        self.site = site
        self.tickets = tickets
        self.bodies = bodies
        self.screens = screens
        self.comments_max = 5_000
        self.rule: Rule | None = None
        """What a rule of the site writes into the fields of every new ticket."""

    def draft(self, body: Any) -> Draft:
        if (
            not isinstance(body, dict)
            or set(body) - _CREATE_KEYS
            or not isinstance(body.get("fields"), dict)
        ):
            raise Refused("bad_payload")
        raw = merged(body, current={})
        project = self._project(raw.pop("project", None))
        issue_type = self._issue_type(raw.pop("issuetype", None))
        fields = self.screens.accepted(raw, missing_matters=True)
        fields.setdefault(
            "priority", self.bodies.option(self.screens.field("priority"), option=PRIORITIES[2])
        )
        return Draft(project, issue_type, fields, properties_of(body.get("properties", [])))

    def create(self, draft: Draft) -> Ticket:
        ticket = self.tickets.create(
            project=draft.project,
            issue_type=draft.issue_type,
            fields=draft.fields,
            properties=draft.properties,
            author=self.site.me,
        )
        if self.rule is None:
            return ticket
        return self.tickets.edit(ticket, fields=self.rule(draft.fields), author=AUTOMATION)

    def _project(self, raw: Any) -> Project:
        wanted = (raw.get("id") or raw.get("key")) if isinstance(raw, dict) else None
        project = self.site.project(wanted) if isinstance(wanted, str) else None
        if (
            project is None
            or project.key in self.site.hidden
            or "CREATE_ISSUES" in self.site.refused_permissions
        ):
            raise Refused("project", field="project")
        return project

    def _issue_type(self, raw: Any) -> Option:
        for option in self.site.issue_types:
            if isinstance(raw, dict) and (
                raw.get("id") == option.id or raw.get("name") == option.name
            ):
                return option
        raise Refused("issuetype", field="issuetype")

    def edit(self, ticket: Ticket, *, body: Any) -> Ticket:
        if (
            not isinstance(body, dict)
            or set(body) - _CREATE_KEYS
            or not set(body) & {"fields", "update", "properties"}
        ):
            raise Refused("bad_payload")
        self._refuse_archived(ticket)
        properties = properties_of(body.get("properties", []))
        fields = self.screens.accepted(merged(body, current=ticket.fields), missing_matters=False)
        ticket = self.tickets.edit(ticket, fields=fields, author=self.site.me)
        for key, value in properties.items():
            self.tickets.set_property(ticket, key=key, value=value)
            ticket = self.tickets.by_id[ticket.id]
        return ticket

    def _refuse_archived(self, ticket: Ticket) -> None:
        if ticket.archived:
            raise Refused("archived", status=403)

    def comment(self, ticket: Ticket, *, body: Any) -> Comment:
        if not isinstance(body, dict):
            raise Refused("bad_payload")
        self._refuse_archived(ticket)
        text = document(body.get("body"), field="comment", sentence="comment_body")
        properties = properties_of(body.get("properties", []))
        if len(ticket.comments) >= self.comments_max:
            raise Refused("too_many_comments", self.comments_max, status=413)
        return self.tickets.comment(ticket, body=text, author=self.site.me, properties=properties)

    def transitions(self, ticket: Ticket) -> list[Transition]:
        if "TRANSITION_ISSUES" in self.site.refused_permissions or ticket.archived:
            return []
        return self.site.workflow(ticket.project, issue_type=ticket.issue_type).available(
            ticket.status
        )

    def transition(self, ticket: Ticket, *, body: Any) -> Ticket:
        wanted = body.get("transition") if isinstance(body, dict) else None
        if not isinstance(wanted, dict) or not isinstance(wanted.get("id"), str):
            raise Refused("no_transition")
        self._refuse_archived(ticket)
        chosen = next((way for way in self.transitions(ticket) if way.id == wanted["id"]), None)
        if chosen is None:
            raise Refused("transition", wanted["id"])
        fields = self.screens.of_transition(chosen, raw=merged(body, current=ticket.fields))
        return self.carry_out(ticket, transition=chosen, fields=fields)

    def carry_out(
        self, ticket: Ticket, *, transition: Transition, fields: Mapping[str, Any]
    ) -> Ticket:
        resolution = fields.get("resolution", ticket.fields.get("resolution"))
        if transition.sets_resolution:
            resolution = self.screens.resolution(transition.sets_resolution)
        if transition.clears_resolution:
            resolution = None
        others = {name: value for name, value in fields.items() if name != "resolution"}
        if others:
            ticket = self.tickets.edit(ticket, fields=others, author=self.site.me)
        return self.tickets.move_status(
            ticket, status=transition.to, resolution=resolution, author=self.site.me
        )
