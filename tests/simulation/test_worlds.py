"""Random worlds come out right, and each of them can be played again: a seed is one history.

A few of them here; `make worlds` plays as many as one likes.
"""

import os
import subprocess
import sys

import pytest

from tests.simulation.worlds import history, outcome

SEEDS = int(os.environ.get("SEEDS", "200"))
TOGETHER = 50
"""So many worlds are one test, for workers to share them out."""


@pytest.mark.long
@pytest.mark.parametrize("first", range(0, SEEDS, TOGETHER))
def test_every_world_comes_out_right(first: int) -> None:
    seeds = range(first, min(first + TOGETHER, SEEDS))
    wrong = {seed: found for seed in seeds if (found := outcome(seed))}
    again = f"python -m tests.simulation.worlds --seeds 1 --from {min(wrong, default=0)}"
    assert not wrong, f"play one again with: {again}"


@pytest.mark.parametrize("seed", [3, 1824, 4106])
def test_the_same_seed_plays_the_same_world(seed: int) -> None:
    assert history(seed) == history(seed)


def test_a_seed_is_one_history_in_every_process() -> None:
    """Whatever order a process keeps its sets in."""
    program = (
        "from tests.simulation.worlds import history\n"
        "from tests.kit.silence import silence\n"
        "silence()\n"
        "print([history(seed) for seed in range(6)])\n"
    )
    told = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": str(salt)},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for salt in (1, 2)
    }
    assert len(told) == 1
