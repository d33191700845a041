"""What each error is called and what it costs."""

import asyncio
from datetime import UTC, datetime

import click
import pytest

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
