"""The screen of a transition: which of its fields we fill, and with what.

Promises: nothing is sent that the screen does not list, for Jira would refuse all of it; a
resolution is set wherever a closing screen lists one, and cleared where a reopening one does.
Does not do: choosing a transition (`transitions.py`).
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, assert_never

from msgspec import Struct, field

from job.core.model import Ticket
from job.core.routes import Goal, Purpose
from job.core.shape import Allowed, FieldSpec
from job.core.values import as_listed, typed
from job.errors import NoTransition, UnusableValue
from job.http.message import Request
from job.jira.wire.exchange import Site, readable
from job.jira.wire.metadata import allowed

COMMENT, RESOLUTION = "comment", "resolution"
READING = "reading what a ticket's fields hold"


class Screen(Struct, frozen=True, kw_only=True):
    """What a transition shows to whoever takes it."""

    fields: Mapping[str, FieldSpec] = field(default_factory=dict)
    """By their ids; the comment is none of them."""
    lists_comment: bool = False
    """Whether a comment may come along. Where it is not listed Jira drops one without a word
    (observed: github.com sooperset/mcp-atlassian#1623).
    """
    needs_comment: bool = False


class Filled(Struct, frozen=True, kw_only=True):
    """What is sent of a screen."""

    fields: Mapping[str, Any]
    own: tuple[FieldSpec, ...]
    """Required fields for which the settings say nothing: the ticket's own values are sent back.
    """


def screen(raw: Mapping[str, Any]) -> Screen:
    """`fields` of a transition, as `transitions.fields` expands it (Jira Cloud REST v3,
    `FieldMetadata`).
    """
    comment = raw.get(COMMENT)
    return Screen(
        fields={name: _spec(name, raw=told) for name, told in raw.items() if name != COMMENT},
        lists_comment=comment is not None,
        needs_comment=comment is not None and bool(comment.get("required")),
    )


def filled(shown: Screen, *, goal: Goal) -> Filled:
    """Raises `UnusableValue` where a configured value does not fit."""
    values: dict[str, Any] = {}
    for name, text in goal.fields:
        for spec in _named(shown, name):
            values[spec.id] = typed(as_listed(text, spec=spec), spec=spec)
    resolution = shown.fields.get(RESOLUTION)
    if resolution is not None and RESOLUTION not in values:
        values |= _resolution(resolution, goal=goal)
    own = (
        spec
        for spec in shown.fields.values()
        if spec.required and not spec.has_default and spec.id not in values
    )
    return Filled(fields=values, own=tuple(own))


def held(site: Site, ticket: Ticket, *, specs: Iterable[FieldSpec]) -> Request:
    """What these fields of the ticket hold by now."""
    return site.request(
        "GET /rest/api/3/issue/{id}",
        ids={"id": ticket.id},
        query={"fields": ",".join(spec.id for spec in specs)},
    )


def sent_back(body: Any, *, ticket: Ticket, specs: Sequence[FieldSpec], goal: Goal) -> Any:
    """The ticket's own values, in the form in which they are written. Raises `NoTransition` where
    it has none.
    """
    with readable(READING):
        values = {spec.id: _written(body["fields"].get(spec.id)) for spec in specs}
    missing = [spec for spec in specs if values[spec.id] in (None, "", [])]
    if missing:
        raise NoTransition(f"{ticket.key} {demand(missing, goal=goal)}")
    return values


def demand(missing: Iterable[FieldSpec], *, goal: Goal) -> str:
    """What is asked for, where it can be given, and which values are allowed."""
    wanted = "; ".join(map(_with_choice, missing))
    variable = variable_of(goal.purpose)
    given = f"Give it in {variable}." if variable else "Nothing can give it."
    return f"is asked for {wanted}, which it does not have. {given}"


def variable_of(purpose: Purpose) -> str:
    """Which setting fills the fields of its screens."""
    match purpose:
        case Purpose.CLOSE:
            return "CLOSE_FIELDS"
        case Purpose.REOPEN:
            return "REOPEN_FIELDS"
        case Purpose.BEGIN:
            return ""
    assert_never(purpose)


def _with_choice(spec: FieldSpec) -> str:
    names = ", ".join(option.name for option in spec.allowed[:20])
    return f"{spec.name} (allowed: {names})" if names else spec.name


def _spec(name: str, *, raw: Any) -> FieldSpec:
    schema = raw.get("schema") or {}
    return FieldSpec(
        id=name,
        name=raw.get("name") or name,
        type=schema.get("type", ""),
        items=schema.get("items", ""),
        system=schema.get("system", ""),
        custom=schema.get("custom", ""),
        required=bool(raw.get("required")),
        has_default=bool(raw.get("hasDefaultValue")),
        allowed=tuple(allowed(raw.get("allowedValues") or ())),
    )


def _named(shown: Screen, name: str) -> list[FieldSpec]:
    """A screen that does not list the field is another one's: the setting is for all of them."""
    if name in shown.fields:
        return [shown.fields[name]]
    return [spec for spec in shown.fields.values() if spec.name.casefold() == name.casefold()]


def _resolution(spec: FieldSpec, *, goal: Goal) -> dict[str, Any]:
    """Set to close, cleared to reopen. Elsewhere only what is required is sent."""
    if goal.purpose is not Purpose.CLOSE and not spec.required:
        return {spec.id: None} if goal.purpose is Purpose.REOPEN else {}
    chosen = _chosen(spec.allowed, wanted=goal.resolution)
    if chosen is not None:
        return {spec.id: {"id": chosen.id}}
    if not spec.required and not goal.resolution:
        return {}
    names = ", ".join(known.name for known in spec.allowed) or "none"
    wanted = goal.resolution or "none"
    raise UnusableValue(f"asks for a resolution and {wanted} is not allowed (allowed: {names})")


def _chosen(known: Sequence[Allowed], *, wanted: str) -> Allowed | None:
    """The configured one, by name or id, and no other; without one `Done`, else the first."""
    if wanted:
        return next((option for option in known if _is(option, wanted)), None)
    done = (option for option in known if _is(option, "done"))
    return next(done, known[0] if known else None)


def _is(option: Allowed, wanted: str) -> bool:
    return wanted.casefold() in (option.name.casefold(), option.id)


def _written(value: Any) -> Any:
    """What Jira answered, as Jira takes it: people by account, options by id, texts as they are."""
    if isinstance(value, list):
        return [_written(part) for part in value]
    if not isinstance(value, dict) or value.get("type") == "doc":
        return value
    for name in ("accountId", "id", "key"):
        if name in value:
            return {name: value[name]}
    return value
