"""What follows from one decision: the status that is still owed, the how manieth create it is."""

import pytest

from job.core.model import Action, Case, Decision, Reason
from job.core.steps import creates_with, status_owed
from tests.kit.builders import destination, intent, issue, link, ticket


@pytest.mark.parametrize(("stands", "owed"), [("To Do", "In Progress"), ("Waiting", "")])
def test_a_first_status_is_owed_until_a_person_moves_the_ticket(stands: str, owed: str) -> None:
    begun = link(status_seen="To Do", status_owed="In Progress")
    now = ticket(status=stands)
    decision = Decision(
        case=Case(issue=issue(), link=begun, ticket=now, linked=True),
        destination=destination(new_status="In Progress"),
        action=Action.COMMENT,
        reason=Reason.UPDATED,
        because="b.",
    )
    assert status_owed(decision, ticket=now) == owed


@pytest.mark.parametrize(("had_no_effect", "manieth"), [(True, 1), (False, 2)])
def test_a_create_that_certainly_had_no_effect_does_not_count(
    had_no_effect: bool, manieth: int
) -> None:
    decision = Decision(
        case=Case(issue=issue(), intent=intent(), create_denied=had_no_effect),
        destination=destination(),
        action=Action.CREATE,
        reason=Reason.NEW,
        because="b.",
    )
    assert creates_with(decision) == manieth
