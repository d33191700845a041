"""The polite caller: what it repeats, what it never repeats, and how it waits."""

import asyncio
import random
from collections.abc import AsyncGenerator, Sequence

import pytest

from job.each import each, each_arriving
from job.errors import FateUnknown, RemoteDown, Withheld
from job.http.caller import Caller
from job.http.message import NoAnswer, NotSent, Request, Response
from job.jira.limits import JIRA_LIMITS
from tests.http.turnstile import Time

READ = Request(method="GET", url="http://remote/x", name="GET /x")
WRITE = Request(method="POST", url="http://remote/x", name="POST /x", repeatable=False)
Step = Response | Exception


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
    assert {type(end) for end in ended} == {error}
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
    await asyncio.sleep(0.015)  # the first is too late already, and is closing its connection
    polite.hang_up()
    done, waiting = await asyncio.wait(calls, timeout=5)
    assert not waiting
    assert {type(call.exception()) for call in done} == {FateUnknown, RemoteDown}
