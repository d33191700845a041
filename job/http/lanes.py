"""The pace of one kind of request, and the distance between two writes to one thing.

Promises: nothing here reads a clock; but for the locks that the governor waits on it is pure.
Does not do: waiting (`governor.py`).
"""

import asyncio
from weakref import WeakValueDictionary

BURST = 0.1
"""The part of a second's allowance that may leave at one instant."""


TOGETHER = 0.5
"""The part of a burst that gathers before any of a waiting crowd leaves. The pace is the same, but
who wakes up for each single request spends more on waking up than on the request.
"""


class Lane:
    """The requests of one kind: a token bucket, which holds a burst when it is full."""

    def __init__(self, per_second_max: float) -> None:
        self.gate = asyncio.Lock()
        burst = max(1.0, per_second_max * BURST)
        self._refill_s = 1.0 / (per_second_max * (1.0 - BURST))
        self._burst_s = (burst - 1.0) * self._refill_s
        self._filled_at = float("-inf")
        """When the bucket holds a token."""

    def wait_s(self, now: float) -> float:
        """Seconds until the next may pass: zero or less as long as there is a token, else until
        there are some.
        """
        empty_s = self._filled_at - now
        return empty_s + TOGETHER * self._burst_s if empty_s > 0 else empty_s

    def pass_through(self, now: float) -> None:
        """Takes a token. No more of them gather than one burst, however long nobody came."""
        self._filled_at = max(self._filled_at, now - self._burst_s) + self._refill_s


class Apart:
    """Lets the writes to one thing leave one by one, with a while between them."""

    def __init__(self, apart_s: float) -> None:
        self._apart_s = apart_s
        self._gates: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._free_at: dict[str, float] = {}

    def gate(self, subject: str) -> asyncio.Lock:
        """Who holds it is the only one to leave; the others wait until he has left."""
        return self._gates.setdefault(subject, asyncio.Lock())

    def wait_s(self, subject: str, *, now: float) -> float:
        """Seconds until the subject may be written to again."""
        return self._free_at.get(subject, now) - now

    def note(self, subject: str, *, at: float) -> None:
        """A write leaves at this instant. Subjects that may be written to again are forgotten."""
        while self._free_at and self._free_at[oldest := next(iter(self._free_at))] <= at:
            del self._free_at[oldest]
        self._free_at[subject] = at + self._apart_s
