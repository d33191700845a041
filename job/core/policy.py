"""What the operator chose, as far as deciding needs it, and which of several tickets is kept by it.

Promises: the same policy, link and tickets always give the same choice.
Does not do: deciding what is done for an issue (`decisions.py`).
"""

from collections.abc import Iterable
from datetime import timedelta
from enum import StrEnum

from msgspec import Struct

from job.core.backlog import BacklogMode
from job.core.issues import Issue, IssueKind
from job.core.memory import Link
from job.core.model import Case, Ticket
from job.core.routes import Destination, Routes


class WhenGone(StrEnum):
    """What to do when one side of a link is gone for good."""

    REPORT = "report"
    RECREATE = "recreate"
    CLOSE = "close"


class Policy(Struct, frozen=True, kw_only=True):
    """What the operator chose, as far as deciding needs it."""

    routes: Routes
    critical_only: bool = False
    no_sva: bool = False
    excluded_sources: frozenset[str] = frozenset()
    create_patience: timedelta = timedelta(minutes=25)
    when_ticket_gone: WhenGone = WhenGone.RECREATE
    when_issue_gone: WhenGone = WhenGone.REPORT
    backlog: BacklogMode = BacklogMode.TOUCHED
    accepted_for: timedelta = timedelta()
    """How long a risk stays accepted; 0: for ever."""
    accepted_worse_by: float = 0.0
    """By how much the CVSS may rise at most before it is accepted no more; 0: however much."""

    def is_hard_closed(self, ticket: Ticket) -> bool:
        """Never to be reopened."""
        return self.routes.at(ticket.project).workflow.is_hard_closed(ticket.standing)

    def is_closed(self, ticket: Ticket) -> bool:
        """Closed, in either way."""
        return self.routes.at(ticket.project).workflow.is_closed(ticket.standing)

    def is_accepted(self, ticket: Ticket) -> bool:
        """Whether it stands where people put a risk that they accept."""
        return self.routes.at(ticket.project).workflow.is_accepted(ticket.standing)

    def is_closed_unnamed(self, ticket: Ticket) -> bool:
        """Whether Jira says that work on it is over, and the settings do not name its status."""
        return self.routes.at(ticket.project).workflow.is_closed_unnamed(ticket.standing)

    def excludes(self, issue: Issue) -> bool:
        """Whether the operator wants no tickets for such issues."""
        return bool(self.why_excluded(issue))

    def why_excluded(self, issue: Issue) -> str:
        """Why the operator wants no ticket for such an issue; "" where he wants one."""
        if (
            (self.critical_only and not issue.critical)
            or (self.no_sva and issue.kind in {IssueKind.SVA, IssueKind.IMAGE_SVA})
            or issue.source in self.excluded_sources
        ):
            return "The settings exclude this kind of issue."
        return self.routes.skipped(issue)

    def destination(self, case: Case) -> Destination:
        """Whose words count for the ticket that is there; without one, where a new one goes."""
        if case.ticket is None:
            return self.routes.to(case.issue)
        return self.routes.of(case.issue, project=case.ticket.project)

    def elsewhere(self, case: Case) -> str:
        """That the route of the issue leads elsewhere than where its ticket stands, as a sentence;
        "" where it does not.
        """
        if case.ticket is None or not self.routes.rules:
            return ""
        to = self.routes.to(case.issue)
        if to.project == case.ticket.project:
            return ""
        return f'Its route "{to.name}" leads to {to.project} now; the ticket stays where it is.'


def choose(
    link: Link | None, *, tickets: Iterable[Ticket], policy: Policy
) -> tuple[Ticket | None, tuple[Ticket, ...]]:
    """The ticket to keep among several of one issue, and the rest: not hard-closed, then linked,
    open, newest.
    """

    def rank(ticket: Ticket) -> tuple[bool, bool, bool, int]:
        linked = link is not None and ticket.id == link.ticket_id
        return (
            not policy.is_hard_closed(ticket),
            linked,
            not policy.is_closed(ticket),
            int(ticket.id),
        )

    ranked = sorted(tickets, key=rank, reverse=True)
    return (ranked[0], tuple(ranked[1:])) if ranked else (None, ())
