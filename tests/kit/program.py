"""The program as it is started by people and machines, and what it says then.

Does not do: settings, which a test gives, or vendors to meet (`loopback.py`).
"""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from job.cli import answer
from job.commands.context import CommandContext

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
