"""Runs that meet each other, and one that is asked to stop while it writes: real processes,
vendors as slow as life.
"""

import asyncio
import signal
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from job.flow.lease import LEASE
from tests.kit.town import END_S, finished, open_town

pytestmark = pytest.mark.xdist_group("real_time")

ISSUES = 20
CLOUD_RUN_GIVES_S = 10.0
SETTINGS = {"NEW_ISSUE_STATUS": "In Progress", "JIRA_CONCURRENCY_MAX": "1"}
"""Once the tickets are there, each gets a transition, one after the other: seconds in which
others can act.
"""


async def test_a_second_process_says_who_holds_the_lease_and_until_when_and_leaves(
    tmp_path: Path,
) -> None:
    with open_town(seed=1, STATE_URL=f"sqlite:///{tmp_path}/state.db", **SETTINGS) as town:
        for _ in range(ISSUES):
            town.open_issue("csm")
        first = town.start()
        while not town.tickets():
            await asyncio.sleep(0.1)
        second = await town.run()
        held = second.only("lease.held")
        assert (second.exit_code, held["severity"]) == (0, "INFO")
        assert timedelta(0) < datetime.fromisoformat(held["until"]) - datetime.now(UTC) < LEASE
        assert held["holder"] in held["message"]
        done = finished(first).only("run.finished")
        assert (done["run_id"], done["created"]) == (held["holder"], ISSUES)
        assert town.wrong_at_rest() == []


async def test_sigterm_between_creates_ends_the_run_in_time_and_the_next_one_does_the_rest(
    tmp_path: Path,
) -> None:
    with open_town(seed=1, STATE_URL=f"sqlite:///{tmp_path}/state.db", **SETTINGS) as town:
        for _ in range(ISSUES):
            town.open_issue("csm")
        process = town.start()
        deadline = time.monotonic() + END_S
        while not town.tickets() and time.monotonic() < deadline:
            await asyncio.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        asked_at = time.monotonic()
        stopped = await asyncio.to_thread(finished, process)
        assert time.monotonic() - asked_at < CLOUD_RUN_GIVES_S
        assert stopped.exit_code == 0
        assert stopped.only("run.finished")["deferred"] > 0
        rest = await town.run()  # which would find the lease held, had it not been given back
        assert rest.only("run.finished")["deferred"] == 0
        assert town.wrong_at_rest() == []
        assert {ticket["status"] for ticket in town.tickets()} == {"In Progress"}
