"""Whom a pause holds, how long it is, and what becomes of calls that nobody should wait for."""

import asyncio
import random
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import pytest

from job.each import each
from job.errors import RemoteDown
from job.http.caller import Caller
from job.http.governor import Governor
from job.http.limits import Reach, RemoteLimits
from job.http.message import NoAnswer, NotSent, Request, Response
from job.http.retry import asked_pause_s, pause_after
from tests.kit.builders import limits
from tests.kit.timeless import play

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
EPOCH_S = int(NOW.timestamp())
LIMITS = limits(
    reason_header="x-why",
    reset_header="x-again-at",
    reaches={"busy-door": Reach.KIND, "busy-thing": Reach.SUBJECT},
)
READ = Request(method="GET", url="http://remote/x", name="GET /x")


def write(subject: str = "", *, name: str = "POST /x") -> Request:
    return Request(
        method="POST", url="http://remote/x", name=name, repeatable=False, subject=subject
    )


def answer(status: int = 200, **headers: str) -> Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(status=status, headers=named, body=b"{}")


class LoopClock:
    """The loop's time, which a timeless loop jumps through."""

    def now(self) -> datetime:
        return datetime.fromtimestamp(EPOCH_S + self.monotonic(), UTC)

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class Remote:
    """Answers by a rule after a hundredth of a second, and remembers when what was sent."""

    def __init__(self, rule: Callable[[Request, int], Response | Exception]) -> None:
        self.rule = rule
        self.sent: list[tuple[float, Request]] = []

    async def send(self, request: Request) -> Response:
        self.sent.append((asyncio.get_running_loop().time(), request))
        result = self.rule(request, len(self.sent))
        await asyncio.sleep(0.01)
        if isinstance(result, Exception):
            raise result
        return result


def caller(remote: Remote, *, at_once_max: int = 16, allowed: RemoteLimits = LIMITS) -> Caller:
    return Caller(
        remote="jira",
        transport=remote,
        clock=LoopClock(),
        at_once_max=at_once_max,
        limits=allowed,
        rng=random.Random(7),
    )


def refusing_once(refusal: Response) -> Remote:
    """Refuses the first request and answers all others."""
    return Remote(lambda _, number: refusal if number == 1 else answer(201))


async def ended_at(polite: Caller, requests: Sequence[Request]) -> list[float]:
    """Calls the first, then all others beside it; when each was answered."""
    clock = LoopClock()

    async def call(request: Request) -> float:
        if request is not requests[0]:
            await asyncio.sleep(0.02)
        await polite.call(request)
        return clock.monotonic()

    return await each(call, requests, at_once=len(requests))


# --- Whom it holds --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reason", "held"),
    [
        ("busy-thing", {"same"}),
        ("Busy-Thing ", {"same"}),
        ("busy-door", {"same", "other thing"}),
        ("used-up", {"same", "other thing", "other door"}),
        ("", {"same", "other thing", "other door"}),
    ],
)
def test_a_refusal_holds_whom_it_means(reason: str, held: set[str]) -> None:
    async def story() -> None:
        others = {
            "same": write("1"),
            "other thing": write("2"),
            "other door": write("3", name="POST /y"),
        }
        remote = refusing_once(answer(429, retry_after="17", x_why=reason))
        ends = await ended_at(caller(remote), [write("1"), *others.values()])
        assert ends[0] >= 17
        assert {name for name, end in zip(others, ends[1:], strict=True) if end >= 17} == held
        assert all(end < 1 or end >= 17 for end in ends)

    play(story())


def test_a_refusal_of_one_thing_holds_the_same_thing_at_every_door() -> None:
    async def story() -> None:
        remote = refusing_once(answer(429, retry_after="17", x_why="busy-thing"))
        ends = await ended_at(caller(remote), [write("1"), write("1", name="POST /y")])
        assert min(ends) >= 17

    play(story())


def test_a_refusal_of_one_thing_that_has_no_name_holds_the_refused_request_alone() -> None:
    async def story() -> None:
        remote = refusing_once(answer(429, retry_after="17", x_why="busy-thing"))
        ends = await ended_at(caller(remote), [write(), write(), write("1")])
        assert ends[0] >= 17
        assert max(ends[1:]) < 1

    play(story())


def test_sixty_writes_of_which_one_is_refused_are_fifty_nine_that_do_not_notice() -> None:
    async def story() -> None:
        def rule(request: Request, _: int) -> Response:
            too_soon = request.subject == "7" and asyncio.get_running_loop().time() < 20
            return answer(429, retry_after="20", x_why="busy-thing") if too_soon else answer(201)

        ends = await ended_at(caller(Remote(rule)), [write(str(place)) for place in range(60)])
        assert ends.pop(7) >= 20
        assert max(ends) < 2

    play(story())


@pytest.mark.parametrize(("reason", "limit"), [("busy-thing", 16), ("busy-door", 8), ("", 8)])
def test_only_a_refusal_of_one_thing_leaves_what_goes_at_once_as_it_is(
    reason: str, limit: int
) -> None:
    async def story() -> None:
        remote = Remote(lambda *_: answer(201))
        polite = caller(remote)
        for _ in range(16):
            await polite.call(READ)
        remote.rule = lambda *_: answer(429, retry_after="600", x_why=reason)
        with pytest.raises(RemoteDown):
            await polite.call(write("1"))
        assert polite._governor.limit == limit

    play(story())


def test_refusals_of_one_thing_do_not_lengthen_the_pauses_of_others() -> None:
    async def story() -> None:
        remote = Remote(lambda *_: answer(429, x_why="busy-thing"))
        polite = caller(remote)
        with pytest.raises(RemoteDown):
            await polite.call(write("1"))
        assert polite._governor.refusals == 0

    play(story())


@pytest.mark.parametrize(
    ("reason", "wait_s"), [("busy-thing", 2.0), ("busy-door", 30.0), ("", 30.0)]
)
def test_the_pause_of_one_thing_grows_with_its_own_refusals_alone(
    reason: str, wait_s: float
) -> None:
    refusal = answer(429, x_why=reason)
    pause = pause_after(refusal, attempt=1, refusals=5, scatter=0.5, now=NOW, limits=LIMITS)
    assert pause.wait_s == wait_s


def test_an_answer_with_a_warning_ends_a_row_of_refusals() -> None:
    async def story() -> None:
        near = limits(near_limit_header="x-near")
        remote = refusing_once(answer(429))
        polite = caller(remote, allowed=near)
        remote.rule = lambda _, number: answer(429) if number == 1 else answer(201, x_near="true")
        await polite.call(READ)
        assert polite._governor.refusals == 0

    play(story())


def test_a_pause_of_one_thing_that_begins_while_a_write_to_it_waits_for_its_turn_is_kept() -> None:
    async def story() -> None:
        clock, left = LoopClock(), []
        turnstile = Governor(clock=clock, at_once_max=1, limits=LIMITS)

        async def leave(kind: str, *, subject: str = "") -> None:
            async with turnstile.turn(kind, subject=subject):
                left.append((kind, clock.monotonic()))
                await asyncio.sleep(1.0)

        async def pause() -> None:
            await asyncio.sleep(0.5)
            turnstile.pause(17, reach=Reach.SUBJECT, subject="1")

        async with asyncio.TaskGroup() as group:
            group.create_task(leave("a"))
            group.create_task(leave("b", subject="1"))
            group.create_task(pause())
        assert left == [("a", 0.0), ("b", pytest.approx(17.5))]
        await asyncio.wait_for(leave("a"), timeout=5)

    play(story())


# --- A pause that outlasts our patience -----------------------------------------------------------


@pytest.mark.parametrize("reason", ["", "busy-door"])
def test_who_waits_when_a_pause_without_end_begins_waits_no_more(reason: str) -> None:
    async def story() -> None:
        pauses = {1: "100", 2: "3600"}

        def rule(_: Request, number: int) -> Response:
            return answer(429, retry_after=pauses.get(number, "3600"), x_why=reason)

        remote, clock = Remote(rule), LoopClock()
        polite = caller(remote)
        requests = [write(str(place)) for place in range(20)]
        calls = [asyncio.create_task(polite.call(request)) for request in requests[:2]]
        await asyncio.sleep(0.005)
        calls += [asyncio.create_task(polite.call(request)) for request in requests[2:]]
        ended = await asyncio.gather(*calls, return_exceptions=True)
        assert clock.monotonic() < 1
        assert len(remote.sent) < 20
        for error in ended:
            assert isinstance(error, RemoteDown)
            assert error.not_done
            assert error.others_go_on is bool(reason)

    play(story())


def test_a_pause_without_end_of_one_door_leaves_the_others_their_turns() -> None:
    async def story() -> None:
        refusal = answer(429, retry_after="3600", x_why="busy-door")
        remote = Remote(lambda request, _: answer() if request.name == "GET /x" else refusal)
        polite, clock = caller(remote, at_once_max=2), LoopClock()
        calls = [asyncio.create_task(polite.call(write(str(place)))) for place in range(12)]
        await asyncio.gather(*calls, return_exceptions=True)
        for _ in range(12):
            await polite.call(READ)
        assert clock.monotonic() < 1

    play(story())


def test_a_write_that_is_on_its_way_when_such_a_pause_begins_gets_its_answer() -> None:
    async def story() -> None:
        remote = Remote(
            lambda _, number: answer(201) if number == 2 else answer(429, retry_after="3600")
        )
        polite = caller(remote)
        refused, done = await asyncio.gather(
            polite.call(write("1")), polite.call(write("2")), return_exceptions=True
        )
        assert isinstance(refused, RemoteDown)
        assert isinstance(done, Response)

    play(story())


# --- What is known of a request that came to nothing ----------------------------------------------

REFUSED, BROKEN, RESET, CUT = answer(429), answer(500), NoAnswer("reset"), NotSent("no address")


@pytest.mark.parametrize(
    ("results", "status", "not_done"),
    [
        ([REFUSED], 429, True),
        ([CUT], 0, True),
        ([CUT, REFUSED], 429, True),
        ([BROKEN], 500, False),
        ([RESET], 0, False),
        ([BROKEN, REFUSED], 429, False),
        ([RESET, CUT], 0, False),
        ([REFUSED, BROKEN], 500, False),
    ],
)
def test_it_says_how_it_was_answered_last_and_whether_it_was_surely_not_done(
    results: list[Response | Exception], status: int, not_done: bool
) -> None:
    async def story() -> None:
        remote = Remote(lambda _, number: results[min(number, len(results)) - 1])
        with pytest.raises(RemoteDown) as caught:
            await caller(remote).call(READ)
        assert (caught.value.status, caught.value.not_done) == (status, not_done)
        assert not caught.value.others_go_on

    play(story())


# --- How long it is -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reset", "seconds"),
    [
        ("2026-03-01T12:00:45Z", 45.0),
        ("2026-03-01T12:01Z", 60.0),
        ("2026-03-01T14:01+02:00", 60.0),
        ("2026-03-01T12:01:00", 60.0),
        (str(EPOCH_S + 30), 30.0),
        (f"{EPOCH_S + 30}.5", 30.5),
        ("2026-01-01T00:00Z", None),
        (str(EPOCH_S - 1), None),
        ("0", None),
        (f"{EPOCH_S + 30}000", None),
        ("9" * 400, None),
        ("9999-12-31T23:59-23:59", None),
        ("soon", None),
        ("", None),
    ],
)
def test_where_no_pause_is_named_the_reset_of_the_limit_says_how_long(
    reset: str, seconds: float | None
) -> None:
    assert asked_pause_s(answer(429, x_again_at=reset), now=NOW, limits=LIMITS) == seconds


def test_a_pause_that_is_named_outweighs_the_reset() -> None:
    refusal = answer(429, retry_after="5", x_again_at=str(EPOCH_S + 3_600))
    assert asked_pause_s(refusal, now=NOW, limits=LIMITS) == 5.0


@pytest.mark.parametrize("status", [200, 408, 500, 503])
def test_the_reset_of_a_limit_that_was_not_met_says_nothing(status: int) -> None:
    calm = answer(status, x_again_at=str(EPOCH_S + 3_600))
    assert asked_pause_s(calm, now=NOW, limits=LIMITS) is None


def test_a_remote_that_knows_no_reset_is_not_asked_for_one() -> None:
    refusal = answer(429, x_again_at=str(EPOCH_S + 3_600), x_ratelimit_reset=str(EPOCH_S + 3_600))
    assert asked_pause_s(refusal, now=NOW, limits=limits()) is None


def test_a_reset_holds_everybody_as_a_named_pause_does() -> None:
    async def story() -> None:
        remote = refusing_once(answer(429, x_again_at=str(EPOCH_S + 17)))
        assert min(await ended_at(caller(remote), [write("1"), READ])) >= 17

    play(story())
