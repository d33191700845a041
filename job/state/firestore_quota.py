"""The document in Firestore that all tasks share: what they used of the limits, what was approved.

Promises: it is changed only from exactly the revision that was read, by a precondition on its
update time; a change whose answer was lost is told from one that somebody else made.
Does not do: leases. Whoever loses the race reads again and tries again.
"""

from datetime import datetime

from google.api_core.exceptions import Aborted, AlreadyExists, FailedPrecondition, NotFound
from google.cloud.firestore import AsyncClient

from job.core.held import Quota
from job.errors import StopsRun
from job.state import firestore_calls, records, rules
from job.state.firestore_calls import Calls
from job.state.firestore_documents import FirestoreDocuments
from job.state.records import Table

_CONFLICTS = (Aborted, AlreadyExists, FailedPrecondition, NotFound)


class QuotaDocument:
    """It, as we last saw it."""

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
        self._seen: tuple[int, datetime | None] | None = None
        """The revision that was read or written last, and when it was written."""

    async def read(self) -> Quota:
        """What is kept; an empty one where there is none yet."""
        found = await self._documents.snapshots(
            Table.CONTROL, [records.QUOTA], doing="reading the quota"
        )
        self._spent.read(1)
        snapshot = found.get(records.QUOTA)
        if snapshot is None:
            self._seen = (0, None)
            return Quota()
        kept = self._documents.record(Quota, snapshot)
        self._seen = (kept.revision, snapshot.update_time)
        return kept

    async def change(self, changed: Quota) -> bool:
        """Whether this quota is kept now, written by this call."""
        if self._seen is None or self._seen[0] + 1 != changed.revision:
            await self.read()
        self._spent.changed_quota()
        if self._seen is None or self._seen[0] + 1 != changed.revision:
            return False
        batch = self._client.batch()
        document = self._documents.collection(Table.CONTROL).document(records.QUOTA)
        if (written_at := self._seen[1]) is None:
            batch.create(document, records.document(changed))
        else:
            option = self._client.write_option(last_update_time=written_at)
            batch.update(document, records.document(changed), option=option)
        self._seen = None
        try:
            results = await self._calls.repeat(
                lambda: batch.commit(retry=None, timeout=firestore_calls.CALL_S),
                doing="writing the quota",
            )
        except StopsRun as stop:
            if not isinstance(stop.__cause__, _CONFLICTS):
                raise
            # An earlier try of this very change may have been made, and its answer lost.
            return await self.read() == changed
        self._seen = (changed.revision, results[0].update_time)
        return True
