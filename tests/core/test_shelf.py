"""Decisions on the shelf: what comes out is what was put in, and it takes little room."""

import pickle
import tracemalloc
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import fields, replace

from job.core.decisions import decide
from job.core.ids import IssueId
from job.core.issues import Issue, IssueStatus
from job.core.memory import Link
from job.core.model import Action, Case, Decision, Ticket
from job.core.plan import make_plan
from job.core.shelf import Row, Shelf, Shelved
from tests.kit.builders import NOW, issue, issue_id, policy, ticket, ticket_id

POLICY = policy()
TEXTS = {part.name: st.text(max_size=30) for part in fields(Issue) if part.type is str}
INSTANTS = st.none() | st.datetimes(datetime(2026, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001

issues = st.builds(
    Issue,
    id=st.uuids().map(str),
    status=st.sampled_from(IssueStatus),
    critical=st.booleans(),
    last_seen_at=INSTANTS,
    resolved_at=INSTANTS,
    cves=st.lists(st.text(max_size=20), max_size=5).map(tuple),
    max_cvss=st.none() | st.floats(0, 10),
    **TEXTS,
)
tickets = st.builds(
    Ticket,
    id=st.integers(1, 99_999).map(str),
    key=st.just("SEC-1"),
    project=st.just("SEC"),
    status=st.sampled_from(["To Do", "Done"]),
)
links = st.builds(
    Link, ticket_id=st.just("1"), fingerprint=st.text("abcdef0123456789", max_size=64)
)
cases = st.builds(Case, issue=issues, ticket=st.none() | tickets, link=st.none() | links)


def decided(case: Case) -> Decision:
    return decide(case, policy=POLICY, now=NOW)


def shelf_of(decisions: list[Decision], *, whole_max: int) -> Shelf:
    shelf = Shelf(whole_max=whole_max)
    for decision in decisions:
        shelf.put(decision)
    return shelf


@given(
    st.lists(cases, max_size=12, unique_by=lambda case: case.issue.id),
    st.integers(0, 12),
)
def test_a_plan_is_the_same_whether_its_decisions_were_packed_or_not(
    some: list[Case], whole_max: int
) -> None:
    decisions = [decided(case) for case in some]
    whole = make_plan(shelf_of(decisions, whole_max=99))
    packed = make_plan(shelf_of(decisions, whole_max=whole_max))
    for name in ("decisions", "quiet"):
        assert list(getattr(packed, name)) == list(getattr(whole, name))
    assert packed.tally == whole.tally


def decision(number: int, *, name: str = "x") -> Decision:
    """A new issue as Halo lists it: what differs from issue to issue differs."""
    own = issue_id(number)
    host = f"{number // 4:032x}"
    made = issue(
        number,
        critical=bool(number % 2),
        name=name,
        url=f"https://api.example/v3/issues/{own}",
        rule_name="5.2.8 Ensure SSH root login is disabled",
        asset_name=f"host-{number // 4}.prod.example.com",
        asset_url=f"https://api.example/v2/servers/{host}",
        group_path="Acme/Prod/Back Office",
        last_seen_at=NOW + timedelta(seconds=number),
        finding_url=f"https://api.example/v1/scans/{number:032x}/findings/{number:032x}",
    )
    return decided(Case(issue=made))


def test_beyond_the_first_ones_a_decision_takes_a_sixth_of_its_words() -> None:
    shelf = shelf_of([decision(number) for number in range(1_000)], whole_max=10)
    kept = [len(held._kept.difference) for held in shelf if not isinstance(held._kept, Decision)]
    assert len(kept) == 990
    assert sum(kept) / len(kept) < len(pickle.dumps(decision(1))) / 6


@pytest.mark.parametrize("whole_max", [0, 99])
def test_of_one_issue_only_the_last_decision_stays(whole_max: int) -> None:
    shelf = shelf_of(
        [decision(1, name="old"), decision(2), decision(1, name="new")], whole_max=whole_max
    )
    assert [held.whole().case.issue.name for held in shelf] == ["x", "new"]
    shelf.drop(decision(2).case.issue.id)
    assert len(shelf) == 1
    shelf.drop(IssueId("nobody"))


@pytest.mark.parametrize("dictionary", [b"", b"anything"])
def test_a_row_gives_single_ones_slices_and_those_with_some_actions(dictionary: bytes) -> None:
    closing = replace(decision(2), action=Action.CLOSE)
    row = Row(
        tuple(
            Shelved.of(made, dictionary=dictionary) for made in (decision(1), closing, decision(3))
        )
    )
    assert (len(row), row[1], list(row[1:])) == (3, closing, [closing, decision(3)])
    assert list(row.of({Action.CREATE})) == [decision(1), decision(3)]


def test_what_a_plan_asks_most_is_known_without_unpacking() -> None:
    one = decision(1)
    one = replace(one, case=replace(one.case, ticket=ticket(7), link=None))
    held = Shelved.of(one, dictionary=b"anything")
    assert (held.issue_id, held.touched_at) == (one.case.issue.id, one.case.issue.touched_at)
    assert (held.action, held.reason, held.afterwards, held.ticket_id) == (
        one.action,
        one.reason,
        one.afterwards,
        ticket_id(7),
    )


def test_what_lies_beyond_the_first_ten_thousand_takes_less_than_half_the_room() -> None:
    shelf, taken = Shelf(), []
    tracemalloc.start()
    try:
        for many in (10_000, 5_000):
            before, _ = tracemalloc.get_traced_memory()
            for _ in range(many):
                shelf.put(decided(Case(issue=wordy_issue(len(shelf)))))
            after, _ = tracemalloc.get_traced_memory()
            taken.append((after - before) / many)
    finally:
        tracemalloc.stop()
    whole, packed = taken
    assert packed < whole / 2, taken


def wordy_issue(number: int) -> Issue:
    """One of very many, whose words are not the very same objects as another's."""
    words = f"Ensure that the {number % 7}th of the {'really long list of ' * 20}settings is set"
    return issue(
        number,
        name=words,
        rule_key=words.upper(),
        policy_name=words.lower(),
        last_seen_at=NOW + timedelta(seconds=number),
    )
