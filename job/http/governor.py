"""Decides when the next request to one remote may leave; all its callers share one.

Promises: never more requests at once than the limit of the moment, which starts small, grows while answers are clean
and halves when the remote complains; never more of one kind a second than allowed; nobody leaves during a pause that
the remote asked for. It knows nothing of messages.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from job.ports import Clock

START_AT_ONCE = 4


class Governor:
    """The turnstile in front of one remote."""

    def __init__(self, *, clock: Clock, at_once_max: int, per_second_max: float) -> None:
        self._clock = clock
        self._at_once_max = at_once_max
        self._spacing_s = 1.0 / per_second_max
        self.limit = min(START_AT_ONCE, at_once_max)
        self._turns = asyncio.Semaphore(self.limit)
        self._owed = 0
        self._clean = 0
        self._era = 0
        self._next_at: defaultdict[str, float] = defaultdict(clock.monotonic)
        self._closed_until = clock.monotonic()

    @asynccontextmanager
    async def turn(self, kind: str) -> AsyncIterator[int]:
        """Waits for its turn and holds it for the length of the block. Yields the era in which it left.

        Remotes count each endpoint by itself, so a crowd of one kind keeps no other kind waiting for its second.
        """
        await self._turns.acquire()
        try:
            await self._wait(kind)
            yield self._era
        finally:
            self._give_back()

    def pause(self, seconds: float) -> None:
        """Nobody leaves for so long."""
        self._closed_until = max(self._closed_until, self._clock.monotonic() + seconds)

    def praise(self) -> None:
        """A clean answer: one more may go at once, which doubles the limit with each round of answers.

        Once the remote has complained we know about where its own limit is, and grow by one a round.
        """
        self._clean += 1
        if self._clean >= (self.limit if self._era else 1) and self.limit < self._at_once_max:
            self._clean = 0
            self.limit += 1
            self._give_back()

    def complain(self, era: int) -> None:
        """A complaint: half as many at once. Those of one crowd, which left in the same era, count once."""
        if era == self._era:
            halved = max(1, self.limit // 2)
            self._owed += self.limit - halved
            self.limit = halved
            self._era += 1
        self._clean = 0

    async def _wait(self, kind: str) -> None:
        now = self._clock.monotonic()
        slot = max(now, self._next_at[kind])
        self._next_at[kind] = slot + self._spacing_s
        if slot > now:
            await self._clock.sleep(slot - now)
        while (closed_s := self._closed_until - self._clock.monotonic()) > 0:
            await self._clock.sleep(closed_s)

    def _give_back(self) -> None:
        if self._owed:
            self._owed -= 1
        else:
            self._turns.release()
