"""The parts of a write's body: `fields` and `update` as one, and properties.

Promises: what has not the shape that was asked for is refused as a whole.
Does not do: checking the value of a field (fields.py).
"""

from collections.abc import Mapping
from typing import Any, Final

from job.sim.jira.sentences import Refused

PROPERTIES_MAX: Final = 5
"""How many properties one call may ask for."""
PROPERTY_MAX: Final = 32_768
_VERBS: Final = frozenset({"add", "set", "remove"})


def merged(body: Mapping[str, Any], *, current: Mapping[str, Any]) -> dict[str, Any]:
    """`fields` and `update` as one mapping of raw values; a field may stand in one of them only."""
    fields, update = body.get("fields", {}), body.get("update", {})
    if not isinstance(fields, dict) or not isinstance(update, dict):
        raise Refused("bad_payload")
    if both := set(fields) & set(update):
        raise Refused("both_places", *sorted(both)[:1], field=sorted(both)[0])
    return {
        **fields,
        **{name: _updated(name, verbs=verbs, current=current) for name, verbs in update.items()},
    }


def _updated(name: str, *, verbs: Any, current: Mapping[str, Any]) -> Any:
    """Carry out a list of single-verb objects on the value as it stands."""
    if not isinstance(verbs, list):
        raise Refused("array", field=name)
    value = current.get(name)
    for step in verbs:
        if not isinstance(step, dict) or len(step) != 1 or not set(step) <= _VERBS:
            raise Refused("bad_payload", field=name)
        ((verb, operand),) = step.items()
        if verb == "set":
            value = operand
        elif isinstance(value, list) or value is None:
            value = [
                *(item for item in value or [] if item != operand),
                *([operand] if verb == "add" else []),
            ]
        else:
            raise Refused("array", field=name)
    return value


def properties_of(raw: Any) -> dict[str, Any]:
    """The properties that a write brings along, by their keys."""
    if not isinstance(raw, list):
        raise Refused("bad_payload", field="properties")
    for held in raw:
        if (
            not isinstance(held, dict)
            or set(held) != {"key", "value"}
            or not isinstance(held["key"], str)
        ):
            raise Refused("bad_payload", field="properties")
        check_property(held["key"], value=held["value"])
    return {held["key"]: held["value"] for held in raw}


def check_property(key: str, *, value: Any) -> None:
    if not 0 < len(key) <= 255 or len(repr(value)) > PROPERTY_MAX:
        raise Refused("property_size")
