"""Runs that meet each other or are asked to stop, as real processes with real latency."""

import asyncio
import signal
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from job.lease import LEASE
from tests.kill.town import END_S, finished, open_town


async def test_a_second_process_says_who_holds_the_lease_and_until_when_and_leaves(tmp_path: Path) -> None:
    with open_town(STATE_URL=f"sqlite:///{tmp_path}/state.db") as town:
        town.open_issue("csm")
        first = town.start()
        assert first.stdout
        begun = first.stdout.readline()
        await asyncio.sleep(0.5)
        second = await town.run()
        held = second.only("lease.held")
        assert (second.exit_code, held["severity"]) == (0, "INFO")
        assert held["holder"] in begun
        assert timedelta(0) < datetime.fromisoformat(held["until"]) - datetime.now(UTC) < LEASE
        assert held["holder"] in held["message"]
        assert finished(first).only("run.finished")["created"] == 1
        assert len(town.tickets()) == 1


@pytest.mark.parametrize("issues", [120])
async def test_sigterm_in_the_middle_of_writing_ends_a_run_in_ten_seconds_and_the_next_one_does_the_rest(
    tmp_path: Path, issues: int
) -> None:
    with open_town(STATE_URL=f"sqlite:///{tmp_path}/state.db", NEW_ISSUE_STATUS="In Progress") as town:
        for _ in range(issues):
            town.open_issue("csm")
        process = town.start()
        deadline = time.monotonic() + END_S
        while not town.tickets() and time.monotonic() < deadline:
            await asyncio.sleep(0.1)
        process.send_signal(signal.SIGTERM)
        asked = time.monotonic()
        stopped = await asyncio.to_thread(finished, process)
        took_s = time.monotonic() - asked
        print(f"stopped within {took_s:.1f} s: {stopped.only('run.finished')}")
        assert stopped.exit_code == 0
        rest = await town.run()
        assert rest.exit_code == 0
        print(rest.only("run.finished"))
        assert town.wrong_at_rest() == []
        assert took_s < 10
