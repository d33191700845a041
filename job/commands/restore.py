"""Makes lost memory again from Jira, moves memory elsewhere, and forgets one issue.

Promises: nothing is changed without a yes, nor while a run is at work; what would be changed is
told first.
Does not do: looking into memory, or setting its watermark (`state.py`).
"""

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import click

from job.commands.context import EVERYTHING, MEMORY, CommandContext
from job.core.ids import IssueId, as_halo_writes
from job.errors import NotAgreed
from job.events import Event
from job.flow import archive
from job.flow.mend import mending
from job.flow.rebuild import Double, rebuild
from job.flow.setup import Setup
from job.stores import Store


def links(context: CommandContext, *, yes: bool) -> int:
    """Makes a link for each ticket that names an issue of which memory has none."""

    async def work(setup: Setup, _: asyncio.Event) -> int:
        store = setup.ports.store
        found = await rebuild(setup)
        for double in found.doubles:
            _tell(context, double)
        question = f"Jira has tickets of {len(found.links):,} issues. Each of which memory has no "
        question += "link gets one; no other link is changed. Is that right?"
        context.agree(question, yes=yes)
        async with mending(store, clock=setup.ports.clock) as hand:
            made = await hand.link(found.links)
        facts = {
            "made": made,
            "tickets_of": len(found.links),
            "duplicates": len(found.doubles),
            "nameless": found.nameless,
            "older": found.older,
        }
        words = f"Made {made:,} links; {len(found.links) - made:,} were there. "
        words += f"Issues with several tickets: {len(found.doubles):,}. Tickets that name no issue "
        words += f"of Halo's: {found.nameless:,}."
        if found.older:
            words += f" Tickets of an older program, which the next run judges: {found.older:,}."
        if not await store.watermarks():
            words += " Memory has no watermark: let the next run be `run --since TIME`, with the "
            words += "time of the last run that went well, or `run --since all`."
        context.console.say(Event.MEMORY_CHANGED, words, facts=facts)
        return 0

    return context.work(EVERYTHING, work)


def _tell(context: CommandContext, double: Double) -> None:
    others = ", ".join(other.key for other in double.others)
    words = f"{double.kept.key} is kept; {others} names it as well. Close what is not needed."
    facts = {"kept": double.kept.key, "also": [other.key for other in double.others]}
    context.console.say(
        Event.TICKET_DUPLICATE_SEEN,
        words,
        subject=double.issue_id,
        facts={"issue_id": double.issue_id, **facts},
    )


def forget(context: CommandContext, *, text: str, yes: bool) -> int:
    """Drops the link of one issue, and that it is parked. A write of unknown fate is never
    forgotten: the issue could get a second ticket.
    """
    issue_id = as_halo_writes(text) or IssueId(text)

    async def work(store: Store, _: asyncio.Event) -> int:
        link = (await store.links([issue_id], broken={})).get(issue_id)
        question = f"Memory forgets {link.ticket_key if link else 'what it has'} of {issue_id}. A "
        question += "ticket that names the issue is found again when Halo touches it. Is that "
        question += "right?"
        await _has_any(store, issue_id=issue_id)
        context.agree(question, yes=yes)
        async with mending(store, clock=context.clock) as hand:
            parked = await _has_any(store, issue_id=issue_id)
            await hand.forget(issue_id, parked=parked)
        words = f"Forgot {link.ticket_key if link else 'what there was'} of {issue_id}."
        context.console.say(Event.MEMORY_CHANGED, words, facts={"issue_id": issue_id})
        return 0

    return context.work(MEMORY, work)


def export(context: CommandContext, *, path: str) -> int:
    """Writes all of memory into a new file."""

    async def work(store: Store, _: asyncio.Event) -> int:
        async with mending(store, clock=context.clock):
            records = await write_out(store, path=path)
        words = f"Wrote {records:,} records to {path}. This memory is as it was: let no run use "
        words += "it once the other one is at work."
        context.console.say(Event.MEMORY_TOLD, words, facts={"records": records})
        return 0

    return context.work(MEMORY, work)


async def write_out(store: Store, *, path: str) -> int:
    """How many records the new file holds beside its first and last line. Raises
    `click.UsageError`; no part of an export is left behind.
    """
    lines = 0
    with _whole(path) as file:
        async for line in archive.written(store):
            file.write(line)
            lines += 1
    return lines - 2


@contextmanager
def _whole(path: str) -> Iterator[BinaryIO]:
    """A new file, which is gone again unless all of it was written. Raises `click.UsageError`."""
    file = _new(path)
    try:
        with file:
            yield file
    except BaseException as error:
        Path(path).unlink()
        if isinstance(error, OSError):
            raise click.UsageError(f"{path} cannot be written: {error.strerror}.") from None
        raise


def _new(path: str) -> BinaryIO:
    """A new file that only its owner can read. Raises `click.UsageError`."""
    try:
        number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise click.UsageError(f"{path} cannot be made: {error.strerror}.") from None
    return os.fdopen(number, "wb")


def restore(context: CommandContext, *, path: str, yes: bool) -> int:
    """Reads all of memory from a file, into memory that nobody has used."""
    with Path(path).open("rb") as file:
        found = archive.read(file)

    async def work(store: Store, _: asyncio.Event) -> int:
        await _must_be_new(store)
        question = f"{path} holds {len(found.records):,} records of memory. They are written into "
        question += "the memory that STATE_URL names. Is that right?"
        context.agree(question, yes=yes)
        async with mending(store, clock=context.clock) as hand:
            await _must_be_new(store)
            await archive.restore(found, store=store, hand=hand)
        many = len(found.records) + len(found.marks)
        words = f"Read {many:,} records from {path}. The next run goes on from there."
        context.console.say(Event.MEMORY_CHANGED, words, facts={"records": many})
        return 0

    return context.work(MEMORY, work)


async def _must_be_new(store: Store) -> None:
    """Raises `NotAgreed` where an import would mix two memories."""
    if await archive.is_in_use(store):
        raise NotAgreed(
            "memory",
            "reading an export",
            "This memory is in use: an import would mix two memories. Nothing was changed.",
            "Name other memory in STATE_URL, such as another file or prefix.",
        )


async def _has_any(store: Store, *, issue_id: IssueId) -> bool:
    """Whether the issue is parked. Raises `click.UsageError` where memory has nothing to forget,
    and `NotAgreed` where what became of a write is not known.
    """
    lost: dict[IssueId, str] = {}
    noted = {intent.issue_id for intent in await store.intents(broken=lost)} | lost.keys()
    if issue_id in noted:
        raise NotAgreed(
            "memory",
            "forgetting an issue",
            f"What became of a write for {issue_id} is not known yet, so that it could get a "
            "second ticket. Nothing was changed.",
            "Let runs find out; after CREATE_PATIENCE at the latest it is known.",
        )
    broken: dict[IssueId, str] = {}
    parked = {entry.issue_id for entry in await store.parked(broken=broken)} | broken.keys()
    linked = await store.links([issue_id], broken=broken)
    if issue_id in linked and linked[issue_id].unconfirmed:
        raise NotAgreed(
            "memory",
            "forgetting an issue",
            f"Jira confirmed {linked[issue_id].ticket_key} and does not show it to us, so that a "
            "search would not find it and the issue would get a second ticket. Nothing was "
            "changed.",
            "Let us see that ticket first: its security level, our right to browse, its id field.",
        )
    if not linked and issue_id not in parked and issue_id not in broken:
        raise click.UsageError(f"Memory has neither a link nor a parked entry of {issue_id}.")
    return issue_id in parked
