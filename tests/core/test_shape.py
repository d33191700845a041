"""A field of a screen is found by its id or by its name."""

import pytest
from msgspec.structs import replace

from tests.core.jira_fields import ID_FIELD, TEXT, screen, spec


def test_an_id_goes_before_a_name_and_a_name_may_be_in_any_case() -> None:
    named_like_an_id = spec("customfield_1", "string", custom="textfield", id="customfield_99")
    assert screen(named_like_an_id).find("customfield_1") == TEXT
    assert screen().find("hALO iSSUE id") == ID_FIELD


def test_a_name_of_several_fields_is_refused_with_their_ids() -> None:
    twin = replace(TEXT, id="customfield_99")
    with pytest.raises(LookupError, match="customfield_1, customfield_99"):
        screen(twin).find("Text")
