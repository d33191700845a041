"""The simulator's own reading of the Atlassian Document Format, held against the published
schema where it is there.
"""

import json
from typing import Any

import pytest
from jsonschema import Draft4Validator

from job.sim.jira.adf import plain_text, problems, text_length
from tests.kit.schemas import SCHEMAS


def text(words: str, *marks: dict[str, Any]) -> dict[str, Any]:
    return {"type": "text", "text": words} | ({"marks": list(marks)} if marks else {})


def node(kind: str, *content: dict[str, Any], **attrs: Any) -> dict[str, Any]:
    return (
        {"type": kind}
        | ({"content": list(content)} if content else {})
        | ({"attrs": attrs} if attrs else {})
    )


def doc(*content: dict[str, Any]) -> dict[str, Any]:
    return {"type": "doc", "version": 1, "content": list(content)}


LINK = {"type": "link", "attrs": {"href": "https://example.com"}}
PARAGRAPH = node("paragraph", text("words"))
CELL = node("tableCell", PARAGRAPH)

GOOD = {
    "an empty document": doc(),
    "an empty paragraph": doc(node("paragraph")),
    "marks": doc(
        node("paragraph", text("a", {"type": "strong"}), text("b", {"type": "code"}, LINK))
    ),
    "a heading": doc(node("heading", text("a"), level=3)),
    "code": doc(node("codeBlock", text("a\nb"), language="json")),
    "lists in lists": doc(
        node(
            "bulletList",
            node("listItem", PARAGRAPH, node("orderedList", node("listItem", PARAGRAPH))),
        )
    ),
    "a table": doc(node("table", node("tableRow", node("tableHeader", PARAGRAPH), CELL))),
    "a panel": doc(node("panel", PARAGRAPH, panelType="warning")),
    "an expand": doc(node("expand", PARAGRAPH, title="more")),
    "rules and breaks": doc(
        node("rule"), node("paragraph", text("a"), node("hardBreak"), text("b"))
    ),
    "a quote": doc(node("blockquote", PARAGRAPH)),
    "a card": doc(node("paragraph", node("inlineCard", url="https://example.com"))),
}
BAD = {
    "no document": {"type": "paragraph"},
    "another version": doc() | {"version": 2},
    "an empty text": doc(node("paragraph", text(""))),
    "code that is strong": doc(node("paragraph", text("a", {"type": "code"}, {"type": "strong"}))),
    "an empty list": doc({"type": "bulletList", "content": []}),
    "a heading in a list": doc(
        node("bulletList", node("listItem", node("heading", text("a"), level=1)))
    ),
    "a seventh heading": doc(node("heading", text("a"), level=7)),
    "marks in code": doc(node("codeBlock", text("a", {"type": "strong"}))),
    "a table in a panel": doc(
        node("panel", node("table", node("tableRow", CELL)), panelType="info")
    ),
    "text at the top": doc(text("a")),
    "an unknown attribute": doc(node("panel", PARAGRAPH, panelType="info", colour="red")),
    "an unknown node": doc(node("marquee", PARAGRAPH)),
    "an expand in a cell": doc(
        node("table", node("tableRow", node("tableCell", node("expand", PARAGRAPH))))
    ),
    "a mark twice": doc(node("paragraph", text("a", {"type": "em"}, {"type": "em"}))),
}


@pytest.mark.parametrize("name", GOOD)
def test_a_good_document_is_taken(name: str) -> None:
    assert problems(GOOD[name]) == []


@pytest.mark.parametrize("name", BAD)
def test_a_bad_document_is_refused_with_the_place(name: str) -> None:
    assert problems(BAD[name]) != []


def test_a_link_that_runs_a_script_is_refused_although_the_schema_takes_it() -> None:
    script = {"type": "link", "attrs": {"href": "javascript:alert(1)"}}
    assert problems(doc(node("paragraph", text("a", script)))) != []


def test_the_published_schema_agrees_on_every_document() -> None:
    path = SCHEMAS / "adf-schema-full.json"
    if not path.exists():
        pytest.skip(f"{path} is not there")
    schema = Draft4Validator(json.loads(path.read_text()))
    whole = doc(*(block for document in GOOD.values() for block in document["content"]))
    assert [error.json_path for error in schema.iter_errors(whole)] == []
    assert {name for name, document in BAD.items() if schema.is_valid(document)} <= {"a mark twice"}


def test_text_counts_in_utf16_units_and_reads_without_its_links() -> None:
    document = doc(node("paragraph", text("a\N{BUG}b", LINK)), PARAGRAPH)
    assert text_length(document) == 4 + 5
    assert plain_text(document) == "a\N{BUG}b words"
