"""Which Jira fields a new ticket gets, and each value in its field's own type.

Promises: a value that Jira would refuse is refused here, with the values that are allowed; what
does not fit an optional field is left out and named, and never costs the ticket.
Does not do: asking Jira, or judging the settings before there is an issue (`field_checks.py`).
"""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from msgspec import Struct

from job.core import adf, halo_names, ladders, templates
from job.core.halo_names import Value
from job.core.issues import Evidence, Issue
from job.core.shape import CreateScreen, FieldSpec, TicketSettings
from job.core.values import Raw, as_listed, typed
from job.errors import UnusableValue

_SAID_MAX: Final = 2_000
LABELS: Final = "labels"
PRIORITY: Final = "priority"
DUE: Final = "duedate"


PEOPLE: Final = frozenset({"user", "array of user"})
"""The kinds of fields that hold people."""
People = Mapping[str, str | None]
"""Address in small letters -> account id; `None` where nobody has it."""
NOBODY: Final[People] = {}


class Filled(Struct, frozen=True, kw_only=True):
    """What the settings put into a new ticket."""

    fields: dict[str, Any]
    """By Jira's id of the field. A field for which Halo has no value is not there."""
    left_out: tuple[str, ...] = ()
    """A sentence for each field that could not take its value."""
    notes: tuple[str, ...] = ()
    """What else a reader should know of the values."""

    @property
    def closing_words(self) -> str:
        """All of this in one line, which ends the ticket; "" where there is nothing to say."""
        words = [*self.notes, *(f"Left out: {sentence}" for sentence in self.left_out)]
        return adf.cut(adf.one_line(" ".join(words)), units_max=_SAID_MAX)


class _Wanted(Struct, frozen=True, kw_only=True):
    """One value that the settings want in one field."""

    name: str
    """The field's, as the settings write it."""
    value: Value | Raw | None
    what: str
    """Where the value comes from, for the sentence that misses it."""


def needs_asset(settings: TicketSettings, *, issue: Issue) -> bool:
    """Whether a field of this issue's ticket can only be known from its asset."""
    asked = [halo for halo, _ in settings.mapping]
    asked += [label for label in settings.labels if templates.is_template(label)]
    return any(
        halo_names.needs_asset(name, issue=issue)
        for text in asked
        for name in templates.parse_mapped(text).names
    )


def filled(
    evidence: Evidence,
    *,
    settings: TicketSettings,
    screen: CreateScreen,
    made_at: datetime,
    people: People = NOBODY,
) -> Filled:
    """The fields of a new ticket as the settings want them. Raises `UnusableValue` where a required
    field cannot have its value.
    """
    fields: dict[str, Any] = {}
    left_out: list[str] = []
    due = ladders.due(settings.due, issue=evidence.issue, made_at=made_at)
    for wanted in _wanted(evidence, settings=settings, screen=screen, made_at=made_at, due=due):
        if screen.lacks(wanted.name):
            left_out.append(f'{screen} does not show the field "{wanted.name}".')
            continue
        spec = screen.find(wanted.name)
        try:
            value = _typed(wanted, spec=spec, people=people)
        except UnusableValue as unusable:
            if _must_have(spec):
                raise
            left_out.append(str(unusable))
            continue
        if value is not None:
            fields[spec.id] = [*fields.get(spec.id, ()), *value] if spec.id == LABELS else value
    if LABELS in fields:
        fields[LABELS] = list(dict.fromkeys(fields[LABELS]))
    return Filled(fields=fields, left_out=tuple(left_out), notes=tuple(_notes(due)))


def _wanted(
    evidence: Evidence,
    *,
    settings: TicketSettings,
    screen: CreateScreen,
    made_at: datetime,
    due: ladders.Due | None,
) -> Iterator[_Wanted]:
    """Everything that the settings want, in the order in which they say it."""
    issue = evidence.issue
    for halo, name in settings.mapping:
        value = None if screen.lacks(name) else _mapped(halo, spec=screen.find(name), of=evidence)
        yield _Wanted(name=name, value=value, what=halo)
    for name, text in settings.static:
        fixed: Value | Raw = text
        if not screen.lacks(name):
            fixed = said(text, spec=screen.find(name), made_at=made_at)
        yield _Wanted(name=name, value=fixed, what=text)
    for label in settings.labels:
        asks = templates.is_template(label)
        listed = templates.filled_list(label, evidence=evidence) if asks else (label,)
        yield _Wanted(name=LABELS, value=listed, what=label)
    if (priority := ladders.first(settings.priority, issue=issue)) is not None:
        yield _Wanted(name=PRIORITY, value=priority, what="priority")
    if due is not None:
        yield _Wanted(name=DUE, value=due.on.isoformat(), what="due date")


def said(text: str, *, spec: FieldSpec, made_at: datetime) -> Value | Raw:
    """What a setting says. In a field of dates, `+30d` or `+5wd` is so long after a ticket is
    made.
    """
    if spec.kind in {"date", "datetime"} and text.startswith("+"):
        try:
            delay = ladders.Delay.parse(text.removeprefix("+"))
        except ValueError:
            return text
        return delay.after(made_at.astimezone(UTC).date()).isoformat()
    return as_listed(text, spec=spec)


def _mapped(halo: str, *, spec: FieldSpec, of: Evidence) -> Value | None:
    """A lone field of Halo keeps its own type; a field that holds several gets an entry for each
    part of the text between commas.
    """
    template = templates.parse_mapped(halo)
    if spec.type == "array" and not template.is_lone_field:
        return templates.filled_list(halo, evidence=of)
    value = template.filled(of)
    if template.names == ("asset_type",) and isinstance(value, str):
        return _asset_type(value, spec=spec)
    return value


def _asset_type(kind: str, *, spec: FieldSpec) -> str:
    """The word of this program's first version, where the field has that one and not Halo's."""
    options = {option.name.casefold() for option in spec.allowed}
    word = _ASSET_WORDS.get(kind.casefold(), _CSP_ASSET)
    return word if word.casefold() in options and kind.casefold() not in options else kind


_CSP_ASSET: Final = "CSP Asset"
_ASSET_WORDS: Final = {
    "server": "Server",
    **dict.fromkeys(("container", "image", "container_image"), "Container"),
}
"""Halo's kinds of assets that are not resources of a cloud provider."""


def emails(
    evidence: Evidence, *, settings: TicketSettings, screen: CreateScreen, made_at: datetime
) -> set[str]:
    """The addresses of people whose account ids must be known to fill the fields."""
    all_wanted = _wanted(evidence, settings=settings, screen=screen, made_at=made_at, due=None)
    return {
        address
        for wanted in all_wanted
        if not screen.lacks(wanted.name) and screen.find(wanted.name).kind in PEOPLE
        for address in addresses(wanted.value)
    }


def addresses(value: Value | Raw | None) -> list[str]:
    """What is an e-mail address among these texts."""
    texts = value if isinstance(value, tuple) else (value,)
    return [text.strip() for text in texts if isinstance(text, str) and "@" in text]


def _known(value: Value | Raw, *, people: People) -> Value | Raw:
    """The same with account ids in the place of the addresses that are known."""
    if isinstance(value, tuple):
        return tuple(people.get(text.strip().casefold()) or text for text in value)
    return (people.get(value.strip().casefold()) or value) if isinstance(value, str) else value


def _typed(wanted: _Wanted, *, spec: FieldSpec, people: People) -> Any:
    """The value as Jira takes it; `None` for none. Raises `UnusableValue`."""
    if wanted.value is not None:
        known = _known(wanted.value, people=people) if spec.kind in PEOPLE else wanted.value
        return typed(known, spec=spec)
    if _must_have(spec):
        raise UnusableValue(
            f"Jira requires {spec}, and Halo gives no {wanted.what} for this issue."
        )
    return None


def _must_have(spec: FieldSpec) -> bool:
    return spec.required and not spec.has_default


def _notes(due: ladders.Due | None) -> Iterator[str]:
    if due is not None and due.overdue_since is not None:
        yield f"It was due on {due.overdue_since.isoformat()}, before this ticket was made."


def parse_pairs(text: str) -> list[tuple[str, str]]:
    r"""The pairs of `a:b;c:d`. Only the first colon of a pair separates; `\;`, `\:` and `\\` stand
    for themselves. In values `\,` and `\\` are left for whoever takes lists apart.

    Raises `ValueError` with a sentence.
    """
    pairs = []
    for pair in re.findall(r"(?:\\[\\;:]|[^;])+", text):
        if not pair.strip():
            continue
        parts = re.fullmatch(r"((?:\\[\\;:]|[^:])*+):(.*)", pair, re.DOTALL)
        if parts is None:
            raise ValueError(f'"{pair.strip()}" has no colon between a name and a value.')
        name = re.sub(r"\\([\\;:,])", r"\1", parts[1].strip())
        value = re.sub(r"\\([;:])|(\\\\)", r"\1\2", parts[2].strip())
        if not name or not value:
            raise ValueError(
                f'"{pair.strip()}" has nothing {"after" if name else "before"} its colon.'
            )
        pairs.append((name, value))
    return pairs
