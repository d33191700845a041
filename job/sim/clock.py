"""The vendors' time: real or standing still, and always movable by hand.

Promises: aware UTC instants that never go backward unless someone moves them.
Does not do: sleeping. Whoever drives the simulation decides how time passes.
"""

from datetime import UTC, datetime, timedelta


class SimClock:
    """Call it for the time. Without a start it follows the machine's clock plus whatever was
    advanced.
    """

    def __init__(self, start: datetime | None = None) -> None:
        self._stands_at = start
        self._ahead = timedelta()

    def __call__(self) -> datetime:
        return (self._stands_at or datetime.now(UTC)) + self._ahead

    def advance(self, seconds: float) -> None:
        self._ahead += timedelta(seconds=seconds)
