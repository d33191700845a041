"""The fence of the store in Firestore: the lease document, and the batches written under it.

Promises: whatever is written goes out as one atomic batch that also changes the lease document
*from exactly what we last saw*, by a precondition on its update time. So a batch is applied only
while nobody has taken the lease, and never after a later one of ours, not even when it was delayed
on the way. Each batch leaves its name in the lease document; when an answer is lost, that name
tells whether the batch was applied.
Does not do: taking turns. Its owner makes one call at a time, for our own batches would only make
each other fail.
"""

import itertools
from collections.abc import Sequence
from datetime import datetime
from uuid import uuid4

from google.api_core.exceptions import Aborted, AlreadyExists, FailedPrecondition, NotFound
from google.cloud.firestore import AsyncClient, AsyncWriteBatch
from msgspec import Struct

from job.core.memory import Intent, Lease
from job.errors import RemoteDown, StopsRun
from job.state import firestore_calls, records, rules
from job.state.firestore_calls import Calls
from job.state.firestore_documents import FirestoreDocuments
from job.state.records import Table, Write

ROUNDS_MAX = 5
NOBODYS = "nobodys"
"""The id of a document that no store writes."""

_CONFLICTS = (Aborted, AlreadyExists, FailedPrecondition, NotFound)


class _Sight(Struct, frozen=True, kw_only=True):
    """The lease document as we last saw it: the lease, the name of the batch that left it so, and
    when that was.
    """

    lease: Lease
    batch: str
    at: datetime


class Fence:
    """The lease documents of one database as we last saw them, and what is written from there."""

    def __init__(
        self,
        client: AsyncClient,
        *,
        documents: FirestoreDocuments,
        calls: Calls,
        spent: rules.Spent,
    ) -> None:
        self._client = client
        self._documents = documents
        self._calls = calls
        self._spent = spent
        self._sights: dict[str, _Sight] = {}
        self._names = (f"{uuid4().hex}-{number}" for number in itertools.count(1))

    async def take(self, shard: str, *, holder: str, now: datetime, until: datetime) -> Lease:
        """The next lease of the shard. Raises `LeaseHeld`."""
        for _ in range(ROUNDS_MAX):
            sight = await self._look(shard)
            last = sight.lease if sight else None
            lease = rules.succeed(last, shard=shard, holder=holder, now=now, until=until)
            if await self._swap(sight, lease, doing="taking the lease"):
                self._spent.took_lease()
                return lease
        raise _contended("taking the lease")

    async def write(
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
                self._spent.wrote(writes, following=following)
                return
            # The answer tells that something stood in the way, and not what it was: now first
            # intents are looked at too.
            unproven = list(intents)
        raise _contended(doing)

    async def prove_writable(self) -> None:
        """Changes a document that is nobody's: who may write is told that it is not there."""
        batch = self._client.batch()
        batch.update(self._documents.collection(Table.CONTROL).document(NOBODYS), {"v": 0})
        try:
            await self._calls.repeat(
                lambda: batch.commit(retry=None, timeout=firestore_calls.CALL_S),
                doing="proving that we may write",
            )
        except StopsRun as stop:
            if not isinstance(stop.__cause__, NotFound):
                raise

    async def _check_follows(self, intents: Sequence[Intent], *, lease: Lease) -> None:
        ids = [intent.issue_id for intent in intents]
        standing = await self._documents.of_issues(
            Intent, Table.INTENTS, ids, doing="reading intents"
        )
        for intent in intents:
            rules.follow(intent, standing.get(intent.issue_id), lease=lease)

    async def _swap(
        self, before: _Sight | None, lease: Lease, *, doing: str, writes: Sequence[Write] = ()
    ) -> bool:
        """Changes the lease document from exactly what we saw, and writes the rest with it; or does
        nothing, and says False.
        """
        name = next(self._names)
        batch = self._batch(before, lease, name=name, writes=writes)
        self._sights.pop(lease.shard, None)
        try:
            results = await self._calls.repeat(
                lambda: batch.commit(retry=None, timeout=firestore_calls.CALL_S), doing=doing
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
        control = self._documents.collection(Table.CONTROL).document(records.lease_id(lease.shard))
        kept = records.document(lease) | {"batch": name}
        if before is None:
            batch.create(control, kept)
        else:
            batch.update(
                control, kept, option=self._client.write_option(last_update_time=before.at)
            )
        for write in writes:
            document = self._documents.collection(write.table).document(write.id)
            if write.document is None:
                batch.delete(document)
            elif write.fresh:
                batch.create(document, write.document)
            else:
                batch.set(document, write.document)
        return batch

    async def _look(self, shard: str) -> _Sight | None:
        key = records.lease_id(shard)
        found = await self._documents.snapshots(Table.CONTROL, [key], doing="reading the lease")
        snapshot = found.get(key)
        if snapshot is None:
            return None
        return _Sight(
            lease=self._documents.record(Lease, snapshot),
            batch=snapshot.get("batch"),
            at=snapshot.update_time,
        )


def _contended(doing: str) -> RemoteDown:
    return RemoteDown(
        "store", doing, f"The document of the lease changed under us {ROUNDS_MAX} times on end."
    )
