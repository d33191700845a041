"""`check` names what is wrong with a set-up, with its variable, before anything is written."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from job.sim.call import Answer, Call
from job.sim.jira.site import Field, Option
from job.sim.jira.workflow import DEFAULT, Status, Transition, Workflow
from job.sim.server import Urls
from job.sim.world import World
from tests.kit.program import Program, Spoken

NOWHERE = "http://127.0.0.1:9"
"""The port of the service that discards what it is sent, where nobody listens."""
READS = ("/search/jql", "/issue/bulkfetch", "/jql/parse")


@dataclass(frozen=True)
class Scene:
    """A deployment that `check` is asked about."""

    world: World
    urls: Urls
    folder: Path

    def halo_refuses(self, part: str, *, status: int) -> None:
        """Every read of a path with this in it is refused."""
        self.world.halo.faults.hook = _refusing(part, status=status)

    def workflow(self, **changes: Any) -> None:
        """The default workflow with changed transitions, by the name of the transition."""
        kept = [way for way in DEFAULT.transitions if changes.get(way.name, {}) is not None]
        ways = tuple(replace(way, **changes.get(way.name, {})) for way in kept)
        self.put(Workflow(DEFAULT.statuses, ways))

    def put(self, workflow: Workflow) -> None:
        self.world.jira.site.workflows["", ""] = workflow


def _refusing(part: str, *, status: int) -> Callable[[Call, str], Answer | None]:
    return lambda call, moment: (
        Answer(status, body=b"{}") if moment == "before" and part in call.path else None
    )


Break = Callable[[Scene], Mapping[str, str]]
"""Breaks a deployment, and says which settings it has then."""


def given(**settings: str) -> Break:
    return lambda _: settings


def without(*permissions: str, **settings: str) -> Break:
    def takes_away(scene: Scene) -> Mapping[str, str]:
        scene.world.jira.site.refused_permissions.update(permissions)
        return settings

    return takes_away


def with_field(field_id: str, *, also: Mapping[str, str] | None = None, **changes: Any) -> Break:
    def change(scene: Scene) -> Mapping[str, str]:
        scene.world.jira.site.change_field(field_id, **changes)
        return also or {}

    return change


def with_workflow(**changes: Any) -> Break:
    def change(scene: Scene) -> Mapping[str, str]:
        scene.workflow(**changes)
        return {}

    return change


def as_service_account(scene: Scene, **settings: str) -> Mapping[str, str]:
    site = scene.world.jira.site
    return {
        "JIRA_API_USER": "",
        "JIRA_API_TOKEN": "",
        "JIRA_CLIENT_ID": site.client_id,
        "JIRA_CLIENT_SECRET": site.client_secret,
        "JIRA_TOKEN_URL": f"{scene.urls.jira}/oauth/token",
        **settings,
    }


def halo_lists_nothing(scene: Scene) -> Mapping[str, str]:
    scene.halo_refuses("/v3/issues", status=403)
    return {}


def halo_gives_no_finding(scene: Scene) -> Mapping[str, str]:
    scene.halo_refuses("/findings", status=403)
    return {}


def clock_is_wrong(scene: Scene) -> Mapping[str, str]:
    """By what both vendors say in their answers."""
    late = "Tue, 01 Dec 2020 00:00:00 GMT"
    for vendor in (scene.world.halo, scene.world.jira):
        vendor.faults.hook = _dated(vendor.answer, late)
    return {}


def _dated(answer: Callable[[Call], Answer], date: str) -> Callable[[Call, str], Answer | None]:
    nested: list[Call] = []

    def hook(call: Call, moment: str) -> Answer | None:
        if moment == "before" and not nested:
            nested.append(call)
            told = answer(call)
            nested.clear()
            return replace(told, headers={**told.headers, "date": date})
        return None

    return hook


def token_ended(scene: Scene) -> Mapping[str, str]:
    scene.world.jira.reception.tokens_end_at = scene.world.clock() - timedelta(days=1)
    return {}


def token_kind_wrong(scene: Scene) -> Mapping[str, str]:
    return {"JIRA_API_URL": f"{scene.urls.jira}/ex/jira/{scene.world.jira.site.cloud_id}"}


def token_lacks_scope(scene: Scene) -> Mapping[str, str]:
    scene.world.jira.site.scopes.discard("read:jira-user")
    return {"JIRA_API_TOKEN": scene.world.jira.site.scoped_token}


def cloud_id_unknown(scene: Scene) -> Mapping[str, str]:
    token = scene.world.jira.site.scoped_token
    return {"JIRA_API_URL": f"{scene.urls.jira}/ex/jira/0000-0000", "JIRA_API_TOKEN": token}


def account_lacks_scope(scene: Scene) -> Mapping[str, str]:
    scene.world.jira.site.scopes.discard("write:jira-work")
    return as_service_account(scene)


def account_revoked(scene: Scene) -> Mapping[str, str]:
    return as_service_account(scene, JIRA_CLIENT_SECRET="another-secret")


def tokens_elsewhere(scene: Scene) -> Mapping[str, str]:
    return as_service_account(scene, JIRA_TOKEN_URL=f"{scene.urls.jira}/no/tokens/here")


def tokens_nowhere(scene: Scene) -> Mapping[str, str]:
    return as_service_account(scene, JIRA_TOKEN_URL=f"{NOWHERE}/oauth/token")


def project_hidden(scene: Scene) -> Mapping[str, str]:
    scene.world.jira.site.hidden.add("SEC")
    return {}


def project_archived(scene: Scene) -> Mapping[str, str]:
    scene.world.jira.site.archived.add("SEC")
    return {}


def twin_field(scene: Scene) -> Mapping[str, str]:
    scene.world.jira.site.add_twin_field("customfield_10010", twin_id="customfield_10099")
    return {}


def team_required(scene: Scene) -> Mapping[str, str]:
    team = Field("customfield_10077", "Team", "select", (Option("1", "Blue"),), required=True)
    scene.world.jira.site.fields.append(team)
    return {}


def search_blind(scene: Scene) -> Mapping[str, str]:
    scene.world.jira.site.blind_searches.update({"phrase", "words", "exact"})
    return {}


def statuses_translated(scene: Scene) -> Mapping[str, str]:
    """The names of another language, and none that a workflow keeps beside them."""
    renamed = {"To Do": "Zu erledigen", "In Progress": "In Arbeit", "Done": "Fertig"}
    statuses = tuple(
        Status(status.id, renamed.get(status.name, status.name), status.category)
        for status in DEFAULT.statuses
    )
    ways = tuple(
        replace(
            way,
            to=renamed.get(way.to, way.to),
            sources=way.sources and frozenset(renamed.get(at, at) for at in way.sources),
        )
        for way in DEFAULT.transitions
    )
    scene.put(Workflow(statuses, ways))
    return {}


def closed_is_not_done(scene: Scene) -> Mapping[str, str]:
    statuses = tuple(
        replace(status, category="indeterminate") if status.name == "Done" else status
        for status in DEFAULT.statuses
    )
    scene.put(Workflow(statuses, DEFAULT.transitions))
    return {}


def closes_elsewhere(scene: Scene) -> Mapping[str, str]:
    parked = Status("7", "Parked", "indeterminate")
    ways = tuple(
        replace(way, to="Parked") if way.name == "Resolve" else way for way in DEFAULT.transitions
    )
    scene.put(Workflow((*DEFAULT.statuses, parked), ways))
    return {}


def no_transition_there(scene: Scene) -> Mapping[str, str]:
    stay = Transition("99", "Stay", "Closed", frozenset({"Done"}))
    ways = tuple(way for way in DEFAULT.transitions if way.name != "Reopen")
    scene.put(Workflow(DEFAULT.statuses, (*ways, stay)))
    return {}


def memory_of_another(scene: Scene) -> Mapping[str, str]:
    scene.world.jira.site.cloud_id = "another-site"
    return {"JIRA_API_URL": scene.urls.jira.replace("127.0.0.1", "localhost")}


def memory_is_no_database(scene: Scene) -> Mapping[str, str]:
    (scene.folder / "letter.txt").write_text("Dear reader, " * 100)
    return {"STATE_URL": f"sqlite:///{scene.folder / 'letter.txt'}"}


TICKETS = True
ASSIGNEE = {"JIRA_FIELD_STATIC": "assignee:Anna Example"}
DUE = {"JIRA_FIELD_STATIC": "Due date:2027-01-01"}

# What is broken, how, the variable that must be named, and whether tickets of ours are there.
WRONG: dict[str, tuple[Break, str, bool]] = {
    "halo, another secret": (given(HALO_API_SECRET_KEY="f" * 32), "HALO_API_SECRET_KEY", False),
    "halo, an unknown key": (given(HALO_API_KEY="zzzzzzzz"), "HALO_API_KEY", False),
    "halo, nobody there": (given(HALO_API_HOSTNAME=NOWHERE), "HALO_API_HOSTNAME", False),
    "halo, no right to list": (halo_lists_nothing, "HALO_API_KEY", False),
    "halo, no right to findings": (halo_gives_no_finding, "HALO_API_KEY", False),
    "jira, another token": (given(JIRA_API_TOKEN="another-token"), "JIRA_API_TOKEN", False),
    "jira, a token that ended": (token_ended, "JIRA_API_TOKEN", False),
    "jira, a foreign e-mail": (given(JIRA_API_USER="b@example.com"), "JIRA_API_USER", False),
    "jira, wrong kind of token": (token_kind_wrong, "JIRA_API_URL", False),
    "jira, token lacks a scope": (token_lacks_scope, "JIRA_API_TOKEN", False),
    "jira, another cloud id": (cloud_id_unknown, "JIRA_API_URL", False),
    "jira, nobody there": (given(JIRA_API_URL=NOWHERE), "JIRA_API_URL", False),
    "account, another secret": (account_revoked, "JIRA_CLIENT_SECRET", False),
    "account, lacks a scope": (account_lacks_scope, "JIRA_CLIENT_ID", False),
    "account, wrong address of tokens": (tokens_elsewhere, "JIRA_TOKEN_URL", False),
    "account, nobody gives tokens": (tokens_nowhere, "JIRA_TOKEN_URL", False),
    "account and token": (given(JIRA_CLIENT_ID="c"), "JIRA_CLIENT_ID", False),
    "project, none of that key": (given(JIRA_PROJECT_KEY="SEX"), "JIRA_PROJECT_KEY", False),
    "project, hidden": (project_hidden, "JIRA_PROJECT_KEY", False),
    "project, archived": (project_archived, "JIRA_PROJECT_KEY", False),
    "no Browse": (without("BROWSE_PROJECTS"), "JIRA_PROJECT_KEY", False),
    "no Create": (without("CREATE_ISSUES"), "JIRA_PROJECT_KEY", False),
    "no Comment": (without("ADD_COMMENTS"), "JIRA_PROJECT_KEY", False),
    "no Transition": (without("TRANSITION_ISSUES"), "JIRA_PROJECT_KEY", False),
    "no Assign": (without("ASSIGN_ISSUES", **ASSIGNEE), "JIRA_FIELD_STATIC", False),
    "no Schedule": (without("SCHEDULE_ISSUES", **DUE), "JIRA_FIELD_STATIC", False),
    "type, none of that name": (given(JIRA_ISSUE_TYPE="Bagg"), "JIRA_ISSUE_TYPE", False),
    "id field, none": (given(JIRA_ISSUE_ID_FIELD="Halo ID"), "JIRA_ISSUE_ID_FIELD", False),
    "id field, a number": (given(JIRA_ISSUE_ID_FIELD="Halo Score"), "JIRA_ISSUE_ID_FIELD", False),
    "id field, two of that name": (twin_field, "JIRA_ISSUE_ID_FIELD", False),
    "id field, off the screen": (
        with_field("customfield_10010", on_screen=False),
        "JIRA_ISSUE_ID_FIELD",
        False,
    ),
    "id field, not searchable": (
        with_field("customfield_10010", searchable=False),
        "JIRA_ISSUE_ID_FIELD",
        False,
    ),
    "id field, search finds nothing": (search_blind, "JIRA_ISSUE_ID_FIELD", TICKETS),
    "mapping, no such field": (
        given(JIRA_FIELD_MAPPING="issue_id:Nonsuch"),
        "JIRA_FIELD_MAPPING",
        False,
    ),
    "following, no such field": (given(FIELDS_FOLLOW="Priorty"), "FIELDS_FOLLOW", False),
    "static, no such value": (
        given(JIRA_FIELD_STATIC="Halo Severity:Purple"),
        "JIRA_FIELD_STATIC",
        False,
    ),
    "create asks for a field": (
        with_field("customfield_10019", required=True),
        "JIRA_FIELD_STATIC",
        False,
    ),
    "create asks for a Team": (team_required, "JIRA_FIELD_STATIC", False),
    "closed status misspelt": (given(ISSUE_STATUS_CLOSED="Dnoe"), "ISSUE_STATUS_CLOSED", False),
    "hard-closed status misspelt": (
        given(STATUS_HARD_CLOSED="Clsoed"),
        "STATUS_HARD_CLOSED",
        False,
    ),
    "new status misspelt": (given(NEW_ISSUE_STATUS="Triage"), "NEW_ISSUE_STATUS", False),
    "statuses translated": (statuses_translated, "ISSUE_STATUS_CLOSED", False),
    "no way to closed": (with_workflow(Resolve=None), "ISSUE_CLOSE_TRANSITION", TICKETS),
    "no way back": (with_workflow(Reopen=None), "ISSUE_REOPEN_TRANSITION", TICKETS),
    "no way back but to another closed one": (
        no_transition_there,
        "ISSUE_REOPEN_TRANSITION",
        TICKETS,
    ),
    "close asks for a field": (
        with_workflow(Resolve={"required": ("resolution", "customfield_10019")}),
        "ISSUE_CLOSE_TRANSITION",
        TICKETS,
    ),
    "reopen asks for a field": (
        with_workflow(Reopen={"required": ("customfield_10019",)}),
        "ISSUE_REOPEN_TRANSITION",
        TICKETS,
    ),
    "closes into another status": (closes_elsewhere, "ISSUE_STATUS_CLOSED", TICKETS),
    "no such resolution": (given(CLOSE_RESOLUTION="Fixd"), "CLOSE_RESOLUTION", TICKETS),
    "memory of another site": (memory_of_another, "STATE_URL", TICKETS),
    "memory is no database": (memory_is_no_database, "STATE_URL", False),
    "memory cannot be opened": (
        given(STATE_URL="sqlite:////proc/nowhere/state.db"),
        "STATE_URL",
        False,
    ),
}

DOUBTFUL: dict[str, tuple[Break, str]] = {
    "no Edit": (without("EDIT_ISSUES"), "JIRA_PROJECT_KEY"),
    "a closed status is not done": (closed_is_not_done, "ISSUE_STATUS_CLOSED"),
}


@pytest.fixture
def scene(world: World, urls: Urls, tmp_path: Path) -> Scene:
    return Scene(world, urls, tmp_path)


def make_tickets(program: Program, world: World) -> None:
    """Tickets of ours, open and closed, and a search that has heard of them."""
    world.jira.search.lag = lambda _: 0.0
    assert program("run", "--since", "2d").exit_code == 0


def blamed(spoken: Spoken) -> set[str]:
    """The variables that stand in a line which does not hold."""
    lines = [line for line in spoken.lines if line["event"] == "check.failed"]
    named = {name for line in lines for name in line.get("variables", ())}
    for line in spoken.lines:
        named |= {problem["variable"] for problem in line.get("problems", ())}
    return named


def writes(world: World) -> list[str]:
    """The calls that could have changed anything at a vendor."""
    made = [*world.halo.recorded, *world.jira.recorded]
    return [
        exchange.route
        for exchange in made
        if exchange.call.method != "GET"
        and "/oauth/" not in exchange.call.path
        and "/tokens/" not in exchange.call.path
        and not exchange.call.path.endswith(READS)
    ]


def test_a_good_set_up_is_proven_and_nothing_is_written(program: Program, world: World) -> None:
    make_tickets(program, world)
    before, seen = len(writes(world)), [ticket.updated_at for ticket in world.jira.people.tickets()]
    spoken = program("check")
    assert spoken.exit_code == 0
    assert {line["event"] for line in spoken.lines} == {"check.passed", "check.unproven"}
    assert [line["subject"] for line in spoken.lines if line["event"] == "check.unproven"] == [
        "Jira's scopes"
    ]
    assert len(writes(world)) == before
    assert [ticket.updated_at for ticket in world.jira.people.tickets()] == seen


def test_where_no_ticket_is_yet_the_ways_are_told_as_unproven(program: Program) -> None:
    spoken = program("check")
    unproven = [line for line in spoken.lines if line["event"] == "check.unproven"]
    assert spoken.exit_code == 0
    assert {line["subject"] for line in unproven} == {
        "Jira's scopes",
        "the way to closed in SEC",
        "the way back in SEC",
    }


@pytest.mark.parametrize("name", WRONG)
def test_a_broken_set_up_is_named_with_its_variable_before_any_write(
    program: Program, scene: Scene, name: str
) -> None:
    breaks, variable, needs_tickets = WRONG[name]
    if needs_tickets:
        make_tickets(program, scene.world)
    before = len(writes(scene.world))
    spoken = program("check", **breaks(scene))
    assert variable in blamed(spoken), spoken.stdout
    assert spoken.exit_code in {2, 3}
    assert len(writes(scene.world)) == before


@pytest.mark.parametrize("name", DOUBTFUL)
def test_a_doubt_is_told_and_is_no_failure(program: Program, scene: Scene, name: str) -> None:
    breaks, variable = DOUBTFUL[name]
    spoken = program("check", **breaks(scene))
    assert spoken.exit_code == 0, spoken.stdout
    line = spoken.only("check.doubted")
    assert (line["severity"], line["variables"]) == ("WARNING", [variable])
    assert line["remedy"]


def test_forty_broken_set_ups_are_named() -> None:
    assert len(WRONG) + len(DOUBTFUL) >= 40


def test_a_wrong_clock_is_named_for_both_vendors(program: Program, scene: Scene) -> None:
    clock_is_wrong(scene)
    spoken = program("check")
    failed = {line["subject"] for line in spoken.lines if line["event"] == "check.failed"}
    assert failed == {"Halo's clock", "Jira's clock"}
    assert spoken.exit_code == 3


def test_every_proof_is_tried_whatever_failed_before(program: Program) -> None:
    spoken = program("check", HALO_API_SECRET_KEY="f" * 32, JIRA_ISSUE_TYPE="Bagg")
    said = {line["subject"]: line["event"] for line in spoken.lines}
    assert said["Halo's key"] == said["type and fields in SEC"] == "check.failed"
    assert said["permissions in SEC"] == said["memory"] == "check.passed"
    assert said["the search for ids"] == "check.unproven"
    assert spoken.exit_code == 3, "the code of the first"


def test_one_wrong_word_is_told_once(program: Program) -> None:
    spoken = program("check", JIRA_ISSUE_TYPE="Bagg")
    failed = [line for line in spoken.lines if line["event"] == "check.failed"]
    assert [line["subject"] for line in failed] == ["type and fields in SEC"]
    assert "Bug, Task" in failed[0]["there"]


def test_what_does_not_answer_is_tried_twice_and_told_within_seconds(program: Program) -> None:
    began = time.monotonic()
    spoken = program("check", HALO_API_HOSTNAME=NOWHERE, JIRA_API_URL=NOWHERE)
    assert time.monotonic() - began < 15
    failed = [line for line in spoken.lines if line["event"] == "check.failed"]
    assert [line["variables"] for line in failed[:2]] == [["HALO_API_HOSTNAME"], ["JIRA_API_URL"]]
    assert all("attempt 2, the last" in line["message"] for line in failed[:2])
    assert all("next run" not in line["message"] for line in failed)


def test_what_halo_does_is_told_as_a_fact(program: Program, world: World) -> None:
    world.halo.ignores_gte = True
    spoken = program("check")
    (line,) = [line for line in spoken.lines if line["subject"] == "what Halo does here"]
    assert line["event"] == "check.passed"
    assert "ignores filters by time" in line["message"]
    world.halo.ignores_gte, world.halo.quirks.gte_status = False, 422
    spoken = program("check")
    (line,) = [line for line in spoken.lines if line["subject"] == "what Halo does here"]
    assert "refuses filters by time" in line["message"]


@pytest.mark.parametrize("word", ["touched", "all", "critical", "none"])
def test_the_size_of_the_backlog_is_told_before_the_first_write(
    program: Program, world: World, word: str
) -> None:
    known = sum(issue.status == "active" for issue in world.halo.estate.issues.values())
    for number, issue in enumerate(world.halo.estate.issues.values()):
        issue.last_seen_at -= timedelta(days=90)
        issue.critical = number < 2
    world.halo.estate.version += 1
    before = len(writes(world))
    (line,) = told_of_backlog(program, BACKLOG=word)
    size = f"{known} active issues are older than the look-back, 2 critical; BACKLOG={word}: "
    assert line["event"] == "check.passed"
    assert line["message"].startswith(f"backlog: {size}")
    (made,) = [line for line in program("plan", BACKLOG=word).lines if line["event"] == "plan.made"]
    assert made["backlog"].startswith(size)
    assert len(writes(world)) == before
    assert program("run", BACKLOG=word).exit_code == 0
    assert told_of_backlog(program, BACKLOG=word) == []


def test_a_backlog_that_halo_does_not_count_is_unproven(program: Program, world: World) -> None:
    for _ in range(1_000):
        world.halo.estate.open_issue(type="csm")
    world.halo.quirks.count_max = 1_000
    (line,) = told_of_backlog(program)
    assert line["event"] == "check.unproven"


def told_of_backlog(program: Program, **over: str) -> list[Mapping[str, Any]]:
    return [line for line in program("check", **over).lines if line.get("subject") == "backlog"]


def test_memory_tells_who_holds_the_lease_and_what_is_parked(
    program: Program, world: World
) -> None:
    make_tickets(program, world)
    spoken = program("check")
    (line,) = [line for line in spoken.lines if line["subject"] == "what memory holds"]
    assert "6 open links, 0 parked issues, 0 writes of unknown fate" in line["message"]
    assert "the last run ended" in line["message"]
