"""Each error as a person should read it, and the exit code that it means.

Promises: every error says what we were doing, what happened, the facts, and what to do next; exit
codes are 0 done or nothing to do, 1 a bug, 2 settings, 3 a remote is down or refuses us, 4 plan
refused, 5 finished with failures.
Does not do: saying any of it (`screen.py`, `lines.py`).
"""

import asyncio
from functools import singledispatch

import click

from job.console.protocol import Explanation
from job.each import leading
from job.errors import BadSettings, FateUnknown, IssueFailed, LeaseHeld, StopsRun, UnsafePlan
from job.events import Event

PROGRAM = "halo-jira-sync"


@singledispatch
def explain(error: BaseException) -> Explanation:
    """What we were doing, what happened, the facts, what to do next, and the exit code."""
    remedy = "This is a bug: please report it with the stack trace. "
    return Explanation(
        event=Event.RUN_CRASHED,
        exit_code=1,
        doing="running",
        happened=f"{_kind(error)}: {error}",
        next=f"{remedy}The next run goes on where this one ended.",
        facts={},
    )


@explain.register
def _(error: BaseExceptionGroup) -> Explanation:
    return explain(leading(error))


@explain.register
def _(error: BadSettings) -> Explanation:
    return Explanation(
        event=Event.SETTINGS_REFUSED,
        exit_code=2,
        doing="checking the settings",
        happened=str(error),
        next="Put right what is listed and start it again. Nothing was written to Jira.",
        facts={"problems": [vars(problem) for problem in error.problems]},
    )


@explain.register
def _(error: click.ClickException) -> Explanation:
    return Explanation(
        event=Event.COMMAND_REFUSED,
        exit_code=2,
        doing="reading the command line",
        happened=error.format_message(),
        next=f"See {PROGRAM} --help.",
        facts={},
    )


@explain.register
def _(error: StopsRun) -> Explanation:
    patience = "Nothing, if the next run goes well. What was done is recorded and stays done."
    return Explanation(
        event=Event.RUN_STOPPED,
        exit_code=3,
        doing=error.doing,
        happened=f"{error.remote}: {error.happened}",
        next=error.advice or patience,
        facts={"error_class": _kind(error), "remote": error.remote},
    )


@explain.register
def _(error: UnsafePlan) -> Explanation:
    approve = f"`{PROGRAM} run --approve {error.digest}`"
    return Explanation(
        event=Event.PLAN_REFUSED,
        exit_code=4,
        doing="comparing the plan with its limits",
        happened=f"{error} Nothing of that is written until somebody approves it; it holds back "
        "nothing else.",
        next=f"See `{PROGRAM} plan --held`; if it is right, {approve}.",
        facts=dict(vars(error)),
    )


@explain.register
def _(error: LeaseHeld) -> Explanation:
    return Explanation(
        event=Event.LEASE_HELD,
        exit_code=0,
        doing="taking the lease",
        happened=str(error),
        next="Nothing: that run does the work.",
        facts=dict(vars(error)),
    )


@explain.register
def _(error: IssueFailed | FateUnknown) -> Explanation:
    return Explanation(
        event=Event.RUN_FAILED,
        exit_code=5,
        doing="working on one issue",
        happened=str(error),
        next="Nothing, if the next run goes well.",
        facts={"error_class": _kind(error)},
    )


@explain.register
def _(_: click.Abort | asyncio.CancelledError | KeyboardInterrupt) -> Explanation:
    return Explanation(
        event=Event.RUN_INTERRUPTED,
        exit_code=130,
        doing="running",
        happened="It was interrupted.",
        next="Nothing: the next run goes on from there.",
        facts={},
    )


def _kind(error: BaseException) -> str:
    return type(error).__name__
