"""What a project's create screen asks for and allows (Jira Cloud REST v3, "issue/createmeta").

Promises: a project, ticket type or id field that is not there is refused with the names that are.
Does not do: judging values. `core/fields.py` does, with the `CreateScreen` that is made here.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from job.core.field_checks import ID_KINDS
from job.core.shape import Allowed, CreateScreen, FieldSpec, TicketSettings
from job.errors import BadSettings, Problem
from job.http.message import Request, Response
from job.jira.wire.exchange import Site, readable

PAGE_MAX = 200
TYPES, FIELDS = "issueTypes", "fields"
DOING = "reading what tickets are made of"


def ticket_types(site: Site, project: str, *, start: int) -> Request:
    return site.request(
        "GET /rest/api/3/issue/createmeta/{project}/issuetypes",
        ids={"project": project},
        query={"startAt": start, "maxResults": PAGE_MAX},
    )


def screen_request(site: Site, project: str, *, type_id: str, start: int) -> Request:
    return site.request(
        "GET /rest/api/3/issue/createmeta/{project}/issuetypes/{type}",
        ids={"project": project, "type": type_id},
        query={"startAt": start, "maxResults": PAGE_MAX},
    )


def projects(site: Site) -> Request:
    """Asked only to name what is allowed when the configured project is not there."""
    return site.request("GET /rest/api/3/project/search", query={"maxResults": 50})


def permission(site: Site, project: str) -> Request:
    return site.request(
        "GET /rest/api/3/mypermissions",
        query={"projectKey": project, "permissions": "BROWSE_PROJECTS"},
    )


def may_browse(body: Any) -> bool:
    with readable("asking for our permissions"):
        return body["permissions"]["BROWSE_PROJECTS"]["havePermission"] is True


def fields(site: Site) -> Request:
    """Every field of the site, on whatever screen it is (Jira Cloud REST v3, GET "field")."""
    return site.request("GET /rest/api/3/field")


def assignable(site: Site, project: str, *, query: str) -> Request:
    """People who may be assigned (Jira Cloud REST v3, GET "user/assignable/search")."""
    return site.request(
        "GET /rest/api/3/user/assignable/search", query={"project": project, "query": query}
    )


def account_of(body: Any, *, email: str) -> str | None:
    """The one person of this address. Jira finds people by it and mostly does not show it, so a
    lone find counts; of several, the one that shows it.
    """
    with readable("looking for a person"):
        people = [(str(raw["accountId"]), raw.get("emailAddress") or "") for raw in body]
    same = [account for account, shown in people if shown.casefold() == email.casefold()]
    hidden = [account for account, shown in people if not shown]
    found = same or (hidden if len(people) == 1 else [])
    return found[0] if len(found) == 1 else None


def field_names(body: Any) -> frozenset[str]:
    """The names and ids of all fields, in small letters."""
    with readable(DOING):
        return frozenset(
            str(raw[key]).casefold() for raw in body for key in ("id", "name") if raw.get(key)
        )


def other_id_field(
    screen: CreateScreen, *, at_home: FieldSpec, settings: TicketSettings
) -> BadSettings:
    """A field of the same name that is another field, as team-managed projects have them."""
    wrong = f"{screen} has {screen.id_field} for the Halo id, and JIRA_PROJECT_KEY has {at_home}: "
    wrong += "tickets are looked for by one field alone."
    return BadSettings([Problem(settings.said_in or "JIRA_ISSUE_ID_FIELD", wrong, str(at_home))])


def no_project(settings: TicketSettings, *, known: Response) -> BadSettings:
    """No project of this key in which we may create tickets: Jira does not tell the two apart."""
    keys: list[str] = []
    if (
        known.status == 200
    ):  # else the wrong setting is still the news, and not that we cannot list the right ones
        with readable(DOING):
            keys = [project["key"] for project in known.json()["values"]]
    return _bad(
        settings.said_in or "JIRA_PROJECT_KEY",
        f"there is no project {settings.project_key!r} in which we may create tickets.",
        allowed=keys,
    )


def chosen_type(raws: Sequence[Any], *, settings: TicketSettings) -> Allowed:
    """The configured ticket type, by id or by name in any case."""
    with readable(DOING):
        known = [Allowed(str(raw["id"]), raw["name"]) for raw in raws]
    wanted = settings.ticket_type
    for ticket_type in known:
        if ticket_type.id == wanted or ticket_type.name.casefold() == wanted.casefold():
            return ticket_type
    wrong = f"project {settings.project_key} has no ticket type {settings.ticket_type!r}."
    variable = settings.said_in or "JIRA_ISSUE_TYPE"
    raise _bad(variable, wrong, allowed=[ticket_type.name for ticket_type in known])


def create_screen(
    raws: Sequence[Any], *, settings: TicketSettings, chosen: Allowed
) -> CreateScreen:
    """The create screen of our ticket type, with the id field found on it."""
    with readable(DOING):
        specs = [_spec(raw) for raw in raws]
    return CreateScreen(
        project_key=settings.project_key,
        type_id=chosen.id,
        type_name=chosen.name,
        id_field=_id_field(specs, settings=settings, type_name=chosen.name),
        fields={spec.id: spec for spec in specs},
    )


def certain_id(settings: TicketSettings) -> str | None:
    """The id field's id where the settings give it, so that nothing has to be asked; `None` where
    they give a name.
    """
    return (
        settings.id_field
        if settings.id_field.startswith("customfield_") or settings.id_field == "labels"
        else None
    )


def _id_field(specs: Sequence[FieldSpec], *, settings: TicketSettings, type_name: str) -> FieldSpec:
    """Names are not unique in Jira, so a name that several fields share is refused."""
    usable = [spec for spec in specs if spec.kind in ID_KINDS]
    wanted = settings.id_field.casefold()
    found = [spec for spec in usable if spec.id.casefold() == wanted] or [
        spec for spec in usable if spec.name.casefold() == wanted
    ]
    if len(found) == 1:
        return found[0]
    screen_name = f"the create screen of {type_name} in {settings.project_key}"
    if found:
        wrong = f"several fields on {screen_name} are called {settings.id_field!r}; take an id."
        raise _bad("JIRA_ISSUE_ID_FIELD", wrong, allowed=[spec.id for spec in found])
    wrong = f"{screen_name} has no text, URL or label field {settings.id_field!r}."
    raise _bad(
        "JIRA_ISSUE_ID_FIELD", wrong, allowed=[f"{spec.name} ({spec.id})" for spec in usable]
    )


def _spec(raw: Any) -> FieldSpec:
    """A field of the screen. One without a schema (observed of fields that apps add) has no type,
    so that nothing can be written into it; only where it is required does that concern us.
    """
    schema = raw.get("schema") or {}
    return FieldSpec(
        id=raw["fieldId"],
        name=raw.get("name") or raw["fieldId"],
        type=schema.get("type", ""),
        items=schema.get("items", ""),
        system=schema.get("system", ""),
        custom=schema.get("custom", ""),
        required=raw.get("required", False),
        has_default=raw.get("hasDefaultValue", False),
        allowed=tuple(allowed(raw.get("allowedValues") or ())),
    )


def allowed(raws: Iterable[Any]) -> Iterable[Allowed]:
    """Options of custom fields are named by `value`, everything else by `name`."""
    for raw in raws:
        yield Allowed(
            str(raw.get("id", "")),
            str(raw.get("value", raw.get("name", ""))),
            tuple(allowed(raw.get("children") or ())),
        )


def _bad(variable: str, wrong: str, *, allowed: Iterable[str]) -> BadSettings:
    return BadSettings([Problem(variable, wrong, ", ".join(allowed) or "none that we can see.")])
