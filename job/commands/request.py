"""One run inside an HTTP request: what it was asked for, and what is answered.

Promises: a body may name `since`, `sweep` and `approve` and nothing else; a run is the same as that
of the command, with the same settings; SIGTERM ends it in good order, and who asked is answered.
Does not do: serving (`functions.py`), or any part of a run (`flow/`).
"""

import asyncio
import base64
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import assert_never

import click
import msgspec
import structlog
from msgspec import Struct

from job.commands.context import EVERYTHING, CommandContext
from job.commands.run import look_back
from job.core.memory import RunRecord, Verdict
from job.errors import BadSettings, LeaseHeld, StopsRun, UnsafePlan
from job.events import Event
from job.flow import run as flow
from job.flow.record import canonical
from job.flow.setup import Order
from job.settings.variables import Settings
from job.web.hook import Answer

logger = structlog.get_logger()


class Asked(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the body of a request may say."""

    since: str | None = None
    sweep: bool = False
    approve: str | None = None


async def answer(context: CommandContext, *, body: bytes) -> Answer:
    """Carries out one run, and says how it ended. Whatever goes wrong is explained in the log."""
    try:
        record = await _run(context, body=body)
        if record.held:
            context.explain(UnsafePlan(record.digest, record.held))
    except BaseException as error:
        context.explain(error)
        if not isinstance(error, Exception):
            raise
        return Answer(status=_status_of(error), said={"error": context.redactor.text(str(error))})
    said = {**canonical(record), "digest": record.digest, "held": list(record.held)}
    return Answer(status=_status(record.verdict), said={**said, "errors": list(record.errors)})


async def _run(context: CommandContext, *, body: bytes) -> RunRecord:
    """Raises `click.ClickException` for a body that cannot be read, and what a run raises."""
    try:
        asked = msgspec.json.decode(body or b"{}", type=Asked)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        wrong = f"The body cannot be read: {error}. It may hold since, sweep and approve."
        raise click.UsageError(wrong) from error
    since = look_back(asked.since, now=context.clock.now())
    order = Order(since=since, sweep=asked.sweep, approved=asked.approve)
    chosen = context.settings(Settings)
    asked_to_stop = asyncio.Event()
    with _told_of_sigterm(asked_to_stop):
        async with context.opened(EVERYTHING, chosen) as setup:
            with context.console.watching(carries_out=True) as watcher:
                record = await flow.run(
                    setup, order=order, watcher=watcher, asked_to_stop=asked_to_stop
                )
    context.console.finished(record)
    return record


def order_in(data: object) -> bytes:
    """The order in a message of Pub/Sub, whose own data is base64; what is none is read as it is,
    and refused.
    """
    message = data.get("message") if isinstance(data, dict) else None
    told = message.get("data", "") if isinstance(message, dict) else ""
    try:
        return base64.b64decode(told, validate=True)
    except (TypeError, ValueError):
        return b"no base64"


def _status(verdict: Verdict) -> int:
    match verdict:
        case Verdict.DONE | Verdict.FAILURES:
            return 200
        case Verdict.REFUSED:
            return 412
        case Verdict.STOPPED:
            return 502
    assert_never(verdict)


def _status_of(error: Exception) -> int:
    match error:
        case LeaseHeld():
            return 409
        case BadSettings() | click.ClickException():
            return 422
        case StopsRun():
            return 502
        case _:
            return 500


@contextmanager
def _told_of_sigterm(asked_to_stop: asyncio.Event) -> Iterator[None]:
    """SIGTERM ends the server, which waits for requests: it is let know as before, and the run as
    well.
    """
    loop = asyncio.get_running_loop()
    before = signal.getsignal(signal.SIGTERM)

    def ask(number: int, frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(_say, asked_to_stop)
        if callable(before):
            before(number, frame)

    signal.signal(signal.SIGTERM, ask)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _say(asked_to_stop: asyncio.Event) -> None:
    message = "Got SIGTERM: finishing what is under way."
    logger.warning(Event.RUN_ASKED_TO_STOP, message=message, signal="SIGTERM")
    asked_to_stop.set()
