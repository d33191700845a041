"""Decides when the next request to one remote may leave; all its callers share one.

Promises: never more requests at once than the limit of the moment, which starts small, grows while
answers are clean and halves when the remote complains; in no second more of one kind than allowed;
the pace that a remote turned out to give where it publishes none, and now and then a little more,
to see whether that is so; two writes to one ticket are a tenth of a second apart; nobody leaves
during a pause that the remote asked for. Who waits for the clock holds no turn that somebody else
could use. It knows nothing of messages.
"""

import asyncio
from collections import Counter, defaultdict
from functools import partial
from math import inf
from weakref import WeakValueDictionary

from job.ports import Clock

START_AT_ONCE = 4
BURST = 0.1
"""The part of a second's allowance that may leave at one instant."""
TOGETHER = 0.5
"""The part of a burst that gathers before any of a waiting crowd leaves. The pace is the same, but
who wakes up for each single request spends more on waking up than on the request.
"""
APART_S = 0.1
"""Jira lets one ticket have 20 writes in 2 seconds (developer.atlassian.com, "Rate limiting",
per-issue writes).
"""


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


class ClosedTooLong(Exception):
    """The remote asked for a pause that is longer than our patience."""


class Governor:
    """The turnstile in front of one remote. `counts_by_s` is over how long it counts, if it does
    not say how far.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        at_once_max: int,
        per_second_max: float,
        patience_s: float = inf,
        counts_by_s: float | None = None,
    ) -> None:
        self.limit = min(START_AT_ONCE, at_once_max)
        self.refusals = 0
        """How often in a row the remote refused, with no answer between; a crowd counts once."""
        self._clock = clock
        self._at_once_max = at_once_max
        self._patience_s = patience_s
        self._turns = asyncio.Semaphore(self.limit)
        self._lanes: defaultdict[str, Lane] = defaultdict(partial(Lane, per_second_max))
        self._written = Apart()
        self._allowance = Allowance(counts_by_s) if counts_by_s else None
        self._owed = 0
        self._clean = 0
        self._era = 0
        self._closed_until = clock.monotonic()

    @property
    def a_minute(self) -> int | None:
        """The requests a minute that the remote turned out to allow and that we keep to; `None`
        while it is unknown.
        """
        return self._allowance.a_minute if self._allowance else None

    def turn(self, kind: str, *, subject: str = "") -> "Turn":
        """`async with` waits for a turn and holds it for the length of the block; it gives the era
        in which we left.

        Jira counts each endpoint by itself, so a crowd of one kind keeps no other kind waiting for
        its second. `subject` is what a write changes.
        """
        return Turn(self, kind, subject)

    def pause(self, seconds: float) -> None:
        """Nobody leaves for so long."""
        self._closed_until = max(self._closed_until, self._clock.monotonic() + seconds)

    def note_answer(self) -> None:
        """An answer, clean or with a word of warning, but no refusal."""
        self.refusals = 0
        if self._allowance:
            self._allowance.note_answer(self._clock.monotonic())

    def praise(self) -> None:
        """A clean answer: one more may go at once, which doubles the limit with each round of
        answers.

        Once the remote has complained we know about where its own limit is, and grow by one a
        round.
        """
        self._clean += 1
        if self._clean >= (self.limit if self._era else 1) and self.limit < self._at_once_max:
            self._clean = 0
            self.limit += 1
            self.leave()

    def complain(self, era: int, *, refused: bool = False) -> None:
        """A complaint: half as many at once. Those of one crowd, which left in the same era, count
        once.
        """
        if era == self._era:
            halved = max(1, self.limit // 2)
            self._owed += self.limit - halved
            self.limit = halved
            self._era += 1
            self.refusals += refused
            if refused and self._allowance:
                self._allowance.measure(self._clock.monotonic())
        self._clean = 0

    async def enter(self, kind: str, subject: str) -> int:
        """Waits until we may write to the subject, holding a turn then. Raises `ClosedTooLong`."""
        async with self._written.gate(subject):
            if (wait_s := self._written.wait_s(subject, now=self._clock.monotonic())) > 0:
                await self._clock.sleep(wait_s)
            era = await self.enter_any(kind)
            self._written.note(subject, at=self._clock.monotonic())
            return era

    async def enter_any(self, kind: str) -> int:
        """Waits for the clock first and for a turn then; the first of each kind waits for all of
        its kind.

        A turn that lay idle when their number was halved is what we owe, and is never used again.
        """
        clock, lane = self._clock, self._lanes[kind]
        async with lane.gate:
            while True:
                while (wait_s := self._wait_s(lane, now=clock.monotonic())) > 0:
                    await clock.sleep(wait_s)
                if self._allowance:
                    await self._allowance.pass_through(clock)
                await self._turns.acquire()
                while self._owed:
                    self._owed -= 1
                    await self._turns.acquire()
                now = clock.monotonic()
                if self._wait_s(lane, now=now) <= 0:
                    break
                self.leave()  # while we waited for it, a pause has begun
            lane.pass_through(now)
        return self._era

    def _wait_s(self, lane: "Lane", *, now: float) -> float:
        closed_s = self._closed_until - now
        if closed_s > self._patience_s:
            raise ClosedTooLong(f"it asks for a pause of {closed_s:.0f} s")
        return max(lane.wait_s(now), closed_s)

    def leave(self) -> None:
        """Gives a turn back."""
        if self._owed:
            self._owed -= 1
        else:
            self._turns.release()


class Turn:
    """A turn that is waited for and given back by a block."""

    __slots__ = ("_governor", "_kind", "_subject")

    def __init__(self, governor: Governor, kind: str, subject: str) -> None:
        self._governor = governor
        self._kind = kind
        self._subject = subject

    async def __aenter__(self) -> int:
        if self._subject:
            return await self._governor.enter(self._kind, self._subject)
        return await self._governor.enter_any(self._kind)

    async def __aexit__(self, *_: object) -> None:
        self._governor.leave()


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


class Apart:
    """Lets the writes to one ticket leave one by one, with a while between them."""

    def __init__(self) -> None:
        self._gates: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._free_at: dict[str, float] = {}

    def gate(self, subject: str) -> asyncio.Lock:
        """Who holds it is the only one to leave; the others wait until he has left."""
        return self._gates.setdefault(subject, asyncio.Lock())

    def wait_s(self, subject: str, *, now: float) -> float:
        """Seconds until the ticket may be written to again."""
        return self._free_at.get(subject, now) - now

    def note(self, subject: str, *, at: float) -> None:
        """A write leaves at this instant. Tickets that may be written to again are forgotten."""
        while self._free_at and self._free_at[oldest := next(iter(self._free_at))] <= at:
            del self._free_at[oldest]
        self._free_at[subject] = at + APART_S
