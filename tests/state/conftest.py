"""Worlds for the stores' tests: each is one memory on which any number of stores can be opened,
as by processes.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

import pytest

from job.state.memory import MemoryStore
from job.state.urls import CountingStore, open_store
from tests.state.values import World

KINDS = ("memory", "sqlite", "firestore")


@pytest.fixture(params=KINDS)
def world(request: pytest.FixtureRequest, tmp_path: Path) -> World:
    """Opens a store, each time a new one, on the same memory."""
    if request.param == "memory":
        store = MemoryStore()

        @asynccontextmanager
        async def handed_on() -> AsyncIterator[CountingStore]:
            yield store

        return handed_on
    if request.param == "sqlite":
        return lambda: open_store(f"sqlite:///{tmp_path}/folder/state.db")
    request.getfixturevalue("firestore_emulator")
    url = f"firestore://p-{uuid4().hex[:20]}/state?prefix=test"
    return lambda: open_store(url)


@pytest.fixture
async def store(world: World) -> AsyncIterator[CountingStore]:
    async with world() as opened:
        yield opened
