"""Fields that follow Halo, and people's values, which never do."""

import random
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

import pytest
from msgspec.structs import replace

from job.core import follow
from job.core.fields import filled
from job.core.follow import Edit, Wrote
from job.core.issues import Evidence, Issue
from job.core.ladders import Step, parse_step
from job.core.present import Holding, holding
from job.core.shape import TicketSettings
from job.core.summary import summary
from tests.core.jira_fields import screen
from tests.kit.builders import NOW, issue

SETTINGS: Final = TicketSettings(
    project_key="SEC",
    ticket_type="Bug",
    id_field="Halo Issue ID",
    mapping=(("max_cvss", "Score"), ("critical", "Critical"), ("tags.owner", "Text")),
    labels=("halo", "{tags.env}"),
    priority=(
        Step(parse_step("critical"), "High"),
        Step(parse_step("default"), "2"),
    ),
    due=(Step(parse_step("critical"), "7d"), Step(parse_step("default"), "30d")),
)
SCREEN = screen()
ISSUE = issue(critical=False, max_cvss=5.0, first_seen_at=NOW, tags=(("env", "prod"),))
SEEDS = 1_000


class Field:
    """One ticket's fields as Jira keeps them, and who wrote each value last."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self.values = dict(values)
        self.people: dict[str, Any] = {}
        self.labels_of_people: set[str] = set()
        self.labels_taken: set[str] = set()

    @property
    def labels(self) -> list[str]:
        return list(self.values.get("labels", ()))

    def holds(self, wrote: Wrote) -> dict[str, Holding]:
        return {name: holding(self.values.get(name)) for name in wrote.watched}

    def take(self, edit: Edit) -> None:
        self.values |= edit.fields
        for steps in edit.labels.values():
            for step in steps:
                self._step(step)

    def _step(self, step: Mapping[str, str]) -> None:
        labels = [label for label in self.labels if label != step.get("remove")]
        self.values["labels"] = [*labels, *([step["add"]] if "add" in step else [])]


def made(seen: Issue, *, settings: TicketSettings = SETTINGS) -> tuple[Field, Wrote]:
    evidence = Evidence(issue=seen)
    values = filled(evidence, settings=settings, screen=SCREEN, made_at=NOW).fields
    values |= {"summary": summary(seen)}
    wrote = follow.first_written(
        values, evidence=evidence, settings=settings, screen=SCREEN, made_at=NOW
    )
    return Field(values), wrote


def edit(
    seen: Issue, *, wrote: Wrote, ticket: Field, settings: TicketSettings = SETTINGS, days: int = 0
) -> Edit:
    return follow.edit(
        Evidence(issue=seen),
        wrote=wrote,
        holds=ticket.holds(wrote),
        settings=settings,
        screen=SCREEN,
        now=NOW + timedelta(days=days),
    )


def test_what_halo_says_anew_is_written_into_the_fields_that_are_ours() -> None:
    ticket, wrote = made(ISSUE)
    found = edit(replace(ISSUE, critical=True, max_cvss=9.8), wrote=wrote, ticket=ticket)
    assert found.fields["priority"] == {"id": "2"}
    assert found.fields["duedate"] == (NOW + timedelta(days=7)).date().isoformat()
    assert found.fields["customfield_4"] == 9.8
    assert found.labels == {}


def test_nothing_is_written_where_halo_says_what_it_said() -> None:
    ticket, wrote = made(ISSUE)
    assert not edit(ISSUE, wrote=wrote, ticket=ticket).touched


def test_the_source_tells_without_jira_whether_anything_has_changed() -> None:
    _, wrote = made(ISSUE)
    same = follow.source_of(Evidence(issue=ISSUE), settings=SETTINGS, now=NOW + timedelta(days=90))
    assert same == wrote.source
    worse = Evidence(issue=replace(ISSUE, max_cvss=9.8))
    assert follow.source_of(worse, settings=SETTINGS, now=NOW) != wrote.source


def test_a_value_that_a_person_changed_is_theirs_for_good() -> None:
    ticket, wrote = made(ISSUE)
    ours = ticket.values["priority"]
    ticket.values["priority"] = {"id": "5", "name": "Lowest"}
    worse = replace(ISSUE, critical=True)
    found = edit(worse, wrote=wrote, ticket=ticket)
    assert "priority" not in found.fields
    ticket.take(found)
    ticket.values["priority"] = ours  # put back, it stays theirs
    again = edit(replace(worse, critical=False), wrote=found.done, ticket=ticket)
    assert "priority" not in again.fields
    assert "customfield_7" in again.fields


def test_a_field_that_a_person_cleared_stays_empty() -> None:
    ticket, wrote = made(ISSUE)
    ticket.values["duedate"] = None
    found = edit(replace(ISSUE, critical=True), wrote=wrote, ticket=ticket)
    assert "duedate" not in found.fields


def test_a_field_that_had_no_value_yet_is_filled_unless_somebody_has() -> None:
    ticket, wrote = made(ISSUE)
    owned = replace(ISSUE, tags=(("env", "prod"), ("owner", "payments")))
    assert edit(owned, wrote=wrote, ticket=ticket).fields == {"customfield_1": "payments"}
    ticket.values["customfield_1"] = "anna"
    assert not edit(owned, wrote=wrote, ticket=ticket).touched


def test_labels_come_and_go_by_name_beside_those_of_people() -> None:
    ticket, wrote = made(ISSUE)
    ticket.values["labels"] = [*ticket.labels, "mine"]
    found = edit(replace(ISSUE, tags=(("env", "test"),)), wrote=wrote, ticket=ticket)
    assert found.labels == {"labels": ({"remove": "prod"}, {"add": "test"})}
    ticket.take(found)
    assert sorted(ticket.labels) == ["halo", "mine", "test"]


def test_a_label_of_ours_that_a_person_removed_stays_away() -> None:
    ticket, wrote = made(ISSUE)
    ticket.values["labels"] = ["prod"]
    moved = replace(ISSUE, tags=(("env", "test"),))
    found = edit(moved, wrote=wrote, ticket=ticket)
    ticket.take(found)
    assert ticket.labels == ["test"]
    back = edit(ISSUE, wrote=found.done, ticket=ticket)
    ticket.take(back)
    assert ticket.labels == ["prod"]


def test_a_label_that_a_person_gave_first_is_never_taken_away() -> None:
    ticket, wrote = made(ISSUE)
    ticket.values["labels"] = [*ticket.labels, "test"]
    moved = edit(replace(ISSUE, tags=(("env", "test"),)), wrote=wrote, ticket=ticket)
    ticket.take(moved)
    back = edit(ISSUE, wrote=moved.done, ticket=ticket)
    ticket.take(back)
    assert "test" in ticket.labels


@pytest.mark.parametrize("arrived", [True, False])
def test_an_edit_whose_answer_was_lost_is_ours(arrived: bool) -> None:
    ticket, wrote = made(ISSUE)
    worse = replace(ISSUE, critical=True, tags=(("env", "test"),))
    lost = edit(worse, wrote=wrote, ticket=ticket)
    if arrived:
        ticket.take(lost)
    pending = follow.remembered(lost.pending)
    assert pending is not None
    assert pending.source != wrote.source  # else nobody would look at the ticket again
    ticket.take(edit(ISSUE, wrote=pending, ticket=ticket))
    assert ticket.values["duedate"] == (NOW + timedelta(days=30)).date().isoformat()
    assert ticket.values["priority"] == {"id": "3"}
    assert sorted(ticket.labels) == ["halo", "prod"]


def test_a_day_that_was_over_when_it_was_written_moves_only_with_the_rule() -> None:
    ticket, wrote = made(ISSUE)
    worse = replace(ISSUE, critical=True)
    late = edit(worse, wrote=wrote, ticket=ticket, days=20)
    assert late.fields["duedate"] == (NOW + timedelta(days=20)).date().isoformat()
    ticket.take(late)
    later = edit(replace(worse, max_cvss=9.9), wrote=late.done, ticket=ticket, days=40)
    assert "duedate" not in later.fields


def test_only_the_fields_that_are_named_follow() -> None:
    named = replace(SETTINGS, follow=("Priority", "CUSTOMFIELD_4"))
    ticket, wrote = made(ISSUE, settings=named)
    worse = replace(ISSUE, critical=True, max_cvss=9.8, tags=())
    found = edit(worse, wrote=wrote, ticket=ticket, settings=named)
    assert found.touched == {"priority", "customfield_4"}


def test_a_static_value_and_the_id_follow_nothing() -> None:
    fixed = replace(SETTINGS, static=(("Score", "1"),), mapping=(("max_cvss", "Halo Issue ID"),))
    _, wrote = made(ISSUE, settings=fixed)
    assert not {"customfield_4", SCREEN.id_field.id} & wrote.watched


def test_fields_that_jira_refuses_stay_as_they_are_known() -> None:
    ticket, wrote = made(ISSUE)
    worse = replace(ISSUE, critical=True, tags=(("env", "test"),))
    left = edit(worse, wrote=wrote, ticket=ticket).without(["priority", "labels"])
    assert left.touched.isdisjoint({"priority", "labels"})
    assert {"duedate", "customfield_7"} <= left.touched
    assert left.done.forms["priority"] == wrote.forms["priority"]
    assert left.done.labels == wrote.labels


def test_memory_of_another_program_makes_every_value_a_persons() -> None:
    assert follow.remembered("") is None
    assert follow.remembered('{"forms": 7}') is None


def test_memory_of_one_ticket_is_bounded() -> None:
    many = tuple((f"{number}" * 200) for number in range(1_000))
    _, wrote = made(ISSUE, settings=replace(SETTINGS, labels=many))
    assert len(wrote.text) < 12_000


# --- Over random lives ----------------------------------------------------------------------------


def live(seed: int) -> None:
    """One ticket through changes in Halo, edits by people, and edits whose end is lost."""
    rng = random.Random(seed)
    seen = ISSUE
    ticket, wrote = made(seen)
    for day in range(rng.randrange(1, 12)):
        for _ in range(rng.randrange(3)):
            _by_person(ticket, wrote=wrote, rng=rng)
        seen = _by_halo(seen, rng=rng)
        found = edit(seen, wrote=wrote, ticket=ticket, days=day)
        fate = rng.choice(("done", "done", "done", "lost before", "lost after"))
        if fate != "lost before":
            ticket.take(found)
        kept = found.done.text if fate == "done" else found.pending
        if not found.touched:
            kept = found.done.text
        wrote = follow.remembered(kept) or wrote
        _nobody_has_lost_anything(ticket, seed=seed)


def _by_person(ticket: Field, *, wrote: Wrote, rng: random.Random) -> None:
    name = rng.choice(("summary", "priority", "duedate", "customfield_4", "labels"))
    if name == "labels":
        _labels_by_person(ticket, rng=rng)
        return
    value = {
        "summary": rng.choice(("Mine", "Ours", None)),
        "priority": {"id": rng.choice("145"), "name": "Any"},
        "duedate": rng.choice(("2031-01-01", None)),
        "customfield_4": rng.choice((1.5, 2.5, None)),
    }[name]
    if holding(value) != holding(ticket.values.get(name)):
        ticket.values[name] = ticket.people[name] = value


def _labels_by_person(ticket: Field, *, rng: random.Random) -> None:
    label = rng.choice(("halo", "prod", "test", "mine"))
    if label in ticket.labels:
        ticket.values["labels"] = [known for known in ticket.labels if known != label]
        ticket.labels_of_people.discard(label)
    elif label == "mine":  # nobody could tell afterwards whose a label of ours is
        ticket.values["labels"] = [*ticket.labels, label]
        ticket.labels_of_people.add(label)


def _by_halo(seen: Issue, *, rng: random.Random) -> Issue:
    return replace(
        seen,
        critical=rng.random() < 0.5,
        max_cvss=rng.choice((4.0, 7.5, 9.8)),
        tags=(("env", rng.choice(("prod", "test", "dev"))),),
    )


def _nobody_has_lost_anything(ticket: Field, *, seed: int) -> None:
    for name, value in ticket.people.items():
        assert holding(ticket.values.get(name)) == holding(value), (seed, name)
    assert ticket.labels_of_people <= set(ticket.labels), seed


def test_no_value_of_a_person_is_ever_lost() -> None:
    for seed in range(SEEDS):
        live(seed)


if __name__ == "__main__":
    import sys

    first, many = map(int, sys.argv[1:])
    for number in range(first, first + many):
        live(number)
    print(f"{many} lives from {first}: nobody has lost a value.")
