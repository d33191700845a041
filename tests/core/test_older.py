"""A ticket of an older program is of an issue where it names its asset and its rule."""

import pytest

from job.core.ids import IssueId
from job.core.older import agrees, is_old, old_writing
from job.jira.wire.older import older_words
from tests.kit.builders import issue

WEB = issue(asset_hostname="web-1", asset_name="Web 1", name="5.2.8 Ensure SSH root login is off")
OLD = "2c57e001156611f1b60bc209629f6fbe"


@pytest.mark.parametrize(
    ("words", "believed"),
    [
        ("Halo detected issue in server web-1 (csm): 5.2.8 Ensure SSH root login is off", True),
        ("HALO: web-1,\n 5.2.8  ensure ssh root login is off!", True),
        ("On Web 1: 5.2.8 Ensure SSH root login is off", True),
        ("Halo detected issue in server web-10 (csm): 5.2.8 Ensure SSH root login is off", False),
        ("Halo detected issue in server db.web-1 (csm): 5.2.8 Ensure SSH root login is off", False),
        ("Halo detected issue in server web-1 (csm): 15.2.8 Ensure SSH root login is off", False),
        ("Halo detected issue in server web-1 (csm): Ensure SSH", False),
        ("", False),
    ],
)
def test_words_speak_for_a_ticket_where_they_name_asset_and_rule(
    words: str, believed: bool
) -> None:
    assert agrees(words, issue=WEB) is believed


def test_an_issue_that_names_no_asset_or_no_rule_is_never_agreed_with() -> None:
    words = "Halo detected issue in server  (csm): "
    assert not agrees(words, issue=issue(asset_hostname="", asset_name="", asset_fqdn="", name=""))


def test_the_old_writing_of_an_id_has_no_hyphens() -> None:
    ours = IssueId("2C57E001-1566-11F1-B60B-C209629F6FBE")
    assert old_writing(ours) == OLD
    assert is_old(f" {OLD.upper()} ")
    for other in (OLD, "SEC-1", "https://halo/v3/issues/1", ""):
        assert old_writing(IssueId(other)) == ""
    assert not is_old(ours)


@pytest.mark.parametrize(
    ("held", "properties", "words"),
    [
        (OLD, {}, "Root login Found on web-1. Twice."),
        (OLD, {"halo.sync": {"issue": "x"}}, ""),
        ("2c57e001-1566-11f1-b60b-c209629f6fbe", {}, ""),
        (None, {}, ""),
        ([OLD, "urgent"], {}, "Root login Found on web-1. Twice."),
    ],
)
def test_only_a_ticket_with_the_old_writing_and_without_our_property_is_asked_what_it_says(
    held: object, properties: dict[str, object], words: str
) -> None:
    paragraphs = [
        {"type": "paragraph", "content": [{"type": "text", "text": text}]}
        for text in ("Found on web-1.", "Twice.")
    ]
    fields = {"cf": held, "summary": "Root login", "description": {"content": paragraphs}}
    raw = {"fields": fields, "properties": properties}
    assert older_words(raw, id_field="cf") == words
    assert older_words(raw, id_field=None) == ""
