"""The two values every simulated vendor trades in: a Call comes in, an Answer goes out.

Promises: no I/O and no clock, so the same call can travel over loopback HTTP or as a plain function
call.
Does not do: anything that knows which vendor is meant.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Call:
    """One HTTP request: path and query are decoded, header names are lower case, a repeated name
    stays repeated.
    """

    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    def args(self) -> dict[str, str]:
        """The query as a mapping; where a name repeats the last value counts."""
        return dict(self.query)


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer, header names in any case. `lost` means: close the connection without sending
    any of it.
    """

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    delay_s: float = 0.0
    lost: bool = False

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True, slots=True)
class Exchange:
    """A call, the route it took and what was answered, kept so that tests can look back."""

    route: str
    call: Call
    answer: Answer


LOST = Answer(0, lost=True)
_encode = json.JSONEncoder(separators=(",", ":")).encode


def json_answer(
    body: object, *, status: int = 200, headers: Mapping[str, str] | None = None
) -> Answer:
    return Answer(
        status,
        {"content-type": "application/json;charset=UTF-8", **(headers or {})},
        _encode(body).encode(),
    )
