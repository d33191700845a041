"""A remote that counts by the minute and does not say how far: what its refusals teach, whatever way it counts."""

import asyncio
import random
from collections import deque
from collections.abc import Awaitable, Callable
from itertools import pairwise

import pytest
from structlog.testing import capture_logs

from job.http.caller import Caller
from job.http.message import Request, Response
from tests.simulation.kit import LoopClock
from tests.simulation.timeless import play

READ = Request(method="GET", url="http://remote/x", name="GET /x")
ANSWER_S = 0.12
MINUTE_S = 60.0


def now() -> float:
    return asyncio.get_running_loop().time()


class CalendarMinute:
    """Allows so many in each minute of the clock."""

    def __init__(self, allowed: int) -> None:
        self.allowed = allowed
        self._minute, self._taken = -1, 0

    def takes(self) -> bool:
        if (minute := int(now() // MINUTE_S)) != self._minute:
            self._minute, self._taken = minute, 0
        self._taken += 1
        return self._taken <= self.allowed


class LastMinute:
    """Allows so many in any 60 s, and does not count what it refuses."""

    def __init__(self, allowed: int) -> None:
        self.allowed = allowed
        self._taken: deque[float] = deque()

    def takes(self) -> bool:
        while self._taken and self._taken[0] <= now() - MINUTE_S:
            self._taken.popleft()
        if len(self._taken) >= self.allowed:
            return False
        self._taken.append(now())
        return True


class Bucket:
    """Allows so many at once, and fills up again within a minute."""

    def __init__(self, allowed: int) -> None:
        self.allowed = allowed
        self._left, self._at = float(allowed), 0.0

    def takes(self) -> bool:
        self._left = min(self.allowed, self._left + (now() - self._at) * self.allowed / MINUTE_S)
        self._at = now()
        if self._left < 1:
            return False
        self._left -= 1
        return True


Counting = CalendarMinute | LastMinute | Bucket


class Remote:
    """A transport to a remote that counts, and its diary."""

    def __init__(self, counting: Counting, *, retry_after: str = "") -> None:
        self.counting = counting
        self.answered_at: list[float] = []
        self.refused_at: list[float] = []
        self._headers = {"retry-after": retry_after} if retry_after else {}

    async def send(self, request: Request) -> Response:
        taken = self.counting.takes()
        (self.answered_at if taken else self.refused_at).append(now())
        await asyncio.sleep(ANSWER_S)
        return Response(status=200 if taken else 429, headers={} if taken else self._headers, body=b"{}")


def polite(remote: Remote) -> Caller:
    return Caller(
        remote="halo",
        transport=remote,
        clock=LoopClock(),
        at_once_max=10,
        per_second_max=100.0,
        rng=random.Random(3),
        counts_by_s=MINUTE_S,
    )


def after(delay_s: float, story: Callable[[], Awaitable[None]]) -> None:
    """Begins somewhere in a minute of the vendor's clock."""

    async def late() -> None:
        await asyncio.sleep(delay_s)
        await story()

    play(late())


@pytest.mark.parametrize("begins_s", [0.0, 20.0, 55.0])
@pytest.mark.parametrize("allowed", [120, 300, 1000])
@pytest.mark.parametrize("kind", [CalendarMinute, LastMinute, Bucket])
def test_it_is_over_the_limit_while_it_finds_it_and_never_again(
    kind: Callable[[int], Counting], allowed: int, begins_s: float
) -> None:
    remote = Remote(kind(allowed))

    async def story() -> None:
        caller, began = polite(remote), now()
        await caller.each(lambda _: caller.call(READ), range(8 * allowed))
        assert len(remote.refused_at) <= 40 + 0.15 * allowed
        assert remote.refused_at[-1] - began <= 5 * MINUTE_S, "found by three measurements at most"
        assert now() - began <= 10 * MINUTE_S, "eight minutes are needed; a tenth of the pace is kept back"

    after(begins_s, story)


def test_what_it_gave_in_a_minute_is_kept_to_in_every_later_one() -> None:
    remote = Remote(CalendarMinute(300))

    async def story() -> None:
        caller = polite(remote)
        with capture_logs() as said:
            await caller.each(lambda _: caller.call(READ), range(2_000))
        assert (said[0]["a_minute"], said[-1]["a_minute"]) == (None, 267), "the log tells why a run is slow"
        known = [at for at in remote.answered_at if at > remote.refused_at[-1]]
        minutes = [sum(at <= one < at + MINUTE_S for one in known) for at in known if at <= known[-1] - MINUTE_S]
        assert min(minutes) >= 262
        assert max(minutes) <= 268

    after(0.0, story)


def test_a_refusal_in_the_first_minute_is_waited_for_and_teaches_nothing() -> None:
    """Somebody else may have used that minute up, or our last run."""
    remote = Remote(CalendarMinute(3_000))

    async def story() -> None:
        caller = polite(remote)
        await asyncio.sleep(30)
        while remote.counting.takes():
            pass
        began = now()
        await caller.each(lambda _: caller.call(READ), range(1_000))
        assert remote.refused_at
        assert now() - began <= 30 + 30 + 20, "to the end of the minute, one pause too long, and at full speed"

    after(0.0, story)


def test_who_uses_it_up_for_a_while_does_not_hold_us_for_the_rest_of_a_run() -> None:
    remote = Remote(CalendarMinute(3_000))

    async def story() -> None:
        caller, began = polite(remote), now()

        async def glutton() -> None:
            await asyncio.sleep(4.9 * MINUTE_S)
            for _ in range(2):
                while remote.counting.takes():
                    pass
                await asyncio.sleep(MINUTE_S)

        other = asyncio.create_task(glutton())
        await caller.each(lambda _: caller.call(READ), range(20_000))
        await other
        assert now() - began <= 16 * MINUTE_S, "seven minutes without the glutton, and half the pace after it"

    after(0.0, story)


def test_while_it_refuses_whoever_comes_the_pauses_grow() -> None:
    remote = Remote(CalendarMinute(0))

    async def story() -> None:
        caller = polite(remote)
        calls = [asyncio.create_task(caller.call(READ)) for _ in range(40)]
        await asyncio.sleep(MINUTE_S)
        assert len(remote.refused_at) <= 4 + 2 + 1 + 1 + 1 + 1, "after pauses of 2, 4, 8, 16 and 30 s"
        for call in calls:
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)

    after(0.0, story)


def test_a_pause_that_the_remote_asks_for_is_kept_to_as_well() -> None:
    remote = Remote(CalendarMinute(300), retry_after="20")

    async def story() -> None:
        caller = polite(remote)
        await caller.each(lambda _: caller.call(READ), range(1_500))
        between = [later - sooner for sooner, later in pairwise(remote.refused_at) if later - sooner > 2 * ANSWER_S]
        assert between
        assert min(between) >= 20

    after(0.0, story)
