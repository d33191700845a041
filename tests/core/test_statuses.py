"""A status is one status, whatever a person or a language makes of its name."""

import pytest

from job.core.routes import Purpose
from job.core.statuses import Status
from tests.kit.builders import workflow

DONE = Status(name="Erledigt", id="10001", untranslated="All  done", category="done")


@pytest.mark.parametrize("name", ["erledigt", " ALL DONE", "all\u00a0 done\t", "10001"])
def test_a_status_is_known_by_each_of_its_names_and_by_its_id(name: str) -> None:
    assert DONE.among([name])
    assert workflow(closed=frozenset({name})).is_closed(DONE)
    assert workflow(hard_closed=frozenset({name})).is_hard_closed(DONE)


@pytest.mark.parametrize("name", ["Done", "1000", "", " ", "alldone"])
def test_a_name_that_is_another_is_not_taken_for_it(name: str) -> None:
    assert not DONE.among([name])


def test_a_status_without_an_id_is_not_the_nameless_one() -> None:
    assert not Status(name="Done").among([""])


@pytest.mark.parametrize("group", ["closed", "hard_closed", "accepted"])
def test_a_done_status_that_some_setting_names_is_no_contradiction(group: str) -> None:
    assert workflow().is_closed_unnamed(DONE)
    assert not workflow(**{group: frozenset({"10001"})}).is_closed_unnamed(DONE)


def test_a_ticket_counts_as_reopened_wherever_it_is_not_closed() -> None:
    words = workflow(closed=frozenset({"10001"}), accepted=frozenset({"Accepted"}))
    assert not words.reopening.is_reached(DONE)
    assert not words.reopening.is_reached(Status(name="accepted"))
    assert words.reopening.is_reached(Status(name="Anywhere"))
    assert words.reopening.purpose is Purpose.REOPEN
