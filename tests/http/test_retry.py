"""How long to wait before a request is repeated."""

import pytest

from job.http.message import Response
from job.http.retry import asked_pause_s, pause_s
from job.jira.limits import JIRA_LIMITS
from tests.http.turnstile import START


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("5", 5.0),
        ("0.5", 0.5),
        ("Sun, 01 Mar 2026 12:00:30 GMT", 30.0),
        ("soon", None),
        ("", None),
        ("-3", 0.0),
    ],
)
def test_retry_after_is_a_number_or_a_date(text: str, seconds: float | None) -> None:
    asking = Response(status=429, headers={"retry-after": text}, body=b"{}")
    assert asked_pause_s(asking, now=START, limits=JIRA_LIMITS) == seconds


def test_pauses_double_to_a_bound_and_never_undercut_what_was_asked() -> None:
    plain = [
        pause_s(attempt, asked_s=None, scatter=0.5, limits=JIRA_LIMITS) for attempt in range(1, 7)
    ]
    assert plain == [2.0, 4.0, 8.0, 16.0, 30.0, 30.0]
    assert pause_s(1, asked_s=60.0, scatter=0.0, limits=JIRA_LIMITS) == 60.0
