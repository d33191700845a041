"""What people do to tickets, and that it is told apart from what the job does."""

from collections.abc import Callable
from typing import Any

import pytest

from job.sim import Answer, World

Ask = Callable[..., Answer]
Draft = Callable[..., dict[str, Any]]


@pytest.fixture(autouse=True)
def ticket(jira: Ask, draft: Draft) -> None:
    body = draft(labels=["halo"]) | {"properties": [{"key": "halo.sync", "value": 1}]}
    assert jira("POST", "/issue", body).status == 201


def test_a_person_walks_the_workflow_step_by_step(world: World) -> None:
    world.jira.people.transition_by_person("SEC-1", status="Done")
    world.jira.people.transition_by_person("SEC-1", status="In Progress")
    steps = [(change.after, change.ours) for change in world.jira.people.ticket("SEC-1").history]
    assert steps == [("Done", False), ("To Do", False), ("In Progress", False)]


def test_nobody_comes_back_from_a_hard_close(world: World) -> None:
    world.jira.people.transition_by_person("SEC-1", status="Closed")
    with pytest.raises(ValueError, match="no way from Closed to To Do"):
        world.jira.people.transition_by_person("SEC-1", status="To Do")


def test_a_clone_carries_the_id_field_but_not_the_properties(world: World) -> None:
    copy = world.jira.people.ticket(world.jira.people.clone_ticket("SEC-1"))
    original = world.jira.people.ticket("SEC-1")
    assert (copy.key, copy.ours, dict(copy.properties)) == ("SEC-2", False, {})
    assert copy.fields["customfield_10010"] == original.fields["customfield_10010"]
    assert copy.fields["labels"] == ["halo"]


def test_a_move_may_lose_fields_but_not_properties(world: World, jira: Ask) -> None:
    world.jira.people.move_ticket("SEC-1", project="OPS", lost_fields=("customfield_10010",))
    read = jira("GET", "/issue/SEC-1", properties="halo.sync").json()
    assert read["fields"]["customfield_10010"] is None
    assert read["properties"] == {"halo.sync": 1}


def test_comments_tell_whose_they_are(world: World, jira: Ask, doc: Callable[[str], Any]) -> None:
    jira("POST", "/issue/SEC-1/comment", {"body": doc("by the job")})
    world.jira.people.comment_by_person("SEC-1", text="by a person")
    ticket = world.jira.people.ticket("SEC-1")
    assert [
        (text, comment.ours) for text, comment in zip(ticket.texts, ticket.comments, strict=True)
    ] == [
        ("by the job", True),
        ("by a person", False),
    ]


def test_a_deleted_ticket_stays_in_the_log_of_creations(world: World) -> None:
    world.jira.people.delete_ticket("SEC-1")
    assert world.jira.people.tickets() == []
    assert [ticket.key for ticket in world.jira.people.creations()] == ["SEC-1"]
    assert [ticket.deleted for ticket in world.jira.people.tickets(deleted=True)] == [True]


def test_an_archived_ticket_can_be_read_and_not_written(world: World, jira: Ask) -> None:
    world.jira.people.archive_ticket("SEC-1")
    assert jira("GET", "/issue/SEC-1").status == 200
    assert jira("PUT", "/issue/SEC-1", {"fields": {"summary": "y"}}).status == 403
