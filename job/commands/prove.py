"""Proves the promises on what is there: audits Halo and Jira against memory, and tells what it saw.

Promises: nothing is written; each counterexample is told with its issue and tickets, and how much
was looked at; the exit code is 5 where there is any.
Does not do: the looking (`flow/audit.py`), or mending anything.
"""

import asyncio

from job.commands.context import EVERYTHING, CommandContext
from job.events import Event
from job.flow.audit import Audit, audit
from job.flow.setup import Setup

FOUND = 5


def prove(context: CommandContext) -> int:
    """Tells every counterexample, and returns the exit code."""

    async def work(setup: Setup, _: asyncio.Event) -> int:
        seen = await audit(setup)
        for example in seen.found:
            context.console.say(
                Event.PROMISE_BROKEN,
                example.words,
                subject=example.issue_id,
                facts={
                    "breach": example.breach,
                    "issue_id": example.issue_id,
                    "tickets": list(example.tickets),
                },
            )
        facts = {
            "issues": seen.issues,
            "tickets": seen.tickets,
            "links": seen.links,
            "counterexamples": len(seen.found),
            "excused": {str(reason): many for reason, many in seen.excused.items()},
        }
        context.console.say(Event.PROMISES_PROVEN, _summary(seen), facts=facts)
        return FOUND if seen.found else 0

    return context.work(EVERYTHING, work)


def _summary(seen: Audit) -> str:
    looked = f"{seen.issues:,} issues, {seen.tickets:,} tickets and {seen.links:,} links"
    many = len(seen.found)
    what = "there is no counterexample" if not many else f"counterexamples found: {many:,}"
    words = f"Looked at {looked}: {what}."
    if seen.excused:
        parts = (f"{many:,} {reason}" for reason, many in sorted(seen.excused.items()))
        words += f" Not judged by their tickets: {', '.join(parts)}."
    if many:
        words += " `explain ISSUE` tells of one of them all that is known."
    if seen.under_a_run:
        words += " A run was at work meanwhile: look once more when it has ended."
    return words
