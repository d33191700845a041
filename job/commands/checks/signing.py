"""Proves that Jira knows us, how we sign in, what that is good for, and that clocks agree.

Promises: scopes are judged by what the answer to a service account says; of an API token nothing
tells them, and that is said.
Does not do: permissions in projects (`permissions.py`).
"""

from job.commands.checks.finding import Finding, proven, unproven, wrong
from job.errors import ClocksDiffer, SyncError
from job.flow.look import compare_clocks
from job.jira.wire.access import SCOPES, SignIn
from job.wiring import Rehearsal

ABOUT, SCOPES_ABOUT, CLOCK = "Jira's sign-in", "Jira's scopes", "Jira's clock"
SCOPE_REMEDY = (
    "Scopes cannot be added: in Atlassian Administration, Directory, Service accounts, create "
    "another OAuth 2.0 credential with them."
)


async def look(rehearsal: Rehearsal) -> list[Finding]:
    jira, survey = rehearsal.remotes.jira, rehearsal.remotes.jira.survey
    identity = await jira.myself()
    way = survey.door.sign_in
    behind = "behind Atlassian's gateway" if survey.door.is_gateway else "at the site itself"
    told = f"Jira knows us as {identity.display_name}, by {way}, {behind}."
    where = f"Tickets are at {await survey.web_address()}."
    findings = [proven(ABOUT, f"{told} {where}")]
    try:
        compare_clocks("Jira", says=identity.server_time, now=rehearsal.clock.now())
        findings.append(proven(CLOCK, "It agrees with ours to a minute."))
    except ClocksDiffer as error:
        findings.append(_clock(CLOCK, error))
    return [*findings, _scopes(await survey.scopes(), way=way)]


def _scopes(granted: frozenset[str] | None, *, way: SignIn) -> Finding:
    wanted = ", ".join(sorted(SCOPES))
    if granted is None:
        return unproven(
            SCOPES_ABOUT, f"Nothing tells the scopes of an API token; it needs {wanted}."
        )
    if missing := SCOPES - granted:
        if any(scope.count(":") > 1 for scope in granted):
            said = (
                f"The credential has granular scopes; whether they cover {wanted} shows in a run."
            )
            return unproven(SCOPES_ABOUT, said)
        return wrong(
            SCOPES_ABOUT,
            f"The credential of {way} lacks {', '.join(sorted(missing))}.",
            variables=("JIRA_CLIENT_ID",),
            there=", ".join(sorted(granted)) or "no scope at all",
            remedy=SCOPE_REMEDY,
            exit_code=3,
        )
    return proven(SCOPES_ABOUT, f"The credential has {wanted}.")


def _clock(about: str, error: SyncError) -> Finding:
    return wrong(about, str(error), variables=(), exit_code=3)
