"""What the simulated Jira refuses by order: a ticket or a route for a while, or every write."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from job.sim import Answer, Limits, World
from job.sim.jira.limits import Form

Ask = Callable[..., Answer]
Draft = Callable[..., dict[str, Any]]
Doc = Callable[[str], dict[str, Any]]

COMMENT = "POST /issue/{key}/comment"


@pytest.fixture
def limits(world: World, jira: Ask, draft: Draft) -> Limits:
    """The limits of a site with two tickets."""
    for _ in range(2):
        jira("POST", "/issue", draft())
    limits = Limits(world.clock)
    world.jira.limit_rates(limits)
    return limits


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ("retry-after", {"Retry-After"}),
        ("reset", {"X-RateLimit-Reset"}),
        ("reset-seconds", {"X-RateLimit-Reset"}),
        ("silent", set()),
    ],
)
def test_a_ticket_is_refused_alone_and_in_the_form_that_was_ordered(
    form: Form, said: set[str], world: World, limits: Limits, jira: Ask, doc: Doc
) -> None:
    first = world.jira.people.ticket("SEC-1").id
    limits.order(first, wait_s=20, reason="jira-per-issue-on-write", form=form)
    refused = jira("POST", "/issue/SEC-1/comment", {"body": doc("x")})
    assert refused.status == 429
    assert refused.headers["RateLimit-Reason"] == "jira-per-issue-on-write"
    assert set(refused.headers) & {"Retry-After", "X-RateLimit-Reset"} == said
    assert not world.jira.people.ticket("SEC-1").comments
    assert jira("POST", "/issue/SEC-2/comment", {"body": doc("x")}).status == 201
    world.clock.advance(20)
    assert jira("POST", "/issue/SEC-1/comment", {"body": doc("x")}).status == 201


def test_both_forms_name_the_same_instant(
    world: World, limits: Limits, jira: Ask, doc: Doc
) -> None:
    until = int(world.clock().timestamp()) + 20
    said = {}
    for form in ("reset", "reset-seconds"):
        limits.order(COMMENT, wait_s=20, reason="jira-burst-based", form=form)
        refused = jira("POST", "/issue/SEC-1/comment", {"body": doc("x")})
        said[form] = refused.headers["X-RateLimit-Reset"]
    assert datetime.fromisoformat(said["reset"]).timestamp() == pytest.approx(until, abs=1)
    assert int(said["reset-seconds"]) == pytest.approx(until, abs=1)


def test_a_route_is_refused_for_an_hour_and_no_other_is(
    world: World, limits: Limits, jira: Ask, draft: Draft, doc: Doc
) -> None:
    limits.order("POST /issue/bulk", wait_s=3_600, reason="", form="retry-after")
    refused = jira("POST", "/issue/bulk", {"issueUpdates": [draft()]})
    assert (refused.status, refused.headers["Retry-After"]) == (429, "3600")
    assert "RateLimit-Reason" not in refused.headers
    assert len(list(world.jira.people.tickets())) == 2
    assert jira("POST", "/issue/SEC-1/comment", {"body": doc("x")}).status == 201


@pytest.mark.parametrize("status", [402, 403])
def test_every_write_is_refused_from_a_moment_on_and_every_read_is_answered(
    status: int, world: World, jira: Ask, draft: Draft, doc: Doc
) -> None:
    jira("POST", "/issue", draft())
    world.jira.refuse_writes(status)
    writes = [
        jira("POST", "/issue", draft()),
        jira("POST", "/issue/bulk", {"issueUpdates": [draft()]}),
        jira("POST", "/issue/SEC-1/comment", {"body": doc("x")}),
        jira("POST", "/issue/SEC-1/transitions", {"transition": {"id": "31"}}),
        jira("PUT", "/issue/SEC-1/properties/halo", {"v": 1}),
    ]
    assert {answer.status for answer in writes} == {status}
    reads = [
        jira("GET", "/myself"),
        jira("POST", "/issue/bulkfetch", {"issueIdsOrKeys": ["SEC-1"]}),
        jira("POST", "/search/jql", {"jql": "project = SEC"}),
    ]
    assert {answer.status for answer in reads} == {200}
    assert len(list(world.jira.people.tickets())) == 1
    world.jira.refuse_writes(None)
    assert jira("POST", "/issue/SEC-1/comment", {"body": doc("x")}).status == 201
