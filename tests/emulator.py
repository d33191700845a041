"""Google's Firestore emulator for the tests: the one FIRESTORE_EMULATOR_HOST names, or one started for the session.

Everything that is started is stopped at the end, the Java process under gcloud included. Where none can be had, tests
that ask for it are skipped with the reason; with CI=true they fail instead. Nothing is ever cleared: each test uses a
project of its own.
"""

import os
import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NoReturn

import pytest

VARIABLE = "FIRESTORE_EMULATOR_HOST"
START_S = 60.0


@pytest.fixture(scope="session")
def firestore_emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """`host:port` of an emulator, which FIRESTORE_EMULATOR_HOST names meanwhile, for child processes too."""
    if host := os.environ.get(VARIABLE):
        yield host
        return
    for program in ("gcloud", "java"):
        if not shutil.which(program):
            _cannot(
                f"{program} is not installed, and {VARIABLE} names no emulator that runs already"
            )
    with (
        _started(tmp_path_factory.mktemp("emulator") / "output.txt") as host,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setenv(VARIABLE, host)
        yield host


@contextmanager
def _started(output: Path) -> Iterator[str]:
    host = f"127.0.0.1:{_free_port()}"
    with output.open("w") as out:
        # gcloud starts a shell and that one Java, and neither ends with gcloud: only as a group can they be stopped.
        emulator = subprocess.Popen(
            ["gcloud", "emulators", "firestore", "start", f"--host-port={host}"],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        _wait(emulator, host=host, output=output)
        yield host
    finally:
        _stop_group(emulator)


def _wait(emulator: "subprocess.Popen[bytes]", *, host: str, output: Path) -> None:
    deadline = time.monotonic() + START_S
    while not _answers(host):
        if emulator.poll() is not None or time.monotonic() > deadline:
            _cannot(
                f"the Firestore emulator did not start: {output.read_text(errors='replace')[-500:]}"
            )
        time.sleep(0.1)


def _answers(host: str) -> bool:
    try:
        with urllib.request.urlopen(f"http://{host}/", timeout=2) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _stop_group(emulator: "subprocess.Popen[bytes]") -> None:
    for sign in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(emulator.pid, sign)
        with suppress(subprocess.TimeoutExpired):
            emulator.wait(timeout=5)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _cannot(why: str) -> NoReturn:
    if os.environ.get("CI") == "true":
        pytest.fail(f"With CI=true the Firestore tests must run, but {why}.")
    pytest.skip(f"No Firestore emulator: {why}.")
