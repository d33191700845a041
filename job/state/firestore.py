"""A store in Firestore, for the job in the cloud: any number of machines, any of which may be
killed.

The lease document is the fence. Whatever we write goes out as one atomic batch that also changes
the lease document *from exactly what we last saw*, by a precondition on its update time. So a batch
is applied only while nobody has taken the lease, and never after a later one of ours, not even when
it was delayed on the way. Each batch leaves its name in the lease document; when an answer is lost,
that name tells whether the batch was applied. One document bears about one write a second for long,
so commits that wait for their turn at it go out together.

Every call has a deadline and is repeated for a bounded time. There are no transactions here: the
client gives theirs no deadline, and they ask three times where a batch asks once. No query needs a
composite index; the fields that are asked by are `live` of links and `started_at` of runs.
"""

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from functools import partial
from typing import Any, TypeVar
from uuid import uuid4

from google.api_core.exceptions import (
    Aborted,
    AlreadyExists,
    DeadlineExceeded,
    FailedPrecondition,
    GoogleAPICallError,
    InternalServerError,
    NotFound,
    PermissionDenied,
    ResourceExhausted,
    RetryError,
    ServiceUnavailable,
    Unauthenticated,
)
from google.api_core.retry_async import AsyncRetry, if_exception_type
from google.auth.exceptions import GoogleAuthError
from google.cloud.firestore import (
    AsyncClient,
    AsyncQuery,
    AsyncWriteBatch,
    DocumentSnapshot,
    FieldFilter,
    Query,
)
from msgspec import Struct, field
from msgspec.structs import replace

from job.core.ids import IssueId
from job.core.memory import Changes, Intent, Lease, Link, Parked, RunRecord, Watermark
from job.errors import LeaseLost, RemoteDown, RemoteRefused, StopsRun
from job.state import records, rules
from job.state.records import Record, Table, Write

AT_ONCE_MAX = 300
"""Documents of one read. Only its bytes are limited by Firestore; a smaller read is repeated more
cheaply.
"""
CALL_S = 5.0
PATIENCE_S = 12.0
ROUNDS_MAX = 5

_PASSING = (Aborted, DeadlineExceeded, InternalServerError, ResourceExhausted, ServiceUnavailable)
_CONFLICTS = (Aborted, AlreadyExists, FailedPrecondition, NotFound)

Snapshot = DocumentSnapshot[Any]
T = TypeVar("T", bound=Record)
R = TypeVar("R")


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
        await client._firestore_api.transport.close()  # noqa: SLF001 - the asynchronous client has no way to close it


class _Sight(Struct, frozen=True, kw_only=True):
    """The lease document as we last saw it: the lease, the name of the batch that left it so, and
    when that was.
    """

    lease: Lease
    batch: str
    at: datetime


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


class FirestoreStore:
    """The `Store` of `job/ports.py` on one client. Opened and closed by `open_firestore`."""

    def __init__(self, client: AsyncClient, *, prefix: str, patience_s: float) -> None:
        self.spent = rules.Spent()
        self._client = client
        self._prefix = prefix
        self._patiently = AsyncRetry(
            if_exception_type(*_PASSING), initial=0.2, maximum=2.0, timeout=patience_s
        )
        self._lock = asyncio.Lock()
        """Our own batches would only make each other fail."""
        self._sights: dict[str, _Sight] = {}
        self._last: _Group | None = None
        """The last group that commits have joined."""
        self._names = (f"{uuid4().hex}-{number}" for number in itertools.count(1))

    async def take_lease(self, shard: str, *, holder: str, now: datetime, until: datetime) -> Lease:
        async with self._lock:
            for _ in range(ROUNDS_MAX):
                sight = await self._look(shard)
                last = sight.lease if sight else None
                lease = rules.succeed(last, shard=shard, holder=holder, now=now, until=until)
                if await self._swap(sight, lease, doing="taking the lease"):
                    self.spent.took_lease()
                    return lease
        raise _contended("taking the lease")

    async def renew_lease(self, lease: Lease, *, until: datetime) -> Lease:
        renewed = replace(lease, until=until)
        async with self._lock:
            await self._write(lease, becomes=renewed, doing="renewing the lease")
        return renewed

    async def release_lease(self, lease: Lease) -> None:
        async with self._lock:
            with suppress(LeaseLost):  # Then there is nothing left to give back.
                await self._write(lease, becomes=rules.released(lease), doing="releasing the lease")

    async def leases(self) -> list[Lease]:
        return list((await self._of_shards(Lease, records.LEASE)).values())

    async def watermark(self, shard: str) -> Watermark | None:
        key = records.watermark_id(shard)
        found = await self._get(Watermark, Table.CONTROL, [key], doing="reading the watermark")
        self.spent.read(1)
        return found.get(key)

    async def watermarks(self) -> dict[str, Watermark]:
        return await self._of_shards(Watermark, records.WATERMARK)

    async def links(self, ids: Collection[IssueId]) -> dict[IssueId, Link]:
        found = await self._of_issues(Link, Table.LINKS, ids, doing="reading links")
        self.spent["read"] += len(set(ids))
        return found

    async def live_links(self) -> AsyncIterator[Sequence[Link]]:
        async for page in self._pages(Link, self._live(), doing="listing live links"):
            yield list(page.values())

    async def live_count(self) -> int:
        counting = self._live().count()

        async def work() -> int:
            ((answer,),) = await counting.get(retry=None, timeout=CALL_S)
            return int(answer.value)

        live = await self._repeat(work, doing="counting live links")
        self.spent.count(live)
        return live

    async def intents(self) -> list[Intent]:
        return await self._all(Intent, Table.INTENTS)

    async def parked(self) -> list[Parked]:
        return await self._all(Parked, Table.PARKED)

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

    async def runs(self, *, limit: int) -> list[RunRecord]:
        query = (
            self._collection(Table.RUNS)
            .order_by("started_at", direction=Query.DESCENDING)
            .limit(limit)
        )
        return [
            self._record(RunRecord, snapshot)
            for snapshot in await self._ask(query, doing="listing runs")
        ]

    # --- Writing under the lease ------------------------------------------------------------------

    async def _send(self, group: _Group) -> None:
        """Writes for everyone in the group; each of them raises what went wrong."""
        group.sent, doing = True, "writing to Firestore"
        group.error = RemoteDown(
            "store", doing, "The batch was cut short.", "The next run takes it from there."
        )
        try:
            await self._write(group.lease, writes=group.writes, intents=group.intents, doing=doing)
        except StopsRun as error:
            group.error = error
        else:
            group.error = None

    async def _write(
        self,
        lease: Lease,
        *,
        doing: str,
        becomes: Lease | None = None,
        writes: Sequence[Write] = (),
        intents: Sequence[Intent] = (),
    ) -> None:
        """Writes everything under our lease, which stays as it is or becomes another. Raises
        `LeaseLost`.
        """
        following = [intent for intent in intents if intent.follows]
        unproven = following
        for _ in range(ROUNDS_MAX):
            sight = self._sights.get(lease.shard) or await self._look(lease.shard)
            kept = rules.confirm(sight.lease if sight else None, lease)
            await self._check_follows(unproven, lease=lease)
            if await self._swap(sight, becomes or kept, writes=writes, doing=doing):
                self.spent.wrote(writes, following=following)
                return
            # The answer tells that something stood in the way, not what: now first intents are
            # looked at too.
            unproven = list(intents)
        raise _contended(doing)

    async def _check_follows(self, intents: Sequence[Intent], *, lease: Lease) -> None:
        ids = [intent.issue_id for intent in intents]
        standing = await self._of_issues(Intent, Table.INTENTS, ids, doing="reading intents")
        for intent in intents:
            rules.follow(intent, standing.get(intent.issue_id), lease=lease)

    async def _swap(
        self, before: _Sight | None, lease: Lease, *, doing: str, writes: Sequence[Write] = ()
    ) -> bool:
        """Changes the lease document from exactly what we saw, and writes the rest with it; or does
        nothing: False.
        """
        name = next(self._names)
        batch = self._batch(before, lease, name=name, writes=writes)
        self._sights.pop(lease.shard, None)
        try:
            results = await self._repeat(
                lambda: batch.commit(retry=None, timeout=CALL_S), doing=doing
            )
            sight = _Sight(lease=lease, batch=name, at=results[0].update_time)
        except StopsRun as stop:
            if not isinstance(stop.__cause__, _CONFLICTS):
                raise
            seen = await self._look(lease.shard)
            if seen is None or seen.batch != name:
                return False
            sight = seen  # An earlier try of this very batch was applied, and its answer was lost.
        self._sights[lease.shard] = sight
        return True

    def _batch(
        self, before: _Sight | None, lease: Lease, *, name: str, writes: Sequence[Write]
    ) -> AsyncWriteBatch:
        batch = self._client.batch()
        control = self._collection(Table.CONTROL).document(records.lease_id(lease.shard))
        kept = records.document(lease) | {"batch": name}
        if before is None:
            batch.create(control, kept)
        else:
            batch.update(
                control, kept, option=self._client.write_option(last_update_time=before.at)
            )
        for write in writes:
            document = self._collection(write.table).document(write.id)
            if write.document is None:
                batch.delete(document)
            elif write.fresh:
                batch.create(document, write.document)
            else:
                batch.set(document, write.document)
        return batch

    async def _look(self, shard: str) -> _Sight | None:
        key = records.lease_id(shard)
        snapshot = (await self._snapshots(Table.CONTROL, [key], doing="reading the lease")).get(key)
        if snapshot is None:
            return None
        return _Sight(
            lease=self._record(Lease, snapshot),
            batch=snapshot.get("batch"),
            at=snapshot.update_time,
        )

    # --- Reading ----------------------------------------------------------------------------------

    def _collection(self, table: Table) -> Any:
        return self._client.collection(f"{self._prefix}-{table}")

    def _live(self) -> Any:
        return self._collection(Table.LINKS).where(filter=FieldFilter("live", "==", value=True))

    async def _all(self, kind: type[T], table: Table) -> list[T]:
        pages = self._pages(kind, self._collection(table), doing=f"listing {table}")
        return [record async for page in pages for record in page.values()]

    async def _of_shards(self, kind: type[T], prefix: str) -> dict[str, T]:
        """The control documents of this kind, by the name of the shard. Of plain characters "~" is
        the last.
        """
        control = self._collection(Table.CONTROL)
        first = FieldFilter("__name__", ">=", control.document(prefix))
        end = FieldFilter("__name__", "<", control.document(f"{prefix}~"))
        pages = self._pages(
            kind, control.where(filter=first).where(filter=end), doing="listing shards"
        )
        return {
            key.removeprefix(prefix): record async for page in pages for key, record in page.items()
        }

    async def _pages(self, kind: type[T], among: Any, *, doing: str) -> AsyncIterator[dict[str, T]]:
        """Everything that is found, by id and in pages, so that no call is longer than its deadline
        allows.
        """
        query = among.order_by("__name__").limit(rules.PAGE)
        while page := await self._ask(query, doing=doing):
            yield {snapshot.id: self._record(kind, snapshot) for snapshot in page}
            if len(page) < rules.PAGE:
                return
            query = query.start_after(page[-1])

    async def _of_issues(
        self, kind: type[T], table: Table, ids: Collection[IssueId], *, doing: str
    ) -> dict[IssueId, T]:
        keys = {records.document_id(issue_id): issue_id for issue_id in ids}
        return {
            keys[key]: record
            for key, record in (await self._get(kind, table, list(keys), doing=doing)).items()
        }

    async def _get(
        self, kind: type[T], table: Table, keys: Sequence[str], *, doing: str
    ) -> dict[str, T]:
        found = await self._snapshots(table, keys, doing=doing)
        return {key: self._record(kind, snapshot) for key, snapshot in found.items()}

    async def _snapshots(
        self, table: Table, keys: Sequence[str], *, doing: str
    ) -> dict[str, Snapshot]:
        """The documents that exist, by id: Firestore promises no order."""
        found: dict[str, Snapshot] = {}
        for start in range(0, len(keys), AT_ONCE_MAX):
            wanted = [
                self._collection(table).document(key) for key in keys[start : start + AT_ONCE_MAX]
            ]
            answers = await self._repeat(partial(self._read, wanted), doing=doing)
            found |= {snapshot.id: snapshot for snapshot in answers if snapshot.exists}
        return found

    async def _read(self, wanted: list[Any]) -> list[Snapshot]:
        return [
            snapshot async for snapshot in self._client.get_all(wanted, retry=None, timeout=CALL_S)
        ]

    async def _ask(self, query: AsyncQuery, *, doing: str) -> list[Snapshot]:
        found = await self._repeat(lambda: query.get(retry=None, timeout=CALL_S), doing=doing)
        self.spent.read(len(found))
        return list(found)

    def _record(self, kind: type[T], snapshot: Snapshot) -> T:
        return records.read(kind, snapshot.to_dict(), name=snapshot.reference.path)

    # --- Calling ----------------------------------------------------------------------------------

    async def _repeat(self, work: Callable[[], Awaitable[R]], *, doing: str) -> R:
        """Works until it succeeds, is refused, or our patience ends. Firestore's own error is the
        cause of ours.
        """
        try:
            return await self._patiently(work)()
        except RetryError as error:
            raise _in_our_words(error.cause, doing=doing) from error.cause
        except GoogleAPICallError as error:
            raise _in_our_words(error, doing=doing) from error


def _in_our_words(error: BaseException, *, doing: str) -> StopsRun:
    wrong = f"Firestore says: {getattr(error, 'message', error)}".rstrip(".") + "."
    if isinstance(error, PermissionDenied | Unauthenticated):
        advice = "Give the account that this runs as roles/datastore.user, and see that the Firestore API is enabled."
        return RemoteRefused("store", doing, wrong, advice)
    if isinstance(error, NotFound):
        return RemoteRefused(
            "store",
            doing,
            wrong,
            "Create the database (Native mode), or name another in STATE_URL.",
        )
    if isinstance(error, _PASSING):
        return RemoteDown(
            "store", doing, wrong, "Check the network, and FIRESTORE_EMULATOR_HOST if it is set."
        )
    return RemoteRefused(
        "store", doing, wrong, "This is not a passing fault: repeating will not help."
    )


def _contended(doing: str) -> RemoteDown:
    return RemoteDown(
        "store", doing, f"The document of the lease changed under us {ROUNDS_MAX} times on end."
    )
