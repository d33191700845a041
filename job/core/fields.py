"""Which Jira fields a new ticket gets, and each value in its field's own type.

It promises that a value which Jira would refuse is refused here first, with the values that are allowed, and that what is
wrong with the settings is found before anything is written. It does not ask Jira: the `FieldBook` is read elsewhere.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """What new tickets look like by configuration, in the words of the person who configured it."""

    project_key: str
    ticket_type: str
    id_field: str
    """Name or id of the Jira field that holds the Halo id."""
    mapping: tuple[tuple[str, str], ...] = ()
    """Halo field -> Jira field (name or id)."""
    static: tuple[tuple[str, str], ...] = ()
    """Jira field (name or id) -> value."""
    resolution: str = ""
    """The resolution to close with where the screen asks for one; "" leaves the choice to the program."""


@dataclass(frozen=True, slots=True)
class Allowed:
    """One value that a Jira field allows."""

    id: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldSpec:
    """One field of the create screen (Jira Cloud REST v3, GET /issue/createmeta/{project}/issuetypes/{id})."""

    id: str
    name: str
    type: str
    """`schema.type`, such as `string`, `option`, `array`."""
    items: str = ""
    """`schema.items`: what an array holds."""
    system: str = ""
    """`schema.system`, such as `summary`; "" for custom fields."""
    custom: str = ""
    """`schema.custom`, such as `com.atlassian.jira.plugin.system.customfieldtypes:select`; "" for system fields."""
    required: bool = False
    has_default: bool = False
    allowed: tuple[Allowed, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldBook:
    """Jira's answer to a shape: its project, its ticket type and the fields of the create screen, by id."""

    project_key: str
    type_id: str
    type_name: str
    id_field: FieldSpec
    fields: Mapping[str, FieldSpec]
    project_id: str = ""

    def find(self, name_or_id: str) -> FieldSpec:
        """The field of this id, else of this name in any case. Raises `LookupError` with a sentence."""
        if name_or_id in self.fields:
            return self.fields[name_or_id]
        named = [spec for spec in self.fields.values() if spec.name.casefold() == name_or_id.casefold()]
        if len(named) == 1:
            return named[0]
        raise LookupError(name_or_id)
