"""Brings together everything known about each issue that a run must look at: the cases.

Promises: it writes nothing; an issue that memory says is settled costs no call to Jira; every note
of unfinished work (intents, parked issues whose time has come) is looked at again even if Halo
lists its issue no more. The stages overlap: while some issues are looked up in memory and in Jira,
Halo lists the next. A few pages are held, never a list.
"""

from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime

import structlog
from msgspec import Struct, field

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
from job.each import each, each_arriving
from job.ports import Pieces, Ports

log = structlog.get_logger()

DESCRIBED_AT_ONCE = 16
PIECES_AT_ONCE = 2
"""Of a listing, looked into while the next one comes."""
READ_TOGETHER = 100
"""Tickets that Jira shows in one call."""
SOUGHT_TOGETHER = 50
"""Issues whose ticket Jira looks for in one query."""


class Notes(Struct, frozen=True, kw_only=True):
    """Unfinished work that memory knows of, for one shard."""

    intents: Mapping[IssueId, Intent] = field(default_factory=dict)
    parked: Mapping[IssueId, Parked] = field(default_factory=dict)

    def __contains__(self, issue_id: IssueId) -> bool:
        return issue_id in self.intents or issue_id in self.parked


class Known(Struct, frozen=True, kw_only=True):
    """An issue, and what memory knows about its ticket."""

    issue: Issue
    link: Link | None


class Question(Struct, frozen=True, kw_only=True):
    """What a run looks at."""

    since: datetime | None
    until: datetime
    sweep: bool
    shard: Shard
    policy: Policy
    settings_digest: str
    notes: Notes
    begins: bool = False
    """Whether memory knows of no ticket that was ever made: then perhaps there is none to be
    searched for.
    """

    def due(self, parked: Parked) -> bool:
        """Whether a parked issue is to be tried again now: its time has come, or the settings have
        changed.
        """
        return parked.next_at <= self.until or parked.settings_digest != self.settings_digest


async def recall(ports: Ports, *, shard: Shard) -> Notes:
    """Reads the notes of unfinished work."""
    intents = {
        intent.issue_id: intent
        for intent in await ports.store.intents()
        if intent.issue_id in shard
    }
    parked = {
        entry.issue_id: entry for entry in await ports.store.parked() if entry.issue_id in shard
    }
    return Notes(intents=intents, parked=parked)


async def gather(
    ports: Ports,
    *,
    question: Question,
    take: Callable[[Case], None],
    stay: Callable[[], Awaitable[object]],
) -> int:
    """Hands over the cases of a run, in no particular order, while the listing goes on; returns how
    many issues it was.

    One that changes while we look may come twice; then the last case is the newest. `stay` is
    called again and again while the looking gets on: it may take long.
    """
    return await Gathering(ports, question=question, take=take, stay=stay)()


class Gathering:
    """One run's look around. It keeps the ids of what it has given, and little else."""

    def __init__(
        self,
        ports: Ports,
        *,
        question: Question,
        take: Callable[[Case], None],
        stay: Callable[[], Awaitable[object]],
    ) -> None:
        self._ports = ports
        self._question = question
        self._take = take
        self._stay = stay
        self._given: dict[IssueId, datetime] = {}
        """When what was given, or is about to be, was touched."""
        self._noted: dict[IssueId, Issue] = {}
        """What memory has notes on: looked at last and together, for lost creates are looked for
        together.
        """
        self._linked: list[Known] = []
        self._unknown: list[Known] = []
        """What waits until there is enough to fill a call to Jira: issues with a link, and issues
        without.
        """
        self._shown: dict[str, bool] = {}

    async def __call__(self) -> int:
        halo, question = self._ports.halo, self._question
        listings = [*halo.changed(since=question.since, until=question.until)]
        listings += [halo.active()] if question.sweep else []
        await each(self._read, listings, at_once=len(listings))
        await each(self._bring, (self._linked, self._unknown), at_once=2)
        await self._bring_noted()
        if question.sweep:
            await self._bring_unlisted()
        return len(self._given)

    # --- Issues -----------------------------------------------------------------------------------

    async def _read(self, listing: Pieces) -> None:
        await each_arriving(self._look_into, listing, at_once=PIECES_AT_ONCE)

    async def _look_into(self, piece: Sequence[Issue]) -> None:
        """Keeps what memory does not call settled, and asks Jira about as many as fill its calls."""
        await self._stay()
        mine = [issue for issue in piece if issue.id in self._question.shard]
        links = await self._ports.store.links([issue.id for issue in mine])
        for issue in mine:
            self._keep(issue, link=links.get(issue.id))
        full = _whole(self._linked, size=READ_TOGETHER), _whole(self._unknown, size=SOUGHT_TOGETHER)
        await each(self._bring, full, at_once=2)

    def _keep(self, issue: Issue, *, link: Link | None) -> None:
        question, known = self._question, self._given.get(issue.id)
        if (known is not None and known >= issue.touched_at) or not _newsworthy(
            issue, link=link, question=question
        ):
            return
        self._given[issue.id] = issue.touched_at
        if issue.id in question.notes:
            self._noted[issue.id] = issue
        else:
            (self._unknown if link is None else self._linked).append(Known(issue=issue, link=link))

    async def _bring_noted(self) -> None:
        """Brings what memory has notes on; what Halo does not list of it is asked for."""
        notes = self._question.notes
        due = {issue_id for issue_id, parked in notes.parked.items() if self._question.due(parked)}
        self._noted |= await self._described((notes.intents.keys() | due) - self._given.keys())
        links = await self._ports.store.links(self._noted.keys())
        await self._bring(
            [Known(issue=issue, link=links.get(issue.id)) for issue in self._noted.values()]
        )

    async def _bring_unlisted(self) -> None:
        """Brings, for a sweep, every issue with a live link that Halo did not list."""
        async for piece in self._ports.store.live_links():
            links = {link.issue_id: link for link in piece if link.issue_id in self._question.shard}
            described = await self._described(links.keys() - self._given.keys())
            await self._bring(
                [Known(issue=issue, link=links[issue.id]) for issue in described.values()]
            )

    async def _described(self, ids: Collection[IssueId]) -> dict[IssueId, Issue]:
        """What Halo says of single issues. A 404 makes a gone issue, not a resolved one."""
        wanted, until = sorted(ids), self._question.until

        async def describe(issue_id: IssueId) -> Issue | None:
            await self._stay()
            return await self._ports.halo.issue(issue_id)

        found = await each(describe, wanted, at_once=DESCRIBED_AT_ONCE)
        issues = {
            one: issue or Issue.forgotten(one, at=until)
            for one, issue in zip(wanted, found, strict=True)
        }
        self._given |= {issue_id: issue.touched_at for issue_id, issue in issues.items()}
        return issues

    # --- Tickets ----------------------------------------------------------------------------------

    async def _bring(self, some: Sequence[Known]) -> None:
        """Asks Jira about some issues, and hands over their cases."""
        if not some:
            return
        tickets = await self._ports.jira.read({one.link.ticket_id for one in some if one.link})
        found = await self._found(some, tickets=tickets)
        shown = await self._projects_shown(some, tickets=tickets)
        for one in some:
            issue = one.issue
            if self._given[issue.id] == issue.touched_at:  # else a newer one is on its way
                ours = found.get(issue.id, ())
                self._take(
                    _case(one, tickets=tickets, found=ours, shown=shown, question=self._question)
                )

    async def _found(
        self, some: Sequence[Known], *, tickets: Mapping[TicketId, Ticket]
    ) -> dict[IssueId, tuple[Ticket, ...]]:
        """Tickets found by the id field, for issues without a link or with one that leads to no
        usable ticket.
        """
        jira, policy, notes = self._ports.jira, self._question.policy, self._question.notes

        def needs_search(one: Known) -> bool:
            ticket = tickets.get(one.link.ticket_id) if one.link else None
            if ticket is None:
                return not one.issue.gone or one.issue.id in notes.intents
            return one.issue.status is IssueStatus.ACTIVE and policy.is_hard_closed(ticket)

        sought = [one.issue.id for one in some if needs_search(one)]
        found = await jira.find(sought, doubtful=self._question.begins)
        intents = (notes.intents.get(one.issue.id) for one in some)
        lost = [
            intent
            for intent in intents
            if intent is not None
            and intent.kind is IntentKind.CREATE
            and all(policy.is_hard_closed(seen) for seen in found.get(intent.issue_id, ()))
        ]
        for project in sorted({intent.project for intent in lost}):
            wanted = {intent.issue_id for intent in lost if intent.project == project}
            above = min(intent.above_key for intent in lost if intent.project == project)
            for issue_id, seen in (await jira.probe(project, above=above, wanted=wanted)).items():
                found[issue_id] = (*found.get(issue_id, ()), *seen)
        return found

    async def _projects_shown(
        self, some: Sequence[Known], *, tickets: Mapping[TicketId, Ticket]
    ) -> Collection[str]:
        """The projects of tickets missing for a second time in which Jira does show us tickets."""
        links = (one.link for one in some if one.link)
        missing = (
            link
            for link in links
            if link.ticket_id not in tickets and link.misses + 1 >= MISSES_BEFORE_GONE
        )
        projects = {link.ticket_key.rpartition("-")[0] for link in missing}
        for project in sorted(projects - self._shown.keys()):
            self._shown[project] = await self._ports.jira.visible(project)
        return {project for project in projects if self._shown[project]}


# --- Rules ----------------------------------------------------------------------------------------


def _whole(waiting: list[Known], *, size: int) -> Sequence[Known]:
    """Takes so many out that they fill whole calls of this size; the rest goes on waiting."""
    full = len(waiting) // size * size
    taken, waiting[:] = waiting[:full], waiting[full:]
    return taken


def _newsworthy(issue: Issue, *, link: Link | None, question: Question) -> bool:
    """Whether a listed issue may need anything at all."""
    if issue.id in question.notes.intents:
        return True
    if link is None and question.policy.excludes(issue):
        return False
    parked = question.notes.parked.get(issue.id)
    if parked is not None and parked.version == issue.version:
        return question.due(parked)
    if link is None or link.version != issue.version or link.status_owed:
        return True
    return parked is not None or question.sweep


def _case(
    one: Known,
    *,
    tickets: Mapping[TicketId, Ticket],
    found: Sequence[Ticket],
    shown: Collection[str],
    question: Question,
) -> Case:
    issue, link = one.issue, one.link
    linked = tickets.get(link.ticket_id) if link else None
    every = {ticket.id: ticket for ticket in (*found, *([linked] if linked else []))}
    ticket, others = choose(link, tickets=every.values(), policy=question.policy)
    for other in _live(others, policy=question.policy):
        log.warning(
            "ticket.duplicate_seen", issue_id=issue.id, kept=ticket and ticket.key, also=other.key
        )
    intent = question.notes.intents.get(issue.id)
    is_linked = link is not None and ticket is not None and ticket.id == link.ticket_id
    if ticket is not None and not is_linked:
        link = (
            link_from(intent, ticket=ticket)
            if intent and intent.kind is IntentKind.CREATE
            else None
        )
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
