"""How fast this machine is just now: `python -m tests.bench.yardstick`.

Does the same small piece of work four times a second and prints what CPU time it took each time, until it is ended. On
a shared core the same work takes half as long again while the neighbours are busy, or after a sleep, and that changes
within seconds. So a figure of CPU time means little without this one beside it.
"""

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

EVERY_S = 0.25
ITEMS = 10_000


def work_s() -> float:
    """CPU seconds of some everyday Python: texts, tuples and a dict. About 2 ms."""
    began, kept = time.process_time(), {}
    for number in range(ITEMS):
        kept[number & 1023] = (number, str(number))
    return time.process_time() - began


@asynccontextmanager
async def beside() -> AsyncIterator[list[float]]:
    """Measures for as long as the block lasts; the list is filled at its end."""
    command = (sys.executable, "-m", "tests.bench.yardstick")
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    taken_s: list[float] = []
    try:
        yield taken_s
    finally:
        process.terminate()
        told, _ = await process.communicate()
        taken_s += [float(line) for line in told.decode().splitlines()]


if __name__ == "__main__":
    while True:
        print(work_s(), flush=True)
        time.sleep(EVERY_S)
