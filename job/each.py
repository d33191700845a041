"""Does one thing for many items, a few at once: the one place where concurrency is spelled out.

Promises: results come in the order of the items; never more than `at_once` are under way; the first
error stops the taking of new items, cancels the rest and is raised as itself and not wrapped in a
group.
Does not do: repeating what failed, or knowing what it does.
"""

import asyncio
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Awaitable,
    Callable,
    Coroutine,
    Iterable,
)
from contextlib import aclosing, asynccontextmanager
from typing import Any, TypeVar

from job.errors import StopsRun, SyncError

T = TypeVar("T")
R = TypeVar("R")


async def each(work: Callable[[T], Awaitable[R]], items: Iterable[T], *, at_once: int) -> list[R]:
    """Calls `work` for every item and returns what it returned, in order."""
    queue = enumerate(items)
    results: dict[int, R] = {}

    async def worker() -> None:
        for place, item in queue:
            try:
                results[place] = await work(item)
            except asyncio.CancelledError as cancelled:
                _tell_apart(cancelled)
                raise

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(at_once):
                group.create_task(worker())
    except BaseExceptionGroup as failures:
        raise leading(failures) from failures
    return [results[place] for place in range(len(results))]


async def each_arriving(
    work: Callable[[T], Awaitable[None]], items: AsyncGenerator[T, None], *, at_once: int
) -> None:
    """Calls `work` for every item when it arrives, while the next ones are on their way."""
    room = asyncio.Semaphore(at_once)

    async def one(item: T) -> None:
        try:
            await work(item)
        except asyncio.CancelledError as cancelled:
            _tell_apart(cancelled)
            raise
        room.release()

    try:
        async with aclosing(items), asyncio.TaskGroup() as group:
            async for item in items:
                await room.acquire()
                group.create_task(one(item))
    except BaseExceptionGroup as failures:
        raise leading(failures) from failures


async def unless(stop: asyncio.Event, work: Coroutine[Any, Any, T]) -> T | None:
    """What the work returns; `None` when `stop` is set before, and the work is dropped: it must be
    work that only reads.
    """
    # Both are awaited here, whatever happens.
    doing, stopping = asyncio.create_task(work), asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({doing, stopping}, return_when=asyncio.FIRST_COMPLETED)
        return await doing if doing.done() else None
    finally:
        for task in (doing, stopping):
            task.cancel()
        await asyncio.gather(doing, stopping, return_exceptions=True)


@asynccontextmanager
async def beside(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Does the work beside a block, and drops it when the block is left."""
    doing = asyncio.create_task(work)  # cancelled below: nobody waits for what it returns
    try:
        yield
    finally:
        doing.cancel()


def _tell_apart(cancelled: asyncio.CancelledError) -> None:
    """Work that was cancelled from within is a bug. A `TaskGroup` would take it for work that is
    done.
    """
    task = asyncio.current_task()
    if task is not None and not task.cancelling():
        raise RuntimeError(
            "Something that this work waits for was cancelled by somebody else."
        ) from cancelled


def leading(failures: BaseExceptionGroup[BaseException]) -> BaseException:
    """The one error that speaks for a group: a bug before anything else, then what stops the run,
    then the first.
    """
    leaves = list(_leaves(failures))
    bugs = (leaf for leaf in leaves if not isinstance(leaf, SyncError))
    stops = (leaf for leaf in leaves if isinstance(leaf, StopsRun))
    return next(bugs, None) or next(stops, None) or leaves[0]


def _leaves(failures: BaseExceptionGroup[BaseException]) -> Iterable[BaseException]:
    for failure in failures.exceptions:
        if isinstance(failure, BaseExceptionGroup):
            yield from _leaves(failure)
        else:
            yield failure
