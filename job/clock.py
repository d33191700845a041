"""The machine's own clock.

Promises: the only file that reads the wall clock, and the one by which runs and callers sleep, so
that every test can bring a time of its own. (SQLite waits for its file by itself, and deadlines are
the event loop's.)
Does not do: time zones. Everything is UTC; people's zones are Jira's and the terminal's business.
"""

import asyncio
import time
from datetime import UTC, datetime


class SystemClock:
    """Keeps the promise of `ports.Clock` with the real time."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
