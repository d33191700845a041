"""What Jira told us of tickets, in Firestore: notes that are written and dropped under no lease.

Promises: a note is dropped only as it was read, by a precondition on its update time; what replaced
it meanwhile stays.
Does not do: leases and everything that needs one (`firestore_fence.py`).
"""

from collections.abc import Collection, Sequence

from google.api_core.exceptions import FailedPrecondition, NotFound
from google.cloud.firestore import AsyncClient, FieldFilter

from job.batches import batches
from job.core.ids import IssueId, TicketId
from job.core.memory import Broken, Link, Noted
from job.errors import StopsRun
from job.state import firestore_calls, records, rules
from job.state.firestore_calls import Calls
from job.state.firestore_documents import FirestoreDocuments, Snapshot
from job.state.records import Table


class FirestoreNotes:
    """A part of the `Store` of `job/stores.py` on one client."""

    def __init__(
        self,
        client: AsyncClient,
        *,
        documents: FirestoreDocuments,
        calls: Calls,
        spent: rules.Spent,
    ) -> None:
        self.spent = spent
        self._client = client
        self._documents = documents
        self._calls = calls

    async def issues_of(self, ticket_id: TicketId) -> list[IssueId]:
        links = self._documents.collection(Table.LINKS)
        of_ticket = links.where(filter=FieldFilter("ticket_id", "==", value=ticket_id))
        pages = self._documents.pages(
            Link, of_ticket, doing="looking for the link of a ticket", broken={}
        )
        return [link.issue_id async for page in pages for link in page.values()]

    async def note(self, noted: Noted) -> None:
        document = self._documents.collection(Table.NOTED).document(records.note_id(noted))
        kept = records.document(noted)
        await self._calls.repeat(
            lambda: document.set(kept, retry=None, timeout=firestore_calls.CALL_S),
            doing="writing a note",
        )
        self.spent.noted()

    async def noted(self, *, broken: Broken | None = None) -> list[Noted]:
        return await self._documents.every(Noted, Table.NOTED, broken=broken)

    async def forget_noted(self, seen: Collection[Noted]) -> None:
        self.spent.forgot(len(seen))
        keys = {records.note_id(noted): noted for noted in seen}
        kept = await self._documents.snapshots(Table.NOTED, list(keys), doing="reading notes")
        as_read = [
            snapshot
            for key, snapshot in kept.items()
            if self._documents.record(Noted, snapshot) == keys[key]
        ]
        for some in batches(as_read, size=records.WRITES_MAX):
            if not await self._drop(some):
                for snapshot in some:
                    await self._drop([snapshot])

    async def _drop(self, some: Sequence[Snapshot]) -> bool:
        """Drops these documents as they were read; or none of them, and says False."""
        batch = self._client.batch()
        for snapshot in some:
            option = self._client.write_option(last_update_time=snapshot.update_time)
            batch.delete(snapshot.reference, option=option)
        try:
            await self._calls.repeat(
                lambda: batch.commit(retry=None, timeout=firestore_calls.CALL_S),
                doing="dropping notes",
            )
        except StopsRun as stop:
            if not isinstance(stop.__cause__, FailedPrecondition | NotFound):
                raise
            return False
        return True
