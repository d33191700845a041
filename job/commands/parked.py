"""Shows what is parked and why, and lets people have it tried again or set down for good.

Promises: nothing is changed before every id was found; nothing while a run is at work; an entry
that cannot be read is told and hides no other.
Does not do: trying anything, which is for the next run.
"""

import asyncio
from collections.abc import Sequence

import click
from msgspec.structs import replace

from job.commands.context import MEMORY, CommandContext
from job.console.protocol import Table
from job.core.ids import canonical
from job.core.memory import Broken, Parked
from job.events import Event
from job.flow.mend import mending
from job.stores import Store

COLUMNS = ("Halo issue", "tried", "attempts", "since", "next try", "error")


def show(context: CommandContext) -> int:
    """Shows every parked issue, the longest parked first."""

    async def work(store: Store, _: asyncio.Event) -> int:
        parked = sorted(await _read(context, store), key=lambda entry: entry.first_at)
        if parked:
            rows = tuple(map(_row, parked))
            context.console.show(
                Table(title="Parked", columns=COLUMNS, rows=rows, shares=(0, 0, 0, 0, 0, 1))
            )
        now = context.clock.now()
        due = sum(entry.next_at <= now for entry in parked)
        words = f"{_issues(len(parked))} parked; the next run tries {due} of them again."
        words += " `parked retry` has more tried at once." if parked else ""
        facts = {"parked": len(parked), "due": due}
        context.console.say(
            Event.MEMORY_TOLD, words if parked else "Nothing is parked.", facts=facts
        )
        return 0

    return context.work(MEMORY, work)


def retry(context: CommandContext, *, ids: Sequence[str], every: bool) -> int:
    """Has these issues, or all of them, tried again by the next run."""
    if every == bool(ids):
        raise click.UsageError("Name issues, or say --all.")

    async def work(store: Store, _: asyncio.Event) -> int:
        async with mending(store, clock=context.clock) as hand:
            chosen = _chosen(await _read(context, store), ids=ids)
            now = context.clock.now()
            await hand.park(replace(entry, next_at=min(now, entry.next_at)) for entry in chosen)
        words = f"The next run tries {_issues(len(chosen), verb='')} again."
        context.console.say(Event.MEMORY_CHANGED, words, facts={"issues": len(chosen)})
        return 0

    return context.work(MEMORY, work)


def drop(context: CommandContext, *, ids: Sequence[str], yes: bool) -> int:
    """Sets these issues down: they are looked at again when Halo touches them, or in a sweep."""

    async def work(store: Store, _: asyncio.Event) -> int:
        chosen = _chosen(await _read(context, store), ids=ids)
        words = f"{_issues(len(chosen))} no longer parked, and tried again only when Halo touches "
        words += "them or a sweep looks at them."
        context.agree(f"From now on {words} Is that right?", yes=yes)
        async with mending(store, clock=context.clock) as hand:
            await hand.release(entry.issue_id for entry in chosen)
        context.console.say(Event.MEMORY_CHANGED, words, facts={"issues": len(chosen)})
        return 0

    return context.work(MEMORY, work)


async def _read(context: CommandContext, store: Store) -> list[Parked]:
    """All that is parked and can be read; says of the others what is wrong with each."""
    broken: Broken = {}
    parked = await store.parked(broken=broken)
    for issue_id, words in broken.items():
        context.console.say(
            Event.MEMORY_UNREADABLE,
            f"{words} `state forget` drops it.",
            subject=issue_id,
            facts={"issue_id": issue_id},
        )
    return parked


def _chosen(parked: Sequence[Parked], *, ids: Sequence[str]) -> list[Parked]:
    """Those of these ids, written in whatever way; all where there are none. Raises
    `click.UsageError` for one that is not parked.
    """
    by_id = {canonical(entry.issue_id): entry for entry in parked}
    unknown = [text for text in ids if canonical(text) not in by_id]
    if unknown:
        raise click.UsageError(f"Not parked: {', '.join(unknown)}. See `parked`.")
    return [by_id[canonical(text)] for text in dict.fromkeys(ids)] if ids else [*parked]


def _row(entry: Parked) -> tuple[str, ...]:
    since, next_at = (at.isoformat(timespec="minutes") for at in (entry.first_at, entry.next_at))
    tried = entry.tried or entry.error_class
    return entry.issue_id, tried, str(entry.attempts), since, next_at, entry.message


def _issues(many: int, *, verb: str = "are") -> str:
    """As `1 issue is` or `2 issues are`; without the verb where there is none."""
    if many == 1:
        return "1 issue is" if verb else "1 issue"
    return f"{many:,} issues {verb}".rstrip()
