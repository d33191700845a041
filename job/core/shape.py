"""What new tickets look like: what is configured, and what Jira's create screen wants and allows.

Promises: every value is frozen.
Does not do: reading the screen (`jira/catalogue.py`), or judging it (`fields.py`).
"""

from collections.abc import Mapping
from functools import cached_property

from msgspec import Struct

from job.core.ladders import Ladder


class TicketSettings(Struct, frozen=True, kw_only=True):
    """What new tickets look like by configuration, in the words of the person who configured it."""

    project_key: str
    ticket_type: str
    id_field: str
    """Name or id of the Jira field that holds the Halo id."""
    mapping: tuple[tuple[str, str], ...] = ()
    """Halo field, or text with several in braces -> Jira field (name or id)."""
    static: tuple[tuple[str, str], ...] = ()
    """Jira field (name or id) -> value. Commas separate the values of a field that holds several.
    """
    labels: tuple[str, ...] = ()
    """Further labels; each may name Halo's fields in braces."""
    priority: Ladder = ()
    due: Ladder = ()
    follow: tuple[str, ...] = ("all",)
    """Names or ids of the fields that follow Halo; `all` alone means each that Halo fills.
    """
    said_in: str = ""
    """Where people wrote this, if not in the variables of the plain settings."""
    halo_link: str = ""
    """Template of the address where people find an issue in Halo (`portal.py`); "" for none."""
    issues_url: str = "https://api.cloudpassage.com/v3/issues"
    """Where Halo keeps its issues. A URL field holds this and the id, for Jira finds addresses only
    as a whole.
    """


class Allowed(Struct, frozen=True):
    """One value that a Jira field allows."""

    id: str
    name: str
    children: tuple["Allowed", ...] = ()
    """What may be chosen below it, in a field of two levels."""


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
        if custom in {"textarea", "url", "gh-sprint"}:
            return custom
        if custom == "atlassian-team":
            return "team"
        if (self.system or self.id) in {"description", "environment"}:
            return "textarea"
        return f"array of {self.items}" if self.type == "array" else self.type

    def __str__(self) -> str:
        return f'"{self.name}"' if self.name == self.id else f'"{self.name}" ({self.id})'


class CreateScreen(Struct, frozen=True, kw_only=True, dict=True):
    """Jira's answer to ticket settings: their project, its ticket type and the fields of the
    create screen, by id.
    """

    project_key: str
    type_id: str
    type_name: str
    id_field: FieldSpec
    fields: Mapping[str, FieldSpec]
    elsewhere: frozenset[str] = frozenset()
    """Names and ids of fields that Jira knows and this screen does not show, in small letters. It
    is asked for only where one of the names that we are to fill is not on the screen.
    """

    def lacks(self, name_or_id: str) -> bool:
        """Whether the field exists, but cannot be filled by a create."""
        return not self.matching(name_or_id) and name_or_id.casefold() in self.elsewhere

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
                raise LookupError(f'{self} has no field "{name_or_id}".')
            case several:
                ids = ", ".join(spec.id for spec in several)
                raise LookupError(
                    f'"{name_or_id}" is the name of several fields: {ids}. Use an id.'
                )

    def __str__(self) -> str:
        return f"The create screen of {self.type_name} in {self.project_key}"
