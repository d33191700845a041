"""Memory with three tickets in it, and the webhook that is served beside it."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from job.core.memory import Changes
from job.state.urls import CountingStore, open_store
from tests.kit.builders import NOW, link
from tests.kit.served import Served, serving
from tests.web.calls import SECRET

KINDS = ("sqlite", "firestore")


@pytest.fixture(params=KINDS)
def memory(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[dict[str, str]]:
    """The variables that name it."""
    if request.param == "sqlite":
        yield {"STATE_URL": f"sqlite:///{tmp_path}/state.db"}
        return
    host = request.getfixturevalue("firestore_emulator")
    url = f"firestore://p-{uuid4().hex[:20]}/state?prefix=test"
    yield {"STATE_URL": url, "FIRESTORE_EMULATOR_HOST": host}


@pytest.fixture
async def store(memory: dict[str, str]) -> AsyncIterator[CountingStore]:
    """The same memory, as a run sees it. Tickets 1, 2 and 3 are of issues 1, 2 and 3."""
    async with open_store(memory["STATE_URL"]) as opened:
        until = NOW.replace(hour=NOW.hour + 1)
        lease = await opened.take_lease("0", holder="run-1", now=NOW, until=until)
        await opened.commit(lease, Changes(links=tuple(link(number) for number in (1, 2, 3))))
        yield opened


@pytest.fixture
def hook(memory: dict[str, str], store: CountingStore) -> Iterator[Served]:
    """The webhook."""
    with serving("jira_webhook", {**memory, "JIRA_WEBHOOK_SECRET": SECRET}) as served:
        yield served
