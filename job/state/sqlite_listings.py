"""What a store in an SQLite file lists: links that are live or due, and all there is of a kind.

Promises: as `sqlite.py`, which this is a part of; a long listing is read in pages.
Does not do: writing.
"""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from functools import partial

from job.core.ids import IssueId
from job.core.memory import Broken, Link
from job.state import records, rules
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

    async def every(self, kind: type[K]) -> AsyncIterator[Sequence[K]]:
        table = records.table_of(kind)
        after, more = "", True
        while more:
            page = await self._file.look(partial(self._documents.page, kind, table, after))
            self.spent.read(len(page))
            if page:
                yield list(page.values())
            after, more = max(page, default=""), len(page) == rules.PAGE
