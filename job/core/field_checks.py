"""What is wrong with the configured fields, seen beside a create screen before any ticket is made.

Promises: whatever is wrong is found before the first write, all of it at once, with what is
allowed.
Does not do: asking Jira. The `CreateScreen` is read elsewhere (`jira/catalogue.py`), from the
metadata of the create screen.
"""

from collections.abc import Iterator
from difflib import get_close_matches
from typing import Final

from msgspec import Struct

from job.core import templates
from job.core.fields import DUE, LABELS, PEOPLE, PRIORITY, addresses, said
from job.core.follow import ALL, followers
from job.core.halo_names import Value, is_instant, is_truth
from job.core.ids import EPOCH
from job.core.shape import CreateScreen, FieldSpec, TicketSettings
from job.core.values import typed, writer_for
from job.errors import Problem, UnusableValue

ID_KINDS: Final = frozenset({"string", "url", "array of string"})
"""The kinds of field that can hold the Halo id and be searched for it."""

OURS: Final = frozenset({"project", "issuetype", "summary", "description"})
"""The fields that every ticket gets from us."""


class _Filling(Struct, frozen=True, kw_only=True):
    """A field that is to be filled."""

    variable: str
    """The one that says so."""
    name: str
    """The field's, as it stands there."""
    samples: tuple[Value, ...] = ()
    """Values that it must be able to take."""
    setting: str = ""
    """A text that it must be able to take, as a setting says it."""


def names(settings: TicketSettings) -> list[str]:
    """The fields that are to be filled or to follow, as the settings name them."""
    filled = (filling.name for filling in _fillings(settings))
    return list(dict.fromkeys((*filled, *_named_to_follow(settings))))


def emails(settings: TicketSettings, *, screen: CreateScreen) -> list[str]:
    """The addresses of people that the settings name in fields of this screen."""
    return [
        address
        for name, text in settings.static
        for spec in screen.matching(name)
        if spec.kind in PEOPLE
        for address in addresses(said(text, spec=spec, made_at=EPOCH))
    ]


def unknown_person(email: str, *, settings: TicketSettings) -> Problem:
    """An address of nobody who may be assigned."""
    wrong = f"{email} is the address of nobody, or of several, who may be assigned in "
    wrong += f"{settings.project_key}."
    variable = settings.said_in or "JIRA_FIELD_STATIC"
    return Problem(variable, wrong, "the address or the account id of one person")


def check(settings: TicketSettings, *, screen: CreateScreen) -> list[Problem]:
    """Everything that is wrong with the configured fields."""
    return [
        *_wrong_screen(screen),
        *_wrong_targets(settings, screen=screen),
        *_unfilled(settings, screen=screen),
        *_not_followed(settings, screen=screen),
    ]


def _wrong_screen(screen: CreateScreen) -> Iterator[Problem]:
    """What every ticket needs, whatever is mapped."""
    kinds = "a single-line text, URL or labels field that this screen shows"
    if screen.id_field.id not in screen.fields:
        yield Problem(
            "JIRA_ISSUE_ID_FIELD", f"{screen} does not let {screen.id_field} be set.", kinds
        )
    elif screen.id_field.kind not in ID_KINDS or screen.id_field.id in OURS:
        wrong = f"{screen.id_field}, of type {screen.id_field.kind}, cannot hold a Halo id."
        yield Problem("JIRA_ISSUE_ID_FIELD", wrong, kinds)
    if "summary" not in screen.fields:
        yield Problem(
            "JIRA_ISSUE_TYPE", f"{screen} has no summary.", "a type whose create screen has one"
        )


def _wrong_targets(settings: TicketSettings, *, screen: CreateScreen) -> Iterator[Problem]:
    """What is wrong with each Jira field that is to be filled."""
    seen = dict.fromkeys((*OURS, screen.id_field.id), _PROGRAM)
    for filling in _fillings(settings):
        if screen.lacks(filling.name):
            continue  # it is left out of each ticket, which says so
        matches = screen.matching(filling.name)
        if len(matches) != 1:
            yield _not_one(filling, matches=matches, screen=screen)
            continue
        (spec,) = matches
        if spec.id in seen and not (spec.id == LABELS and seen[LABELS] != _PROGRAM):
            wrong = f"{spec} is already filled by {seen[spec.id]}."
            yield Problem(filling.variable, wrong, "one value for each Jira field")
            continue
        seen[spec.id] = f'"{filling.name}" in {filling.variable}'
        yield from _misfit(spec, filling=filling)


_PROGRAM: Final = "the program itself"


def _fillings(settings: TicketSettings) -> Iterator[_Filling]:
    """Every field to fill, with values that it will certainly have to take."""
    said_in = settings.said_in
    for halo, name in settings.mapping:
        variable = said_in or "JIRA_FIELD_MAPPING"
        yield _Filling(variable=variable, name=name, samples=_samples(halo))
    for name, text in settings.static:
        yield _Filling(variable=said_in or "JIRA_FIELD_STATIC", name=name, setting=text)
    if settings.labels:
        plain = tuple(label for label in settings.labels if not templates.is_template(label))
        yield _Filling(variable=said_in or "ROUTES", name=LABELS, samples=plain)
    if settings.priority:
        priorities = tuple(step.then for step in settings.priority)
        yield _Filling(variable=said_in or "PRIORITY_MAP", name=PRIORITY, samples=priorities)
    if settings.due:
        day = (EPOCH.date().isoformat(),)
        yield _Filling(variable=said_in or "DUE_IN", name=DUE, samples=day)


def _samples(halo: str) -> tuple[Value, ...]:
    """Values that a mapped field of Halo has, where they are not plain text."""
    template = templates.parse_mapped(halo)
    if not template.is_lone_field:
        return ()
    (name,) = template.names
    if is_truth(name):
        return (True, False)
    return (EPOCH,) if is_instant(name) else ()


def _not_one(filling: _Filling, *, matches: list[FieldSpec], screen: CreateScreen) -> Problem:
    variable, name = filling.variable, filling.name
    if matches:
        ids = ", ".join(spec.id for spec in matches)
        return Problem(
            variable, f'"{name}" is the name of several Jira fields.', f"one of their ids, {ids}"
        )
    names = {spec.name.casefold(): spec.name for spec in screen.fields.values()}
    close = [names[match] for match in get_close_matches(name.casefold(), names, n=3, cutoff=0.5)]
    listed = ", ".join(close) or "the name or id of a field on that screen"
    return Problem(variable, f'{screen} has no field "{name}".', listed)


def _misfit(spec: FieldSpec, *, filling: _Filling) -> Iterator[Problem]:
    """The first value that the field cannot take, or the field itself when it can take none of
    ours.
    """
    try:
        if filling.setting:
            value = said(filling.setting, spec=spec, made_at=EPOCH)
            if not (spec.kind in PEOPLE and addresses(value)):
                typed(value, spec=spec)
            return
        write = writer_for(spec)
        for sample in filling.samples:
            write(sample, spec)
    except UnusableValue as error:
        yield Problem(filling.variable, str(error))


def _unfilled(settings: TicketSettings, *, screen: CreateScreen) -> Iterator[Problem]:
    """Required fields that nothing fills: every create would be refused."""
    filled_ids = {
        spec.id for filling in _fillings(settings) for spec in screen.matching(filling.name)
    }
    for spec in screen.fields.values():
        if (
            spec.required
            and not spec.has_default
            and spec.id not in filled_ids | OURS | {screen.id_field.id}
        ):
            allowed = ", ".join(option.name for option in spec.allowed[:20])
            yield Problem(
                settings.said_in or "JIRA_FIELD_STATIC",
                f"Jira requires {spec}, and nothing fills it.",
                allowed,
            )


def _not_followed(settings: TicketSettings, *, screen: CreateScreen) -> Iterator[Problem]:
    """Names of fields that shall follow Halo and that Jira does not know."""
    for name in _named_to_follow(settings):
        if not screen.lacks(name) and not screen.matching(name):
            fillable = followers(settings, screen=screen)
            allowed = ", ".join(["all", "none", *(spec.name for spec in fillable)])
            yield Problem("FIELDS_FOLLOW", f'Jira has no field "{name}".', allowed)


def _named_to_follow(settings: TicketSettings) -> tuple[str, ...]:
    return () if settings.follow == ALL else settings.follow
