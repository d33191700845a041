"""A store in one SQLite file, for a laptop: any number of processes, any of which may be killed.

Promises: every change is one transaction that reads the lease before it writes, and what was
committed survives a lost machine. Documents are kept as JSON, so that the file can be read with
nothing but `sqlite3`.
Does not do: network folders, whose locks cannot be trusted.
"""

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TypeVar

from msgspec.structs import replace

from job.core.backlog import Backlog
from job.core.held import HeldSet, Piece, Quota
from job.core.ids import IssueId
from job.core.memory import (
    Broken,
    Changes,
    Intent,
    Lease,
    Link,
    Parked,
    RunRecord,
    Watermark,
)
from job.state import records, rules
from job.state.records import Record, Table, Write
from job.state.sqlite_file import open_file
from job.state.sqlite_listings import SqliteListings

T = TypeVar("T", bound=Record)


@asynccontextmanager
async def open_sqlite(path: Path) -> AsyncIterator["SqliteStore"]:
    """The store in this file, which is made, readable by its owner only, when it is not there."""
    async with open_file(path) as file:
        yield SqliteStore(file)


class SqliteStore(SqliteListings):
    """The `Store` of `job/stores.py` on one file, whose thread does one thing after the other.
    Opened and closed by `open_sqlite`.
    """

    async def take_lease(self, shard: str, *, holder: str, now: datetime, until: datetime) -> Lease:
        def take() -> Lease:
            last = self._documents.lease(shard)
            lease = rules.succeed(last, shard=shard, holder=holder, now=now, until=until)
            self._documents.put_lease(lease)
            return lease

        lease = await self._file.change(take, doing="taking the lease in")
        self.spent.took_lease()
        return lease

    async def renew_lease(self, lease: Lease, *, until: datetime) -> Lease:
        renewed = replace(lease, until=until)

        def renew() -> None:
            rules.confirm(self._documents.lease(lease.shard), lease)
            self._documents.put_lease(renewed)

        await self._file.change(renew, doing="renewing the lease in")
        self.spent.wrote((), following=())
        return renewed

    async def release_lease(self, lease: Lease) -> None:
        def release() -> bool:
            ours = rules.holds(self._documents.lease(lease.shard), lease)
            if ours:
                self._documents.put_lease(rules.released(lease))
            return ours

        if await self._file.change(release, doing="releasing the lease in"):
            self.spent.wrote((), following=())

    async def leases(self) -> list[Lease]:
        return list((await self._of_shards(Lease, records.LEASE)).values())

    async def watermark(self, shard: str) -> Watermark | None:
        self.spent.read(1)
        key = records.watermark_id(shard)
        return await self._file.look(partial(self._documents.one, Watermark, Table.CONTROL, key))

    async def watermarks(self) -> dict[str, Watermark]:
        return await self._of_shards(Watermark, records.WATERMARK)

    async def links(
        self, ids: Collection[IssueId], *, broken: Broken | None = None
    ) -> dict[IssueId, Link]:
        self.spent["read"] += len(set(ids))
        look = partial(self._documents.of_issues, Link, Table.LINKS, ids, broken=broken)
        found = await self._file.look(look)
        return {link.issue_id: link for link in found}

    async def intents(self, *, broken: Broken | None = None) -> list[Intent]:
        return await self._all(Intent, Table.INTENTS, broken=broken)

    async def parked(self, *, broken: Broken | None = None) -> list[Parked]:
        return await self._all(Parked, Table.PARKED, broken=broken)

    async def backlog(
        self, ids: Collection[IssueId], *, broken: Broken | None = None
    ) -> dict[IssueId, Backlog]:
        self.spent["read"] += len(set(ids))
        found = await self._file.look(
            partial(self._documents.of_issues, Backlog, Table.BACKLOG, ids, broken=broken)
        )
        return {old.issue_id: old for old in found}

    async def pieces(self, *, broken: Broken | None = None) -> list[Piece]:
        return await self._all(Piece, Table.HELD, broken=broken)

    async def held_set(self, digest: str) -> HeldSet | None:
        self.spent.read(1)
        key = records.document_id(digest)
        return await self._file.look(partial(self._documents.one, HeldSet, Table.DIGESTS, key))

    async def quota(self) -> Quota:
        self.spent.read(1)
        return await self._file.look(self._documents.quota)

    async def change_quota(self, changed: Quota) -> bool:
        def change() -> bool:
            if self._documents.quota().revision + 1 != changed.revision:
                return False
            kept = records.document(changed)
            self._documents.put([Write(table=Table.CONTROL, id=records.QUOTA, document=kept)])
            return True

        self.spent.changed_quota()
        return await self._file.change(change, doing="writing the quota to")

    async def commit(self, lease: Lease, changes: Changes) -> None:
        writes = records.writes(changes, shard=lease.shard)

        def write() -> None:
            rules.confirm(self._documents.lease(lease.shard), lease)
            self._documents.check_follows(changes.intents, lease=lease)
            self._documents.put(writes)
            if changes.run:
                self._documents.forget(before=changes.run.finished_at)

        await self._file.change(write, doing="writing to")
        self.spent.wrote(writes, following=[intent for intent in changes.intents if intent.follows])

    async def prove_writable(self) -> None:
        """A transaction has to hold the write lock, even one that writes nothing."""
        await self._file.change(lambda: None, doing="proving that we may write to")

    async def runs(self, *, limit: int) -> list[RunRecord]:
        newest = await self._file.look(partial(self._documents.newest_runs, limit))
        self.spent.read(len(newest))
        return newest

    async def _all(self, kind: type[T], table: Table, *, broken: Broken | None = None) -> list[T]:
        found = await self._file.look(partial(self._documents.every, kind, table, broken=broken))
        self.spent.listed(len(found))
        return found

    async def _of_shards(self, kind: type[T], prefix: str) -> dict[str, T]:
        found = await self._file.look(partial(self._documents.of_shards, kind, prefix))
        self.spent.listed(len(found))
        return found
