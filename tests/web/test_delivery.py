"""What of a delivery's body is believed."""

import json
from typing import Any

import pytest

from job.core.ids import TicketId
from job.web.delivery import Delivery, Unreadable, read


def body(event: str = "jira:issue_updated", **over: Any) -> bytes:
    issue = {"id": "10042", "key": "SEC-7", "self": "https://site/rest/api/2/issue/10042"}
    said = {"timestamp": 1_764_000_000_000, "webhookEvent": event, "issue": issue}
    return json.dumps(said | over).encode()


@pytest.mark.parametrize(
    "event",
    ["jira:issue_created", "jira:issue_updated", "comment_created", "comment_deleted"],
)
def test_a_ticket_that_was_spoken_of_is_its_id_and_nothing_else(event: str) -> None:
    assert read(body(event), name="d-1") == Delivery(name="d-1", ticket_id=TicketId("10042"))


def test_only_the_deletion_of_a_ticket_is_one() -> None:
    assert read(body("jira:issue_deleted"), name="d-1").deleted
    assert not read(body("comment_deleted"), name="d-1").deleted


@pytest.mark.parametrize("event", ["", "project_deleted", "sprint_closed", "worklog_created"])
def test_what_is_about_no_ticket_is_about_nothing(event: str) -> None:
    assert read(body(event), name="d-1").ticket_id is None


def test_a_delivery_without_a_ticket_is_about_nothing() -> None:
    assert read(body(issue=None), name="d-1").ticket_id is None
    assert read(b"{}", name="d-1").ticket_id is None


@pytest.mark.parametrize(
    "wrong",
    [
        b"",
        b"null",
        b"[]",
        b'"text"',
        b"{",
        b"\xff\xfe",
        body()[:-5],
        body() + b"}",
        body(issue={}),
        body(issue=[]),
        body(issue={"id": None}),
        body(issue={"id": "../10042"}),
        body(issue={"id": "10042/"}),
        body(issue={"id": ""}),
        body(issue={"id": -1}),
        body(issue={"id": "\u0661"}),
        body(issue={"id": "1" * 20}),
        body(webhookEvent=7),
    ],
)
def test_a_body_that_jira_does_not_send_is_refused(wrong: bytes) -> None:
    with pytest.raises(Unreadable):
        read(wrong, name="d-1")


@pytest.mark.parametrize("nest", [b"[", b'{"a":'])
def test_a_body_that_nests_without_end_is_refused(nest: bytes) -> None:
    with pytest.raises(Unreadable):
        read(b'{"changelog":' + nest * 100_000, name="d-1")


@pytest.mark.parametrize("name", ["", "two words", "x" * 101, "\u00e4", "a\nb"])
def test_a_delivery_without_a_usable_name_is_named_by_what_it_holds(name: str) -> None:
    first, again = read(body(), name=name), read(body(), name=name)
    other = read(body("jira:issue_created"), name=name)
    assert first.name == again.name != other.name
    assert first.name.startswith("sha256-")
