"""Requests and answers as plain values, and the ways in which no answer comes.

Promises: a request says itself whether it may be repeated; a body that is no JSON is a
`ValueError`, whatever is wrong with it.
Does not do: sending (`sockets.py`).
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Protocol

import msgspec
from msgspec import Struct, field


class Request(Struct, frozen=True, kw_only=True):
    """One HTTP request. Calls are counted by `name`, its template, as `GET /v3/issues/{id}`."""

    method: str
    url: str
    """Absolute, with its query."""
    name: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    repeatable: bool = True
    """`False` for a write whose repetition would do it twice: once sent, it is never sent again."""
    deadline_s: float = 30.0
    patient: bool = True
    """`False`: a remote that breaks over it (500) is not asked again."""
    subject: str = ""
    """What a write changes, where the remote limits writes to one thing; "" where it does not."""


class Response(Struct, frozen=True, kw_only=True):
    """One HTTP answer. Headers are asked for by their lower-case names."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self, kind: Any = Any) -> Any:
        """The body as JSON, or as much of it as a `Struct` names. Raises `ValueError` when it is no
        such thing.
        """
        try:
            return _read(self.body, kind)
        except RecursionError as error:
            raise ValueError("It is nested more deeply than any answer of worth.") from error

    def instant(self, header: str) -> datetime | None:
        """A header that holds an HTTP date (RFC 9110 5.6.7), aware UTC; `None` when it is missing
        or holds no date.
        """
        try:
            at = parsedate_to_datetime(self.headers.get(header, ""))
        except ValueError:
            return None
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def _read(body: bytes, kind: Any) -> Any:
    try:
        return msgspec.json.decode(body, type=kind)
    except ValueError:
        # Where a vendor cut a text within an emoji, half of a pair is left. UTF-8 has no such
        # thing: msgspec does not read it, and no store keeps it. So it goes.
        read = json.dumps(json.loads(body), ensure_ascii=False)
        return msgspec.json.decode(read.encode(errors="ignore"), type=kind)


def as_json(value: Any) -> bytes:
    """A request's body, in UTF-8 and without blanks. Halves of surrogate pairs, which UTF-8 has
    not, are escaped.

    What is JSON already, `msgspec.Raw`, stands in it as it is.
    """
    try:
        return msgspec.json.encode(value)
    except UnicodeEncodeError:
        return json.dumps(
            value, separators=(",", ":"), default=lambda raw: json.loads(bytes(raw))
        ).encode()


class NotSent(Exception):
    """The request never left: no connection, no TLS, no address. Repeating it is always safe."""


class NoAnswer(Exception):
    """The request may have arrived, but no whole answer came: time-out, reset, body cut short."""


class Transport(Protocol):
    """Sends one request once. Raises `NotSent` or `NoAnswer`, nothing else."""

    async def send(self, request: Request) -> Response: ...
