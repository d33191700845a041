"""Calls one remote, politely: every request of a run to that remote goes through one `Caller`.

Promises: every attempt is counted by the request's name and under a deadline; a pause that the
remote asks for holds everybody; a write that must not be done twice is never sent again once it may
have arrived (`FateUnknown`); after `hang_up` nobody waits for anything any more; nobody waits for a
turn behind a pause that is longer than our patience. It does not read bodies and knows no vendor:
what a 4xx means is for the clients to say.
"""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from itertools import count
from math import inf
from typing import TypeVar

import structlog

from job.each import each
from job.errors import FateUnknown, RemoteDown
from job.events import Event
from job.http.governor import ClosedTooLong, Governor
from job.http.limits import RemoteLimits
from job.http.message import NoAnswer, NotSent, Request, Response, Transport
from job.http.retry import AfterAttempt, asked_pause_s, judge, pause_s, throttled
from job.ports import Clock, Guard

log = structlog.get_logger()
T = TypeVar("T")
R = TypeVar("R")


async def unguarded() -> None:
    """The guard of what may leave at any time."""


class Caller:
    """One remote, as all of a run's workers share it."""

    def __init__(
        self,
        *,
        remote: str,
        transport: Transport,
        clock: Clock,
        at_once_max: int,
        limits: RemoteLimits,
        rng: random.Random,
        patience_s: float = 120.0,
    ) -> None:
        self.spent: Counter[str] = Counter()
        self._remote = remote
        self._transport = transport
        self._clock = clock
        self._at_once_max = at_once_max
        self._governor = Governor(
            clock=clock,
            at_once_max=at_once_max,
            limits=limits,
            patience_s=patience_s,
        )
        self._limits = limits
        self._rng = rng
        self._patience_s = patience_s
        self._waiting: set[asyncio.Timeout] = set()
        self._hung_up = False

    async def call(self, request: Request, *, guard: Guard = unguarded) -> Response:
        """The answer: any status below 500 but 408 and 429. Raises `RemoteDown`, or `FateUnknown`
        for a write.

        Patience begins with the first attempt that fails: until then we wait for our turn because
        we want to. The guard is asked before each attempt, once it has its turn; what it raises
        goes to the caller.
        """
        give_up_at, wait_s = inf, 0.0
        for attempt in count(1):
            result = await self._attempt(request, after_s=wait_s, guard=guard)
            after = judge(request, result)
            if after is AfterAttempt.ANSWERED and isinstance(result, Response):
                return result
            give_up_at = min(give_up_at, self._clock.monotonic() + self._patience_s)
            wait_s = self._pause_after(result, attempt=attempt)
            if after is AfterAttempt.UNKNOWN:
                raise FateUnknown(self._remote, request.name, _words(result))
            if self._clock.monotonic() + wait_s > give_up_at:
                break
        happened = f"{_words(result)} (attempt {attempt}, the last)."
        status = result.status if isinstance(result, Response) else 0
        advice = "The next run tries again."
        raise RemoteDown(self._remote, request.name, happened, advice, status=status)

    def hang_up(self) -> None:
        """Ends every call now, and any later one: nobody waits for an answer, for a turn or for a
        pause to pass.
        """
        self._hung_up = True
        for waiting in self._waiting:
            if not waiting.expired():
                waiting.reschedule(asyncio.get_running_loop().time())

    async def each(self, work: Callable[[T], Awaitable[R]], items: Iterable[T]) -> list[R]:
        """Calls `work` for every item, enough of them at once to keep the remote as busy as it
        allows.
        """
        return await each(work, items, at_once=self._at_once_max)

    async def _attempt(
        self, request: Request, *, after_s: float, guard: Guard
    ) -> Response | NotSent | NoAnswer:
        """Pauses, waits for a turn, sends, and waits for the answer no longer than the request's
        deadline.
        """
        waiting = asyncio.timeout(0 if self._hung_up else None)
        self._waiting.add(waiting)
        try:
            async with waiting:
                if after_s:
                    await self._clock.sleep(after_s)
                async with self._governor.turn(request.name, subject=request.subject) as era:
                    await guard()
                    self.spent[request.name] += 1
                    if not self._hung_up:
                        waiting.reschedule(asyncio.get_running_loop().time() + request.deadline_s)
                    response = await self._transport.send(request)
                    if response.status < 500 and response.status != 429:
                        self._governor.note_answer()
                    if throttled(response, limits=self._limits):
                        self._governor.complain(era, refused=response.status == 429)
                    elif response.status < 500:
                        self._governor.praise()
                    return response
        except TimeoutError:
            if self._hung_up:
                raise self._stopped(request) from None
            return NoAnswer(f"no answer within {request.deadline_s:g} s")
        except ClosedTooLong as closed:
            return NotSent(str(closed))
        except (NotSent, NoAnswer) as failure:
            return failure
        finally:
            self._waiting.discard(waiting)

    def _stopped(self, request: Request) -> RemoteDown | FateUnknown:
        kind = RemoteDown if request.repeatable else FateUnknown
        return kind(self._remote, request.name, "we had to stop before it answered")

    def _pause_after(self, result: Response | NotSent | NoAnswer, *, attempt: int) -> float:
        """Seconds to wait before the next attempt; a rate limit holds everyone for as long.

        While it refuses whoever comes and does not say for how long, the pause grows as if it had
        always been this one.
        """
        asked_s = (
            asked_pause_s(result, now=self._clock.now()) if isinstance(result, Response) else None
        )
        refusals = self._governor.refusals if asked_s is None else 0
        wait_s = pause_s(
            max(attempt, refusals), asked_s=asked_s, scatter=self._rng.random(), limits=self._limits
        )
        if isinstance(result, Response) and (result.status == 429 or asked_s is not None):
            self._governor.pause(wait_s)
            reason = result.headers.get(self._limits.reason_header, "")
            log.warning(
                Event.REMOTE_THROTTLED,
                remote=self._remote,
                status=result.status,
                wait_s=round(wait_s, 1),
                reason=reason,
                a_minute=self._governor.a_minute,
            )
        return wait_s


def _words(result: Response | NotSent | NoAnswer) -> str:
    return f"answered {result.status}" if isinstance(result, Response) else str(result)
