"""A call as Jira's operations see it: signed in or not, with the names from its path.

Promises: bodies are parsed once, and refused as Jira does when they are no JSON or not the object
that was asked for.
Does not do: routing (routes.py).
"""

import json
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from job.sim.call import Answer, Call
from job.sim.jira.sentences import Refused


@dataclass(frozen=True, slots=True)
class Request:
    call: Call
    names: tuple[str, ...]
    signed_in: bool

    @property
    def name(self) -> str:
        """The first name in the path: mostly a ticket's id or key."""
        return self.names[0]

    def arg(self, name: str, *, default: str = "") -> str:
        return self.call.args().get(name, default)

    def number(self, name: str, *, default: int) -> int:
        text = self.arg(name, default=str(default))
        if not text.isdecimal():
            raise Refused("bad_payload")
        return int(text)

    def json(self) -> Any:
        try:
            return json.loads(self.call.body)
        except ValueError:
            raise Refused("bad_json") from None

    def closed(self, keys: Collection[str]) -> dict[str, Any]:
        """The body of an operation that refuses unknown properties."""
        body = self.json()
        if not isinstance(body, dict) or set(body) - set(keys):
            raise Refused("bad_payload")
        return body


class Instead(Exception):
    """Stop here and answer this."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(f"answered {answer.status} instead")
        self.answer = answer


def strings(body: dict[str, Any], *, key: str, default: list[str]) -> list[str]:
    value = body.get(key, default)
    if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
        raise Refused("bad_payload")
    return value
