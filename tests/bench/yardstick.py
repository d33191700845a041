"""How fast the job's core is just now: `python -m tests.bench.yardstick`.

Does the same small piece of work ten times a second and prints what CPU time it took each time,
until it is ended. On rented machines that was 1 to 3.4 ms, and on one of them it changed twofold
within a minute. So a figure of CPU time means little without this one beside it.

Each time the work is done twice and the second counts: to wake up with cold caches is a cost of the
job's own.
"""

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

EVERY_S = 0.1
ITEMS = 10_000


def work_s() -> float:
    """CPU seconds of some everyday Python: texts, tuples and a dict."""
    began, kept = time.process_time(), {}
    for number in range(ITEMS):
        kept[number & 1023] = (number, str(number))
    return time.process_time() - began


def _cores() -> list[int]:
    return sorted(os.sched_getaffinity(0)) if sys.platform == "linux" else []


CORES = _cores()


def take_the_jobs_core() -> None:
    """From now on this process runs on the last core, which it shares with the job and nothing
    else of ours.
    """
    _stay_on(CORES[-1:])


def leave_the_jobs_core() -> None:
    """From now on this process keeps off it, if there is another: in life the vendors are not on
    our machine either.
    """
    _stay_on(CORES[:-1])


def _stay_on(cores: list[int]) -> None:
    if sys.platform == "linux" and cores:
        os.sched_setaffinity(0, cores)


@asynccontextmanager
async def beside() -> AsyncIterator[list[float]]:
    """Measures for as long as the block lasts; the list is filled at its end."""
    command = (sys.executable, "-m", "tests.bench.yardstick")
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, preexec_fn=take_the_jobs_core
    )
    taken_s: list[float] = []
    try:
        yield taken_s
    finally:
        process.terminate()
        told, _ = await process.communicate()
        taken_s += [float(line) for line in told.decode().splitlines()]


if __name__ == "__main__":
    while True:
        work_s()
        print(work_s(), flush=True)
        time.sleep(EVERY_S)
