"""One, three and eight real processes at once on one memory: all is covered, once, whichever of
them is killed.
"""

import asyncio
import json
import os
import random
import signal
import subprocess
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from itertools import cycle
from pathlib import Path
from uuid import uuid4

import pytest

from job.core.ids import IssueId
from job.core.shards import Shard
from job.flow.lease import LEASE
from job.state.urls import open_store
from tests.kit.oracle import ID_FIELD
from tests.kit.town import KINDS, Ended, Town, finished, open_town

pytestmark = pytest.mark.xdist_group("real_time")

SEED = int(os.environ.get("KILL_SEED", "1"))
ISSUES = 32
TRIES = 4
SETTINGS = {
    "MAX_CLOSE_PERCENT": "100",
    "HALO_CONCURRENCY_MAX": "64",
    "JIRA_CONCURRENCY_MAX": "64",
}


async def execution(
    town: Town, *, tasks: int, victims: Mapping[int, str] | None = None
) -> list[Ended]:
    """All tasks at once, as Cloud Run starts them; a victim is killed when it says its word."""
    names = (
        {"CLOUD_RUN_TASK_INDEX": str(index), "CLOUD_RUN_TASK_COUNT": str(tasks)}
        for index in range(tasks)
    )
    runs = [town.start(**name) for name in names]
    words = victims or {}
    ends = (
        asyncio.to_thread(killed, run, after=words[index])
        if index in words
        else asyncio.to_thread(finished, run)
        for index, run in enumerate(runs)
    )
    return list(await asyncio.gather(*ends))


def killed(run: "subprocess.Popen[str]", *, after: str) -> Ended:
    """A run that is killed as soon as it has said this word."""
    with run:
        assert run.stdout
        said = []
        for line in run.stdout:
            said.append(json.loads(line))
            if said[-1]["event"] == after:
                run.kill()
                break
    return Ended(run.returncode, tuple(said))


async def outlive_leases(town: Town) -> None:
    """Lets six minutes pass for the store: the leases of the dead are taken as successors would,
    and given back.
    """
    async with open_store(town.settings["STATE_URL"]) as store:
        later = datetime.now(UTC) + LEASE
        for dead in [lease for lease in await store.leases() if lease.holder]:
            taken = await store.take_lease(
                dead.shard, holder="later", now=later, until=later + timedelta(minutes=1)
            )
            await store.release_lease(taken)


def some_news(town: Town, *, tasks: int, rng: random.Random) -> None:
    """Issues that are new, changed and resolved, and something of it for every task."""
    ids = [
        str(ticket["fields"].get(ID_FIELD))
        for ticket in town.tickets()
        if ticket["status"] != "Done"
    ]
    rng.shuffle(ids)
    for issue_id in ids[: ISSUES // 4]:
        town.resolve(issue_id)
    for issue_id in ids[ISSUES // 4 : ISSUES // 2]:
        town.rescan(issue_id, changed=True)
    news = ids[: ISSUES // 2]
    kinds = cycle(KINDS)
    shards = [Shard(index=index, count=tasks) for index in range(tasks)]
    while len(news) < ISSUES or not all(
        any(IssueId(one) in shard for one in news) for shard in shards
    ):
        news.append(town.open_issue(next(kinds)))


async def clean(town: Town, *, tasks: int) -> Counter[str]:
    """An execution that ends well in all its tasks: what they wrote, by shard."""
    ends = await execution(town, tasks=tasks)
    assert [end.exit_code for end in ends] == [0] * tasks, [
        end.lines[-1] for end in ends if end.exit_code
    ]
    lines = [end.only("run.finished") for end in ends]
    return Counter(
        {
            line["shard"]: sum(line[name] for name in ("created", "commented", "closed"))
            for line in lines
        }
    )


@pytest.fixture
def state_url(request: pytest.FixtureRequest, kind: str) -> str:
    """Where these processes remember."""
    if kind == "firestore":
        request.getfixturevalue("firestore_emulator")
        return f"firestore://p-{uuid4().hex[:20]}/"
    folder: Path = request.getfixturevalue("tmp_path")
    return f"sqlite:///{folder / 'state.db'}"


@pytest.mark.parametrize(
    ("kind", "tasks"), [("sqlite", 1), ("sqlite", 3), ("sqlite", 8), ("firestore", 3)]
)
async def test_any_of_several_tasks_may_be_killed_and_everything_is_covered_exactly_once(
    state_url: str, tasks: int
) -> None:
    rng = random.Random(f"{SEED} {tasks}")
    with open_town(seed=SEED, lag="none", STATE_URL=state_url, **SETTINGS) as town:
        words = cycle(("ticket.created", "plan.made"))
        victims = dict(zip(rng.sample(range(tasks), k=max(1, tasks // 2)), words, strict=False))
        died: set[int] = set()
        for _ in range(TRIES):  # on a busy machine a victim may be over before it can be killed
            for place in range(ISSUES):
                town.open_issue(KINDS[place % len(KINDS)])
            ends = await execution(town, tasks=tasks, victims=victims)
            assert town.wrong_now() == []
            died = {index for index, end in enumerate(ends) if end.exit_code == -signal.SIGKILL}
            assert died <= set(victims)
            assert {end.exit_code for end in ends} <= {0, -signal.SIGKILL}
            if died:
                break
        assert died, "every victim was over before it could be killed, which proves nothing"
        await outlive_leases(town)
        await town.outlive_patience()
        await clean(town, tasks=tasks)
        await clean(town, tasks=tasks)
        assert town.wrong_at_rest() == []
        some_news(town, tasks=tasks, rng=rng)
        written = await clean(town, tasks=tasks)
        assert town.wrong_at_rest() == []
        assert len(+written) == tasks, "a task had nothing to do, which proves little"
        assert (await clean(town, tasks=tasks)).total() == 0


async def test_the_number_of_tasks_may_change_while_old_ones_are_still_at_work(
    tmp_path: Path,
) -> None:
    rng = random.Random(SEED)
    with open_town(
        seed=SEED, lag="none", STATE_URL=f"sqlite:///{tmp_path / 'state.db'}", **SETTINGS
    ) as town:
        for place in range(ISSUES):
            town.open_issue(KINDS[place % len(KINDS)])
        await clean(town, tasks=1)
        for tasks in (3, 2, 1):
            some_news(town, tasks=tasks, rng=rng)
            old, new = await asyncio.gather(
                execution(town, tasks=tasks), execution(town, tasks=tasks + 1)
            )
            said = Counter(end.last_words for end in (*old, *new))
            assert set(said) <= {"run.finished", "lease.held"}, said
            assert town.wrong_now() == []
            await clean(town, tasks=tasks)
            assert town.wrong_at_rest() == []
