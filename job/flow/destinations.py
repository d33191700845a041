"""Proves a destination: that its project, ticket type, fields and people are there.

Promises: everything that is wrong with a destination is told at once; nothing is written.
Does not do: judging fields (`core/field_checks.py`), or proving statuses and permissions.
"""

from job.core import field_checks, fields
from job.core.fields import People
from job.core.issues import Evidence
from job.core.routes import Destination
from job.core.shape import CreateScreen
from job.errors import BadSettings
from job.ports import Clock, JiraTickets


async def prove_destination(jira: JiraTickets, destination: Destination) -> CreateScreen:
    """The create screen, once everything fits it. Raises `BadSettings`."""
    settings = destination.tickets
    screen = await jira.create_screen(destination)
    problems = field_checks.check(settings, screen=screen)
    for email in field_checks.emails(settings, screen=screen):
        if await jira.person(email, project=destination.project) is None:
            problems.append(field_checks.unknown_person(email, settings=settings))
    if problems:
        raise BadSettings(problems)
    return screen


async def people_of(
    evidence: Evidence, *, destination: Destination, jira: JiraTickets, clock: Clock
) -> People:
    """Those whom a ticket of this issue names by their addresses."""
    wanted = fields.emails(
        evidence,
        settings=destination.tickets,
        screen=await jira.create_screen(destination),
        made_at=clock.now(),
    )
    return {
        email.casefold(): await jira.person(email, project=destination.project)
        for email in sorted(wanted)
    }
