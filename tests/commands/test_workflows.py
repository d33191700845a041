"""The program itself over HTTP, before workflows as live sites have them."""

from collections import Counter

from job.sim.world import World
from tests.kit.program import Program
from tests.kit.workflows import (
    COMMENT_VALIDATED,
    LEADS_TO_CLOSED,
    RIDING,
    SILENT_WHEN_DONE,
    with_accepted,
)


def one_ticket(program: Program, world: World) -> tuple[str, str]:
    """The first issue that got a ticket, and the ticket's key."""
    assert program("run").exit_code == 0
    ticket = world.jira.people.tickets()[0]
    return str(ticket.properties["halo.sync"]["issue"]), ticket.key


def test_a_comment_and_a_transition_are_one_request(program: Program, world: World) -> None:
    world.jira.site.workflows["", ""] = RIDING
    issue_id, key = one_ticket(program, world)
    before = Counter(world.jira.calls)
    world.halo.estate.resolve(issue_id)
    assert program("run").exit_code == 0
    spent = Counter(world.jira.calls) - before
    assert spent["POST /issue/{key}/comment"] == 0
    assert spent["POST /issue/{key}/transitions"] == 1
    ticket = world.jira.people.ticket(key)
    assert (ticket.status, len(ticket.comments)) == ("Done", 1)


def test_a_validator_that_wants_a_comment_gets_it(program: Program, world: World) -> None:
    world.jira.site.workflows["", ""] = COMMENT_VALIDATED
    issue_id, key = one_ticket(program, world)
    world.halo.estate.resolve(issue_id)
    assert program("run").exit_code == 0
    assert world.jira.people.ticket(key).status == "Done"


def test_a_close_that_leads_outside_the_settings_is_exit_5(program: Program, world: World) -> None:
    world.jira.site.workflows["", ""] = LEADS_TO_CLOSED
    issue_id, _ = one_ticket(program, world)
    world.halo.estate.resolve(issue_id)
    spoken = program("run", STATUS_HARD_CLOSED="")
    assert spoken.exit_code == 5
    assert "ISSUE_STATUS_CLOSED" in spoken.only("issue.parked")["error"]


def test_a_closed_status_without_comments_is_left_first(program: Program, world: World) -> None:
    world.jira.site.workflows["", ""] = SILENT_WHEN_DONE
    issue_id, key = one_ticket(program, world)
    world.halo.estate.resolve(issue_id)
    assert program("run").exit_code == 0
    world.halo.estate.reopen(issue_id)
    assert program("run").exit_code == 0
    ticket = world.jira.people.ticket(key)
    assert (ticket.status, len(ticket.comments)) == ("To Do", 2)


def test_an_accepted_risk_is_left_alone_and_counted(program: Program, world: World) -> None:
    world.jira.site.workflows["", ""] = with_accepted(RIDING)
    issue_id, key = one_ticket(program, world)
    before = len(world.jira.people.tickets())
    world.jira.people.transition_by_person(key, status="Accepted Risk")
    world.halo.estate.rescan(issue_id, changed=True)
    spoken = program("run", STATUS_ACCEPTED="accepted  risk")
    assert (spoken.exit_code, spoken.only("run.finished")["accepted"]) == (0, 1)
    ticket = world.jira.people.ticket(key)
    assert (ticket.status, len(ticket.comments)) == ("Accepted Risk", 0)
    assert len(world.jira.people.tickets()) == before
