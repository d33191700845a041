"""Two thousand random worlds come out right, and each of them can be played again exactly."""

import os

import pytest

from job.sim.jira.people import Snapshot
from tests.kit.timeless import play
from tests.simulation.worlds import World, outcome

SEEDS = int(os.environ.get("SEEDS", "2000"))
TOGETHER = 250
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
    async def life() -> tuple[list[Snapshot], dict[str, int], dict[str, int]]:
        world = World(seed)
        assert await world.play() == []
        return (
            world.tube.jira.people.tickets(deleted=True),
            dict(world.tube.jira.calls),
            dict(world.tube.halo.calls),
        )

    first, second = play(life()), play(life())
    assert first == second
