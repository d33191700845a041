"""How Jira Cloud writes its tickets, people and metadata down as JSON (REST v3).

Promises: `self` links name the site whatever base was called; instants carry milliseconds and an
offset without a colon in the site's zone, which is not UTC; e-mail addresses are left out, as
profile privacy has it. Does not do: choosing what may be seen.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final

from job.sim.jira.site import PRIORITIES, Field, Option, Person, Project, Site
from job.sim.jira.tickets import Comment, Ticket
from job.sim.jira.workflow import CATEGORIES, Status, Transition

_NOT_NAVIGABLE: Final = frozenset({"comment", "issuekey"})


class Bodies:
    """All shapes of one site."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._derived: dict[str, Callable[[Ticket], Any]] = {
            "status": self._status_of,
            "project": lambda ticket: self.project(ticket.project),
            "issuetype": lambda ticket: self.issue_type(ticket.issue_type),
            "created": lambda ticket: self.stamp(ticket.created_at),
            "updated": lambda ticket: self.stamp(ticket.updated_at),
            "reporter": lambda ticket: self.person(ticket.creator),
            "comment": self._comments,
        }

    def url(self, rest: str) -> str:
        return f"{self._site.base_url}/rest/api/3/{rest}"

    def stamp(self, at: datetime) -> str:
        text = at.astimezone(self._site.zone).isoformat(timespec="milliseconds")
        return f"{text[:-3]}{text[-2:]}"

    # Tickets
    # --------------------------------------------------------------------------------------------------------

    def ticket(
        self, ticket: Ticket, *, fields: Sequence[str], properties: Sequence[str] = ()
    ) -> dict[str, Any]:
        body: dict[str, Any] = {
            "expand": "",
            "id": str(ticket.id),
            "self": self.url(f"issue/{ticket.id}"),
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
                chosen = [one for one in chosen or known if one != name[1:]]
            elif name in known or name == "comment":
                chosen.append(name)
        return list(dict.fromkeys(chosen))

    def _value(self, ticket: Ticket, *, name: str) -> Any:
        derive = self._derived.get(name)
        return (
            derive(ticket) if derive else ticket.fields.get(name, [] if name == "labels" else None)
        )

    def _status_of(self, ticket: Ticket) -> dict[str, Any]:
        workflow = self._site.workflow(ticket.project, issue_type=ticket.issue_type)
        return self.status(workflow.status(ticket.status))

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
            "self": self.url(f"issue/{ticket.id}/comment/{comment.id}"),
            "id": comment.id,
            "author": self.person(comment.author),
            "body": comment.body,
            "updateAuthor": self.person(comment.author),
            "created": self.stamp(comment.created_at),
            "updated": self.stamp(comment.created_at),
            "jsdPublic": True,
        }
        if "properties" in with_properties.split(","):
            body["properties"] = [
                {"key": key, "value": value} for key, value in comment.properties.items()
            ]
        return body

    # Values
    # ---------------------------------------------------------------------------------------------------------

    def person(self, person: Person) -> dict[str, Any]:
        return {
            "self": self.url(f"user?accountId={person.account_id}"),
            "accountId": person.account_id,
            "accountType": "atlassian",
            "displayName": person.name,
            "active": True,
            "timeZone": self._site.zone_name,
        }

    def option(self, field: Field, *, option: Option) -> dict[str, Any]:
        """Options of custom fields have a `value`; priorities and resolutions have a `name`."""
        if field.kind in ("select", "multiselect"):
            return {
                "self": self.url(f"customFieldOption/{option.id}"),
                "value": option.name,
                "id": option.id,
            }
        return {"self": self.url(f"{field.kind}/{option.id}"), "name": option.name, "id": option.id}

    def project(self, project: Project) -> dict[str, Any]:
        return {
            "self": self.url(f"project/{project.id}"),
            "id": project.id,
            "key": project.key,
            "name": project.name,
            "projectTypeKey": "software",
            "simplified": False,
            "style": "classic",
            "isPrivate": True,
        }

    def issue_type(self, issue_type: Option) -> dict[str, Any]:
        return {
            "self": self.url(f"issuetype/{issue_type.id}"),
            "id": issue_type.id,
            "description": "",
            "iconUrl": f"{self._site.base_url}/images/icons/issuetypes/bug.png",
            "name": issue_type.name,
            "untranslatedName": issue_type.name,
            "subtask": False,
            "hierarchyLevel": 0,
        }

    def status(self, status: Status) -> dict[str, Any]:
        category = CATEGORIES[status.category]
        return {
            "self": self.url(f"status/{status.id}"),
            "description": "",
            "iconUrl": f"{self._site.base_url}/images/icons/statuses/generic.png",
            "name": status.name,
            "id": status.id,
            "statusCategory": {"self": self.url(f"statuscategory/{category['id']}"), **category},
        }

    # Metadata
    # -------------------------------------------------------------------------------------------------------

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
            body["allowedValues"] = [self.option(field, option=option) for option in field.options]
        if field.id == "priority":
            body["defaultValue"] = self.option(field, option=PRIORITIES[2])
        if field.id == "project":
            body["allowedValues"] = [self.project(project)]
        if field.id == "issuetype":
            body["allowedValues"] = [self.issue_type(issue_type)]
        if field.kind == "user":
            body["autoCompleteUrl"] = self.url(
                f"user/assignable/search?project={project.key}&query="
            )
        return body

    def transition(
        self, transition: Transition, *, to: Status, with_fields: bool
    ) -> dict[str, Any]:
        body: dict[str, Any] = {
            "id": transition.id,
            "name": transition.name,
            "to": self.status(to),
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
            body["allowedValues"] = [self.option(field, option=option) for option in field.options]
        return body
