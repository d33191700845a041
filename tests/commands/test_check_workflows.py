"""`check`, as far as it speaks of workflows: before the first write, and without one."""

from dataclasses import replace

import pytest

from job.sim.jira.search import no_lag
from job.sim.jira.workflow import DEFAULT
from job.sim.world import World
from tests.kit.program import Program
from tests.kit.workflows import RESOLVE, changed

SUBJECTS = ("statuses in SEC", "the way to closed in SEC", "the way back in SEC")


def proof(program: Program, **over: str) -> tuple[str, str]:
    """What came of the proofs of a workflow, and what they say."""
    spoken = program("check", **over)
    lines = [line for line in spoken.lines if line.get("subject") in SUBJECTS]
    failed = any(line["event"] == "check.failed" for line in lines)
    words = " ".join(line["message"] for line in lines)
    return "check.failed" if failed else "check.passed", words


def somebodys_ticket(world: World, *, status: str = "To Do") -> None:
    """A ticket of our type that people made."""
    site, people = world.jira.site, world.jira.people
    world.jira.search.lag = no_lag
    ticket = world.jira.store.create(
        project=site.projects[0],
        issue_type=site.issue_types[0],
        fields={"summary": "Buy milk"},
        author=site.people[1],
    )
    if status != "To Do":
        people.transition_by_person(ticket.key, status=status)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("ISSUE_STATUS_CLOSED", "Done,Clsed"),
        ("STATUS_HARD_CLOSED", "Clsed"),
        ("STATUS_ACCEPTED", "Clsed"),
        ("NEW_ISSUE_STATUS", "Clsed"),
    ],
)
def test_a_status_that_no_workflow_has_is_refused_with_those_that_are_there(
    program: Program, variable: str, value: str
) -> None:
    event, words = proof(program, **{variable: value})
    assert event == "check.failed"
    assert f'{variable}: no ticket of ours can have the status "Clsed".' in words
    assert "To Do, In Progress, Done, Closed" in words
    assert program("check", **{variable: value}).exit_code == 2


def test_statuses_may_be_named_by_their_ids(program: Program) -> None:
    assert proof(program, ISSUE_STATUS_CLOSED="10001", NEW_ISSUE_STATUS="3")[0] == "check.passed"


def test_a_done_status_that_nobody_names_is_told(program: Program) -> None:
    event, words = proof(program, STATUS_HARD_CLOSED="")
    assert event == "check.passed"
    assert "In Closed work is over" in words


def test_where_no_ticket_is_there_it_is_said_that_transitions_were_not_seen(
    program: Program,
) -> None:
    assert "No open ticket is there" in proof(program)[1]
    assert "No closed ticket is there" in proof(program)[1]


def test_a_field_that_a_screen_asks_for_is_told_before_the_first_write(
    program: Program, world: World
) -> None:
    somebodys_ticket(world)
    world.jira.site.workflows["", ""] = changed(RESOLVE, required=("customfield_10014",))
    before = world.jira.people.tickets()
    event, words = proof(program)
    assert event == "check.failed"
    assert "Halo Severity (allowed: High, Normal)" in words
    assert "CLOSE_FIELDS" in words
    assert proof(program, CLOSE_FIELDS="Halo Severity:High")[0] == "check.passed"
    assert world.jira.people.tickets() == before


def test_a_transition_that_is_not_there_is_told(program: Program, world: World) -> None:
    somebodys_ticket(world)
    somebodys_ticket(world, status="Done")
    assert proof(program)[0] == "check.passed"
    event, words = proof(program, ISSUE_CLOSE_TRANSITION="Nowhere", ISSUE_REOPEN_TRANSITION="Never")
    assert event == "check.failed"
    assert "needs Never" in words
    assert "ISSUE_CLOSE_TRANSITION" not in words  # another transition leads to Done
    world.jira.site.workflows["", ""] = replace(DEFAULT, transitions=DEFAULT.transitions[:2])
    event, words = proof(program)
    assert event == "check.failed"
    assert "needs Resolve or a way to Done" in words
    assert "needs Reopen" in words


def test_one_ticket_that_may_not_be_closed_says_nothing_of_the_workflow(
    program: Program, world: World
) -> None:
    somebodys_ticket(world)
    somebodys_ticket(world)
    world.jira.site.hidden_ways = {("SEC-2", RESOLVE), ("SEC-1", "51")}
    assert proof(program)[0] == "check.passed"
