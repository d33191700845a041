"""Order, digest and limits of a plan."""

from collections.abc import Iterable
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from job.core.model import Action, Case, Decision, Reason
from job.core.plan import Limits, Plan, guard
from job.core.plan import make_plan as plan_of_held
from job.core.shelf import Held
from job.errors import UnsafePlan
from tests.kit.builders import NOW, destination, issue, issue_id, ticket, ticket_id

NO_LIMITS = Limits(close_percent_max=100)


def decision(number: int, action: Action | None, *, minutes_ago: int = 0) -> Decision:
    seen_at = NOW - timedelta(minutes=minutes_ago)
    case = Case(issue=issue(number, last_seen_at=seen_at), ticket=ticket(number))
    return Decision(
        case=case, destination=destination(), action=action, reason=Reason.NEW, because="b."
    )


def decisions(action: Action, many: int) -> list[Decision]:
    return [decision(number, action) for number in range(many)]


def make_plan(some: Iterable[Decision], *, at_most: int) -> Plan:
    return plan_of_held(map(Held.of, some), at_most=at_most)


def test_a_plan_takes_the_oldest_changes_first_and_lets_the_rest_wait() -> None:
    made = make_plan([decision(n, Action.COMMENT, minutes_ago=n) for n in range(5)], at_most=2)
    assert [d.case.issue.id for d in made.decisions] == [issue_id(4), issue_id(3)]
    assert [d.case.issue.id for d in made.deferred] == [issue_id(2), issue_id(1), issue_id(0)]


def test_no_cap_means_everything() -> None:
    assert len(make_plan(decisions(Action.COMMENT, 7), at_most=0).decisions) == 7


@given(st.permutations([(n, action) for n, action in enumerate([*Action, None])]))
def test_the_order_in_which_cases_come_changes_nothing(
    shuffled: list[tuple[int, Action | None]],
) -> None:
    straight = make_plan(
        [decision(n, action) for n, action in sorted(shuffled, key=lambda pair: pair[0])], at_most=3
    )
    mixed = make_plan([decision(n, action) for n, action in shuffled], at_most=3)
    assert mixed == straight
    assert mixed.digest == straight.digest


@pytest.mark.parametrize(
    "action", [Action.CREATE, Action.CREATE_AND_CLOSE, Action.CLOSE, Action.REOPEN]
)
def test_one_more_create_close_or_reopen_is_another_plan(action: Action) -> None:
    before = make_plan([decision(1, Action.CLOSE)], at_most=0)
    after = make_plan([decision(1, Action.CLOSE), decision(2, action)], at_most=0)
    assert before.digest != after.digest


def test_another_ticket_for_the_same_issue_is_another_plan() -> None:
    one = decision(1, Action.CLOSE)
    other_ticket = replace(one.case.ticket, id=ticket_id(77))  # type: ignore[type-var]
    two = replace(one, case=replace(one.case, ticket=other_ticket))
    assert make_plan([one], at_most=0).digest != make_plan([two], at_most=0).digest


def test_comments_come_and_go_without_making_an_approval_worthless() -> None:
    before = make_plan([decision(1, Action.CLOSE)], at_most=0)
    after = make_plan([decision(1, Action.CLOSE), decision(2, Action.COMMENT)], at_most=0)
    assert before.digest == after.digest


@pytest.mark.parametrize(
    ("limits", "action", "allowed", "live", "name"),
    [
        (Limits(create_max=3), Action.CREATE, 3, 0, "MAX_CREATE"),
        (Limits(create_max=3), Action.CREATE_AND_CLOSE, 3, 0, "MAX_CREATE"),
        (Limits(reopen_max=2), Action.REOPEN, 2, 0, "MAX_REOPEN"),
        (Limits(close_percent_max=30), Action.CLOSE, 10, 0, "MAX_CLOSE_PERCENT"),
        (Limits(close_percent_max=30), Action.CLOSE, 10, 33, "MAX_CLOSE_PERCENT"),
        (Limits(close_percent_max=30), Action.CLOSE, 30, 100, "MAX_CLOSE_PERCENT"),
        (Limits(close_percent_max=0), Action.CLOSE, 10, 1000, "MAX_CLOSE_PERCENT"),
    ],
)
def test_a_limit_allows_exactly_its_number_and_its_error_names_it(
    limits: Limits, action: Action, allowed: int, live: int, name: str
) -> None:
    guard(
        make_plan(decisions(action, allowed), at_most=0),
        limits=limits,
        live_links=live,
        approved=None,
    )
    over = make_plan(decisions(action, allowed + 1), at_most=0)
    with pytest.raises(UnsafePlan, match=name) as refused:
        guard(over, limits=limits, live_links=live, approved=None)
    assert str(allowed + 1) in str(refused.value)
    assert refused.value.digest == over.digest


def test_a_limit_of_zero_creates_is_no_limit() -> None:
    guard(
        make_plan(decisions(Action.CREATE, 5000), at_most=0),
        limits=Limits(),
        live_links=0,
        approved=None,
    )


def test_a_mass_close_does_not_slip_through_in_slices() -> None:
    sliced = make_plan(decisions(Action.CLOSE, 500), at_most=5)
    with pytest.raises(UnsafePlan, match="the plan has 500"):
        guard(sliced, limits=Limits(), live_links=1000, approved=None)


def test_nothing_is_created_beside_tickets_of_strangers_unapproved() -> None:
    creates = make_plan(decisions(Action.CREATE, 1), at_most=0)
    with pytest.raises(UnsafePlan, match='hold "a", "b", "c" in the id field') as refused:
        guard(creates, limits=NO_LIMITS, live_links=0, approved=None, strangers=list("abcd"))
    digest = refused.value.digest
    guard(creates, limits=NO_LIMITS, live_links=0, approved=digest, strangers=list("abcd"))
    comments = make_plan(decisions(Action.COMMENT, 1), at_most=0)
    guard(comments, limits=NO_LIMITS, live_links=0, approved=None, strangers=list("abcd"))


def test_the_approved_plan_passes_its_limits_and_no_other_plan_does() -> None:
    over = make_plan(decisions(Action.CREATE, 9), at_most=0)
    guard(over, limits=Limits(create_max=1), live_links=0, approved=over.digest)
    moved = make_plan(decisions(Action.CREATE, 10), at_most=0)
    with pytest.raises(UnsafePlan, match="the world has moved"):
        guard(moved, limits=NO_LIMITS, live_links=0, approved=over.digest)
