"""A store in Firestore, for the job in the cloud: any number of machines, any of which may be
killed.

Promises: nothing is written unless the lease is still ours, which the fence sees to
(`firestore_fence.py`). One document bears about one write a second for long, so commits that wait
for their turn at the lease document go out together, as one batch.
Does not do: single calls (`firestore_calls.py`), or reading documents (`firestore_documents.py`).
"""

import asyncio
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import datetime

from google.auth.exceptions import GoogleAuthError
from google.cloud.firestore import AsyncClient
from msgspec import Struct, field
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
from job.errors import LeaseLost, RemoteDown, RemoteRefused, StopsRun
from job.state import records, rules
from job.state.firestore_calls import PATIENCE_S, Calls
from job.state.firestore_documents import FirestoreDocuments
from job.state.firestore_fence import Fence
from job.state.firestore_notes import FirestoreNotes
from job.state.firestore_quota import QuotaDocument
from job.state.records import Table, Write
from job.stores import K


@asynccontextmanager
async def open_firestore(
    *, project: str | None, database: str, prefix: str, patience_s: float = PATIENCE_S
) -> AsyncIterator["FirestoreStore"]:
    """The store in this database, in collections that begin with the prefix. Nothing is asked
    before the first use.
    """
    try:
        client = AsyncClient(project=project, database=database)
    except (GoogleAuthError, OSError) as error:
        advice = "Run `gcloud auth application-default login`, or name the project in STATE_URL."
        raise RemoteRefused(
            "store", "opening Firestore", f"There is no identity to use: {error}", advice
        ) from error
    try:
        yield FirestoreStore(client, prefix=prefix, patience_s=patience_s)
    finally:
        # The asynchronous client has no way of its own to close its connection.
        await client._firestore_api.transport.close()  # noqa: SLF001


class _Group(Struct, kw_only=True):
    """Commits under one lease that wait for the same turn, and how their batch ended once it was
    sent.
    """

    lease: Lease
    writes: list[Write] = field(default_factory=list)
    intents: list[Intent] = field(default_factory=list)
    sent: bool = False
    error: StopsRun | None = None

    def has_room(self, lease: Lease, writes: Sequence[Write]) -> bool:
        """Whether these writes may go with ours. No document is written twice in one batch."""
        ours = {(write.table, write.id) for write in self.writes}
        return (
            not self.sent
            and rules.holds(self.lease, lease)
            and self.lease.shard == lease.shard
            and len(ours) + len(writes) <= records.WRITES_MAX
            and ours.isdisjoint((write.table, write.id) for write in writes)
        )


class FirestoreStore(FirestoreNotes):
    """The `Store` of `job/stores.py` on one client. Opened and closed by `open_firestore`."""

    def __init__(self, client: AsyncClient, *, prefix: str, patience_s: float) -> None:
        spent, calls = rules.Spent(), Calls(patience_s=patience_s)
        documents = FirestoreDocuments(client, prefix=prefix, calls=calls, spent=spent)
        super().__init__(client, documents=documents, calls=calls, spent=spent)
        self._fence = Fence(client, documents=documents, calls=calls, spent=spent)
        self._quota = QuotaDocument(client, documents=documents, calls=calls, spent=spent)
        self._lock = asyncio.Lock()
        """Whoever has it is using the fence."""
        self._last: _Group | None = None
        """The last group that commits have joined."""

    async def take_lease(self, shard: str, *, holder: str, now: datetime, until: datetime) -> Lease:
        async with self._lock:
            return await self._fence.take(shard, holder=holder, now=now, until=until)

    async def renew_lease(self, lease: Lease, *, until: datetime) -> Lease:
        renewed = replace(lease, until=until)
        async with self._lock:
            await self._fence.write(lease, becomes=renewed, doing="renewing the lease")
        return renewed

    async def release_lease(self, lease: Lease) -> None:
        async with self._lock:
            with suppress(LeaseLost):  # Then there is nothing left to give back.
                await self._fence.write(
                    lease, becomes=rules.released(lease), doing="releasing the lease"
                )

    async def leases(self) -> list[Lease]:
        return list((await self._documents.of_shards(Lease, records.LEASE)).values())

    async def watermark(self, shard: str) -> Watermark | None:
        key = records.watermark_id(shard)
        found = await self._documents.get(
            Watermark, Table.CONTROL, [key], doing="reading the watermark"
        )
        self.spent.read(1)
        return found.get(key)

    async def watermarks(self) -> dict[str, Watermark]:
        return await self._documents.of_shards(Watermark, records.WATERMARK)

    async def links(
        self, ids: Collection[IssueId], *, broken: Broken | None = None
    ) -> dict[IssueId, Link]:
        found = await self._documents.of_issues(
            Link, Table.LINKS, ids, doing="reading links", broken=broken
        )
        self.spent["read"] += len(set(ids))
        return found

    async def live_links(self, *, broken: Broken | None = None) -> AsyncIterator[Sequence[Link]]:
        async for page in self._documents.pages(
            Link, self._documents.live(), doing="listing live links", broken=broken
        ):
            yield list(page.values())

    async def every(self, kind: type[K]) -> AsyncIterator[Sequence[K]]:
        among = self._documents.collection(records.table_of(kind))
        async for page in self._documents.pages(kind, among, doing="listing all"):
            yield list(page.values())

    async def live_count(self) -> int:
        live = await self._documents.live_count()
        self.spent.count(live)
        return live

    async def due(self, now: datetime) -> list[IssueId]:
        return [link.issue_id for link in await self._documents.due(now)]

    async def intents(self, *, broken: Broken | None = None) -> list[Intent]:
        return await self._documents.every(Intent, Table.INTENTS, broken=broken)

    async def parked(self, *, broken: Broken | None = None) -> list[Parked]:
        return await self._documents.every(Parked, Table.PARKED, broken=broken)

    async def backlog(
        self, ids: Collection[IssueId], *, broken: Broken | None = None
    ) -> dict[IssueId, Backlog]:
        found = await self._documents.of_issues(
            Backlog, Table.BACKLOG, ids, doing="reading the backlog", broken=broken
        )
        self.spent["read"] += len(set(ids))
        return found

    async def pieces(self, *, broken: Broken | None = None) -> list[Piece]:
        return await self._documents.every(Piece, Table.HELD, broken=broken)

    async def held_set(self, digest: str) -> HeldSet | None:
        key = records.document_id(digest)
        found = await self._documents.get(
            HeldSet, Table.DIGESTS, [key], doing="reading what a digest names"
        )
        self.spent.read(1)
        return found.get(key)

    async def quota(self) -> Quota:
        return await self._quota.read()

    async def change_quota(self, changed: Quota) -> bool:
        return await self._quota.change(changed)

    async def commit(self, lease: Lease, changes: Changes) -> None:
        writes = records.writes(changes, shard=lease.shard)
        if self._last is None or not self._last.has_room(lease, writes):
            self._last = _Group(lease=lease)
        group = self._last
        group.writes += writes
        group.intents += changes.intents
        async with self._lock:
            if not group.sent:
                await self._send(group)
        if group.error:
            raise group.error

    async def prove_writable(self) -> None:
        await self._fence.prove_writable()

    async def runs(self, *, limit: int) -> list[RunRecord]:
        return await self._documents.newest_runs(limit)

    async def _send(self, group: _Group) -> None:
        """Writes for everyone in the group; each of them raises what went wrong."""
        group.sent, doing = True, "writing to Firestore"
        group.error = RemoteDown(
            "store", doing, "The batch was cut short.", "The next run takes it from there."
        )
        try:
            await self._fence.write(
                group.lease, writes=group.writes, intents=group.intents, doing=doing
            )
        except StopsRun as error:
            group.error = error
        else:
            group.error = None
