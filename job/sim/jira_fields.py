"""Whether a value may be written into a Jira field, and what the field then holds.

Promises: each kind takes exactly the shape Jira Cloud documents for it (REST v3, "Issue fields"), and refuses others
with Jira's sentence, under the field's id. Text is measured as text: 255 characters in a line, 32,767 in a document.
Does not do: required fields and screens (jira_writes.py).
"""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any, Final
from urllib.parse import urlsplit

from .adf_check import JSON_MAX, TEXT_MAX, problems, text_length
from .call import json_answer
from .jira_bodies import Bodies
from .jira_site import Field, Option, Site
from .sentences import Refused

LINE_MAX: Final = 255


def accept(field: Field, *, raw: Any, site: Site, bodies: Bodies) -> Any:
    """The value as Jira will answer it later, or Refused. None clears."""
    if raw is None:
        return [] if field.id == "labels" else None
    return _ACCEPT[field.kind](field, raw, site, bodies)


def document(raw: Any, *, field: str, sentence: str = "adf") -> Any:
    """A rich text that Jira takes, for descriptions and comments alike."""
    if not isinstance(raw, dict):
        raise Refused(sentence, field=field)
    if wrong := problems(raw):
        raise Refused("adf_content", "; ".join(wrong[:3]), field=field)
    if text_length(raw) > TEXT_MAX:
        raise Refused("too_long", f"{TEXT_MAX:,}", field=field)
    if len(json_answer(200, raw).body) > JSON_MAX:
        raise Refused("adf_content", "CONTENT_LIMIT_EXCEEDED", field=field)
    return raw


def _text(field: Field, raw: Any, site: Site, bodies: Bodies) -> str:
    if not isinstance(raw, str):
        raise Refused("string", field=field.id)
    if field.id == "summary":
        if not raw.strip():
            raise Refused("summary_required", field=field.id)
        if "\n" in raw or "\r" in raw:
            raise Refused("summary_lines", field=field.id)
        if _units(raw) > LINE_MAX:
            raise Refused("summary_long", field=field.id)
    if _units(raw) > LINE_MAX:
        raise Refused("too_long", LINE_MAX, field=field.id)
    return raw


def _textarea(field: Field, raw: Any, site: Site, bodies: Bodies) -> Any:
    return document(raw, field=field.id)


def _url(field: Field, raw: Any, site: Site, bodies: Bodies) -> str:
    if not isinstance(raw, str):
        raise Refused("string", field=field.id)
    parts = urlsplit(raw)
    if parts.scheme not in ("http", "https") or not parts.netloc or len(raw) > 2_000:
        raise Refused("url", raw, field=field.id)
    return raw


def _number(field: Field, raw: Any, site: Site, bodies: Bodies) -> float:
    if isinstance(raw, bool) or not isinstance(raw, int | float):
        raise Refused("number", field=field.id)
    return float(raw)


def _option(field: Field, raw: Any, site: Site, bodies: Bodies) -> Any:
    """Options of custom fields go by `value` or `id`; priorities and resolutions by `name` or `id`."""
    label = "value" if field.kind in ("select", "multiselect") else "name"
    if not isinstance(raw, dict) or not set(raw) & {label, "id"}:
        raise Refused("id_or_name" if label == "name" else "object", field.id, field=field.id)
    found = _find(field.options, wanted=raw, label=label)
    if found is None:
        raise Refused("option", raw.get(label, raw.get("id")), field=field.id)
    return bodies.option(field, option=found)


def _find(options: tuple[Option, ...], *, wanted: Mapping[str, Any], label: str) -> Option | None:
    if "id" in wanted:
        return next((option for option in options if option.id == wanted["id"]), None)
    return next((option for option in options if option.name == wanted[label]), None)


def _options(field: Field, raw: Any, site: Site, bodies: Bodies) -> Any:
    if not isinstance(raw, list):
        raise Refused("array", field=field.id)
    return [_option(field, one, site, bodies) for one in raw]


def _labels(field: Field, raw: Any, site: Site, bodies: Bodies) -> list[str]:
    if not isinstance(raw, list):
        raise Refused("array", field=field.id)
    for label in raw:
        if not isinstance(label, str) or not label:
            raise Refused("string", field=field.id)
        if any(character.isspace() for character in label):
            raise Refused("label_space", label, field=field.id)
        if _units(label) > LINE_MAX:
            raise Refused("too_long", LINE_MAX, field=field.id)
    return sorted(set(raw))


def _user(field: Field, raw: Any, site: Site, bodies: Bodies) -> Any:
    """By account id only: names and e-mail addresses died with GDPR on Cloud."""
    account = raw.get("accountId", raw.get("id")) if isinstance(raw, dict) else None
    person = next((person for person in site.people if person.account_id == account), None)
    if person is None:
        raise Refused("user", account, field=field.id)
    return bodies.person(person)


def _date(field: Field, raw: Any, site: Site, bodies: Bodies) -> str:
    try:
        return date.fromisoformat(raw).isoformat()
    except (TypeError, ValueError):
        raise Refused("date", raw, field=field.id) from None


def _datetime(field: Field, raw: Any, site: Site, bodies: Bodies) -> str:
    """An offset is demanded; Jira answers in the site's zone, with milliseconds."""
    try:
        at = datetime.fromisoformat(raw)
    except (TypeError, ValueError):
        raise Refused("date", raw, field=field.id) from None
    if at.tzinfo is None:
        raise Refused("date", raw, field=field.id)
    return bodies.stamp(at)


def _units(text: str) -> int:
    return len(text.encode("utf-16-le", errors="surrogatepass")) // 2


_ACCEPT: Final[Mapping[str, Callable[[Field, Any, Site, Bodies], Any]]] = {
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
