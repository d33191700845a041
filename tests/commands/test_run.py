"""What `--since` means."""

from datetime import UTC, datetime

import click
import pytest

from job.commands.run import look_back

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, None),
        ("all", "all"),
        ("90", datetime(2026, 11, 23, 10, 30, tzinfo=UTC)),
        ("12h", datetime(2026, 11, 23, tzinfo=UTC)),
        ("7d", datetime(2026, 11, 16, 12, tzinfo=UTC)),
        ("2026-11-01", datetime(2026, 11, 1, tzinfo=UTC)),
        ("2026-11-01T10:00+02:00", datetime(2026, 11, 1, 8, tzinfo=UTC)),
    ],
)
def test_since_takes_a_time_a_length_of_time_or_all(text: str | None, expected: object) -> None:
    assert look_back(text, now=NOW) == expected


@pytest.mark.parametrize("text", ["soon", "2026-13-01", "2027-01-01", ""])
def test_since_refuses_what_is_no_time_or_not_yet(text: str) -> None:
    with pytest.raises(click.BadParameter):
        look_back(text, now=NOW)
