"""Proves that memory is ours, can be read and written, and tells what stands in it.

Promises: it is written to by nobody: that it could be is told by the store without a change.
Does not do: what is wrong with single issues (`parked`), or ending a lease.
"""

from job.commands.checks.finding import Finding, proven, unproven
from job.core.memory import Broken
from job.flow.identity import prove_memory
from job.flow.look import begin_mark
from job.flow.setup import Order, Setup
from job.wiring import Rehearsal

ABOUT, HOLDS, SECRETS = "memory", "what memory holds", "secrets"


async def look(rehearsal: Rehearsal) -> list[Finding]:
    async with rehearsal.memory() as setup:
        now, order = setup.ports.clock.now(), Order()
        mark = await begin_mark(setup, order=order, started_at=now)
        await prove_memory(setup, order=order, mark=mark)
        await setup.ports.store.prove_writable()
        since = mark.at.isoformat(timespec="seconds")
        said = f"It is ours, and can be read and written; the next run reads on from {since}."
        broken: Broken = {}
        findings = [proven(ABOUT, said), proven(HOLDS, await _holds(setup, broken=broken))]
        return findings + [unproven(f"issue {of}", words) for of, words in broken.items()]


async def _holds(setup: Setup, *, broken: Broken) -> str:
    store, now = setup.ports.store, setup.ports.clock.now()
    links, parked, unsettled = (
        await store.live_count(),
        len(await store.parked(broken=broken)),
        len(await store.intents(broken=broken)),
    )
    runs = await store.runs(limit=1)
    last = "no run is recorded"
    if runs:
        ended = runs[0].finished_at.isoformat(timespec="seconds")
        last = f"the last run ended {ended}: {runs[0].verdict}"
    held = [lease for lease in await store.leases() if lease.until > now]
    leases = "".join(
        f"; run {lease.holder} holds the lease until {lease.until.isoformat(timespec='seconds')}"
        for lease in held
    )
    counts = f"{links} open links, {parked} parked issues, {unsettled} writes of unknown fate"
    return f"{counts}; {last}{leases}."


async def look_at_secrets(rehearsal: Rehearsal) -> list[Finding]:
    """Those that settings point at were read before anything else began."""
    if not rehearsal.shared_secrets:
        return [proven(SECRETS, "No setting points at Secret Manager.")]
    return [proven(SECRETS, f"{rehearsal.shared_secrets} were read from Secret Manager.")]
