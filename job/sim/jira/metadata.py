"""What Jira says about itself: identity, fields, projects, issue types, permissions.

Promises: everything comes from the site's one definition, so that what metadata promises is what a
create will take; an anonymous visitor sees a site with system fields and no projects. Does not do:
tickets (jira_operations.py). Source: Jira Cloud REST v3, groups "Myself", "Server info", "Issue
fields", "Issues", "JQL", "Permissions", "Projects".
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from job.sim.call import Answer, json_answer
from job.sim.jira.bodies import Bodies
from job.sim.jira.request import Instead, Request
from job.sim.jira.sentences import EN, Refused
from job.sim.jira.site import Field, Option, Project, Site

PERMISSIONS: Final = (
    *(
        "BROWSE_PROJECTS",
        "CREATE_ISSUES",
        "EDIT_ISSUES",
        "ADD_COMMENTS",
        "TRANSITION_ISSUES",
        "RESOLVE_ISSUES",
    ),
    *(
        "CLOSE_ISSUES",
        "ASSIGN_ISSUES",
        "LINK_ISSUES",
        "SCHEDULE_ISSUES",
        "DELETE_ISSUES",
        "EDIT_OWN_COMMENTS",
    ),
    *("ADMINISTER_PROJECTS", "BULK_CHANGE"),
)
_META_PAGE_MAX: Final = 200
_JAVA: Final = {"text": "java.lang.String", "number": "java.lang.Number", "date": "java.util.Date"}


class Metadata:
    def __init__(self, site: Site, *, bodies: Bodies, now: Callable[[], datetime]) -> None:
        self._site = site
        self._bodies = bodies
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
        return json_answer([self._bodies.field(field) for field in shown])

    def project(self, request: Request) -> Answer:
        project = self._visible_project(request, name=request.name)
        types = [self._bodies.issue_type(option) for option in self._site.issue_types]
        return json_answer(self._bodies.project(project) | {"issueTypes": types})

    def projects(self, request: Request) -> Answer:
        start, size = request.number("startAt", default=0), request.number("maxResults", default=50)
        seen = [
            one
            for one in self._site.projects
            if request.signed_in and one.key not in self._site.hidden
        ]
        rows = [self._bodies.project(project) for project in seen[start : start + size]]
        last = start + size >= len(seen)
        page = {
            "startAt": start,
            "maxResults": size,
            "total": len(seen),
            "isLast": last,
            "values": rows,
        }
        return json_answer(page)

    def project_statuses(self, request: Request) -> Answer:
        project = self._visible_project(request, name=request.name)
        body = [
            {
                "self": self._bodies.url(f"issuetype/{option.id}"),
                "id": option.id,
                "name": option.name,
                "subtask": False,
                "statuses": [
                    self._bodies.status(one)
                    for one in self._site.workflow(project, issue_type=option).statuses
                ],
            }
            for option in self._site.issue_types
        ]
        return json_answer(body)

    def create_types(self, request: Request) -> Answer:
        """Without the right to create, an empty list and no error."""
        project = self._creatable(request)
        types = (
            [self._bodies.issue_type(option) for option in self._site.issue_types]
            if project
            else []
        )
        return self._meta_page(request, key="issueTypes", rows=types)

    def create_fields(self, request: Request) -> Answer:
        project, option = self._creatable(request), self._issue_type(request.names[1])
        if project is None or option is None:
            raise Instead(_not_found("issuetype" if project else "project"))
        rows = [
            self._bodies.create_field(field, project=project, issue_type=option)
            for field in self._site.fields
            if field.on_screen
        ]
        return self._meta_page(request, key="fields", rows=rows)

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
            self._visible_project(request, name=key)
        held = {
            key: request.signed_in and key not in self._site.refused_permissions for key in wanted
        }
        return json_answer(
            {"permissions": {key: _permission(key, held=has) for key, has in held.items()}}
        )

    def assignable(self, request: Request) -> Answer:
        self._visible_project(request, name=request.arg("project"))
        query = (request.arg("query") or request.arg("accountId")).lower()
        found = [
            one
            for one in self._site.people
            if query in (one.account_id, "") or query in one.name.lower()
        ]
        return json_answer([self._bodies.person(one) for one in found])

    def _visible_project(self, request: Request, *, name: str) -> Project:
        project = self._site.project(name)
        if project is None or project.key in self._site.hidden or not request.signed_in:
            raise Refused("no_project", name, status=404)
        return project

    def _creatable(self, request: Request) -> Project | None:
        project = self._site.project(request.name)
        refused = "CREATE_ISSUES" in self._site.refused_permissions or not request.signed_in
        return None if project is None or refused or project.key in self._site.hidden else project

    def _issue_type(self, type_id: str) -> Option | None:
        return next((option for option in self._site.issue_types if option.id == type_id), None)

    def _meta_page(self, request: Request, *, key: str, rows: list[dict[str, Any]]) -> Answer:
        start, size = request.number("startAt", default=0), request.number("maxResults", default=50)
        if size > _META_PAGE_MAX:
            raise Refused("bad_payload")
        page = {
            "startAt": start,
            "maxResults": size,
            "total": len(rows),
            key: rows[start : start + size],
        }
        return json_answer(page)


def _jql_name(field: Field) -> dict[str, Any]:
    body: dict[str, Any] = {
        "value": field.name if field.is_custom else field.id,
        "displayName": f"{field.name} - cf[{field.number}]" if field.is_custom else field.name,
        "orderable": "true",
        "searchable": "true",
        "operators": list(field.operators),
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


def _not_found(field: str) -> Answer:
    return json_answer({"errorMessages": [], "errors": {field: EN[field]}}, status=404)
