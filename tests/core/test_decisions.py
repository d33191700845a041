"""The decision table, as data: each state of Halo, Jira and memory, and what follows from it."""

from datetime import timedelta
from itertools import product
from typing import Any

import pytest
from msgspec.structs import replace

from job.core.decisions import RULES, asked, decide
from job.core.ids import Version
from job.core.issues import Issue, IssueStatus
from job.core.memory import Intent
from job.core.model import Action, Afterwards, Case, Ticket
from job.core.policy import Policy, WhenGone, choose
from job.core.steps import status_owed
from tests.kit import builders
from tests.kit.builders import NOW, intent, issue_id, link, policy

POLICY = policy(closed=frozenset({"DONE"}), hard_closed=frozenset({"closed"}))
QUIET = policy(closed=frozenset({"DONE"}), hard_closed=frozenset({"closed"}), comments=False)
STATUS = {"open": "To Do", "closed": "Done", "hard-closed": "Closed"}


def issue(status: str = "active", **over: Any) -> Issue:
    seen = NOW - timedelta(hours=1)
    resolved_at = seen if status == "resolved" else None
    parts: dict[str, Any] = {
        "status": IssueStatus(status),
        "last_seen_at": seen,
        "resolved_at": resolved_at,
    }
    return builders.issue(**parts | over)


def ticket(state: str = "open", *, number: int = 1, status: str = "") -> Ticket:
    return builders.ticket(number, status=status or STATUS[state])


def lost_create(*, age: timedelta) -> Intent:
    return intent(version=issue().version, at=NOW - age)


def case(status: str, state: str | None, *, linked: bool = True, **over: object) -> Case:
    seen = ticket(state) if state else None
    made = Case(
        issue=issue(status),
        ticket=seen,
        link=link() if linked and seen else None,
        linked=linked and bool(seen),
    )
    return replace(made, **over)


WORDS = policy(
    closed=frozenset({"DONE"}),
    accepted=frozenset({"Accepted"}),
    accepted_for=timedelta(days=90),
    accepted_worse_by=2.0,
)
SINCE = NOW - timedelta(days=1)


@pytest.mark.parametrize(
    ("status", "seen", "before", "action", "reason"),
    [
        ("active", {}, {}, None, "accepted"),
        ("active", {"critical": True}, {}, None, "accepted"),  # it was, when it was first seen
        ("active", {"critical": True}, {"accepted_at": SINCE}, "reopen", "acceptance_ended"),
        (
            "active",
            {"critical": True},
            {"accepted_at": SINCE, "accepted_critical": True},
            None,
            "accepted",
        ),
        ("active", {"max_cvss": 6.9}, {"accepted_at": SINCE}, "reopen", "acceptance_ended"),
        (
            "active",
            {"max_cvss": 6.9},
            {"accepted_at": SINCE, "accepted_cvss_tenths": 50},
            None,
            "accepted",
        ),
        (
            "active",
            {"max_cvss": 7.0},
            {"accepted_at": SINCE, "accepted_cvss_tenths": 50},
            "reopen",
            "acceptance_ended",
        ),
        ("active", {}, {"accepted_at": NOW - timedelta(days=90)}, "reopen", "acceptance_ended"),
        ("active", {}, {"accepted_at": NOW - timedelta(days=89)}, None, "accepted"),
        ("resolved", {}, {"accepted_at": SINCE}, "close", "resolved"),
        ("resolved", {}, {"version": issue("resolved").version}, None, "already_closed"),
    ],
)
def test_an_accepted_risk_is_left_alone_until_it_ends(
    status: str,
    seen: dict[str, Any],
    before: dict[str, Any],
    action: str | None,
    reason: str,
) -> None:
    told = case(
        status,
        "open",
        issue=issue(status, **seen),
        ticket=ticket(status="ACCEPTED"),
        link=link(**before),
    )
    decision = decide(told, policy=WORDS, now=NOW)
    assert (decision.action, decision.reason) == (action, reason)


# The table of job/docs/tickets.md, row by row: what Halo says, what Jira has, what is done.
TABLE = [
    ("active", None, Action.CREATE, "new"),
    ("active", "open", Action.COMMENT, "updated"),
    ("active", "closed", Action.REOPEN, "closed_too_early"),
    ("active", "hard-closed", Action.CREATE, "hard_closed"),
    ("resolved", "open", Action.CLOSE, "resolved"),
    ("resolved", None, Action.CREATE_AND_CLOSE, "resolved_unseen"),
    ("resolved", "closed", None, "already_closed"),
    ("resolved", "hard-closed", None, "already_closed"),
]


@pytest.mark.parametrize(("status", "state", "action", "reason"), TABLE)
def test_a_linked_ticket_gets_what_the_table_says(
    status: str, state: str | None, action: Action | None, reason: str
) -> None:
    decision = decide(case(status, state), policy=POLICY, now=NOW)
    assert (decision.action, decision.reason) == (action, reason)


@pytest.mark.parametrize(("status", "state", "action", "reason"), TABLE)
def test_a_found_ticket_gets_the_same_and_is_adopted_where_nothing_else_is_done(
    status: str, state: str | None, action: Action | None, reason: str
) -> None:
    decision = decide(case(status, state, linked=False), policy=POLICY, now=NOW)
    adopted = Action.ADOPT if state and action is None else action
    assert (decision.action, decision.reason) == (adopted, reason)


def test_a_resolved_issue_that_is_active_again_reopens_its_ticket_because_it_came_back() -> None:
    decision = decide(case("active", "closed", link=link(live=False)), policy=POLICY, now=NOW)
    assert (decision.action, decision.reason) == (Action.REOPEN, "came_back")


def test_an_old_issue_is_left_alone_unless_it_has_a_ticket_or_has_had_one() -> None:
    for status in ("active", "resolved"):
        alone = decide(case(status, None, old=True), policy=WORDS, now=NOW)
        assert (alone.action, alone.reason) == (None, "backlog")
        assert alone.because.endswith("BACKLOG=touched.")
        assert decide(case(status, "open", old=True), policy=WORDS, now=NOW).action is not None
    gone = case("active", None, old=True, link=link(misses=1), ticket_gone=True)
    assert decide(gone, policy=WORDS, now=NOW).reason == "ticket_gone"


def test_the_same_version_is_never_told_twice() -> None:
    decision = decide(
        case("active", "open", link=link(version=issue().version)), policy=POLICY, now=NOW
    )
    assert (decision.action, decision.reason) == (None, "unchanged")


def test_no_comment_silences_updates_but_neither_closes_nor_reopens() -> None:
    quiet = QUIET
    answers = [
        decide(case(status, state), policy=quiet, now=NOW).action for status, state, _, _ in TABLE
    ]
    expected = [None if action is Action.COMMENT else action for _, _, action, _ in TABLE]
    assert answers == expected


def test_a_ticket_that_a_person_opened_again_after_our_close_is_left_alone() -> None:
    done = link(version=issue("resolved").version, live=False)
    decision = decide(case("resolved", "open", link=done), policy=POLICY, now=NOW)
    assert (decision.action, decision.reason) == (None, "opened_by_person")


@pytest.mark.parametrize(
    ("policy", "over"),
    [
        (replace(POLICY, critical_only=True), {}),
        (replace(POLICY, no_sva=True), {"type": "sva"}),
        (replace(POLICY, no_sva=True), {"type": "image_sva"}),
        (replace(POLICY, excluded_sources=frozenset({"cloud_secure"})), {"source": "cloud_secure"}),
    ],
)
def test_an_excluded_issue_gets_nothing_but_the_close_that_its_ticket_is_owed(
    policy: Policy, over: dict[str, object]
) -> None:
    def answer(status: str, state: str | None) -> Action | None:
        return decide(
            case(status, state, issue=issue(status, **over)), policy=policy, now=NOW
        ).action

    assert [answer("active", state) for state in (None, "open", "closed", "hard-closed")] == [
        None
    ] * 4
    assert answer("resolved", None) is None
    assert answer("resolved", "open") is Action.CLOSE


def test_a_create_of_unknown_fate_is_waited_for_and_only_then_repeated() -> None:
    young = case("active", None, intent=lost_create(age=timedelta(minutes=24)))
    old = case("active", None, intent=lost_create(age=timedelta(minutes=25)))
    waiting, again = (decide(each, policy=POLICY, now=NOW) for each in (young, old))
    assert (waiting.action, waiting.afterwards) == (None, Afterwards.WAIT)
    assert again.action is Action.CREATE


def test_a_create_of_unknown_fate_is_waited_for_even_beside_an_older_hard_closed_ticket() -> None:
    unsettled = case("active", "hard-closed", intent=lost_create(age=timedelta(minutes=1)))
    decision = decide(unsettled, policy=POLICY, now=NOW)
    assert (decision.action, decision.reason) == (None, "create_unsettled")


def test_a_lost_create_that_is_found_is_adopted_and_not_commented() -> None:
    drawn = link(version=issue().version)
    found = case(
        "active", "open", link=drawn, linked=False, intent=lost_create(age=timedelta(minutes=1))
    )
    decision = decide(found, policy=POLICY, now=NOW)
    assert (decision.action, decision.reason) == (Action.ADOPT, "unchanged")


def test_a_create_cut_short_is_finished_unless_a_person_has_moved_the_ticket() -> None:
    owing = link(status_owed="In Progress", version=issue().version)
    untouched = case("active", "open", link=owing)
    moved = case("active", "open", link=owing, ticket=ticket(status="Blocked"))
    assert decide(untouched, policy=POLICY, now=NOW).reason == "create_cut_short"
    assert decide(moved, policy=POLICY, now=NOW).reason == "unchanged"


def test_a_create_cut_short_is_not_finished_where_a_person_has_ended_the_work() -> None:
    """Jira's own category says so, whatever the settings name."""
    made = issue("active")
    owed = link(status_owed="In Progress", status_seen="Rejected", version=made.version)
    over = case("active", "open", link=owed)
    over = replace(over, ticket=ticket(status="Rejected"))
    assert decide(over, policy=WORDS, now=NOW).reason == "create_cut_short"
    assert over.ticket is not None
    over = replace(over, ticket=replace(over.ticket, category="done"))
    assert decide(over, policy=WORDS, now=NOW).reason == "unchanged"
    news = replace(over, link=replace(owed, version=Version("older")))
    told = decide(news, policy=WORDS, now=NOW)
    assert (told.action, status_owed(told, ticket=told.case.ticket or ticket())) == ("comment", "")


def test_news_about_a_ticket_whose_create_was_cut_short_is_told_first() -> None:
    stale = case("active", "open", link=link(status_owed="In Progress"))
    assert decide(stale, policy=POLICY, now=NOW).action is Action.COMMENT
    assert decide(stale, policy=QUIET, now=NOW).reason == "create_cut_short"


def test_one_miss_of_a_ticket_proves_nothing() -> None:
    missing = case("active", None, link=link())
    decision = decide(missing, policy=POLICY, now=NOW)
    assert (decision.action, decision.reason, decision.afterwards) == (
        None,
        "ticket_missing",
        Afterwards.PARK,
    )


def test_a_ticket_missing_twice_is_made_anew_or_only_reported_as_the_policy_says() -> None:
    missing = case("active", None, link=link(misses=1), ticket_gone=True)
    recreate = decide(missing, policy=POLICY, now=NOW)
    report = decide(missing, policy=replace(POLICY, when_ticket_gone=WhenGone.REPORT), now=NOW)
    assert (recreate.action, recreate.reason) == (Action.CREATE, "ticket_gone")
    assert (report.action, report.reason) == (None, "ticket_gone")


def test_a_resolved_issue_whose_ticket_is_gone_gets_no_new_one() -> None:
    missing = case("resolved", None, link=link(misses=1), ticket_gone=True)
    assert decide(missing, policy=POLICY, now=NOW).action is None


def test_an_issue_that_halo_forgot_closes_its_ticket_only_if_the_policy_says_so() -> None:
    forgotten = case("active", "open", issue=Issue.forgotten(issue_id(), at=NOW))
    missed = replace(forgotten, link=link(missed_at=NOW - timedelta(minutes=10)))
    just_now = replace(forgotten, link=link(missed_at=NOW - timedelta(seconds=20)))
    close = replace(POLICY, when_issue_gone=WhenGone.CLOSE)
    for seen in (forgotten, missed, just_now):
        assert decide(seen, policy=POLICY, now=NOW).action is None
    for seen in (forgotten, just_now):
        first = decide(seen, policy=close, now=NOW)
        assert (first.action, first.afterwards) == (None, Afterwards.PARK)
    second = decide(missed, policy=close, now=NOW)
    assert (second.action, second.reason) == (Action.CLOSE, "issue_gone")


@pytest.mark.parametrize("there", ["open", None])
def test_an_issue_that_cannot_be_read_is_parked_whatever_else_there_is(there: str | None) -> None:
    unreadable = Issue.illegible(issue_id(), why="Halo answered 403.")
    quiet = replace(POLICY, critical_only=True, excluded_sources=frozenset({""}))
    for note in (None, intent(at=NOW)):
        decision = decide(
            replace(case("active", there, issue=unreadable), intent=note), policy=quiet, now=NOW
        )
        assert (decision.action, decision.reason) == (None, "issue_unreadable")
        assert (decision.afterwards, decision.because) == (Afterwards.PARK, "Halo answered 403.")


def test_what_has_no_id_cannot_be_parked_and_is_waited_for() -> None:
    rest = Issue.unnamed("a listing", why="Halo shows no more.", at=NOW)
    assert not POLICY.excludes(rest)
    decision = decide(Case(issue=rest), policy=POLICY, now=NOW)
    assert (decision.action, decision.afterwards) == (None, Afterwards.WAIT)
    assert rest.touched_at == NOW


def test_status_names_are_compared_without_regard_to_case() -> None:
    assert POLICY.is_closed(ticket(status="doNe"))
    assert POLICY.is_hard_closed(ticket(status="cLoSeD"))


def test_nothing_is_ever_closed_without_halos_word() -> None:
    """Whatever memory and Jira hold, a close needs a resolved issue, or a 404 and the policy
    that allows it.
    """
    states = [None, "open", "closed", "hard-closed"]
    links = [None, link(), link(live=False), link(misses=3), link(status_owed="In Progress")]
    intents = [None, lost_create(age=timedelta(0)), lost_create(age=timedelta(days=1))]
    for state, memory, note, gone in product(states, links, intents, [False, True]):
        seen = ticket(state) if state else None
        world = Case(
            issue=issue(),
            ticket=seen,
            link=memory,
            intent=note,
            linked=bool(memory and seen),
            ticket_gone=gone,
        )
        assert decide(world, policy=POLICY, now=NOW).action not in {
            Action.CLOSE,
            Action.CREATE_AND_CLOSE,
        }


def test_every_case_gets_an_answer_and_every_answer_a_sentence() -> None:
    for status, state, linked, gone in product(
        ["active", "resolved"], [None, *STATUS], [False, True], [False, True]
    ):
        world = case(status, state, linked=linked, ticket_gone=gone)
        decision = decide(world, policy=POLICY, now=NOW)
        assert decision.because.endswith(".")
        assert decision.reason
    assert all(rule.__doc__ for rule in RULES)


# --- Which of several tickets is kept -------------------------------------------------------------


def test_among_several_tickets_the_linked_one_is_kept_then_an_open_one_then_the_newest() -> None:
    one, two, three = ticket("closed", number=1), ticket("open", number=2), ticket("open", number=3)
    assert choose(link(), tickets=[three, two, one], policy=POLICY) == (one, (three, two))
    assert choose(None, tickets=[one, two, three], policy=POLICY) == (three, (two, one))
    assert choose(None, tickets=[], policy=POLICY) == (None, ())


def test_a_live_ticket_is_preferred_to_a_linked_one_that_is_hard_closed() -> None:
    linked, newer = ticket("hard-closed", number=1), ticket("closed", number=2)
    assert choose(link(), tickets=[linked, newer], policy=POLICY)[0] == newer


def test_what_memory_cannot_tell_is_set_aside_or_waits_where_that_cannot_be_noted() -> None:
    for parkable, afterwards in ((True, Afterwards.PARK), (False, Afterwards.WAIT)):
        broken = case("resolved", "open", memory_broken="It is newer.", parkable=parkable)
        decision = decide(broken, policy=POLICY, now=NOW)
        assert (decision.action, decision.afterwards) == (None, afterwards)
        assert (decision.reason, decision.because) == ("memory_unreadable", "It is newer.")


@pytest.mark.parametrize("status", ["active", "resolved"])
@pytest.mark.parametrize("state", [None, *STATUS])
def test_of_the_rules_that_are_asked_the_last_one_answers(status: str, state: str | None) -> None:
    given = case(status, state)
    names = asked(given, policy=POLICY, now=NOW)
    *silent, answers = RULES[: len(names)]
    assert names == tuple(rule.__name__ for rule in RULES[: len(names)])
    assert not any(rule(given, POLICY, NOW) for rule in silent)
    assert answers(given, POLICY, NOW) == decide(given, policy=POLICY, now=NOW)
