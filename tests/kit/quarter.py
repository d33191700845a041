"""A clean run a quarter of an hour later: the step in which most stories about runs are told.

Does not do: runs that may end early. `Tube.run` gives whatever became of one.
"""

import asyncio

from job.core.memory import RunRecord
from job.flow.setup import Order
from tests.kit.tube import Tube

QUARTER_HOUR_S = 900.0


async def at_once(
    tube: Tube, order: Order | None = None, *, stop: asyncio.Event | None = None
) -> RunRecord:
    """The record of one run, which must come to its end."""
    record = await tube.run(order=order, asked_to_stop=stop)
    assert isinstance(record, RunRecord), record
    return record


async def done(
    tube: Tube,
    order: Order | None = None,
    *,
    after_s: float = QUARTER_HOUR_S,
    stop: asyncio.Event | None = None,
) -> RunRecord:
    """As `at_once`, after so many seconds."""
    await asyncio.sleep(after_s)
    return await at_once(tube, order, stop=stop)
