"""How Jira Cloud writes people, projects and the values of fields down as JSON (REST v3).

Promises: `self` links name the site whatever base was called; instants carry milliseconds and an
offset without a colon in the site's zone, which is not UTC; e-mail addresses are left out, as
profile privacy has it.
Does not do: tickets (ticket_bodies.py) and fields (field_bodies.py), or choosing what may be seen.
"""

from datetime import datetime
from typing import Any

from job.sim.jira.site import Field, Option, Person, Project, Site
from job.sim.jira.workflow import CATEGORIES, Status


class Bodies:
    """The shapes of one site's values."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def url(self, rest: str) -> str:
        return f"{self._site.base_url}/rest/api/3/{rest}"

    def stamp(self, at: datetime) -> str:
        text = at.astimezone(self._site.zone).isoformat(timespec="milliseconds")
        return f"{text[:-3]}{text[-2:]}"

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

    def listed_status(self, status: Status) -> dict[str, Any]:
        """As listings of statuses show it, and tickets and transitions do not."""
        return self.status(status) | {"untranslatedName": status.untranslated or status.name}
