"""What Jira says about its projects: what they are, and what a create in one of them takes.

Promises: everything comes from the site's one definition, so that what is promised here is what a
create will take; an anonymous visitor sees no projects.
Does not do: fields by themselves, or permissions (metadata.py).
Source: Jira Cloud REST v3, groups "Projects" and "Issues".
"""

from typing import Any, Final

from job.sim.call import Answer, json_answer
from job.sim.jira.bodies import Bodies
from job.sim.jira.field_bodies import FieldBodies
from job.sim.jira.request import Instead, Request
from job.sim.jira.sentences import EN, Refused
from job.sim.jira.site import Option, Project, Site

_META_PAGE_MAX: Final = 200


class Projects:
    """The operations that name a project, or list them."""

    def __init__(self, site: Site, *, bodies: Bodies, field_bodies: FieldBodies) -> None:
        self._site = site
        self._bodies = bodies
        self._field_bodies = field_bodies

    def get(self, request: Request) -> Answer:
        project = self.visible(request, name=request.name)
        types = [self._bodies.issue_type(option) for option in self._site.issue_types]
        archived = project.key in self._site.archived
        body = self._bodies.project(project) | {"issueTypes": types, "archived": archived}
        return json_answer(body)

    def search(self, request: Request) -> Answer:
        start, size = request.number("startAt", default=0), request.number("maxResults", default=50)
        seen = [
            project
            for project in self._site.projects
            if request.signed_in and project.key not in self._site.hidden
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

    def statuses(self, request: Request) -> Answer:
        project = self.visible(request, name=request.name)
        body = [
            {
                "self": self._bodies.url(f"issuetype/{option.id}"),
                "id": option.id,
                "name": option.name,
                "subtask": False,
                "statuses": [
                    self._bodies.listed_status(status)
                    for status in self._site.workflow(project, issue_type=option).statuses
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
            self._field_bodies.create_field(field, project=project, issue_type=option)
            for field in self._site.fields
            if field.on_screen
        ]
        return self._meta_page(request, key="fields", rows=rows)

    def visible(self, request: Request, *, name: str) -> Project:
        project = self._site.project(name)
        if project is None or project.key in self._site.hidden or not request.signed_in:
            raise Refused("no_project", name, status=404)
        return project

    def _creatable(self, request: Request) -> Project | None:
        project = self._site.project(request.name)
        refused = "CREATE_ISSUES" in self._site.refused_permissions or not request.signed_in
        if project is None or refused or project.key in self._site.hidden | self._site.archived:
            return None
        return project

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


def _not_found(field: str) -> Answer:
    return json_answer({"errorMessages": [], "errors": {field: EN[field]}}, status=404)
