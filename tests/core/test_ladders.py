"""Priorities and due dates: the first step that holds, and days counted from the first sight."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from job.core import ladders
from job.core.ladders import Delay, Due, Step, due, parse_step
from tests.kit.builders import issue

MONDAY = date(2026, 3, 2)


def ladder(**steps: str) -> ladders.Ladder:
    return tuple(Step(parse_step(name), then) for name, then in steps.items())


def test_the_first_step_that_holds_counts() -> None:
    steps = (
        Step(parse_step("critical"), "Highest"),
        Step(parse_step("cvss>=9"), "High"),
        Step(parse_step("type=sva"), "Medium"),
    )
    found = [
        ladders.first(steps, issue=about)
        for about in (
            issue(critical=True, max_cvss=9.0),
            issue(max_cvss=9.0),
            issue(max_cvss=8.9),
            issue(type="SVA"),
        )
    ]
    assert found == ["Highest", "High", None, "Medium"]


@pytest.mark.parametrize("text", ["severity>=9", "name", "cvss>=high", "server_state=a", "a b", ""])
def test_a_step_that_asks_for_nothing_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_step(text)


@pytest.mark.parametrize(
    ("delay", "begin", "end"),
    [
        ("0d", MONDAY, MONDAY),
        ("7d", MONDAY, date(2026, 3, 9)),
        ("0wd", date(2026, 3, 7), date(2026, 3, 7)),
        ("1wd", MONDAY, date(2026, 3, 3)),
        ("5wd", MONDAY, date(2026, 3, 9)),
        ("1wd", date(2026, 3, 6), date(2026, 3, 9)),
        ("1wd", date(2026, 3, 7), date(2026, 3, 9)),
        ("1wd", date(2026, 3, 8), date(2026, 3, 9)),
        ("5wd", date(2026, 3, 8), date(2026, 3, 13)),
    ],
)
def test_days_are_counted_and_working_days_begin_with_the_next(
    delay: str, begin: date, end: date
) -> None:
    assert Delay.parse(delay).after(begin) == end


@given(st.dates(min_value=date(2000, 1, 1), max_value=date(2100, 1, 1)), st.integers(0, 60))
def test_working_days_are_those_that_a_calendar_counts(begin: date, days: int) -> None:
    day, left = begin, days
    while left:
        day += timedelta(days=1)
        left -= day.weekday() < 5
    assert Delay.parse(f"{days}wd").after(begin) == day


@pytest.mark.parametrize("text", ["7", "7h", "-1d", "99999d", "d", "1.5d"])
def test_what_is_no_number_of_days_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="7d, or 5wd"):
        Delay.parse(text)


def test_a_due_date_counts_from_the_first_sight_in_utc() -> None:
    seen = datetime(2026, 3, 1, 23, 30, tzinfo=timezone(timedelta(hours=-2)))
    made_at = datetime(2026, 3, 3, tzinfo=UTC)
    found = due(ladder(default="7d"), issue=issue(first_seen_at=seen), made_at=made_at)
    assert found == Due(on=date(2026, 3, 9))


def test_what_is_overdue_when_it_is_made_is_due_that_day_and_says_since_when() -> None:
    seen, made_at = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 3, 3, 12, tzinfo=UTC)
    found = due(ladder(default="7d"), issue=issue(first_seen_at=seen), made_at=made_at)
    assert found == Due(on=date(2026, 3, 3), overdue_since=date(2026, 1, 8))
    today = due(ladder(default="61d"), issue=issue(first_seen_at=seen), made_at=made_at)
    assert today == Due(on=date(2026, 3, 3))


def test_without_a_step_or_a_first_sight_nothing_is_due() -> None:
    made_at = datetime(2026, 3, 3, tzinfo=UTC)
    assert due((), issue=issue(first_seen_at=made_at), made_at=made_at) is None
    assert due(ladder(default="7d"), issue=issue(), made_at=made_at) is None
    steps = ladder(critical="7d")
    assert due(steps, issue=issue(first_seen_at=made_at), made_at=made_at) is None
