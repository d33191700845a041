"""Which operation of Jira Cloud a method and a path mean.

Promises: literal paths stand before templates of the same length; what was removed says so.
Does not do: knowing who is asking (api.py), or carrying anything out.
Source: Jira Cloud REST v3.
"""

from collections.abc import Callable
from dataclasses import dataclass

from job.sim.call import Answer, json_answer
from job.sim.jira.creates import Creates
from job.sim.jira.edits import Edits
from job.sim.jira.metadata import Metadata
from job.sim.jira.projects import Projects
from job.sim.jira.properties import Properties
from job.sim.jira.reads import Reads
from job.sim.jira.request import Request
from job.sim.jira.searches import Searches
from job.sim.jira.sentences import EN

Effect = Callable[[Request], Answer]


@dataclass(frozen=True, slots=True)
class Route:
    """`members_only` operations answer 401 to a bad token; the others answer as to a stranger."""

    method: str
    template: str
    effect: Effect
    members_only: bool = False

    @property
    def title(self) -> str:
        return f"{self.method} {self.template}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Operations:
    """Everything that a site can be asked for."""

    metadata: Metadata
    projects: Projects
    searches: Searches
    reads: Reads
    creates: Creates
    edits: Edits
    properties: Properties


class Routes:
    """The routes to the operations of one site, by method and number of segments."""

    def __init__(self, operations: Operations) -> None:
        self._by_shape = _by_shape(_routes(operations))

    def find(self, method: str, *, rest: tuple[str, ...]) -> tuple[Route, tuple[str, ...]] | None:
        """The route, and the names that the path has in the places of its template."""
        for segments, route in self._by_shape.get((method, len(rest)), []):
            if all(segment in ("{}", part) for segment, part in zip(segments, rest, strict=True)):
                return route, tuple(
                    part for segment, part in zip(segments, rest, strict=True) if segment == "{}"
                )
        return None


def _routes(operations: Operations) -> list[Route]:
    """Literal paths stand before templates of the same length."""
    metadata, projects = operations.metadata, operations.projects
    searches, reads, creates = operations.searches, operations.reads, operations.creates
    edits, properties = operations.edits, operations.properties
    return [
        Route("GET", "/myself", metadata.myself, members_only=True),
        Route("GET", "/serverInfo", metadata.server_info),
        Route("GET", "/field", metadata.fields),
        Route("GET", "/project/search", projects.search),
        Route("GET", "/project/{key}", projects.get),
        Route("GET", "/project/{key}/statuses", projects.statuses),
        Route("GET", "/issue/createmeta/{project}/issuetypes", projects.create_types),
        Route("GET", "/issue/createmeta/{project}/issuetypes/{id}", projects.create_fields),
        Route("GET", "/jql/autocompletedata", metadata.autocomplete),
        Route("GET", "/mypermissions", metadata.my_permissions),
        Route("GET", "/user/assignable/search", metadata.assignable),
        Route("GET", "/search", _removed),
        Route("POST", "/search", _removed),
        Route("POST", "/jql/parse", searches.parse),
        Route("POST", "/search/jql", searches.search),
        Route("POST", "/search/approximate-count", searches.count),
        Route("POST", "/issue/bulkfetch", reads.fetch),
        Route("POST", "/issue/bulk", creates.create_bulk),
        Route("POST", "/issue", creates.create),
        Route("GET", "/issue/{key}", reads.get),
        Route("PUT", "/issue/{key}", edits.edit),
        Route("GET", "/issue/{key}/comment", reads.comments),
        Route("POST", "/issue/{key}/comment", edits.comment),
        Route("POST", "/comment/list", reads.comment_list),
        Route("GET", "/comment/{id}/properties/{name}", properties.of_comment),
        Route("PUT", "/comment/{id}/properties/{name}", properties.set_of_comment),
        Route("GET", "/issue/{key}/transitions", reads.transitions),
        Route("POST", "/issue/{key}/transitions", edits.transition),
        Route("GET", "/issue/{key}/properties", properties.keys_of_ticket),
        Route("GET", "/issue/{key}/properties/{name}", properties.of_ticket),
        Route("PUT", "/issue/{key}/properties/{name}", properties.set_of_ticket),
        Route("DELETE", "/issue/{key}/properties/{name}", properties.drop_of_ticket),
    ]


def _by_shape(routes: list[Route]) -> dict[tuple[str, int], list[tuple[tuple[str, ...], Route]]]:
    table: dict[tuple[str, int], list[tuple[tuple[str, ...], Route]]] = {}
    for route in routes:
        parts = route.template.strip("/").split("/")
        segments = tuple("{}" if part.startswith("{") else part for part in parts)
        table.setdefault((route.method, len(segments)), []).append((segments, route))
    return table


def _removed(request: Request) -> Answer:
    """GET and POST /search were switched off in 2025 (CHANGE-2046)."""
    return json_answer({"errorMessages": [EN["removed"]], "errors": {}}, status=410)
