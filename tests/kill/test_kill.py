"""The real process, killed at random instants against vendors in another process: two clean runs
later all is right.

`make kill KILLS=200` kills that many runs for each store; KILL_SEED plays other histories. Instants
are drawn from the seed but processes run in real time, so a seed names a history and not its every
step.
"""

import asyncio
import os
import random
import signal
import subprocess
import time
from collections import Counter
from uuid import uuid4

import pytest

from job.core.model import Action
from tests.kill.story import Story
from tests.kit.town import Ended, Town, finished, open_town

pytestmark = [pytest.mark.long, pytest.mark.xdist_group("real_time")]

KILLS = int(os.environ.get("KILLS", "6"))
SEED = int(os.environ.get("KILL_SEED", "1"))
LAGS = ("none", "usual", "minute")
"""How far Jira's search runs behind: a town for each, all at the same time, for they mostly wait.
"""
KILLS_BETWEEN_RESTS = 4
AWAKE = 0.35
"""The part of a run's life in which Python starts and the first questions are asked: a kill
there proves little.
"""
TRIES = 8
SETTINGS = {"NEW_ISSUE_STATUS": "In Progress", "MAX_CLOSE_PERCENT": "100"}


@pytest.fixture(params=["sqlite", "firestore"])
def memory(request: pytest.FixtureRequest) -> str:
    """Where a store may be made: the beginning of its URL."""
    if request.param == "firestore":
        request.getfixturevalue("firestore_emulator")
        return f"firestore://p-{uuid4().hex[:20]}/"
    return f"sqlite:///{request.getfixturevalue('tmp_path')}/"


async def test_a_process_killed_at_any_instant_is_healed_by_two_clean_runs(
    memory: str, capsys: pytest.CaptureFixture[str]
) -> None:
    async with asyncio.TaskGroup() as towns:
        lives = [
            towns.create_task(live_and_die(place, url=f"{memory}{lag}"))
            for place, lag in enumerate(LAGS)
        ]
    runs = [run for life in lives for run in life.result()]
    died = Counter(run.last_words for run in runs if run.exit_code == -signal.SIGKILL)
    with capsys.disabled():
        print(f"\n{died.total()} runs killed, after these words: {dict(died)}")
    assert died.total() > 0.8 * KILLS, "most runs were over before they could be killed"
    assert set().union(*map(planned, runs)) == set(Action), (
        "the story has become too poor to prove anything"
    )


async def live_and_die(place: int, *, url: str) -> list[Ended]:
    """One town's runs: some killed, one after the other later in its life, and two clean ones
    now and then.
    """
    rng = random.Random(f"{SEED} {place}")
    with open_town(seed=SEED, lag=LAGS[place], STATE_URL=url, **SETTINGS) as town:
        story = Story(town, rng)
        story.begin()
        began = time.monotonic()
        runs = [await town.run()]
        life_s = time.monotonic() - began
        for number, part in enumerate(range(place, KILLS, len(LAGS)), start=1):
            for _ in range(TRIES):
                story.turn()
                began = time.monotonic()
                runs.append(
                    await killed(
                        town, after_s=life_s * (AWAKE + (1 - AWAKE) * (part + rng.random()) / KILLS)
                    )
                )
                assert town.wrong_now() == [], f"killed after {runs[-1].last_words}"
                if runs[-1].exit_code == -signal.SIGKILL:
                    break
                life_s = time.monotonic() - began  # it was over by then: the machine is faster now
            if number % KILLS_BETWEEN_RESTS == 0:
                runs += await come_to_rest(town)
        runs += await come_to_rest(town)
    return runs


async def killed(town: Town, *, after_s: float) -> Ended:
    """A run that is killed, unless it is over by then; and the six minutes after which its lease
    is over.
    """
    with town.start() as process:
        try:
            await asyncio.to_thread(process.wait, after_s)
        except subprocess.TimeoutExpired:
            process.kill()
        run = finished(process)
    await town.outlive_lease()
    return run


async def come_to_rest(town: Town) -> list[Ended]:
    """Two clean runs, after which the world must be as it should be."""
    await town.outlive_patience()
    runs = [await town.run(), await town.run()]
    assert [run.exit_code for run in runs] == [0, 0]
    assert town.wrong_at_rest() == []
    return runs


def planned(run: Ended) -> set[str]:
    return {name for line in run.lines if line["event"] == "plan.made" for name in line["actions"]}
