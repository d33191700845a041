"""What a Jira field holds, in a form that is the same whether it is to be written or was read back.

Promises: the ways in which Jira writes one value (an option with its name and its address, a number
with a point, an instant in the zone of the site, a document with empty attributes) are one form;
two values that a person would tell apart are two. What is not known to be the same is different.
Does not do: deciding whose a value is (`follow.py`).
"""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Final

import msgspec
from msgspec import Struct

Form = str
"""Twelve hexadecimal digits that stand for a value."""
_INSTANT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?([+-]\d\d:?\d\d|Z)")
_NAMING: Final = ("accountId", "key", "id", "name", "value")
"""What names a value that Jira answers with more than was written, the surest first."""


class Holding(Struct, frozen=True):
    """What one field of a ticket holds: its form, and each entry where it is a list of texts."""

    form: Form
    words: tuple[str, ...] = ()


def holding(raw: object) -> Holding:
    """The holding of a value as Jira writes it, or takes it."""
    words = ()
    if isinstance(raw, list) and all(isinstance(entry, str) for entry in raw):
        words = tuple(raw)
    return Holding(form(raw), words)


def form(raw: object) -> Form:
    """The form of a value as Jira writes it, or takes it."""
    plain = json.dumps(_plain(raw), sort_keys=True, ensure_ascii=True)
    return sha256(plain.encode()).hexdigest()[:12]


def _plain(raw: object) -> Any:
    plain: Any = raw
    match raw:
        case None | "" | []:
            plain = None
        case bool():
            pass
        case int() | float():
            plain = float(raw)
        case str():
            plain = _text(raw)
        case Mapping():
            plain = _document(raw) if raw.get("type") == "doc" else _named(raw)
        case msgspec.Raw():  # a document that is about to be written is JSON already
            plain = _plain(msgspec.json.decode(raw))
        case list() | tuple():
            plain = sorted((_plain(entry) for entry in raw), key=json.dumps)
    return plain


def _text(raw: str) -> str:
    if _INSTANT.fullmatch(raw):
        at = datetime.fromisoformat(raw)
        return at.astimezone(UTC).isoformat(timespec="milliseconds")
    return raw.strip()


def _named(raw: Mapping[str, Any]) -> Any:
    """An option, a person, a version: by what names it, and what was chosen below it."""
    name = next((str(raw[key]) for key in _NAMING if raw.get(key) not in (None, "")), None)
    if name is None:
        return {key: _plain(value) for key, value in raw.items()}
    return [name, _named(raw["child"])] if isinstance(raw.get("child"), Mapping) else name


def _document(node: Mapping[str, Any]) -> Any:
    """A rich text without what its editor adds: its version, ids of nodes, empty attributes; and
    with neighbouring texts of the same marks as one.
    """
    attributes = {
        key: value
        for key, value in (node.get("attrs") or {}).items()
        if key != "localId" and value not in (None, "")
    }
    marks = [_document(mark) for mark in node.get("marks") or ()]
    content: list[Any] = []
    for inner in map(_document, node.get("content") or ()):
        if content and "text" in inner and content[-1] | {"text": ""} == inner | {"text": ""}:
            content[-1]["text"] += inner["text"]
        else:
            content.append(inner)
    found: dict[str, Any] = {"type": node.get("type")}
    if "text" in node:
        found["text"] = node["text"]
    if attributes:
        found["attrs"] = attributes
    if marks:
        found["marks"] = sorted(marks, key=json.dumps)
    if content:
        found["content"] = content
    return found
