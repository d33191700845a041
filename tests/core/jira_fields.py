"""Jira's fields of many types, and a create screen that has them."""

from typing import Any

from msgspec.structs import replace

from job.core.shape import Allowed, CreateScreen, FieldSpec

CUSTOM = "com.atlassian.jira.plugin.system.customfieldtypes:"


def spec(name: str, type_: str, **more: Any) -> FieldSpec:
    custom = CUSTOM + more.pop("custom") if "custom" in more else ""
    return FieldSpec(id=more.pop("id", name), name=name, type=type_, custom=custom, **more)


TEXT = spec("Text", "string", custom="textfield", id="customfield_1")
RICH = spec("Notes", "string", custom="textarea", id="customfield_2")
URL = spec("Link", "string", custom="url", id="customfield_3")
NUMBER = spec("Score", "number", custom="float", id="customfield_4")
CHOICE = spec(
    "Severity",
    "option",
    custom="select",
    id="customfield_5",
    allowed=(Allowed("10", "High"), Allowed("11", "Low")),
)
BOXES = spec(
    "Modules",
    "array",
    items="option",
    custom="multicheckboxes",
    id="customfield_6",
    allowed=CHOICE.allowed,
)
RADIO = spec(
    "Critical",
    "option",
    custom="radiobuttons",
    id="customfield_7",
    allowed=(Allowed("1", "Yes"), Allowed("2", "No")),
)
LABELS = spec("Labels", "array", items="string", system="labels", id="labels")
USER = spec("Contact", "user", custom="userpicker", id="customfield_8")
DATE = spec("Due date", "date", system="duedate", id="duedate")
WHEN = spec("Created in Halo", "datetime", custom="datetime", id="customfield_9")
PRIORITY = spec(
    "Priority",
    "priority",
    system="priority",
    id="priority",
    allowed=(Allowed("2", "High"), Allowed("3", "2")),
)
TEAM = spec("Team", "team", custom="atlassian-team", id="customfield_11")
ID_FIELD = spec("Halo Issue ID", "string", custom="textfield", id="customfield_12")
SCREEN = (
    spec("Project", "project", system="project", id="project", required=True),
    spec("Issue Type", "issuetype", system="issuetype", id="issuetype", required=True),
    spec("Summary", "string", system="summary", id="summary", required=True),
    spec("Description", "string", system="description", id="description"),
    ID_FIELD,
)
MAPPABLE = (TEXT, RICH, URL, NUMBER, CHOICE, BOXES, RADIO, LABELS, USER, DATE, WHEN, PRIORITY, TEAM)


def screen(*more: FieldSpec, **changes: Any) -> CreateScreen:
    on_screen = {field.id: field for field in (*SCREEN, *MAPPABLE, *more)}
    plain = CreateScreen(
        project_key="SEC", type_id="10001", type_name="Bug", id_field=ID_FIELD, fields=on_screen
    )
    return replace(plain, **changes)
