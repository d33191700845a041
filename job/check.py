"""Proves, one by one, that what the settings name is there and lets us in.

Promises: every proof is tried, whatever came of the one before; nothing is written to Halo, to Jira
or to our memory. Does not do: walking a ticket through its workflow; the names of statuses and
transitions show only on a ticket.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta

from msgspec import Struct

from job.core import fields
from job.errors import BadSettings, SyncError
from job.run import Setup

GLIMPSE = timedelta(minutes=1)


class Proof(Struct, frozen=True, kw_only=True):
    """What was to be proven, and what was seen or what stood against it."""

    name: str
    seen: str = ""
    error: SyncError | None = None


async def prove(setup: Setup) -> AsyncIterator[Proof]:
    """The proofs, each as soon as it is there."""
    for name, look in PROOFS.items():
        try:
            yield Proof(name=name, seen=await look(setup))
        except SyncError as error:
            yield Proof(name=name, error=error)


async def _halo(setup: Setup) -> str:
    """Signs in and reads the last minute."""
    now = setup.ports.clock.now()
    listings = setup.ports.halo.changed(since=now - GLIMPSE, until=now)
    seen = [len(piece) for listing in listings async for piece in listing]
    return f"Halo lets us read; {sum(seen)} issues changed in the last minute."


async def _jira(setup: Setup) -> str:
    me = await setup.ports.jira.myself()
    return f"Jira knows us as {me.display_name}."


async def _fields(setup: Setup) -> str:
    book = await setup.ports.jira.field_book()
    problems = fields.check(setup.manner.shape, book=book)
    if problems:
        raise BadSettings(problems)
    return f"{book.screen} takes every field that we fill; the Halo id goes into {book.id_field}."


async def _store(setup: Setup) -> str:
    links = await setup.ports.store.live_count()
    runs = await setup.ports.store.runs(limit=1)
    last = (
        f"the last run ended {runs[0].finished_at.isoformat(timespec='seconds')}"
        if runs
        else "no run is recorded"
    )
    return f"{links} open links; {last}."


PROOFS: dict[str, Callable[[Setup], Awaitable[str]]] = {
    "Halo's key": _halo,
    "Jira's token": _jira,
    "project, type and fields": _fields,
    "memory": _store,
}
