"""The demo: the real job plays a small story against the simulated vendors, on loopback, with a
file for memory.

Promises: nothing leaves this machine and nothing stays on it; the job is the one that runs in
earnest, told by settings alone where its vendors are. Does not do: tests. What must hold is proven
elsewhere; this is for people to watch.
"""

import asyncio
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

from job.log import Redactor
from job.ports import Clock
from job.run import Order, run
from job.screen import Screen, open_console
from job.settings import load
from job.sim.people import Snapshot
from job.sim.server import serve
from job.sim.story import ACTS, Story, settings
from job.sim.world import World
from job.wiring import open_setup


async def play(*, clock: Clock) -> int:
    """All acts, each followed by a run. Returns the worst exit code of the runs."""
    os.environ["no_proxy"] = "127.0.0.1"  # a proxy for the world outside knows no simulated vendors
    console, world = open_console(), World.make(seed=1)
    story, codes = Story(world), [0]
    with tempfile.TemporaryDirectory(prefix="halo-jira-sync-") as folder:
        async with serve(world) as urls:
            chosen = load(
                {
                    **settings(world, urls=urls),
                    "STATE_URL": f"sqlite:///{Path(folder) / 'state.db'}",
                }
            )
            for number, act in enumerate(ACTS, start=1):
                screen = Screen(console)
                screen.told(f"Act {number}: {act.title}", happenings=story.play(number))
                async with open_setup(chosen, clock=clock, redactor=Redactor()) as setup:
                    with screen:
                        record = await run(
                            setup, order=Order(), watcher=screen, stop=asyncio.Event()
                        )
                screen.listed([_row(ticket) for ticket in world.jira.people.tickets()])
                screen.finished(record)
                codes.append(record.exit_code)
    return max(codes)


def _row(ticket: Snapshot) -> Sequence[str]:
    last = " ".join(ticket.texts[-1].split()) if ticket.texts else ""
    return ticket.key, ticket.status, str(ticket.fields["summary"]), str(len(ticket.comments)), last
