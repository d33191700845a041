"""What `run` and `plan` do: the same road, carried out or only shown, and what is held on it.

Promises: `plan` writes nothing; a `run` that is asked to stop ends in good order.
Does not do: any part of the road (`flow/run.py`), or showing it (`console/`).
"""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import click
import msgspec

from job.commands.context import EVERYTHING, MEMORY, CommandContext
from job.console.lines import facts_of
from job.console.protocol import Table
from job.core.held import Entry, joint_set
from job.core.ids import EPOCH
from job.core.memory import Broken
from job.core.pieces import all_held
from job.core.plan import Plan
from job.errors import UnsafePlan
from job.events import Event
from job.flow import run as flow
from job.flow.setup import ALL_TIME, Order, Setup
from job.settings.parse import Unfit, duration
from job.stores import Store


def run(
    context: CommandContext,
    *,
    since: str | None,
    sweep: bool,
    approve: str | None,
    adopt_memory: bool,
    retry_parked: bool,
) -> int:
    """Brings Jira up to date, and returns the exit code."""
    begin = look_back(since, now=context.clock.now())
    order = Order(
        since=begin,
        sweep=sweep,
        approved=approve,
        adopt_memory=adopt_memory,
        retry_parked=retry_parked,
    )

    async def work(setup: Setup, asked_to_stop: asyncio.Event) -> int:
        with context.console.watching(carries_out=True) as watcher:
            record = await flow.run(
                setup, order=order, watcher=watcher, asked_to_stop=asked_to_stop
            )
        context.console.finished(record, address_of=setup.ports.jira.address_of)
        if record.held:
            raise UnsafePlan(record.digest, record.held)
        return record.exit_code

    return context.work(EVERYTHING, work, graceful=True)


def plan(
    context: CommandContext,
    *,
    since: str | None,
    sweep: bool,
    expect_nothing: bool,
    in_full: bool,
    out: str | None,
) -> int:
    """Shows what a run would do now. Writes nothing but the file that was asked for."""
    order = Order(since=look_back(since, now=context.clock.now()), sweep=sweep)

    async def work(setup: Setup, _: asyncio.Event) -> int:
        with context.console.watching(carries_out=False, in_full=in_full) as watcher:
            planned = await flow.plan(setup, order=order, watcher=watcher)
        if out:
            _write(planned, path=out, redact=context.redactor.text)
        if planned.held:
            raise UnsafePlan(planned.digest, planned.over)
        many = len(planned.decisions) + len(planned.deferred)
        if expect_nothing and many:
            words = f"Nothing was expected, and {many:,} actions are planned."
            context.console.say(Event.PLAN_UNEXPECTED, words, facts={"planned": many})
            return 4
        return 0

    return context.work(EVERYTHING, work)


def _write(planned: Plan, *, path: str, redact: Callable[[str], str]) -> None:
    """Every action as one JSON object a line. Raises `click.UsageError`."""
    lines = [
        redact(msgspec.json.encode(facts_of(decision, held=row is planned.held)).decode())
        for row in (planned.decisions, planned.deferred, planned.held)
        for decision in row
    ]
    try:
        Path(path).write_text("".join(f"{line}\n" for line in lines))
    except OSError as error:
        raise click.UsageError(f"{path} cannot be written: {error.strerror}.") from None


def held(context: CommandContext) -> int:
    """Shows what all tasks hold, from memory alone, and the one digest that approves it."""

    async def work(store: Store, _: asyncio.Event) -> int:
        now = context.clock.now()
        quota, broken = await store.quota(), Broken()
        rows = [
            _row(entry, approved=entry.generation <= quota.approved.get(piece.shard, 0))
            for piece, entry in all_held(await store.pieces(broken=broken), now=now)
        ]
        for why in broken.values():
            context.console.say(Event.MEMORY_UNREADABLE, f"{why} The next run holds it anew.")
        digest = joint_set(quota.standing, at=now).digest
        words = f"{len(rows)} actions are held or approved and not done."
        if digest:
            words += f" `run --approve {digest}` lets through all that waits for an approval."
        if rows:
            context.console.show(Table(title="Held", columns=COLUMNS, rows=tuple(sorted(rows))))
        context.console.say(Event.HELD_TOLD, words)
        return 0

    return context.work(MEMORY, work)


COLUMNS = ("action", "Halo issue", "ticket", "project", "since", "state")


def _row(entry: Entry, *, approved: bool) -> tuple[str, ...]:
    action, rest = entry.line.split(" ", 1)
    _, ticket, project = rest.rsplit(" ", 2)
    since = entry.at.isoformat(timespec="minutes")
    return action, entry.issue_id, ticket, project, since, "approved" if approved else "held"


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
