"""The demo's story: what has happened to the world after each act."""

from collections.abc import Callable
from typing import Any

from job.sim import Answer, World
from job.sim.story import ACTS, ID_FIELD, Story

Ask = Callable[..., Answer]
Draft = Callable[..., dict[str, Any]]


def test_the_first_act_opens_an_issue_of_every_kind(world: World) -> None:
    story = Story(world)
    assert len(story.play(1)) == len(ACTS[0].events) == 7
    issues = world.halo.estate.issues.values()
    assert {issue.type for issue in issues} == {"csm", "fim", "sva", "lids", "image_sva"}
    assert {issue.source for issue in issues} == {
        "server_secure",
        "container_secure",
        "cloud_secure",
    }
    assert [issue.status for issue in issues].count("resolved") == 1
    assert any(issue.critical for issue in issues)


def test_the_later_acts_meet_the_tickets_the_job_has_made(
    world: World, jira: Ask, draft: Draft
) -> None:
    story = Story(world)
    story.play(1)
    for issue_id in story.cast.values():
        assert jira("POST", "/issue", draft(issue_id)).status == 201
    story.play(2)
    issue = world.halo.estate.issues
    assert issue[story.cast["package"]].status == "resolved"
    assert (story.ticket_of("log").status, story.ticket_of("image").status) == ("Done", "Closed")
    story.play(3)
    assert issue[story.cast["package"]].status == "active"
    assert issue[story.cast["bucket"]].status == "resolved"
    moved = story.ticket_of("files")
    assert (moved.key, moved.project) == ("OPS-1", "OPS")
    assert moved.fields[ID_FIELD] == story.cast["files"]


def test_every_event_is_told_in_a_sentence() -> None:
    sentences = [event.says for act in ACTS for event in act.events]
    assert all(sentence[0].isupper() and sentence.endswith(".") for sentence in sentences)
    assert len(set(sentences)) == len(sentences)
