"""Values in the type of the Jira field that takes them, refused before Jira refuses them."""

import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from job.core.halo_names import Value
from job.core.shape import Allowed, FieldSpec
from job.core.values import as_listed, split_list, typed
from job.errors import UnusableValue
from tests.core.documents import opened
from tests.core.jira_fields import (
    BOXES,
    CHOICE,
    DATE,
    LABELS,
    NUMBER,
    PRIORITY,
    RADIO,
    RICH,
    TEAM,
    TEXT,
    URL,
    USER,
    WHEN,
    spec,
)

AT = datetime(2026, 12, 1, 11, 29, 29, 908_123, tzinfo=timezone(timedelta(hours=1)))


@pytest.mark.parametrize(
    ("field", "value", "written"),
    [
        (TEXT, "two\r\nlines\x00", "two lines"),
        (TEXT, True, "True"),
        (TEXT, AT, "2026-12-01T10:29:29.908Z"),
        (URL, " https://halo.example/v3/issues/1\x00", "https://halo.example/v3/issues/1"),
        (NUMBER, "3.5", 3.5),
        (NUMBER, "210987654321", 210_987_654_321),
        (CHOICE, "high", {"id": "10"}),
        (CHOICE, "11", {"id": "11"}),
        (BOXES, "Low", [{"id": "11"}]),
        (BOXES, ("Low", "10"), [{"id": "11"}, {"id": "10"}]),
        (RADIO, True, {"id": "1"}),
        (RADIO, False, {"id": "2"}),
        (LABELS, "Acme/Web  Shop", ["Acme/Web_Shop"]),
        (LABELS, ("a", "b c", "a"), ["a", "b_c"]),
        (USER, "712020:5b10-ac8d", {"accountId": "712020:5b10-ac8d"}),
        (DATE, AT, "2026-12-01"),
        (DATE, "2026-12-24", "2026-12-24"),
        (WHEN, AT, "2026-12-01T10:29:29.908+0000"),
        (WHEN, "2026-12-01T10:29:29.9Z", "2026-12-01T10:29:29.900+0000"),
        (WHEN, "2026-12-01", "2026-12-01T00:00:00.000+0000"),
        (PRIORITY, "HIGH", {"id": "2"}),
    ],
)
def test_a_value_is_written_in_the_type_of_its_field(
    field: FieldSpec, value: Value, written: Any
) -> None:
    assert typed(value, spec=field) == written


def test_the_name_of_a_value_goes_before_the_id_of_another() -> None:
    assert typed("2", spec=PRIORITY) == {"id": "3"}


def test_a_long_text_field_is_written_as_a_document() -> None:
    document = opened(typed("one\ntwo", spec=RICH))
    assert document["type"] == "doc"
    assert [block["content"][0]["text"] for block in document["content"]] == ["one", "two"]


@given(st.text())
def test_a_single_line_field_never_gets_two_lines_or_more_than_255_units(text: str) -> None:
    written = typed(text, spec=TEXT)
    assert len(written.splitlines()) <= 1
    assert len(written.encode("utf-16-le")) <= 2 * 255


@given(st.lists(st.text()).map(tuple))
def test_labels_never_hold_white_space_or_nothing(texts: tuple[str, ...]) -> None:
    labels = typed(texts, spec=LABELS)
    assert all(label and not any(letter.isspace() for letter in label) for label in labels)
    assert len(labels) == len(set(labels))


@given(st.datetimes(timezones=st.just(UTC)))
def test_an_instant_keeps_its_millisecond(at: datetime) -> None:
    assert datetime.fromisoformat(typed(at, spec=WHEN)) == at.replace(
        microsecond=at.microsecond // 1000 * 1000
    )


@pytest.mark.parametrize(
    ("field", "value", "wanted"),
    [
        (URL, "halo.example/1", "absolute"),
        (URL, "javascript://halo.example/%0aalert(1)", "absolute"),
        (URL, "https://[::1", "absolute"),
        (NUMBER, "many", "a number"),
        (NUMBER, "inf", "a number"),
        (NUMBER, True, "a number"),
        (CHOICE, "Medium", "High, Low"),
        (CHOICE, True, "High, Low"),
        (BOXES, ("High", "Medium"), "High, Low"),
        (USER, "anna@example.com", "account id"),
        (USER, "Anna Example", "account id"),
        (DATE, "tomorrow", "2026-12-01"),
        (WHEN, "", "2026-12-01"),
        (TEAM, "x", "team"),
    ],
)
def test_a_value_that_jira_would_refuse_is_refused_with_what_is_allowed(
    field: FieldSpec, value: Value, wanted: str
) -> None:
    with pytest.raises(UnusableValue, match=wanted) as refused:
        typed(value, spec=field)
    assert field.name in str(refused.value)


def test_of_many_allowed_values_the_first_twenty_are_named() -> None:
    many = replace(CHOICE, allowed=tuple(Allowed(str(n), f"value {n}") for n in range(33)))
    with pytest.raises(UnusableValue, match="value 19 and 13 more"):
        typed("none of them", spec=many)


@given(st.lists(st.text(min_size=1).filter(lambda text: text == text.strip())))
def test_any_escaped_list_is_read_back(parts: list[str]) -> None:
    escaped = ",".join(re.sub(r"[\\,]", r"\\\g<0>", part) for part in parts)
    assert split_list(escaped) == tuple(parts)


# --- Fields of rarer types ------------------------------------------------------------------------

CASCADE = spec(
    "Place",
    "option-with-child",
    custom="cascadingselect",
    id="customfield_20",
    allowed=(Allowed("1", "EU", (Allowed("11", "DE"), Allowed("12", "FR"))), Allowed("2", "US")),
)
SPRINT = replace(
    spec("Sprint", "array", items="json", id="customfield_21"),
    custom="com.pyxis.greenhopper.jira:gh-sprint",
)
OLD_TEAM = replace(
    spec("Team", "any", id="customfield_22"),
    custom="com.atlassian.teams:rm-teams-custom-field-team",
)
TEAM_ID = "36885b3c-1bf0-4f85-a357-c5b858c31de4"


@pytest.mark.parametrize(
    ("field", "text", "written"),
    [
        (TEAM, TEAM_ID, TEAM_ID),
        (
            replace(
                spec("Team", "any", id="customfield_22"),
                custom="com.atlassian.jira.plugin.system.customfieldtypes:atlassian-team",
            ),
            TEAM_ID,
            TEAM_ID,
        ),
        (spec("Parent", "issuelink", system="parent", id="parent"), "SEC-12", {"key": "SEC-12"}),
        (CASCADE, "eu > fr", {"id": "1", "child": {"id": "12"}}),
        (CASCADE, "EU -> DE", {"id": "1", "child": {"id": "11"}}),
        (CASCADE, "US", {"id": "2"}),
        (SPRINT, "37", 37),
        (spec("Group", "group", id="customfield_23"), "ops", {"name": "ops"}),
        (
            spec("Groups", "array", items="group", id="customfield_24"),
            "ops",
            [{"name": "ops"}],
        ),
    ],
)
def test_each_rarer_type_is_written_as_jira_takes_it(
    field: FieldSpec, text: str, written: object
) -> None:
    assert typed(text, spec=field) == written


@pytest.mark.parametrize(
    ("field", "text", "words"),
    [
        (TEAM, "Platform", "the id of a team"),
        (spec("Parent", "issuelink", id="parent"), "sec-12", "such as SEC-1"),
        (CASCADE, "EU > US", "DE, FR"),
        (CASCADE, "AS > CN", "EU, US"),
        (CASCADE, "US > CA", "no value at all"),
        (SPRINT, "Sprint 37", "the number of a sprint"),
        (OLD_TEAM, TEAM_ID, "cannot be filled from here"),
    ],
)
def test_a_value_of_a_rarer_type_that_does_not_fit_is_refused(
    field: FieldSpec, text: str, words: str
) -> None:
    with pytest.raises(UnusableValue, match=words):
        typed(text, spec=field)


def test_json_is_sent_as_it_stands_where_its_shape_fits() -> None:
    raw = as_listed('json:[{"id": "1, 2"}]', spec=SPRINT)
    assert typed(raw, spec=SPRINT) == [{"id": "1, 2"}]
    anything = as_listed('json:{"a": 1}', spec=OLD_TEAM)
    assert typed(anything, spec=OLD_TEAM) == {"a": 1}


@pytest.mark.parametrize("text", ['json:{"id": "1"}', "json:[", "json:true", "json:null"])
def test_json_of_another_shape_is_refused(text: str) -> None:
    with pytest.raises(UnusableValue, match="JSON that"):
        typed(as_listed(text, spec=SPRINT), spec=SPRINT)


def test_what_halo_says_never_becomes_json() -> None:
    assert typed("json:[1]", spec=LABELS) == ["json:[1]"]
    with pytest.raises(UnusableValue):
        typed("json:[1]", spec=SPRINT)
