"""Several projects: where tickets go, whose words count there, and that there is never a second."""

import asyncio
from typing import Any

from msgspec.structs import replace
from structlog.testing import LogCapture

from job.core.conditions import When
from job.core.memory import RunRecord
from job.core.policy import Policy
from job.core.routes import Routes, Rule
from job.core.shape import TicketSettings
from job.errors import BadSettings
from job.settings.destinations import routed
from job.settings.routing import rulebook
from job.sim.jira.site import Project
from job.sim.jira.workflow import Status, Transition, Workflow
from tests.kit.builders import destination
from tests.kit.timeless import play
from tests.kit.tube import Onlooker, Tube, writes

QUARTER_HOUR_S = 900.0
ROUTES = """
routes:
  - name: packages
    when: {type: [sva, image_sva]}
    to: {project: PAY, type: Task, labels: [halo, "{type}"], fields: {Halo Group: "{group_name}!"}}
    priority: {critical: Highest, default: Low}
    due: {default: 30d}
    workflow: {close: Finish, reopen: Again, closed: Finished}
  - {name: noise, when: {type: lids}, skip: Handled in the SIEM.}
  - {name: files, when: {type: fim}, to: {project: OPS}, comments: {when: never}}
"""
PAY_WORDS = Workflow(
    statuses=(
        Status("20001", "Waiting", "new"),
        Status("20002", "Finished", "done"),
    ),
    transitions=(
        Transition("11", "Finish", "Finished"),
        Transition("12", "Again", "Waiting", sources=frozenset({"Finished"})),
    ),
)


def routes(text: str = ROUTES, **over: Any) -> Policy:
    return Policy(routes=routed(destination(**over), book=rulebook(text)))


def tube_with(*types: str, text: str = ROUTES) -> Tube:
    tube = Tube(policy=routes(text))
    tube.jira.site.projects.append(Project("10003", "PAY", "Payments"))
    tube.jira.site.workflows["PAY", ""] = PAY_WORDS
    for kind in types:
        tube.halo.estate.open_issue(type=kind)
    return tube


async def done(tube: Tube) -> RunRecord:
    record = await tube.run()
    assert isinstance(record, RunRecord), record
    assert record.exit_code == 0, record
    return record


def by_project(tube: Tube) -> dict[str, int]:
    keys = sorted(ticket.project for ticket in tube.jira.people.tickets())
    return {key: keys.count(key) for key in keys}


def test_each_issue_goes_where_its_route_leads() -> None:
    async def story() -> None:
        tube = tube_with("sva", "fim", "csm", "lids", "sva")
        await done(tube)
        assert by_project(tube) == {"OPS": 1, "PAY": 2, "SEC": 1}
        pay = next(t for t in tube.jira.people.tickets() if t.project == "PAY")
        assert pay.issue_type == "Task"
        assert pay.fields["labels"] == ["halo", "sva"]
        assert pay.fields["priority"]["name"] in {"Highest", "Low"}
        assert pay.fields["customfield_10020"].endswith("!")
        assert pay.fields["duedate"] > "2026-03"
        assert pay.properties["halo.sync"]["route"] == "packages"

    play(story())


def test_the_words_of_the_project_close_and_reopen_a_ticket() -> None:
    async def story() -> None:
        tube = tube_with("sva", "csm")
        await done(tube)
        ids = list(tube.halo.estate.issues)
        for issue_id in ids:
            tube.halo.estate.resolve(issue_id)
        await asyncio.sleep(QUARTER_HOUR_S)
        await done(tube)
        assert {t.project: t.status for t in tube.jira.people.tickets()} == {
            "PAY": "Finished",
            "SEC": "Done",
        }
        for issue_id in ids:
            tube.halo.estate.reopen(issue_id)
        await asyncio.sleep(QUARTER_HOUR_S)
        await done(tube)
        assert {t.project: t.status for t in tube.jira.people.tickets()} == {
            "PAY": "Waiting",
            "SEC": "To Do",
        }

    play(story())


def test_a_skipped_issue_that_has_a_ticket_is_still_closed_when_halo_resolves_it() -> None:
    async def story() -> None:
        tube = tube_with("sva")
        await done(tube)
        none = "routes:\n  - {name: none, when: {type: [sva, csm]}, skip: Not any more.}"
        packages = ROUTES.replace("[sva, image_sva]", "image_sva")
        tube.policy = routes(packages.replace("routes:", none))
        tube.halo.estate.open_issue(type="csm")
        await asyncio.sleep(QUARTER_HOUR_S)
        assert not writes((await done(tube)).calls["jira"])
        (issue_id, *_) = tube.halo.estate.issues
        tube.halo.estate.resolve(issue_id)
        await asyncio.sleep(QUARTER_HOUR_S)
        await done(tube)
        (ticket,) = tube.jira.people.tickets()
        assert (ticket.project, ticket.status) == ("PAY", "Finished")

    play(story())


def test_an_issue_whose_route_changes_keeps_its_ticket_and_the_plan_says_so() -> None:
    async def story() -> None:
        tube = tube_with("fim")
        await done(tube)
        tube.policy = routes("routes: [{name: new, when: {type: fim}, to: {project: SEC}}]")
        (issue_id,) = tube.halo.estate.issues
        tube.halo.estate.resolve(issue_id)
        await asyncio.sleep(QUARTER_HOUR_S)
        onlooker = Onlooker()
        assert isinstance(await tube.run(watcher=onlooker), RunRecord)
        (decision,) = onlooker.plans[0].decisions
        assert decision.aside == 'Its route "new" leads to SEC now; the ticket stays where it is.'
        (ticket,) = tube.jira.people.tickets()
        assert (ticket.project, ticket.status) == ("OPS", "Done")
        tube.halo.estate.reopen(issue_id)
        await asyncio.sleep(QUARTER_HOUR_S)
        await done(tube)
        assert by_project(tube) == {"OPS": 1}

    play(story())


def test_the_log_names_the_route_of_each_new_ticket(said: LogCapture) -> None:
    async def story() -> None:
        await done(tube_with("sva", "csm"))

    play(story())
    created = [entry for entry in said.entries if entry["event"] == "ticket.created"]
    assert sorted(entry["route"] for entry in created) == ["default", "packages"]


def test_a_plan_is_counted_by_route() -> None:
    async def story() -> None:
        tube, onlooker = tube_with("sva", "sva", "csm"), Onlooker()
        await tube.run(watcher=onlooker)
        groups = onlooker.plans[0].by_destination
        assert {name: sum(of.values()) for name, of in groups.items()} == {
            "default": 1,
            "packages": 2,
        }

    play(story())


def test_a_destination_that_is_not_there_is_refused_before_the_first_write_with_its_line() -> None:
    async def story() -> None:
        text = "routes: [{name: typo, when: {type: sva}, to: {project: NOPE}}]"
        tube = tube_with("sva", "csm", text=text)
        refused = await tube.run()
        assert isinstance(refused, BadSettings)
        assert 'ROUTES, line 1, route "typo"' in str(refused)
        assert "NOPE" in str(refused)
        assert writes(tube.jira.calls) == {}

    play(story())


# --- Optional fields ------------------------------------------------------------------------------


def test_a_value_that_does_not_fit_an_optional_field_is_left_out_and_told(said: LogCapture) -> None:
    async def story() -> None:
        tickets = TicketSettings(
            project_key="SEC",
            ticket_type="Bug",
            id_field="Halo Issue ID",
            mapping=(("group_name", "Halo Severity"),),
        )
        tube = Tube(policy=Policy(routes=routed(destination(tickets=tickets), book=None)))
        for _ in range(7):
            tube.halo.estate.open_issue(type="csm")
        await done(tube)
        made = tube.jira.people.tickets()
        assert len(made) == 7
        assert all(ticket.fields.get("customfield_10014") is None for ticket in made)
        assert all("Left out: " in str(ticket.fields["description"]) for ticket in made)

    play(story())
    told = [entry for entry in said.entries if entry["event"] == "field.left_out"]
    assert len(told) == len({entry["error"] for entry in told})
    assert 1 <= len(told) < 7


def test_a_field_that_no_screen_shows_is_left_out_and_one_that_jira_does_not_know_is_refused() -> (
    None
):
    async def story() -> None:
        for name, refused in (("Resolution", False), ("Halo Grupp", True)):
            tickets = TicketSettings(
                project_key="SEC",
                ticket_type="Bug",
                id_field="Halo Issue ID",
                mapping=(("group_name", name),),
            )
            tube = Tube(policy=Policy(routes=routed(destination(tickets=tickets), book=None)))
            tube.halo.estate.open_issue(type="csm")
            ended = await tube.run()
            assert isinstance(ended, BadSettings if refused else RunRecord)
            assert len(tube.jira.people.tickets()) == (0 if refused else 1)

    play(story())


# --- People ---------------------------------------------------------------------------------------

SEARCH = "GET /rest/api/3/user/assignable/search"


def assigning(*, static: str = "", mapped: str = "") -> Tube:
    tickets = TicketSettings(
        project_key="SEC",
        ticket_type="Bug",
        id_field="Halo Issue ID",
        static=(("assignee", static),) if static else (),
        mapping=((mapped, "Security Contact"),) if mapped else (),
    )
    return Tube(policy=Policy(routes=routed(destination(tickets=tickets), book=None)))


def test_a_person_is_named_by_an_address_and_looked_for_once_a_run() -> None:
    async def story() -> None:
        tube = assigning(static="Anna@example.com")
        for _ in range(60):
            tube.halo.estate.open_issue(type="csm")
        record = await done(tube)
        assert record.calls["jira"][SEARCH] == 1
        people = {ticket.fields["assignee"]["displayName"] for ticket in tube.jira.people.tickets()}
        assert people == {"Anna Example"}
        again = await done(tube)
        assert SEARCH not in again.calls["jira"]

    play(story())


def test_an_address_of_nobody_in_the_settings_is_refused_before_the_first_write() -> None:
    async def story() -> None:
        tube = assigning(static="nobody@example.com")
        tube.halo.estate.open_issue(type="csm")
        refused = await tube.run()
        assert isinstance(refused, BadSettings)
        assert "nobody@example.com is the address of nobody" in str(refused)
        assert writes(tube.jira.calls) == {}

    play(story())


def test_an_address_of_nobody_in_halo_leaves_an_optional_field_out() -> None:
    async def story() -> None:
        tube = assigning(mapped="{type}@example.com")
        tube.halo.estate.open_issue(type="csm")
        await done(tube)
        (ticket,) = tube.jira.people.tickets()
        assert ticket.fields.get("customfield_10018") is None
        assert "csm@example.com" in str(ticket.fields["description"])

    play(story())


# --- One field for the Halo id --------------------------------------------------------------------


def test_a_project_with_another_field_for_the_halo_id_is_refused_before_the_first_write() -> None:
    """As team-managed projects have them: the same name, and another field."""

    async def story() -> None:
        home = destination()
        twin = replace(
            home,
            name="twin",
            tickets=replace(home.tickets, project_key="OPS", id_field="Halo Group"),
        )
        rule = Rule(name="twin", when=When(), to=twin)
        tube = Tube(policy=Policy(routes=Routes(default=home, rules=(rule,))))
        tube.halo.estate.open_issue(type="csm")
        refused = await tube.run()
        assert isinstance(refused, BadSettings)
        assert "looked for by one field alone" in str(refused)
        assert writes(tube.jira.calls) == {}

    play(story())
