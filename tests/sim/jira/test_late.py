"""Writes that have their effect although, or long after, their client saw the connection die."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from job.sim import Answer, World

Ask = Callable[..., Answer]
Draft = Callable[..., dict[str, Any]]


@pytest.fixture(autouse=True)
def quiet_afterwards(world: World) -> Iterator[None]:
    """Each fault is for one call."""
    yield
    world.jira.faults.quiet()


def test_a_late_write_has_its_effect_within_twenty_minutes_of_the_lost_connection(
    world: World, jira: Ask, draft: Draft
) -> None:
    world.jira.faults.at = {world.jira.faults.count: "late"}
    sent_at = world.clock()
    assert jira("POST", "/issue", draft()).lost
    world.jira.late.catch_up()
    assert world.jira.people.tickets() == []
    world.clock.advance(1_200)
    world.jira.late.catch_up()
    [ticket] = world.jira.people.tickets()
    assert 0 < (ticket.created_at - sent_at).total_seconds() < 1_200, "an instant of its own"
    assert not ticket.again
    assert not world.jira.late


def test_a_late_write_is_there_for_whoever_calls_after_its_time(
    world: World, jira: Ask, draft: Draft
) -> None:
    world.jira.faults.at = {world.jira.faults.count: "late"}
    jira("POST", "/issue", draft())
    world.clock.advance(1_200)
    assert jira("GET", "/issue/SEC-1").status == 200


def test_a_late_write_that_makes_no_sense_any_more_has_no_effect(
    world: World, jira: Ask, draft: Draft
) -> None:
    jira("POST", "/issue", draft())
    world.jira.faults.at = {world.jira.faults.count: "late"}
    start = {"transition": {"id": "11"}}
    assert jira("POST", "/issue/SEC-1/transitions", start).lost
    world.jira.people.transition_by_person("SEC-1", status="Closed")
    world.clock.advance(1_200)
    world.jira.late.catch_up()
    assert world.jira.people.ticket("SEC-1").status == "Closed"


def test_a_write_comes_after_the_next_one_that_is_sent(
    world: World, jira: Ask, draft: Draft
) -> None:
    first, second = draft(summary="first"), draft(summary="second")
    world.jira.faults.at = {world.jira.faults.count: "after_another"}
    assert jira("POST", "/issue", first).lost
    assert jira("GET", "/issue/SEC-1").status == 404, "a read is no write"
    jira("POST", "/issue", second)
    assert [ticket.fields["summary"] for ticket in world.jira.people.tickets()] == [
        "second",
        "first",
    ]


def test_a_write_that_nobody_follows_comes_after_twenty_minutes(
    world: World, jira: Ask, draft: Draft
) -> None:
    world.jira.faults.at = {world.jira.faults.count: "after_another"}
    jira("POST", "/issue", draft())
    world.clock.advance(1_200)
    world.jira.late.catch_up()
    assert len(world.jira.people.tickets()) == 1


def test_a_write_that_has_its_effect_twice_says_which_came_second(
    world: World, jira: Ask, draft: Draft
) -> None:
    world.jira.faults.at = {world.jira.faults.count: "twice"}
    assert jira("POST", "/issue", draft()).lost
    world.clock.advance(1_200)
    world.jira.late.catch_up()
    assert [ticket.again for ticket in world.jira.people.tickets()] == [False, True]


def test_a_question_is_never_late(world: World, jira: Ask, draft: Draft) -> None:
    jira("POST", "/issue", draft())
    world.jira.faults.set_chance({"late": 1.0})
    assert jira("GET", "/issue/SEC-1").status == 200


def test_a_rule_of_the_site_rewrites_a_new_ticket_at_once(
    world: World, jira: Ask, draft: Draft
) -> None:
    world.jira.rewrite_new_tickets(lambda fields: {"summary": fields["summary"].upper()})
    jira("POST", "/issue", draft(summary="milk"))
    ticket = world.jira.people.ticket("SEC-1")
    assert ticket.fields["summary"] == "MILK"
    assert [(change.what, change.ours) for change in ticket.history] == [("summary", False)]
