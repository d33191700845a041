"""Google's Firestore emulator: the one FIRESTORE_EMULATOR_HOST names, or one for a run of pytest.

Promises: it is started by the first test that asks, once, however many workers share the run; what
is started is stopped at the end, the Java process under gcloud included, also when the run is
interrupted or asked to stop. Where none can be had, tests that ask are skipped with the reason;
with CI=true they fail instead.
Does not do: clearing anything. Each test uses a project of its own.
"""

import fcntl
import os
import shutil
import signal
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NoReturn

import pytest

from tests.kit.loopback import held_port

VARIABLE = "FIRESTORE_EMULATOR_HOST"
START_S = 60.0
STOP_S = 5.0


class Emulator:
    """The one emulator of a run, as a worker sees it: they share no more than a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._host = folder / "host"
        self._group = folder / "group"
        self._refusal = folder / "refusal"
        self._started: subprocess.Popen[bytes] | None = None

    def host(self) -> str:
        """`host:port` of the emulator, which is started if nobody has done so."""
        with self._alone():
            if self._refusal.exists():
                _cannot(self._refusal.read_text())
            if not self._host.exists():
                self._start()
            return self._host.read_text()

    def stop(self) -> None:
        """Stops what any worker has started.

        gcloud starts a shell and that one Java, and neither ends with gcloud: only as a group can
        they be stopped.
        """
        if self._group.exists():
            for sign in (signal.SIGTERM, signal.SIGKILL):
                with suppress(ProcessLookupError):
                    os.killpg(int(self._group.read_text()), sign)
                self._wait_for_the_end()
        shutil.rmtree(self.folder)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        with (self.folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _start(self) -> None:
        for program in ("gcloud", "java"):
            if not shutil.which(program):
                self._refuse(f"{program} is not installed, and {VARIABLE} names nothing that runs")
        output = self.folder / "output.txt"
        with held_port() as port, output.open("w") as out:
            host = f"127.0.0.1:{port}"
            self._started = subprocess.Popen(
                ["gcloud", "emulators", "firestore", "start", f"--host-port={host}"],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            self._group.write_text(str(self._started.pid))
            deadline = time.monotonic() + START_S
            while not _answers(host):
                if self._started.poll() is not None or time.monotonic() > deadline:
                    said = output.read_text(errors="replace")[-500:]
                    self._refuse(f"the Firestore emulator did not start: {said}")
                time.sleep(0.1)
        self._host.write_text(host)

    def _refuse(self, why: str) -> NoReturn:
        self._refusal.write_text(why)
        _cannot(why)

    def _wait_for_the_end(self) -> None:
        """Of gcloud, if it is a child of ours; else until nobody answers."""
        if self._started:
            with suppress(subprocess.TimeoutExpired):
                self._started.wait(timeout=STOP_S)
            return
        host = self._host.read_text() if self._host.exists() else ""
        deadline = time.monotonic() + STOP_S
        while host and _answers(host) and time.monotonic() < deadline:
            time.sleep(0.1)


def _answers(host: str) -> bool:
    try:
        with urllib.request.urlopen(f"http://{host}/", timeout=2) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _cannot(why: str) -> NoReturn:
    if os.environ.get("CI") == "true":
        pytest.fail(f"With CI=true the Firestore tests must run, but {why}.")
    pytest.skip(f"No Firestore emulator: {why}.")


# --- For pytest -----------------------------------------------------------------------------------

EMULATOR = pytest.StashKey[Emulator]()
FOLDER = "emulator_folder"


def pytest_configure(config: pytest.Config) -> None:
    """The folder is made by whoever was started by people, and its workers are told of it."""
    told: dict[str, Any] | None = getattr(config, "workerinput", None)
    if told is None:
        config.stash[EMULATOR] = Emulator(Path(tempfile.mkdtemp(prefix="emulator-")))
        signal.signal(signal.SIGTERM, signal.default_int_handler)
    else:
        config.stash[EMULATOR] = Emulator(Path(told[FOLDER]))


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """A worker is about to be started."""
    node.workerinput[FOLDER] = str(node.config.stash[EMULATOR].folder)


def pytest_unconfigure(config: pytest.Config) -> None:
    """The run is over, however it ended, and so are its workers."""
    if EMULATOR in config.stash and not hasattr(config, "workerinput"):
        config.stash[EMULATOR].stop()


@pytest.fixture(scope="session")
def firestore_emulator(request: pytest.FixtureRequest) -> Iterator[str]:
    """`host:port` of an emulator, which FIRESTORE_EMULATOR_HOST names, for child processes too."""
    if host := os.environ.get(VARIABLE):
        yield host
        return
    host = request.config.stash[EMULATOR].host()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(VARIABLE, host)
        yield host
