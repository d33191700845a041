"""`prove` as people and machines start it."""

from uuid import uuid4

from job.sim.jira.search import no_lag
from job.sim.world import World
from tests.kit.program import Program


def test_it_tells_how_much_it_looked_at_and_ends_with_0(program: Program, world: World) -> None:
    world.jira.search.lag = no_lag
    assert program("run").exit_code == 0
    spoken = program("prove")
    assert spoken.exit_code == 0, spoken.stdout
    line = spoken.only("promises.proven")
    assert (line["tickets"], line["counterexamples"]) == (7, 0)
    assert "there is no counterexample" in line["message"]


def test_each_counterexample_is_an_error_with_its_issue_and_tickets_and_the_exit_code_is_5(
    program: Program, world: World
) -> None:
    world.jira.search.lag = no_lag
    assert program("run").exit_code == 0
    ticket = next(ticket for ticket in world.jira.people.tickets() if ticket.status == "To Do")
    issue_id = ticket.fields["customfield_10010"]
    copy = world.jira.people.clone_ticket(ticket.key)
    world.jira.people.edit(copy, customfield_10010=issue_id)
    process = program.start("prove", "--json")
    stdout, stderr = process.communicate(timeout=60)
    assert (process.returncode, stderr) == (5, "")
    assert '"severity": "ERROR"' in stdout
    assert copy in stdout
    line = program("prove").only("promise.broken")
    assert (line["breach"], line["issue_id"]) == ("two_tickets", issue_id)
    assert set(line["tickets"]) == {ticket.key, copy}
    assert len(world.jira.people.tickets()) == 8


def test_explain_prove_and_rebuild_work_on_firestore_as_on_a_file(
    program: Program, world: World, firestore_emulator: str
) -> None:
    world.jira.search.lag = no_lag
    cloud = f"firestore://p-{uuid4().hex[:20]}/state"
    assert program("run", STATE_URL=cloud).exit_code == 0
    issue_id = next(it.id for it in world.halo.estate.issues.values() if it.status == "active")
    explained = program("explain", issue_id, STATE_URL=cloud)
    assert explained.exit_code == 0, explained.stdout
    assert "what Halo says now is applied" in explained.stdout
    assert program("prove", STATE_URL=cloud).exit_code == 0
    lost = f"firestore://p-{uuid4().hex[:20]}/state"
    rebuilt = program("state", "rebuild", "--yes", STATE_URL=lost)
    assert rebuilt.exit_code == 0, rebuilt.stdout
    assert rebuilt.only("memory.changed")["made"] == 7
    tickets = len(world.jira.people.tickets())
    assert program("run", "--since", "all", STATE_URL=lost).exit_code == 0
    assert len(world.jira.people.tickets()) == tickets
    assert program("prove", STATE_URL=lost).exit_code == 0
