"""What is true of Firestore in particular: lost answers, refusals, and documents as they lie in
the emulator.
"""

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from uuid import uuid4

import grpc
import pytest
from google.cloud.firestore import AsyncClient

from job.core.memory import Changes, Lease
from job.errors import LeaseLost, RemoteDown, RemoteRefused, StateUnreadable
from job.state import firestore_calls
from job.state.firestore import FirestoreStore, open_firestore
from tests.state.unreliable import Fault, Network, network
from tests.state.values import NOW, SOON, intent, issue_id, link, parked, quota, run, watermark


@pytest.fixture
async def between(
    firestore_emulator: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Network]:
    """The network that a store of this test speaks through."""
    async with network(firestore_emulator) as (host, faults):
        monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", host)
        yield faults


@pytest.fixture
async def store(between: Network) -> AsyncIterator[FirestoreStore]:
    project = f"p-{uuid4().hex[:20]}"
    async with open_firestore(
        project=project, database="state", prefix="test", patience_s=1.0
    ) as opened:
        yield opened


@pytest.fixture
def client(store: FirestoreStore) -> AsyncClient:
    return store._documents._client


async def lease_of(store: FirestoreStore, *, holder: str = "run-1") -> Lease:
    return await store.take_lease("0", holder=holder, now=NOW, until=SOON)


METHODS = ("BatchGetDocuments", "RunQuery", "RunAggregationQuery", "Commit")
FIRST = Changes(links=(link(1),), intents=(intent(1),), watermark=watermark())


# --- Lost and late answers ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "code",
    [
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.UNKNOWN,
        grpc.StatusCode.CANCELLED,
    ],
)
@pytest.mark.parametrize("effect", ["none", "full", "late"])
async def test_a_commit_whose_answer_is_lost_is_written_once(
    store: FirestoreStore, between: Network, code: grpc.StatusCode, effect: str
) -> None:
    lease = await lease_of(store)
    between.faults.append(Fault(method="Commit", code=code, effect=effect))
    await store.commit(lease, FIRST)
    await store.commit(lease, Changes(settled=(issue_id(1),), links=(link(2),)))
    # What was delayed on the way would bring the intent back that has been settled since.
    assert await between.deliver() == [grpc.StatusCode.FAILED_PRECONDITION] * (effect == "late")
    assert await store.intents() == []
    assert await store.live_count() == 2


async def test_a_commit_that_arrives_after_later_ones_changes_nothing(
    store: FirestoreStore, between: Network
) -> None:
    lease = await lease_of(store)
    between.faults.append(Fault(method="Commit", effect="late"))
    await store.commit(lease, Changes(links=(link(1, status="old"),)))
    await store.commit(lease, Changes(links=(link(1, status="new"),)))
    assert await between.deliver() == [grpc.StatusCode.FAILED_PRECONDITION]
    assert await store.links([issue_id(1)]) == {issue_id(1): link(1, status="new")}


async def test_a_lease_whose_answer_is_lost_is_ours(
    store: FirestoreStore, between: Network
) -> None:
    for fence in (1, 2):
        between.faults.append(Fault(method="Commit", effect="full"))
        lease = await lease_of(store, holder=f"run-{fence}")
        assert lease.fence == fence
        await store.release_lease(lease)


async def test_renewals_and_releases_whose_answers_are_lost_are_done(
    store: FirestoreStore, between: Network
) -> None:
    lease = await lease_of(store)
    between.faults.append(Fault(method="Commit", effect="full", times=2))
    renewed = await store.renew_lease(lease, until=SOON + timedelta(minutes=1))
    await store.release_lease(renewed)
    assert (await lease_of(store, holder="run-2")).fence == 2


async def test_a_lost_answer_while_another_run_takes_the_lease_is_told_as_a_lost_lease(
    store: FirestoreStore, between: Network
) -> None:
    lease = await lease_of(store)
    between.faults.append(Fault(method="Commit", effect="none"))
    project = store._documents._client.project
    async with open_firestore(project=project, database="state", prefix="test") as other:
        await other.take_lease("0", holder="run-2", now=SOON, until=SOON + timedelta(minutes=5))
        with pytest.raises(LeaseLost, match="run-2"):
            await store.commit(lease, FIRST)
    assert await store.intents() == []


@pytest.mark.parametrize("effect", ["none", "full"])
async def test_a_change_of_the_quota_whose_answer_is_lost_is_made_once(
    store: FirestoreStore, between: Network, effect: str
) -> None:
    for revision in (1, 2):
        between.faults.append(Fault(method="Commit", effect=effect))
        await store.quota()
        assert await store.change_quota(quota(revision))
    assert await store.quota() == quota(2)


async def test_a_change_of_the_quota_that_comes_late_takes_nothing_back(
    store: FirestoreStore, between: Network
) -> None:
    between.faults.append(Fault(method="Commit", effect="late"))
    assert await store.change_quota(quota(1))
    assert await store.change_quota(quota(2))
    assert len(await between.deliver()) == 1
    assert await store.quota() == quota(2)


@pytest.mark.parametrize("method", METHODS)
async def test_a_passing_fault_of_any_call_is_not_noticed(
    store: FirestoreStore, between: Network, method: str
) -> None:
    for code in (
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.ABORTED,
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        grpc.StatusCode.UNKNOWN,
        grpc.StatusCode.CANCELLED,
    ):
        between.faults.append(Fault(method=method, code=code, details="Stream removed"))
        lease = await lease_of(store)
        await store.commit(lease, Changes(links=(link(1),)))
        assert await store.live_count() == 1
        assert [page async for page in store.live_links()] == [[link(1)]]
        await store.release_lease(lease)
    assert not any(fault.times for fault in between.faults)


# --- Refusals -------------------------------------------------------------------------------------


def everything(store: FirestoreStore) -> list[Callable[[], Awaitable[object]]]:
    """Every operation of a store."""
    lease = Lease(shard="0", holder="run-1", fence=1, until=SOON)

    async def listing() -> None:
        async for _ in store.live_links():
            pass

    return [
        lambda: lease_of(store),
        lambda: store.renew_lease(lease, until=SOON),
        lambda: store.release_lease(lease),
        lambda: store.commit(lease, FIRST),
        lambda: store.watermark("0"),
        lambda: store.links([issue_id(1)]),
        listing,
        store.live_count,
        store.intents,
        store.parked,
        lambda: store.backlog([issue_id(1)]),
        store.pieces,
        lambda: store.held_set("0123456789abcdef"),
        store.quota,
        lambda: store.change_quota(quota(1)),
        lambda: store.runs(limit=1),
    ]


@pytest.mark.parametrize(
    ("code", "details", "advice"),
    [
        (
            grpc.StatusCode.PERMISSION_DENIED,
            "Missing or insufficient permissions.",
            "roles/datastore.user",
        ),
        (
            grpc.StatusCode.UNAUTHENTICATED,
            "Request had invalid credentials.",
            "roles/datastore.user",
        ),
        (
            grpc.StatusCode.NOT_FOUND,
            "The database state does not exist for project p.",
            "Create the database",
        ),
        (
            grpc.StatusCode.FAILED_PRECONDITION,
            "Not available for Datastore Mode.",
            "repeating will not help",
        ),
    ],
)
async def test_every_operation_that_is_refused_says_what_to_do(
    store: FirestoreStore, between: Network, code: grpc.StatusCode, details: str, advice: str
) -> None:
    between.faults += [
        Fault(method=method, code=code, details=details, times=999) for method in METHODS
    ]
    for operation in everything(store):
        with pytest.raises(RemoteRefused) as refused:
            await operation()
        assert details in str(refused.value)
        assert advice in str(refused.value)
    assert len(between.calls) == 16


async def test_a_refused_commit_is_refused_not_lost(
    store: FirestoreStore, between: Network
) -> None:
    lease = await lease_of(store)
    between.faults.append(
        Fault(method="Commit", code=grpc.StatusCode.PERMISSION_DENIED, details="read-only")
    )
    with pytest.raises(RemoteRefused, match="read-only"):
        await store.commit(lease, FIRST)
    await store.commit(lease, FIRST)
    assert await store.live_count() == 1


@pytest.mark.parametrize("effect", ["none", "full"])
async def test_when_patience_ends_the_remote_is_down_and_the_next_commit_finds_its_way(
    store: FirestoreStore, between: Network, effect: str
) -> None:
    lease = await lease_of(store)
    between.faults += [
        Fault(method="Commit", effect=effect),
        Fault(method="Commit", times=999),
        Fault(method="BatchGetDocuments", times=999),
    ]
    with pytest.raises(RemoteDown, match="Check the network"):
        await store.commit(lease, Changes(links=(link(1),)))
    between.faults.clear()
    await store.commit(lease, Changes(links=(link(2),)))
    assert await store.live_count() == {"none": 1, "full": 2}[effect]


async def test_a_lease_document_that_stays_contended_is_a_remote_that_is_down_not_a_lost_lease(
    store: FirestoreStore, between: Network
) -> None:
    lease = await lease_of(store)
    between.faults.append(
        Fault(method="Commit", code=grpc.StatusCode.FAILED_PRECONDITION, times=999)
    )
    with pytest.raises(RemoteDown, match="changed under us"):
        await store.commit(lease, FIRST)


async def test_where_nobody_listens_the_remote_is_down_before_a_minute_is_gone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", f"127.0.0.1:{silent.getsockname()[1]}")
        async with open_firestore(
            project="p", database="d", prefix="test", patience_s=0.3
        ) as store:
            for operation in everything(store):
                begun = time.monotonic()
                with pytest.raises(RemoteDown, match="Check the network"):
                    await operation()
                assert time.monotonic() - begun < 1.5
    assert firestore_calls.PATIENCE_S + firestore_calls.CALL_S < 20


async def test_a_server_that_accepts_and_never_answers_is_down_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(firestore_calls, "CALL_S", 0.15)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", f"127.0.0.1:{silent.getsockname()[1]}")
        async with open_firestore(
            project="p", database="d", prefix="test", patience_s=0.2
        ) as store:
            for operation in everything(store):
                begun = time.monotonic()
                with pytest.raises(RemoteDown):
                    await operation()
                assert time.monotonic() - begun < 2.5


# --- Documents as they lie there ------------------------------------------------------------------


async def test_documents_lie_where_the_deployment_expects_them(
    store: FirestoreStore, client: AsyncClient
) -> None:
    changes = Changes(
        links=(link(1),),
        intents=(intent(2),),
        parked=(parked(3),),
        watermark=watermark(),
        run=run(1),
    )
    await store.commit(await lease_of(store), changes)
    found = {
        collection.id: [document.id async for document in collection.list_documents()]
        async for collection in client.collections()
    }
    (run_key,) = found.pop("test-runs")
    assert found == {
        "test-links": [issue_id(1)],
        "test-intents": [issue_id(2)],
        "test-parked": [issue_id(3)],
        "test-control": ["lease-0", "watermark-0"],
    }
    kept = (await client.collection("test-runs").document(run_key).get()).to_dict()
    assert kept is not None
    assert kept["expires_at"] == run(1).finished_at + timedelta(days=90)
    assert kept["schema"] == 1


@pytest.mark.parametrize(
    ("path", "spoil", "says"),
    [
        (f"test-links/{issue_id(1)}", {"schema": 2}, "newer version"),
        (f"test-links/{issue_id(1)}", {"ticket_id": 7}, r"`str`, got `int` - at `\$.ticket_id`"),
        (f"test-intents/{issue_id(1)}", {"schema": 2}, "newer version"),
        (f"test-parked/{issue_id(1)}", {"next_at": "tomorrow"}, r"datetime - at `\$.next_at`"),
        ("test-control/watermark-0", {"schema": 2}, "newer version"),
        ("test-control/watermark-0", {"at": None}, r"`datetime`, got `null` - at `\$.at`"),
        ("test-control/lease-0", {"schema": 2}, "newer version"),
        ("test-control/lease-0", {"fence": "9"}, r"`int`, got `str` - at `\$.fence`"),
    ],
)
async def test_a_document_that_cannot_be_trusted_is_named_with_a_way_out(
    store: FirestoreStore, client: AsyncClient, path: str, spoil: dict[str, object], says: str
) -> None:
    lease = await lease_of(store)
    await store.commit(
        lease,
        Changes(links=(link(1),), intents=(intent(1),), parked=(parked(1),), watermark=watermark()),
    )
    await client.document(path).update(spoil)

    async def read_everything() -> None:
        await store.links([issue_id(1)])
        await store.intents()
        await store.parked()
        await store.watermark("0")
        await store.take_lease("0", holder="run-2", now=SOON, until=SOON + timedelta(minutes=5))

    with pytest.raises(StateUnreadable, match=says) as unreadable:
        await read_everything()
    assert path in str(unreadable.value)
    assert unreadable.value.advice


async def test_a_commit_is_one_call_and_so_is_a_read_of_three_hundred(
    store: FirestoreStore, between: Network
) -> None:
    lease = await lease_of(store)
    between.calls.clear()
    await store.commit(
        lease, Changes(links=tuple(map(link, range(50))), intents=tuple(map(intent, range(50))))
    )
    assert between.calls == ["Commit"]
    await store.links([issue_id(number) for number in range(301)])
    assert between.calls == ["Commit", "BatchGetDocuments", "BatchGetDocuments"]


# --- Commits that wait for each other -------------------------------------------------------------


async def together(
    store: FirestoreStore, lease: Lease, *several: Changes
) -> list[BaseException | None]:
    """Commits all of them at the same time, and tells how each ended."""
    return await asyncio.gather(
        *(store.commit(lease, changes) for changes in several), return_exceptions=True
    )


async def test_commits_that_wait_for_their_turn_go_out_as_one(
    store: FirestoreStore, between: Network
) -> None:
    lease = await lease_of(store)
    between.calls.clear()
    store.spent.clear()
    several = [Changes(links=(link(number),), intents=(intent(number),)) for number in range(10)]
    assert await together(store, lease, *several) == [None] * 10
    assert between.calls == ["Commit", "Commit"]
    assert store.spent == {"read": 0, "write": 2 * 10 + 2, "delete": 0}
    assert (
        len(await store.links(list(map(issue_id, range(10))))) == len(await store.intents()) == 10
    )
    await store.commit(lease, Changes(settled=(issue_id(3),)))
    assert len(await store.intents()) == 9


async def test_one_batch_writes_no_document_twice_and_not_more_than_a_commit_may(
    store: FirestoreStore, between: Network
) -> None:
    lease = await lease_of(store)
    between.calls.clear()
    again = [Changes(links=(link(1, status=status),)) for status in ("one", "two", "three")]
    many = [
        Changes(links=tuple(map(link, range(start, start + 200))))
        for start in (1_000, 2_000, 3_000)
    ]
    assert await together(store, lease, *again, *many) == [None] * 6
    assert between.calls == ["Commit"] * 4  # one, two, three with 400 more, and the last 200
    assert await store.links([issue_id(1)]) == {issue_id(1): link(1, status="three")}
    assert await store.live_count() == 601


async def test_what_goes_wrong_with_a_batch_is_told_to_everyone_in_it(
    store: FirestoreStore, between: Network
) -> None:
    lease = await lease_of(store)
    between.faults += [Fault(method="Commit", code=grpc.StatusCode.PERMISSION_DENIED, times=2)]
    several = [Changes(links=(link(number),)) for number in range(3)]
    assert [type(ended) for ended in await together(store, lease, *several)] == [RemoteRefused] * 3
    assert await together(store, lease, *several) == [None] * 3
    await store.release_lease(lease)
    await lease_of(store, holder="run-2")
    assert [type(ended) for ended in await together(store, lease, *several)] == [LeaseLost] * 3


async def test_commits_under_different_leases_never_share_a_batch(store: FirestoreStore) -> None:
    def lease(shard: str, holder: str) -> Awaitable[Lease]:
        return store.take_lease(shard, holder=holder, now=NOW, until=SOON)

    old, first = await lease("0", "run-1"), await lease("1", "run-1")
    await store.release_lease(old)
    await store.release_lease(first)
    ours, gone = await lease("0", "run-2"), await lease("1", "run-2")
    assert (ours.holder, ours.fence) == (gone.holder, gone.fence)
    await store.release_lease(gone)
    under = (ours, ours, old, gone, ours)
    commits = (
        store.commit(each, Changes(links=(link(number),))) for number, each in enumerate(under)
    )
    fates = [type(fate) for fate in await asyncio.gather(*commits, return_exceptions=True)]
    assert fates == [type(None), type(None), LeaseLost, LeaseLost, type(None)]
    assert set(await store.links(list(map(issue_id, range(5))))) == {
        issue_id(0),
        issue_id(1),
        issue_id(4),
    }


async def test_nobody_believes_in_a_batch_whose_sender_was_cancelled(store: FirestoreStore) -> None:
    lease = await lease_of(store)
    first, sender, other = (
        asyncio.create_task(store.commit(lease, Changes(links=(link(number),))))
        for number in range(3)
    )
    await first
    await asyncio.sleep(0)  # the sender has its turn
    sender.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sender
    with pytest.raises(RemoteDown, match="cut short"):
        await other
