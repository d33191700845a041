"""Knows the secrets and takes them out of anything that is about to be said or kept.

Promises: a known secret, also as base64 or URLs write it or cut short, and anything under a name
that sounds like one never leave, not even in an exception's text.
Does not do: knowing which settings are secrets (`settings/table.py`); it is told their values.
"""

import math
import re
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any
from urllib.parse import quote, quote_plus

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
