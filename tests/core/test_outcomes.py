"""What outcomes mean for memory and for the watermark."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from job.core.ids import TicketId, Version
from job.core.ledger import Ledger, account, next_watermark, unsettled
from job.core.links import link_begun, link_to
from job.core.memory import IntentKind, Link
from job.core.model import Action, Afterwards, Case, Decision, Outcome, OutcomeKind, Reason
from job.core.outcomes import after, park, quietly
from job.core.plan import make_plan
from job.core.shelf import Held
from tests.kit.builders import NOW, destination, intent, issue, ticket

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


def link(**over: object) -> Link:
    made = link_to(TICKET, case=CASE, now=NOW)
    return replace(made, **over)


def changes(kind: OutcomeKind, *, decision: Decision = COMMENT):  # type: ignore[no-untyped-def]
    outcome = Outcome(
        decision=decision, kind=kind, error_class="ticket_rejected", message="Jira said no."
    )
    return after([outcome], standing={ISSUE.id}, now=NOW, settings_digest="d")


def touched(minute: int) -> Decision:
    """A comment on what Halo touched at this minute."""
    return replace(
        COMMENT,
        case=replace(CASE, issue=replace(ISSUE, last_seen_at=NOW + timedelta(minutes=minute))),
    )


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
    parked = replace(touched(2), action=None, reason="ticket_missing", afterwards=Afterwards.PARK)
    quiet = replace(touched(3), action=None, reason="unchanged")
    now, capped = touched(4), touched(5)
    plan = make_plan(map(Held.of, [waiting, parked, quiet, now, capped]), at_most=1)
    unknown, deferred = touched(6), touched(7)
    kinds = {OutcomeKind.UNKNOWN: unknown, OutcomeKind.DEFERRED: deferred}
    ledger = ledger_of(Outcome(decision=kinds.get(kind, now), kind=kind) for kind in OutcomeKind)
    expected = [one.case.issue.touched_at for one in (waiting, capped, unknown, deferred)]
    assert sorted(unsettled(plan, ledger=ledger)) == sorted(expected)


# --- Memory ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", OutcomeKind)
def test_only_a_write_of_unknown_fate_keeps_its_intent(kind: OutcomeKind) -> None:
    assert (ISSUE.id in changes(kind).settled) == (kind is not OutcomeKind.UNKNOWN)


def test_a_failure_parks_its_issue_and_a_success_releases_it() -> None:
    (parked,) = changes(OutcomeKind.FAILED).parked
    assert (parked.error_class, parked.message, parked.attempts) == (
        "ticket_rejected",
        "Jira said no.",
        1,
    )
    again = replace(COMMENT, case=replace(CASE, parked=parked))
    assert changes(OutcomeKind.DONE, decision=again).released == (ISSUE.id,)
    assert changes(OutcomeKind.UNCHANGED, decision=again).released == (ISSUE.id,)
    assert changes(OutcomeKind.DEFERRED, decision=again).released == ()


def test_a_parked_issue_is_tried_within_a_quarter_of_an_hour_and_then_ever_more_seldom() -> None:
    case, waits = CASE, []
    for _ in range(40):
        entry = park(case, error_class="c", message="m", now=NOW, under="d")
        waits.append(entry.next_at - NOW)
        case = replace(case, parked=entry)
    assert waits[0] <= timedelta(minutes=15)
    assert waits == sorted(waits)
    assert waits[-1] == timedelta(hours=24)
    assert entry.first_at == NOW


def test_an_unchanged_case_writes_nothing_at_all() -> None:
    seen = replace(
        COMMENT,
        case=replace(CASE, link=link(), linked=True),
        action=None,
        reason=Reason.UNCHANGED,
    )
    assert not quietly([seen], now=NOW + timedelta(hours=1), settings_digest="d")


def test_a_case_that_only_got_older_words_remembers_its_new_version() -> None:
    seen = replace(
        COMMENT,
        case=replace(CASE, link=link(version=Version("old"))),
        action=None,
        reason=Reason.COMMENTS_OFF,
    )
    (renewed,) = quietly([seen], now=NOW, settings_digest="d").links
    assert (renewed.version, renewed.live) == (ISSUE.version, True)


def test_a_missing_ticket_is_counted_and_parked_and_its_version_stays_unapplied() -> None:
    before = link(version=Version("old"))
    missed = replace(
        COMMENT,
        case=replace(CASE, ticket=None, link=before),
        action=None,
        reason=Reason.TICKET_MISSING,
        afterwards=Afterwards.PARK,
    )
    made = quietly([missed], now=NOW, settings_digest="d")
    assert [(entry.misses, entry.version) for entry in made.links] == [(1, "old")]
    assert [entry.error_class for entry in made.parked] == ["ticket_missing"]


def test_a_wait_touches_nothing_and_keeps_its_intent() -> None:
    waiting = replace(
        COMMENT,
        case=replace(CASE, ticket=None, intent=intent(kind=IntentKind.COMMENT)),
        action=None,
        reason=Reason.CREATE_UNSETTLED,
        afterwards=Afterwards.WAIT,
    )
    assert not quietly([waiting], now=NOW, settings_digest="d")


def test_work_begun_keeps_the_version_that_was_applied_before() -> None:
    case = replace(CASE, link=link(version=Version("old"), live=False))
    begun = link_begun(TICKET, case=case, now=NOW)
    assert (begun.version, begun.live) == ("old", False)
    assert link_begun(replace(TICKET, id=TicketId("2")), case=case, now=NOW).version == ""


# --- Accounts -------------------------------------------------------------------------------------


def test_the_ledger_balances_or_the_run_fails() -> None:
    plan = make_plan(
        map(Held.of, [COMMENT, COMMENT, replace(COMMENT, action=Action.CLOSE)]), at_most=2
    )
    ended = [Outcome(decision=decision, kind=OutcomeKind.DONE) for decision in plan.decisions]
    counted = account(plan, ledger=ledger_of(ended))
    assert sum(sum(row.values()) for row in counted.values()) == 3
    assert counted == account(plan, ledger=ledger_of(ended)), "counting changes nothing"
    with pytest.raises(ValueError, match="does not balance"):
        account(plan, ledger=ledger_of(ended[:1]))


def test_the_ledger_keeps_what_leaves_something_behind_and_let_go_of_all_that_is_done() -> None:
    ended = [Outcome(decision=COMMENT, kind=kind, message=kind) for kind in OutcomeKind]
    ledger = ledger_of(ended)
    assert len(ledger.open) == 2
    assert {outcome.kind for outcome in ledger.bad} == {OutcomeKind.FAILED, OutcomeKind.UNKNOWN}
    ledger = ledger_of([Outcome(decision=COMMENT, kind=OutcomeKind.DONE)] * 1_000)
    assert (ledger.open, ledger.bad, ledger.parked) == ([], [], {})


@pytest.mark.parametrize("kind", OutcomeKind)
def test_the_ledger_know_who_is_parked_after_the_run(kind: OutcomeKind) -> None:
    (parked,) = changes(OutcomeKind.FAILED).parked
    again = replace(COMMENT, case=replace(CASE, parked=parked))
    expected = {} if kind is OutcomeKind.DEFERRED else {ISSUE.id: kind is OutcomeKind.FAILED}
    assert ledger_of([Outcome(decision=again, kind=kind)]).parked == expected
    assert ledger_of([Outcome(decision=COMMENT, kind=kind)]).parked == (
        {ISSUE.id: True} if kind is OutcomeKind.FAILED else {}
    )
