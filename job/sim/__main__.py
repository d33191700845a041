"""Runs both vendors as a process of their own: `python -m job.sim --halo-port 8081`.

Promises: prints one line of JSON with the addresses and the job's settings once everything listens,
then serves until it is interrupted. With --story the first act has happened by then; the control's
POST /story plays the others, about the same issues.
Does not do: keeping anything after it ends.
"""

import argparse
import asyncio
import dataclasses
import json
import sys

from job.sim.jira.limits import Limits
from job.sim.jira.search import fixed_lag, long_lag, no_lag, usual_lag
from job.sim.server import NO_LATENCY, REAL_LATENCY, serve
from job.sim.story import Story, settings
from job.sim.world import World

_LAGS = {"none": no_lag, "usual": usual_lag, "minute": fixed_lag(60.0), "long": long_lag()}


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m job.sim", description="The simulated Halo and Jira, on loopback."
    )
    parser.add_argument("--halo-port", type=int, default=0)
    parser.add_argument("--jira-port", type=int, default=0)
    parser.add_argument("--control-port", type=int, default=0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--lag", choices=_LAGS, default="usual", help="how far Jira's search runs behind"
    )
    parser.add_argument(
        "--real-latency", action="store_true", help="answer as slowly as the real ones"
    )
    parser.add_argument(
        "--no-limits", action="store_true", help="let Jira take any number of calls"
    )
    parser.add_argument(
        "--story", action="store_true", help="begin with the first act of the demo's story"
    )
    asked = parser.parse_args()
    try:
        asyncio.run(_serve(asked))
    except KeyboardInterrupt:
        return


async def _serve(asked: argparse.Namespace) -> None:
    world = World.make(seed=asked.seed)
    world.jira.search.lag = _LAGS[asked.lag]
    if not asked.no_limits:
        world.jira.limit_rates(Limits(world.clock, seed=asked.seed))
    story = Story(world)
    if asked.story:
        story.play(1)
    latency = REAL_LATENCY if asked.real_latency else NO_LATENCY
    ports = {
        "halo_port": asked.halo_port,
        "jira_port": asked.jira_port,
        "control_port": asked.control_port,
    }
    async with serve(world, story=story, latency=latency, **ports) as urls:
        told = {**dataclasses.asdict(urls), "settings": settings(world, urls=urls)}
        sys.stdout.write(f"{json.dumps(told)}\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


if __name__ == "__main__":
    main()
