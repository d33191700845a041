"""Values of Jira's fields: which are the same in another form, and which are not."""

from typing import Any

import pytest

from job.core.present import form, holding

TEXT = {"type": "text", "text": "as seen"}
SAME: list[tuple[Any, Any]] = [
    ({"id": "2"}, {"self": "https://acme/priority/2", "id": "2", "name": "High", "iconUrl": "x"}),
    ({"accountId": "5b:1"}, {"accountId": "5b:1", "displayName": "Anna", "active": True}),
    (7, 7.0),
    ("2026-03-01T12:00:00.000+0000", "2026-03-01T22:00:00.000+1000"),
    (["b", "a"], ["a", "b"]),
    ([{"id": "11"}, {"id": "10"}], [{"id": "10", "value": "x"}, {"id": "11", "value": "y"}]),
    (
        {"id": "1", "child": {"id": "2"}},
        {"id": "1", "value": "A", "child": {"id": "2", "value": "B"}},
    ),
    ({"key": "SEC-1"}, {"id": "10001", "key": "SEC-1", "fields": {}}),
    ({"name": "ops"}, {"name": "ops", "self": "https://acme/group"}),
    ("36885b3c", {"id": "36885b3c", "name": "Platform"}),
    (None, []),
    ("", None),
    (
        {"type": "doc", "version": 1, "content": [{"type": "paragraph", "content": [TEXT]}]},
        {
            "type": "doc",
            "version": 2,
            "content": [
                {
                    "type": "paragraph",
                    "attrs": {"localId": "1"},
                    "content": [{"type": "text", "text": "as "}, {"type": "text", "text": "seen"}],
                }
            ],
        },
    ),
]
OTHER: list[tuple[Any, Any]] = [
    ({"id": "2"}, {"id": "3", "name": "High"}),
    ({"id": "1", "child": {"id": "2"}}, {"id": "1"}),
    (7, 7.5),
    ("7", 7),
    ("High", "high"),
    ("2026-03-01", "2026-03-02"),
    (["a"], ["a", "b"]),
    ("a", None),
    (False, None),
    (
        {"type": "doc", "content": [TEXT]},
        {"type": "doc", "content": [TEXT | {"marks": [{"type": "strong"}]}]},
    ),
]


@pytest.mark.parametrize(("written", "read"), SAME)
def test_a_value_that_jira_answers_in_another_form_is_the_same(written: Any, read: Any) -> None:
    assert form(written) == form(read)


@pytest.mark.parametrize(("written", "read"), OTHER)
def test_a_value_that_a_person_would_tell_apart_is_another(written: Any, read: Any) -> None:
    assert form(written) != form(read)


def test_entries_are_kept_of_texts_alone() -> None:
    assert holding(["b", "a"]).words == ("b", "a")
    assert holding([{"id": "1"}]).words == ()
