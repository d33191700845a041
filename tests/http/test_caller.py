"""The polite caller: what it repeats, what it never repeats, and how it waits."""

import asyncio
import random
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from job.each import each, each_arriving
from job.errors import FateUnknown, RemoteDown, Withheld
from job.http.caller import Caller
from job.http.governor import Governor
from job.http.message import NoAnswer, NotSent, Request, Response
from job.http.retry import asked_pause_s, pause_s
from job.jira.limits import JIRA_LIMITS
from tests.kit.builders import limits

READ = Request(method="GET", url="http://remote/x", name="GET /x")
WRITE = Request(method="POST", url="http://remote/x", name="POST /x", repeatable=False)
START = datetime(2026, 3, 1, 12, tzinfo=UTC)
Step = Response | Exception


class Time:
    """A clock that jumps to where its sleepers want to be."""

    def __init__(self) -> None:
        self.passed_s = 0.0

    def now(self) -> datetime:
        return START + timedelta(seconds=self.passed_s)

    def monotonic(self) -> float:
        return self.passed_s

    async def sleep(self, seconds: float) -> None:
        until = self.passed_s + seconds
        await asyncio.sleep(0)
        self.passed_s = max(self.passed_s, until)


class Script:
    """A transport that answers from a script; the last line is repeated."""

    def __init__(self, *steps: Step) -> None:
        self.steps: list[Step] = list(steps)
        self.sent = 0

    async def send(self, request: Request) -> Response:
        step = self.steps.pop(0) if len(self.steps) > 1 else self.steps[0]
        self.sent += 1
        if isinstance(step, Exception):
            raise step
        return step


def answer(status: int = 200, **headers: str) -> Response:
    return Response(
        status=status,
        headers={name.replace("_", "-"): value for name, value in headers.items()},
        body=b"{}",
    )


def caller(transport: Script, *, time: Time | None = None, at_once_max: int = 8) -> Caller:
    return Caller(
        remote="jira",
        transport=transport,
        clock=time or Time(),
        at_once_max=at_once_max,
        limits=JIRA_LIMITS,
        rng=random.Random(7),
    )


@pytest.mark.parametrize("status", [200, 201, 204, 302, 400, 401, 403, 404, 409, 410, 413, 422])
async def test_an_answer_that_says_something_is_handed_on_at_once(status: int) -> None:
    script = Script(answer(status))
    assert (await caller(script).call(WRITE)).status == status
    assert script.sent == 1


@pytest.mark.parametrize(
    "trouble", [answer(500), answer(503), answer(408), NoAnswer("reset"), NotSent("refused")]
)
async def test_a_read_is_repeated_until_it_is_answered(trouble: Step) -> None:
    script = Script(trouble, trouble, answer(200))
    assert (await caller(script).call(READ)).status == 200
    assert script.sent == 3


@pytest.mark.parametrize(
    "trouble", [answer(500), answer(502), answer(503), answer(504), answer(408), NoAnswer("reset")]
)
async def test_a_write_that_may_have_arrived_is_never_sent_again(trouble: Step) -> None:
    script = Script(trouble, answer(201))
    with pytest.raises(FateUnknown):
        await caller(script).call(WRITE)
    assert script.sent == 1


@pytest.mark.parametrize("trouble", [answer(429), NotSent("connection refused")])
async def test_a_write_that_surely_did_not_happen_is_sent_again(trouble: Step) -> None:
    script = Script(trouble, answer(201))
    assert (await caller(script).call(WRITE)).status == 201
    assert script.sent == 2


async def test_patience_has_an_end_and_says_what_happened() -> None:
    script, time = Script(answer(503)), Time()
    with pytest.raises(
        RemoteDown, match=r"answered 503 \(attempt \d+, the last\)\. The next run tries again\."
    ):
        await caller(script, time=time).call(READ)
    assert script.sent > 3
    assert time.passed_s <= 120


async def test_every_attempt_is_counted_by_name() -> None:
    polite = caller(Script(answer(500), answer(200)))
    await polite.call(READ)
    assert polite.spent == {"GET /x": 2}


async def test_a_slow_answer_is_no_answer() -> None:
    class Slow(Script):
        async def send(self, request: Request) -> Response:
            self.sent += 1
            await asyncio.sleep(60)
            return answer()

    slow = Slow(answer())
    with pytest.raises(FateUnknown, match=r"no answer within 0\.01 s"):
        await caller(slow).call(
            Request(method="POST", url="", name="POST /x", repeatable=False, deadline_s=0.01)
        )
    assert slow.sent == 1


@pytest.mark.parametrize(("request_", "error"), [(READ, RemoteDown), (WRITE, FateUnknown)])
async def test_who_hangs_up_waits_for_nothing_any_more(
    request_: Request, error: type[Exception]
) -> None:
    class Silent(Script):
        async def send(self, request: Request) -> Response:
            self.sent += 1
            await asyncio.sleep(3600)
            return answer()

    silent = Silent(answer())
    polite = caller(silent)
    calls = [asyncio.create_task(polite.call(request_)) for _ in range(20)]
    await asyncio.sleep(0.05)
    polite.hang_up()
    ended = await asyncio.gather(*calls, polite.call(request_), return_exceptions=True)
    assert {type(one) for one in ended} == {error}
    assert silent.sent < 20, "some still waited for their turn"


async def test_retry_after_holds_every_caller_of_the_remote() -> None:
    time = Time()
    script = Script(answer(429, retry_after="17"), answer(200))
    polite = caller(script, time=time)
    await polite.call(READ)
    assert time.passed_s >= 17
    script.steps = [answer(200)]
    before = time.passed_s
    await polite.call(READ)
    assert time.passed_s - before < 1


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("5", 5.0),
        ("0.5", 0.5),
        ("Sun, 01 Mar 2026 12:00:30 GMT", 30.0),
        ("soon", None),
        ("", None),
        ("-3", 0.0),
    ],
)
def test_retry_after_is_a_number_or_a_date(text: str, seconds: float | None) -> None:
    refusal = answer(429, retry_after=text)
    assert asked_pause_s(refusal, now=START, limits=JIRA_LIMITS) == seconds


def test_pauses_double_to_a_bound_and_never_undercut_what_was_asked() -> None:
    plain = [
        pause_s(attempt, asked_s=None, scatter=0.5, limits=JIRA_LIMITS) for attempt in range(1, 7)
    ]
    assert plain == [2.0, 4.0, 8.0, 16.0, 30.0, 30.0]
    assert pause_s(1, asked_s=60.0, scatter=0.0, limits=JIRA_LIMITS) == 60.0


async def test_results_come_in_the_order_of_the_items_and_never_more_than_allowed_at_once() -> None:
    under_way, most = 0, 0

    async def work(item: int) -> int:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0.001 * (5 - item % 5))
        under_way -= 1
        return item * 10

    results: Sequence[int] = await caller(Script(answer()), at_once_max=3).each(work, range(20))
    assert results == [item * 10 for item in range(20)]
    assert most == 3


async def test_the_first_error_is_raised_as_itself() -> None:
    async def work(item: int) -> int:
        if item == 3:
            raise RemoteDown("jira", "working", "It broke.")
        await asyncio.sleep(0.01)
        return item

    with pytest.raises(RemoteDown):
        await caller(Script(answer())).each(work, range(20))


async def cancelled_from_within(item: int) -> int:
    if item == 3:
        raise asyncio.CancelledError
    await asyncio.sleep(0)
    return item


async def arriving(many: int) -> AsyncGenerator[int, None]:
    for item in range(many):
        yield item


@pytest.mark.parametrize("at_once", [1, 2, 8])
@pytest.mark.parametrize("many", [4, 20])
async def test_work_that_is_cancelled_from_within_is_not_taken_for_work_that_is_done(
    many: int, at_once: int
) -> None:
    async def for_its_effect(item: int) -> None:
        await cancelled_from_within(item)

    with pytest.raises(RuntimeError, match="cancelled by somebody else"):
        await each(cancelled_from_within, range(many), at_once=at_once)
    with pytest.raises(RuntimeError, match="cancelled by somebody else"):
        await asyncio.wait_for(
            each_arriving(for_its_effect, arriving(many), at_once=at_once), timeout=5
        )


async def test_work_that_is_cancelled_from_outside_ends_as_cancelled() -> None:
    waiting = asyncio.create_task(each(asyncio.sleep, [3600.0] * 3, at_once=2))
    await asyncio.sleep(0.01)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting


# --- What one caller learns, all of them heed -----------------------------------------------------

LIMITED, OVERLOADED, NEAR = answer(429), answer(503), answer(200, x_ratelimit_nearlimit="true")


@pytest.mark.parametrize("complaint", [LIMITED, OVERLOADED, NEAR])
@pytest.mark.parametrize("request_", [READ, WRITE])
async def test_any_word_of_a_limit_halves_what_goes_at_once(
    complaint: Response, request_: Request
) -> None:
    script = Script(answer())
    polite = caller(script, at_once_max=16)
    for _ in range(16):
        await polite.call(READ)
    assert polite._governor.limit == 16
    script.steps = [complaint, answer()]
    await asyncio.gather(polite.call(request_), return_exceptions=True)
    assert polite._governor.limit == 8


@pytest.mark.parametrize("status", [200, 201, 204, 400, 404, 409])
async def test_a_clean_answer_lets_one_more_go_at_once(status: int) -> None:
    polite = caller(Script(answer(status)))
    await polite.call(READ)
    assert polite._governor.limit == 5


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("request_", [READ, WRITE])
async def test_a_pause_that_one_is_asked_for_holds_the_others(
    status: int, request_: Request
) -> None:
    time, script = Time(), Script(answer(status, retry_after="17"), answer())
    polite = caller(script, time=time)
    asked = asyncio.create_task(polite.call(request_))
    while script.sent == 0:
        await asyncio.sleep(0)
    await polite.call(READ)
    assert time.passed_s >= 17
    await asyncio.gather(asked, return_exceptions=True)


@pytest.mark.parametrize("seconds", ["600", "inf"])
async def test_nobody_waits_for_a_turn_behind_a_pause_that_outlasts_our_patience(
    seconds: str,
) -> None:
    time, script = Time(), Script(answer(429, retry_after=seconds), answer())
    polite = caller(script, time=time)
    with pytest.raises(RemoteDown, match="answered 429"):
        await polite.call(WRITE)
    with pytest.raises(RemoteDown, match="asks for a pause of"):
        await polite.call(WRITE)
    assert time.passed_s <= 120
    assert script.sent == 1


async def test_the_guard_is_asked_for_each_attempt_after_the_wait_for_its_turn() -> None:
    time, script, asked_at = Time(), Script(answer(429, retry_after="60"), answer(201)), []

    async def guard() -> None:
        asked_at.append(time.passed_s)

    assert (await caller(script, time=time).call(WRITE, guard=guard)).status == 201
    assert asked_at == [0.0, pytest.approx(60.0)]


async def test_what_the_guard_withholds_is_not_sent_and_leaves_its_turn_to_others() -> None:
    script = Script(answer())
    polite = caller(script, at_once_max=1)

    async def guard() -> None:
        raise Withheld("We stop.")

    with pytest.raises(Withheld):
        await polite.call(WRITE, guard=guard)
    assert script.sent == polite.spent.total() == 0
    assert (await asyncio.wait_for(polite.call(READ), timeout=5)).status == 200


async def test_hanging_up_ends_every_call_even_when_the_deadline_of_one_has_just_passed() -> None:
    class Silent(Script):
        async def send(self, request: Request) -> Response:
            try:
                await asyncio.sleep(3600)
            finally:
                await asyncio.sleep(0.01)  # closing a connection takes a while
            return answer()

    polite = caller(Silent(answer()))
    late = Request(method="POST", url="", name="POST /late", repeatable=False, deadline_s=0.01)
    calls = [asyncio.create_task(polite.call(request)) for request in (late, WRITE, READ)]
    await asyncio.sleep(
        0.015
    )  # the deadline of the first has passed, and it is closing its connection
    polite.hang_up()
    done, waiting = await asyncio.wait(calls, timeout=5)
    assert not waiting
    assert {type(call.exception()) for call in done} == {FateUnknown, RemoteDown}


# --- The governor ---------------------------------------------------------------------------------


def governor(time: Time, *, at_once_max: int = 10, per_second_max: float = 1000.0) -> Governor:
    allowed = limits(per_second_max=per_second_max)
    return Governor(clock=time, at_once_max=at_once_max, limits=allowed)


async def crowd(
    turnstile: Governor,
    *,
    size: int,
    during: Callable[[int, int], Awaitable[None]],
    kinds: Sequence[str] = ("any",),
) -> int:
    """Sends a crowd through and returns the most that were inside at once."""
    inside, most = 0, 0

    async def one(place: int) -> None:
        nonlocal inside, most
        async with turnstile.turn(kinds[place % len(kinds)]) as era:
            inside += 1
            most = max(most, inside)
            await during(place, era)
            inside -= 1

    await asyncio.gather(*(one(place) for place in range(size)))
    return most


async def test_it_starts_small_and_doubles_with_each_clean_round_up_to_its_bound() -> None:
    turnstile, limits = governor(Time(), at_once_max=30), []

    async def clean(_place: int, _era: int) -> None:
        await asyncio.sleep(0)
        turnstile.praise()

    for size in (4, 8, 16, 32):
        limits.append(turnstile.limit)
        assert await crowd(turnstile, size=size, during=clean) <= 30
    assert limits == [4, 8, 16, 30]


async def test_after_a_complaint_it_grows_by_one_a_round() -> None:
    turnstile, limits = governor(Time()), []
    turnstile.complain(0)
    for _ in range(7):
        limits.append(turnstile.limit)
        turnstile.praise()
    assert limits == [2, 2, 3, 3, 3, 4, 4]


async def test_a_complaint_halves_and_a_crowd_of_complaints_halves_once() -> None:
    turnstile, all_inside = governor(Time(), at_once_max=4), asyncio.Barrier(4)

    async def complain(_place: int, era: int) -> None:
        await all_inside.wait()
        turnstile.complain(era)

    await crowd(turnstile, size=4, during=complain)
    assert turnstile.limit == 2

    async def calm(_place: int, _era: int) -> None:
        await asyncio.sleep(0)

    assert await crowd(turnstile, size=20, during=calm) == 2


async def test_turns_that_lie_idle_when_their_number_is_halved_are_not_used_any_more() -> None:
    turnstile = governor(Time(), at_once_max=32)
    for _ in range(28):
        turnstile.praise()
    async with turnstile.turn("any") as era:
        turnstile.complain(era)
    assert turnstile.limit == 16

    async def calm(_place: int, _era: int) -> None:
        await asyncio.sleep(0)

    assert await crowd(turnstile, size=100, during=calm) == 16
    for _ in range(16):
        turnstile.praise()
    assert await crowd(turnstile, size=100, during=calm) == turnstile.limit == 17


async def left_at(
    turnstile: Governor, time: Time, *, size: int, kinds: Sequence[str] = ("any",)
) -> dict[str, list[float]]:
    """When each of a crowd left, by kind."""
    left: dict[str, list[float]] = {kind: [] for kind in kinds}

    async def note(place: int, _era: int) -> None:
        left[kinds[place % len(kinds)]].append(time.passed_s)
        await asyncio.sleep(0)

    await crowd(turnstile, size=size, during=note, kinds=kinds)
    return left


@pytest.mark.parametrize("allowed", [1.0, 10.0, 100.0])
async def test_in_no_second_do_more_leave_than_allowed_and_nearly_as_many_do(
    allowed: float,
) -> None:
    time = Time()
    left = (await left_at(governor(time, at_once_max=300, per_second_max=allowed), time, size=301))[
        "any"
    ]
    most = max(sum(at <= one < at + 1.0 for one in left) for at in left)
    assert most <= allowed
    assert left[-1] == pytest.approx(300 / (0.9 * allowed), rel=0.05)


async def test_a_tenth_of_a_second_s_allowance_may_leave_together() -> None:
    time = Time()
    left = (await left_at(governor(time, per_second_max=100.0), time, size=20))["any"]
    assert left.count(0.0) in {9, 10}  # by rounding


async def test_a_bucket_that_nobody_used_for_long_holds_no_more_than_one_burst() -> None:
    time = Time()
    turnstile = governor(time, per_second_max=100.0)
    await left_at(turnstile, time, size=1)
    time.passed_s = 1_000.0
    assert (await left_at(turnstile, time, size=20))["any"].count(1_000.0) in {9, 10}


async def test_a_waiting_crowd_leaves_in_groups_of_half_a_burst() -> None:
    time = Time()
    left = (await left_at(governor(time, per_second_max=100.0), time, size=110))["any"]
    assert len(set(left)) <= 1 + 110 // 5


async def test_one_kind_of_request_does_not_use_up_the_seconds_of_another() -> None:
    time = Time()
    left = await left_at(
        governor(time, per_second_max=10.0), time, size=102, kinds=("comment", "move")
    )
    assert [times[-1] for times in left.values()] == [pytest.approx(50 / 9, rel=0.05)] * 2


async def test_who_waits_for_the_clock_holds_no_turn_that_another_kind_could_use() -> None:
    time, inside = Time(), []
    turnstile = governor(time, at_once_max=2, per_second_max=1.0)

    async def hold(kind: str) -> None:
        async with turnstile.turn(kind):
            inside.append((kind, time.passed_s))

    await asyncio.gather(*map(hold, ["slow", "slow", "slow", "other", "another"]))
    assert [kind for kind, at in inside if at == 0.0] == ["slow", "other", "another"]


async def test_two_writes_to_one_ticket_are_a_tenth_of_a_second_apart() -> None:
    time, left = Time(), []
    turnstile = governor(time)

    async def write(subject: str) -> None:
        async with turnstile.turn("comment", subject=subject):
            left.append((subject, time.passed_s))

    await asyncio.gather(*map(write, ["1", "1", "2", "1"]))
    assert sorted(left) == [
        ("1", 0.0),
        ("1", pytest.approx(0.1)),
        ("1", pytest.approx(0.2)),
        ("2", 0.0),
    ]
    time.passed_s = 5.0
    await write("1")
    assert left[-1] == ("1", 5.0)


@pytest.mark.parametrize("holds", ["pause", "lane"])
async def test_two_writes_to_one_ticket_stay_apart_whatever_held_them_both(holds: str) -> None:
    time, left = Time(), []
    turnstile = governor(time, per_second_max=1_000.0 if holds == "pause" else 1.0)

    async def write(subject: str) -> None:
        async with turnstile.turn("comment", subject=subject):
            left.append(time.passed_s)

    if holds == "pause":
        turnstile.pause(5)
    else:
        await asyncio.gather(*map(write, "abc"))
        left.clear()
    await asyncio.gather(*map(write, ["1", "1", "1", "1"]))
    assert left[0] >= 2
    assert min(later - sooner for sooner, later in pairwise(left)) >= 0.1 - 1e-9


async def test_nobody_leaves_during_a_pause() -> None:
    time = Time()
    turnstile = governor(time)
    turnstile.pause(30)
    left: list[float] = []

    async def note(_place: int, _era: int) -> None:
        left.append(time.passed_s)
        await asyncio.sleep(0)

    await crowd(turnstile, size=12, during=note)
    assert min(left) >= 30


async def test_a_pause_that_begins_while_we_wait_for_a_turn_is_kept_as_well() -> None:
    time, left = Time(), []
    turnstile = governor(time, at_once_max=1)

    async def complain(place: int, _era: int) -> None:
        left.append(time.passed_s)
        await asyncio.sleep(0)
        if not place:
            turnstile.pause(17)

    await crowd(turnstile, size=3, during=complain)
    assert left[0] == 0.0
    assert min(left[1:]) >= 17
