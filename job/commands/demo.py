"""Plays the demo: the real job tells a small story against the simulated vendors, on loopback.

Promises: nothing leaves this machine and nothing stays on it, for memory is a file that is deleted
at the end; the job is the one that runs in earnest, told by settings alone where its vendors are.
Does not do: tests. What must hold is proven elsewhere; this is for people to watch.
"""

import asyncio
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from job.commands.context import CommandContext
from job.console.protocol import Console, Table
from job.console.words import PROGRAM
from job.core.adf import Document
from job.core.memory import RunRecord
from job.core.sheets import Sheet
from job.flow.run import run
from job.flow.setup import Order
from job.remotes import Surroundings
from job.settings.load import load
from job.settings.variables import Settings
from job.sim.jira.people import Snapshot
from job.sim.server import serve
from job.sim.story import ACTS, Story, settings
from job.sim.world import World
from job.wiring import open_setup

SHOWN: Final = "package"
"""Of the story's cast: whose ticket is shown in full."""
NEXT: Final = (
    f"`{PROGRAM} render FILE` shows such a ticket of an issue that you saved from Halo's API as a "
    "file. It needs no accounts.",
    f"With accounts, set what job/docs/configuration.md names; `{PROGRAM} check` proves it and "
    "writes nothing.",
    f"`{PROGRAM} plan` shows what a run would do, and why; `{PROGRAM} run` does it.",
    "infra/README.md puts it on a schedule in the cloud.",
)


def demo(context: CommandContext) -> int:
    """Plays the story for people to watch, also through a pipe. Returns the worst exit code."""
    context.listen_to("error")
    return asyncio.run(play(context.screen(), surroundings=Surroundings(clock=context.clock)))


async def play(console: Console, *, surroundings: Surroundings) -> int:
    """All acts, each followed by a run. Returns the worst exit code of the runs."""
    os.environ["no_proxy"] = "127.0.0.1"  # a proxy for the world outside knows no simulated vendors
    world = World.make(seed=1)
    story, codes = Story(world), [0]
    with tempfile.TemporaryDirectory(prefix="halo-jira-sync-") as folder:
        async with serve(world) as urls:
            memory = {"STATE_URL": f"sqlite:///{Path(folder) / 'state.db'}"}
            chosen = load({**settings(world, urls=urls), **memory})
            for number, act in enumerate(ACTS, start=1):
                console.told(f"Act {number}: {act.title}", happenings=story.play(number))
                record = await _run(chosen, console=console, surroundings=surroundings)
                console.show(_tickets(world))
                console.finished(record)
                codes.append(record.exit_code)
    for sheet in _in_full(story.ticket_of(SHOWN)):
        console.show_sheet(sheet)
    console.told("What to do next", happenings=NEXT)
    return max(codes)


async def _run(chosen: Settings, *, console: Console, surroundings: Surroundings) -> RunRecord:
    async with open_setup(chosen, surroundings) as setup:
        with console.watching(carries_out=True) as watcher:
            return await run(setup, order=Order(), watcher=watcher, asked_to_stop=asyncio.Event())


def _tickets(world: World) -> Table:
    """The tickets as they are in Jira now."""
    return Table(
        title="Jira's tickets",
        columns=("ticket", "status", "summary", "comments", "last comment"),
        shares=(0, 0, 3, 0, 2),
        rows=tuple(_row(ticket) for ticket in world.jira.people.tickets()),
    )


def _in_full(ticket: Snapshot) -> Iterator[Sheet]:
    """A ticket as it is in Jira, and the last comment on it."""
    yield Sheet(
        title=f"{ticket.key}, as a reader sees it",
        summary=str(ticket.fields["summary"]),
        fields=(("Status", ticket.status),),
        document=_document(ticket.fields["description"]),
    )
    for comment in ticket.comments[-1:]:
        title = f"The last of {len(ticket.comments)} comments on {ticket.key}"
        yield Sheet(title=title, document=_document(comment.body))


def _document(body: object) -> Document:
    return Document(msgspec.json.encode(body))


def _row(ticket: Snapshot) -> tuple[str, ...]:
    last = " ".join(ticket.texts[-1].split()) if ticket.texts else ""
    return ticket.key, ticket.status, str(ticket.fields["summary"]), str(len(ticket.comments)), last
