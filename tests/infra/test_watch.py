"""What the alerts make of runs: lines that the program wrote, counted as Cloud Logging counts them,
and asked by the alerts' own conditions.

Promises: the conditions and the metrics are those that Terraform plans, and Prometheus' own
promtool evaluates them. Lines of what seldom happens are real ones with other figures in them.
Does not do: how Cloud Monitoring differs from Prometheus, of which nothing is known here.
"""

import json
import re
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from job.events import Event
from job.sim.story import Story, settings
from job.sim.world import World
from tests.infra.places import copied
from tests.infra.terraform import Terraform, TestReport, providers
from tests.infra.tools import machine_program, promtool
from tests.kit.loopback import served
from tests.kit.program import PYTHON

pytestmark = pytest.mark.infra

Line = Mapping[str, Any]


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> TestReport:
    """What Terraform plans for the watch alone."""
    machine_program("terraform")
    ready = Terraform(providers()[-1], tmp_path_factory.mktemp("watch"), copied(tmp_path_factory))
    ready.init()
    return ready.test(only="watch")


@pytest.fixture(scope="module")
def kinds(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Line]]:
    """What the program says in each kind of run: commands in processes of their own."""
    world = World.make(seed=1)
    Story(world).play(1)
    place = tmp_path_factory.mktemp("memory")
    with served(world) as urls:
        good = {**settings(world, urls=urls), "STATE_URL": f"sqlite:///{place / 'state.db'}"}

        def said(*words: str, **changed: str) -> list[Line]:
            command = [*PYTHON, "-m", "job", *words]
            done = subprocess.run(
                command, env={**good, **changed}, check=False, capture_output=True, text=True
            )
            return [json.loads(line) for line in done.stdout.splitlines()]

        told = {
            "check": said("check", JIRA_API_TOKEN="not-the-right-token"),
            "plan": said("plan"),
            "credentials": said("run", JIRA_API_TOKEN="not-the-right-token"),
            "settings": said("run", MAX_CREATE="many"),
            "memory": said("run", STATE_URL="sqlite:////proc/nowhere/state.db"),
            "refused": said("run", MAX_CREATE="3"),
            "done": said("run"),
            "quiet": said("run"),
            "plan by hand that fails": said("plan", JIRA_API_TOKEN="not-the-right-token"),
        }
    *before, finished = told["quiet"]
    assert finished["event"] == "run.finished"
    figured: dict[str, dict[str, Any]] = {
        "failures": {"exit_code": 5, "verdict": "failures", "failed": 2},
        "many parked": {"exit_code": 5, "parked_total": 30},
        "late": {"lag_s": 5000},
        "long": {"duration_s": 800},
    }
    for name, figures in figured.items():
        told[name] = [*before, {**finished, **figures}]
    for event in SELDOM:
        told[event] = [{**before[0], "event": str(event)}, *told["quiet"]]
    return told


SELDOM = (
    Event.TICKET_DUPLICATE_SEEN,
    Event.CIRCUIT_OPENED,
    Event.WRITE_UNKNOWN,
    Event.TICKET_UNCONFIRMED,
    Event.RUN_UNRECORDED,
    Event.ISSUE_PARK_EXPIRED,
)


@dataclass(frozen=True)
class Day:
    """Runs by minute and task, and which alerts hold at the end."""

    runs: dict[int, str]
    at: int
    alarms: set[str] = field(default_factory=set)
    more: dict[int, str] = field(default_factory=dict)
    """Of a second task."""


def every(minutes: int, kind: str, *, until: int = 120) -> dict[int, str]:
    return dict.fromkeys(range(minutes, until, minutes), kind)


FINE = every(15, "quiet")
STORIES = {
    "all goes well": Day(FINE, at=120),
    "tickets are made": Day({**FINE, 105: "done"}, at=120),
    "the first day, before any run": Day({}, at=50),
    "nothing ever ran": Day({}, at=62, alarms={"silence"}),
    "the clock stopped": Day(every(15, "quiet", until=31), at=95, alarms={"silence"}),
    "one run failed": Day({**FINE, 105: "credentials"}, at=106),
    "two failed, a good one between": Day({**FINE, 90: "credentials", 105: "credentials"}, at=106),
    "no run is good any more": Day(
        {**every(15, "quiet", until=61), **dict.fromkeys((75, 90, 105), "credentials")},
        at=112,
        alarms={"failed-run"},
    ),
    "settings are wrong from the start": Day(every(15, "settings"), at=50, alarms={"failed-run"}),
    "memory cannot be opened": Day(
        {**every(15, "quiet", until=61), **dict.fromkeys((75, 90, 105), "memory")},
        at=112,
        alarms={"failed-run"},
    ),
    "somebody's checks fail by hand": Day(
        {**FINE, 106: "check", 107: "check", 108: "plan by hand that fails"}, at=110
    ),
    "only checks and plans, no run": Day(
        dict.fromkeys(range(10, 60, 10), "plan"), at=62, alarms={"silence"}
    ),
    "a plan is refused again and again": Day(every(15, "refused"), at=110),
    "single actions fail": Day({**FINE, 90: "failures", 105: "failures"}, at=112),
    "many issues are parked": Day(
        {**FINE, 90: "many parked", 105: "many parked"}, at=115, alarms={"parked"}
    ),
    "many are parked in one of two tasks": Day(
        FINE, more={**FINE, 90: "many parked", 105: "many parked"}, at=115, alarms={"parked"}
    ),
    "tickets lag": Day({**FINE, 90: "late", 105: "late"}, at=115, alarms={"lag"}),
    "runs take long": Day({**FINE, 90: "long", 105: "long"}, at=115, alarms={"near-timeout"}),
    "one of two tasks fails": Day(
        FINE,
        more={**every(15, "quiet", until=61), **dict.fromkeys((75, 90, 105), "credentials")},
        at=112,
        alarms={"failed-run"},
    ),
    "a duplicate": Day({**FINE, 105: "ticket.duplicate_seen"}, at=110, alarms={"duplicates"}),
    "a circuit": Day({**FINE, 105: "circuit.opened"}, at=110, alarms={"circuit"}),
    "one write of unknown fate": Day({**FINE, 105: "write.unknown"}, at=110),
    "writes of unknown fate": Day(
        {**FINE, 90: "write.unknown", 105: "write.unknown"}, at=110, alarms={"unknown-write"}
    ),
    "a ticket that is not shown": Day(
        {**FINE, 105: "ticket.unconfirmed"}, at=110, alarms={"unconfirmed"}
    ),
    "a record that was not written": Day(
        {**FINE, 105: "run.unrecorded"}, at=110, alarms={"unrecorded"}
    ),
    "parked for a week": Day({**FINE, 105: "issue.park_expired"}, at=110, alarms={"parked-long"}),
    "long ago": Day({**FINE, 15: "circuit.opened", 30: "late"}, at=115),
}


@dataclass(frozen=True)
class Metrics:
    """What Cloud Logging counts, by the definitions that Terraform plans."""

    filters: dict[str, set[str]]
    labels: dict[str, dict[str, str]]
    values: dict[str, str]

    @staticmethod
    def of(report: TestReport) -> "Metrics":
        found: dict[str, Mapping[str, Any]] = {
            values["name"]: values
            for _, kind, values in report.resources()
            if kind == "google_logging_metric"
        }
        events = {
            name: values["filter"].partition("jsonPayload.event=")[2]
            for name, values in found.items()
        }
        extracted = {
            name: re.findall(r"EXTRACT\(jsonPayload\.(\w+)\)", values["value_extractor"] or "")
            for name, values in found.items()
        }
        return Metrics(
            filters={name: set(re.findall(r'"([a-z_.]+)"', text)) for name, text in events.items()},
            labels={name: dict(values["label_extractors"]) for name, values in found.items()},
            values={name: figures[0] for name, figures in extracted.items() if figures},
        )

    def points(self, line: Line, *, task: str) -> Iterator[tuple[str, float]]:
        """The series that one line adds to, and how much."""
        for name, events in self.filters.items():
            if line["event"] not in events:
                continue
            labels = {"monitored_resource": "cloud_run_job"}
            for label, taken in self.labels[name].items():
                wanted = re.findall(r"jsonPayload\.(\w+)", taken)
                labels[label] = str(line.get(wanted[0], "")) if wanted else task
            written = ",".join(f'{label}="{text}"' for label, text in sorted(labels.items()))
            series = f"logging_googleapis_com:user_{name}"
            if name not in self.values:
                yield f"{series}{{{written}}}", 1
            elif isinstance(value := line.get(self.values[name]), int | float):
                yield f"{series}_sum{{{written}}}", value
                yield f"{series}_count{{{written}}}", 1


def series_of(story: Day, metrics: Metrics, kinds: Mapping[str, list[Line]]) -> list[Any]:
    """Every series of a story, minute by minute, from nothing on."""
    minutes: dict[str, list[float]] = {}
    for task, runs in (("0", story.runs), ("1", story.more)):
        for minute, kind in runs.items():
            for line in kinds[kind] if minute <= story.at else ():
                for series, more in metrics.points(line, task=task):
                    values = minutes.setdefault(series, [0.0] * (story.at + 2))
                    values[minute:] = [value + more for value in values[minute:]]
    return [
        {"series": series, "values": " ".join(f"{value:g}" for value in values)}
        for series, values in minutes.items()
    ]


@pytest.fixture(scope="module")
def verdicts(
    watched: TestReport, kinds: dict[str, list[Line]], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, set[str]]:
    """The alerts that hold at the end of each story, by promtool."""
    asks = promtool()
    plain = watched.of_run("watch")
    metrics = Metrics.of(plain)
    queries = {
        re.findall(r'alert\["([\w-]+)"\]', address)[0]: values["conditions"][0][
            "condition_prometheus_query_language"
        ][0]["query"]
        for address, kind, values in plain.resources()
        if kind == "google_monitoring_alert_policy" and 'alert["' in address
    }
    place = tmp_path_factory.mktemp("promtool")
    (place / "rules.json").write_text('{"groups": []}')
    held: dict[str, set[str]] = {}
    for number, (name, story) in enumerate(STORIES.items()):
        asked = {
            alert: re.sub(r"time\(\)\) > \d+", "time()) > 3600", query)
            for alert, query in queries.items()
        }
        test = {
            "interval": "1m",
            "input_series": series_of(story, metrics, kinds),
            # Each expects that nothing holds; promtool names those that do.
            "promql_expr_test": [
                {"expr": f"count({query})", "eval_time": f"{story.at}m", "exp_samples": []}
                for query in asked.values()
            ],
        }
        path = place / f"{number}.json"
        path.write_text(
            json.dumps({"rule_files": ["rules.json"], "evaluation_interval": "1m", "tests": [test]})
        )
        done = subprocess.run(
            [asks, "test", "rules", str(path)], check=False, capture_output=True, text=True
        )
        assert "parse error" not in done.stdout + done.stderr, done.stdout + done.stderr
        said = done.stdout + done.stderr
        held[name] = {
            alert for alert, query in asked.items() if f'expr: "count({query})"' in unquoted(said)
        }
    return held


def unquoted(text: str) -> str:
    """What promtool says, with expressions as they were asked."""
    return text.replace('\\"', '"').replace("\\\\", "\\")


@pytest.mark.parametrize("name", STORIES)
def test_the_alerts_that_hold_are_those_that_somebody_has_to_look_at(
    name: str, verdicts: dict[str, set[str]]
) -> None:
    assert verdicts[name] == STORIES[name].alarms


def test_every_alert_on_runs_holds_in_some_story(verdicts: dict[str, set[str]]) -> None:
    rest = {"secret-due"}
    assert set.union(*verdicts.values()) | rest >= {
        *("failed-run", "silence", "parked", "parked-long", "lag", "duplicates", "circuit"),
        *("unknown-write", "unconfirmed", "unrecorded", "near-timeout"),
    }


def test_each_line_says_of_which_command_it_is(kinds: dict[str, list[Line]]) -> None:
    assert {line["command"] for line in kinds["plan"]} == {"plan"}
    assert {line["command"] for line in kinds["quiet"]} == {"run"}


def test_promtool_would_see_a_condition_that_holds(tmp_path: Path) -> None:
    (tmp_path / "rules.json").write_text('{"groups": []}')
    (tmp_path / "t.json").write_text(
        json.dumps(
            {
                "rule_files": ["rules.json"],
                "tests": [
                    {
                        "interval": "1m",
                        "input_series": [{"series": "a", "values": "1 1"}],
                        "promql_expr_test": [
                            {"expr": "count(a > 0)", "eval_time": "1m", "exp_samples": []}
                        ],
                    }
                ],
            }
        )
    )
    done = subprocess.run(
        [promtool(), "test", "rules", str(tmp_path / "t.json")], check=False, capture_output=True
    )
    assert done.returncode == 1
