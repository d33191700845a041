"""Jira's rate limits: a bucket for each endpoint and method, and a slower one for writes to a
single ticket.

Promises: a call is refused before it has any effect; every answer near the limit says so; a pause
that a test orders holds one route or one ticket, and says its end in the form that was ordered.
Does not do: points per hour, which API tokens are not subject to.
Source: developer.atlassian.com, "Rate limiting" (burst and per-issue limits).
"""

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import ceil
from random import Random
from typing import Final, Literal, assert_never

from job.sim.call import Answer, json_answer
from job.sim.jira.sentences import EN

_PER_SECOND: Final = {"GET": 100, "POST": 100, "PUT": 50, "DELETE": 50}
_WIDER: Final = {"GET /issue/{key}": 150, "POST /search/approximate-count": 150}
_TICKET_WINDOWS: Final = ((2.0, 20), (30.0, 100))


Form = Literal["retry-after", "reset", "reset-seconds", "silent"]
"""How a refusal says for how long: Retry-After, or X-RateLimit-Reset as an ISO time or in seconds
since 1970; all are seen in the field, and so is none.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """A pause that somebody ordered."""

    until: datetime
    reason: str
    form: Form


@dataclass(slots=True)
class _Bucket:
    left: float
    at: datetime


@dataclass(slots=True)
class Limits:
    """`bucket_s` is how many seconds' worth of calls a full bucket holds, which Jira does not
    publish.
    """

    now: Callable[[], datetime]
    seed: int = 0
    per_second: Mapping[str, int] = field(default_factory=lambda: dict(_PER_SECOND))
    bucket_s: float = 3.5
    _buckets: dict[str, _Bucket] = field(default_factory=dict)
    _writes: dict[int, deque[datetime]] = field(default_factory=dict)
    _ordered: dict[str | int, Pause] = field(default_factory=dict)
    _random: Random = field(default_factory=Random)

    def __post_init__(self) -> None:
        self._random.seed(self.seed)

    def order(self, held: str | int, *, wait_s: float, reason: str, form: Form) -> None:
        """From now on, for so long, a route (by its title) or a ticket (by its id) is refused."""
        until = self.now() + timedelta(seconds=wait_s)
        self._ordered[held] = Pause(until=until, reason=reason, form=form)

    def take(self, route: str) -> tuple[Answer | None, dict[str, str]]:
        """A refusal, or None and the headers that warn."""
        if ordered := self._under_order(route):
            return ordered, {}
        rate = _WIDER.get(route) or self.per_second[route.partition(" ")[0]]
        depth = rate * self.bucket_s
        bucket = self._buckets.setdefault(route, _Bucket(depth, self.now()))
        elapsed = (self.now() - bucket.at).total_seconds()
        bucket.left, bucket.at = min(bucket.left + max(elapsed, 0.0) * rate, depth), self.now()
        if bucket.left < 1.0:
            return self._refuse("jira-burst-based", wait_s=1), {}
        bucket.left -= 1.0
        return None, {"X-RateLimit-NearLimit": "true"} if bucket.left < depth * 0.2 else {}

    def take_write(self, ticket_id: int) -> Answer | None:
        """20 writes in 2 seconds and 100 in 30 for one ticket."""
        if ordered := self._under_order(ticket_id):
            return ordered
        times = self._writes.setdefault(ticket_id, deque(maxlen=_TICKET_WINDOWS[-1][1]))
        for window_s, most in _TICKET_WINDOWS:
            if len(times) >= most and self.now() - times[-most] < timedelta(seconds=window_s):
                return self._refuse("jira-per-issue-on-write", wait_s=int(window_s))
        times.append(self.now())
        return None

    def _under_order(self, held: str | int) -> Answer | None:
        pause = self._ordered.get(held)
        if pause is None or self.now() >= pause.until:
            return None
        return _refusal(pause, now=self.now())

    def _refuse(self, reason: str, *, wait_s: int) -> Answer:
        """In one of the forms that are seen in the field."""
        draw = self._random.random()
        form: Form = "retry-after"
        if draw >= 0.7:
            form = "reset" if draw < 0.85 else "silent"
        until = self.now() + timedelta(seconds=wait_s)
        return _refusal(Pause(until=until, reason=reason, form=form), now=self.now())


def _refusal(pause: Pause, *, now: datetime) -> Answer:
    headers = {"X-RateLimit-Remaining": "0"}
    if pause.reason:
        headers["RateLimit-Reason"] = pause.reason
    match pause.form:
        case "retry-after":
            headers["Retry-After"] = str(ceil((pause.until - now).total_seconds()))
        case "reset":
            headers["X-RateLimit-Reset"] = pause.until.isoformat().replace("+00:00", "Z")
        case "reset-seconds":
            headers["X-RateLimit-Reset"] = str(ceil(pause.until.timestamp()))
        case "silent":
            pass
        case _:
            assert_never(pause.form)
    body = {"errorMessages": [EN["rate"]], "errors": {}, "status": 429}
    return json_answer(body, status=429, headers=headers)
