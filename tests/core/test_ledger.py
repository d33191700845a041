"""What a run keeps of its outcomes, and how far the watermark moves because of them."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from job.core.ledger import Ledger, account, next_watermark, unsettled
from job.core.model import Action, Afterwards, Case, Decision, Outcome, OutcomeKind, Reason
from job.core.plan import Plan, make_plan
from job.core.shelf import Shelved
from job.core.weigh import Past, within_limits
from tests.kit.builders import NOW, destination, issue, parked, ticket

INSTANTS = st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001
OVERLAP = timedelta(minutes=5)

ISSUE = issue(critical=True, last_seen_at=NOW - timedelta(minutes=30))
TICKET = ticket()
CASE = Case(issue=ISSUE, ticket=TICKET)
COMMENT = Decision(
    case=CASE,
    destination=destination(),
    action=Action.COMMENT,
    reason=Reason.UPDATED,
    because="b.",
)


def touched(minute: int) -> Decision:
    """A comment on what Halo touched at this minute."""
    return replace(
        COMMENT,
        case=replace(CASE, issue=replace(ISSUE, last_seen_at=NOW + timedelta(minutes=minute))),
    )


def capped_plan(decisions: Iterable[Decision], *, at_most: int) -> Plan:
    made = make_plan(map(Shelved.of, decisions))
    return within_limits(made, allowed={}, past=Past(), at_most=at_most).plan


def ledger_of(outcomes: Iterable[Outcome]) -> Ledger:
    ledger = Ledger()
    for outcome in outcomes:
        ledger.enter(outcome)
    return ledger


# --- The watermark --------------------------------------------------------------------------------


@given(INSTANTS, INSTANTS, st.lists(INSTANTS, max_size=5))
def test_the_watermark_never_goes_back_by_itself(
    previous: datetime, start: datetime, held: list[datetime]
) -> None:
    mark = next_watermark(
        previous, started_at=start, overlap=OVERLAP, held_by=held, may_go_back=False
    )
    assert mark >= previous


@given(INSTANTS, INSTANTS, st.lists(INSTANTS, max_size=5), st.booleans())
def test_the_watermark_never_moves_past_unsettled_work_or_near_the_start(
    previous: datetime, start: datetime, held: list[datetime], command: bool
) -> None:
    mark = next_watermark(
        previous, started_at=start, overlap=OVERLAP, held_by=held, may_go_back=command
    )
    assert mark == previous or all(mark <= bound for bound in [start - OVERLAP, *held])


def test_only_a_command_takes_the_watermark_back() -> None:
    held = [NOW - timedelta(days=9)]
    mark = next_watermark(NOW, started_at=NOW, overlap=OVERLAP, held_by=held, may_go_back=True)
    assert mark == held[0]


def test_what_is_unknown_deferred_or_waited_for_is_unsettled_and_nothing_else() -> None:
    waiting = replace(
        touched(1), action=None, reason="create_unsettled", afterwards=Afterwards.WAIT
    )
    set_aside = replace(
        touched(2), action=None, reason="ticket_missing", afterwards=Afterwards.PARK
    )
    quiet = replace(touched(3), action=None, reason="unchanged")
    now, capped = touched(4), touched(5)
    plan = capped_plan([waiting, set_aside, quiet, now, capped], at_most=1)
    unknown, deferred = touched(6), touched(7)
    kinds = {OutcomeKind.UNKNOWN: unknown, OutcomeKind.DEFERRED: deferred}
    ledger = ledger_of(Outcome(decision=kinds.get(kind, now), kind=kind) for kind in OutcomeKind)
    expected = [left.case.issue.touched_at for left in (waiting, capped, unknown, deferred)]
    assert sorted(unsettled(plan, ledger=ledger)) == sorted(expected)


def test_what_is_parked_holds_no_watermark_while_it_waits_for_its_turn() -> None:
    again = replace(touched(1), case=replace(touched(1).case, parked=parked()))
    plan = capped_plan([touched(0), again], at_most=1)
    assert [one.issue_id for one in plan.deferred.shelved] == [again.case.issue.id]
    assert list(unsettled(plan, ledger=Ledger())) == []


# --- Accounts -----------------------------------------------------------------------------------


def test_the_ledger_balances_or_the_run_fails() -> None:
    plan = capped_plan([COMMENT, COMMENT, replace(COMMENT, action=Action.CLOSE)], at_most=2)
    ended = [Outcome(decision=decision, kind=OutcomeKind.DONE) for decision in plan.decisions]
    counted = account(plan, ledger=ledger_of(ended))
    assert sum(sum(row.values()) for row in counted.values()) == 3
    assert counted == account(plan, ledger=ledger_of(ended)), "counting changes nothing"
    with pytest.raises(ValueError, match="does not balance"):
        account(plan, ledger=ledger_of(ended[:1]))


def test_the_ledger_keeps_what_leaves_something_behind_and_lets_go_of_all_that_is_done() -> None:
    ended = [Outcome(decision=COMMENT, kind=kind, message=kind) for kind in OutcomeKind]
    ledger = ledger_of(ended)
    assert len(ledger.open) == 2
    assert {outcome.kind for outcome in ledger.bad} == {OutcomeKind.FAILED, OutcomeKind.UNKNOWN}
    ledger = ledger_of([Outcome(decision=COMMENT, kind=OutcomeKind.DONE)] * 1_000)
    assert (ledger.open, ledger.bad, ledger.parked) == ([], [], {})


@pytest.mark.parametrize("kind", OutcomeKind)
def test_the_ledger_knows_who_is_parked_after_the_run(kind: OutcomeKind) -> None:
    again = replace(COMMENT, case=replace(CASE, parked=parked()))
    expected = {} if kind is OutcomeKind.DEFERRED else {ISSUE.id: kind is OutcomeKind.FAILED}
    assert ledger_of([Outcome(decision=again, kind=kind)]).parked == expected
    assert ledger_of([Outcome(decision=COMMENT, kind=kind)]).parked == (
        {ISSUE.id: True} if kind is OutcomeKind.FAILED else {}
    )
