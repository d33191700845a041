"""Every answer of the simulated Jira has the shape that Atlassian's own document declares.

Answers are read leniently, as Atlassian's own examples do not pass a strict reading: nulls, formats
and additional properties are tolerated.
"""

import json
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from job.sim import Answer, World
from tests.kit.schemas import SCHEMAS

Ask = Callable[..., Answer]
Draft = Callable[..., dict[str, Any]]
Doc = Callable[[str], dict[str, Any]]

DOCUMENT = SCHEMAS / "jira-cloud-openapi-v3.json"

pytestmark = pytest.mark.skipif(not DOCUMENT.exists(), reason=f"{DOCUMENT} is not there")

OPERATIONS: list[tuple[str, str, str, Any, dict[str, str]]] = [
    ("GET", "/myself", "/myself", None, {}),
    ("GET", "/serverInfo", "/serverInfo", None, {}),
    ("GET", "/field", "/field", None, {}),
    ("GET", "/project/search", "/project/search", None, {}),
    ("GET", "/project/{projectIdOrKey}", "/project/SEC", None, {}),
    ("GET", "/project/{projectIdOrKey}/statuses", "/project/SEC/statuses", None, {}),
    (
        "GET",
        "/issue/createmeta/{projectIdOrKey}/issuetypes",
        "/issue/createmeta/SEC/issuetypes",
        None,
        {},
    ),
    (
        "GET",
        "/issue/createmeta/{projectIdOrKey}/issuetypes/{issueTypeId}",
        "/issue/createmeta/SEC/issuetypes/10004",
        None,
        {},
    ),
    ("GET", "/jql/autocompletedata", "/jql/autocompletedata", None, {}),
    (
        "POST",
        "/jql/parse",
        "/jql/parse",
        {"queries": ["project = SEC", "project = NOPE", "nonsense = 1", "a b"]},
        {"validation": "strict"},
    ),
    (
        "GET",
        "/mypermissions",
        "/mypermissions",
        None,
        {"permissions": "BROWSE_PROJECTS", "projectKey": "SEC"},
    ),
    (
        "GET",
        "/user/assignable/search",
        "/user/assignable/search",
        None,
        {"project": "SEC", "query": "anna"},
    ),
    (
        "POST",
        "/search/jql",
        "/search/jql",
        {"jql": "project = SEC", "fields": ["*all"], "maxResults": 1},
        {},
    ),
    (
        "POST",
        "/search/approximate-count",
        "/search/approximate-count",
        {"jql": "project = SEC"},
        {},
    ),
    (
        "POST",
        "/issue/bulkfetch",
        "/issue/bulkfetch",
        {"issueIdsOrKeys": ["SEC-1"], "fields": ["*all"]},
        {},
    ),
    ("GET", "/issue/{issueIdOrKey}", "/issue/SEC-1", None, {}),
    (
        "PUT",
        "/issue/{issueIdOrKey}",
        "/issue/SEC-1",
        {"fields": {"summary": "y"}},
        {"returnIssue": "true"},
    ),
    (
        "GET",
        "/issue/{issueIdOrKey}/comment",
        "/issue/SEC-1/comment",
        None,
        {"expand": "properties"},
    ),
    ("POST", "/comment/list", "/comment/list", {"ids": [10101]}, {}),
    (
        "GET",
        "/issue/{issueIdOrKey}/transitions",
        "/issue/SEC-1/transitions",
        None,
        {"expand": "transitions.fields"},
    ),
    ("GET", "/issue/{issueIdOrKey}/properties", "/issue/SEC-1/properties", None, {}),
    (
        "GET",
        "/issue/{issueIdOrKey}/properties/{propertyKey}",
        "/issue/SEC-1/properties/halo",
        None,
        {},
    ),
]


@pytest.fixture(autouse=True)
def two_tickets(jira: Ask, draft: Draft, doc: Doc) -> None:
    body = draft(description=doc("x")) | {"properties": [{"key": "halo", "value": 1}]}
    _check("POST", "/issue", answer=jira("POST", "/issue", body))
    updates = {"issueUpdates": [draft(), draft(summary="")]}
    _check("POST", "/issue/bulk", answer=jira("POST", "/issue/bulk", updates))
    comment = {"body": doc("x"), "properties": [{"key": "k", "value": 1}]}
    _check(
        "POST",
        "/issue/{issueIdOrKey}/comment",
        answer=jira("POST", "/issue/SEC-1/comment", comment),
    )


@pytest.mark.parametrize(
    ("method", "template", "path", "body", "query"), OPERATIONS, ids=lambda value: str(value)[:60]
)
def test_an_answer_has_the_declared_shape(
    jira: Ask, *, method: str, template: str, path: str, body: Any, query: dict[str, str]
) -> None:
    answer = jira(method, path, body, **query)
    assert answer.status == 200, answer.body
    _check(method, template, answer=answer)


def test_refusals_have_the_declared_shape_too(jira: Ask, draft: Draft) -> None:
    _check("POST", "/issue", answer=jira("POST", "/issue", draft(summary="")))
    _check(
        "POST",
        "/issue/bulk",
        answer=jira("POST", "/issue/bulk", {"issueUpdates": [draft(summary="")]}),
    )


def test_every_route_exists_in_the_document_and_is_checked_here_or_answers_without_a_body(
    world: World,
) -> None:
    declared = {
        (method.upper(), _shape(path))
        for path, methods in _document()["paths"].items()
        for method in methods
    }
    routes = {(method, _shape(f"/rest/api/3{template}")) for method, template in _routes(world)}
    assert routes <= declared
    checked = {(method, _shape(f"/rest/api/3{template}")) for method, template, *_ in OPERATIONS}
    checked |= {
        ("POST", _shape(f"/rest/api/3{path}"))
        for path in ("/issue", "/issue/bulk", "/issue/{key}/comment")
    }
    assert {
        f"{method} {shape.removeprefix('/rest/api/3')}" for method, shape in routes - checked
    } == {
        "GET /search",
        "POST /search",
        "POST /issue/{}/transitions",
        "PUT /issue/{}/properties/{}",
        "DELETE /issue/{}/properties/{}",
        "GET /comment/{}/properties/{}",
        "PUT /comment/{}/properties/{}",
    }


def _routes(world: World) -> list[tuple[str, str]]:
    return [
        (route.method, route.template)
        for routes in world.jira._routes._by_shape.values()
        for _, route in routes
    ]


def _shape(path: str) -> str:
    return "/".join("{}" if part.startswith("{") else part for part in path.split("/"))


def _check(method: str, template: str, *, answer: Answer) -> None:
    responses = _document()["paths"][f"/rest/api/3{template}"][method.lower()]["responses"]
    schema = responses[str(answer.status)]["content"]["application/json"]["schema"]
    whole = {**schema, "components": _document()["components"]}
    errors = [
        f"{error.json_path}: {error.message[:200]}"
        for error in Draft202012Validator(whole).iter_errors(answer.json())
    ]
    assert errors == []


@cache
def _document() -> dict[str, Any]:
    document: dict[str, Any] = _lenient(json.loads(DOCUMENT.read_text()))
    return document


def _lenient(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_lenient(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    relaxed = {key: _lenient(value) for key, value in schema.items()}
    if isinstance(schema.get("type"), str):
        relaxed["type"] = [schema["type"], "null"]
        relaxed.pop("format", None)
        if isinstance(schema.get("enum"), list):
            relaxed["enum"] = [*schema["enum"], None]
    if relaxed.get("additionalProperties") is False:
        del relaxed["additionalProperties"]
    return relaxed
