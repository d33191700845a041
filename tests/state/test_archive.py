"""All of memory, moved from one store to another, is what it was; and never mixed with another."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from msgspec.structs import replace

from job.clock import SystemClock
from job.core.memory import Changes
from job.errors import StateUnreadable
from job.flow import archive
from job.flow.mend import mending
from job.state.urls import CountingStore, open_store
from tests.state import values

CLOCK = SystemClock()


@pytest.fixture
async def another(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[CountingStore]:
    """New memory of the other kind: Firestore's where the first is a file, else a file."""
    url = f"sqlite:///{tmp_path}/another.db"
    if "sqlite" in request.node.name:
        request.getfixturevalue("firestore_emulator")
        url = f"firestore://p-{uuid4().hex[:20]}/state?prefix=another"
    async with open_store(url) as opened:
        yield opened


async def fill(store: CountingStore) -> None:
    """Something of everything; much of what there is much of."""
    now = CLOCK.now()
    runs = tuple(values.run(number, started_at=now) for number in range(300))
    first = values.intent(3)
    async with mending(store, clock=CLOCK) as hand:
        live = [values.link(number, live=number % 2 == 0) for number in range(1, 701)]
        await hand.write(live, field="links")
        await hand.write(runs, field="past_runs")
        await hand.write([first], field="intents")
        await hand.write(
            [replace(first, attempt="run-2/1", follows=first.attempt)], field="intents"
        )
        await hand.write([values.parked(number) for number in (4, 5)], field="parked")
        await hand.write([values.backlog(number) for number in (6, 7)], field="backlog")
        await hand.write([values.taken(8), values.taken(9, begun=False)], field="taken")
        await hand.write([values.piece(1), values.piece(2, run="run-1")], field="pieces")
        await hand.write([values.held_set()], field="held_sets")
        for shard in ("0-of-2", "1-of-2"):
            await hand.mark(shard, values.watermark())
    assert await store.change_quota(values.quota())


async def all_of(store: CountingStore) -> dict[str, Any]:
    kept: dict[str, Any] = {"marks": await store.watermarks(), "quota": await store.quota()}
    for kind in archive.KINDS:
        pieces = [piece async for piece in store.every(kind)]  # type: ignore[type-var]
        kept[kind.__name__] = sorted((record for piece in pieces for record in piece), key=repr)
    return kept


async def lines_of(store: CountingStore) -> list[bytes]:
    return [line async for line in archive.written(store)]


async def test_all_of_memory_comes_back_in_another_store_and_from_there(
    store: CountingStore, another: CountingStore
) -> None:
    await fill(store)
    before, lines = await all_of(store), await lines_of(store)
    assert len(before["Link"]) == 700
    assert not await archive.is_in_use(another)
    async with mending(another, clock=CLOCK) as hand:
        await archive.restore(archive.read(lines), store=another, hand=hand)
    assert await all_of(another) == before
    assert await archive.is_in_use(another)
    assert sorted(await lines_of(another)) == sorted(lines)


@pytest.mark.parametrize("kind", ["links", "parked", "backlog", "past_runs"])
async def test_memory_with_anything_in_it_is_in_use(store: CountingStore, kind: str) -> None:
    one = {
        "links": values.link(1, live=False),
        "parked": values.parked(1),
        "backlog": values.backlog(1),
        "past_runs": values.run(1, started_at=CLOCK.now()),
    }
    assert not await archive.is_in_use(store)
    async with mending(store, clock=CLOCK) as hand:
        await hand.write([one[kind]], field=kind)
    assert await archive.is_in_use(store)


async def test_what_was_cut_short_or_spoilt_is_refused(store: CountingStore) -> None:
    await fill(store)
    lines = await lines_of(store)
    spoilt: list[tuple[list[bytes], str]] = [
        ([], "no export"),
        (lines[1:], "no export"),
        (lines[:-1], "cut short"),
        (lines[:5] + lines[6:], "cut short"),
        ([lines[0], b"{", *lines[1:]], "Line 2"),
        ([lines[0], b'{"kind": "wish", "record": 1}', b'{"kind": "end", "number": 1}'], "wish"),
        ([lines[0], b'{"kind": "link", "record": {}}', b'{"kind": "end", "number": 1}'], "Line 2"),
    ]
    for given, why in spoilt:
        with pytest.raises(StateUnreadable, match=why):
            archive.read(given)
    assert Changes(past_runs=(values.run(1),))
