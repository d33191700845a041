"""Sets up the log: one JSON object a line, or readable lines at a terminal, never with a secret.

Promises: away from a terminal every line of output is one JSON object as Cloud Logging reads it
(`severity`, `message`, `time`, `event` and the event's fields), whatever library wants to speak; a
known secret, also as base64 or URLs write it or cut short, and anything under a name that sounds
like one never leave, not even in an exception's text.
Does not do: deciding what is worth saying, or words for people (`console/words.py`).
"""

import json
import logging
import os
import sys
import traceback
from collections.abc import Callable
from datetime import datetime

import structlog
from structlog.contextvars import merge_contextvars
from structlog.dev import ConsoleRenderer
from structlog.processors import add_log_level
from structlog.typing import EventDict, Processor

from job.console.redactor import Redactor
from job.events import Event


def start(*, redactor: Redactor, now: Callable[[], datetime], level: str, terminal: bool) -> None:
    """Sets up structlog, and the logging of every library at WARNING to go the same way."""
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # gRPC's C core would write to stderr by itself

    def redacted(_logger: object, _method: str, event: EventDict) -> EventDict:
        return dict(redactor.plain(event))

    def as_json(_logger: object, method: str, event: EventDict) -> str:
        name = event.pop("event")
        said = event.pop("message", name)
        head = {
            "severity": method.upper(),
            "message": said,
            "time": now().isoformat(),
            "event": name,
        }
        return json.dumps({**head, **event, **head})

    last: list[Processor] = [add_log_level, ConsoleRenderer()] if terminal else [as_json]
    structlog.configure(
        processors=[merge_contextvars, _with_stack, redacted, *last],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(),
        cache_logger_on_first_use=False,
    )
    logging.basicConfig(handlers=[_ToStructlog()], level=logging.WARNING, force=True)
    logging.captureWarnings(capture=True)
    sys.unraisablehook = _tell_unraisable


def _with_stack(_logger: object, _method: str, event: EventDict) -> EventDict:
    """The exception that is told, as text under the name where Error Reporting looks for it."""
    error = event.pop("exc_info", None)
    if error:
        error = error if isinstance(error, BaseException) else sys.exception()
        event["stack_trace"] = "".join(traceback.format_exception(error))
    return event


class _ToStructlog(logging.Handler):
    """What a library logs becomes an event like ours."""

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        structlog.get_logger().log(
            record.levelno,
            Event.LIBRARY_LOGGED,
            library=record.name,
            message=record.getMessage(),
            exc_info=error,
        )


def _tell_unraisable(fault: "sys.UnraisableHookArgs") -> None:
    structlog.get_logger().error(
        Event.LIBRARY_LOGGED, library="python", message=str(fault.err_msg), exc_info=fault.exc_value
    )
