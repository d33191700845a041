"""Notes of what Jira told us of tickets: one suite for every store."""

from collections import Counter
from datetime import timedelta

from job.core.ids import TicketId
from job.core.memory import Changes
from job.state.urls import CountingStore
from tests.state.values import NOW, SOON, World, issue_id, link, noted


async def linked(store: CountingStore, *numbers: int) -> None:
    lease = await store.take_lease("0", holder="run-1", now=NOW, until=SOON)
    await store.commit(lease, Changes(links=tuple(link(number) for number in numbers)))
    await store.release_lease(lease)


async def test_the_issue_of_a_ticket_is_found_by_the_tickets_id(store: CountingStore) -> None:
    await linked(store, 1, 2, 3)
    assert await store.issues_of(link(2).ticket_id) == [issue_id(2)]
    assert await store.issues_of(TicketId("424242")) == []


async def test_a_ticket_of_two_issues_is_found_for_both(store: CountingStore) -> None:
    lease = await store.take_lease("0", holder="run-1", now=NOW, until=SOON)
    shared = TicketId("77")
    pair = (link(1, ticket_id=shared), link(2, ticket_id=shared))
    await store.commit(lease, Changes(links=pair))
    assert sorted(await store.issues_of(shared)) == [issue_id(1), issue_id(2)]


async def test_a_note_needs_no_lease_and_outlives_who_wrote_it(world: World) -> None:
    async with world() as teller:
        await teller.note(noted(1))
    async with world() as run:
        assert await run.noted() == [noted(1)]


async def test_the_same_delivery_again_changes_nothing(store: CountingStore) -> None:
    for _ in range(3):
        await store.note(noted(1))
    assert await store.noted() == [noted(1)]


async def test_of_many_deliveries_about_a_ticket_one_note_stands(store: CountingStore) -> None:
    for count in range(5):
        await store.note(noted(1, delivery=f"d-{count}"))
    assert await store.noted() == [noted(1, delivery="d-4")]


async def test_an_update_that_comes_late_does_not_hide_a_deletion(store: CountingStore) -> None:
    await store.note(noted(1, deleted=True, delivery="d-2"))
    await store.note(noted(1, delivery="d-1"))
    assert {note.deleted for note in await store.noted()} == {True, False}


async def test_what_was_looked_at_is_forgotten_and_all_else_stands(store: CountingStore) -> None:
    for number in (1, 2, 3):
        await store.note(noted(number))
    await store.forget_noted([noted(1), noted(3)])
    assert await store.noted() == [noted(2)]


async def test_a_newer_delivery_survives_who_looked_at_the_older_one(world: World) -> None:
    async with world() as teller, world() as run:
        await teller.note(noted(1))
        await teller.note(noted(2))
        seen = await run.noted()
        await teller.note(noted(1, delivery="d-2", at=NOW + timedelta(seconds=3)))
        await run.forget_noted(seen)
        assert [note.delivery for note in await run.noted()] == ["d-2"]


async def test_a_note_that_is_gone_already_is_no_error(store: CountingStore) -> None:
    await store.note(noted(2))
    await store.forget_noted([noted(1), noted(2)])
    await store.forget_noted([noted(2)])
    assert await store.noted() == []


async def test_notes_cost_the_same_on_every_store(store: CountingStore) -> None:
    await linked(store, 1)
    before = Counter(store.spent)
    await store.issues_of(link(1).ticket_id)
    await store.note(noted(1))
    seen = await store.noted()
    await store.forget_noted(seen)
    assert Counter(store.spent) - before == Counter(read=1 + 1 + 1, write=1, delete=1)
