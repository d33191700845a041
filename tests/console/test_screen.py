"""What people see at the end of a run, at a terminal of eighty columns."""

import io
from datetime import timedelta

from rich.console import Console as RichConsole

from job.console.protocol import AddressOf, no_address
from job.console.screen import KEYS_MAX, Screen
from job.core.memory import RunRecord, Verdict
from job.core.model import Action, Case, Decision, Outcome, OutcomeKind, Reason
from tests.kit.builders import NOW, destination, issue, ticket_key


def shown(*outcomes: Outcome, parked: int, address_of: AddressOf = no_address) -> str:
    """What the screen says of a run that ended so."""
    paper = io.StringIO()
    screen = Screen(RichConsole(file=paper, width=80, highlight=False))
    with screen.watching(carries_out=False) as watcher:
        for outcome in outcomes:
            watcher.ended(outcome)
    screen.finished(
        RunRecord(
            run_id="run-1",
            shard="0-of-1",
            started_at=NOW,
            finished_at=NOW + timedelta(seconds=2),
            verdict=Verdict.DONE,
            exit_code=0,
            counts={},
            calls={},
            parked_total=parked,
        ),
        address_of=address_of,
    )
    return " ".join(paper.getvalue().split())


def ended(
    number: int,
    action: Action,
    kind: OutcomeKind = OutcomeKind.DONE,
    *,
    reason: Reason = Reason.NEW,
) -> Outcome:
    decision = Decision(
        case=Case(issue=issue(number)),
        destination=destination(),
        action=action,
        reason=reason,
        because="b.",
    )
    return Outcome(decision=decision, kind=kind, ticket_key=ticket_key(number))


def test_a_run_ends_with_the_keys_of_what_it_made() -> None:
    said = shown(
        ended(1, Action.CREATE),
        ended(2, Action.CREATE_AND_CLOSE),
        ended(3, Action.COMMENT),
        ended(4, Action.CREATE, OutcomeKind.FAILED),
        ended(5, Action.CREATE_AND_CLOSE, reason=Reason.CREATE_CUT_SHORT),
        parked=0,
    )
    assert f"Made {ticket_key(1)}, {ticket_key(2)}." in said
    assert "parked" not in said


def test_where_the_site_is_known_the_tickets_are_told_by_their_addresses() -> None:
    said = shown(
        *(ended(number, Action.CREATE) for number in range(1, 23)),
        parked=0,
        address_of=lambda key: f"https://acme.atlassian.net/browse/{key}",
    )
    assert f"Made: https://acme.atlassian.net/browse/{ticket_key(1)} " in said
    assert said.count("/browse/") == 20
    assert "and 2 more." in said


def test_of_very_many_the_first_are_named_and_the_others_counted() -> None:
    said = shown(*(ended(number, Action.CREATE) for number in range(1, 1_031)), parked=0)
    assert said.count("SEC-") == KEYS_MAX
    assert "and 1,010 more." in said


def test_a_run_with_parked_issues_does_not_look_like_one_with_nothing_to_do() -> None:
    assert "1 issue is parked: `parked` says why." in shown(parked=1)
    assert "1,200 issues are parked" in shown(parked=1_200)
    assert "Made" not in shown(parked=0)
