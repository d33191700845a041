"""Order of a plan, its limits, what is held of it and what goes through."""

from collections.abc import Iterable, Sequence
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from job.core.held import DAY, Entry, Kind, Quota, Standing, Used, digest_of, joint_set
from job.core.model import Action, Case, Decision, Reason
from job.core.pieces import Known, giving_back, repacked, taking
from job.core.plan import Limits, Plan, make_plan
from job.core.shards import Shard
from job.core.shelf import Shelved
from job.core.weigh import Past, Weighed, allowances, within_limits
from tests.kit.builders import NOW, destination, intent, issue, issue_id, parked, ticket

ALONE = Shard()


def decision(number: int, action: Action | None, *, minutes_ago: int = 0) -> Decision:
    seen_at = NOW - timedelta(minutes=minutes_ago)
    case = Case(issue=issue(number, last_seen_at=seen_at), ticket=ticket(number))
    return Decision(
        case=case, destination=destination(), action=action, reason=Reason.NEW, because="b."
    )


def decisions(action: Action, many: int) -> list[Decision]:
    return [decision(number, action) for number in range(many)]


def again(one: Decision, *, tried: Kind, attempts: int = 1) -> Decision:
    """A decision about an issue that is parked since this was tried."""
    note = parked(1, issue_id=one.case.issue.id, tried=tried, attempts=attempts)
    return replace(one, case=replace(one.case, parked=note))


def plan_of(some: Iterable[Decision]) -> Plan:
    return make_plan(map(Shelved.of, some))


def weighed(
    some: Iterable[Decision],
    limits: Limits,
    *,
    live: int = 0,
    quota: Quota = Quota(),  # noqa: B008 -- frozen
    shard: Shard = ALONE,
    past: Past = Past(),  # noqa: B008 -- frozen
    at_most: int = 0,
    strangers: Sequence[str] = (),
) -> Weighed:
    allowed = allowances(
        limits,
        quota=quota,
        shard=shard,
        run="r",
        execution="e",
        live_links=live,
        strangers=strangers,
        now=NOW,
    )
    return within_limits(plan_of(some), allowed=allowed, past=past, at_most=at_most)


def closed(many: int, *, live: int = 100, ago: timedelta = timedelta(hours=1)) -> Quota:
    """So many closes of another run."""
    taken = Used(kind=Kind.CLOSE, shard="0-of-1", at=NOW - ago, many=many, live=live, run="other")
    return Quota(used=(taken,))


# --- Order ----------------------------------------------------------------------------------------


def test_a_plan_takes_the_oldest_changes_first_and_lets_the_rest_wait() -> None:
    some = [decision(n, Action.COMMENT, minutes_ago=n) for n in range(5)]
    made = weighed(some, Limits(), at_most=2).plan
    assert [d.case.issue.id for d in made.decisions] == [issue_id(4), issue_id(3)]
    assert [d.case.issue.id for d in made.deferred] == [issue_id(2), issue_id(1), issue_id(0)]


def test_the_never_tried_go_before_the_often_failed() -> None:
    failing = [
        again(decision(n, Action.CREATE, minutes_ago=99), tried=Kind.CREATE) for n in range(12)
    ]
    made = weighed([*failing, decision(50, Action.CREATE)], Limits(), at_most=1).plan
    assert [d.case.issue.id for d in made.decisions] == [issue_id(50)]


def test_no_cap_means_everything() -> None:
    assert len(weighed(decisions(Action.COMMENT, 7), Limits()).plan.decisions) == 7


@given(st.permutations([(n, action) for n, action in enumerate([*Action, None])]))
def test_the_order_in_which_cases_come_changes_nothing(
    shuffled: list[tuple[int, Action | None]],
) -> None:
    straight = plan_of(decision(n, action) for n, action in sorted(shuffled, key=lambda p: p[0]))
    assert plan_of(decision(n, action) for n, action in shuffled) == straight


# --- Limits ---------------------------------------------------------------------------------------


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
def test_a_limit_allows_exactly_its_number_and_over_it_holds_the_kind_and_nothing_else(
    limits: Limits, action: Action, allowed: int, live: int, name: str
) -> None:
    within = weighed(decisions(action, allowed), limits, live=live).plan
    assert (len(within.decisions), within.held.shelved, within.over) == (allowed, (), ())
    some = [*decisions(action, allowed + 1), decision(99, Action.COMMENT)]
    over = weighed(some, limits, live=live).plan
    assert [shelved.action for shelved in over.decisions.shelved] == [Action.COMMENT]
    assert len(over.held) == allowed + 1
    (words,) = over.over
    assert name in words
    assert f"the plan has {allowed + 1}." in words
    assert over.tally == {action: allowed + 1, Action.COMMENT: 1}


@pytest.mark.parametrize(
    ("limits", "action"),
    [
        (Limits(), Action.CREATE),
        (Limits(), Action.REOPEN),
        (Limits(close_percent_max=100), Action.CLOSE),
    ],
)
def test_no_limit_is_no_limit(limits: Limits, action: Action) -> None:
    assert len(weighed(decisions(action, 5_000), limits).plan.decisions) == 5_000


def test_a_mass_close_does_not_slip_through_in_slices() -> None:
    sliced = weighed(decisions(Action.CLOSE, 500), Limits(), live=1_000, at_most=5).plan
    assert len(sliced.held) == 500


def test_nothing_is_created_beside_tickets_of_strangers_unapproved() -> None:
    some = [*decisions(Action.CREATE, 1), decision(9, Action.COMMENT)]
    for limits in (Limits(), Limits(create_max=5), Limits(create_max=5, slices=True)):
        plan = weighed(some, limits, strangers=list("abcd")).plan
        assert [shelved.action for shelved in plan.held.shelved] == [Action.CREATE]
        assert 'hold "a", "b", "c" in the id field' in plan.over[0]
        approved = Past(approved=[shelved.line for shelved in plan.held.shelved])
        assert not weighed(some, limits, strangers=list("abcd"), past=approved).plan.held
    assert not weighed(some[1:], Limits(), strangers=list("abcd")).plan.held


def test_what_failed_before_is_held_beside_tickets_of_strangers_and_does_not_wait_in_silence() -> (
    None
):
    failing = [again(one, tried=Kind.CREATE) for one in decisions(Action.CREATE, 2)]
    plan = weighed(failing, Limits(create_max=5), strangers=["a"]).plan
    assert len(plan.held) == 2
    assert not plan.deferred
    assert 'hold "a" in the id field' in plan.over[0]
    approved = Past(approved=[shelved.line for shelved in plan.held.shelved])
    assert len(weighed(failing, Limits(), strangers=["a"], past=approved).plan.decisions) == 2


def test_the_closes_of_a_day_count_against_the_links_at_their_start() -> None:
    some = decisions(Action.CLOSE, 10)
    assert not weighed(some, Limits(), live=80, quota=closed(20)).plan.held
    assert weighed(some, Limits(), live=80, quota=closed(21)).plan.held
    assert not weighed(some, Limits(), live=80, quota=closed(21, ago=DAY)).plan.held
    assert weighed(some, Limits(), live=80, quota=closed(20, live=80)).plan.held


def test_what_this_run_took_itself_does_not_count_against_it() -> None:
    taken = Used(kind=Kind.CLOSE, shard="0-of-1", at=NOW, many=10, live=30, run="r")
    assert not weighed(
        decisions(Action.CLOSE, 10), Limits(), live=30, quota=Quota(used=(taken,))
    ).plan.held


@pytest.mark.parametrize(
    ("execution", "shard", "held"), [("e", "1-of-2", 5), ("f", "1-of-2", 0), ("e", "0-of-2", 0)]
)
def test_creates_count_with_those_of_the_other_tasks_of_the_execution(
    execution: str, shard: str, held: int
) -> None:
    taken = Used(kind=Kind.CREATE, shard=shard, at=NOW, many=6, run="x", execution=execution)
    plan = weighed(
        decisions(Action.CREATE, 5),
        Limits(create_max=10),
        quota=Quota(used=(taken,)),
        shard=Shard(index=0, count=2),
    ).plan
    assert len(plan.held) == held


# --- What does not count --------------------------------------------------------------------------


def test_what_was_approved_or_granted_goes_through_and_counts_no_more() -> None:
    some = decisions(Action.CLOSE, 21)
    lines = [Shelved.of(one).line for one in some]
    found = weighed(some, Limits(), past=Past(approved=lines[:6], granted=lines[6:11]))
    assert len(found.plan.decisions) == 21
    assert len(found.counted[Kind.CLOSE]) == 10
    assert len(weighed(some, Limits(), past=Past(approved=lines[:6])).plan.held) == 15


def test_an_approval_of_another_ticket_of_the_issue_approves_nothing() -> None:
    some = decisions(Action.CLOSE, 11)
    lines = [Shelved.of(one).line.replace(" 100", " 200") for one in some]
    assert len(weighed(some, Limits(), past=Past(approved=lines)).plan.held) == 11


def test_finishing_a_create_that_was_begun_is_no_create() -> None:
    cut_short = [
        replace(one, reason=Reason.CREATE_CUT_SHORT) for one in decisions(Action.CREATE, 8)
    ]
    begun = [
        replace(one, case=replace(one.case, intent=intent(1)))
        for one in (decision(n, Action.CREATE) for n in range(20, 28))
    ]
    new = [decision(n, Action.CREATE) for n in range(40, 48)]
    plan = weighed([*cut_short, *begun, *new], Limits(create_max=8)).plan
    assert len(plan.decisions) == 24


def test_what_failed_before_trips_no_limit_and_is_tried_within_what_is_left() -> None:
    failing = [again(one, tried=Kind.CLOSE) for one in decisions(Action.CLOSE, 12)]
    plan = weighed(failing, Limits()).plan
    assert (len(plan.decisions), len(plan.deferred), plan.over) == (10, 2, ())
    new = [decision(n, Action.CLOSE) for n in range(50, 54)]
    plan = weighed([*failing, *new], Limits()).plan
    assert (len(plan.decisions), len(plan.deferred), len(plan.held)) == (10, 6, 0)
    assert {one.issue_id for one in plan.decisions.shelved} > {issue_id(n) for n in range(50, 54)}


def test_a_kind_that_stays_held_keeps_nothing_parked_from_being_tried() -> None:
    failing = [again(one, tried=Kind.CLOSE) for one in decisions(Action.CLOSE, 3)]
    new = [decision(n, Action.CLOSE) for n in range(50, 61)]
    plan = weighed([*failing, *new], Limits()).plan
    assert (len(plan.decisions), len(plan.held)) == (3, 11)


def test_what_failed_in_another_way_counts_as_new() -> None:
    failing = [again(one, tried=Kind.REOPEN) for one in decisions(Action.CLOSE, 11)]
    assert len(weighed(failing, Limits()).plan.held) == 11


# --- Slices ---------------------------------------------------------------------------------------


def test_a_slice_takes_the_critical_then_the_highest_cvss_then_the_oldest() -> None:
    def new(number: int, *, critical: bool, cvss: float | None, days: int) -> Decision:
        found = issue(
            number, critical=critical, max_cvss=cvss, first_seen_at=NOW - timedelta(days=days)
        )
        one = decision(number, Action.CREATE)
        return replace(one, case=replace(one.case, issue=found))

    worst_first = [
        new(1, critical=True, cvss=None, days=9),
        new(2, critical=False, cvss=9.8, days=1),
        new(3, critical=False, cvss=9.7, days=3),
        new(4, critical=False, cvss=9.7, days=2),
        new(5, critical=False, cvss=None, days=99),
    ]
    for many in range(1, 6):
        plan = weighed(reversed(worst_first), Limits(create_max=many, slices=True)).plan
        taken = {one.issue_id for one in plan.decisions.shelved}
        assert taken == {issue_id(number) for number in range(1, many + 1)}
        assert (plan.sliced, len(plan.deferred), plan.over) == (5 - many, 5 - many, ())


# --- What memory keeps ----------------------------------------------------------------------------


def test_nothing_has_no_digest_and_the_order_of_lines_changes_none() -> None:
    assert digest_of([]) == ""
    assert digest_of(["a", "b"]) == digest_of(["b", "a"]) != digest_of(["a"])


def test_an_entry_survives_being_a_text_whatever_its_issue_is_called() -> None:
    entry = Entry(3, NOW, "close an odd id 10001 SEC")
    assert Entry.of(entry.text) == entry
    assert entry.issue_id == "an odd id"


@given(st.lists(st.sets(st.integers(0, 1_300), max_size=1_300), max_size=4))
def test_repacked_pieces_hold_what_was_wanted_and_nothing_else(steps: list[set[int]]) -> None:
    kept: dict[str, object] = {}
    before: tuple[object, ...] = ()
    for wanted in steps:
        entries = [Entry(1, NOW, f"close {n} - SEC") for n in sorted(wanted)]
        known = Known(pieces=before)  # type: ignore[arg-type]
        written, dropped = repacked(known.pieces, shard="0-of-1", entries=entries)
        kept |= {piece.name: piece for piece in written}
        for name in dropped:
            del kept[name]
        before = tuple(kept.values())
        texts = [text for piece in before for text in piece.texts]  # type: ignore[attr-defined]
        assert sorted(texts) == sorted(entry.text for entry in entries)
        assert all(0 < len(piece.texts) <= 500 for piece in before)  # type: ignore[attr-defined]


def test_what_a_shard_took_is_kept_by_the_hour_for_a_day_and_what_is_given_back_is_not() -> None:
    quota = Quota()
    for number in range(40):
        now = NOW + number * timedelta(minutes=50)
        mine = Used(kind=Kind.CLOSE, shard="0-of-1", at=now, many=2, live=90, run=f"r{number}")
        quota = taking(quota, mine={Kind.CLOSE: mine}, shard=ALONE, open_runs=(), now=now)
    assert len(quota.used) <= 26
    assert sum(used.many for used in quota.used) == 2 * 29
    assert sum(used.many for used in giving_back(quota, shard="0-of-1", many=3).used) == 2 * 29 - 3
    assert giving_back(quota, shard="1-of-2", many=3) == quota


def test_one_digest_names_what_all_tasks_hold_and_of_one_alone_its_own() -> None:
    standing = {
        "0-of-3": Standing(digest="a", generation=4),
        "1-of-3": Standing(digest="", generation=9),
        "2-of-3": Standing(digest="b", generation=2),
    }
    joint = joint_set(standing, at=NOW)
    assert joint.generations == {"0-of-3": 4, "2-of-3": 2}
    assert joint.digest not in {"a", "b", ""}
    alone = joint_set({"0-of-3": standing["0-of-3"]}, at=NOW)
    assert (alone.digest, alone.generations) == ("a", {"0-of-3": 4})
    assert joint_set({}, at=NOW).digest == ""
