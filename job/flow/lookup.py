"""Looks up the tickets of issues in Jira, and makes their cases.

Promises: it writes nothing; tickets are read by their immutable ids; those that memory does not
know are searched for, and after a lost create looked for key by key.
Does not do: choosing which issues are looked at (`gather.py`).
"""

from collections.abc import Collection, Mapping, Sequence

import structlog

from job.core.cases import (
    IssueWithLink,
    Scope,
    case_set_aside,
    lost_creates,
    make_case,
    missing_projects,
    needs_search,
)
from job.core.follow import watched
from job.core.ids import IssueId, TicketId
from job.core.model import Case, Ticket
from job.events import Event
from job.flow.trust import Trust
from job.ports import JiraTickets

log = structlog.get_logger()


class Lookup:
    """Makes cases; it remembers for a run which projects Jira shows us."""

    def __init__(self, jira: JiraTickets, *, scope: Scope, trust: Trust) -> None:
        self._jira = jira
        self._trust = trust
        self._scope = scope
        self._shown: dict[str, bool] = {}

    async def cases(self, some: Sequence[IssueWithLink]) -> list[Case]:
        """One case for each of these issues. Of one whose ticket Jira cannot load, nothing else is
        asked.
        """
        not_loaded: set[TicketId] = set()
        linked = {known.link.ticket_id for known in some if known.link}
        holding = watched(known.link for known in some if known.link)
        tickets = (
            await self._jira.read(linked, not_loaded=not_loaded, holding=holding) if linked else {}
        )
        cases, rest = [], []
        for known in some:
            if known.link is not None and known.link.ticket_id in not_loaded:
                key = known.link.ticket_key
                cases.append(case_set_aside(known.issue, not_loaded=key, scope=self._scope))
            else:
                rest.append(known)
        if not rest:
            return cases
        found, denied = await self._found(rest, tickets=tickets)
        shown = await self._projects_shown(rest, tickets=tickets)
        return cases + [
            self._case(known, tickets=tickets, found=found, shown=shown, denied=denied)
            for known in rest
        ]

    def _case(
        self,
        known: IssueWithLink,
        *,
        tickets: Mapping[TicketId, Ticket],
        found: Mapping[IssueId, Sequence[Ticket]],
        shown: Collection[str],
        denied: Collection[IssueId],
    ) -> Case:
        case, others = make_case(
            known,
            linked_ticket=tickets.get(known.link.ticket_id) if known.link else None,
            found=found.get(known.issue.id, ()),
            shown=shown,
            create_denied=known.issue.id in denied,
            scope=self._scope,
        )
        kept = case.ticket.key if case.ticket else None
        for other in others:
            log.warning(
                Event.TICKET_DUPLICATE_SEEN, issue_id=case.issue.id, kept=kept, also=other.key
            )
        return case

    async def _found(
        self, some: Sequence[IssueWithLink], *, tickets: Mapping[TicketId, Ticket]
    ) -> tuple[dict[IssueId, tuple[Ticket, ...]], set[IssueId]]:
        """Tickets found by the id field, or by their keys after a lost create; and the issues whose
        lost create has had no effect, for each key that it could have is another ticket's.
        """
        denied: set[IssueId] = set()
        sought = []
        for known in some:
            ticket = tickets.get(known.link.ticket_id) if known.link else None
            if needs_search(known, ticket=ticket, scope=self._scope):
                sought.append(known.issue.id)
        found: dict[IssueId, tuple[Ticket, ...]] = {}
        if sought and await self._trust.may_find():
            found = await self._jira.find(sought)
        lost = lost_creates(some, found=found, scope=self._scope)
        for project in sorted({intent.project for intent in lost}):
            here = [intent for intent in lost if intent.project == project]
            wanted = {intent.issue_id for intent in here}
            above = min(intent.above_key for intent in here)
            probe = await self._jira.probe(project, above=above, wanted=wanted)
            for issue_id, seen in probe.found.items():
                found[issue_id] = (*found.get(issue_id, ()), *seen)
            denied |= wanted if probe.complete else set()
        return found, denied

    async def _projects_shown(
        self, some: Sequence[IssueWithLink], *, tickets: Mapping[TicketId, Ticket]
    ) -> Collection[str]:
        """The projects of tickets missing for a second time in which Jira does show us tickets."""
        projects = missing_projects(some, tickets=tickets, scope=self._scope)
        for project in sorted(projects - self._shown.keys()):
            self._shown[project] = await self._jira.visible(project)
        return {project for project in projects if self._shown[project]}
