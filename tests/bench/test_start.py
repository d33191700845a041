"""How soon the first request leaves, and what is not loaded for it."""

import asyncio
import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.kit.town import open_town

pytestmark = pytest.mark.xdist_group("real_time")

STARTS_MAX = 1.3
"""So many starts of a bare process with its libraries may go by until the first request leaves."""
BARE = "import asyncio, aiohttp, msgspec, structlog"
TRIES = 20
"""The fastest of each counts: whoever shares the machine can only add to what a start takes."""
ENOUGH = 3
HEAVY = (
    "google.cloud.firestore",
    "google.cloud.secretmanager",
    "grpc",
    "functions_framework",
    "job.console.screen",
    "job.sim",
    "yaml",
    "rich",
)

TELLING = """
import atexit, json, runpy, sys
atexit.register(lambda: print(json.dumps({"event": "modules", "names": sorted(sys.modules)})))
sys.argv = ["job", "run"]
runpy.run_module("job", run_name="__main__", alter_sys=True)
"""


async def first_request_s(settings: dict[str, str]) -> float:
    """Seconds from the start of a process to the first bytes that it sends."""
    arrived: asyncio.Future[float] = asyncio.get_running_loop().create_future()

    async def note(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        if not arrived.done():
            arrived.set_result(time.monotonic())
        writer.close()

    server = await asyncio.start_server(note, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()[:2]
    began = time.monotonic()
    command = (sys.executable, "-m", "job", "run")
    job = subprocess.Popen(
        command, env={**settings, "JIRA_API_URL": f"http://{host}:{port}"}, stdout=subprocess.PIPE
    )
    with job:
        try:
            return await asyncio.wait_for(arrived, timeout=30) - began
        finally:
            job.kill()
            server.close()


def bare_start_s() -> float:
    """Seconds that a process takes which only loads the libraries that a run cannot do without."""
    began = time.monotonic()
    subprocess.run([sys.executable, "-c", BARE], check=True, timeout=60)
    return time.monotonic() - began


async def test_the_first_request_leaves_soon_after_the_libraries_are_there(tmp_path: Path) -> None:
    took_s: list[float] = []
    bare_s: list[float] = []

    def soon() -> bool:
        return min(took_s) < STARTS_MAX * min(bare_s)

    with open_town(STATE_URL=f"sqlite:///{tmp_path / 'state.db'}") as town:
        while len(took_s) < ENOUGH or not (soon() or len(took_s) >= TRIES):
            bare_s.append(bare_start_s())
            took_s.append(await first_request_s(town.settings))
    assert soon(), f"first requests after {sorted(took_s)}, bare starts {sorted(bare_s)}"


def test_a_run_with_a_file_for_memory_loads_nothing_that_only_others_need(tmp_path: Path) -> None:
    """A whole run, away from a terminal."""
    with open_town(STATE_URL=f"sqlite:///{tmp_path / 'state.db'}") as town:
        town.open_issue("csm")
        command = (sys.executable, "-c", TELLING)
        ended = subprocess.run(
            command, env=town.settings, capture_output=True, text=True, check=True, timeout=60
        )
    loaded = json.loads(ended.stdout.splitlines()[-1])["names"]
    assert "job.state.sqlite" in loaded
    assert [name for name in HEAVY if name in loaded] == []
