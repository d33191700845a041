"""What `explain` says of an issue and its ticket: the truth, by a run's own rules, and no write."""

import re
from datetime import timedelta
from pathlib import Path

import pytest

from job.sim.jira.search import no_lag
from job.sim.world import World
from tests.kit.program import Program, Spoken

SKIPS = "routes:\n  - {name: noise, when: {type: TYPE}, skip: Handled elsewhere.}\n"


def told(spoken: Spoken, about: str) -> str:
    return " ".join(
        line["message"]
        for line in spoken.lines
        if line["event"] == "issue.explained" and line["subject"] == about
    )


@pytest.fixture
def issue_id(world: World) -> str:
    """An active issue of the world."""
    world.jira.search.lag = no_lag
    every = world.halo.estate.issues.values()
    return next(issue.id for issue in every if issue.status == "active")


def key_of(world: World, issue_id: str) -> str:
    (ticket,) = (
        ticket
        for ticket in world.jira.people.tickets()
        if ticket.fields["customfield_10010"] == issue_id
    )
    return str(ticket.key)


def test_a_new_issue_has_no_ticket_and_the_next_run_makes_one(
    program: Program, issue_id: str
) -> None:
    spoken = program("explain", issue_id)
    assert spoken.exit_code == 0, spoken.stdout
    assert f"Issue {issue_id} is active" in told(spoken, "Halo")
    assert "No ticket" in told(spoken, "Jira")
    assert "leads to project SEC" in told(spoken, "route")
    assert "no_ticket answers: New in Halo." in told(spoken, "rules")
    words = told(spoken, "rules")
    assert words.index("create_unsettled") < words.index("no_ticket")
    assert "It plans this: create." in told(spoken, "next run")


def test_an_issue_is_explained_by_its_id_in_any_writing_and_by_its_ticket(
    program: Program, world: World, issue_id: str
) -> None:
    assert program("run").exit_code == 0
    key = key_of(world, issue_id)
    (number,) = (ticket.id for ticket in world.jira.people.tickets() if ticket.key == key)
    for about in (issue_id, issue_id.upper().replace("-", ""), key, key.lower(), str(number)):
        spoken = program("explain", about)
        assert spoken.exit_code == 0, spoken.stdout
        assert {line["issue_id"] for line in spoken.lines if "subject" in line} == {issue_id}
        assert f"It links {key}; what Halo says now is applied." in told(spoken, "memory")
        assert "does not look at the issue" in told(spoken, "next run")
        assert key in told(spoken, "last told")


def test_nothing_is_written_anywhere(
    program: Program, world: World, issue_id: str, tmp_path: Path
) -> None:
    assert program("run").exit_code == 0
    world.halo.estate.resolve(issue_id)
    before = [repr(ticket) for ticket in world.jira.people.tickets()]
    kept = (tmp_path / "state.db").read_bytes()
    spoken = program("explain", issue_id)
    assert "It plans this: close. Resolved in Halo." in told(spoken, "next run")
    assert (tmp_path / "state.db").read_bytes() == kept
    assert [repr(ticket) for ticket in world.jira.people.tickets()] == before


@pytest.mark.parametrize("about", ["soon", "SEC-999", "00000000-0000-4000-8000-000000000000", "7"])
def test_an_id_that_nobody_knows_is_exit_code_2_and_says_what_could_be_given(
    program: Program, about: str
) -> None:
    spoken = program("explain", about)
    assert spoken.exit_code == 2
    line = spoken.only("command.refused")
    assert f"Nobody knows '{about}'" in line["message"]


def test_a_deleted_ticket_is_found_by_its_key_in_memory(
    program: Program, world: World, issue_id: str
) -> None:
    assert program("run").exit_code == 0
    key = key_of(world, issue_id)
    world.jira.people.delete_ticket(key)
    spoken = program("explain", key)
    assert f"It links {key}" in told(spoken, "memory")
    assert "ticket_missing answers" in told(spoken, "rules")


def test_the_reason_is_told_for_what_is_excluded_or_skipped(
    program: Program, world: World, issue_id: str
) -> None:
    issue = world.halo.estate.issues[issue_id]
    issue.critical = False
    excluded = program("explain", issue_id, CRITICAL_ONLY="true")
    assert "The settings exclude this kind of issue." in told(excluded, "route")
    assert "out_of_scope answers" in told(excluded, "rules")
    skipped = program("explain", issue_id, ROUTES=SKIPS.replace("TYPE", issue.type))
    assert 'Route "noise" skips it: Handled elsewhere.' in told(skipped, "route"), skipped.stdout
    assert "does not look at the issue" in told(skipped, "next run")


def test_the_reason_is_told_for_what_is_too_old(
    program: Program, world: World, issue_id: str
) -> None:
    issue = world.halo.estate.issues[issue_id]
    issue.last_seen_at -= timedelta(days=3)
    spoken = program("explain", issue_id, SWEEP_EVERY="0")
    assert "It is too old" in told(spoken, "next run")
    since = re.findall(r"run --since (\S+)`", told(spoken, "next run"))
    assert world.jira.people.tickets() == []
    assert program("run", "--since", *since).exit_code == 0
    assert key_of(world, issue_id)


def test_the_reason_is_told_for_what_is_held(program: Program, issue_id: str) -> None:
    assert program("run", MAX_CREATE="3").exit_code == 4
    spoken = program("explain", issue_id, MAX_CREATE="3")
    assert "Its create is held by a limit since" in told(spoken, "held")
    assert "until somebody approves it" in told(spoken, "next run")


def test_an_old_issue_that_somebody_asked_for_is_held_and_no_backlog(
    program: Program, world: World, issue_id: str
) -> None:
    for issue in world.halo.estate.issues.values():
        issue.last_seen_at -= timedelta(days=90)
    old = {"BACKLOG": "none", "MAX_CREATE": "3"}
    assert program("run", **old).exit_code == 0
    assert "backlog" in told(program("explain", issue_id, **old), "rules")
    assert program("run", "--since", "100d", **old).exit_code == 4
    spoken = program("explain", issue_id, **old)
    assert "Its create is held by a limit since" in told(spoken, "held")
    assert "backlog answers" not in told(spoken, "rules"), spoken.stdout
    proven = program("prove", **old)
    assert proven.exit_code == 0, proven.stdout


def test_the_reason_is_told_for_what_is_parked(
    program: Program, world: World, issue_id: str
) -> None:
    world.halo.quirks.broken[world.halo.estate.issues[issue_id].findings[-1].finding_id] = 400
    assert program("run").exit_code == 5
    spoken = program("explain", issue_id)
    assert "after 1 attempt, next try" in told(spoken, "parked")
    assert "tries again" in told(spoken, "next run")
    assert "failed over it" in told(spoken, "last runs")


def test_the_reason_is_told_for_a_risk_that_people_accept(
    program: Program, world: World, issue_id: str
) -> None:
    assert program("run").exit_code == 0
    key = key_of(world, issue_id)
    world.jira.people.transition_by_person(key, status="In Progress")
    spoken = program("explain", key, STATUS_ACCEPTED="In Progress")
    assert "where people accept a risk" in told(spoken, "Jira"), spoken.stdout
    assert "accepted answers" in told(spoken, "rules")
