"""What each error is called, what it costs, and what `--since` means."""

import asyncio
import json
import subprocess
from datetime import UTC, datetime

import click
import pytest

from job.commands.context import CommandContext
from job.commands.run import look_back
from job.console.words import explain
from job.errors import (
    BadSettings,
    FateUnknown,
    LeaseHeld,
    LeaseLost,
    MalformedAnswer,
    NoTransition,
    Problem,
    RemoteDown,
    RemoteRefused,
    StateUnreadable,
    TicketRejected,
    UnsafePlan,
    UnusableValue,
)
from tests.cli.conftest import PYTHON

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
STOPS = [
    kind("jira", "reading", "It broke.")
    for kind in (RemoteRefused, RemoteDown, MalformedAnswer, StateUnreadable)
]


@pytest.mark.parametrize(
    ("error", "exit_code", "event"),
    [
        (LeaseHeld("0-of-1", "other-run", NOW), 0, "lease.held"),
        (KeyError("a bug"), 1, "run.crashed"),
        (BadSettings([Problem("NO_SVA", "It is odd.", "true")]), 2, "settings.refused"),
        (click.UsageError("No such thing."), 2, "command.refused"),
        *((stop, 3, "run.stopped") for stop in STOPS),
        (LeaseLost("store", "renewing", "Another has it."), 3, "run.stopped"),
        (UnsafePlan("0123456789abcdef", ["MAX_CREATE allows 3."]), 4, "plan.refused"),
        (TicketRejected("Jira said no.", 400, {"summary": "too long"}), 5, "run.failed"),
        (NoTransition("No way there."), 5, "run.failed"),
        (UnusableValue("Not a number."), 5, "run.failed"),
        (FateUnknown("jira", "creating", "No answer."), 5, "run.failed"),
        (KeyboardInterrupt(), 130, "run.interrupted"),
        (asyncio.CancelledError(), 130, "run.interrupted"),
        (
            ExceptionGroup("two", [RemoteDown("halo", "listing", "Gone."), KeyError("a bug")]),
            1,
            "run.crashed",
        ),
        (ExceptionGroup("one", [RemoteDown("halo", "listing", "Gone.")]), 3, "run.stopped"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else "",
)
def test_each_error_has_an_exit_code_a_name_and_a_next_step(
    error: BaseException, exit_code: int, event: str
) -> None:
    words = explain(error)
    assert (words.exit_code, words.event) == (exit_code, event)
    assert words.doing
    assert words.happened
    assert words.next.endswith(".")


def test_a_refused_plan_says_how_to_approve_exactly_it() -> None:
    assert (
        "run --approve 0123456789abcdef"
        in explain(UnsafePlan("0123456789abcdef", ["Too many."])).next
    )


@pytest.mark.usefixtures("quiet_again")
def test_a_bug_is_logged_with_its_stack_and_without_a_secret(
    capsys: pytest.CaptureFixture[str],
) -> None:
    context = CommandContext({"JIRA_API_TOKEN": "planted-token"}, terminal=False)
    with pytest.raises(KeyError) as caught:
        {"a": 1}.pop("planted-token")
    assert context.explain(caught.value) == 1
    said = capsys.readouterr().out
    line = json.loads(said)
    assert line["event"] == "run.crashed"
    assert "test_words.py" in line["stack_trace"]
    assert "planted" not in said


@pytest.mark.usefixtures("quiet_again")
def test_an_expected_error_is_sentences_on_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    CommandContext({}, terminal=True).explain(
        RemoteDown("halo", "listing issues", "answered 503", "Wait.")
    )
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == "run.stopped: halo: answered 503\n  while listing issues\n  next: Wait.\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, None),
        ("all", "all"),
        ("90", datetime(2026, 11, 23, 10, 30, tzinfo=UTC)),
        ("12h", datetime(2026, 11, 23, tzinfo=UTC)),
        ("7d", datetime(2026, 11, 16, 12, tzinfo=UTC)),
        ("2026-11-01", datetime(2026, 11, 1, tzinfo=UTC)),
        ("2026-11-01T10:00+02:00", datetime(2026, 11, 1, 8, tzinfo=UTC)),
    ],
)
def test_since_takes_a_time_a_length_of_time_or_all(text: str | None, expected: object) -> None:
    assert look_back(text, now=NOW) == expected


@pytest.mark.parametrize("text", ["soon", "2026-13-01", "2027-01-01", ""])
def test_since_refuses_what_is_no_time_or_not_yet(text: str) -> None:
    with pytest.raises(click.BadParameter):
        look_back(text, now=NOW)


def test_help_names_every_command() -> None:
    shown = subprocess.run(
        [*PYTHON, "-m", "job", "--help"], capture_output=True, text=True, timeout=60, check=True
    )
    assert all(f"\n  {command} " in shown.stdout for command in ("run", "plan", "check", "demo"))
