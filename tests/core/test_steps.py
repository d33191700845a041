"""Which status a ticket is still owed, wherever people have moved it meanwhile."""

import pytest

from job.core.model import Action, Case, Decision, Reason
from job.core.steps import status_owed
from tests.kit.builders import destination, issue, link, ticket


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
