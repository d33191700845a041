"""Which listed issues may need anything at all, and which are asked for though no list has them."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from job.core.cases import (
    IssueWithLink,
    Notes,
    Scope,
    is_newsworthy,
    make_case,
    needs_search,
)
from job.core.ids import IssueId, Version
from job.core.issues import IssueStatus
from job.core.memory import Link, Parked
from job.core.shards import Shard
from tests.kit.builders import NOW, intent, issue, issue_id, link, parked, policy, ticket

ISSUE = issue(last_seen_at=NOW)
APPLIED = link(version=ISSUE.version)
CHANGED = link(version=Version("older"))
OWED = replace(APPLIED, status_owed="Backlog")
BEGUN = {ISSUE.id: intent()}
NOT_DUE = parked(version=ISSUE.version, next_at=NOW + timedelta(minutes=5))
DUE = replace(NOT_DUE, next_at=NOW)
UNDER_OTHER_SETTINGS = replace(NOT_DUE, settings_digest="other")
BEFORE_IT_CHANGED = replace(NOT_DUE, version=Version("older"))
NOTHING = Notes()


def scope(notes: Notes = NOTHING, *, critical_only: bool = False, sweep: bool = False) -> Scope:
    return Scope(
        since=NOW - timedelta(hours=1),
        until=NOW,
        sweep=sweep,
        shard=Shard(),
        policy=policy(critical_only=critical_only),
        settings_digest=NOT_DUE.settings_digest,
        notes=notes,
    )


BROKEN = {ISSUE.id: "It is newer."}


def set_aside(parked: Parked) -> Notes:
    return Notes(parked={ISSUE.id: parked})


@pytest.mark.parametrize(
    ("known", "within", "newsworthy"),
    [
        pytest.param(None, scope(), True, id="never seen"),
        pytest.param(CHANGED, scope(), True, id="changed"),
        pytest.param(APPLIED, scope(), False, id="same version"),
        pytest.param(APPLIED, scope(sweep=True), True, id="same version, in a sweep"),
        pytest.param(OWED, scope(), True, id="same version, status owed"),
        pytest.param(APPLIED, scope(Notes(intents=BEGUN)), True, id="same version, begun"),
        pytest.param(None, scope(critical_only=True), False, id="excluded"),
        pytest.param(APPLIED, scope(Notes(broken=BROKEN)), True, id="broken notes"),
        pytest.param(
            None,
            scope(Notes(broken=BROKEN, parked={ISSUE.id: NOT_DUE})),
            False,
            id="broken notes, parked and not due",
        ),
        pytest.param(None, scope(critical_only=True, sweep=True), False, id="excluded, in a sweep"),
        pytest.param(CHANGED, scope(critical_only=True), True, id="excluded, with a ticket"),
        pytest.param(
            None, scope(Notes(intents=BEGUN), critical_only=True), True, id="excluded, begun"
        ),
        pytest.param(None, scope(set_aside(NOT_DUE)), False, id="parked, not due"),
        pytest.param(
            None, scope(set_aside(NOT_DUE), sweep=True), False, id="parked, not due, in a sweep"
        ),
        pytest.param(None, scope(set_aside(DUE)), True, id="parked, due"),
        pytest.param(
            None, scope(set_aside(UNDER_OTHER_SETTINGS)), True, id="parked under other settings"
        ),
        pytest.param(None, scope(set_aside(BEFORE_IT_CHANGED)), True, id="changed since parked"),
        pytest.param(
            APPLIED, scope(set_aside(BEFORE_IT_CHANGED)), True, id="applied, but still parked"
        ),
    ],
)
def test_a_listed_issue_may_need_something(
    known: Link | None, within: Scope, newsworthy: bool
) -> None:
    assert is_newsworthy(ISSUE, link=known, scope=within) is newsworthy


def test_what_is_begun_or_due_again_is_asked_for_even_if_no_list_has_it() -> None:
    begun, due, not_due, other = map(issue_id, range(1, 5))
    notes = Notes(
        intents={begun: intent()},
        parked={due: DUE, not_due: NOT_DUE, other: UNDER_OTHER_SETTINGS},
    )
    assert scope(notes).to_describe == {begun, due, other}
    lost, waiting = issue_id(5), not_due
    broken = replace(notes, broken={lost: "It is newer.", waiting: "It is newer."})
    assert scope(broken).to_describe == {begun, due, other, lost}
    assert lost in broken
    assert not_due in notes
    assert IssueId("unheard-of") not in notes


HARD_CLOSED = policy(hard_closed=frozenset({"Closed"}))


@pytest.mark.parametrize(
    ("status", "issue_status", "sought"),
    [
        ("Closed", IssueStatus.ACTIVE, True),
        ("Done", IssueStatus.ACTIVE, False),
        ("Closed", IssueStatus.RESOLVED, False),
    ],
)
def test_an_open_copy_is_looked_for_when_an_active_issues_ticket_is_hard_closed(
    status: str, issue_status: IssueStatus, *, sought: bool
) -> None:
    known = IssueWithLink(issue=replace(ISSUE, status=issue_status), link=APPLIED)
    within = replace(scope(), policy=HARD_CLOSED)
    assert needs_search(known, ticket=ticket(status=status), scope=within) is sought


@pytest.mark.parametrize(
    ("misses", "shown", "gone"), [(0, {"SEC"}, False), (1, {"SEC"}, True), (1, set(), False)]
)
def test_a_ticket_is_gone_at_its_second_miss_where_jira_shows_others(
    misses: int, shown: set[str], *, gone: bool
) -> None:
    case, _ = make_case(
        IssueWithLink(issue=ISSUE, link=replace(APPLIED, misses=misses)),
        linked_ticket=None,
        found=(),
        shown=shown,
        create_denied=False,
        scope=scope(),
    )
    assert case.ticket_gone is gone
