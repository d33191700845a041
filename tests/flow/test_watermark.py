"""How far back a run looks: what a first run's death must not lose, and what Halo shows late."""

import asyncio
from datetime import timedelta

import pytest

from job.core.memory import RunRecord
from tests.kit.timeless import play
from tests.kit.tube import Fuse, Tube

OVERLAP = timedelta(minutes=5)


def test_what_a_first_run_would_have_seen_is_not_lost_by_its_death() -> None:
    """Its successor comes when the look-back of its own would no longer reach so far."""

    async def story() -> None:
        tube = Tube()
        tube.look_back = timedelta(minutes=15)
        tube.halo.estate.open_issue(type="fim")
        await asyncio.sleep(600)
        fuse = Fuse(at=(7, "after"))
        assert await tube.run(fuse=fuse) is None
        assert "store.commit" in fuse.names[:-1], "it died before it had written anything"
        assert tube.jira.people.tickets() == []
        await asyncio.sleep(3_600)
        assert isinstance(await tube.run(), RunRecord)
        assert len(tube.jira.people.tickets()) == 1

    play(story())


def test_what_halo_shows_late_is_found_as_long_as_it_lies_within_the_overlap_before_the_mark() -> (
    None
):
    async def story() -> None:
        tube = Tube()
        await asyncio.sleep(3_600)
        assert isinstance(await tube.run(), RunRecord)
        mark = await tube.store.watermark("0-of-1")
        assert mark is not None
        late = tube.halo.estate.issues[tube.halo.estate.open_issue(type="fim")]
        for stamp in ("created_at", "first_seen_at", "last_seen_at", "updated_at"):
            setattr(late, stamp, mark.at - OVERLAP + timedelta(minutes=1))
        assert isinstance(await tube.run(), RunRecord)
        assert len(tube.jira.people.tickets()) == 1

    play(story())


@pytest.mark.parametrize("days", [195, 400, 4_000])
def test_who_slept_for_years_goes_on_where_the_last_run_ended(days: int) -> None:
    async def story() -> None:
        tube = Tube()
        tube.halo.estate.open_issue(type="fim")
        assert isinstance(await tube.run(), RunRecord)
        tube.halo.estate.open_issue(type="csm")
        await asyncio.sleep(days * 86_400.0)
        record = await tube.run()
        assert isinstance(record, RunRecord), record
        assert (record.exit_code, len(tube.jira.people.tickets())) == (0, 2)

    play(story())
