"""Calls one remote, politely: every request of a run to that remote goes through one `Caller`.

Promises: every attempt is counted by the request's name and under a deadline; a pause that the
remote asks for holds whom it concerns, by the limits of the remote, and nobody else; a write that
must not be done twice is never sent again once it may have arrived (`FateUnknown`); after `hang_up`
nobody waits for anything any more; nobody waits behind a pause that is longer than our patience,
and who waited when it began waits no more.
Does not do: reading bodies, or knowing a vendor: what a 4xx means is for the clients to say.
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
from job.http.governor import Governor
from job.http.limits import RemoteLimits
from job.http.message import NoAnswer, NotSent, Request, Response, Transport
from job.http.pauses import ClosedTooLong
from job.http.retry import (
    PATIENT,
    AfterAttempt,
    Patience,
    Result,
    concerns_few,
    judge,
    not_done,
    pause_after,
    throttled,
)
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
        patience: Patience = PATIENT,
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
            patience_s=patience.total_s,
        )
        self._limits = limits
        self._rng = rng
        self._patience = patience
        self._open: dict[asyncio.Timeout, Request | None] = {}
        """Every call that is under way, with its request as long as it waits to leave."""
        self._hung_up = False

    async def call(self, request: Request, *, guard: Guard = unguarded) -> Response:
        """The answer: any status below 500 but 408 and 429. Raises `RemoteDown`, or `FateUnknown`
        for a write.

        Patience begins with the first attempt that fails: until then we wait for our turn because
        we want to. The guard is asked before each attempt, once it has its turn; what it raises
        goes to the caller.
        """
        give_up_at, wait_s, undone = inf, 0.0, True
        for attempt in count(1):
            result = await self._attempt(request, after_s=wait_s, guard=guard)
            after = judge(request, result)
            if after is AfterAttempt.ANSWERED and isinstance(result, Response):
                return result
            undone = undone and not_done(result)
            give_up_at = min(give_up_at, self._clock.monotonic() + self._patience.total_s)
            wait_s = self._pause_after(request, result=result, attempt=attempt)
            if after is AfterAttempt.UNKNOWN:
                raise FateUnknown(self._remote, request.name, _words(result))
            is_last = attempt == self._patience.attempts_max
            is_too_long = self._clock.monotonic() + wait_s > give_up_at
            if is_last or is_too_long or _is_enough(request, result=result):
                break
        few = concerns_few(result, limits=self._limits)
        raise _down(self._remote, request, result=result, undone=undone, few=few, attempt=attempt)

    def hang_up(self) -> None:
        """Ends every call now, and any later one: nobody waits for an answer, for a turn or for a
        pause to pass.
        """
        self._hung_up = True
        for waiting in self._open:
            _end(waiting)

    async def each(self, work: Callable[[T], Awaitable[R]], items: Iterable[T]) -> list[R]:
        """Calls `work` for every item, enough of them at once to keep the remote as busy as it
        allows.
        """
        return await each(work, items, at_once=self._at_once_max)

    async def _attempt(self, request: Request, *, after_s: float, guard: Guard) -> Result:
        """Pauses, waits for a turn, sends, and waits for the answer no longer than the request's
        deadline.
        """
        within_s = min(request.deadline_s, self._patience.answer_s)
        waiting = asyncio.timeout(0 if self._hung_up else None)
        self._open[waiting] = request
        try:
            async with waiting:
                if after_s:
                    await self._clock.sleep(after_s)
                async with self._governor.turn(request.name, subject=request.subject) as era:
                    self._open[waiting] = None
                    await guard()
                    self.spent[request.name] += 1
                    if not self._hung_up:
                        waiting.reschedule(asyncio.get_running_loop().time() + within_s)
                    response = await self._transport.send(request)
                    self._learn(response, era=era)
                    return response
        except TimeoutError:
            if self._hung_up:
                raise self._stopped(request) from None
            if self._open[waiting]:
                return self._closed_to(request) or NotSent("it asks for a pause")
            return NoAnswer(f"no answer within {within_s:g} s")
        except (NotSent, NoAnswer) as failure:
            return failure
        finally:
            del self._open[waiting]

    def _learn(self, response: Response, *, era: int) -> None:
        """What an answer says about the pace."""
        is_answer = response.status < 500 and response.status != 429
        if is_answer:
            self._governor.note_answer()
        if throttled(response, limits=self._limits):
            self._governor.complain(era, refused=response.status == 429)
        elif is_answer:
            self._governor.praise()

    def _stopped(self, request: Request) -> RemoteDown | FateUnknown:
        kind = RemoteDown if request.repeatable else FateUnknown
        return kind(self._remote, request.name, "we had to stop before it answered")

    def _pause_after(self, request: Request, *, result: Result, attempt: int) -> float:
        """Seconds to wait before the next attempt. A rate limit holds whom it concerns for as
        long.
        """
        pause = pause_after(
            result,
            attempt=attempt,
            refusals=self._governor.refusals,
            scatter=self._rng.random(),
            now=self._clock.now(),
            limits=self._limits,
        )
        if isinstance(result, Response) and pause.reach:
            kind, subject = request.name, request.subject
            self._governor.pause(pause.wait_s, reach=pause.reach, kind=kind, subject=subject)
            self._turn_away()
            reason = result.headers.get(self._limits.reason_header, "")
            facts = {"status": result.status, "reason": reason, "holds": pause.reach}
            a_minute, wait_s = self._governor.a_minute, round(pause.wait_s, 1)
            facts |= {"request": kind, "subject": subject, "wait_s": wait_s, "a_minute": a_minute}
            log.warning(Event.REMOTE_THROTTLED, remote=self._remote, **facts)
        return pause.wait_s

    def _turn_away(self) -> None:
        """Ends the waiting of all whom a pause holds that outlasts our patience."""
        for waiting, request in self._open.items():
            if request and self._closed_to(request):
                _end(waiting)

    def _closed_to(self, request: Request) -> ClosedTooLong | None:
        return self._governor.closed_to(request.name, subject=request.subject)


def _is_enough(request: Request, *, result: Result) -> bool:
    """Whether it is over without another attempt, however much patience is left."""
    if isinstance(result, ClosedTooLong):
        return True
    return not request.patient and isinstance(result, Response) and result.status == 500


def _end(waiting: asyncio.Timeout) -> None:
    """Ends a call now, whatever it waits for."""
    if not waiting.expired():
        waiting.reschedule(asyncio.get_running_loop().time())


def _down(
    remote: str, request: Request, *, result: Result, undone: bool, few: bool, attempt: int
) -> RemoteDown:
    return RemoteDown(
        remote,
        request.name,
        f"{_words(result)} (attempt {attempt}, the last).",
        "The next run tries again.",
        status=result.status if isinstance(result, Response) else 0,
        not_done=undone,
        others_go_on=few,
    )


def _words(result: Result) -> str:
    return f"answered {result.status}" if isinstance(result, Response) else str(result)
