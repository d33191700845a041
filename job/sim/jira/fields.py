"""Whether a value may be written into a Jira field, and what the field then holds.

Promises: each kind takes exactly the shape Jira Cloud documents for it (REST v3, "Issue fields"),
and refuses others with Jira's sentence, under the field's id. Text is measured as text: 255
characters in a line, 32,767 in a document.
Does not do: required fields and screens (screens.py).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, Final
from urllib.parse import urlsplit

from job.sim.call import json_answer
from job.sim.jira.adf import JSON_MAX, TEXT_MAX, problems, text_length
from job.sim.jira.bodies import Bodies
from job.sim.jira.sentences import Refused
from job.sim.jira.site import Field, Option, Site

LINE_MAX: Final = 255
URL_MAX: Final = 2_000


@dataclass(frozen=True, slots=True)
class Given:
    """One raw value on its way into one field of one site."""

    field: Field
    raw: Any
    site: Site
    bodies: Bodies

    def refused(self, sentence: str, *facts: object) -> Refused:
        return Refused(sentence, *facts, field=self.field.id)

    def with_raw(self, raw: Any) -> "Given":
        return replace(self, raw=raw)


def accept(field: Field, *, raw: Any, site: Site, bodies: Bodies) -> Any:
    """The value as Jira will answer it later, or Refused. None clears."""
    if raw is None:
        return [] if field.id == "labels" else None
    return _ACCEPT[field.kind](Given(field, raw, site, bodies))


def document(raw: Any, *, field: str, sentence: str = "adf") -> Any:
    """A rich text that Jira takes, for descriptions and comments alike."""
    if not isinstance(raw, dict):
        raise Refused(sentence, field=field)
    if wrong := problems(raw):
        raise Refused("adf_content", "; ".join(wrong[:3]), field=field)
    if text_length(raw) > TEXT_MAX:
        raise Refused("too_long", f"{TEXT_MAX:,}", field=field)
    if len(json_answer(raw).body) > JSON_MAX:
        raise Refused("adf_content", "CONTENT_LIMIT_EXCEEDED", field=field)
    return raw


def _text(given: Given) -> str:
    raw = given.raw
    if not isinstance(raw, str):
        raise given.refused("string")
    if given.field.id == "summary":
        _check_summary(given)
    if _units(raw) > LINE_MAX:
        raise given.refused("too_long", LINE_MAX)
    return raw


def _check_summary(given: Given) -> None:
    if not given.raw.strip():
        raise given.refused("summary_required")
    if "\n" in given.raw or "\r" in given.raw:
        raise given.refused("summary_lines")
    if _units(given.raw) > LINE_MAX:
        raise given.refused("summary_long")


def _textarea(given: Given) -> Any:
    return document(given.raw, field=given.field.id)


def _url(given: Given) -> str:
    raw = given.raw
    if not isinstance(raw, str):
        raise given.refused("string")
    parts = urlsplit(raw)
    if parts.scheme not in ("http", "https") or not parts.netloc or len(raw) > URL_MAX:
        raise given.refused("url", raw)
    return raw


def _number(given: Given) -> float:
    if isinstance(given.raw, bool) or not isinstance(given.raw, int | float):
        raise given.refused("number")
    return float(given.raw)


def _option(given: Given) -> Any:
    """Options of custom fields go by `value` or `id`, priorities and resolutions by `name` or
    `id`.
    """
    field, raw = given.field, given.raw
    label = "value" if field.kind in ("select", "multiselect") else "name"
    if not isinstance(raw, dict) or not set(raw) & {label, "id"}:
        raise given.refused("id_or_name" if label == "name" else "object", field.id)
    found = _find(field.options, wanted=raw, label=label)
    if found is None:
        raise given.refused("option", raw.get(label, raw.get("id")))
    return given.bodies.option(field, option=found)


def _find(options: tuple[Option, ...], *, wanted: Mapping[str, Any], label: str) -> Option | None:
    if "id" in wanted:
        return next((option for option in options if option.id == wanted["id"]), None)
    return next((option for option in options if option.name == wanted[label]), None)


def _options(given: Given) -> list[Any]:
    return [_option(given.with_raw(raw)) for raw in _array(given)]


def _labels(given: Given) -> list[str]:
    labels = _array(given)
    for label in labels:
        if not isinstance(label, str) or not label:
            raise given.refused("string")
        if any(character.isspace() for character in label):
            raise given.refused("label_space", label)
        if _units(label) > LINE_MAX:
            raise given.refused("too_long", LINE_MAX)
    return sorted(set(labels))


def _array(given: Given) -> list[Any]:
    if not isinstance(given.raw, list):
        raise given.refused("array")
    return given.raw


def _user(given: Given) -> Any:
    """By account id only: Cloud takes neither names nor e-mail addresses."""
    raw = given.raw
    account = raw.get("accountId", raw.get("id")) if isinstance(raw, dict) else None
    person = next((person for person in given.site.people if person.account_id == account), None)
    if person is None:
        raise given.refused("user", account)
    return given.bodies.person(person)


def _date(given: Given) -> str:
    try:
        return date.fromisoformat(given.raw).isoformat()
    except (TypeError, ValueError):
        raise given.refused("date", given.raw) from None


def _datetime(given: Given) -> str:
    """An offset is demanded; Jira answers in the site's zone, with milliseconds."""
    try:
        at = datetime.fromisoformat(given.raw)
    except (TypeError, ValueError):
        raise given.refused("date", given.raw) from None
    if at.tzinfo is None:
        raise given.refused("date", given.raw)
    return given.bodies.stamp(at)


def _units(text: str) -> int:
    return len(text.encode("utf-16-le", errors="surrogatepass")) // 2


_ACCEPT: Final[Mapping[str, Callable[[Given], Any]]] = {
    "text": _text,
    "textarea": _textarea,
    "url": _url,
    "number": _number,
    "select": _option,
    "multiselect": _options,
    "labels": _labels,
    "user": _user,
    "date": _date,
    "datetime": _datetime,
    "priority": _option,
    "resolution": _option,
}
