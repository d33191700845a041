"""The webhook as Jira meets it: the framework's own server on loopback, on SQLite and Firestore."""

import asyncio
import json
import socket
import time
from itertools import count
from pathlib import Path
from statistics import quantiles

import aiohttp
import pytest

from job.state.urls import CountingStore
from tests.kit.builders import issue_id, ticket_id
from tests.kit.loopback import HOST
from tests.kit.served import Served, serving
from tests.web.calls import BEFORE, OURS, body, post, signed

pytestmark = pytest.mark.xdist_group("real_time")


async def deliver(
    hook: Served,
    said: bytes,
    *,
    name: str = "d-1",
    secret: str = OURS,
    **headers: str,
) -> int:
    async with aiohttp.ClientSession() as session:
        made = signed(said, name=name, secret=secret)
        made |= {key.replace("_", "-"): value for key, value in headers.items()}
        return await post(session, hook.url, said, made)


async def test_a_ticket_of_ours_is_noted_and_one_of_nobodys_is_forgotten(
    hook: Served, store: CountingStore
) -> None:
    assert await deliver(hook, body(ticket_id(1)), name="d-1") == 200
    assert await deliver(hook, body("424242"), name="d-2") == 200
    assert await deliver(hook, body(ticket_id(3), event="jira:issue_deleted"), name="d-3") == 200
    notes = {note.issue_id: note for note in await store.noted()}
    assert notes.keys() == {issue_id(1), issue_id(3)}
    assert [notes[issue_id(number)].deleted for number in (1, 3)] == [False, True]
    assert notes[issue_id(1)].delivery == "d-1"


async def test_either_secret_lets_a_delivery_in(hook: Served, store: CountingStore) -> None:
    assert await deliver(hook, body(ticket_id(1)), name="d-1", secret=OURS) == 200
    assert await deliver(hook, body(ticket_id(2)), name="d-2", secret=BEFORE) == 200
    assert len(await store.noted()) == 2


async def test_what_is_forged_or_is_no_delivery_is_refused_and_changes_nothing(
    hook: Served, store: CountingStore
) -> None:
    fine = body(ticket_id(1))
    assert await deliver(hook, fine, secret="guessed by somebody") == 401
    assert await deliver(hook, fine, X_Hub_Signature="") == 401
    assert await deliver(hook, fine, X_Hub_Signature="sha1=" + "0" * 40) == 401
    assert await deliver(hook, fine, Content_Type="text/plain") == 415
    assert await deliver(hook, fine[:-3]) == 400
    assert await deliver(hook, b'{"a":' * 50_000) == 400
    assert await deliver(hook, body(ticket_id(1), words="x" * (1 << 20))) == 413
    async with aiohttp.ClientSession() as session, session.get(hook.url) as answer:
        assert answer.status == 405
    assert await store.noted() == []


async def test_whatever_comes_twice_or_late_leaves_one_note_of_each_kind(
    hook: Served, store: CountingStore
) -> None:
    deleted = body(ticket_id(1), event="jira:issue_deleted")
    for name, said in (("d-2", deleted), ("d-1", body(ticket_id(1))), ("d-2", deleted)):
        assert await deliver(hook, said, name=name) == 200
    assert sorted(note.delivery for note in await store.noted()) == ["d-1", "d-2"]


async def test_who_sends_a_byte_a_second_is_sent_away_and_holds_nobody_up(
    hook: Served, store: CountingStore
) -> None:
    reader, writer = await asyncio.open_connection(HOST, hook.port)
    said = body(ticket_id(2))
    headers = signed(said, name="d-slow", secret=OURS) | {"Content-Length": str(len(said))}
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    writer.write(f"POST / HTTP/1.1\r\nHost: {HOST}\r\n{head}\r\n".encode())

    async def drip() -> None:
        for byte in said:
            writer.write(bytes([byte]))
            await asyncio.sleep(1)

    dripping = asyncio.create_task(drip())  # ended below
    assert await deliver(hook, body(ticket_id(1))) == 200
    status = await asyncio.wait_for(reader.readline(), timeout=15)
    dripping.cancel()
    writer.close()
    assert b" 408 " in status
    assert [note.issue_id for note in await store.noted()] == [issue_id(1)]


async def test_who_hangs_up_in_the_middle_harms_nobody(hook: Served, store: CountingStore) -> None:
    for _ in range(20):
        with socket.create_connection((HOST, hook.port)) as caller:
            caller.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 900\r\n\r\n{")
    assert await deliver(hook, body(ticket_id(1))) == 200


async def test_of_a_crowd_none_is_lost_none_is_believed_wrongly_and_each_is_answered_soon(
    hook: Served, store: CountingStore
) -> None:
    """Forged ones among them: 60 callers at once, each with twenty deliveries."""
    names, took_s, statuses = count(), list[float](), list[tuple[bool, int]]()

    async def caller(session: aiohttp.ClientSession, number: int) -> None:
        for _ in range(20):
            forged = number % 3 == 0
            said = body(ticket_id(3 if forged else 1 + number % 2))
            secret = "guessed by somebody" if forged else OURS
            headers = signed(said, name=f"d-{next(names)}", secret=secret)
            began = time.monotonic()
            statuses.append((forged, await post(session, hook.url, said, headers)))
            took_s.append(time.monotonic() - began)

    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as session, asyncio.TaskGroup() as group:
        for number in range(60):
            group.create_task(caller(session, number))
    assert set(statuses) == {(False, 200), (True, 401)}
    assert {note.issue_id for note in await store.noted()} == {issue_id(1), issue_id(2)}
    assert quantiles(took_s, n=100)[-1] < 20.0, "p99, within which Jira waits"


async def test_memory_that_cannot_be_reached_is_answered_so_that_jira_sends_again(
    tmp_path: Path,
) -> None:
    spoiled = tmp_path / "state.db"
    spoiled.write_text("no database" * 100)
    environ = {"STATE_URL": f"sqlite:///{spoiled}", "JIRA_WEBHOOK_SECRET": OURS}
    with serving("jira_webhook", environ) as served:
        assert await deliver(served, body(ticket_id(1))) == 503
    assert "no database" not in served.stdout
    assert OURS not in served.stdout + served.stderr


async def test_it_ends_in_good_order_says_each_line_as_json_and_no_secret(
    store: CountingStore, memory: dict[str, str]
) -> None:
    environ = {**memory, "JIRA_WEBHOOK_SECRET": f"{OURS},{BEFORE}"}
    with serving("jira_webhook", environ) as served:
        assert await deliver(served, body(ticket_id(1), words="private words")) == 200
        assert await deliver(served, body(ticket_id(1)), secret="guessed by somebody") == 401
    assert served.exit_codes == [0]
    events = [json.loads(line)["event"] for line in served.stdout.splitlines()]
    assert events == ["webhook.noted", "webhook.refused"]
    said = served.stdout + served.stderr
    assert "private words" not in said
    assert OURS not in said
    assert BEFORE not in said


@pytest.mark.parametrize("secret", ["", "short", "a long enough one,short", "x" * 16 + ",,"])
async def test_without_a_secret_that_nobody_guesses_nothing_is_let_in(secret: str) -> None:
    environ = {"STATE_URL": "sqlite:////nowhere/state.db", "JIRA_WEBHOOK_SECRET": secret}
    with serving("jira_webhook", environ) as served:
        assert await deliver(served, body(ticket_id(1)), secret=secret) == 503
    (line,) = [json.loads(line) for line in served.stdout.splitlines()]
    assert line["event"] == "settings.refused"
    assert "JIRA_WEBHOOK_SECRET" in line["message"] + str(line)
