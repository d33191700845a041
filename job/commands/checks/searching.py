"""Proves that tickets are found by the ids that they hold.

Promises: the id field is searched in the form in which a run searches, on a ticket that is known to
hold an id, where there is one.
Does not do: searching for anything that is wanted.
"""

from job.commands.checks.finding import Finding, proven
from job.core.ids import IssueId
from job.wiring import Rehearsal

ABOUT = "the search for ids"


async def look(rehearsal: Rehearsal) -> list[Finding]:
    proof = await rehearsal.remotes.jira.prove_search(canary=IssueId(""))
    if not proof.in_use:
        return [proven(ABOUT, "Jira understands our searches; no ticket holds an id yet.")]
    if not proof.canary:
        return [proven(ABOUT, "Jira understands our searches; the id field holds no Halo ids yet.")]
    return [proven(ABOUT, f"A search finds the ticket that holds {proof.canary}.")]
