"""An event loop whose time jumps to the next thing that somebody waits for.

Fifteen minutes of patience cost nothing, and neither do years; time-outs come out in the right
order, and the same seed plays the same way.
"""

import asyncio
import math
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class _Impatient(selectors.SelectSelector):
    """Never waits: tells the loop to jump over the time it would have waited."""

    def __init__(self) -> None:
        super().__init__()
        self.jumped_s = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise RuntimeError("everybody waits for somebody, and nobody for the clock")
        self.jumped_s += max(timeout, 0.0)
        return super().select(0)


class TimelessLoop(asyncio.SelectorEventLoop):
    """Starts at 0 s."""

    def __init__(self) -> None:
        self._impatient = _Impatient()
        super().__init__(self._impatient)

    def time(self) -> float:
        return self._impatient.jumped_s

    @property
    def _clock_resolution(self) -> float:
        """What asyncio adds to the time to see what is due: at least the next number that a float
        can tell from it. With a nanosecond nothing is ever due once 194 days have passed.
        """
        return max(1e-9, math.ulp(self.time()))

    @_clock_resolution.setter
    def _clock_resolution(self, of_the_machine: float) -> None:
        """The machine's clock is not asked."""


def play(story: Coroutine[Any, Any, T]) -> T:
    """Runs a coroutine on a loop of its own."""
    with asyncio.Runner(loop_factory=TimelessLoop) as runner:
        return runner.run(story)
