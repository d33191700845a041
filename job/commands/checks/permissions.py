"""Proves that each project is there and that we may do in it what a run does.

Promises: a permission is asked for only where something that is set needs it; *Edit issues* is
wished for and not needed.
Does not do: what the create screen takes (`screens.py`).
"""

from collections.abc import Iterator

from job.commands.checks.finding import Finding, doubtful, proven, wrong
from job.core.fields import DUE
from job.core.routes import Destination
from job.core.shape import TicketSettings
from job.wiring import Rehearsal

ALWAYS = {
    "BROWSE_PROJECTS": "Browse projects",
    "CREATE_ISSUES": "Create issues",
    "ADD_COMMENTS": "Add comments",
    "TRANSITION_ISSUES": "Transition issues",
}
FOR_FIELDS = {
    "assignee": ("ASSIGN_ISSUES", "Assign issues"),
    "reporter": ("MODIFY_REPORTER", "Modify reporter"),
    "duedate": ("SCHEDULE_ISSUES", "Schedule issues"),
    "due date": ("SCHEDULE_ISSUES", "Schedule issues"),
}
EDIT = ("EDIT_ISSUES", "Edit issues")
RESTORE = "A Jira admin restores it: Settings, Projects, Archived, Restore."


async def look(rehearsal: Rehearsal) -> list[Finding]:
    findings: list[Finding] = []
    for destination in rehearsal.policy.routes.destinations:
        findings += await _of(destination, rehearsal=rehearsal)
    return findings


async def _of(destination: Destination, *, rehearsal: Rehearsal) -> list[Finding]:
    survey, key = rehearsal.remotes.jira.survey, destination.project
    about, variables = f"permissions in {key}", ("JIRA_PROJECT_KEY",)
    project = await survey.project(key)
    if not project.there:
        said = f"There is no project {key}, or our account may not browse it."
        remedy = f"If it is there: {_grant('Browse projects')}"
        there = ", ".join(project.others) or "none that we can see"
        return [wrong(about, said, variables=variables, there=there, remedy=remedy)]
    if project.archived:
        return [wrong(about, f"{key} is archived.", variables=variables, remedy=RESTORE)]
    needed = {**ALWAYS, **{name: title for name, title, _ in _for_fields(destination.tickets)}}
    have = await survey.rights(key, names=[*needed, EDIT[0]])
    blamed = {name: (variable,) for name, _, variable in _for_fields(destination.tickets)}
    findings = [
        wrong(
            about,
            f"Our account lacks *{title}* in {key}.",
            variables=blamed.get(name, variables),
            remedy=_grant(title),
            exit_code=3,
        )
        for name, title in needed.items()
        if name not in have
    ]
    if EDIT[0] not in have:
        said = f"Our account lacks *{EDIT[1]}* in {key}: its tickets keep the fields they have."
        remedy = _grant(EDIT[1])
        findings.append(doubtful(about, said, variables=variables, remedy=remedy))
    titles = ", ".join(f"*{title}*" for title in needed.values())
    return findings or [proven(about, f"Our account has {titles} and *{EDIT[1]}* in {key}.")]


def _grant(title: str) -> str:
    return (
        f"A project admin grants it: Project settings, Permissions (or Access), *{title}*, to a "
        "role or group that our account is in."
    )


def _for_fields(settings: TicketSettings) -> Iterator[tuple[str, str, str]]:
    """The permissions that fields need which are filled, each with the variable that fills it."""
    filled = [("JIRA_FIELD_MAPPING", name) for _, name in settings.mapping]
    filled += [("JIRA_FIELD_STATIC", name) for name, _ in settings.static]
    filled += [("DUE_IN", DUE)] if settings.due else []
    for variable, name in filled:
        if name.casefold() in FOR_FIELDS:
            permission, title = FOR_FIELDS[name.casefold()]
            yield permission, title, variable
