"""Takes over the tickets of older programs: shows a plan, carries it out, and takes it back.

Promises: `plan` writes to neither side, and notes in memory what its digest names; nothing is
changed without a yes, nor while a run is at work; the exit code is 5 where anything is left.
Does not do: the looking and the writing (`flow/takeover.py`, `flow/takeback.py`).
"""

import asyncio
from collections.abc import Iterable

import click

from job.commands.context import EVERYTHING, CommandContext
from job.console.protocol import Table
from job.core.remnants import Class, Row
from job.events import Event
from job.flow.setup import Setup
from job.flow.takeback import undo as take_back
from job.flow.takeover import Sight, apply, look, notes, remember
from job.flow.taking import Ended

LEFT_OVER = 5
COUNTS = ("tickets", "are", "what becomes of them")
ROWS = ("ticket", "is", "of issue", "sure", "is written", "because")


def plan(context: CommandContext, *, every: bool) -> int:
    """Shows what each ticket is and what would be written, and notes it under its digest."""

    async def work(setup: Setup, _: asyncio.Event) -> int:
        sight = await look(setup)
        counts = sight.plan.counts
        context.console.show(_counted(counts.items()))
        shown = [row for row in sight.plan.rows if every or _needs_eyes(row)]
        if shown:
            context.console.show(_listed(shown))
        await remember(setup, sight=sight)
        facts = {
            "digest": sight.plan.digest,
            "tickets": len(sight.plan.rows),
            "to_write": len(sight.plan.work),
            "counts": {what.name.lower(): counts[what] for what in Class},
        }
        context.console.say(Event.TAKEOVER_PLANNED, _planned(sight), facts=facts)
        return 0

    return context.work(EVERYTHING, work)


def _planned(sight: Sight) -> str:
    looked = f"Looked at {len(sight.plan.rows):,} tickets"
    if not sight.plan.work:
        return f"{looked}; nothing is to be written."
    many, digest = len(sight.plan.work), sight.plan.digest
    words = f"{looked}; something is to be written for {many:,}, and nothing was yet. "
    return words + f"If that is right: `takeover apply {digest}`."


def _needs_eyes(row: Row) -> bool:
    """Whether a person should look at it: nothing of it is certain."""
    return row.what not in {Class.OURS, Class.HYPHENATED, Class.HEX}


def _counted(counts: Iterable[tuple[Class, int]]) -> Table:
    found = dict(counts)
    rows = tuple((f"{found[what]:,}", str(what), what.becomes) for what in Class if found.get(what))
    return Table(title="Tickets", columns=COUNTS, rows=rows, shares=(0, 0, 1))


def _listed(rows: Iterable[Row]) -> Table:
    cells = tuple(
        (
            row.key,
            str(row.what),
            row.issue_id or "-",
            f"{row.confidence}%" if row.issue_id else "-",
            row.writing or "nothing",
            row.why,
        )
        for row in rows
    )
    return Table(title="Looked at", columns=ROWS, rows=cells, shares=(0, 0, 1, 0, 0, 2))


def carry_out(context: CommandContext, *, digest: str, yes: bool) -> int:
    """Writes what the plan of this digest names, as far as nothing has changed since."""

    async def work(setup: Setup, _: asyncio.Event) -> int:
        noted = [note for note in (await notes(setup)).values() if note.digest == digest]
        if not noted:
            words = f"No plan of the digest {digest} is noted in memory, or a later plan took its "
            raise click.UsageError(f"{words}place. `takeover plan` shows what there is now.")
        question = f"{len(noted):,} tickets of an older program get a link in memory and our "
        question += f"property, {sum(note.fills for note in noted):,} of them their id as well; "
        question += "nothing else of them is touched. Is that right?"
        context.agree(question, yes=yes)
        ended = await apply(setup, sight=await look(setup), digest=digest)
        _tell_left(context, ended)
        words = f"Took over: {_written(ended)}. Left: {len(ended.left):,}. `takeover undo` takes "
        words += "it all back."
        context.console.say(Event.TAKEOVER_ENDED, words, facts=_facts(ended) | {"digest": digest})
        return LEFT_OVER if ended.left else 0

    return context.work(EVERYTHING, work)


def undo(context: CommandContext, *, yes: bool) -> int:
    """Takes back exactly what was written, and forgets every plan."""

    async def work(setup: Setup, _: asyncio.Event) -> int:
        begun = [note for note in (await notes(setup)).values() if note.begun]
        question = f"What was written for {len(begun):,} tickets is taken back: links, properties "
        question += "and ids of ours. What runs did since stays. Is that right?"
        context.agree(question, yes=yes)
        ended = await take_back(setup)
        _tell_left(context, ended)
        words = f"Took back: {_written(ended)}. Left: {len(ended.left):,}."
        context.console.say(Event.TAKEOVER_ENDED, words, facts=_facts(ended))
        return LEFT_OVER if ended.left else 0

    return context.work(EVERYTHING, work)


def _tell_left(context: CommandContext, ended: Ended) -> None:
    for left in ended.left:
        context.console.say(
            Event.TAKEOVER_LEFT,
            f"{left.key} is left: {left.why}",
            subject=left.issue_id,
            facts={"issue_id": left.issue_id, "ticket": left.key, "failed": left.failed},
        )


def _written(ended: Ended) -> str:
    return f"{ended.links:,} links, {ended.properties:,} properties, {ended.ids:,} ids"


def _facts(ended: Ended) -> dict[str, object]:
    return {
        "links": ended.links,
        "properties": ended.properties,
        "ids": ended.ids,
        "left": len(ended.left),
    }
