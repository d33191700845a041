"""A crowd at the turnstile of one remote, and a clock that jumps to where its sleepers want to be.

Does not do: time in which somebody waits for anything but the clock (`tests/kit/timeless.py`).
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta

from job.http.governor import Governor
from tests.kit.builders import limits

START = datetime(2026, 3, 1, 12, tzinfo=UTC)


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

    async def pass_through(place: int) -> None:
        nonlocal inside, most
        async with turnstile.turn(kinds[place % len(kinds)]) as era:
            inside += 1
            most = max(most, inside)
            await during(place, era)
            inside -= 1

    await asyncio.gather(*(pass_through(place) for place in range(size)))
    return most


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
