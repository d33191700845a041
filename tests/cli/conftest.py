"""The program as it is started by people and machines, and the simulated vendors that it meets."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from job.cli import answer
from job.commands.context import CommandContext
from job.sim.server import NO_LATENCY, Latency, Urls
from job.sim.story import Story, settings
from job.sim.world import World
from tests.kit.loopback import served
from tests.kit.silence import quiet_again

__all__ = ["quiet_again"]

PYTHON = (sys.executable, "-W", "error")


@dataclass(frozen=True)
class Spoken:
    """What the program said and returned."""

    exit_code: int
    stdout: str
    stderr: str

    @property
    def lines(self) -> list[dict[str, Any]]:
        """Every line of stdout as the JSON object that it must be."""
        return [json.loads(line) for line in self.stdout.splitlines()]

    def only(self, event: str) -> dict[str, Any]:
        [line] = [line for line in self.lines if line["event"] == event]
        return line


@dataclass(frozen=True)
class Program:
    """The program with an environment of its own: called here, or started as a process."""

    environ: Mapping[str, str]
    capsys: pytest.CaptureFixture[str]

    def __call__(self, *args: str, **changed: str) -> Spoken:
        self.capsys.readouterr()
        exit_code = answer(CommandContext({**self.environ, **changed}, terminal=False), args=args)
        return Spoken(exit_code, *self.capsys.readouterr())

    def start(self, *args: str, **changed: str) -> "subprocess.Popen[str]":
        environ = {"PATH": os.environ["PATH"], **self.environ, **changed}
        command = [*PYTHON, "-m", "job", *args]
        return subprocess.Popen(
            command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )


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
