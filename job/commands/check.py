"""Rehearses a run without writing anything: whatever a run would need is proven, or named as wrong.

Promises: every proof is tried, whatever came of the others, and all of it is done within seconds;
nothing is written to Halo, to Jira or to our memory; the exit code is that of the first proof that
does not hold, and a doubt is none.
Does not do: any proof (`commands/checks/`).
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import assert_never

from msgspec import Struct

from job.commands.checks import (
    backlog,
    halo,
    memory,
    permissions,
    screens,
    searching,
    signing,
    statuses,
)
from job.commands.checks.finding import Finding, Verdict, of_error, unproven
from job.commands.context import REHEARSAL, CommandContext
from job.each import each
from job.errors import StopsRun, SyncError
from job.events import Event
from job.wiring import Rehearsal


class Check(Struct, frozen=True, kw_only=True):
    """One proof: what it is about, and which settings are to blame where no word names one."""

    about: str
    look: Callable[[Rehearsal], Awaitable[list[Finding]]]
    blamed: tuple[str, ...]
    lets_in: str = ""
    """The remote that this proof shows to be there and to know us."""


CHECKS = (
    Check(about=memory.SECRETS, look=memory.look_at_secrets, blamed=()),
    Check(about=halo.KEY, look=halo.look, blamed=("HALO_API_KEY",), lets_in="halo"),
    Check(about=signing.ABOUT, look=signing.look, blamed=("JIRA_API_TOKEN",), lets_in="jira"),
    Check(about="permissions", look=permissions.look, blamed=("JIRA_PROJECT_KEY",)),
    Check(about="type and fields", look=screens.look, blamed=("JIRA_ISSUE_TYPE",)),
    Check(about="statuses and ways", look=statuses.look, blamed=("ISSUE_STATUS_CLOSED",)),
    Check(about=searching.ABOUT, look=searching.look, blamed=("JIRA_ISSUE_ID_FIELD",)),
    Check(about=backlog.ABOUT, look=backlog.look, blamed=("BACKLOG",)),
    Check(about=memory.ABOUT, look=memory.look, blamed=("STATE_URL",)),
)


def check(context: CommandContext) -> int:
    """Says what holds and what does not, and returns the exit code of the first failure."""

    async def work(rehearsal: Rehearsal, _: asyncio.Event) -> int:
        findings = await rehearse(rehearsal)
        for finding in findings:
            facts: dict[str, object] = {"remedy": finding.remedy} if finding.remedy else {}
            facts |= {"there": finding.there} if finding.there else {}
            facts |= {"variables": list(finding.variables)} if finding.variables else {}
            event = event_of(finding.verdict)
            context.console.say(event, str(finding), subject=finding.about, facts=facts)
        return next((found.exit_code for found in findings if found.exit_code), 0)

    return context.work(REHEARSAL, work)


async def rehearse(rehearsal: Rehearsal) -> list[Finding]:
    """All proofs at once, and what came of each in their order."""

    async def prove(check: Check) -> list[Finding] | SyncError:
        try:
            return await check.look(rehearsal)
        except SyncError as error:
            return error

    ended = await each(prove, CHECKS, at_once=len(CHECKS))
    locked_out = {
        check.lets_in
        for check, end in zip(CHECKS, ended, strict=True)
        if check.lets_in and isinstance(end, SyncError)
    }
    findings: list[Finding] = []
    for check, end in zip(CHECKS, ended, strict=True):
        findings += _findings(check, end, locked_out=locked_out)
    return _each_once(findings)


def _findings(
    check: Check, end: list[Finding] | SyncError, *, locked_out: set[str]
) -> list[Finding]:
    """What came of one proof. Where a remote is out of reach for all of them, one says why."""
    if not isinstance(end, SyncError):
        return end
    if isinstance(end, StopsRun) and end.remote in locked_out and not check.lets_in:
        remote = end.remote.capitalize()
        return [unproven(check.about, f"{remote} does not let us in, as was said above.")]
    return of_error(end, about=check.about, blamed=check.blamed)


def _each_once(findings: Sequence[Finding]) -> list[Finding]:
    """Several proofs stumble over the same wrong setting: the first of them tells it, and the
    others say that they wait for it.
    """
    told: dict[tuple[str, tuple[str, ...]], str] = {}
    lines: list[Finding] = []
    for finding in findings:
        first = told.setdefault((finding.said, finding.variables), finding.about)
        if finding.exit_code and first != finding.about:
            lines.append(unproven(finding.about, f"It waits for what was said of {first}."))
        else:
            lines.append(finding)
    return lines


def event_of(verdict: Verdict) -> Event:
    """By which event a finding is told."""
    match verdict:
        case Verdict.PROVEN:
            return Event.CHECK_PASSED
        case Verdict.UNPROVEN:
            return Event.CHECK_UNPROVEN
        case Verdict.DOUBTFUL:
            return Event.CHECK_DOUBTED
        case Verdict.WRONG:
            return Event.CHECK_FAILED
    assert_never(verdict)
