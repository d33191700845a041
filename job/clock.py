"""The machine's own clock: the only file that reads the time, and by which runs sleep.

Promises: whoever needs the time or a pause is handed a clock and takes it from there, so that every
test can bring a time of its own. (SQLite waits for its file by itself, and deadlines are the event
loop's.)
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
