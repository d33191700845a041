"""What a store in an SQLite file lists: links that are live or due, notes, and all of a kind.

Promises: as `sqlite.py`, which this is a part of; a long listing is read in pages.
Does not do: writing, but for the notes, which need no lease.
"""

from collections.abc import AsyncIterator, Collection, Sequence
from datetime import datetime
from functools import partial

from job.core.ids import IssueId, TicketId
from job.core.memory import Broken, Link, Noted
from job.state import records, rules
from job.state.records import Table, Write
from job.state.sqlite_documents import SqliteDocuments
from job.state.sqlite_file import SqliteFile
from job.stores import K


class SqliteListings:
    """A part of the `Store` of `job/stores.py` on one file."""

    def __init__(self, file: SqliteFile) -> None:
        self.spent = rules.Spent()
        self._file = file
        self._documents = SqliteDocuments(file.connection, path=file.path)

    async def live_links(self, *, broken: Broken | None = None) -> AsyncIterator[Sequence[Link]]:
        after, more = "", True
        while more:
            look = partial(self._documents.live_page, after, broken=broken)
            page = await self._file.look(look)
            self.spent.read(page.rows)
            if page.links:
                yield page.links
            after, more = page.last, page.rows == rules.PAGE

    async def live_count(self) -> int:
        live = await self._file.look(self._documents.live_count)
        self.spent.count(live)
        return live

    async def due(self, now: datetime) -> list[IssueId]:
        found = await self._file.look(partial(self._documents.due, now))
        self.spent.listed(len(found))
        return [link.issue_id for link in found]

    async def issues_of(self, ticket_id: TicketId) -> list[IssueId]:
        found = await self._file.look(partial(self._documents.of_ticket, ticket_id))
        self.spent.read(len(found))
        return [link.issue_id for link in found]

    async def note(self, noted: Noted) -> None:
        kept = records.document(noted)
        write = Write(table=Table.NOTED, id=records.note_id(noted), document=kept)
        await self._file.change(partial(self._documents.put, [write]), doing="writing a note to")
        self.spent.noted()

    async def noted(self, *, broken: Broken | None = None) -> list[Noted]:
        look = partial(self._documents.every, Noted, Table.NOTED, broken=broken)
        found = await self._file.look(look)
        self.spent.listed(len(found))
        return found

    async def forget_noted(self, seen: Collection[Noted]) -> None:
        if seen:
            forget = partial(self._documents.forget_noted, seen)
            await self._file.change(forget, doing="dropping notes from")
        self.spent.forgot(len(seen))

    async def every(self, kind: type[K]) -> AsyncIterator[Sequence[K]]:
        table = records.table_of(kind)
        after, more = "", True
        while more:
            page = await self._file.look(partial(self._documents.page, kind, table, after))
            self.spent.read(len(page))
            if page:
                yield list(page.values())
            after, more = max(page, default=""), len(page) == rules.PAGE
