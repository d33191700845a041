"""What outcomes mean for memory."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from job.core.ids import Version
from job.core.links import link_to
from job.core.memory import IntentKind, Link
from job.core.model import Action, Afterwards, Case, Decision, Outcome, OutcomeKind, Reason
from job.core.outcomes import after, park, quietly
from tests.kit.builders import NOW, destination, intent, issue, ticket

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


def test_the_link_of_a_ticket_that_is_gone_for_good_lives_no_more() -> None:
    left = replace(
        COMMENT,
        case=replace(CASE, ticket=None, link=link(version=Version("old")), ticket_gone=True),
        action=None,
        reason=Reason.TICKET_GONE,
    )
    (renewed,) = quietly([left], now=NOW, settings_digest="d").links
    assert (renewed.version, renewed.live) == (ISSUE.version, False)


def test_an_issue_of_which_nothing_is_left_to_do_settles_its_note() -> None:
    seen = replace(
        COMMENT,
        case=replace(CASE, link=link(), linked=True, intent=intent(kind=IntentKind.COMMENT)),
        action=None,
        reason=Reason.UNCHANGED,
    )
    assert quietly([seen], now=NOW, settings_digest="d").settled == (ISSUE.id,)
