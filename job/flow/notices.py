"""Notices, while a run looks, what somebody should hear of although nothing is done about it.

Promises: a status outside the settings is told when a ticket is first seen there, once a run.
Does not do: deciding (`core/decisions.py`), or saying anything on a ticket.
"""

from typing import assert_never

import structlog

from job.core.ids import IssueId
from job.core.issues import IssueStatus
from job.core.model import Case, Decision, Reason
from job.core.policy import Policy
from job.events import Event

log = structlog.get_logger()


class Notices:
    """What one run has noticed."""

    def __init__(self, policy: Policy) -> None:
        self._accepted: set[IssueId] = set()
        self._policy = policy
        self._unnamed: set[str] = set()
        """Statuses outside the settings that were told."""

    @property
    def accepted(self) -> int:
        """How many issues are left alone because people accept their risk."""
        return len(self._accepted)

    def take(self, decision: Decision) -> None:
        """Takes in one decision."""
        issue_id = decision.case.issue.id
        if decision.reason is Reason.ACCEPTED:
            self._accepted.add(issue_id)
        else:
            self._accepted.discard(issue_id)
        self._tell_unnamed(decision.case)

    def _tell_unnamed(self, case: Case) -> None:
        """Work on the ticket of an active issue is over by Jira's own category, in a status that
        the settings do not name: it contradicts them, and updates go on.
        """
        ticket, link = case.ticket, case.link
        if ticket is None or case.issue.status is not IssueStatus.ACTIVE:
            return
        is_known = link is not None and link.status_seen == ticket.status
        if is_known or ticket.status in self._unnamed:
            return
        if not self._policy.is_closed_unnamed(ticket):
            return
        self._unnamed.add(ticket.status)
        log.warning(
            Event.STATUS_UNNAMED,
            issue_id=case.issue.id,
            ticket=ticket.key,
            status=ticket.status,
            status_id=ticket.status_id,
        )


def event_of(reason: Reason) -> Event | None:
    """What an operator should hear of an issue for which nothing is done; `None` when nothing."""
    match reason:
        case Reason.MEMORY_UNREADABLE:
            heard: Event | None = Event.MEMORY_UNREADABLE
        case Reason.ISSUE_UNREADABLE:
            heard = Event.ISSUE_UNREADABLE
        case Reason.ISSUE_GONE:
            heard = Event.ISSUE_GONE
        case Reason.TICKET_GONE:
            heard = Event.TICKET_GONE
        case (
            Reason.TICKET_NOT_LOADED
            | Reason.TICKET_MISSING
            | Reason.TICKET_UNCONFIRMED
            | Reason.TICKET_DOUBTFUL
            | Reason.CREATE_GIVEN_UP
        ):
            heard = Event.ISSUE_PARKED
        case Reason.LINK_STRANGE:
            heard = Event.LINK_STRANGE
        case Reason.CREATE_UNSETTLED:
            heard = Event.WRITE_UNSETTLED
        case (
            Reason.BACKLOG
            | Reason.OUT_OF_SCOPE
            | Reason.CREATE_CUT_SHORT
            | Reason.ACCEPTED
            | Reason.ACCEPTANCE_ENDED
            | Reason.RESOLVED_UNSEEN
            | Reason.ALREADY_CLOSED
            | Reason.OPENED_BY_PERSON
            | Reason.RESOLVED
            | Reason.NEW
            | Reason.HARD_CLOSED
            | Reason.CAME_BACK
            | Reason.CLOSED_TOO_EARLY
            | Reason.UNCHANGED
            | Reason.COMMENTS_OFF
            | Reason.UPDATED
            | Reason.GATHERED
        ):
            heard = None
        case _:
            assert_never(reason)
    return heard
