"""Tells how much Halo has that is older than the first run looks back, and what becomes of it.

Promises: it is told while memory has seen no run to its end, before the first write, as `plan`
tells it too; a count that Halo does not give is told as unproven.
Does not do: listing those issues.
"""

from job.commands.checks.finding import Finding, proven, unproven
from job.flow.look import backlog_size, begin_mark
from job.flow.setup import Order
from job.wiring import Rehearsal

ABOUT = "backlog"


async def look(rehearsal: Rehearsal) -> list[Finding]:
    await rehearsal.remotes.halo.sign_in()
    async with rehearsal.memory() as setup:
        mark = await begin_mark(setup, order=Order(), started_at=setup.ports.clock.now())
        size, said = await backlog_size(setup, mark=mark)
    if not said:
        return []
    return [unproven(ABOUT, said) if size is None else proven(ABOUT, said)]
