"""What a Jira site consists of before anybody creates a ticket: projects, issue types, fields,
people, workflows.

Promises: every id is a string as on the wire; fields know their JSON schema, their JQL operators
and their options, so that metadata, create checks and search all read one definition.
Does not do: keeping tickets (tickets.py).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta, timezone
from typing import Any, Final

from job.sim.jira.workflow import DEFAULT, Workflow

_CUSTOM: Final = "com.atlassian.jira.plugin.system.customfieldtypes:"
_EXACT: Final = ("=", "!=", "in", "not in", "is", "is not")
_ORDERED: Final = (*_EXACT, "<", "<=", ">", ">=")
_TEXT: Final = ("~", "!~", "is", "is not")

# kind: (schema type, schema items, custom type, JQL operators)
KINDS: Final[Mapping[str, tuple[str, str | None, str, tuple[str, ...]]]] = {
    "text": ("string", None, "textfield", _TEXT),
    "textarea": ("string", None, "textarea", _TEXT),
    "url": ("string", None, "url", _EXACT),
    "number": ("number", None, "float", _ORDERED),
    "select": ("option", None, "select", _EXACT),
    "multiselect": ("array", "option", "multiselect", _EXACT),
    "labels": ("array", "string", "labels", _EXACT),
    "user": ("user", None, "userpicker", _EXACT),
    "date": ("date", None, "datepicker", _ORDERED),
    "datetime": ("datetime", None, "datetime", _ORDERED),
    "priority": ("priority", None, "", _ORDERED),
    "resolution": ("resolution", None, "", _EXACT),
    "status": ("status", None, "", _EXACT),
    "project": ("project", None, "", _EXACT),
    "issuetype": ("issuetype", None, "", _EXACT),
    "key": ("string", None, "", _ORDERED),
}


@dataclass(frozen=True, slots=True)
class Option:
    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Field:
    """`on_screen` fields can be written; the others exist but are refused. `options` limit what may
    be written.
    """

    id: str
    name: str
    kind: str
    options: tuple[Option, ...] = ()
    required: bool = False
    has_default: bool = False
    on_screen: bool = True
    searchable: bool = True

    @property
    def is_custom(self) -> bool:
        return self.id.startswith("customfield_")

    @property
    def number(self) -> int:
        return int(self.id.removeprefix("customfield_"))

    @property
    def operators(self) -> tuple[str, ...]:
        return KINDS[self.kind][3]

    def schema(self) -> dict[str, Any]:
        type_, items, custom, _ = KINDS[self.kind]
        body: dict[str, Any] = {"type": type_}
        if items:
            body["items"] = items
        if self.is_custom:
            return body | {"custom": _CUSTOM + custom, "customId": self.number}
        return body | {"system": self.id}


@dataclass(frozen=True, slots=True)
class Person:
    """`email` is known to Jira and found by, but shown to nobody."""

    account_id: str
    name: str
    email: str = ""


@dataclass(frozen=True, slots=True)
class Project:
    id: str
    key: str
    name: str


PRIORITIES: Final = tuple(
    Option(str(n), name) for n, name in enumerate(("Highest", "High", "Medium", "Low", "Lowest"), 1)
)
RESOLUTIONS: Final = (
    Option("10000", "Done"),
    Option("10001", "Won't Do"),
    Option("10002", "Duplicate"),
)

SYSTEM_FIELDS: Final = (
    Field("project", "Project", "project", required=True),
    Field("issuetype", "Issue Type", "issuetype", required=True),
    Field("summary", "Summary", "text", required=True),
    Field("description", "Description", "textarea"),
    Field("labels", "Labels", "labels"),
    Field("priority", "Priority", "priority", options=PRIORITIES, has_default=True),
    Field("assignee", "Assignee", "user"),
    Field("duedate", "Due date", "date"),
    Field("reporter", "Reporter", "user", has_default=True, on_screen=False),
    Field("status", "Status", "status", on_screen=False),
    Field("resolution", "Resolution", "resolution", options=RESOLUTIONS, on_screen=False),
    Field("created", "Created", "datetime", on_screen=False),
    Field("updated", "Updated", "datetime", on_screen=False),
    Field("issuekey", "Key", "key", on_screen=False),
)
CUSTOM_FIELDS: Final = (
    Field("customfield_10010", "Halo Issue ID", "text"),
    Field("customfield_10011", "Halo Link", "url"),
    Field("customfield_10012", "Halo Tags", "labels"),
    Field("customfield_10013", "Halo Score", "number"),
    Field(
        "customfield_10014",
        "Halo Severity",
        "select",
        options=(Option("10020", "High"), Option("10021", "Normal")),
    ),
    Field(
        "customfield_10015",
        "Halo Modules",
        "multiselect",
        options=(
            Option("10030", "server_secure"),
            Option("10031", "container_secure"),
            Option("10032", "cloud_secure"),
        ),
    ),
    Field("customfield_10016", "Halo First Day", "date"),
    Field("customfield_10017", "Halo Created", "datetime"),
    Field("customfield_10018", "Security Contact", "user"),
    Field("customfield_10019", "Halo Notes", "textarea"),
    Field("customfield_10020", "Halo Group", "text"),
)

US: Final = Person(
    "712020:5b10a284-4c20-4657-80ed-e21f5b10a284", "Halo Sync", "halo-sync@example.com"
)
ANNA: Final = Person("5b10ac8d82e05b22cc7d4ef5", "Anna Example", "anna@example.com")
AUTOMATION: Final = Person("557058:f58131cb-b67d-43c7-b30d-6b58d40bd077", "Automation for Jira")
BORIS: Final = Person(
    "712020:5b109f2e-9729-451b-94dc-274d5b109f2e", "Boris Example", "boris@example.com"
)


@dataclass(slots=True)
class Site:
    """The configuration of one site. Tests change what they need before or between runs."""

    base_url: str = "https://acme.atlassian.net"
    cloud_id: str = "11223344-a1b2-3c4d-5e6f-778899aabbcc"
    email: str = "halo-sync@example.com"
    token: str = "ATATT3xFfGF0-simulated-token"
    scoped_token: str = "ATATT3xFfGF0-simulated-scoped-token"
    client_id: str = "simulatedClientId0000000000000001"
    client_secret: str = "ATOA-simulated-client-secret"
    scopes: set[str] = field(
        default_factory=lambda: {"read:jira-work", "write:jira-work", "read:jira-user"}
    )
    """Of the token with scopes and of the service account alike."""
    language: str = "en"
    zone: timezone = timezone(timedelta(hours=10))
    zone_name: str = "Australia/Brisbane"
    me: Person = US
    people: tuple[Person, ...] = (US, ANNA, BORIS)
    projects: list[Project] = field(
        default_factory=lambda: [
            Project("10001", "SEC", "Security"),
            Project("10002", "OPS", "Operations"),
        ]
    )
    issue_types: tuple[Option, ...] = (Option("10004", "Bug"), Option("10005", "Task"))
    fields: list[Field] = field(default_factory=lambda: [*SYSTEM_FIELDS, *CUSTOM_FIELDS])
    workflows: dict[tuple[str, str], Workflow] = field(default_factory=dict)
    hidden: set[str] = field(default_factory=set)
    archived: set[str] = field(default_factory=set)
    """Keys of projects that can be looked at and no more."""
    refused_permissions: set[str] = field(default_factory=set)
    administered: bool = True
    """Whether our account may keep mails of its edits back; where not, asking for it is refused."""
    never_loaded: set[str] = field(default_factory=set)
    """Keys of tickets that a bulk read always names in `issueErrors`."""
    blind_searches: set[str] = field(default_factory=set)
    """Ways of asking to which the index is blind, as some sites were for weeks: `phrase`, `words`,
    `exact`, `empty`.
    """
    silent_searches: bool = False
    """Whether a clause that cannot be run gives no hits instead of an error (CHANGE-3131)."""
    hidden_ways: set[tuple[str, str]] = field(default_factory=set)
    """Keys of tickets and ids of transitions that a condition of the workflow hides there."""
    reopens_commented: str = ""
    """The status to which a rule of the site moves a closed ticket that somebody comments on."""
    keeps_properties_of_ridden: bool = True
    """Whether a comment that comes along with a transition keeps its properties."""

    def workflow(self, project: Project, *, issue_type: Option) -> Workflow:
        """By project key and issue type name; ("SEC", "") is for all types, ("", "") for
        everything.
        """
        for place in ((project.key, issue_type.name), (project.key, ""), ("", "")):
            if place in self.workflows:
                return self.workflows[place]
        return DEFAULT

    def project(self, id_or_key: str) -> Project | None:
        """Whether or not it is hidden from us."""
        wanted = id_or_key.upper()
        return next(
            (project for project in self.projects if wanted in (project.id, project.key)), None
        )

    def field_by_id(self, field_id: str) -> Field | None:
        return next((field for field in self.fields if field.id == field_id), None)

    def known_field(self, field_id: str) -> Field:
        """A field that this site's own configuration names."""
        field = self.field_by_id(field_id)
        if field is None:
            raise KeyError(f"the site has no field {field_id}")
        return field

    def change_field(self, field_id: str, **changes: Any) -> None:
        """For tests: make a field required, take it off the screen, give it other options."""
        self.fields = [
            replace(known, **changes) if known.id == field_id else known for known in self.fields
        ]

    def add_twin_field(self, field_id: str, *, twin_id: str) -> None:
        """A second field with the same name: names are not unique in Jira."""
        self.fields = [*self.fields, replace(self.known_field(field_id), id=twin_id)]
