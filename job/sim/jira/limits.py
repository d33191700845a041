"""Jira's rate limits: a bucket for each endpoint and method, and a slower one for writes to a
single ticket.

Promises: a call is refused before it has any effect; every answer near the limit says so.
Does not do: points per hour, which API tokens are not subject to.
Source: developer.atlassian.com, "Rate limiting" (burst and per-issue limits).
"""

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Final

from job.sim.call import Answer, json_answer
from job.sim.jira.sentences import EN

_PER_SECOND: Final = {"GET": 100, "POST": 100, "PUT": 50, "DELETE": 50}
_WIDER: Final = {"GET /issue/{key}": 150, "POST /search/approximate-count": 150}
_TICKET_WINDOWS: Final = ((2.0, 20), (30.0, 100))


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
    _random: Random = field(default_factory=Random)

    def __post_init__(self) -> None:
        self._random.seed(self.seed)

    def take(self, route: str) -> tuple[Answer | None, dict[str, str]]:
        """A refusal, or None and the headers that warn."""
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
        times = self._writes.setdefault(ticket_id, deque(maxlen=_TICKET_WINDOWS[-1][1]))
        for window_s, most in _TICKET_WINDOWS:
            if len(times) >= most and self.now() - times[-most] < timedelta(seconds=window_s):
                return self._refuse("jira-per-issue-on-write", wait_s=int(window_s))
        times.append(self.now())
        return None

    def _refuse(self, reason: str, *, wait_s: int) -> Answer:
        """With Retry-After or without: both are seen in the field."""
        headers = {"RateLimit-Reason": reason, "X-RateLimit-Remaining": "0"}
        if self._random.random() < 0.7:
            headers["Retry-After"] = str(wait_s)
        body = {"errorMessages": [EN["rate"]], "errors": {}, "status": 429}
        return json_answer(body, status=429, headers=headers)
