"""Writes whose client saw the connection die, and which have their effect all the same: late,
after another write, or twice.

Promises: a late write has its effect at an instant of its own, up to 20 minutes after it was sent,
even if nobody calls before a later one; what waits for another write has its effect after that one,
or after 20 minutes; what came of a second effect can be told from what the client asked for.
Does not do: carrying a write out (`api.py`).
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Final

from job.sim.faults import Faults

LATEST_S: Final = 1_200.0
"""No write is known to have come later than this."""


@dataclass(frozen=True, slots=True)
class Pending:
    """A write on its way. One that is `behind` has its effect right after any other write."""

    due_at: datetime
    number: int
    effect: Callable[[], object]
    behind: bool
    again: bool
    """Whether it has had its effect before."""


class Late:
    """The writes of one site that are still on their way."""

    def __init__(self, now: Callable[[], datetime], *, faults: Faults, draw: Random) -> None:
        self.as_of: datetime | None = None
        """The instant at which the effect happens that is being carried out; `None` for now."""
        self.repeats = False
        """Whether what is being carried out has had its effect before."""
        self._now = now
        self._faults = faults
        self._random = draw
        self._pending: list[Pending] = []
        self._sent = 0

    def __bool__(self) -> bool:
        """Whether anything is still on its way."""
        return bool(self._pending)

    def now(self) -> datetime:
        """The site's time, as whoever is being served sees it."""
        return self.as_of or self._now()

    def takes(self, effect: Callable[[], object]) -> bool:
        """Whether a write that was just sent shall have this effect later, and its client hear
        nothing.
        """
        if self._faults.strikes("late"):
            self._send(effect, within_s=LATEST_S)
            return True
        if self._faults.strikes("after_another"):
            self._send(effect, within_s=0.0, behind=True)
            return True
        if self._faults.strikes("twice"):
            effect()
            self._send(effect, within_s=LATEST_S, again=True)
            return True
        return False

    def catch_up(self) -> None:
        """Lets everything have its effect whose time has come."""
        now = self._now()
        while due := [pending for pending in self._pending if pending.due_at <= now]:
            self._land(min(due, key=lambda pending: (pending.due_at, pending.number)), at=None)

    def written(self) -> None:
        """Another write has had its effect."""
        for pending in [pending for pending in self._pending if pending.behind]:
            self._land(pending, at=self._now())

    def _send(
        self,
        effect: Callable[[], object],
        *,
        within_s: float,
        behind: bool = False,
        again: bool = False,
    ) -> None:
        self._sent += 1
        after_s = LATEST_S if behind else self._random.uniform(0.0, within_s)
        due_at = self._now() + timedelta(seconds=after_s)
        self._pending.append(Pending(due_at, self._sent, effect, behind, again))

    def _land(self, pending: Pending, *, at: datetime | None) -> None:
        self._pending.remove(pending)
        self.as_of, self.repeats = at or pending.due_at, pending.again
        try:
            pending.effect()
        finally:
            self.as_of, self.repeats = None, False
