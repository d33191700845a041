"""When to repeat a request, and after what pause: pure rules.

Promises: a request that must not be done twice is repeated only when it surely was not done (never
sent, or refused by a rate limit before it was looked at); a pause is never shorter than the remote
asked for. It does not sleep, count or log: `caller.py` does.
"""

from datetime import datetime
from enum import Enum, auto

from job.http.message import NoAnswer, NotSent, Request, Response

FIRST_PAUSE_S = 2.0
LONGEST_PAUSE_S = 30.0
"""Atlassian's advice for a 429 without Retry-After: start at 2 s, double, stop at 30 s, scatter by
0.7 to 1.3.
"""


class Verdict(Enum):
    """What one attempt means for the request."""

    ANSWERED = auto()
    REPEAT = auto()
    UNKNOWN = auto()


def judge(request: Request, result: Response | NotSent | NoAnswer) -> Verdict:
    """Reads one attempt. A 408 or 5xx may come from a proxy after the effect, so it says nothing
    about the effect.
    """
    if isinstance(result, NotSent):
        return Verdict.REPEAT
    if isinstance(result, Response):
        if result.status == 429:
            return Verdict.REPEAT
        if result.status < 500 and result.status != 408:
            return Verdict.ANSWERED
    return Verdict.REPEAT if request.repeatable else Verdict.UNKNOWN


def pause_s(attempt: int, *, asked_s: float | None, scatter: float) -> float:
    """Seconds to wait after the `attempt`-th try (from 1). `scatter` is random in [0, 1]."""
    own = min(FIRST_PAUSE_S * 2.0 ** (attempt - 1), LONGEST_PAUSE_S) * (0.7 + 0.6 * scatter)
    return max(own, asked_s or 0.0)


def asked_pause_s(response: Response, *, now: datetime) -> float | None:
    """What Retry-After asks for, in seconds (RFC 9110 10.2.3: a number or a date); `None` when it
    asks for nothing.
    """
    try:
        return max(0.0, float(response.headers.get("retry-after", "")))
    except ValueError:
        until = response.instant("retry-after")
    return None if until is None else max(0.0, (until - now).total_seconds())


def throttled(response: Response) -> bool:
    """Whether the remote asks everybody to slow down, or is about to."""
    return (
        response.status in {429, 503}
        or response.headers.get("x-ratelimit-nearlimit", "").lower() == "true"
    )
