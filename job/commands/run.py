"""What `run` and `plan` do: the same road, carried out or only shown.

Promises: `plan` writes nothing; a `run` that is asked to stop ends in good order.
Does not do: any part of the road (`flow/run.py`), or showing it (`console/`).
"""

import asyncio
from datetime import UTC, datetime

import click

from job.commands.context import EVERYTHING, CommandContext
from job.core.ids import EPOCH
from job.flow import run as flow
from job.flow.setup import ALL_TIME, Order, Setup
from job.settings.parse import Unfit, duration


def run(
    context: CommandContext,
    *,
    since: str | None,
    sweep: bool,
    approve: str | None,
    adopt_memory: bool,
) -> int:
    """Brings Jira up to date, and returns the exit code."""
    begin = look_back(since, now=context.clock.now())
    order = Order(since=begin, sweep=sweep, approved=approve, adopt_memory=adopt_memory)

    async def work(setup: Setup, asked_to_stop: asyncio.Event) -> int:
        with context.console.watching(carries_out=True) as watcher:
            record = await flow.run(
                setup, order=order, watcher=watcher, asked_to_stop=asked_to_stop
            )
        context.console.finished(record)
        return record.exit_code

    return context.work(EVERYTHING, work, graceful=True)


def plan(context: CommandContext, *, since: str | None, sweep: bool) -> int:
    """Shows what a run would do now. Writes nothing."""
    order = Order(since=look_back(since, now=context.clock.now()), sweep=sweep)

    async def work(setup: Setup, _: asyncio.Event) -> int:
        with context.console.watching(carries_out=False) as watcher:
            await flow.plan(setup, order=order, watcher=watcher)
        return 0

    return context.work(EVERYTHING, work)


def look_back(text: str | None, *, now: datetime) -> datetime | str | None:
    """What `--since` means: an instant, `all`, or so long before now (bare numbers are minutes)."""
    if text is None or text == ALL_TIME:
        return text
    try:
        since = datetime.fromisoformat(text)
    except ValueError:
        try:
            since = now - duration(text, bare="m")
        except Unfit as unfit:
            allowed = "all, a time such as 2026-11-01T10:00Z, or a duration such as 90, 12h or 7d"
            raise click.BadParameter(f"{unfit.wrong} Allowed: {allowed}.") from None
    since = since if since.tzinfo else since.replace(tzinfo=UTC)
    if since > now:
        raise click.BadParameter(f"{since.isoformat()} lies in the future.")
    if since < EPOCH:
        raise click.BadParameter(f"{since.isoformat()} lies before 1970: say `all` instead.")
    return since
