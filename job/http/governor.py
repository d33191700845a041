"""Decides when the next request to one remote may leave, for all its callers: pace and pauses.

Promises: never more requests at once than the limit of the moment, which starts small, grows while
answers are clean and halves when the remote complains; in no second more of one kind than allowed;
the pace that a remote turned out to give where it publishes none, and now and then a little more,
to see whether that is so; two writes to one thing are as far apart as the remote wants; nobody
leaves during a pause that holds him. A request that waits for its time slot does not occupy a
concurrency slot, and one that waits for its subject does not hold up its kind.
Does not do: reading messages; that a remote asks for a pause (Retry-After) is seen by `retry.py`.
"""

import asyncio
from collections import defaultdict
from functools import partial
from math import inf

from job.http.allowance import Allowance
from job.http.lanes import Apart, Lane
from job.http.limits import Reach, RemoteLimits
from job.http.pauses import ClosedTooLong, Pauses
from job.ports import Clock

START_AT_ONCE = 4


class Governor:
    """The turnstile in front of one remote."""

    def __init__(
        self,
        *,
        clock: Clock,
        at_once_max: int,
        limits: RemoteLimits,
        patience_s: float = inf,
    ) -> None:
        self.limit = min(START_AT_ONCE, at_once_max)
        self.refusals = 0
        """How often in a row the remote refused, with no answer between; a crowd counts once."""
        self._clock = clock
        self._at_once_max = at_once_max
        self._pauses = Pauses(patience_s=patience_s)
        self._turns = asyncio.Semaphore(self.limit)
        self._lanes: defaultdict[str, Lane] = defaultdict(partial(Lane, limits.per_second_max))
        self._written = Apart(limits.apart_s)
        self._allowance = Allowance(limits.counts_by_s) if limits.counts_by_s else None
        self._owed = 0
        self._clean = 0
        self._era = 0

    @property
    def a_minute(self) -> int | None:
        """The requests a minute that the remote turned out to allow and that we keep to; `None`
        while it is unknown.
        """
        return self._allowance.a_minute if self._allowance else None

    def turn(self, kind: str, *, subject: str = "") -> "Turn":
        """`async with` waits for a turn and holds it for the length of the block; it gives the era
        in which we left.

        Each kind is counted by itself, so a crowd of one keeps no other waiting for its second.
        `subject` is what a write changes.
        """
        return Turn(self, kind, subject)

    def pause(
        self,
        seconds: float,
        *,
        reach: Reach = Reach.EVERYBODY,
        kind: str = "",
        subject: str = "",
    ) -> None:
        """Nobody within reach of a refusal leaves for so long."""
        until = self._clock.monotonic() + seconds
        self._pauses.begin(until=until, reach=reach, kind=kind, subject=subject)

    def closed_to(self, kind: str, *, subject: str = "") -> ClosedTooLong | None:
        """What to tell whoever would have to wait longer than our patience lasts."""
        return self._pauses.too_long(now=self._clock.monotonic(), kind=kind, subject=subject)

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
            while True:
                while (wait_s := self._wait_s(kind, subject=subject)) > 0:
                    await self._clock.sleep(wait_s)
                era = await self.enter_any(kind)
                now = self._clock.monotonic()
                if self._pauses.held_s(now=now, subject=subject) <= 0:
                    break
                self.leave()  # while we waited for it, the subject's pause has begun
            self._written.note(subject, at=now)
            return era

    async def enter_any(self, kind: str) -> int:
        """Waits for the clock first and for a turn then; the first of each kind waits for all of
        its kind.

        A turn that lay idle when their number was halved is what we owe, and is never used again.
        """
        clock, lane = self._clock, self._lanes[kind]
        async with lane.gate:
            while True:
                while (wait_s := max(lane.wait_s(clock.monotonic()), self._wait_s(kind))) > 0:
                    await clock.sleep(wait_s)
                if self._allowance:
                    await self._allowance.pass_through(clock)
                await self._turns.acquire()
                while self._owed:
                    self._owed -= 1
                    await self._turns.acquire()
                now = clock.monotonic()
                if lane.wait_s(now) <= 0 and self._pauses.held_s(now=now, kind=kind) <= 0:
                    break
                self.leave()  # while we waited for it, a pause has begun
            lane.pass_through(now)
        return self._era

    def _wait_s(self, kind: str, *, subject: str = "") -> float:
        """Seconds that a pause, and the last write to the subject, still hold. Raises
        `ClosedTooLong`.
        """
        if closed := self.closed_to(kind, subject=subject):
            raise closed
        now = self._clock.monotonic()
        held_s = self._pauses.held_s(now=now, kind=kind, subject=subject)
        return max(held_s, self._written.wait_s(subject, now=now)) if subject else held_s

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
