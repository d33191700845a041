"""Proves that the create screen of each destination takes what we fill, and that nothing else is
asked for.

Promises: each field that is wrong is a finding of its own, with its variable and what is allowed.
Does not do: the screens of transitions (`workflow.py`).
"""

from msgspec.structs import replace

from job.commands.checks.finding import Finding, of_error, proven
from job.core.routes import Destination
from job.errors import BadSettings
from job.flow.destinations import prove_destination
from job.wiring import Rehearsal

SCREEN = "A Jira admin changes it: Project settings, Screens (or the layout of the ticket type)."


async def look(rehearsal: Rehearsal) -> list[Finding]:
    findings: list[Finding] = []
    for destination in rehearsal.policy.routes.destinations:
        findings += await _of(destination, rehearsal=rehearsal)
    return findings


async def _of(destination: Destination, *, rehearsal: Rehearsal) -> list[Finding]:
    about = f"type and fields in {destination.project}"
    try:
        screen = await prove_destination(rehearsal.remotes.jira, destination)
    except BadSettings as error:
        found = of_error(error, about=about, blamed=())
        return [replace(finding, remedy=SCREEN) for finding in found]
    said = f"{screen} takes every field that we fill; the Halo id goes into {screen.id_field}."
    return [proven(about, said)]
