"""How issues are spread over tasks, and where a new number of tasks begins to read."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from msgspec.structs import replace

from job.core import shards
from job.core.ids import IssueId
from job.core.memory import Watermark
from job.core.shards import Shard

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY_AGO = NOON - timedelta(days=1)
OVERLAP = timedelta(minutes=5)

inherited = partial(shards.inherited, overlap=OVERLAP)


def marks(count: int, *minutes: int) -> dict[str, Watermark]:
    """Watermarks of the first shards among `count`, so many minutes after noon."""
    at = (NOON + timedelta(minutes=minute) for minute in minutes)
    return {
        f"{index}-of-{count}": Watermark(at=instant, swept_at=instant)
        for index, instant in enumerate(at)
    }


@pytest.mark.parametrize("count", [1, 2, 3, 8, 100])
def test_every_issue_belongs_to_exactly_one_shard_and_they_are_about_equal(count: int) -> None:
    ids = [IssueId(f"issue-{number}") for number in range(200 * count)]
    owners = Counter(
        shard.index for issue_id in ids for shard in _shards(count) if issue_id in shard
    )
    assert owners.total() == len(ids)
    assert all(120 < many < 280 for many in owners.values())


def test_the_hash_is_the_same_for_ever() -> None:
    """With another one a task would take over issues whose changes its watermark has passed."""
    ids = [IssueId("3d1f6a80-9b44-11eb-8c1e-41f0a2b7d963"), IssueId("a")]
    assert [
        [place for place, shard in enumerate(_shards(count)) if issue_id in shard]
        for issue_id in ids
        for count in (3, 8)
    ] == [
        *([2], [5]),
        *([1], [2]),
    ]


def _shards(count: int) -> list[Shard]:
    return [Shard(index=index, count=count) for index in range(count)]


@pytest.mark.parametrize(
    ("count", "total", "share"),
    [(1, 40, 40), (3, 40, 24), (8, 20_000, 2_650), (8, 1, 1), (8, 0, 0)],
)
def test_a_shard_counts_on_its_mean_share_and_some_luck(count: int, total: int, share: int) -> None:
    assert Shard(count=count).share_of(total) == share


def test_a_first_run_looks_back() -> None:
    begins = inherited({}, look_back_to=DAY_AGO)
    read_from = DAY_AGO - OVERLAP
    assert begins == Watermark(at=DAY_AGO, swept_at=DAY_AGO, begun_from=read_from)


def test_what_is_backlog_stays_so_under_a_new_number_of_tasks() -> None:
    """It begins where the first of the old ones began, and is known only as all of them knew it."""
    old = {
        name: replace(mark, begun_from=mark.at - timedelta(days=9), backlog_as="none")
        for name, mark in marks(3, 30, 10, 20).items()
    }
    begins = inherited(old, look_back_to=DAY_AGO)
    first = NOON + timedelta(minutes=10) - timedelta(days=9)
    assert (begins.begun_from, begins.backlog_as) == (first, "none")
    old["1-of-3"] = replace(old["1-of-3"], backlog_as="")
    assert inherited(old, look_back_to=DAY_AGO).backlog_as == ""
    assert inherited(marks(3, 30, 10, 20), look_back_to=DAY_AGO).begun_from is None


def test_a_new_number_of_tasks_begins_at_the_lowest_watermark_of_the_old_one() -> None:
    begins = inherited(marks(3, 30, 10, 20), look_back_to=DAY_AGO)
    assert (begins.at, begins.swept_at) == (NOON + timedelta(minutes=10),) * 2


def test_of_several_old_numbers_the_one_that_came_furthest_counts() -> None:
    assert inherited(
        marks(1, 5) | marks(3, 30, 10, 20), look_back_to=DAY_AGO
    ).at == NOON + timedelta(minutes=10)


def test_a_number_of_tasks_of_which_one_never_ran_vouches_for_nothing() -> None:
    assert inherited(marks(1, 5) | marks(3, 30, 20), look_back_to=DAY_AGO).at == NOON + timedelta(
        minutes=5
    )
    assert inherited(marks(3, 30, 20), look_back_to=DAY_AGO).at == DAY_AGO
    assert inherited(
        marks(3, 30, 20), look_back_to=NOON + timedelta(hours=1)
    ).at == NOON + timedelta(minutes=20)


def test_a_shard_that_was_never_swept_makes_a_sweep_due() -> None:
    never = {"1-of-2": Watermark(at=NOON)}
    assert inherited(marks(2, 10) | never, look_back_to=DAY_AGO).swept_at is None


def test_the_highest_keys_of_all_are_kept() -> None:
    low = Watermark(at=NOON, highest_keys={"SEC": 7, "OPS": 9})
    high = Watermark(at=NOON, highest_keys={"SEC": 12})
    assert inherited({"0-of-2": low, "1-of-2": high}, look_back_to=DAY_AGO).highest_keys == {
        "SEC": 12,
        "OPS": 9,
    }


def test_what_any_task_owes_is_owed_by_every_task_of_a_new_number() -> None:
    owing = Watermark(at=NOON, reading_from=DAY_AGO, sweep_owed=True)
    later = Watermark(at=NOON, reading_from=NOON)
    begins = inherited(
        {"0-of-3": owing, "1-of-3": later, "2-of-3": Watermark(at=NOON)}, look_back_to=DAY_AGO
    )
    assert (begins.reading_from, begins.sweep_owed) == (DAY_AGO, True)
    begins = inherited(marks(3, 30, 10, 20), look_back_to=DAY_AGO)
    assert (begins.reading_from, begins.sweep_owed) == (None, False)
