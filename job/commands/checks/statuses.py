"""Proves that every status which the settings name is there, and both ways between them.

Promises: each name is looked for as a run compares it; the ways are those that a run would take
with tickets that are there; a closed status in which work is not over, by Jira's own category, is
doubtful and not wrong.
Does not do: taking a transition, or judging names (`core/workflow_checks.py`).
"""

from collections.abc import Iterator, Sequence

from job.commands.checks.finding import Finding, doubtful, proven, unproven, wrong
from job.core import workflow_checks
from job.core.routes import Destination
from job.core.ways import Seen
from job.errors import Problem
from job.wiring import Rehearsal

NO_NAME = "Take one of these names, or its id, from Project settings, Workflows."
CATEGORY = (
    "A Jira admin changes its category (Settings, Work items, Statuses), or another status is "
    "meant."
)
WORKFLOW = (
    "Take a name from there, or a Jira admin changes it: Project settings, Workflows, the "
    "transition, its screen and its conditions."
)
CLOSE, REOPEN = "ISSUE_CLOSE_TRANSITION", "ISSUE_REOPEN_TRANSITION"


async def look(rehearsal: Rehearsal) -> list[Finding]:
    jira, destinations = rehearsal.remotes.jira, rehearsal.policy.routes.destinations
    known = [(destination, await jira.workflow(destination)) for destination in destinations]
    names = [
        problem
        for problem in workflow_checks.check(known)
        if problem.variable not in {CLOSE, REOPEN}
    ]
    findings = list(_named(names, known=known))
    for destination, seen in known:
        findings += _doubts(destination, seen=seen)
        findings += _ways(destination, seen=seen)
    return findings


def _named(
    problems: Sequence[Problem], *, known: Sequence[tuple[Destination, Seen]]
) -> Iterator[Finding]:
    about = f"statuses in {', '.join(destination.project for destination, _ in known)}"
    for problem in problems:
        yield wrong(
            about,
            problem.wrong,
            variables=(problem.variable,),
            there=problem.allowed,
            remedy=NO_NAME,
        )
    if not problems:
        yield proven(about, workflow_checks.notes(known))


def _doubts(destination: Destination, *, seen: Seen) -> Iterator[Finding]:
    workflow = destination.workflow
    for status in seen.statuses:
        if workflow.is_closed(status) and not status.is_done:
            hard = workflow.is_hard_closed(status)
            said = f"{status} counts as closed, and Jira says that work goes on there: its "
            said += f"category is {status.category!r}."
            yield doubtful(
                f"statuses in {destination.project}",
                said,
                variables=("STATUS_HARD_CLOSED" if hard else "ISSUE_STATUS_CLOSED",),
                remedy=CATEGORY,
            )


def _ways(destination: Destination, *, seen: Seen) -> Iterator[Finding]:
    close, reopen = destination.workflow.close, destination.workflow.reopen
    project = destination.project
    closing = (CLOSE, "ISSUE_STATUS_CLOSED")
    if close.resolution and "resolution" in seen.against_close.casefold():
        closing = ("CLOSE_RESOLUTION", CLOSE)
    yield _way(
        f"the way to closed in {project}",
        against=seen.against_close,
        is_seen=seen.is_open_seen,
        words=f"No open ticket is there: whether {close.transition!r} closes shows at the first.",
        variables=closing,
    )
    yield _way(
        f"the way back in {project}",
        against=seen.against_reopen,
        is_seen=seen.is_closed_seen,
        words=f"No closed ticket is there: whether {reopen.transition!r} reopens shows at the "
        "first.",
        variables=(REOPEN,),
    )


def _way(
    about: str, *, against: str, is_seen: bool, words: str, variables: Sequence[str]
) -> Finding:
    if against:
        return wrong(about, against, variables=variables, remedy=WORKFLOW)
    if not is_seen:
        return unproven(about, words)
    return proven(about, "A ticket that is there could go it now.")
