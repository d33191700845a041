"""When to repeat a request, and after what pause, Retry-After or our own: pure rules.

Promises: a request that must not be done twice is repeated only when it surely was not done (never
sent, or refused by a rate limit before it was looked at); a pause is never shorter than the remote
asked for.
Does not do: sleeping, counting or logging. `caller.py` does.
"""

from datetime import datetime
from enum import Enum, auto

from job.http.limits import RemoteLimits
from job.http.message import NoAnswer, NotSent, Request, Response


class AfterAttempt(Enum):
    """What one attempt means for the request."""

    ANSWERED = auto()
    REPEAT = auto()
    UNKNOWN = auto()


def judge(request: Request, result: Response | NotSent | NoAnswer) -> AfterAttempt:
    """Reads one attempt. A 408 or 5xx may come from a proxy after the effect, so it says nothing
    about the effect.
    """
    if isinstance(result, NotSent):
        return AfterAttempt.REPEAT
    if isinstance(result, Response):
        if result.status == 429:
            return AfterAttempt.REPEAT
        if result.status < 500 and result.status != 408:
            return AfterAttempt.ANSWERED
    return AfterAttempt.REPEAT if request.repeatable else AfterAttempt.UNKNOWN


def pause_s(attempt: int, *, asked_s: float | None, scatter: float, limits: RemoteLimits) -> float:
    """Seconds to wait after the `attempt`-th try (from 1), twice as long each time, scattered by
    0.7 to 1.3. `scatter` is random in [0, 1].
    """
    doubled_s = limits.first_pause_s * 2.0 ** (attempt - 1)
    own_s = min(doubled_s, limits.longest_pause_s) * (0.7 + 0.6 * scatter)
    return max(own_s, asked_s or 0.0)


def asked_pause_s(response: Response, *, now: datetime) -> float | None:
    """What Retry-After asks for, in seconds (RFC 9110 10.2.3: a number or a date); `None` when it
    asks for nothing.
    """
    try:
        return max(0.0, float(response.headers.get("retry-after", "")))
    except ValueError:
        until = response.instant("retry-after")
    return None if until is None else max(0.0, (until - now).total_seconds())


def throttled(response: Response, *, limits: RemoteLimits) -> bool:
    """Whether the remote asks everybody to slow down, or is about to."""
    if response.status in {429, 503}:
        return True
    return response.headers.get(limits.near_limit_header, "").lower() == "true"
