"""The writes of Jira Cloud: create, edit, comment, transition; each checked as Jira checks it.

Promises: a refused write leaves no trace, and says every field that was wrong.
Does not do: HTTP and identity (api.py), or several writes in one call (creates.py).
Source: Jira Cloud REST v3, POST /issue, PUT /issue, POST /issue/{key}/comment and /transitions.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from job.sim.faults import Faults
from job.sim.jira.bodies import Bodies
from job.sim.jira.payloads import merged, properties_of
from job.sim.jira.remarks import Remarks
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

    def __init__(
        self, site: Site, *, tickets: Tickets, bodies: Bodies, screens: Screens, faults: Faults
    ) -> None:
        self.site = site
        self.remarks = Remarks(site, tickets=tickets)
        self._faults = faults
        self.tickets = tickets
        self.bodies = bodies
        self.screens = screens
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
            self.tickets.set_properties(ticket, properties={**ticket.properties, key: value})
            ticket = self.tickets.by_id[ticket.id]
        return ticket

    def _refuse_archived(self, ticket: Ticket) -> None:
        if ticket.archived:
            raise Refused("archived", status=403)

    def comment(self, ticket: Ticket, *, body: Any) -> Comment:
        self._refuse_archived(ticket)
        return self.remarks.comment(ticket, body=body)

    def transitions(self, ticket: Ticket) -> list[Transition]:
        if "TRANSITION_ISSUES" in self.site.refused_permissions or ticket.archived:
            return []
        ways = self.site.workflow(ticket.project, issue_type=ticket.issue_type).available(
            ticket.status
        )
        return [way for way in ways if (ticket.key, way.id) not in self.site.hidden_ways]

    def transition(self, ticket: Ticket, *, body: Any) -> Ticket:
        wanted = body.get("transition") if isinstance(body, dict) else None
        if not isinstance(wanted, dict) or not isinstance(wanted.get("id"), str):
            raise Refused("no_transition")
        self._refuse_archived(ticket)
        chosen = next((way for way in self.transitions(ticket) if way.id == wanted["id"]), None)
        if chosen is None:
            raise Refused("transition", wanted["id"])
        if not all(isinstance(body.get(name, {}), dict) for name in ("fields", "update")):
            raise Refused("bad_payload")
        remark = self.remarks.ridden(ticket, body=body, transition=chosen)
        update = {name: raw for name, raw in body.get("update", {}).items() if name != "comment"}
        raw = merged({**body, "update": update}, current=ticket.fields)
        fields = self.screens.of_transition(chosen, raw=raw)
        if self._faults.strikes("transition_without_effect"):
            return ticket
        if remark is not None:
            self.remarks.say(ticket, remark=remark)
            ticket = self.tickets.by_id[ticket.id]
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
