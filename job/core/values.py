"""Puts a value into the form that the type of its Jira field takes.

Promises: a value that Jira would refuse is refused here, with the values that are allowed.
Does not do: choosing which fields are filled, and with what (`fields.py`).
"""

import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from math import isfinite
from typing import Any, Final
from urllib.parse import urlsplit

from msgspec import Struct
from msgspec.structs import replace

from job.core import adf
from job.core.halo_names import Value, in_words
from job.core.shape import FieldSpec
from job.errors import UnusableValue

RAW = "json:"
"""Begins a setting that is sent to Jira as the JSON that follows, as the last resort."""


class Raw(Struct, frozen=True):
    """JSON that people wrote for one field. Nothing that comes from Halo ever becomes this."""

    text: str


Writer = Callable[[Value, FieldSpec], Any]
"""Turns a value into what Jira takes for a field. Raises `UnusableValue`."""


def typed(value: Value | Raw, *, spec: FieldSpec) -> Any:
    """The value as Jira wants it for this field. Raises `UnusableValue`."""
    if isinstance(value, Raw):
        return _plain_json(value, spec=spec)
    return writer_for(spec)(value, spec)


def writer_for(spec: FieldSpec) -> Writer:
    if spec.kind in _WRITERS:
        return _WRITERS[spec.kind]
    raise UnusableValue(
        f"Jira field {spec} is of type {spec.kind or 'unknown'}, which cannot be filled from here. "
        f"These can: {', '.join(_WRITERS)}."
    )


def as_listed(text: str, *, spec: FieldSpec) -> Value | Raw:
    """What a setting says, for a field that holds several values or one."""
    if text.startswith(RAW):
        return Raw(text.removeprefix(RAW))
    return split_list(text) if spec.type == "array" else unescaped(text)


def split_list(text: str) -> tuple[str, ...]:
    r"""The parts between commas; `\,` stands for a comma in a part, and `\\` for a backslash."""
    parts = re.findall(r"(?:\\[\\,]|[^,])+", text)
    return tuple(part for part in (unescaped(part).strip() for part in parts) if part)


def escaped(text: str) -> str:
    """The value that `unescaped` makes this text of, with no comma that separates."""
    return re.sub(r"([\\,])", r"\\\1", text)


def unescaped(text: str) -> str:
    """A value without the backslashes before its commas and backslashes."""
    return re.sub(r"\\([\\,])", r"\1", text)


def _unusable(value: Value, *, spec: FieldSpec, wanted: str) -> UnusableValue:
    shown = adf.cut(adf.one_line(in_words(value)), units_max=80)
    return UnusableValue(f'"{shown}" does not fit Jira field {spec}: it takes {wanted}.')


def _line(value: Value, spec: FieldSpec) -> str:
    return adf.cut(adf.one_line(in_words(value)), units_max=adf.LINE_MAX)


def _rich_text(value: Value, spec: FieldSpec) -> adf.Document:
    return adf.document(adf.prose(in_words(value)))


def _url(value: Value, spec: FieldSpec) -> str:
    text = adf.clean(in_words(value)).strip()
    try:
        url = urlsplit(text)
        usable = (
            url.scheme in {"http", "https"} and bool(url.hostname) and not re.search(r"\s", text)
        )
    except ValueError:
        usable = False
    if not usable or len(text) > 2_000:
        raise _unusable(
            value, spec=spec, wanted="an absolute http or https address of at most 2,000 characters"
        )
    return text


def _number(value: Value, spec: FieldSpec) -> float:
    try:
        number = float(in_words(value))
    except ValueError:
        number = float("nan")
    if not isfinite(number):
        raise _unusable(value, spec=spec, wanted="a number")
    return number


def _instant(value: Value, spec: FieldSpec) -> datetime:
    """A text without an offset is taken as UTC."""
    try:
        instant = datetime.fromisoformat(in_words(value).strip())
        return (instant if instant.tzinfo else instant.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise _unusable(
            value, spec=spec, wanted="a date or time such as 2026-12-01 or 2026-12-01T10:29:29Z"
        ) from None


def _date(value: Value, spec: FieldSpec) -> str:
    return _instant(value, spec).date().isoformat()


def _date_time(value: Value, spec: FieldSpec) -> str:
    return _instant(value, spec).isoformat(timespec="milliseconds").replace("+00:00", "+0000")


def _user(value: Value, spec: FieldSpec) -> dict[str, str]:
    """Jira Cloud knows people by account id only, since names and addresses became private."""
    account_id = in_words(value).strip()
    if not re.fullmatch(r"[0-9A-Za-z:_-]{1,128}", account_id):
        wanted = "the account id of a person, or the e-mail address of one who may be assigned"
        raise _unusable(value, spec=spec, wanted=wanted)
    return {"accountId": account_id}


def _choice(value: Value, spec: FieldSpec) -> dict[str, str]:
    """One of the allowed values. A name goes before an id, for some sites have options called 1, 2
    and 3.
    """
    choices = {option.id: option for option in spec.allowed}
    choices |= {option.name.casefold(): option for option in spec.allowed}
    choices |= {option.name: option for option in spec.allowed}
    for word in _spellings(value):
        if found := choices.get(word) or choices.get(word.casefold()):
            return {"id": found.id}
    names = ", ".join(option.name for option in spec.allowed[:20])
    more = f" and {len(spec.allowed) - 20} more" if len(spec.allowed) > 20 else ""
    wanted = f"{names}{more}" or "no value at all as Jira has it now"
    raise _unusable(value, spec=spec, wanted=wanted)


def _spellings(value: Value) -> tuple[str, ...]:
    if isinstance(value, bool):
        return ("True", "Yes") if value else ("False", "No")
    return (adf.one_line(in_words(value)),)


def _labels(value: Value, spec: FieldSpec) -> list[str]:
    """Jira refuses labels with spaces."""
    parts = value if isinstance(value, tuple) else (in_words(value),)
    labels = (
        adf.cut(adf.one_line(part).replace(" ", "_"), units_max=adf.LINE_MAX) for part in parts
    )
    return list(dict.fromkeys(label for label in labels if label))


def _plain_json(value: Raw, *, spec: FieldSpec) -> Any:
    """Only its shape can be judged: whether it is what the field's type is written as."""
    try:
        plain = json.loads(value.text)
    except ValueError:
        raise _unusable(f"{RAW}{value.text}", spec=spec, wanted="JSON that can be read") from None
    shapes = _SHAPES.get(spec.type, (dict, list, str, int, float))
    if isinstance(plain, bool) or not isinstance(plain, shapes):
        named = " or ".join(shape.__name__ for shape in shapes)
        raise _unusable(f"{RAW}{value.text}", spec=spec, wanted=f"JSON that is a {named}")
    return plain


_SHAPES: Final[Mapping[str, tuple[type, ...]]] = {
    "array": (list,),
    "string": (str, dict),
    "number": (int, float),
    "date": (str,),
    "datetime": (str,),
    **dict.fromkeys(("option", "option-with-child", "user", "priority", "version"), (dict,)),
}


def _team(value: Value, spec: FieldSpec) -> str:
    """Jira takes the plain id of the team (no allowed values are published for this field)."""
    team = in_words(value).strip()
    if not re.fullmatch(r"[0-9A-Za-z-]{16,80}", team):
        raise _unusable(value, spec=spec, wanted="the id of a team, as its address in Jira ends")
    return team


def _parent(value: Value, spec: FieldSpec) -> dict[str, str]:
    key = in_words(value).strip()
    if not re.fullmatch(r"[A-Z][A-Z0-9_]+-[0-9]+", key):
        raise _unusable(value, spec=spec, wanted="the key of a ticket, such as SEC-1")
    return {"key": key}


def _sprint(value: Value, spec: FieldSpec) -> int:
    number = in_words(value).strip()
    if not re.fullmatch(r"[0-9]{1,18}", number):
        raise _unusable(value, spec=spec, wanted="the number of a sprint")
    return int(number)


def _group(value: Value, spec: FieldSpec) -> dict[str, str]:
    name = adf.one_line(in_words(value))
    if not name:
        raise _unusable(value, spec=spec, wanted="the name of a group")
    return {"name": name}


def _cascade(value: Value, spec: FieldSpec) -> dict[str, Any]:
    """`A > B`, `A -> B`, or `A` alone."""
    words = re.split(r"\s*-?>\s*", in_words(value).strip(), maxsplit=1)
    top = _choice(words[0], spec)
    if len(words) == 1:
        return top
    (chosen,) = (option for option in spec.allowed if option.id == top["id"])
    below = replace(spec, allowed=chosen.children)
    return top | {"child": _choice(words[1], below)}


def _several(write: Writer) -> Writer:
    return lambda value, spec: [
        write(part, spec) for part in (value if isinstance(value, tuple) else (value,))
    ]


_WRITERS: Final[Mapping[str, Writer]] = {
    "string": _line,
    "textarea": _rich_text,
    "url": _url,
    "number": _number,
    "date": _date,
    "datetime": _date_time,
    "user": _user,
    "team": _team,
    "issuelink": _parent,
    "gh-sprint": _sprint,
    "group": _group,
    "option-with-child": _cascade,
    "array of group": _several(_group),
    "array of user": _several(_user),
    "array of string": _labels,
    **dict.fromkeys(("option", "priority", "version", "component", "securitylevel"), _choice),
    **dict.fromkeys(
        ("array of option", "array of version", "array of component"), _several(_choice)
    ),
}
"""By `FieldSpec.kind`. Radio buttons are options to Jira, check boxes are arrays of them."""
