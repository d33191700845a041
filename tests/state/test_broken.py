"""One document that cannot be used, in both stores that keep documents: it is named and left as it
is, and all others are given.
"""

import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

import pytest
from google.cloud.firestore import AsyncClient

from job.core.memory import Broken, Changes, Lease
from job.errors import StateUnreadable
from job.state.records import Table, document_id
from job.state.urls import CountingStore, open_store
from tests.state.values import NOW, SOON, intent, issue_id, link, parked, run

Spoil = Callable[[Table], Awaitable[None]]


async def lease_of(store: CountingStore) -> Lease:
    return await store.take_lease("0", holder="run-1", now=NOW, until=SOON)


@asynccontextmanager
async def in_sqlite(path: Path) -> AsyncIterator[tuple[CountingStore, Spoil]]:
    async def spoil(table: Table) -> None:
        with sqlite3.connect(path) as file:
            changed = file.execute(
                "UPDATE documents SET document = json_set(document, '$.schema', 9) "
                "WHERE kind = ? AND id = ?",
                (table, document_id(issue_id(1))),
            )
            assert changed.rowcount == 1

    async with open_store(f"sqlite:///{path}") as store:
        yield store, spoil


@asynccontextmanager
async def in_firestore() -> AsyncIterator[tuple[CountingStore, Spoil]]:
    project = f"p-{uuid4().hex[:20]}"
    client = AsyncClient(project=project, database="state")

    async def spoil(table: Table) -> None:
        await client.document(f"test-{table}/{issue_id(1)}").update({"schema": 9})

    async with open_store(f"firestore://{project}/state?prefix=test") as store:
        yield store, spoil
    await client._firestore_api.transport.close()


@pytest.fixture(params=["sqlite", "firestore"])
async def memory(
    request: pytest.FixtureRequest, tmp_path: Path
) -> AsyncIterator[tuple[CountingStore, Spoil]]:
    """A store with two issues, of which one can be spoilt behind its back."""
    if request.param == "firestore":
        request.getfixturevalue("firestore_emulator")
    opened = in_sqlite(tmp_path / "state.db") if request.param == "sqlite" else in_firestore()
    async with opened as (store, spoil):
        await store.commit(
            await lease_of(store),
            Changes(
                links=(link(1), link(2)),
                intents=(intent(1), intent(2)),
                parked=(parked(1), parked(2)),
            ),
        )
        yield store, spoil


async def test_a_link_that_cannot_be_used_is_named_and_the_others_are_given(
    memory: tuple[CountingStore, Spoil],
) -> None:
    store, spoil = memory
    await spoil(Table.LINKS)
    broken: Broken = {}
    ids = [issue_id(1), issue_id(2)]
    assert set(await store.links(ids, broken=broken)) == {issue_id(2)}
    assert "newer version" in broken[issue_id(1)]
    swept: Broken = {}
    pages = [page async for page in store.live_links(broken=swept)]
    assert [kept.issue_id for page in pages for kept in page] == [issue_id(2)]
    assert set(swept) == {issue_id(1)}
    with pytest.raises(StateUnreadable, match="newer version"):
        await store.links(ids)


@pytest.mark.parametrize("table", [Table.INTENTS, Table.PARKED])
async def test_a_note_that_cannot_be_used_is_named_and_the_others_are_given(
    memory: tuple[CountingStore, Spoil], table: Table
) -> None:
    store, spoil = memory
    await spoil(table)
    read = store.intents if table is Table.INTENTS else store.parked
    broken: Broken = {}
    assert [kept.issue_id for kept in await read(broken=broken)] == [issue_id(2)]
    assert set(broken) == {issue_id(1)}
    with pytest.raises(StateUnreadable, match="newer version"):
        await read()


async def test_what_expires_is_dropped_although_one_such_document_is_not_json(
    tmp_path: Path,
) -> None:
    path = tmp_path / "state.db"
    async with open_store(f"sqlite:///{path}") as store:
        lease = await lease_of(store)
        await store.commit(lease, Changes(run=run(1)))
        with sqlite3.connect(path) as file:
            file.execute("UPDATE documents SET document = '{' WHERE kind = 'runs'")
        await store.commit(lease, Changes(run=run(2)))
        with sqlite3.connect(path) as file:
            assert file.execute(
                "SELECT count(*) FROM documents WHERE kind = 'runs'"
            ).fetchone() == (2,)
