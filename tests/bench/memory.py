"""What the job remembers of 200,000 listed issues: `python -m tests.bench.memory [--issues N]`.

Three cases: all of them known and settled (`run`), all of them swept (`run --sweep`), which reads
every ticket as well, and all of them new (`plan`). The peak is the kernel's, of a process that does
nothing else.
"""

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from job.core.ids import Fingerprint, IssueId, TicketId, TicketKey
from job.core.memory import Changes, Link, Watermark
from job.halo.bodies import issue
from job.state.sqlite import open_sqlite
from tests.bench.crowd import Crowd, issue_id, ticket_id
from tests.bench.stage import WITNESS
from tests.kit.builders import link

PEAK_MB_MAX = 250
A_COMMIT = 400


@contextmanager
def crowd(many: int) -> Iterator[dict[str, str]]:
    """The vendors, in a process of their own; the settings that lead to them."""
    command = (sys.executable, "-m", "tests.bench.crowd", str(many))
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as vendors:
        try:
            assert vendors.stdout
            told = json.loads(vendors.stdout.readline())
            yield told["credentials"] | {
                "JIRA_API_URL": told["url"],
                "HALO_API_HOSTNAME": told["url"],
            }
        finally:
            vendors.terminate()


async def remember(path: Path, *, many: int, swept_at: datetime) -> None:
    """A memory in which every issue has its ticket and is settled."""
    rows, now = Crowd(many), datetime.now(UTC)
    async with open_sqlite(path) as store:
        lease = await store.take_lease(
            "0-of-1", holder="bench", now=now, until=now + timedelta(hours=1)
        )
        mark = Watermark(at=now - timedelta(days=3_000), swept_at=swept_at)
        await store.commit(lease, Changes(watermark=mark))
        for start in range(0, many, A_COMMIT):
            numbers = range(start, min(start + A_COMMIT, many))
            await store.commit(
                lease, Changes(links=tuple(settled(rows, number) for number in numbers))
            )
        await store.release_lease(lease)


def settled(rows: Crowd, number: int) -> Link:
    return link(
        issue_id=IssueId(issue_id(number)),
        ticket_id=TicketId(ticket_id(number)),
        ticket_key=TicketKey(f"SEC-{number + 1}"),
        version=issue(rows.row(number)).version,
        fingerprint=Fingerprint("f" * 64),
    )


def environ(vendors: dict[str, str], *, state: Path) -> dict[str, str]:
    return vendors | {
        "PATH": os.environ["PATH"],
        "HALO_API_KEY": "a1b2c3d4",
        "HALO_API_SECRET_KEY": "0123456789abcdef",
        "JIRA_ISSUE_ID_FIELD": "customfield_10010",
        "JIRA_PROJECT_KEY": "SEC",
        "JIRA_ISSUE_TYPE": "Bug",
        "ISSUE_CLOSE_TRANSITION": "Done",
        "ISSUE_REOPEN_TRANSITION": "Reopen",
        "ISSUE_STATUS_CLOSED": "Done",
        "STATE_URL": f"sqlite:///{state}",
        "SWEEP_EVERY": "0",
    }


def peak(vendors: dict[str, str], *args: str, state: Path) -> dict[str, Any]:
    """One process, and what it cost."""
    command = (sys.executable, "-c", WITNESS, *args)
    log = state.with_suffix(".log")
    with log.open("w") as said:
        told = subprocess.run(
            command,
            env=environ(vendors, state=state),
            stdout=subprocess.PIPE,
            stderr=said,
            check=True,
        )
    seen: dict[str, Any] = json.loads(told.stdout)
    if seen["exit_code"]:
        raise RuntimeError(f"{args} ended with {seen['exit_code']}: {log.read_text()[-2000:]}")
    return seen


def measure(many: int) -> dict[str, dict[str, Any]]:
    """The three cases."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, crowd(many) as vendors:
        known, new = Path(folder) / "known.db", Path(folder) / "new.db"
        asyncio.run(remember(known, many=many, swept_at=datetime.now(UTC)))
        return {
            "settled": peak(vendors, "run", state=known),
            "swept": peak(vendors, "run", "--sweep", state=known),
            "new": peak(vendors, "plan", "--since", "all", state=new),
        }


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.memory", description=__doc__)
    parser.add_argument("--issues", type=int, default=200_000)
    found = measure(parser.parse_args().issues)
    for name, seen in found.items():
        took = f"{seen['wall_s']:.0f} s, CPU {seen['cpu_s']:.0f} s"
        print(f"{name:>8}: {seen['peak_mb']:.0f} MB, {took}", flush=True)
    return 1 if any(seen["peak_mb"] > PEAK_MB_MAX for seen in found.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
