"""The pace of each kind of request, and the distance between two writes to one ticket."""

import asyncio
from itertools import pairwise

import pytest

from tests.http.turnstile import Time, governor, left_at


@pytest.mark.parametrize("allowed", [1.0, 10.0, 100.0])
async def test_in_no_second_do_more_leave_than_allowed_and_nearly_as_many_do(
    allowed: float,
) -> None:
    time = Time()
    left = (await left_at(governor(time, at_once_max=300, per_second_max=allowed), time, size=301))[
        "any"
    ]
    most = max(sum(at <= other < at + 1.0 for other in left) for at in left)
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
