"""The writes of Jira Cloud: create, edit, comment, transition; each checked as Jira checks it.

Promises: a refused write leaves no trace, and says every field that was wrong. Bulk creation goes
one by one and is not a transaction: an injected break leaves a prefix behind. Does not do: HTTP and
identity (jira.py). Source: Jira Cloud REST v3, POST /issue, /issue/bulk, PUT /issue, POST
/issue/{key}/comment and /transitions.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from job.sim.jira.bodies import Bodies
from job.sim.jira.fields import accept, document
from job.sim.jira.sentences import Refused
from job.sim.jira.site import PRIORITIES, Field, Option, Project, Site
from job.sim.jira.tickets import Comment, Ticket, Tickets
from job.sim.jira.workflow import Transition

PROPERTY_MAX: Final = 32_768
_CREATE_KEYS: Final = frozenset({"fields", "update", "properties", "historyMetadata"})
_VERBS: Final = frozenset({"add", "set", "remove"})


class RefusedAll(Exception):
    """Several fields were refused at once."""

    def __init__(self, refusals: list[Refused], *, status: int = 400) -> None:
        super().__init__("; ".join(str(one) for one in refusals))
        self.refusals = refusals
        self.status = status


@dataclass(frozen=True, slots=True)
class Draft:
    """A create that passed every check."""

    project: Project
    issue_type: Option
    fields: Mapping[str, Any]
    properties: Mapping[str, Any]


class Writes:
    """All writes of one site in the name of our account."""

    def __init__(self, site: Site, *, tickets: Tickets, bodies: Bodies) -> None:
        self.site = site
        self.tickets = tickets
        self.bodies = bodies
        self.comments_max = 5_000

    # Create
    # ---------------------------------------------------------------------------------------------------------

    def draft(self, body: Any) -> Draft:
        if (
            not isinstance(body, dict)
            or set(body) - _CREATE_KEYS
            or not isinstance(body.get("fields"), dict)
        ):
            raise Refused("bad_payload")
        raw = _merged(body, current={})
        project = self._project(raw.pop("project", None))
        issue_type = self._issue_type(raw.pop("issuetype", None))
        fields = self._accepted(raw, missing_matters=True)
        fields.setdefault(
            "priority", self.bodies.option(self._field("priority"), option=PRIORITIES[2])
        )
        return Draft(project, issue_type, fields, _properties(body.get("properties", [])))

    def create(self, draft: Draft) -> Ticket:
        return self.tickets.create(
            project=draft.project,
            issue_type=draft.issue_type,
            fields=draft.fields,
            properties=draft.properties,
            author=self.site.me,
        )

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

    # Edit
    # -----------------------------------------------------------------------------------------------------------

    def edit(self, ticket: Ticket, *, body: Any) -> Ticket:
        if (
            not isinstance(body, dict)
            or set(body) - _CREATE_KEYS
            or not set(body) & {"fields", "update", "properties"}
        ):
            raise Refused("bad_payload")
        self._refuse_archived(ticket)
        properties = _properties(body.get("properties", []))
        fields = self._accepted(_merged(body, current=ticket.fields), missing_matters=False)
        ticket = self.tickets.edit(ticket, fields=fields, author=self.site.me)
        for key, value in properties.items():
            self.tickets.set_property(ticket, key=key, value=value)
            ticket = self.tickets.by_id[ticket.id]
        return ticket

    def _accepted(self, raw: Mapping[str, Any], *, missing_matters: bool) -> dict[str, Any]:
        """Every field checked on its own, so that one answer names all that is wrong."""
        accepted: dict[str, Any] = {}
        refusals: list[Refused] = []
        for name, value in raw.items():
            field = self.site.field_by_id(name)
            if field is None or not field.on_screen:
                refusals.append(Refused("off_screen", name, field=name))
                continue
            try:
                accepted[name] = accept(field, raw=value, site=self.site, bodies=self.bodies)
            except Refused as refused:
                refusals.append(refused)
        refusals += self._missing(raw, missing_matters=missing_matters)
        if refusals:
            raise RefusedAll(refusals)
        return accepted

    def _missing(self, raw: Mapping[str, Any], *, missing_matters: bool) -> list[Refused]:
        missing = [
            field
            for field in self.site.fields
            if field.required and not field.has_default and field.id not in ("project", "issuetype")
            if raw.get(field.id, None if missing_matters else ...) in (None, [])
        ]
        return [
            Refused(
                "summary_required" if field.id == "summary" else "required",
                field.name,
                field=field.id,
            )
            for field in missing
        ]

    def _field(self, field_id: str) -> Field:
        field = self.site.field_by_id(field_id)
        if field is None:
            raise Refused("off_screen", field_id, field=field_id)
        return field

    def _refuse_archived(self, ticket: Ticket) -> None:
        if ticket.archived:
            raise Refused("archived", status=403)

    # Comment
    # --------------------------------------------------------------------------------------------------------

    def comment(self, ticket: Ticket, *, body: Any) -> Comment:
        if not isinstance(body, dict):
            raise Refused("bad_payload")
        self._refuse_archived(ticket)
        text = document(body.get("body"), field="comment", sentence="comment_body")
        properties = _properties(body.get("properties", []))
        if len(ticket.comments) >= self.comments_max:
            raise Refused("too_many_comments", self.comments_max, status=413)
        return self.tickets.comment(ticket, body=text, author=self.site.me, properties=properties)

    # Transition
    # -----------------------------------------------------------------------------------------------------

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
        chosen = next((one for one in self.transitions(ticket) if one.id == wanted["id"]), None)
        if chosen is None:
            raise Refused("transition", wanted["id"])
        fields = self._screen_fields(chosen, raw=_merged(body, current=ticket.fields))
        return self.carry_out(ticket, transition=chosen, fields=fields)

    def carry_out(
        self, ticket: Ticket, *, transition: Transition, fields: Mapping[str, Any]
    ) -> Ticket:
        resolution = fields.get("resolution", ticket.fields.get("resolution"))
        if transition.sets_resolution:
            resolution = self._resolution(transition.sets_resolution)
        if transition.clears_resolution:
            resolution = None
        others = {name: value for name, value in fields.items() if name != "resolution"}
        if others:
            ticket = self.tickets.edit(ticket, fields=others, author=self.site.me)
        return self.tickets.move_status(
            ticket, status=transition.to, resolution=resolution, author=self.site.me
        )

    def _resolution(self, name: str) -> Any:
        return accept(
            self._field("resolution"), raw={"name": name}, site=self.site, bodies=self.bodies
        )

    def _screen_fields(self, transition: Transition, *, raw: Mapping[str, Any]) -> dict[str, Any]:
        refusals = [
            Refused("off_screen", name, field=name) for name in raw if name not in transition.screen
        ]
        accepted: dict[str, Any] = {}
        for name in transition.screen:
            field = self._field(name)
            if raw.get(name) is None:
                refusals += (
                    [Refused("required", field.name, field=name)]
                    if name in transition.required
                    else []
                )
                continue
            try:
                accepted[name] = accept(field, raw=raw[name], site=self.site, bodies=self.bodies)
            except Refused as refused:
                refusals.append(refused)
        if refusals:
            raise RefusedAll(refusals)
        return accepted


def _merged(body: Mapping[str, Any], *, current: Mapping[str, Any]) -> dict[str, Any]:
    """`fields` and `update` as one mapping of raw values; a field may stand in one of them only."""
    fields, update = body.get("fields", {}), body.get("update", {})
    if not isinstance(fields, dict) or not isinstance(update, dict):
        raise Refused("bad_payload")
    if both := set(fields) & set(update):
        raise Refused("both_places", *sorted(both)[:1], field=sorted(both)[0])
    return {
        **fields,
        **{name: _updated(name, verbs=verbs, current=current) for name, verbs in update.items()},
    }


def _updated(name: str, *, verbs: Any, current: Mapping[str, Any]) -> Any:
    """Carry out a list of single-verb objects on the value as it stands."""
    if not isinstance(verbs, list):
        raise Refused("array", field=name)
    value = current.get(name)
    for one in verbs:
        if not isinstance(one, dict) or len(one) != 1 or not set(one) <= _VERBS:
            raise Refused("bad_payload", field=name)
        ((verb, operand),) = one.items()
        if verb == "set":
            value = operand
        elif isinstance(value, list) or value is None:
            value = [
                *(item for item in value or [] if item != operand),
                *([operand] if verb == "add" else []),
            ]
        else:
            raise Refused("array", field=name)
    return value


def _properties(raw: Any) -> dict[str, Any]:
    if not isinstance(raw, list):
        raise Refused("bad_payload", field="properties")
    for one in raw:
        if (
            not isinstance(one, dict)
            or set(one) != {"key", "value"}
            or not isinstance(one["key"], str)
        ):
            raise Refused("bad_payload", field="properties")
        check_property(one["key"], value=one["value"])
    return {one["key"]: one["value"] for one in raw}


def check_property(key: str, *, value: Any) -> None:
    if not 0 < len(key) <= 255 or len(repr(value)) > PROPERTY_MAX:
        raise Refused("property_size")
