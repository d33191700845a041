"""Proves, one by one, that what the settings name is there and lets us in.

Promises: every proof is tried, whatever came of the one before; nothing is written to Halo, to Jira
or to our memory.
Does not do: walking a ticket through its workflow; transitions are looked at on tickets that are
there, and nothing is known of them where there is none.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta

from msgspec import Struct

from job.commands.context import EVERYTHING, CommandContext
from job.console.words import explain
from job.core import workflow_checks
from job.errors import BadSettings, SyncError
from job.events import Event
from job.flow.destinations import prove_destination
from job.flow.identity import prove_memory
from job.flow.look import begin_mark
from job.flow.setup import Order, Setup

GLIMPSE = timedelta(minutes=1)


def check(context: CommandContext) -> int:
    """Says what holds and what does not, and returns the exit code of the first failure."""

    async def work(setup: Setup, _: asyncio.Event) -> int:
        exit_code = 0
        async for proof in prove(setup):
            if proof.error is None:
                context.console.say(Event.CHECK_PASSED, proof.seen, subject=proof.name)
                continue
            context.console.say(Event.CHECK_FAILED, str(proof.error), subject=proof.name)
            exit_code = exit_code or explain(proof.error).exit_code
        return exit_code

    return context.work(EVERYTHING, work)


class Proof(Struct, frozen=True, kw_only=True):
    """What was to be proven, and what was seen or what stood against it."""

    name: str
    seen: str = ""
    error: SyncError | None = None


async def prove(setup: Setup) -> AsyncIterator[Proof]:
    """The proofs, each as soon as it is there."""
    for name, look in PROOFS.items():
        try:
            yield Proof(name=name, seen=await look(setup))
        except SyncError as error:
            yield Proof(name=name, error=error)


async def _halo(setup: Setup) -> str:
    """Signs in and reads the last minute."""
    now = setup.ports.clock.now()
    listings = setup.ports.halo.changed(since=now - GLIMPSE, until=now)
    seen = [len(piece) for listing in listings async for piece in listing]
    return f"Halo lets us read; {sum(seen)} issues changed in the last minute."


async def _jira(setup: Setup) -> str:
    me = await setup.ports.jira.myself()
    return f"Jira knows us as {me.display_name}."


async def _fields(setup: Setup) -> str:
    seen: list[str] = []
    for destination in setup.policy.routes.destinations:
        screen = await prove_destination(setup.ports.jira, destination)
        seen.append(
            f"{screen} takes every field that we fill; the Halo id goes into {screen.id_field}."
        )
    return " ".join(seen)


async def _workflows(setup: Setup) -> str:
    """Names of statuses; and transitions, on tickets that are there."""
    jira, destinations = setup.ports.jira, setup.policy.routes.destinations
    known = [(destination, await jira.workflow(destination)) for destination in destinations]
    problems = workflow_checks.check(known)
    if problems:
        raise BadSettings(problems)
    return workflow_checks.notes(known)


async def _store(setup: Setup) -> str:
    now, order = setup.ports.clock.now(), Order()
    mark = await begin_mark(setup, order=order, started_at=now)
    await prove_memory(setup, order=order, mark=mark)
    links = await setup.ports.store.live_count()
    runs = await setup.ports.store.runs(limit=1)
    last = "no run is recorded"
    if runs:
        last = f"the last run ended {runs[0].finished_at.isoformat(timespec='seconds')}"
    return f"{links} open links; {last}."


PROOFS: dict[str, Callable[[Setup], Awaitable[str]]] = {
    "Halo's key": _halo,
    "Jira's token": _jira,
    "project, type and fields": _fields,
    "statuses and transitions": _workflows,
    "memory": _store,
}
