"""Two thousand random worlds come out right, and each of them can be played again exactly."""

import os

import pytest

from job.sim.jira.people import Snapshot
from tests.simulation.timeless import play
from tests.simulation.worlds import World, play_many

SEEDS = int(os.environ.get("SEEDS", "2000"))


def test_every_world_comes_out_right() -> None:
    wrong = dict(play_many(range(SEEDS)))
    assert not wrong, (
        f"play one again with: python -m tests.simulation.worlds --seeds 1 --from {min(wrong)}"
    )


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
