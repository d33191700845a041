"""Shows what memory knows, and mends it by hand.

Promises: nothing is changed without a yes, nor while a run is at work, but for a lease, which is
ended to let one begin; what an ended lease's run still writes is refused by its fence.
Does not do: guessing what is right: each command says what it will do before it asks.
"""

import asyncio
from collections import Counter
from collections.abc import Mapping
from datetime import datetime

import click

from job.commands.context import MEMORY, CommandContext
from job.commands.run import look_back
from job.console.protocol import Table
from job.core.ids import EPOCH
from job.core.memory import Broken, Lease, RunRecord, Watermark
from job.core.shards import count_of
from job.events import Event
from job.flow.mend import mending
from job.flow.record import canonical
from job.stores import Store

FACTS = ("memory", "is")
RUNS = ("began", "took", "ended", "done", "not done", "run")


def show(context: CommandContext) -> int:
    """Shows whose memory it is, how far it came, and what is unfinished."""

    async def work(store: Store, _: asyncio.Event) -> int:
        marks = await store.watermarks()
        rows = [*_whose(marks)]
        for shard, mark in sorted(marks.items()):
            rows += [(f"{shard}: {name}", words) for name, words in _standing(mark)]
        for lease in sorted(await store.leases(), key=lambda lease: lease.shard):
            rows.append((f"{lease.shard}: lease", _held(lease, now=context.clock.now())))
        broken: Broken = {}
        rows += [
            ("open tickets", f"{await store.live_count():,}"),
            ("parked issues", f"{len(await store.parked(broken=broken)):,}"),
            ("writes of unknown fate", f"{len(await store.intents(broken=broken)):,}"),
        ]
        rows += [(f"cannot be read: {of}", words) for of, words in broken.items()]
        context.console.show(Table(title="Memory", columns=FACTS, rows=tuple(rows), shares=(0, 1)))
        words = "It is read as it is; nothing was changed." if marks else "No run has begun yet."
        context.console.say(Event.MEMORY_TOLD, words)
        return 0

    return context.work(MEMORY, work)


def runs(context: CommandContext, *, limit: int) -> int:
    """Shows the newest runs and what became of each."""

    async def work(store: Store, _: asyncio.Event) -> int:
        records = await store.runs(limit=limit)
        if records:
            rows = tuple(map(_run_row, records))
            shares = (0, 0, 0, 2, 1, 2)
            context.console.show(Table(title="Runs", columns=RUNS, rows=rows, shares=shares))
        words = f"The newest {len(records)} runs that memory keeps." if records else "No run yet."
        context.console.say(Event.MEMORY_TOLD, words, facts={"runs": len(records)})
        return 0

    return context.work(MEMORY, work)


def rewind(context: CommandContext, *, time: str, yes: bool) -> int:
    """Sets the watermark back, so that the next run reads again from there on."""
    to = look_back(time, now=context.clock.now())
    begin = to if isinstance(to, datetime) else EPOCH

    async def work(store: Store, _: asyncio.Event) -> int:
        marks = _newest(await store.watermarks())
        if not marks:
            raise click.UsageError("Memory has no watermark yet: the next run is the first.")
        earliest = min(mark.at for mark in marks.values())
        if begin >= earliest:
            at = earliest.isoformat(timespec="seconds")
            raise click.UsageError(f"The watermark is at {at}; it can only be set back.")
        words = f"The next run reads again from {begin.isoformat(timespec='seconds')} on"
        context.agree(f"{words}. Is that right?", yes=yes)
        async with mending(store, clock=context.clock) as hand:
            await hand.rewind(_newest(await store.watermarks()), to=begin)
        context.console.say(
            Event.MEMORY_CHANGED, f"{words}.", facts={"watermark": begin.isoformat()}
        )
        return 0

    return context.work(MEMORY, work)


def release_lease(context: CommandContext, *, yes: bool) -> int:
    """Ends the leases of runs that are dead, so that the next need not wait for their end."""

    async def work(store: Store, _: asyncio.Event) -> int:
        now = context.clock.now()
        held = [lease for lease in await store.leases() if lease.holder and lease.until > now]
        if not held:
            context.console.say(Event.MEMORY_TOLD, "No lease is held; nothing was changed.")
            return 0
        who = ", ".join(f"run {lease.holder} ({lease.shard})" for lease in held)
        context.agree(
            f"This ends the right to write of {who}. A run that is still alive stops before its "
            "next write. Is that right?",
            yes=yes,
        )
        for lease in held:
            await store.release_lease(lease)
        words = f"Ended the lease of {who}."
        context.console.say(Event.MEMORY_CHANGED, words, facts={"leases": len(held)})
        return 0

    return context.work(MEMORY, work)


def _newest(marks: Mapping[str, Watermark]) -> dict[str, Watermark]:
    """The marks of the number of tasks that came furthest."""
    ends: dict[int, datetime] = {}
    for shard, mark in marks.items():
        ends[count_of(shard)] = max(mark.at, ends.get(count_of(shard), EPOCH))
    newest = max(ends, key=lambda count: ends[count], default=0)
    return {shard: mark for shard, mark in marks.items() if count_of(shard) == newest}


def _whose(marks: Mapping[str, Watermark]) -> list[tuple[str, str]]:
    owner = next((mark.owner for mark in marks.values() if mark.owner), None)
    if owner is None:
        return []
    return [
        ("Jira site", owner.jira_url),
        ("its cloud id", owner.cloud_id or "not known"),
        ("Halo account", f"{owner.halo_url}, key {owner.halo_key_id}"),
        ("id field", owner.id_field),
    ]


def _standing(mark: Watermark) -> list[tuple[str, str]]:
    found = [("watermark", mark.at.isoformat(timespec="seconds"))]
    swept = mark.swept_at.isoformat(timespec="seconds") if mark.swept_at else "never"
    found.append(("last sweep", f"{swept}{', one is owed' if mark.sweep_owed else ''}"))
    if mark.reading_from is not None:
        since = mark.reading_from.isoformat(timespec="seconds")
        found.append(("back-fill owed", "everything" if mark.reading_from == EPOCH else since))
    keys = ", ".join(f"{key}-{number}" for key, number in sorted(mark.highest_keys.items()))
    return [*found, ("highest keys", keys)] if keys else found


def _held(lease: Lease, *, now: datetime) -> str:
    if not lease.holder or lease.until <= now:
        return f"free (fence {lease.fence})"
    until = lease.until.isoformat(timespec="seconds")
    return f"run {lease.holder} until {until} (fence {lease.fence})"


def _run_row(record: RunRecord) -> tuple[str, ...]:
    facts = canonical(record)
    took_s = (record.finished_at - record.started_at).total_seconds()
    done = Counter({name: int(str(facts[name])) for name in DONE})
    left = Counter({name: int(str(facts[name])) for name in LEFT})
    return (
        f"{record.started_at:%Y-%m-%d %H:%M}",
        f"{took_s:.1f} s",
        str(record.verdict),
        _counted(done) or "nothing",
        _counted(left) or "-",
        record.run_id,
    )


DONE = ("created", "commented", "closed", "reopened", "adopted")
LEFT = ("failed", "unknown", "deferred", "held")


def _counted(counts: Counter[str]) -> str:
    return ", ".join(f"{many} {name}" for name, many in counts.items() if many)
