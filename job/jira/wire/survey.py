"""What `check` asks a site beyond what a run asks: its projects, and our permissions in them.

Promises: pure functions; a permission that Jira does not answer counts as one that we lack.
Does not do: judging any of it (`job/commands/checks/`).
Source: Jira Cloud REST v3, groups "Projects" and "Permissions".
"""

from collections.abc import Collection
from typing import Any

from msgspec import Struct

from job.http.message import Request, Response
from job.jira.wire.exchange import Site, readable

ASKING_PROJECT = "looking at the project"
ASKING_RIGHTS = "asking for our permissions"


class Project(Struct, frozen=True, kw_only=True):
    """A project as we see it; one that is not `there` may be hidden from us."""

    key: str
    there: bool
    archived: bool = False
    others: tuple[str, ...] = ()
    """Keys of projects that we see; asked for where this one is not there."""


def project_request(site: Site, key: str) -> Request:
    return site.request("GET /rest/api/3/project/{project}", ids={"project": key})


def is_archived(body: Any) -> bool:
    """`archived` stands in the answer of a project that is (REST v3, GET "project")."""
    with readable(ASKING_PROJECT):
        return body.get("archived", False) is True


def keys(response: Response) -> tuple[str, ...]:
    """The projects that we see; none where they cannot be listed, which is not the news."""
    if response.status != 200:
        return ()
    with readable(ASKING_PROJECT):
        return tuple(project["key"] for project in response.json()["values"])


def rights_request(site: Site, key: str, *, names: Collection[str]) -> Request:
    return site.request(
        "GET /rest/api/3/mypermissions",
        query={"projectKey": key, "permissions": ",".join(sorted(names))},
    )


def rights(body: Any) -> frozenset[str]:
    """The permissions that we have."""
    with readable(ASKING_RIGHTS):
        told = body["permissions"]
        return frozenset(name for name in told if told[name]["havePermission"] is True)
