"""Which Jira fields a new ticket gets, and each value in its field's own type.

It promises that a value which Jira would refuse is refused here, with the values that are allowed,
and that whatever is wrong with the configured fields is found before the first write, all of it at
once. It does not ask Jira anything: the `FieldBook` is read elsewhere, from the metadata of the
create screen.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from difflib import get_close_matches
from functools import cached_property
from math import isfinite
from typing import Any, Final
from urllib.parse import urlsplit

from msgspec import Struct

from job.core import adf
from job.core.model import EPOCH, Evidence, Issue
from job.errors import Problem, UnusableValue

Value = str | bool | datetime | tuple[str, ...]
"""What we may have for a field, before it has the field's type. Several texts are for fields that
hold several.
"""


class Shape(Struct, frozen=True, kw_only=True):
    """What new tickets look like by configuration, in the words of the person who configured it."""

    project_key: str
    ticket_type: str
    id_field: str
    """Name or id of the Jira field that holds the Halo id."""
    mapping: tuple[tuple[str, str], ...] = ()
    """Halo field -> Jira field (name or id)."""
    static: tuple[tuple[str, str], ...] = ()
    """Jira field (name or id) -> value. Commas separate the values of a field that holds several.
    """
    resolution: str = ""
    """The resolution to close with where the screen asks for one; "" leaves the choice to the
    program.
    """
    issues_url: str = "https://api.cloudpassage.com/v3/issues"
    """Where Halo keeps its issues. A URL field holds this and the id, for Jira finds addresses only
    as a whole.
    """


class Allowed(Struct, frozen=True):
    """One value that a Jira field allows."""

    id: str
    name: str


class FieldSpec(Struct, frozen=True, kw_only=True):
    """One field of the create screen (Jira Cloud REST v3, GET
    /issue/createmeta/{project}/issuetypes/{id}).
    """

    id: str
    name: str
    type: str
    """`schema.type`, such as `string`, `option`, `array`."""
    items: str = ""
    """`schema.items`: what an array holds."""
    system: str = ""
    """`schema.system`, such as `summary`; "" for custom fields."""
    custom: str = ""
    """`schema.custom`, such as `com.atlassian.jira.plugin.system.customfieldtypes:select`; "" for
    system fields.
    """
    required: bool = False
    has_default: bool = False
    allowed: tuple[Allowed, ...] = ()

    @property
    def kind(self) -> str:
        """The word for how its values are written, such as `url`, `option`, `array of string`."""
        custom = self.custom.rpartition(":")[2]
        if custom in {"textarea", "url"}:
            return custom
        if (self.system or self.id) in {"description", "environment"}:
            return "textarea"
        return f"array of {self.items}" if self.type == "array" else self.type

    def __str__(self) -> str:
        return f'"{self.name}"' if self.name == self.id else f'"{self.name}" ({self.id})'


class FieldBook(Struct, frozen=True, kw_only=True, dict=True):
    """Jira's answer to a shape: its project, its ticket type and the fields of the create screen,
    by id.
    """

    project_key: str
    project_id: str = ""
    type_id: str
    type_name: str
    id_field: FieldSpec
    fields: Mapping[str, FieldSpec]

    @cached_property
    def _found(self) -> dict[str, FieldSpec]:
        """What `find` gave before: it is asked for the same few names for each ticket."""
        return {}

    def matching(self, name_or_id: str) -> list[FieldSpec]:
        """The field of this id, else every field of this name in any case. Names in Jira are not
        unique.
        """
        if name_or_id in self.fields:
            return [self.fields[name_or_id]]
        return [
            spec for spec in self.fields.values() if spec.name.casefold() == name_or_id.casefold()
        ]

    def find(self, name_or_id: str) -> FieldSpec:
        """The one field of this id or name. Raises `LookupError` with a sentence when there is
        none, or several.
        """
        if name_or_id in self._found:
            return self._found[name_or_id]
        match self.matching(name_or_id):
            case [spec]:
                self._found[name_or_id] = spec
                return spec
            case []:
                raise LookupError(f'{self.screen} has no field "{name_or_id}".')
            case several:
                ids = ", ".join(spec.id for spec in several)
                raise LookupError(
                    f'"{name_or_id}" is the name of several fields: {ids}. Use an id.'
                )

    @property
    def screen(self) -> str:
        return f"The create screen of {self.type_name} in {self.project_key}"


# --- Halo's side ----------------------------------------------------------------------------------

HALO_FIELDS: Final[Mapping[str, tuple[str, ...]]] = {
    "asset_group_name": ("issue.group_name", "asset.group_name"),
    "asset_group_path": ("issue.group_path", "asset.group_path"),
    "asset_type": ("issue.asset_type",),
    "issue_critical": ("issue.critical",),
    "issue_created_at": ("issue.created_at", "issue.first_seen_at"),
    "issue_rule_key": ("issue.rule_key",),
    "issue_type": ("issue.type",),
    "issue_id": ("issue.id",),
    "issue_policy_name": ("issue.policy_name",),
    "server_csp_provider": ("asset.csp_provider", "issue.csp_account_type"),
    "server_csp_account_id": ("issue.csp_account_id", "asset.csp_account_id"),
    "server_csp_instance_id": ("issue.csp_resource_id", "asset.csp_instance_id"),
    "server_id": ("issue.asset_id",),
    "server_hostname": ("issue.asset_hostname", "issue.asset_name", "asset.hostname"),
    "server_state": ("asset.state",),
}
"""The Halo fields that can be mapped, and where each is looked for. The first place that has a
value gives it.

Only the agent knows a server's state, and calls its cloud `aws_ec2` where the issue says `aws`:
both need the asset.
"""

_SAMPLES: Final[Mapping[str, tuple[Value, ...]]] = {
    "issue_critical": (True, False),
    "issue_created_at": (EPOCH,),
}
"""Values that a mapped field will certainly have to take, for the fields that are not plain text.
"""


def read(halo_field: str, *, evidence: Evidence) -> Value | None:
    """The value of a Halo field; `None` when nothing that we know has one."""
    for place in HALO_FIELDS[halo_field]:
        thing, attribute = place.split(".")
        value: Value | None = getattr(
            getattr(evidence, thing), attribute, None
        )  # an asset may be None or Gone
        if value not in (None, ""):
            return value
    return None


def needs_asset(shape: Shape, *, issue: Issue) -> bool:
    """Whether a mapped field of this issue can only be known from its asset."""
    return any(
        _needs_asset(HALO_FIELDS.get(halo_field, ()), issue=issue)
        for halo_field, _ in shape.mapping
    )


def _needs_asset(places: Iterable[str], *, issue: Issue) -> bool:
    for place in places:
        thing, attribute = place.split(".")
        if thing == "asset":
            return True
        if getattr(issue, attribute) not in (None, ""):
            return False
    return False


# --- Jira's side ----------------------------------------------------------------------------------

Writer = Callable[[Value, FieldSpec], Any]
"""Turns a value into what Jira takes for a field. Raises `UnusableValue`."""


def filled(evidence: Evidence, *, shape: Shape, book: FieldBook) -> dict[str, Any]:
    """The mapped and static fields of a ticket, by Jira's field id. A field for which Halo has no
    value is left out.
    """
    fields = {}
    for halo_field, name in shape.mapping:
        spec = book.find(name)
        value = read(halo_field, evidence=evidence)
        if value is not None:
            fields[spec.id] = typed(value, spec=spec)
        elif spec.required and not spec.has_default:
            raise UnusableValue(
                f"Jira requires {spec}, and Halo gives no {halo_field} for this issue."
            )
    for name, text in shape.static:
        spec = book.find(name)
        fields[spec.id] = typed(_listed(text, spec=spec), spec=spec)
    return fields


def typed(value: Value, *, spec: FieldSpec) -> Any:
    """The value as Jira wants it for this field. Raises `UnusableValue`."""
    return _writer(spec)(value, spec)


def _writer(spec: FieldSpec) -> Writer:
    if spec.kind in _WRITERS:
        return _WRITERS[spec.kind]
    raise UnusableValue(
        f"Jira field {spec} is of type {spec.kind or 'unknown'}, which cannot be filled from here. "
        f"These can: {', '.join(_WRITERS)}."
    )


def _listed(text: str, *, spec: FieldSpec) -> Value:
    return (
        tuple(part for part in map(str.strip, text.split(",")) if part)
        if spec.type == "array"
        else text
    )


def _words(value: Value) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return ", ".join(value) if isinstance(value, tuple) else str(value)


def _unusable(value: Value, *, spec: FieldSpec, wanted: str) -> UnusableValue:
    shown = adf.cut(adf.one_line(_words(value)), units_max=80)
    return UnusableValue(f'"{shown}" does not fit Jira field {spec}: it takes {wanted}.')


def _line(value: Value, spec: FieldSpec) -> str:
    return adf.cut(adf.one_line(_words(value)), units_max=adf.LINE_MAX)


def _rich_text(value: Value, spec: FieldSpec) -> adf.Document:
    return adf.document(adf.prose(_words(value)))


def _url(value: Value, spec: FieldSpec) -> str:
    text = adf.clean(_words(value)).strip()
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
        number = float(_words(value))
    except ValueError:
        number = float("nan")
    if not isfinite(number):
        raise _unusable(value, spec=spec, wanted="a number")
    return number


def _instant(value: Value, spec: FieldSpec) -> datetime:
    """A text without an offset is taken as UTC."""
    try:
        instant = datetime.fromisoformat(_words(value).strip())
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
    account_id = _words(value).strip()
    if not re.fullmatch(r"[0-9A-Za-z:_-]{1,128}", account_id):
        raise _unusable(
            value, spec=spec, wanted="the account id of a person, not a name or an address"
        )
    return {"accountId": account_id}


def _choice(value: Value, spec: FieldSpec) -> dict[str, str]:
    """One of the allowed values. A name goes before an id, for some sites have options called 1, 2
    and 3.
    """
    choices = {one.id: one for one in spec.allowed}
    choices |= {one.name.casefold(): one for one in spec.allowed} | {
        one.name: one for one in spec.allowed
    }
    for word in _spellings(value):
        if found := choices.get(word) or choices.get(word.casefold()):
            return {"id": found.id}
    names = ", ".join(one.name for one in spec.allowed[:20])
    more = f" and {len(spec.allowed) - 20} more" if len(spec.allowed) > 20 else ""
    raise _unusable(
        value, spec=spec, wanted=f"{names}{more}" if names else "no value at all as Jira has it now"
    )


def _spellings(value: Value) -> tuple[str, ...]:
    if isinstance(value, bool):
        return ("True", "Yes") if value else ("False", "No")
    return (adf.one_line(_words(value)),)


def _labels(value: Value, spec: FieldSpec) -> list[str]:
    """Jira refuses labels with spaces."""
    parts = value if isinstance(value, tuple) else (_words(value),)
    labels = (
        adf.cut(adf.one_line(part).replace(" ", "_"), units_max=adf.LINE_MAX) for part in parts
    )
    return list(dict.fromkeys(label for label in labels if label))


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
    "array of user": _several(_user),
    "array of string": _labels,
    **dict.fromkeys(("option", "priority", "version", "component", "securitylevel"), _choice),
    **dict.fromkeys(
        ("array of option", "array of version", "array of component"), _several(_choice)
    ),
}
"""By `FieldSpec.kind`. Radio buttons are options to Jira, check boxes are arrays of them."""


# --- The configuration ----------------------------------------------------------------------------

ID_KINDS: Final = frozenset({"string", "url", "array of string"})
"""The kinds of field that can hold the Halo id and be searched for it."""

_OURS: Final = frozenset({"project", "issuetype", "summary", "description"})
"""The fields that every ticket gets from us."""


def parse_pairs(text: str) -> list[tuple[str, str]]:
    r"""The pairs of `a:b;c:d`. Only the first colon of a pair separates; `\;`, `\:` and `\\` stand for themselves.

    Raises `ValueError` with a sentence.
    """
    pairs = []
    for pair in re.findall(r"(?:\\[\\;:]|[^;])+", text):
        if not pair.strip():
            continue
        parts = re.fullmatch(r"((?:\\[\\;:]|[^:])*+):(.*)", pair, re.DOTALL)
        if parts is None:
            raise ValueError(f'"{pair.strip()}" has no colon between a name and a value.')
        name, value = (re.sub(r"\\([\\;:])", r"\1", part.strip()) for part in parts.groups())
        if not name or not value:
            raise ValueError(
                f'"{pair.strip()}" has nothing {"after" if name else "before"} its colon.'
            )
        pairs.append((name, value))
    return pairs


def check(shape: Shape, *, book: FieldBook) -> list[Problem]:
    """Everything that is wrong with the configured fields."""
    return [
        *_unknown_halo_fields(shape),
        *_wrong_screen(book),
        *_wrong_targets(shape, book=book),
        *_unfilled(shape, book=book),
    ]


def _unknown_halo_fields(shape: Shape) -> Iterator[Problem]:
    for halo_field, _ in shape.mapping:
        if halo_field not in HALO_FIELDS:
            yield Problem(
                "JIRA_FIELD_MAPPING", f'Halo has no field "{halo_field}".', ", ".join(HALO_FIELDS)
            )


def _wrong_screen(book: FieldBook) -> Iterator[Problem]:
    """What every ticket needs, whatever is mapped."""
    kinds = "a single-line text, URL or labels field that this screen shows"
    if book.id_field.id not in book.fields:
        yield Problem(
            "JIRA_ISSUE_ID_FIELD", f"{book.screen} does not let {book.id_field} be set.", kinds
        )
    elif book.id_field.kind not in ID_KINDS or book.id_field.id in _OURS:
        wrong = f"{book.id_field}, of type {book.id_field.kind}, cannot hold a Halo id."
        yield Problem("JIRA_ISSUE_ID_FIELD", wrong, kinds)
    for name in ("summary", "description"):
        if name not in book.fields:
            yield Problem(
                "JIRA_ISSUE_TYPE",
                f"{book.screen} has no {name}.",
                "a type whose create screen has one",
            )


def _wrong_targets(shape: Shape, *, book: FieldBook) -> Iterator[Problem]:
    """What is wrong with each Jira field that is to be filled."""
    seen = dict.fromkeys((*_OURS, book.id_field.id), "the program itself")
    for variable, name, samples in _fillings(shape):
        matches = book.matching(name)
        if len(matches) != 1:
            yield _not_one(name, variable=variable, matches=matches, book=book)
            continue
        (spec,) = matches
        if spec.id in seen:
            yield Problem(
                variable,
                f"{spec} is already filled by {seen[spec.id]}.",
                "one value for each Jira field",
            )
            continue
        seen[spec.id] = f'"{name}" in {variable}'
        yield from _misfit(spec, variable=variable, samples=samples)


def _fillings(shape: Shape) -> Iterator[tuple[str, str, tuple[Value, ...]]]:
    """For each field to fill: the variable that says so, Jira's name for it, and values it must be
    able to take.
    """
    for halo_field, name in shape.mapping:
        yield "JIRA_FIELD_MAPPING", name, _SAMPLES.get(halo_field, ())
    for name, text in shape.static:
        yield "JIRA_FIELD_STATIC", name, (text,)


def _not_one(name: str, *, variable: str, matches: list[FieldSpec], book: FieldBook) -> Problem:
    if matches:
        ids = ", ".join(spec.id for spec in matches)
        return Problem(
            variable, f'"{name}" is the name of several Jira fields.', f"one of their ids, {ids}"
        )
    names = {spec.name.casefold(): spec.name for spec in book.fields.values()}
    close = [names[match] for match in get_close_matches(name.casefold(), names, n=3, cutoff=0.5)]
    listed = ", ".join(close) or "the name or id of a field on that screen"
    return Problem(variable, f'{book.screen} has no field "{name}".', listed)


def _misfit(spec: FieldSpec, *, variable: str, samples: Iterable[Value]) -> Iterator[Problem]:
    """The first value that the field cannot take, or the field itself when it can take none of
    ours.
    """
    try:
        write = _writer(spec)
        for sample in samples:
            write(_listed(sample, spec=spec) if isinstance(sample, str) else sample, spec)
    except UnusableValue as error:
        yield Problem(variable, str(error))


def _unfilled(shape: Shape, *, book: FieldBook) -> Iterator[Problem]:
    """Required fields that nothing fills: every create would be refused."""
    filled_ids = {spec.id for _, name, _ in _fillings(shape) for spec in book.matching(name)}
    for spec in book.fields.values():
        if (
            spec.required
            and not spec.has_default
            and spec.id not in filled_ids | _OURS | {book.id_field.id}
        ):
            allowed = ", ".join(one.name for one in spec.allowed[:20])
            yield Problem(
                "JIRA_FIELD_STATIC", f"Jira requires {spec}, and nothing fills it.", allowed
            )
