"""A run on request: the framework's own server between the simulated vendors, all on loopback."""

import asyncio
import base64
import json
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from job.clock import SystemClock
from job.core.ids import EPOCH
from job.sim.server import NO_LATENCY, REAL_LATENCY, Latency
from job.sim.story import Story, settings
from job.sim.world import World
from job.state.urls import open_store
from tests.kit.loopback import served
from tests.kit.served import Served, serving

pytestmark = pytest.mark.xdist_group("real_time")
SHARD = "0-of-1"


class Place:
    """A world, memory in a file, and what the entry points are started with."""

    def __init__(self, folder: Path) -> None:
        self.world = World.make(seed=1)
        Story(self.world).play(1)
        self.state_url = f"sqlite:///{folder / 'state.db'}"

    @contextmanager
    def serving(
        self, target: str = "sync", *, latency: Latency = NO_LATENCY, **changed: str
    ) -> Iterator[Served]:
        with served(self.world, latency=latency) as urls:
            environ = {**settings(self.world, urls=urls), "STATE_URL": self.state_url, **changed}
            with serving(target, environ) as function:
                yield function

    @property
    def tickets(self) -> int:
        return sum(ticket.ours for ticket in self.world.jira.people.tickets())


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


async def ask(function: Served, said: bytes = b"", **headers: str) -> tuple[int, dict[str, Any]]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    async with (
        aiohttp.ClientSession() as session,
        session.post(function.url, data=said, headers=named) as answer,
    ):
        text = await answer.text()
        return answer.status, json.loads(text) if text.startswith("{") else {}


async def tell(function: Served, **order: object) -> int:
    """As Pub/Sub pushes it."""
    told = base64.b64encode(json.dumps(order).encode()).decode()
    status, _ = await ask(
        function,
        json.dumps({"message": {"data": told}, "subscription": "s"}).encode(),
        Content_Type="application/json",
        ce_id="1",
        ce_source="//pubsub",
        ce_specversion="1.0",
        ce_type="google.cloud.pubsub.topic.v1.messagePublished",
    )
    return status


async def test_a_request_is_a_run_and_its_answer_says_what_was_done(place: Place) -> None:
    with place.serving() as function:
        status, said = await ask(function)
        assert (status, said["verdict"], said["exit_code"]) == (200, "done", 0)
        assert said["created"] == place.tickets > 0
        again, nothing = await ask(function, b'{"sweep": true}')
        assert (again, nothing["created"]) == (200, 0)
    assert function.exit_codes == [0]
    events = [json.loads(line)["event"] for line in function.stdout.splitlines()]
    assert events.count("run.finished") == 2


@pytest.mark.parametrize(
    "body",
    [
        b"[]",
        b"{",
        b'{"adopt_memory": true}',
        b'{"sweep": "yes"}',
        b'{"since": "soon"}',
        b'{"since": "2999-01-01"}',
        b'{"approve": 7}',
        b'{"since": "' + b"x" * 5000 + b'"}',
    ],
)
async def test_a_body_that_says_anything_else_starts_nothing(place: Place, body: bytes) -> None:
    with place.serving() as function:
        status, said = await ask(function, body)
        assert status == 422
        assert said["error"]
        async with aiohttp.ClientSession() as session, session.get(function.url) as answer:
            assert answer.status == 405
    assert place.world.halo.calls == {}
    assert "run.started" not in function.stdout


async def test_settings_that_cannot_be_used_are_all_named(place: Place) -> None:
    with place.serving(HALO_API_KEY="", MAX_CREATE="many") as function:
        status, said = await ask(function)
    assert status == 422
    assert "HALO_API_KEY" in said["error"]
    assert "MAX_CREATE" in said["error"]


async def test_a_remote_that_refuses_us_is_told_from_a_mistake_of_the_caller(place: Place) -> None:
    with place.serving(JIRA_API_TOKEN="another-token-than-ours") as function:
        status, said = await ask(function)
    assert status == 502
    assert "another-token-than-ours" not in said["error"] + function.stdout
    assert place.tickets == 0


async def test_while_another_run_is_at_work_a_request_changes_nothing(place: Place) -> None:
    now = SystemClock().now()
    async with open_store(place.state_url) as store:
        lease = await store.take_lease(
            SHARD, holder="another", now=now, until=now + timedelta(minutes=5)
        )
        with place.serving() as function:
            status, said = await ask(function)
            assert (status, place.tickets) == (409, 0)
            assert "another" in said["error"]
            await store.release_lease(lease)
            assert (await ask(function))[0] == 200
    assert place.tickets > 0


async def test_what_is_held_is_named_by_the_digest_that_lets_it_through(place: Place) -> None:
    with place.serving(MAX_CREATE="1") as function:
        status, said = await ask(function)
        assert (status, said["created"], place.tickets) == (412, 0, 0)
        assert said["digest"]
        assert "MAX_CREATE" in said["held"][0]
        order = json.dumps({"approve": said["digest"]}).encode()
        status, said = await ask(function, order)
        assert (status, said["created"]) == (200, place.tickets)
    assert place.tickets > 1


async def test_sigterm_in_the_middle_of_a_run_ends_it_in_good_order(place: Place) -> None:
    with place.serving(latency=REAL_LATENCY) as function:
        asked = asyncio.create_task(ask(function))  # awaited below
        while not place.world.jira.calls:
            await asyncio.sleep(0.01)
        function.process.send_signal(signal.SIGTERM)
        status, said = await asyncio.wait_for(asked, timeout=20)
        assert (status, said["verdict"]) in {(502, "stopped"), (200, "done")}
    assert function.exit_codes == [0]
    assert "run.asked_to_stop" in function.stdout
    async with open_store(place.state_url) as store:
        assert [lease.until for lease in await store.leases()] == [EPOCH]
        assert len(await store.runs(limit=9)) == 1
    with place.serving() as function:
        assert (await ask(function))[0] == 200
    every = place.world.jira.people.tickets()
    issues = [json.dumps(dict(ticket.properties)) for ticket in every if ticket.ours]
    assert len(issues) == len(set(issues)) > 0


async def test_a_message_is_a_run_and_is_sent_again_only_where_that_helps(place: Place) -> None:
    now = SystemClock().now()
    async with open_store(place.state_url) as store:
        lease = await store.take_lease(
            SHARD, holder="another", now=now, until=now + timedelta(minutes=5)
        )
        with place.serving("sync_event", MAX_CREATE="1") as function:
            assert await tell(function) == 503, "another run is at work"
            await store.release_lease(lease)
            assert await tell(function, adopt_memory=True) == 200, "it never can be done"
            assert await tell(function) == 200, "held, whoever asks again"
            assert place.tickets == 0
        with place.serving("sync_event") as function:
            assert await tell(function, sweep=True) == 200
    assert place.tickets > 0


async def test_a_message_is_sent_again_while_a_remote_refuses_us(place: Place) -> None:
    with place.serving("sync_event", JIRA_API_TOKEN="another-token-than-ours") as function:
        assert await tell(function) == 503
    assert place.tickets == 0
