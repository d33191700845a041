"""Brings together everything known about each issue that a run must look at: the cases.

Promises: it writes nothing; an issue that memory says is settled costs no call to Jira; every note of unfinished work
(intents, parked issues whose time has come) is looked at again even if Halo lists its issue no more.
"""

from collections.abc import AsyncIterator, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import structlog

from job.core.decisions import MISSES_BEFORE_GONE, Policy, choose
from job.core.model import (
    Case,
    Intent,
    IntentKind,
    Issue,
    IssueId,
    IssueStatus,
    Link,
    Parked,
    Ticket,
    TicketId,
)
from job.core.outcomes import link_from
from job.core.shards import Shard
from job.each import each
from job.ports import Ports

log = structlog.get_logger()

DESCRIBED_AT_ONCE = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Notes:
    """Unfinished work that memory knows of, for one shard."""

    intents: Mapping[IssueId, Intent] = field(default_factory=dict)
    parked: Mapping[IssueId, Parked] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What a run looks at."""

    since: datetime | None
    until: datetime
    sweep: bool
    shard: Shard
    policy: Policy
    settings_digest: str
    notes: Notes

    def due(self, parked: Parked) -> bool:
        """Whether a parked issue is to be tried again now: its time has come, or the settings have changed."""
        return parked.next_at <= self.until or parked.settings_digest != self.settings_digest


async def recall(ports: Ports, *, shard: Shard) -> Notes:
    """Reads the notes of unfinished work."""
    intents = {intent.issue_id: intent for intent in await ports.store.intents() if intent.issue_id in shard}
    parked = {entry.issue_id: entry for entry in await ports.store.parked() if entry.issue_id in shard}
    return Notes(intents=intents, parked=parked)


async def gather(ports: Ports, *, question: Question) -> list[Case]:
    """The cases of a run, in no particular order."""
    issues, links = await _listed(ports, question=question)
    await _add_unlisted(ports, question=question, issues=issues, links=links)
    tickets = await ports.jira.read({link.ticket_id for issue_id, link in links.items() if issue_id in issues})
    found = await _found(ports, question=question, issues=issues, links=links, tickets=tickets)
    shown = await _projects_shown(ports, links=links.values(), tickets=tickets)
    return [
        _case(
            issue,
            link=links.get(issue_id),
            tickets=tickets,
            found=found.get(issue_id, ()),
            shown=shown,
            question=question,
        )
        for issue_id, issue in issues.items()
    ]


# --- Issues ---------------------------------------------------------------------------------------------------------


async def _listed(ports: Ports, *, question: Question) -> tuple[dict[IssueId, Issue], dict[IssueId, Link]]:
    """What Halo lists and memory does not call settled, with the links of those issues."""
    issues: dict[IssueId, Issue] = {}
    links: dict[IssueId, Link] = {}
    async for piece in _pieces(ports, question=question):
        mine = [issue for issue in piece if issue.id in question.shard]
        known = await ports.store.links([issue.id for issue in mine])
        for issue in mine:
            link = known.get(issue.id)
            if not _newsworthy(issue, link=link, question=question):
                continue
            issues[issue.id] = max(issue, issues.get(issue.id, issue), key=lambda seen: seen.touched_at)
            if link is not None:
                links[issue.id] = link
    return issues, links


async def _pieces(ports: Ports, *, question: Question) -> AsyncIterator[Sequence[Issue]]:
    async for piece in ports.halo.changed(since=question.since, until=question.until):
        yield piece
    if question.sweep:
        async for piece in ports.halo.active():
            yield piece


def _newsworthy(issue: Issue, *, link: Link | None, question: Question) -> bool:
    """Whether a listed issue may need anything at all."""
    if issue.id in question.notes.intents:
        return True
    if link is None and question.policy.excludes(issue):
        return False
    parked = question.notes.parked.get(issue.id)
    if parked is not None and parked.version == issue.version:
        return question.due(parked)
    return link is None or link.version != issue.version or parked is not None or question.sweep


async def _add_unlisted(
    ports: Ports, *, question: Question, issues: dict[IssueId, Issue], links: dict[IssueId, Link]
) -> None:
    """Adds what Halo did not list but memory wants looked at. A 404 makes a gone issue, not a resolved one."""
    due = {issue_id for issue_id, parked in question.notes.parked.items() if question.due(parked)}
    unlisted = (question.notes.intents.keys() | due) - issues.keys()
    links.update(await ports.store.links(unlisted))
    if question.sweep:
        async for piece in ports.store.live_links():
            swept = {link.issue_id: link for link in piece if link.issue_id in question.shard}
            links.update(swept)
            unlisted |= swept.keys() - issues.keys()
    ids = sorted(unlisted)
    described = await each(ports.halo.issue, ids, at_once=DESCRIBED_AT_ONCE)
    for issue_id, issue in zip(ids, described, strict=True):
        issues[issue_id] = issue or Issue.forgotten(issue_id, at=question.until)


# --- Tickets --------------------------------------------------------------------------------------------------------


async def _found(
    ports: Ports,
    *,
    question: Question,
    issues: Mapping[IssueId, Issue],
    links: Mapping[IssueId, Link],
    tickets: Mapping[TicketId, Ticket],
) -> dict[IssueId, tuple[Ticket, ...]]:
    """Tickets found by the id field, for issues without a link or with one that leads to no usable ticket."""

    def needs_search(issue: Issue) -> bool:
        link = links.get(issue.id)
        ticket = tickets.get(link.ticket_id) if link else None
        if ticket is None:
            return not issue.gone or issue.id in question.notes.intents
        return issue.status is IssueStatus.ACTIVE and question.policy.is_hard_closed(ticket)

    found = await ports.jira.find([issue_id for issue_id, issue in issues.items() if needs_search(issue)])
    lost = [
        intent
        for issue_id, intent in question.notes.intents.items()
        if intent.kind is IntentKind.CREATE
        and all(question.policy.is_hard_closed(seen) for seen in found.get(issue_id, ()))
    ]
    for project in sorted({intent.project for intent in lost}):
        wanted = {intent.issue_id for intent in lost if intent.project == project}
        above = min(intent.above_key for intent in lost if intent.project == project)
        for issue_id, seen in (await ports.jira.probe(project, above=above, wanted=wanted)).items():
            found[issue_id] = (*found.get(issue_id, ()), *seen)
    return found


async def _projects_shown(
    ports: Ports, *, links: Iterable[Link], tickets: Mapping[TicketId, Ticket]
) -> Collection[str]:
    """The projects of tickets missing for a second time in which Jira does show us tickets."""
    missing = (link for link in links if link.ticket_id not in tickets and link.misses + 1 >= MISSES_BEFORE_GONE)
    projects = {link.ticket_key.rpartition("-")[0] for link in missing}
    return {project for project in sorted(projects) if await ports.jira.visible(project)}


def _case(
    issue: Issue,
    *,
    link: Link | None,
    tickets: Mapping[TicketId, Ticket],
    found: Sequence[Ticket],
    shown: Collection[str],
    question: Question,
) -> Case:
    linked = tickets.get(link.ticket_id) if link else None
    every = {ticket.id: ticket for ticket in (*found, *([linked] if linked else []))}
    ticket, others = choose(link, tickets=every.values(), policy=question.policy)
    for other in _live(others, policy=question.policy):
        log.warning("ticket.duplicate_seen", issue_id=issue.id, kept=ticket and ticket.key, also=other.key)
    intent = question.notes.intents.get(issue.id)
    is_linked = link is not None and ticket is not None and ticket.id == link.ticket_id
    if ticket is not None and not is_linked:
        link = link_from(intent, ticket=ticket) if intent and intent.kind is IntentKind.CREATE else None
    gone = link is not None and ticket is None and link.ticket_key.rpartition("-")[0] in shown
    return Case(
        issue=issue,
        link=link,
        intent=intent,
        ticket=ticket,
        others=others,
        parked=question.notes.parked.get(issue.id),
        linked=is_linked,
        ticket_gone=gone and link is not None and link.misses + 1 >= MISSES_BEFORE_GONE,
    )


def _live(tickets: Iterable[Ticket], *, policy: Policy) -> Iterator[Ticket]:
    return (ticket for ticket in tickets if not policy.is_hard_closed(ticket))
