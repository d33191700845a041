"""What Jira says about itself: identity, fields, permissions, people.

Promises: everything comes from the site's one definition, so that what metadata promises is what a
create will take; an anonymous visitor sees a site with system fields only.
Does not do: projects (projects.py), tickets (reads.py).
Source: Jira Cloud REST v3, groups "Myself", "Server info", "Issue fields", "JQL", "Permissions".
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from job.sim.call import Answer, json_answer
from job.sim.jira.bodies import Bodies
from job.sim.jira.field_bodies import FieldBodies
from job.sim.jira.projects import Projects
from job.sim.jira.request import Request
from job.sim.jira.sentences import EN
from job.sim.jira.site import Field, Site

PERMISSIONS: Final = (
    *("BROWSE_PROJECTS", "CREATE_ISSUES", "EDIT_ISSUES", "ADD_COMMENTS", "TRANSITION_ISSUES"),
    *("RESOLVE_ISSUES", "CLOSE_ISSUES", "ASSIGN_ISSUES", "LINK_ISSUES", "SCHEDULE_ISSUES"),
    *(
        "MODIFY_REPORTER",
        "DELETE_ISSUES",
        "EDIT_OWN_COMMENTS",
        "ADMINISTER_PROJECTS",
        "BULK_CHANGE",
    ),
)
_JAVA: Final = {"text": "java.lang.String", "number": "java.lang.Number", "date": "java.util.Date"}


class Metadata:
    """The operations that are about the site as a whole."""

    def __init__(
        self,
        site: Site,
        *,
        projects: Projects,
        bodies: Bodies,
        field_bodies: FieldBodies,
        now: Callable[[], datetime],
    ) -> None:
        self._site = site
        self._projects = projects
        self._bodies = bodies
        self._field_bodies = field_bodies
        self._now = now

    def myself(self, request: Request) -> Answer:
        body = self._bodies.person(self._site.me) | {
            "locale": "en_US" if self._site.language == "en" else "de_DE"
        }
        return json_answer(body)

    def server_info(self, request: Request) -> Answer:
        """Open to everybody; proves nothing about the token."""
        body = {
            "baseUrl": self._site.base_url,
            "displayUrl": self._site.base_url,
            "version": "1001.0.0-SNAPSHOT",
            "versionNumbers": [1001, 0, 0],
            "deploymentType": "Cloud",
            "buildNumber": 100_300,
            "serverTime": self._bodies.stamp(self._now()),
            "serverTimeZone": self._site.zone_name,
            "serverTitle": "Jira",
        }
        return json_answer(body)

    def fields(self, request: Request) -> Answer:
        shown = [field for field in self._site.fields if request.signed_in or not field.is_custom]
        return json_answer([self._field_bodies.field(field) for field in shown])

    def autocomplete(self, request: Request) -> Answer:
        shown = [field for field in self._site.fields if request.signed_in or not field.is_custom]
        body = {
            "visibleFieldNames": [_jql_name(field) for field in shown],
            "visibleFunctionNames": [],
            "jqlReservedWords": ["and", "or", "not", "in", "is", "empty", "null", "order", "by"],
        }
        return json_answer(body)

    def my_permissions(self, request: Request) -> Answer:
        wanted = [key for key in request.arg("permissions").split(",") if key]
        if unknown := [key for key in wanted if key not in PERMISSIONS] or (
            [] if wanted else ["permissions"]
        ):
            return json_answer(
                {"errorMessages": [], "errors": dict.fromkeys(unknown, EN["unrecognised"])},
                status=400,
            )
        if key := request.arg("projectKey") or request.arg("projectId"):
            self._projects.visible(request, name=key)
        held = {
            key: request.signed_in and key not in self._site.refused_permissions for key in wanted
        }
        return json_answer(
            {"permissions": {key: _permission(key, held=has) for key, has in held.items()}}
        )

    def assignable(self, request: Request) -> Answer:
        self._projects.visible(request, name=request.arg("project"))
        query = (request.arg("query") or request.arg("accountId")).lower()
        found = [
            person
            for person in self._site.people
            if query in (person.account_id, "")
            or query in person.name.lower()
            or person.email.startswith(query)
        ]
        return json_answer([self._bodies.person(person) for person in found])


def _jql_name(field: Field) -> dict[str, Any]:
    body: dict[str, Any] = {
        "value": field.name if field.is_custom else field.id,
        "displayName": f"{field.name} - cf[{field.number}]" if field.is_custom else field.name,
        "orderable": "true",
        "searchable": "true" if field.searchable else "false",
        "operators": list(field.operators) if field.searchable else [],
        "types": [_JAVA.get(field.kind, "java.lang.String")],
    }
    return body | {"cfid": f"cf[{field.number}]"} if field.is_custom else body


def _permission(key: str, *, held: bool) -> dict[str, Any]:
    kind = "GLOBAL" if key == "BULK_CHANGE" else "PROJECT"
    name = key.replace("_", " ").title()
    number = str(PERMISSIONS.index(key))
    return {
        "id": number,
        "key": key,
        "name": name,
        "type": kind,
        "description": "",
        "havePermission": held,
    }
