"""An HTTP entry point of the program, served by functions-framework on loopback as a process.

Promises: it is the framework's own server, as Cloud Run starts it; it is ended with SIGTERM when
the block is left, and what it said is kept.
Does not do: settings, which a test gives.
"""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

from tests.kit.loopback import HOST, held_port

ROOT = Path(__file__).resolve().parents[2]
START_S = 60.0
END_S = 20.0


@dataclass
class Served:
    """The server, and what became of it once it has ended."""

    port: int
    process: "subprocess.Popen[str]"
    started_s: float
    """How long it took until somebody could call it."""
    stdout: str = ""
    stderr: str = ""
    exit_codes: list[int] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}/"


@contextmanager
def serving(target: str, environ: Mapping[str, str]) -> Iterator[Served]:
    """The function of this name at work while the block lasts."""
    command = [sys.executable, "-m", "functions_framework", "--source", "job/functions.py"]
    with held_port() as port, TemporaryFile("w+") as out, TemporaryFile("w+") as err:
        command += ["--target", target, "--host", HOST, "--port", str(port)]
        began = time.monotonic()
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env={"PATH": os.environ["PATH"], **environ},
            stdout=out,  # no pipe, which would fill and hold up who writes into it
            stderr=err,
            text=True,
        )
        served = Served(port, process, started_s=0.0)
        try:
            _wait_for(served)
            served.started_s = time.monotonic() - began
            yield served
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                served.exit_codes.append(process.wait(timeout=END_S))
            except subprocess.TimeoutExpired:
                process.kill()
                raise
            finally:
                served.stdout, served.stderr = (_all_of(file) for file in (out, err))


def _all_of(file: IO[str]) -> str:
    file.seek(0)
    return file.read()


def _wait_for(served: Served) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and served.process.poll() is None:
        try:
            socket.create_connection((HOST, served.port), timeout=1).close()
        except OSError:
            time.sleep(0.02)
        else:
            return
    raise AssertionError(f"the server did not start: {served.process.poll()}")
