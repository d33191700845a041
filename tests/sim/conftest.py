"""A world in virtual time, and one way to call each of its vendors, for the tests of the
simulated vendors.
"""

import base64
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from job.sim import Answer, Call, World, no_lag

Ask = Callable[..., Answer]


def basic(credentials: str) -> str:
    return f"Basic {base64.b64encode(credentials.encode()).decode()}"


@pytest.fixture
def world() -> Iterator[World]:
    """It stands still at the start of 2026 until a test advances it; search shows everything at
    once.
    """
    world = World.make(seed=7, start=datetime(2026, 1, 1, tzinfo=UTC))
    world.jira.search.lag = no_lag
    yield world
    assert not world.jira.faults.at, "a fault was planned for a call that never came"


@pytest.fixture
def jira(world: World) -> Ask:
    def ask(
        method: str, path: str, body: Any = None, *, token: str | None = None, **query: str
    ) -> Answer:
        site = world.jira.site
        headers = {"authorization": basic(f"{site.email}:{token or site.token}")}
        sent = b"" if body is None else json.dumps(body).encode()
        base = "" if path.startswith("/ex/") else "/rest/api/3"
        return world.jira.answer(Call(method, base + path, tuple(query.items()), headers, sent))

    return ask


@pytest.fixture
def halo(world: World) -> Ask:
    """Signs in with every call, so that time may pass in between."""

    def ask(path: str, **query: str) -> Answer:
        credentials = {"authorization": basic(world.halo.credentials)}
        grant = (("grant_type", "client_credentials"),)
        token = world.halo.answer(Call("POST", "/oauth/access_token", grant, credentials)).json()[
            "access_token"
        ]
        headers = {"authorization": f"Bearer {token}"}
        return world.halo.answer(
            Call(
                "GET",
                path.removeprefix("https://api.cloudpassage.com"),
                tuple(query.items()),
                headers,
            )
        )

    return ask


@pytest.fixture
def draft() -> Callable[..., dict[str, Any]]:
    """A create that Jira takes; more fields by keyword."""

    def make(issue_id: str = "5f0c-11", **fields: Any) -> dict[str, Any]:
        own = {
            "project": {"key": "SEC"},
            "issuetype": {"name": "Bug"},
            "summary": "x",
            "customfield_10010": issue_id,
        }
        return {"fields": {**own, **fields}}

    return make


@pytest.fixture
def doc() -> Callable[[str], dict[str, Any]]:
    def make(text: str) -> dict[str, Any]:
        paragraph = {"type": "paragraph", "content": [{"type": "text", "text": text}]}
        return {"type": "doc", "version": 1, "content": [paragraph]}

    return make
