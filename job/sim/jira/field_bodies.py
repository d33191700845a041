"""How Jira Cloud writes fields down as JSON (REST v3): alone, on a create, on a transition.

Promises: what is said about a field is what a write of it is checked against.
Does not do: values of fields (bodies.py), or choosing which fields may be seen.
"""

from typing import Any, Final

from job.sim.jira.bodies import Bodies
from job.sim.jira.site import PRIORITIES, Field, Option, Project, Site
from job.sim.jira.workflow import Status, Transition

_COMMENT: Final[dict[str, Any]] = {
    "schema": {"type": "comments-page", "system": "comment"},
    "name": "Comment",
    "key": "comment",
    "hasDefaultValue": False,
    "operations": ["add", "edit", "remove"],
}
_NOT_NAVIGABLE: Final = frozenset({"comment", "issuekey"})


class FieldBodies:
    """The shapes of one site's fields."""

    def __init__(self, site: Site, *, bodies: Bodies) -> None:
        self._site = site
        self._bodies = bodies

    def field(self, field: Field) -> dict[str, Any]:
        clauses = [f"cf[{field.number}]", field.name] if field.is_custom else [field.id]
        return {
            "id": field.id,
            "key": field.id,
            "name": field.name,
            "untranslatedName": field.name,
            "custom": field.is_custom,
            "orderable": field.on_screen,
            "navigable": field.id not in _NOT_NAVIGABLE,
            "searchable": True,
            "clauseNames": clauses,
            "schema": field.schema(),
        }

    def create_field(self, field: Field, *, project: Project, issue_type: Option) -> dict[str, Any]:
        body: dict[str, Any] = {
            "required": field.required,
            "schema": field.schema(),
            "name": field.name,
            "key": field.id,
            "fieldId": field.id,
            "hasDefaultValue": field.has_default,
            "operations": ["add", "set", "remove"]
            if field.kind in ("labels", "multiselect")
            else ["set"],
        }
        if field.options:
            body["allowedValues"] = [
                self._bodies.option(field, option=option) for option in field.options
            ]
        if field.id == "priority":
            body["defaultValue"] = self._bodies.option(field, option=PRIORITIES[2])
        if field.id == "project":
            body["allowedValues"] = [self._bodies.project(project)]
        if field.id == "issuetype":
            body["allowedValues"] = [self._bodies.issue_type(issue_type)]
        if field.kind == "user":
            body["autoCompleteUrl"] = self._bodies.url(
                f"user/assignable/search?project={project.key}&query="
            )
        return body

    def transition(
        self, transition: Transition, *, to: Status, with_fields: bool
    ) -> dict[str, Any]:
        body: dict[str, Any] = {
            "id": transition.id,
            "name": transition.name,
            "to": self._bodies.status(to),
            "hasScreen": bool(transition.screen),
            "isGlobal": transition.sources is None,
            "isInitial": False,
            "isAvailable": True,
            "isConditional": False,
            "isLooped": False,
        }
        if with_fields:
            body["fields"] = {
                name: self._screen_field(name, transition=transition) for name in transition.screen
            }
        return body

    def _screen_field(self, name: str, *, transition: Transition) -> dict[str, Any]:
        if name == "comment":
            return {**_COMMENT, "required": name in transition.required}
        field = self._site.known_field(name)
        body: dict[str, Any] = {
            "required": name in transition.required,
            "schema": field.schema(),
            "name": field.name,
            "key": name,
            "hasDefaultValue": False,
            "operations": ["set"],
        }
        if field.options:
            body["allowedValues"] = [
                self._bodies.option(field, option=option) for option in field.options
            ]
        return body
