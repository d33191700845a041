"""A run that is called off while it still looks: by SIGTERM, or because its time is over."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import msgspec
import pytest
from structlog.testing import LogCapture

from job.core.ids import EPOCH
from job.core.memory import RunRecord, Watermark
from job.flow.setup import ALL_TIME, Order
from job.sim.call import Answer, Call
from tests.kit.timeless import play
from tests.kit.tube import QUIET, Tube, writes

SHARD = "0-of-1"
PAGES = 6
SLOWLY_S = 20.0


async def with_a_slow_halo() -> Tube:
    """Some pages of new issues, each of which takes Halo a while."""
    tube = Tube(policy=QUIET)
    tube.at_once_max = 1
    for _ in range(PAGES * 100):
        tube.halo.estate.open_issue(type="fim")
    await asyncio.sleep(900)
    tube.store._watermarks[SHARD] = Watermark(at=tube.clock() - timedelta(hours=1))
    answer = tube.halo.answer

    def slowly(call: Call) -> Answer:
        return replace(answer(call), delay_s=SLOWLY_S if call.path == "/v3/issues" else 0.0)

    tube.halo.answer = slowly  # type: ignore[method-assign]
    return tube


def words_of(said: LogCapture) -> str:
    (words,) = [entry["error"] for entry in said.entries if entry["event"] == "run.stopping"]
    return str(words)


@pytest.mark.parametrize("by", ["SIGTERM", "its time"])
def test_a_run_called_off_while_it_looks_says_so_and_leaves_all_as_it_was(
    by: str, said: LogCapture
) -> None:
    async def story() -> None:
        tube, stop = await with_a_slow_halo(), asyncio.Event()
        before = await tube.store.watermark(SHARD)
        if by == "SIGTERM":
            asyncio.get_running_loop().call_later(70.0, stop.set)
        else:
            tube.time_budget = timedelta(seconds=70)
        began = tube.clock.monotonic()
        record = await tube.run(asked_to_stop=stop)
        assert tube.clock.monotonic() - began < 71, "it does not look to the end first"
        assert isinstance(record, RunRecord)
        assert (record.verdict, record.exit_code, record.counts) == ("stopped", 3, {})
        assert await tube.store.runs(limit=1) == [record]
        now = await tube.store.watermark(SHARD)
        assert now is not None
        assert before is not None
        assert msgspec.structs.replace(now, owner=before.owner) == before
        assert writes(tube.jira.calls) == {}
        assert record.errors == (words_of(said),)
        assert (await tube.store.leases())[0].holder == "", "the lease was given back"

    play(story())
    words = words_of(said)
    assert ("TASK_TIMEOUT_S is too short" in words) == (by == "its time")
    assert ("asked to stop" in words) == (by == "SIGTERM")
    assert "after 70 s, 5 calls to Halo and 100 issues decided" in words


def test_a_back_fill_called_off_while_it_looks_is_still_owed() -> None:
    async def story() -> None:
        tube = await with_a_slow_halo()
        tube.time_budget = timedelta(seconds=70)
        await tube.run(order=Order(since=ALL_TIME))
        mark = await tube.store.watermark(SHARD)
        assert mark is not None
        assert mark.reading_from == EPOCH
        tube.time_budget = None
        assert isinstance(await tube.run(), RunRecord)
        assert len(tube.jira.people.tickets()) == PAGES * 100

    play(story())


def test_a_run_whose_looking_fits_into_its_time_is_not_called_off() -> None:
    async def story() -> None:
        tube = await with_a_slow_halo()
        tube.time_budget = timedelta(minutes=10)
        record = await tube.run()
        assert isinstance(record, RunRecord)
        assert (record.verdict, record.exit_code) == ("done", 0)
        assert len(tube.jira.people.tickets()) == PAGES * 100

    play(story())
