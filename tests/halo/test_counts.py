"""Halo's count may be capped, or off by a few: nothing is lost, and nothing stops for ever."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from structlog.testing import capture_logs

from job.core.issues import Issue, IssueStatus
from job.errors import MalformedAnswer
from job.halo.listing import READINGS_MAX
from job.halo.wire import CREATED, LAST_SEEN, Listing, Page
from tests.halo.moving_list import T0, MovingList, listed

BY_LAST_SEEN = Listing(status=IssueStatus.ACTIVE, stamp=LAST_SEEN, since=T0)
BY_CREATION = Listing(status=IssueStatus.ACTIVE, stamp=CREATED)


def issues(many: int, *, begin_s: float = 0.0, apart_s: float = 1.0, first: int = 0) -> list[Issue]:
    stamps = (T0 + timedelta(seconds=begin_s + n * apart_s) for n in range(many))
    return [listed(first + n, at=at, created_at=at) for n, at in enumerate(stamps)]


def capped(rows: list[Issue], *, at: int = 10_000) -> MovingList:
    """Counts no further, and names no next page beyond."""
    halo = MovingList(rows)
    halo.count_max = at
    halo.after = lambda page: replace(
        page, names_next=page.names_next and page.number * 100 < page.count
    )
    return halo


@pytest.mark.parametrize("listing", [BY_LAST_SEEN, BY_CREATION])
@pytest.mark.parametrize("many", [9_999, 10_000, 10_001, 15_000, 25_000])
async def test_a_count_capped_at_ten_thousand_loses_nothing(many: int, listing: Listing) -> None:
    halo = capped(issues(many, apart_s=3.0))
    assert {issue.id for issue in await halo.read(listing)} == set(halo.issues)


@settings(max_examples=12, deadline=None)
@given(
    crowds=st.lists(
        st.tuples(st.integers(0, 80_000), st.integers(1, 9_000), st.sampled_from([0.0001, 0.1, 2])),
        min_size=1,
        max_size=4,
    )
)
async def test_a_capped_count_loses_nothing_however_the_rows_are_spread(
    crowds: list[tuple[int, int, float]],
) -> None:
    rows: list[Issue] = issues(8_000, apart_s=0.9)
    for begin_s, many, apart_s in crowds:
        rows += issues(many, begin_s=begin_s, apart_s=apart_s, first=len(rows))
    halo = capped(rows)
    given = await halo.read(BY_LAST_SEEN)
    assert {issue.id for issue in given if issue.has_id} == set(halo.issues) or _told(given)


def _told(given: list[Issue]) -> bool:
    return any(not issue.has_id for issue in given)


async def test_a_full_hundredth_page_is_no_end_where_the_filter_is_ignored() -> None:
    halo = capped(issues(10_200))
    halo.keeps_gte = False
    with pytest.raises(MalformedAnswer, match="--since"):
        await halo.read(replace(BY_LAST_SEEN, since=T0 + timedelta(seconds=4)))


async def test_a_listing_of_just_ten_thousand_rows_is_no_riddle() -> None:
    halo = MovingList(issues(10_000, apart_s=3.0))
    assert {issue.id for issue in await halo.read(BY_LAST_SEEN)} == set(halo.issues)


# --- More within one second than Halo lists -------------------------------------------------------


@pytest.mark.parametrize("count_max", [10**9, 10_000])
@pytest.mark.parametrize("begin_s", [3_600.0, 86_000.0])
async def test_of_a_crowded_second_what_can_be_read_is_and_the_others_go_on(
    begin_s: float, count_max: int
) -> None:
    crowd = issues(10_050, begin_s=begin_s, apart_s=0.000_09)
    before, after = issues(300, first=20_000), issues(300, begin_s=begin_s + 1, first=30_000)
    halo = capped([*before, *crowd, *after], at=count_max)
    with capture_logs() as logs:
        given = await halo.read(BY_LAST_SEEN)
    ids = {issue.id for issue in given}
    assert ids >= {issue.id for issue in (*before, *after)}
    assert len(ids & {issue.id for issue in crowd}) == 10_000
    (stand_in,) = [issue for issue in given if not issue.has_id]
    assert stand_in.touched_at == T0 + timedelta(seconds=begin_s)
    (loud,) = [line for line in logs if line["event"] == "halo.listing_crowded"]
    assert loud["log_level"] == "error"


# --- A count that is off --------------------------------------------------------------------------


def drop_a_row(page: Page) -> Page:
    return replace(page, issues=page.issues[:-1]) if page.number == 2 else page


def count_one_too_many(page: Page) -> Page:
    return replace(page, count=page.count + 1)


def count_one_too_few(page: Page) -> Page:
    return replace(page, count=page.count - 1)


@pytest.mark.parametrize("lie", [drop_a_row, count_one_too_many, count_one_too_few])
@pytest.mark.parametrize("many", [150, 250, 301])
async def test_a_count_that_is_off_by_one_in_every_reading_is_told_and_the_rows_go_on(
    lie: Callable[[Page], Page], many: int
) -> None:
    halo = MovingList(issues(many))
    halo.after = lie
    with capture_logs() as logs:
        given = {issue.id for issue in await halo.read(BY_LAST_SEEN)}
    assert len(given) == many - (lie is drop_a_row)
    (loud,) = [line for line in logs if line["event"] == "halo.listing_off"]
    assert (loud["log_level"], loud["listing"]) == ("error", str(BY_LAST_SEEN))
    assert len([line for line in logs if line["event"] == "halo.listing_moved"]) == READINGS_MAX


async def test_one_that_halo_counts_and_does_not_show_leaves_the_listing_empty_and_told() -> None:
    halo = MovingList([])
    halo.after = count_one_too_many
    with capture_logs() as logs:
        assert await halo.read(BY_LAST_SEEN) == []
    assert logs[-1]["event"] == "halo.listing_off"


@pytest.mark.parametrize(
    ("many", "off", "is_told"), [(250, 2, False), (400, 2, True), (40, 40, False)]
)
async def test_only_few_may_be_missing(many: int, off: int, is_told: bool) -> None:
    halo = MovingList(issues(many))
    halo.after = lambda page: replace(page, count=page.count + off)
    if is_told:
        assert len(await halo.read(BY_LAST_SEEN)) == many
    else:
        with pytest.raises(MalformedAnswer, match="never agreed"):
            await halo.read(BY_LAST_SEEN)


async def test_a_row_that_goes_missing_here_and_there_is_not_taken_for_a_wrong_count() -> None:
    halo = MovingList(issues(250))
    hidden = iter([5, 5, 5, 9])

    def lie(page: Page) -> Page:
        if page.number != 2:
            return page
        kept = list(page.issues)
        del kept[next(hidden)]
        return replace(page, issues=tuple(kept))

    halo.after = lie
    with pytest.raises(MalformedAnswer):
        await halo.read(BY_LAST_SEEN)
