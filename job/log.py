"""How the program speaks to machines and terminals while it works.

Promises: away from a terminal every line of output is one JSON object as Cloud Logging reads it
(`severity`, `message`, `time`, `event` and the event's fields), whatever library wants to speak; a
known secret, also as base64 or URLs write it or cut short, and anything under a name that sounds
like one never leave, not even in an exception's text. Does not do: deciding what is worth saying,
or words for people (`cli.py`).
"""

import json
import logging
import math
import os
import re
import sys
import traceback
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any
from urllib.parse import quote, quote_plus

import structlog
from structlog.dev import ConsoleRenderer
from structlog.processors import add_log_level
from structlog.typing import EventDict, Processor

HIDDEN = "[hidden]"
_FLAT = frozenset({str, int, bool, type(None)})
CUT_MIN = 8
"""Fewer of a secret's letters are found in innocent words too often to be hidden."""
SOUNDS_SECRET = re.compile(
    r"secret|token|passw|authorization|api[-_]?key|credential|cookie", re.IGNORECASE
)
SENT_AS_HEADER = re.compile(r"\b(Basic|Bearer)\s+[\w.~+/=-]{8,}", re.IGNORECASE)


class Redactor:
    """Knows the secrets and takes them out of anything that is about to be said or kept."""

    def __init__(self) -> None:
        self._known: set[str] = set()
        self._beginnings: dict[str, str] = {}
        """Of every form of every secret, the longest form first: one may hold another."""

    def hide(self, secrets: Iterable[str]) -> None:
        """From now on these texts are never said, in any form."""
        new = {text for text in secrets if len(text) > 3 and text not in self._known}
        if new:
            self._known |= new
            forms = sorted(
                {form for text in self._known for form in _forms(text)}, key=len, reverse=True
            )
            self._beginnings = {form: _beginning(form) for form in forms}

    def text(self, text: str) -> str:
        """The text without the secrets, and with question marks for what UTF-8 lacks: odd bytes in
        a header, say.
        """
        said = self._without_secrets(text)
        return said if said.isascii() else said.encode(errors="replace").decode()

    def _without_secrets(self, text: str) -> str:
        there = [form for form, beginning in self._beginnings.items() if beginning in text]
        if not there and not SENT_AS_HEADER.search(text):
            return text
        for form in there:
            text = text.replace(form, HIDDEN)
        for form in there:
            text = _without_beginning(text, form)
        return SENT_AS_HEADER.sub(rf"\1 {HIDDEN}", text)

    def plain(self, value: object) -> Any:
        """The value in JSON's own types, without the secrets; what JSON does not know becomes its
        text.
        """
        match value:
            case str():  # first, as nearly everything that is said is a text
                return self.text(str(value))  # a plain one, not an enumeration's
            case None | bool() | int():
                return value
            case float() if math.isfinite(value):
                return value
            case Mapping():
                return self._plain_fields(value)
            case list() | tuple() | set() | frozenset():
                return [self.plain(item) for item in value]
        return self.text(value.isoformat() if isinstance(value, datetime) else str(value))

    def _plain_fields(self, fields: Mapping[object, object]) -> dict[object, object]:
        if self._are_harmless(fields):
            return dict(fields)
        return {self.text(str(key)): self._under(str(key), item) for key, item in fields.items()}

    def _are_harmless(self, fields: Mapping[object, object]) -> bool:
        """Whether fields may be said as they are. Nearly all may, and it is cheaper to look at them
        together.
        """
        words: list[str] = []
        for key, value in fields.items():
            if type(key) is not str or type(value) not in _FLAT or _sounds_secret(key):
                return False
            words.append(key)
            if type(value) is str:
                words.append(value)
        together = "\n".join(words)
        return together.isascii() and self._without_secrets(together) == together

    def _under(self, key: str, value: object) -> Any:
        counts = value is None or isinstance(value, int | float)
        return HIDDEN if _sounds_secret(key) and not counts else self.plain(value)


@lru_cache(maxsize=1_000)
def _sounds_secret(key: str) -> bool:
    return SOUNDS_SECRET.search(key) is not None


def _forms(secret: str) -> Iterator[str]:
    """How others write it: as it is, in a URL, in a form, as base64 of both alphabets with its
    padding or without.
    """
    raw = secret.encode(errors="surrogatepass")
    yield from (secret, quote(raw, safe=""), quote_plus(raw))
    for encoded in (b64encode(raw).decode(), urlsafe_b64encode(raw).decode()):
        yield from (encoded, encoded.rstrip("="))


def _beginning(form: str) -> str:
    """So much of a secret that it must not be said either: vendors' sentences are cut anywhere."""
    return form[: max(CUT_MIN, len(form) // 2)]


def _without_beginning(text: str, form: str) -> str:
    at = 0
    while (at := text.find(_beginning(form), at)) >= 0:
        end = at + max(size for size in range(len(form) + 1) if text.startswith(form[:size], at))
        text = f"{text[:at]}{HIDDEN}{text[end:]}"
        at += len(HIDDEN)
    return text


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
        processors=[_with_stack, redacted, *last],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(),
        cache_logger_on_first_use=False,
    )
    logging.basicConfig(handlers=[_ToStructlog()], level=logging.WARNING, force=True)
    logging.captureWarnings(capture=True)
    sys.unraisablehook = _tell_unraisable


def _with_stack(_logger: object, _method: str, event: EventDict) -> EventDict:
    """The exception that is being told, as text under the name where Error Reporting looks for it."""
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
            "library.logged",
            library=record.name,
            message=record.getMessage(),
            exc_info=error,
        )


def _tell_unraisable(fault: "sys.UnraisableHookArgs") -> None:
    structlog.get_logger().error(
        "library.logged", library="python", message=str(fault.err_msg), exc_info=fault.exc_value
    )
