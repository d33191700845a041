"""The turnstile in front of a remote: how many go at once, and when nobody does."""

import asyncio

from tests.http.turnstile import Time, crowd, governor


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


async def test_who_waits_for_the_clock_holds_no_turn_that_another_kind_could_use() -> None:
    time, inside = Time(), []
    turnstile = governor(time, at_once_max=2, per_second_max=1.0)

    async def hold(kind: str) -> None:
        async with turnstile.turn(kind):
            inside.append((kind, time.passed_s))

    await asyncio.gather(*map(hold, ["slow", "slow", "slow", "other", "another"]))
    assert [kind for kind, at in inside if at == 0.0] == ["slow", "other", "another"]


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
