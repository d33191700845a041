"""How many requests a remote allows where it publishes no number: measured, kept to, tried again.

Promises: nothing is held back until the remote has refused; then its own answers are the measure,
and after clean periods the pace grows again.
Does not do: anything where the remote's limits are known (`lanes.py`).
"""

import asyncio
from collections import Counter
from math import inf

from job.ports import Clock

KEPT = 0.9
"""The part of what a remote turned out to give that we ask it for."""


SLOWEST = 1.0
"""Requests a second, where a measure says less: nobody shall wait for a turn until the token is too
old.
"""


LATE_S = 0.1
"""How far behind its pace a request may leave and the next yet follow in time: we always wake up a
little late.
"""


NO_GAP_S = 0.001
"""A pace that has outgrown this is none any more."""


CLEAN, GROWTH, DOUBLINGS = 3, 0.05, 5
"""After so many periods without a refusal the pace grows by a twentieth, and then by twice as much
each time.
"""


class Allowance:
    """What a remote gives in each of its periods: unknown until it refuses, then measured, kept to,
    and tried again.

    The measure is what it answered in the last period. It may be far too little, when others used
    the remote up or we had asked for little, so the pace grows again: slowly at first, for as a
    rule the measure is right.
    """

    def __init__(self, period_s: float) -> None:
        self._period_s = period_s
        self._line = asyncio.Lock()
        self._answers: Counter[int] = Counter()
        """Of the last period at least, by the second in which they came."""
        self._measured_at = inf
        """Or the time when we began, until then."""
        self._turned_at = inf
        """When the last period ended that is over."""
        self._clean = 0
        """Periods in a row without a refusal."""
        self._gap_s = 0.0
        self._free_at = -inf

    @property
    def a_minute(self) -> int | None:
        """The pace that is kept to, in requests a minute, or `None`."""
        return round(60.0 / self._gap_s) if self._gap_s else None

    async def pass_through(self, clock: Clock) -> None:
        """Waits until one more may leave, first come, first served. A little lateness is made up
        for.
        """
        async with self._line:
            while (wait_s := self._free_at - clock.monotonic()) > 0:
                await clock.sleep(wait_s)
            now = clock.monotonic()
            self._free_at = max(self._free_at, now - LATE_S) + self._gap_s
            self._measured_at, self._turned_at = (
                min(self._measured_at, now),
                min(self._turned_at, now),
            )

    def note_answer(self, now: float) -> None:
        """The remote gave one of those that it counts."""
        self._answers[int(now)] += 1
        if now - self._turned_at >= self._period_s:
            self._turned_at = now
            self._clean += 1
            self._forget(before=now - self._period_s)
            if self._clean >= CLEAN:
                self._gap_s /= 1.0 + GROWTH * 2.0 ** min(self._clean - CLEAN, DOUBLINGS)
                if self._gap_s < NO_GAP_S:
                    self._gap_s = 0.0

    def measure(self, now: float) -> None:
        """It refused. That tells nothing until a whole period has gone by, nor if nothing was
        answered in it.
        """
        self._turned_at, self._clean = now, 0
        if now - self._measured_at >= self._period_s and (lately := self._lately(now)):
            self._gap_s = 1.0 / (KEPT * max(lately / self._period_s, SLOWEST))
            self._measured_at = now

    def _lately(self, now: float) -> int:
        """What was answered in the period that ends now."""
        self._forget(before=now - self._period_s)
        return self._answers.total()

    def _forget(self, *, before: float) -> None:
        self._answers = Counter(
            {second: many for second, many in self._answers.items() if second > before}
        )
