"""A remote that counts by the minute and does not say how far: what its refusals teach, whatever
way it counts.
"""

import asyncio
import random
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Sequence
from itertools import count, pairwise

import pytest
from structlog.testing import capture_logs

from job.http.allowance import Allowance
from job.http.caller import Caller
from job.http.message import Request, Response
from job.ports import Clock
from tests.kit.builders import limits
from tests.kit.timeless import play
from tests.kit.tube import LoopClock

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
        return Response(
            status=200 if taken else 429, headers={} if taken else self._headers, body=b"{}"
        )


def polite(remote: Remote, *, clock: Clock | None = None) -> Caller:
    return Caller(
        remote="halo",
        transport=remote,
        clock=clock or LoopClock(),
        at_once_max=10,
        limits=limits(counts_by_s=MINUTE_S),
        rng=random.Random(3),
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
def test_it_is_over_the_limit_while_it_finds_it_and_seldom_later(
    kind: Callable[[int], Counting], allowed: int, begins_s: float
) -> None:
    remote = Remote(kind(allowed))

    async def story() -> None:
        caller, began = polite(remote), now()
        await caller.each(lambda _: caller.call(READ), range(30 * allowed))
        later = [at for at in remote.refused_at if at - began > 5 * MINUTE_S]
        assert len(remote.refused_at) - len(later) <= 60 + 0.15 * allowed
        assert len(later) <= 50, "two a minute, where it was one every two seconds"
        assert now() - began <= 35 * MINUTE_S, "half an hour is needed"

    after(begins_s, story)


def test_what_it_gave_in_a_minute_is_kept_to_and_tried_again_after_three() -> None:
    remote = Remote(CalendarMinute(300))

    async def story() -> None:
        caller = polite(remote)
        with capture_logs() as said:
            await caller.each(lambda _: caller.call(READ), range(2_000))
        assert (said[0]["a_minute"], said[-1]["a_minute"]) == (None, 284), (
            "the log tells why a run is slow"
        )
        known = [at for at in remote.answered_at if 180 <= at < 420]
        minutes = [
            sum(at <= answered < at + MINUTE_S for answered in known)
            for at in known
            if at <= known[-1] - MINUTE_S
        ]
        assert min(minutes) >= 0.87 * 300
        assert max(minutes) <= 1.06 * 300

    after(0.0, story)


def test_who_wakes_up_late_each_time_keeps_the_pace() -> None:
    class Sleepy(LoopClock):
        async def sleep(self, seconds: float) -> None:
            await super().sleep(seconds + 0.03)

    remote = Remote(CalendarMinute(1_000))

    async def story() -> None:
        caller = polite(remote, clock=Sleepy())
        await caller.each(lambda _: caller.call(READ), range(5_000))
        assert 860 <= sum(180 <= at < 240 for at in remote.answered_at) <= 910

    after(0.0, story)


def test_kinds_that_share_what_is_given_take_turns() -> None:
    remote = Remote(CalendarMinute(300))

    async def story() -> None:
        caller = polite(remote)
        kinds = [
            Request(method="GET", url="", name=name) for name in ("GET /a", "GET /b", "GET /c") * 16
        ]
        answered: Counter[str] = Counter()

        async def keep_asking(request: Request) -> None:
            while True:
                await caller.call(request)
                answered[request.name] += now() > 3 * MINUTE_S

        asking = [asyncio.create_task(keep_asking(kind)) for kind in kinds]
        await asyncio.sleep(15 * MINUTE_S)
        for task in asking:
            task.cancel()
        await asyncio.gather(*asking, return_exceptions=True)
        assert min(answered.values()) >= 0.95 * max(answered.values())

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
        assert now() - began <= 30 + 30 + 20, (
            "to the end of the minute, one pause too long, and at full speed"
        )

    after(0.0, story)


class Glutton:
    """Somebody else, who uses a remote's minutes up at certain times."""

    def __init__(self, counting: CalendarMinute, *, at_s: Sequence[float]) -> None:
        self._counting, self._at_s = counting, at_s

    async def eat(self) -> None:
        for at in self._at_s:
            await asyncio.sleep(at - now())
            while self._counting.takes():
                pass


@pytest.mark.parametrize(
    ("at_s", "begins_s", "calls", "minutes"),
    [
        ((0.0, 60.0), 45.0, 1_500, 5),
        (tuple(300.0 + 600.0 * number for number in range(6)), 0.0, 60_000, 45),
    ],
    ids=["while we begin", "again and again"],
)
def test_who_uses_it_up_for_a_while_does_not_hold_us_for_the_rest_of_a_run(
    at_s: Sequence[float], begins_s: float, calls: int, minutes: int
) -> None:
    counting = CalendarMinute(3_000)
    remote = Remote(counting)

    async def story() -> None:
        other = asyncio.create_task(Glutton(counting, at_s=at_s).eat())
        await asyncio.sleep(begins_s)
        caller = polite(remote)
        await caller.each(lambda _: caller.call(READ), range(calls))
        assert now() <= minutes * MINUTE_S
        other.cancel()

    after(0.0, story)


def test_a_refusal_after_a_while_in_which_we_asked_for_nothing_is_no_measure() -> None:
    counting = CalendarMinute(3_000)
    remote = Remote(counting)

    async def story() -> None:
        caller = polite(remote)
        await caller.each(lambda _: caller.call(READ), range(100))
        await asyncio.sleep(10 * MINUTE_S)
        await Glutton(counting, at_s=(now(),)).eat()
        began = now()
        await caller.each(lambda _: caller.call(READ), range(3_000))
        assert now() - began <= 3 * MINUTE_S

    after(0.0, story)


def test_a_measure_that_was_taken_while_we_asked_for_little_is_outgrown() -> None:
    counting = CalendarMinute(3_000)
    remote = Remote(counting)

    async def story() -> None:
        caller = polite(remote)
        for _ in range(100):
            await caller.call(READ)
            await asyncio.sleep(2)
        await Glutton(counting, at_s=(now(),)).eat()
        began = now()
        with capture_logs() as said:
            await caller.each(lambda _: caller.call(READ), range(9_000))
        assert said[0]["a_minute"] == 54, "the measure was 28, and one a second is the least"
        assert now() - began <= 15 * MINUTE_S, "at that pace it would take 167 minutes"

    after(0.0, story)


def test_while_it_refuses_whoever_comes_the_pauses_grow() -> None:
    remote = Remote(CalendarMinute(0))

    async def story() -> None:
        caller = polite(remote)
        calls = [asyncio.create_task(caller.call(READ)) for _ in range(40)]
        await asyncio.sleep(MINUTE_S)
        assert len(remote.refused_at) <= 4 + 2 + 1 + 1 + 1 + 1, (
            "after pauses of 2, 4, 8, 16 and 30 s"
        )
        for call in calls:
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)

    after(0.0, story)


def test_a_pause_that_the_remote_asks_for_is_kept_to_as_well() -> None:
    remote = Remote(CalendarMinute(300), retry_after="20")

    async def story() -> None:
        caller = polite(remote)
        await caller.each(lambda _: caller.call(READ), range(1_500))
        between = [
            later - sooner
            for sooner, later in pairwise(remote.refused_at)
            if later - sooner > 2 * ANSWER_S
        ]
        assert between
        assert min(between) >= 20

    after(0.0, story)


def test_answers_near_the_limit_are_answers() -> None:
    """They halve what goes at once, but it does not refuse whoever comes."""
    numbers = count()

    class Near(Remote):
        async def send(self, request: Request) -> Response:
            await asyncio.sleep(ANSWER_S)
            if next(numbers) % 30:
                return Response(status=200, headers={"x-ratelimit-nearlimit": "true"}, body=b"{}")
            return Response(status=429, headers={}, body=b"{}")

    async def story() -> None:
        caller = polite(Near(CalendarMinute(0)))
        await caller.each(lambda _: caller.call(READ), range(600))
        assert now() <= 180, (
            "answers take 70 s, and 21 refusals a pause of two or four seconds each"
        )

    after(0.0, story)


def test_the_wait_for_its_turn_uses_up_nobody_s_patience() -> None:
    remote, troubles = Remote(Bucket(60)), [503]

    class Troubled(Remote):
        async def send(self, request: Request) -> Response:
            if request.name == "GET /late" and troubles:
                return Response(status=troubles.pop(), headers={}, body=b"")
            return await remote.send(request)

    async def story() -> None:
        caller = polite(Troubled(remote.counting))
        crowd = [asyncio.create_task(caller.call(READ)) for _ in range(400)]
        await asyncio.sleep(90)
        queued = [asyncio.create_task(caller.call(READ)) for _ in range(100)]
        late = Request(method="GET", url="", name="GET /late")
        assert (await caller.call(late)).status == 200
        await asyncio.gather(*crowd, *queued)

    after(0.0, story)


def test_a_pace_that_is_never_refused_again_is_forgotten() -> None:
    allowance = Allowance(MINUTE_S)
    play(allowance.pass_through(LoopClock()))
    allowance.note_answer(MINUTE_S)
    allowance.measure(MINUTE_S)
    paces = []
    for minute in range(2, 1_500):
        allowance.note_answer(minute * MINUTE_S)
        paces.append(allowance.a_minute)
    assert paces[:3] == [54, 54, 57]
    assert paces[20:] == [None] * len(paces[20:])
