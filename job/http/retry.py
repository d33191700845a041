"""When to repeat a request, and after what pause, Retry-After or our own: pure rules.

Promises: a request that must not be done twice is repeated only when it surely was not done (never
sent, or refused by a rate limit before it was looked at); a pause is never shorter than the remote
asked for.
Does not do: sleeping, counting or logging. `caller.py` does.
"""

from datetime import UTC, datetime
from enum import Enum, auto
from math import inf

from msgspec import Struct

from job.http.limits import Reach, RemoteLimits
from job.http.message import NoAnswer, NotSent, Request, Response
from job.http.pauses import ClosedTooLong

Result = Response | NotSent | NoAnswer
"""What came of one attempt."""


class Patience(Struct, frozen=True, kw_only=True):
    """How long somebody tries."""

    total_s: float = 120.0
    """From the first attempt that failed."""
    attempts_max: int | None = None
    """`None`: as often as the time allows."""
    answer_s: float = inf
    """How long an answer may take, however much the request allows."""


PATIENT = Patience()


class AfterAttempt(Enum):
    """What one attempt means for the request."""

    ANSWERED = auto()
    REPEAT = auto()
    UNKNOWN = auto()


def judge(request: Request, result: Result) -> AfterAttempt:
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


class Pause(Struct, frozen=True, kw_only=True):
    """How long to wait after an attempt that failed, and whom that holds beside the one that tried;
    `None` for nobody.
    """

    wait_s: float
    reach: Reach | None


def pause_after(
    result: Result,
    *,
    attempt: int,
    refusals: int,
    scatter: float,
    now: datetime,
    limits: RemoteLimits,
) -> Pause:
    """The pause after the `attempt`-th try (from 1). `refusals`: how often in a row the remote has
    refused whoever came. As long as it does and does not say for how long, the pause grows as if it
    had always been this one.
    """
    asked_s, reach = None, reach_of(result, limits=limits)
    if isinstance(result, Response):
        asked_s = asked_pause_s(result, now=now, limits=limits)
    tries = attempt
    if asked_s is None and reach is not Reach.SUBJECT:
        tries = max(attempt, refusals)
    wait_s = pause_s(tries, asked_s=asked_s, scatter=scatter, limits=limits)
    is_refusal = isinstance(result, Response) and result.status == 429
    return Pause(wait_s=wait_s, reach=reach if is_refusal or asked_s is not None else None)


def pause_s(attempt: int, *, asked_s: float | None, scatter: float, limits: RemoteLimits) -> float:
    """Seconds to wait after the `attempt`-th try (from 1), twice as long each time, scattered by
    0.7 to 1.3. `scatter` is random in [0, 1].
    """
    doubled_s = limits.first_pause_s * 2.0 ** (attempt - 1)
    own_s = min(doubled_s, limits.longest_pause_s) * (0.7 + 0.6 * scatter)
    return max(own_s, asked_s or 0.0)


def not_done(result: Result) -> bool:
    """Whether the request certainly had no effect."""
    if isinstance(result, Response):
        return result.status == 429
    return isinstance(result, NotSent)


def asked_pause_s(response: Response, *, now: datetime, limits: RemoteLimits) -> float | None:
    """What Retry-After asks for, in seconds (RFC 9110 10.2.3: a number or a date); `None` when
    nothing is asked for.

    Where it is missing, a refusal may tell when its limit is a new one. A time that has passed
    tells nothing, for the remote refuses all the same.
    """
    try:
        return max(0.0, float(response.headers.get("retry-after", "")))
    except ValueError:
        until = response.instant("retry-after")
    if until is not None:
        return max(0.0, (until - now).total_seconds())
    if response.status != 429:
        return None
    reset_at = _moment(response.headers.get(limits.reset_header, ""))
    return None if reset_at is None or reset_at <= now else (reset_at - now).total_seconds()


def reach_of(result: Result, *, limits: RemoteLimits) -> Reach:
    """Whom a refusal holds. One that names no limit that we know concerns everybody."""
    if not isinstance(result, Response) or result.status != 429:
        return Reach.EVERYBODY
    reason = result.headers.get(limits.reason_header, "").strip().lower()
    return limits.reaches.get(reason, Reach.EVERYBODY)


def concerns_few(result: Result, *, limits: RemoteLimits) -> bool:
    """Whether what came says nothing about requests of another kind and to other subjects."""
    if isinstance(result, ClosedTooLong):
        return result.others_go_on
    return reach_of(result, limits=limits) is not Reach.EVERYBODY


def throttled(response: Response, *, limits: RemoteLimits) -> bool:
    """Whether the remote asks us to slow down, or is about to. What it says of one subject says
    nothing of our pace.
    """
    if reach_of(response, limits=limits) is Reach.SUBJECT:
        return False
    if response.status in {429, 503}:
        return True
    return response.headers.get(limits.near_limit_header, "").lower() == "true"


def _moment(text: str) -> datetime | None:
    """An ISO time, UTC where it names no zone, or seconds since 1970; `None` when it is neither."""
    try:
        if text.replace(".", "", 1).isdecimal():
            return datetime.fromtimestamp(float(text), UTC)
        at = datetime.fromisoformat(text)
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        return None
