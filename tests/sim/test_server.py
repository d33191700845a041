"""The same world over loopback HTTP, in this process and as a process of its own."""

import asyncio
import base64
import json
import sys
import time
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import unquote

import aiohttp
import pytest

from job.sim import World
from job.sim.server import Latency, Pace, Urls, serve
from job.sim.story import settings


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as session:
        yield session


def _basic(credentials: str) -> dict[str, str]:
    return {"authorization": f"Basic {base64.b64encode(credentials.encode()).decode()}"}


def _jira(world: World) -> dict[str, str]:
    return _basic(f"{world.jira.site.email}:{world.jira.site.token}")


def _draft() -> dict[str, object]:
    return {"fields": {"project": {"key": "SEC"}, "issuetype": {"name": "Bug"}, "summary": "x"}}


async def test_both_vendors_answer_on_ports_of_their_own(http: aiohttp.ClientSession) -> None:
    world = World.make()
    async with serve(world) as urls:
        grant = f"{urls.halo}/oauth/access_token?grant_type=client_credentials"
        async with http.post(grant, headers=_basic(world.halo.credentials)) as answer:
            token = (await answer.json())["access_token"]
        async with http.get(
            f"{urls.halo}/v3/issues", headers={"authorization": f"Bearer {token}"}
        ) as answer:
            assert (answer.status, (await answer.json())["count"]) == (200, 0)
        async with http.post(
            f"{urls.jira}/rest/api/3/issue", json=_draft(), headers=_jira(world)
        ) as answer:
            assert (answer.status, (await answer.json())["key"]) == (201, "SEC-1")
            assert unquote(answer.headers["X-AAccountId"]) == world.jira.site.me.account_id
    assert [one.key for one in world.jira.people.tickets()] == ["SEC-1"]


async def test_a_lost_answer_closes_the_connection_after_the_effect(
    http: aiohttp.ClientSession,
) -> None:
    world = World.make()
    world.jira.faults.at = {0: "lost_after"}
    async with serve(world) as urls:
        with pytest.raises(aiohttp.ClientConnectionError):
            await http.post(f"{urls.jira}/rest/api/3/issue", json=_draft(), headers=_jira(world))
    assert len(world.jira.people.tickets()) == 1


async def test_latency_is_paid_by_every_call_and_by_every_element(
    http: aiohttp.ClientSession,
) -> None:
    world = World.make()
    latency = Latency(jira=Pace(read_s=0.2, write_s=0.04, bulk_base_s=0.02, bulk_item_s=0.02))
    async with serve(world, latency=latency) as urls:
        started = time.perf_counter()
        body = {"issueUpdates": [_draft()] * 5}
        await (
            await http.post(f"{urls.jira}/rest/api/3/issue/bulk", json=body, headers=_jira(world))
        ).read()
        assert time.perf_counter() - started >= 0.12
        started = time.perf_counter()
        reads = [
            http.get(f"{urls.jira}/rest/api/3/issue/SEC-1", headers=_jira(world)) for _ in range(10)
        ]
        assert {answer.status for answer in await asyncio.gather(*reads)} == {200}
        assert 0.2 <= time.perf_counter() - started < 2.0, "together, and not one after another"


async def test_the_control_changes_the_world_and_tells_the_truth(
    http: aiohttp.ClientSession,
) -> None:
    world = World.make()
    async with serve(world) as urls:
        issue = (await _control(http, urls, "halo/open_issue", {"type": "fim", "critical": True}))[
            "result"
        ]
        await _control(http, urls, "halo/rescan", {"issue_id": issue, "changed": True})
        assert [row["id"] for row in await _control(http, urls, "halo/issues")] == [issue]
        await http.post(f"{urls.jira}/rest/api/3/issue", json=_draft(), headers=_jira(world))
        await _control(http, urls, "jira/transition_by_person", {"key": "SEC-1", "status": "Done"})
        (ticket,) = await _control(http, urls, "jira/tickets")
        assert (ticket["status"], ticket["ours"], ticket["history"][0]["ours"]) == (
            "Done",
            True,
            False,
        )
        before = world.clock()
        await _control(http, urls, "clock", {"advance_s": 3_600})
        assert (world.clock() - before).total_seconds() >= 3_600
        await _control(http, urls, "faults", {"vendor": "jira", "at": {"0": "503_refused"}})
        async with http.get(f"{urls.jira}/rest/api/3/myself", headers=_jira(world)) as answer:
            assert answer.status == 503
        assert (await _control(http, urls, "calls"))["jira"] == {"POST /issue": 1, "GET /myself": 1}
        async with http.post(f"{urls.control}/jira/explode", json={}) as answer:
            assert answer.status == 400


async def test_the_vendors_run_as_a_process_of_their_own() -> None:
    command = (sys.executable, "-m", "job.sim", "--story", "--lag", "none")
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    try:
        assert process.stdout is not None
        said = json.loads(await asyncio.wait_for(process.stdout.readline(), 20))
        async with (
            aiohttp.ClientSession() as http,
            http.get(f"{said['control']}/halo/issues") as answer,
        ):
            assert len(await answer.json()) == 7
        assert said["settings"]["JIRA_API_URL"] == said["jira"]
    finally:
        process.terminate()
        await process.wait()


def test_the_settings_name_this_worlds_addresses_and_credentials() -> None:
    world = World.make()
    found = settings(
        world, urls=Urls("http://127.0.0.1:1", "http://127.0.0.1:2", "http://127.0.0.1:3")
    )
    assert (found["HALO_API_HOSTNAME"], found["JIRA_API_URL"]) == (
        "http://127.0.0.1:1",
        "http://127.0.0.1:2",
    )
    assert f"{found['HALO_API_KEY']}:{found['HALO_API_SECRET_KEY']}" == world.halo.credentials
    assert found["JIRA_API_TOKEN"] == world.jira.site.token


async def _control(http: aiohttp.ClientSession, urls: Urls, path: str, body: object = None) -> Any:
    method = "GET" if body is None else "POST"
    async with http.request(method, f"{urls.control}/{path}", json=body) as answer:
        assert answer.status == 200, await answer.text()
        return await answer.json()
