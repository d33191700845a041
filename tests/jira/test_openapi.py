"""Every request that the client can send, checked strictly against Atlassian's own description of
the API.

The description is not part of this project: VENDOR_SCHEMAS names the folder that holds it.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from jsonschema import Draft202012Validator

from job.core.ids import IssueId, Marker
from job.core.routes import Goal
from job.core.shape import TicketSettings
from job.errors import BadSettings
from job.http.message import Request
from tests.jira.site import Desk, at_desk, draft, issue_ids, new_world, paragraph
from tests.kit.schemas import SCHEMAS

DOCUMENT = SCHEMAS / "jira-cloud-openapi-v3.json"
pytestmark = pytest.mark.skipif(
    not DOCUMENT.is_file(),
    reason=f"no {DOCUMENT.name} in {SCHEMAS}; set VENDOR_SCHEMAS to its folder",
)
CREATE_KEYS = {"fields", "update", "properties", "transition", "historyMetadata"}


@cache
def document() -> dict[str, Any]:
    """The description as JSON Schema understands it: `nullable` (OpenAPI 3.0) becomes a type of
    its own.
    """
    loaded: dict[str, Any] = _plain(json.loads(DOCUMENT.read_text()))
    return loaded


def _plain(node: Any) -> Any:
    if isinstance(node, list):
        return [_plain(one) for one in node]
    if not isinstance(node, dict):
        return node
    plain = {key: _plain(value) for key, value in node.items() if key != "nullable"}
    return {"anyOf": [plain, {"type": "null"}]} if node.get("nullable") is True else plain


@dataclass(frozen=True)
class Operation:
    """One method of one path."""

    template: str
    spec: dict[str, Any]

    @classmethod
    def of(cls, request: Request) -> "Operation":
        """Literal segments win over templates, as `/issue/bulk` over `/issue/{id}`."""
        path = urlsplit(request.url).path
        fitting = [
            template
            for template, methods in document()["paths"].items()
            if request.method.lower() in methods
            and re.fullmatch(re.sub(r"\{[^}]*\}", "[^/]+", template), path)
        ]
        assert fitting, f"{request.method} {path} is not in the description"
        template = min(fitting, key=lambda one: one.count("{"))
        return cls(template, document()["paths"][template][request.method.lower()])

    def problems(self, request: Request) -> Iterator[str]:
        if self.spec.get("deprecated"):
            yield "the operation is deprecated"
        yield from self._query_problems(request)
        schema = (
            self.spec.get("requestBody", {})
            .get("content", {})
            .get("application/json", {})
            .get("schema")
        )
        if (schema is None) != (request.body is None):
            yield "there is a body where none belongs, or none where one belongs"
        if schema is not None and request.body is not None:
            validator = Draft202012Validator(schema | {"components": document()["components"]})
            yield from (error.message for error in validator.iter_errors(json.loads(request.body)))

    def _query_problems(self, request: Request) -> Iterator[str]:
        known = {
            one["name"]: one for one in self.spec.get("parameters", []) if one["in"] == "query"
        }
        given = dict(parse_qsl(urlsplit(request.url).query, keep_blank_values=True))
        yield from (f"unknown query parameter {name}" for name in given.keys() - known.keys())
        yield from (
            f"missing {name}"
            for name, one in known.items()
            if one.get("required") and name not in given
        )
        for name in given.keys() & known.keys():
            schema = known[name]["schema"]
            value = int(given[name]) if schema.get("type") == "integer" else given[name]
            yield from (error.message for error in Draft202012Validator(schema).iter_errors(value))


async def do_everything(desk: Desk) -> None:
    """Uses every method of the port, so that every kind of request is sent."""
    jira, now = desk.jira, desk.clock.now()
    await jira.myself()
    book = await jira.create_screen(desk.home)
    creations = await jira.create([draft(issue_id, labels=["halo"]) for issue_id in issue_ids(60)])
    ticket = creations[0].ticket
    assert ticket is not None
    assert (await jira.prove_search(canary=IssueId(""), first_in={"SEC"})).in_use
    assert await jira.find(issue_ids(60))
    assert await jira.probe(book.project_key, above=0, wanted=issue_ids(1))
    assert await jira.highest_key(book.project_key) == 60
    assert await jira.visible(book.project_key)
    await jira.comment(ticket.id, body=paragraph("Seen"), marker=Marker("m"))
    assert await jira.has_comment(ticket.id, marker=Marker("m"), since=now - timedelta(days=1))
    assert (await jira.move(ticket, goal=Goal(transition="Resolve"))).ticket.status == "Done"


async def test_every_request_of_the_client_fits_atlassians_description() -> None:
    world = new_world()
    world.jira.faults.set_chance({"short_search_page": 1.0})
    nowhere = TicketSettings(project_key="NOPE", ticket_type="Bug", id_field="Halo Issue ID")
    async with at_desk(world) as desk, at_desk(world, settings=nowhere) as lost:
        await do_everything(desk)
        with pytest.raises(BadSettings):
            await lost.jira.create_screen(lost.home)
    requests = desk.recorder.requests + lost.recorder.requests
    found = {
        (request.name, problem)
        for request in requests
        for problem in Operation.of(request).problems(request)
    }
    assert found == set()
    assert {request.name for request in requests} >= {
        "GET /rest/api/3/myself",
        "GET /rest/api/3/mypermissions",
        "GET /rest/api/3/project/search",
        "GET /rest/api/3/jql/autocompletedata",
        "POST /rest/api/3/jql/parse",
        "POST /rest/api/3/search/jql",
        "POST /rest/api/3/issue/bulk",
        "POST /rest/api/3/issue/bulkfetch",
        "POST /rest/api/3/issue/{id}/comment",
        "GET /rest/api/3/issue/{id}/comment",
        "POST /rest/api/3/issue/{id}/transitions",
    }
    assert any(b"nextPageToken" in (request.body or b"") for request in requests)


async def test_what_the_description_leaves_open_is_kept_too() -> None:
    async with at_desk(new_world()) as desk:
        await do_everything(desk)
    for request in desk.recorder.requests:
        assert request.headers["Authorization"].startswith("Basic ")
        body = json.loads(request.body or b"{}")
        assert len(body.get("issueIdsOrKeys", ())) <= 100
        assert len(body.get("issueUpdates", ())) <= 50
        assert all(set(update) <= CREATE_KEYS for update in body.get("issueUpdates", ()))


def test_the_check_itself_finds_what_is_wrong() -> None:
    def problems(method: str, path: str, body: object = None) -> list[str]:
        raw = None if body is None else json.dumps(body).encode()
        request = Request(method=method, url=f"https://x{path}", name="", body=raw)
        return list(Operation.of(request).problems(request))

    assert problems("POST", "/rest/api/3/search/jql", {"jql": "x", "startAt": 0})
    assert problems("POST", "/rest/api/3/issue/bulkfetch", {"fields": ["id"]})
    assert problems("POST", "/rest/api/3/issue/bulk", {"issueUpdates": {}})
    assert problems("GET", "/rest/api/3/issue/1/comment?orderBy=author")
    assert problems("GET", "/rest/api/3/issue/createmeta/SEC/issuetypes?maxResults=500")
    assert problems("GET", "/rest/api/3/search?jql=x")
    assert not problems("GET", "/rest/api/3/myself")
