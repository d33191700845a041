"""Random worlds from one number each: a history, faults, crashes and clocks; the same seed plays
exactly the same way.

    python -m tests.simulation.worlds --seeds 100000 --from 0

plays many of them on all cores, prints how fast it goes, and every seed whose world came out wrong.
"""

import argparse
import os
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from hashlib import sha256

from tests.kit.silence import silence
from tests.kit.timeless import play
from tests.simulation.life import live
from tests.simulation.world import World


def outcome(seed: int) -> list[str]:
    """What is wrong with one seed's world; an exception is wrong as well."""
    try:
        return play(live(World(seed)))
    except Exception as bug:  # noqa: BLE001 -- whatever it is, it is this seed's verdict
        return [f"{type(bug).__name__}: {bug}"]


def history(seed: int) -> str:
    """A digest of all that one seed's world comes to: its verdict, its tickets, each call."""

    async def told() -> str:
        world = World(seed)
        wrong = await live(world)
        tickets = world.tube.jira.people.tickets(deleted=True)
        calls = [sorted(vendor.calls.items()) for vendor in (world.tube.halo, world.tube.jira)]
        return sha256(repr((wrong, tickets, calls)).encode()).hexdigest()

    return play(told())


def _chunk(seeds: range) -> list[tuple[int, list[str]]]:
    silence()
    return [(seed, wrong) for seed in seeds if (wrong := outcome(seed))]


def play_many(seeds: range, *, workers: int | None = None) -> Iterator[tuple[int, list[str]]]:
    """The seeds whose worlds came out wrong, played on all cores."""
    chunks = [seeds[at : at + 50] for at in range(0, len(seeds), 50)]
    with ProcessPoolExecutor(workers or os.cpu_count()) as pool:
        for bad in pool.map(_chunk, chunks):
            yield from bad


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=2_000)
    parser.add_argument("--from", dest="first", type=int, default=0)
    asked = parser.parse_args()
    began, bad = time.perf_counter(), 0
    for seed, wrong in play_many(range(asked.first, asked.first + asked.seeds)):
        bad += 1
        print(f"seed {seed}: {'; '.join(wrong[:3])}", flush=True)
    took_s = time.perf_counter() - began
    pace = f"{asked.seeds / took_s:.0f} a second"
    print(f"{asked.seeds} worlds in {took_s:.1f} s, {pace}: {bad} came out wrong.")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
