"""What leaves the program on its way to a log, and what is held back."""

import json
import logging
import sys
import warnings
from base64 import b64encode
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from job.console.log import start
from job.console.redactor import HIDDEN, Redactor
from job.settings.load import load
from tests.kit.good import GOOD

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
SECRET = "planted-secret"

Said = Callable[[], list[dict[str, Any]]]
LETTERS = st.text(st.characters(exclude_characters=HIDDEN), max_size=8)

pytestmark = pytest.mark.usefixtures("quiet_again")


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str], quiet_again: None) -> Said:
    """Logging to machines, knowing one secret; gives what was said, each line as the JSON object
    that it must be.
    """
    redactor = Redactor()
    redactor.hide([SECRET])
    start(redactor=redactor, now=lambda: NOW, level="info", terminal=False)

    def lines() -> list[dict[str, Any]]:
        out, err = capsys.readouterr()
        assert not err
        assert SECRET not in out
        return [json.loads(line) for line in out.splitlines()]

    return lines


def test_an_event_is_one_line_with_severity_message_time_and_its_fields(said: Said) -> None:
    structlog.get_logger().warning("ticket.created", ticket="SEC-1", at=NOW, many={1})
    structlog.get_logger().info("run.finished", message="All is done.")
    structlog.get_logger().debug("nobody.cares")
    first, second = said()
    assert list(first) == ["severity", "message", "time", "event", "ticket", "at", "many"]
    assert (first["severity"], first["message"], first["event"]) == (
        "WARNING",
        "ticket.created",
        "ticket.created",
    )
    assert first["time"] == first["at"] == NOW.isoformat()
    assert (second["severity"], second["message"]) == ("INFO", "All is done.")


def test_a_field_cannot_pose_as_severity_or_time(said: Said) -> None:
    structlog.get_logger().info("page.read", severity="EMERGENCY", time="never")
    [line] = said()
    assert (line["severity"], line["time"]) == ("INFO", NOW.isoformat())


def test_a_secret_is_taken_out_wherever_it_hides(said: Said) -> None:
    log = structlog.get_logger()
    log.info(
        SECRET,
        a=SECRET,
        b=[{"c": (f"…{SECRET}…",)}],
        **{SECRET: 1},
        d=ValueError(SECRET),
        e=SECRET.encode(),
    )
    log.error("run.crashed", exc_info=KeyError(SECRET))
    first, second = said()
    assert (first["a"], first["d"]) == (HIDDEN, HIDDEN)
    assert second["stack_trace"].startswith("KeyError")


@pytest.mark.parametrize(
    ("fields", "shown"),
    [
        ({"note": f"sent {SECRET}"}, {"note": f"sent {HIDDEN}"}),
        ({"note": f"cut to {SECRET[:9]}"}, {"note": f"cut to {HIDDEN}"}),
        ({"note": "sent Basic abcdefgh1234"}, {"note": f"sent Basic {HIDDEN}"}),
        ({"api_key": "k"}, {"api_key": HIDDEN}),
        ({"note": "half \ud83d"}, {"note": "half ?"}),
        (
            {"first": "Bearer", "second": "abcdefgh1234"},
            {"first": "Bearer", "second": "abcdefgh1234"},
        ),
        (
            {"ticket": "SEC-1", "many": 3, "done": True, "why": None},
            {"ticket": "SEC-1", "many": 3, "done": True, "why": None},
        ),
    ],
)
def test_fields_that_are_looked_at_together_are_said_as_if_each_were_looked_at(
    said: Said, fields: dict[str, object], shown: dict[str, object]
) -> None:
    structlog.get_logger().info("page.read", **fields)
    [line] = said()
    assert {name: line[name] for name in fields} == shown


def test_what_sounds_like_a_secret_is_hidden_even_if_nobody_knew_it(said: Said) -> None:
    headers = {
        "Authorization": "Basic abc",
        "X-Api-Key": ["k"],
        "Cookie": {"a": "b"},
        "Accept": "text/plain",
    }
    structlog.get_logger().info(
        "page.read", headers=headers, access_token="t", tokens=3, note="sent Bearer abcdefgh1234"
    )
    [line] = said()
    assert line["headers"] == {
        "Authorization": HIDDEN,
        "X-Api-Key": HIDDEN,
        "Cookie": HIDDEN,
        "Accept": "text/plain",
    }
    assert (line["access_token"], line["tokens"], line["note"]) == (
        HIDDEN,
        3,
        f"sent Bearer {HIDDEN}",
    )


def test_the_basic_form_of_each_pair_of_credentials_is_a_secret_too() -> None:
    redactor = Redactor()
    redactor.hide(load(GOOD).spoken_secrets)
    for user, secret in (
        ("HALO_API_KEY", "HALO_API_SECRET_KEY"),
        ("JIRA_API_USER", "JIRA_API_TOKEN"),
    ):
        basic = b64encode(f"{GOOD[user]}:{GOOD[secret]}".encode()).decode()
        assert redactor.text(f"a {basic} b {GOOD[secret]} c") == f"a {HIDDEN} b {HIDDEN} c"


def test_libraries_are_heard_from_warnings_up_in_the_same_form(said: Said) -> None:
    logging.getLogger("a.library").warning("odd: %s", SECRET)
    logging.getLogger("a.library").info("chatter")
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(capture=False)
        logging.captureWarnings(capture=True)
        warnings.warn("old thing", DeprecationWarning, stacklevel=1)
    first, second = said()
    assert (first["event"], first["library"], first["message"]) == (
        "library.logged",
        "a.library",
        f"odd: {HIDDEN}",
    )
    assert (second["library"], second["severity"]) == ("py.warnings", "WARNING")


def test_an_error_that_nobody_can_catch_is_a_line_too(said: Said) -> None:
    class Unlucky:
        def __del__(self) -> None:
            raise OSError(SECRET)

    Unlucky()
    [line] = said()
    assert line["severity"] == "ERROR"
    assert "OSError" in line["stack_trace"]
    assert sys.unraisablehook is not sys.__unraisablehook__


@given(
    st.recursive(
        st.none() | st.floats() | st.text() | st.binary(),
        lambda some: st.lists(some) | st.dictionaries(st.text(), some),
    )
)
def test_anything_at_all_becomes_valid_json(value: object) -> None:
    json.loads(json.dumps(Redactor().plain(value), allow_nan=False))


def test_odd_bytes_of_a_header_become_question_marks_and_do_not_hide_the_secret_beside_them() -> (
    None
):
    redactor = Redactor()
    redactor.hide([SECRET])
    assert redactor.text(f"é\udcff{SECRET}") == "é?[hidden]"


@given(LETTERS.filter(lambda text: len(text) > 3), LETTERS, LETTERS)
def test_no_text_keeps_a_secret(secret: str, before: str, after: str) -> None:
    redactor = Redactor()
    redactor.hide([secret])
    said = redactor.text(before + secret + after)
    assert secret not in said
