"""What is true of the store in memory in particular: where a simulation may crash it."""

from typing import Literal

import pytest

from job.core.memory import Changes
from job.state.memory import MemoryStore
from tests.state.values import NOW, SOON, link, watermark


class Crash(Exception):
    pass


@pytest.mark.parametrize(("when", "kept"), [("before", 0), ("after", 1)])
async def test_a_crash_before_an_operation_has_no_effect_and_one_after_it_has_the_whole(
    when: Literal["before", "after"], kept: int
) -> None:
    store = MemoryStore()
    lease = await store.take_lease("0", holder="run-1", now=NOW, until=SOON)

    def crash(operation: str, side: Literal["before", "after"]) -> None:
        if (operation, side) == ("commit", when):
            raise Crash

    store.hook = crash
    with pytest.raises(Crash):
        await store.commit(lease, Changes(links=(link(1),), watermark=watermark()))
    store.hook = None
    assert await store.live_count() == kept
    assert (await store.watermark("0") is None) == (not kept)


async def test_every_operation_is_named_on_both_sides() -> None:
    seen: list[tuple[str, str]] = []
    store = MemoryStore(hook=lambda operation, side: seen.append((operation, side)))
    lease = await store.take_lease("0", holder="run-1", now=NOW, until=SOON)
    await store.renew_lease(lease, until=SOON)
    await store.commit(lease, Changes(links=(link(1),)))
    await store.watermark("0")
    await store.links([])
    assert [page async for page in store.live_links()] == [[link(1)]]
    await store.live_count()
    await store.intents()
    await store.parked()
    await store.backlog([])
    await store.pieces()
    await store.held_set("0123456789abcdef")
    await store.change_quota(await store.quota())
    await store.runs(limit=1)
    await store.release_lease(lease)
    operations = [
        "take_lease",
        "renew_lease",
        "commit",
        "watermark",
        "links",
        "live_links",
        "live_count",
        "intents",
    ]
    operations += ["parked", "backlog", "pieces", "held_set", "quota", "change_quota"]
    operations += ["runs", "release_lease"]
    assert seen == [(operation, side) for operation in operations for side in ("before", "after")]
