"""Proves Halo's key, that it reads issues and findings, its clock, and tells what Halo does here.

Promises: what no document of the vendor says is told as it was seen on this very account; none of
it is wrong, for a run copes with each.
Does not do: reading more than two pages and one finding.
"""

from job.commands.checks.finding import Finding, of_error, proven, unproven, wrong
from job.core.findings import Gone, Unreadable
from job.errors import ClocksDiffer, DetailRefused
from job.flow.look import compare_clocks
from job.halo.survey import Sight
from job.halo.wire import PAGE_ROWS
from job.wiring import Rehearsal

KEY, CLOCK, ISSUES, FINDINGS, FACTS = (
    *("Halo's key", "Halo's clock", "Halo's issues"),
    *("Halo's findings", "what Halo does here"),
)
AUDITOR = "In Halo, make it at least an auditor's key for the whole group."


async def look(rehearsal: Rehearsal) -> list[Finding]:
    halo = rehearsal.remotes.halo
    server_time = await halo.sign_in()
    findings = [proven(KEY, "Halo gives us a token for it.")]
    try:
        compare_clocks("Halo", says=server_time, now=rehearsal.clock.now())
        findings.append(proven(CLOCK, "It agrees with ours to a minute."))
    except ClocksDiffer as error:
        findings += of_error(error, about=CLOCK, blamed=())
    sight = await halo.survey.look()
    findings.append(proven(ISSUES, f"It reads them; Halo counts {sight.active} active ones."))
    return [*findings, await _finding(sight, rehearsal=rehearsal), _facts(sight)]


async def _finding(sight: Sight, *, rehearsal: Rehearsal) -> Finding:
    if sight.sample is None:
        return unproven(FINDINGS, "No active issue names a finding, so none could be read.")
    try:
        found = await rehearsal.remotes.halo.finding(sight.sample)
    except DetailRefused as error:
        variables = ("HALO_API_KEY",)
        return wrong(FINDINGS, str(error), variables=variables, remedy=AUDITOR, exit_code=3)
    if isinstance(found, Gone | Unreadable) or found is None:
        said = f"The finding of issue {sight.sample.id} cannot be read; others may be."
        return unproven(FINDINGS, said)
    return proven(FINDINGS, f"It reads them, as that of issue {sight.sample.id}.")


def _facts(sight: Sight) -> Finding:
    kept = {True: "keeps", False: "ignores", None: "refuses"}[sight.keeps_filter]
    order = "keeps the order" if sight.in_order else "does not keep the order"
    cut = "; that count looks like a ceiling" if sight.looks_capped else ""
    said = (
        f"Halo {kept} filters by time (`_gte`), {order} that is asked for, and gives {sight.rows} "
        f"of {PAGE_ROWS} rows a page where it counts {sight.active}{cut}."
    )
    return proven(FACTS, said)
