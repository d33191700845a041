"""Firestore's documents: reading them by id or by query, in calls that stay short.

Promises: every listing is read to its end, by id and in pages; what queries cost is counted. No
query needs a composite index: the fields that are asked by are `live`, `tell_at` and `ticket_id`
of links and `started_at` of runs.
Does not do: writing (`firestore_fence.py`), or counting what is read by id, which the store does as
each operation is billed.
"""

from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

from google.cloud.firestore import AsyncClient, AsyncQuery, DocumentSnapshot, FieldFilter, Query

from job.core.ids import IssueId
from job.core.memory import Broken, Link, RunRecord
from job.errors import StateUnreadable
from job.state import firestore_calls, records, rules
from job.state.firestore_calls import Calls
from job.state.records import Record, Table

AT_ONCE_MAX = 300
"""Documents of one read. Only its bytes are limited by Firestore; a smaller read is repeated more
cheaply.
"""

Snapshot = DocumentSnapshot[Any]
T = TypeVar("T", bound=Record)


class FirestoreDocuments:
    """The documents in the collections whose names begin with the prefix."""

    def __init__(
        self, client: AsyncClient, *, prefix: str, calls: Calls, spent: rules.Spent
    ) -> None:
        self._client = client
        self._prefix = prefix
        self._calls = calls
        self._spent = spent

    def collection(self, table: Table) -> Any:
        return self._client.collection(f"{self._prefix}-{table}")

    def live(self) -> Any:
        """The links that are live."""
        return self.collection(Table.LINKS).where(filter=FieldFilter("live", "==", value=True))

    async def due(self, now: datetime) -> list[Link]:
        """The links of which something is to be told by now. One that cannot be used is left out
        and noticed where its issue is looked at.
        """
        is_due = FieldFilter("tell_at", "<=", value=now)
        query = self.collection(Table.LINKS).where(filter=is_due)
        found = await self._ask(query, doing="listing what is due")
        return list(self._usable(Link, found, broken={}).values())

    async def live_count(self) -> int:
        counting = self.live().count()

        async def work() -> int:
            ((answer,),) = await counting.get(retry=None, timeout=firestore_calls.CALL_S)
            return int(answer.value)

        return await self._calls.repeat(work, doing="counting live links")

    async def newest_runs(self, limit: int) -> list[RunRecord]:
        runs = self.collection(Table.RUNS)
        query = runs.order_by("started_at", direction=Query.DESCENDING).limit(limit)
        found = await self._ask(query, doing="listing runs")
        return [self.record(RunRecord, snapshot) for snapshot in found]

    async def every(self, kind: type[T], table: Table, *, broken: Broken | None = None) -> list[T]:
        pages = self.pages(kind, self.collection(table), doing=f"listing {table}", broken=broken)
        return [record async for page in pages for record in page.values()]

    async def of_shards(self, kind: type[T], prefix: str) -> dict[str, T]:
        """The control documents of this kind, by the name of the shard. Of plain characters "~" is
        the last.
        """
        control = self.collection(Table.CONTROL)
        first = FieldFilter("__name__", ">=", control.document(prefix))
        end = FieldFilter("__name__", "<", control.document(f"{prefix}~"))
        pages = self.pages(
            kind, control.where(filter=first).where(filter=end), doing="listing shards"
        )
        return {
            key.removeprefix(prefix): record async for page in pages for key, record in page.items()
        }

    async def pages(
        self, kind: type[T], among: Any, *, doing: str, broken: Broken | None = None
    ) -> AsyncIterator[dict[str, T]]:
        """Everything that is found, by id and in pages, so that no call is longer than its deadline
        allows.
        """
        query = among.order_by("__name__").limit(rules.PAGE)
        while page := await self._ask(query, doing=doing):
            yield self._usable(kind, page, broken=broken)
            if len(page) < rules.PAGE:
                return
            query = query.start_after(page[-1])

    async def of_issues(
        self,
        kind: type[T],
        table: Table,
        ids: Collection[IssueId],
        *,
        doing: str,
        broken: Broken | None = None,
    ) -> dict[IssueId, T]:
        keys = {records.document_id(issue_id): issue_id for issue_id in ids}
        found = (await self.snapshots(table, list(keys), doing=doing)).values()
        usable = self._usable(kind, found, names=keys, broken=broken)
        return {keys[key]: record for key, record in usable.items()}

    async def get(
        self, kind: type[T], table: Table, keys: Sequence[str], *, doing: str
    ) -> dict[str, T]:
        found = await self.snapshots(table, keys, doing=doing)
        return {key: self.record(kind, snapshot) for key, snapshot in found.items()}

    async def snapshots(
        self, table: Table, keys: Sequence[str], *, doing: str
    ) -> dict[str, Snapshot]:
        """The documents that exist, by id: Firestore promises no order."""
        found: dict[str, Snapshot] = {}
        for start in range(0, len(keys), AT_ONCE_MAX):
            wanted = [
                self.collection(table).document(key) for key in keys[start : start + AT_ONCE_MAX]
            ]
            answers = await self._calls.repeat(partial(self._read, wanted), doing=doing)
            found |= {snapshot.id: snapshot for snapshot in answers if snapshot.exists}
        return found

    async def _read(self, wanted: list[Any]) -> list[Snapshot]:
        return [
            snapshot
            async for snapshot in self._client.get_all(
                wanted, retry=None, timeout=firestore_calls.CALL_S
            )
        ]

    async def _ask(self, query: AsyncQuery, *, doing: str) -> list[Snapshot]:
        found = await self._calls.repeat(
            lambda: query.get(retry=None, timeout=firestore_calls.CALL_S), doing=doing
        )
        self._spent.read(len(found))
        return list(found)

    def _usable(
        self,
        kind: type[T],
        snapshots: Iterable[Snapshot],
        *,
        names: Mapping[str, IssueId] | None = None,
        broken: Broken | None,
    ) -> dict[str, T]:
        """The records by the ids of their documents. `names` are the issues by these ids, which are
        mostly the same.
        """
        made: dict[str, T] = {}
        for snapshot in snapshots:
            try:
                made[snapshot.id] = self.record(kind, snapshot)
            except StateUnreadable as error:
                if broken is None:
                    raise
                broken[(names or {}).get(snapshot.id, IssueId(snapshot.id))] = str(error)
        return made

    def record(self, kind: type[T], snapshot: Snapshot) -> T:
        return records.read(kind, snapshot.to_dict(), name=snapshot.reference.path)
