"""The program as it is started by people and machines, and the simulated vendors that it meets."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from job.sim.server import NO_LATENCY, Latency, Urls
from job.sim.story import Story, settings
from job.sim.world import World
from tests.kit.loopback import served
from tests.kit.program import Program
from tests.kit.silence import quiet_again

__all__ = ["quiet_again"]


@pytest.fixture
def world(request: pytest.FixtureRequest) -> World:
    """The world of the demo's story after its first act."""
    world = World.make(seed=1)
    Story(world).play(1)
    return world


@pytest.fixture
def urls(request: pytest.FixtureRequest, world: World) -> Iterator[Urls]:
    """The world on loopback, served by a thread of its own. A parameter is the latency."""
    latency: Latency = getattr(request, "param", NO_LATENCY)
    with served(world, latency=latency) as opened:
        yield opened


@pytest.fixture
def bare(capsys: pytest.CaptureFixture[str], quiet_again: None) -> Program:
    """The program without any setting."""
    return Program({}, capsys)


@pytest.fixture
def program(world: World, urls: Urls, tmp_path: Path, bare: Program) -> Program:
    """The program with good settings for this world."""
    return Program(
        {**settings(world, urls=urls), "STATE_URL": f"sqlite:///{tmp_path / 'state.db'}"},
        bare.capsys,
    )
