"""Which issues count as old before the first run looked, under each word of `BACKLOG`."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from job.core.backlog import Backlog, BacklogMode, Beginning, Size, told
from job.core.cases import IssueWithLink, Notes, Scope, is_newsworthy, make_case
from job.core.issues import Issue, IssueStatus
from job.core.shards import Shard
from tests.kit.builders import NOW, intent, issue, issue_id, link, parked, policy

OLD, FRESH = NOW - timedelta(days=90), NOW + timedelta(hours=1)
NOTE = Backlog(issue_id=issue_id(), critical=False, at=NOW)
TOUCHED, ALL, CRITICAL, NONE = BacklogMode


def beginning(mode: BacklogMode, *, known: bool = True, asked_days: int = 0) -> Beginning:
    """Of a deployment whose first run looked from now on."""
    asked_from = NOW - timedelta(days=asked_days) if asked_days else None
    return Beginning(mode=mode, begun_from=NOW, told=known, asked_from=asked_from)


def seen(*, fresh: bool = False, critical: bool = False, resolved: bool = False) -> Issue:
    """An issue of long ago, which Halo touched since if it is fresh."""
    at = FRESH if fresh else OLD
    status = IssueStatus.RESOLVED if resolved else IssueStatus.ACTIVE
    made = issue(critical=critical, status=status, created_at=OLD, last_seen_at=at)
    return replace(made, resolved_at=at if resolved else None)


@pytest.mark.parametrize(
    ("mode", "old", "old_critical", "fresh"),
    [
        (TOUCHED, True, True, False),
        (ALL, False, False, False),
        (CRITICAL, True, False, False),
        (NONE, True, True, False),
    ],
)
def test_each_word_says_which_issues_are_left_alone(
    mode: BacklogMode, *, old: bool, old_critical: bool, fresh: bool
) -> None:
    begins = beginning(mode)
    assert begins.leaves_alone(seen(), note=None) == old
    assert begins.leaves_alone(seen(critical=True), note=None) == old_critical
    assert begins.leaves_alone(seen(fresh=True), note=None) == fresh
    assert begins.leaves_alone(seen(resolved=True), note=None), "it was over before we began"


@pytest.mark.parametrize("mode", [CRITICAL, NONE])
def test_what_was_noted_stays_old_however_often_halo_sees_it(mode: BacklogMode) -> None:
    begins = beginning(mode)
    assert begins.leaves_alone(seen(fresh=True), note=NOTE)
    assert begins.leaves_alone(seen(fresh=True, resolved=True), note=NOTE), "and has no record"
    back = replace(NOTE, resolved=True)
    assert not begins.leaves_alone(seen(fresh=True), note=back), "it came back"
    assert begins.leaves_alone(seen(fresh=True, resolved=True), note=back)
    assert not begins.leaves_alone(seen(fresh=True, critical=True), note=NOTE), "it became so"
    assert not begins.leaves_alone(seen(fresh=True), note=replace(NOTE, over=True))


def test_what_was_critical_when_it_was_noted_did_not_become_so() -> None:
    was = replace(NOTE, critical=True)
    assert beginning(NONE).leaves_alone(seen(critical=True, fresh=True), note=was)
    assert not beginning(CRITICAL).leaves_alone(seen(critical=True), note=was), "words change"


@pytest.mark.parametrize("mode", [TOUCHED, ALL])
def test_notes_of_other_settings_count_for_nothing(mode: BacklogMode) -> None:
    assert not beginning(mode).leaves_alone(seen(fresh=True), note=NOTE)
    assert not beginning(mode).may_have_note(seen(fresh=True))


@pytest.mark.parametrize("mode", [TOUCHED, CRITICAL, NONE])
@pytest.mark.parametrize("note", [None, NOTE])
def test_what_somebody_asked_for_by_a_time_is_no_backlog(
    mode: BacklogMode, note: Backlog | None
) -> None:
    assert not beginning(mode, asked_days=91).leaves_alone(seen(), note=note)
    assert beginning(mode, asked_days=89).leaves_alone(seen(), note=note)


def test_memory_of_older_programs_knows_no_backlog() -> None:
    for mode in BacklogMode:
        begins = Beginning(mode=mode)
        assert not begins.leaves_alone(seen(), note=None)
        assert not begins.leaves_alone(seen(resolved=True), note=None)
        assert not begins.passes_over(seen())
        assert not begins.may_have_note(seen(fresh=True))


def test_only_what_cannot_have_changed_is_passed_over() -> None:
    for mode in (TOUCHED, CRITICAL, NONE):
        assert beginning(mode).passes_over(seen())
        assert not beginning(mode, known=False).passes_over(seen())
        assert not beginning(mode).passes_over(seen(fresh=True))
        assert not beginning(mode).passes_over(seen(resolved=True))
        assert not beginning(mode).passes_over(replace(seen(), unreadable="It is a number."))
        assert beginning(mode).passes_over(seen(critical=True)) == (mode is TOUCHED)
    assert not beginning(ALL).passes_over(seen())


def test_a_note_is_sought_only_of_issues_that_are_older_than_the_beginning() -> None:
    for mode in (CRITICAL, NONE):
        assert beginning(mode).may_have_note(seen(fresh=True))
        assert beginning(mode).may_have_note(replace(seen(fresh=True), created_at=None))
        assert not beginning(mode).may_have_note(replace(seen(fresh=True), created_at=NOW))
        assert not beginning(mode).may_have_note(seen()), "it is passed over"
        assert not beginning(mode, known=False).may_have_note(seen()), "it is about to be noted"


def test_a_note_is_written_when_it_says_something_new() -> None:
    def after(note: Backlog | None, now_is: Issue, *, alone: bool) -> Backlog | None:
        return beginning(NONE).note_after(now_is, note=note, alone=alone, now=NOW)

    assert after(None, seen(), alone=True) == NOTE
    assert after(None, seen(critical=True), alone=True) == replace(NOTE, critical=True)
    assert after(None, seen(fresh=True), alone=False) is None
    assert after(None, seen(resolved=True), alone=True) is None
    assert after(NOTE, seen(fresh=True, critical=False), alone=True) is None
    assert after(NOTE, seen(resolved=True), alone=True) == replace(NOTE, resolved=True)
    assert after(NOTE, seen(fresh=True), alone=False) == replace(NOTE, over=True)
    touched = beginning(TOUCHED)
    assert touched.note_after(seen(), note=None, alone=True, now=NOW) is None


@pytest.mark.parametrize(
    "notes",
    [
        Notes(intents={issue_id(): intent()}),
        Notes(held=frozenset({issue_id()})),
        Notes(parked={issue_id(): parked(tried="create")}),
        Notes(approved=frozenset({issue_id()})),
    ],
)
@pytest.mark.parametrize("mode", [TOUCHED, CRITICAL, NONE])
def test_an_issue_whose_ticket_was_decided_on_before_is_no_backlog(
    notes: Notes, mode: BacklogMode
) -> None:
    def old_with(notes: Notes) -> bool:
        scope = scope_of(mode, notes=notes)
        known = IssueWithLink(issue=seen(), link=None)
        case, _ = make_case(
            known, linked_ticket=None, found=(), shown=(), create_denied=False, scope=scope
        )
        return case.old

    assert not old_with(notes)
    assert old_with(Notes())
    assert old_with(Notes(parked={issue_id(): parked(tried="close")}))


def scope_of(mode: BacklogMode, *, known: bool = True, notes: Notes | None = None) -> Scope:
    return Scope(
        since=OLD,
        until=FRESH,
        sweep=True,
        shard=Shard(),
        policy=policy(),
        settings_digest="d",
        notes=notes or Notes(),
        beginning=beginning(mode, known=known),
    )


def test_a_sweep_looks_at_old_issues_until_they_are_told_apart_and_no_more() -> None:
    for mode in (TOUCHED, CRITICAL, NONE):
        told_apart = scope_of(mode)
        assert not is_newsworthy(seen(), link=None, scope=told_apart)
        assert is_newsworthy(seen(), link=None, scope=scope_of(mode, known=False))
        assert is_newsworthy(seen(), link=link(), scope=told_apart), "a sweep looks at tickets"
        noted = scope_of(mode, notes=Notes(parked={issue_id(): parked()}))
        assert is_newsworthy(seen(), link=None, scope=noted), "it is parked"


def test_what_the_settings_exclude_is_noted_as_well() -> None:
    """Settings change; what was old when all began is old then."""
    fits = replace(policy(), no_sva=True)
    old = replace(seen(), type="sva")
    for known in (True, False):
        scope = replace(scope_of(NONE, known=known), policy=fits)
        assert is_newsworthy(old, link=None, scope=scope) is not known
    assert not is_newsworthy(replace(old, last_seen_at=FRESH), link=None, scope=scope)


def test_a_noted_issue_that_halo_saw_again_costs_no_call_to_jira() -> None:
    scope = scope_of(NONE)
    assert not is_newsworthy(seen(fresh=True), link=None, note=NOTE, scope=scope)
    assert is_newsworthy(seen(fresh=True, resolved=True), link=None, note=NOTE, scope=scope)
    assert is_newsworthy(seen(fresh=True, critical=True), link=None, note=NOTE, scope=scope)
    over = replace(NOTE, over=True)
    assert is_newsworthy(seen(fresh=True), link=None, note=over, scope=scope)


def test_the_size_is_told_in_a_sentence_that_says_what_comes() -> None:
    assert told(Size(issues=1_240, critical=85), mode=TOUCHED) == (
        "1,240 active issues are older than the look-back, 85 critical; BACKLOG=touched: "
        "they come as Halo scans them."
    )
    assert told(Size(issues=1, critical=None), mode=NONE) == (
        "1 active issue is older than the look-back; BACKLOG=none: they never come by themselves."
    )
    assert told(Size(issues=0, critical=0), mode=ALL) == (
        "No active issue is older than the look-back."
    )
    assert "does not let us count" in told(None, mode=CRITICAL)
    assert "the first run makes their tickets" in told(Size(issues=3, critical=0), mode=ALL)
