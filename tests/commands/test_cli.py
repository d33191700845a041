"""The commands: what they say, what they return, what they leave behind."""

import json
import os
import pty
import re
import signal
import subprocess
from pathlib import Path

import pytest

from job.sim.server import REAL_LATENCY
from job.sim.world import World
from tests.kit.program import PYTHON, Program, Spoken

HEAD = {"severity", "message", "time", "event"}


def says_only_json(spoken: Spoken) -> bool:
    return not spoken.stderr and all(line.keys() >= HEAD for line in spoken.lines)


def test_bad_settings_of_a_real_process_are_one_json_line_that_lists_every_problem(
    bare: Program, tmp_path: Path
) -> None:
    process = bare.start("run", HOME=str(tmp_path), NO_SVA="perhaps")
    stdout, stderr = process.communicate(timeout=30)
    line = json.loads(stdout)
    assert (process.returncode, stderr) == (2, "")
    assert (line["severity"], line["event"]) == ("ERROR", "settings.refused")
    assert {problem["variable"] for problem in line["problems"]} >= {
        "NO_SVA",
        "HALO_API_KEY",
        "JIRA_API_URL",
    }
    assert "Traceback" not in stdout
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "args",
    [
        ["plna"],
        ["run", "--since"],
        ["run", "--since", "soon"],
        ["--since", "2999-01-01"],
        ["--since", "0001-01-01"],
        ["plan", "--since", "0001-01-01T00:00+14:00"],
        ["--since", "9999-12-31T23:59-14:00"],
    ],
)
def test_a_bad_command_line_is_one_json_line_and_exit_code_2(
    bare: Program, args: list[str]
) -> None:
    spoken = bare(*args)
    [line] = spoken.lines
    assert (spoken.exit_code, spoken.stderr, line["event"]) == (2, "", "command.refused")


def test_a_run_without_a_command_does_the_work_and_a_second_one_finds_nothing_to_do(
    program: Program, world: World
) -> None:
    first, second = program(), program("run")
    assert (first.exit_code, second.exit_code) == (0, 0)
    assert says_only_json(first)
    assert says_only_json(second)
    assert first.only("run.finished")["created"] == 7
    assert second.only("plan.made")["actions"] == {}
    assert len(world.jira.people.tickets()) == 7


def test_a_plan_names_every_action_with_its_reason_and_writes_nothing(
    program: Program, world: World
) -> None:
    spoken = program("plan", "--since", "2d")
    actions = [line for line in spoken.lines if line["event"] == "action.planned"]
    assert spoken.exit_code == 0
    assert says_only_json(spoken)
    assert [line["action"] for line in actions] == ["create"] * 6 + ["create-and-close"]
    assert all(line["reason"] and line["message"].endswith(".") for line in actions)
    assert world.jira.people.tickets() == []
    assert program("plan").only("plan.made")["actions"] == spoken.only("plan.made")["actions"]


def test_a_plan_is_written_into_a_file_as_well_and_may_be_expected_to_be_empty(
    program: Program, world: World, tmp_path: Path
) -> None:
    file = tmp_path / "plan.jsonl"
    spoken = program("plan", "--expect-nothing", "--out", str(file))
    assert spoken.exit_code == 4
    assert spoken.only("plan.unexpected")["severity"] == "ERROR"
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    said = [line for line in spoken.lines if line["event"] == "action.planned"]
    assert [line["issue_id"] for line in lines] == [line["issue_id"] for line in said]
    assert all(line["host"] and line["summary"] and line["severity_of_issue"] for line in lines)
    assert program("plan", "--out", str(tmp_path / "no" / "where")).exit_code == 2
    assert program("plan", "--held", "--expect-nothing").exit_code == 2
    assert world.jira.people.tickets() == []
    assert program("run").exit_code == 0
    assert program("plan", "--expect-nothing", "--out", str(file)).exit_code == 0
    assert file.read_text() == ""


def test_what_is_over_a_limit_is_not_written_until_its_digest_is_approved(
    program: Program, world: World
) -> None:
    planned = program("plan", MAX_CREATE="3")
    refused = program("run", MAX_CREATE="3")
    assert planned.only("plan.refused")["digest"] == refused.only("plan.refused")["digest"]
    line = refused.only("plan.refused")
    assert refused.exit_code == 4
    assert "MAX_CREATE allows 3" in line["message"]
    assert f"run --approve {line['digest']}" in line["next"]
    assert world.jira.people.tickets() == []
    mistyped = program("run", "--approve", "0123456789abcdef", MAX_CREATE="3")
    assert mistyped.exit_code == 4
    assert "mistyped" in mistyped.only("plan.refused")["message"]
    held = program("plan", "--held")
    assert held.exit_code == 0
    assert f"run --approve {line['digest']}" in held.only("held.told")["message"]
    rows = [said for said in held.lines if said["event"] == "table.row"]
    assert {row["cells"]["state"] for row in rows} == {"held"}
    assert len(rows) == 7
    assert program("run", "--approve", line["digest"], MAX_CREATE="3").exit_code == 0
    assert len(world.jira.people.tickets()) == 7


def test_refused_credentials_stop_the_run_before_the_first_write_and_are_not_shown(
    program: Program, world: World
) -> None:
    for planted in (
        {"JIRA_API_TOKEN": "planted-jira-token"},
        {"HALO_API_SECRET_KEY": "planted-halo-secret"},
    ):
        spoken = program("run", LOG_LEVEL="debug", **planted)
        assert spoken.exit_code == 3
        assert says_only_json(spoken)
        assert spoken.only("run.stopped")["error_class"] == "RemoteRefused"
        assert "planted" not in spoken.stdout
    assert world.jira.people.tickets() == []


def test_a_remote_that_is_not_there_is_exit_code_3_without_a_traceback(program: Program) -> None:
    spoken = program("run", STATE_URL="sqlite:////proc/nowhere/state.db")
    assert spoken.exit_code == 3
    assert says_only_json(spoken)
    assert "Traceback" not in spoken.stdout


def test_a_misspelled_variable_is_warned_of(program: Program) -> None:
    line = program("plan", ISSUE_SINC_MAX="1").only("settings.unknown_variable")
    assert (line["severity"], line["variable"], line["meant"]) == (
        "WARNING",
        "ISSUE_SINC_MAX",
        "ISSUE_SYNC_MAX",
    )


def test_the_level_decides_what_is_said(program: Program) -> None:
    assert program("run", LOG_LEVEL="warning").stdout == ""


@pytest.mark.xdist_group("real_time")
@pytest.mark.parametrize("urls", [REAL_LATENCY], indirect=True, ids=["real latency"])
def test_sigterm_ends_a_run_in_good_order(program: Program, world: World) -> None:
    """Whoever still looks stops at once, records it and gives the lease back; the next run does
    all that is left.
    """
    process = program.start("run")
    assert process.stdout
    begun = process.stdout.readline()
    process.send_signal(signal.SIGTERM)
    stdout, stderr = process.communicate(timeout=30)
    spoken = Spoken(process.returncode, begun + stdout, stderr)
    assert spoken.exit_code == 3
    assert says_only_json(spoken)
    assert spoken.only("run.asked_to_stop")["signal"] == "SIGTERM"
    assert "while it still looked" in spoken.only("run.stopping")["error"]
    assert (spoken.only("run.finished")["verdict"], spoken.only("run.finished")["created"]) == (
        "stopped",
        0,
    )
    assert world.jira.people.tickets() == []
    assert program("run").only("run.finished")["created"] == 7


@pytest.mark.xdist_group("real_time")
@pytest.mark.parametrize("urls", [REAL_LATENCY], indirect=True, ids=["real latency"])
def test_a_plan_is_interrupted_at_once(program: Program) -> None:
    process = program.start("plan", LOG_LEVEL="debug", ISSUE_SINC_MAX="1")
    assert process.stdout
    process.stdout.readline()  # the misspelled variable: the program is awake
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(timeout=0.15)
    process.send_signal(signal.SIGTERM)
    stdout, stderr = process.communicate(timeout=30)
    assert (process.returncode, stderr) == (130, "")
    assert json.loads(stdout.splitlines()[-1])["event"] == "run.interrupted"


def test_a_terminal_sees_tables_and_sentences_instead_of_json(program: Program) -> None:
    ours, theirs = pty.openpty()
    environ = {"PATH": os.environ["PATH"], **program.environ, "TERM": "xterm", "COLUMNS": "120"}
    process = subprocess.Popen(
        [*PYTHON, "-m", "job", "run"], env=environ, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    shown = b""
    while chunk := _read(ours):
        shown += chunk
    os.close(ours)
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown.decode())
    assert process.wait(timeout=30) == 0
    assert "The plan" in text
    assert "New in Halo." in text
    assert "7/7" in text
    assert f"{program.environ['JIRA_API_URL']}/browse/SEC-1" in text
    assert "Calls spent" in text
    assert '{"' not in text


def _read(terminal: int) -> bytes:
    """What the terminal shows next; nothing when the other side is closed, which Linux tells as
    an error.
    """
    try:
        return os.read(terminal, 4096)
    except OSError:
        return b""


def test_the_demo_plays_three_acts_and_shows_plans_tickets_and_calls() -> None:
    shown = subprocess.run(
        [*PYTHON, "-m", "job", "demo"], capture_output=True, text=True, timeout=60, check=True
    )
    assert shown.stderr == ""
    assert [
        shown.stdout.count(words) for words in ("Act ", "The plan", "Jira's tickets", "Calls spent")
    ] == [
        3,
        3,
        3,
        3,
    ]
    assert all(
        words in shown.stdout
        for words in ("create-and-close", "reopen", "comment", "Closed", "OPS-1", "7/7")
    )


def test_the_demo_ends_with_a_ticket_and_a_comment_in_full_and_what_to_do_next() -> None:
    shown = subprocess.run(
        [*PYTHON, "-m", "job", "demo"], capture_output=True, text=True, timeout=60, check=True
    )
    end = shown.stdout[shown.stdout.index("SEC-3, as a reader sees it") :]
    parts = ("How to fix", "sudo yum update sudo", "The last of 2 comments on SEC-3", "Reopened.")
    places = [end.index(words) for words in (*parts, "What to do next", "render FILE", "check")]
    assert places == sorted(places)


def test_what_is_heavy_is_imported_only_by_those_who_need_it() -> None:
    """A run's first request leaves as soon as it can; gRPC or Firestore would take as long again
    as all else.
    """
    code = "import sys, job.cli; print(*sys.modules)"
    shown = subprocess.run(
        [*PYTHON, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    heavy = {
        "grpc",
        "google.cloud.firestore",
        "rich.progress",
        "job.settings.secrets",
        "job.console.screen",
        "job.sim",
    }
    assert not heavy & set(shown.stdout.split())


def test_help_names_every_command() -> None:
    shown = subprocess.run(
        [*PYTHON, "-m", "job", "--help"], capture_output=True, text=True, timeout=60, check=True
    )
    assert all(f"\n  {command} " in shown.stdout for command in ("run", "plan", "check", "demo"))


# --- Routes ---------------------------------------------------------------------------------------

RULES = """
routes:
  - {name: packages, when: {type: sva}, to: {project: PAY}}
  - {name: noise, when: {type: lids}, skip: Handled elsewhere.}
tests:
  - {issue: {type: sva}, goes_to: packages}
  - {issue: {type: lids}, goes_to: skip}
"""


def test_routes_are_tested_without_any_account(bare: Program, tmp_path: Path) -> None:
    file = tmp_path / "routes.yaml"
    file.write_text(RULES)
    by_path, by_file, by_text = (
        bare("routes", "test", str(file)),
        bare("routes", "test", ROUTES_FILE=str(file)),
        bare("routes", "test", ROUTES=RULES),
    )
    for spoken in (by_path, by_file, by_text):
        assert spoken.exit_code == 0
        assert says_only_json(spoken)
        assert [
            line["cells"]["goes to"] for line in spoken.lines if line.get("table") == "Tests"
        ] == [
            "packages",
            "skip",
        ]


def test_a_test_of_a_route_that_does_not_hold_ends_with_2_and_names_its_line(
    bare: Program,
) -> None:
    spoken = bare("routes", "test", ROUTES=RULES.replace("goes_to: packages", "goes_to: default"))
    assert spoken.exit_code == 2
    (problem,) = spoken.only("settings.refused")["problems"]
    assert problem["variable"] == "ROUTES"
    assert 'line 5: type: sva goes to "packages", and not to "default".' in problem["wrong"]


OLDER = """filters: {issue: {type: sva}}
groupby: [csp_resource_id]
jira_config: {project_keys: [PAY]}
"""


def test_rules_of_version_3_become_a_file_of_routes_without_any_account(
    bare: Program, tmp_path: Path
) -> None:
    (tmp_path / "packages.yaml").write_text(OLDER)
    (tmp_path / "readme.md").write_text("no rule")
    out = tmp_path / "routes.txt"
    spoken = bare("takeover", "routes", str(tmp_path), "--out", str(out))
    assert (spoken.exit_code, says_only_json(spoken)) == (0, True)
    assert spoken.only("takeover.routed")["routes"] == 1
    assert "# - packages.yaml, line 2: groupby is not carried" in out.read_text()
    assert [line["cells"]["line"] for line in spoken.lines if "cells" in line] == ["2"]
    assert bare("routes", "test", str(out)).exit_code == 0


def test_routes_are_never_written_over_a_file_that_is_there(bare: Program, tmp_path: Path) -> None:
    (tmp_path / "packages.yaml").write_text(OLDER)
    out = tmp_path / "routes.txt"
    out.write_text("mine")
    assert bare("takeover", "routes", str(tmp_path), "--out", str(out)).exit_code == 2
    assert out.read_text() == "mine"


def test_a_folder_without_rules_makes_no_routes(bare: Program, tmp_path: Path) -> None:
    out = tmp_path / "routes.txt"
    assert bare("takeover", "routes", str(tmp_path), "--out", str(out)).exit_code == 2
    assert not out.exists()


def test_routes_that_are_nowhere_are_not_tested(bare: Program, tmp_path: Path) -> None:
    assert bare("routes", "test").exit_code == 2
    assert bare("routes", "test", str(tmp_path / "gone.yaml")).exit_code == 2


def test_routes_in_two_places_are_refused(program: Program, tmp_path: Path) -> None:
    file = tmp_path / "routes.yaml"
    file.write_text(RULES)
    spoken = program("plan", ROUTES=RULES, ROUTES_FILE=str(file))
    assert spoken.exit_code == 2
    assert "ROUTES is set as well" in spoken.stdout


def test_a_plan_shows_where_everything_goes(program: Program, world: World) -> None:
    spoken = program("plan", ROUTES=RULES.replace("PAY", "OPS"))
    made = spoken.only("plan.made")
    assert set(made["routes"]) == {"default", "packages"}
    planned = [line for line in spoken.lines if line["event"] == "action.planned"]
    assert {(line["destination"], line["project"]) for line in planned} == {
        ("default", "SEC"),
        ("packages", "OPS"),
    }


def test_check_proves_every_destination(program: Program) -> None:
    assert program("check", ROUTES=RULES.replace("PAY", "OPS")).exit_code == 0
    spoken = program("check", ROUTES=RULES)
    assert spoken.exit_code == 2
    assert "packages" in spoken.stdout


def test_old_names_are_told_beside_what_is_missing(bare: Program) -> None:
    spoken = bare("run", EXCLUDE_SVA="true", AWS_SSM_TIMESTAMP_PARAM="/halo/last")
    assert spoken.exit_code == 2
    told = [line for line in spoken.lines if line["event"] == "settings.unknown_variable"]
    meant = {line["variable"]: line["meant"] for line in told}
    assert meant.keys() == {"EXCLUDE_SVA", "AWS_SSM_TIMESTAMP_PARAM"}
    assert meant["EXCLUDE_SVA"] == "NO_SVA"
    assert "run --since" in meant["AWS_SSM_TIMESTAMP_PARAM"]
