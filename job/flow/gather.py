"""Brings together everything known about each issue that a run must look at: the cases.

Promises: it writes nothing; an issue that memory says is settled costs no call to Jira; every note
of unfinished work (intents, parked issues whose time has come) is looked at again even if Halo
lists its issue no more. The stages overlap: while some issues are looked up in memory and in Jira,
Halo lists the next. A few pages are held, never a list.
Does not do: saying which issues must be looked at (`core/cases.py`), or finding tickets
(`lookup.py`).
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from datetime import datetime

import structlog

from job.core.backlog import Backlog
from job.core.cases import IssueWithLink, Notes, Scope, case_set_aside, is_newsworthy
from job.core.ids import IssueId
from job.core.issues import Issue
from job.core.memory import Broken, Link, Noted
from job.core.model import Case
from job.core.routes import Routes
from job.core.shards import Shard
from job.each import each, each_arriving
from job.events import Event
from job.flow.lookup import Lookup
from job.flow.trust import Trust
from job.ports import Pieces, Ports

log = structlog.get_logger()

DESCRIBED_AT_ONCE = 16
PIECES_AT_ONCE = 2
"""Of a listing, looked into while the next one comes."""
READ_TOGETHER = 100
"""Tickets that Jira shows in one call."""
SOUGHT_TOGETHER = 50
"""Issues whose ticket Jira looks for in one query."""


async def recall(ports: Ports, *, shard: Shard, routes: Routes, now: datetime) -> Notes:
    """Reads the notes of unfinished work; what is due to be told only where updates are told."""
    tells = any(to.comments for to in routes.destinations)
    lost: Broken = {}
    unparkable: Broken = {}
    intents = await ports.store.intents(broken=lost)
    parked = await ports.store.parked(broken=unparkable)
    due = await ports.store.due(now) if tells else []
    noted = await _noted(ports, shard=shard)
    broken = {issue_id: why for issue_id, why in (unparkable | lost).items() if issue_id in shard}
    return Notes(
        intents={intent.issue_id: intent for intent in intents if intent.issue_id in shard},
        parked={entry.issue_id: entry for entry in parked if entry.issue_id in shard},
        broken=broken,
        never_parked=unparkable.keys() & broken.keys(),
        due=frozenset(issue_id for issue_id in due if issue_id in shard),
        noted=noted,
        told=frozenset(note.issue_id for note in noted),
        told_deleted=frozenset(note.ticket_id for note in noted if note.deleted),
    )


async def _noted(ports: Ports, *, shard: Shard) -> tuple[Noted, ...]:
    """What Jira told us of tickets between runs. A note that cannot be used is said aloud and left
    where it is: a sweep looks at its ticket.
    """
    broken: Broken = {}
    noted = await ports.store.noted(broken=broken)
    for why in broken.values():
        log.warning(Event.MEMORY_UNREADABLE, error=why)
    return tuple(note for note in noted if note.issue_id in shard)


async def gather(
    ports: Ports,
    *,
    scope: Scope,
    trust: Trust,
    on_case: Callable[[Case], None],
    keep_lease: Callable[[], Awaitable[object]],
) -> int:
    """Hands over the cases of a run, in no particular order, while the listing goes on; returns how
    many issues it was.

    One that changes while we look may come twice; then the last case is the newest. `keep_lease` is
    called again and again while the looking gets on: it may take long.
    """
    lookup = Lookup(ports.jira, scope=scope, trust=trust)
    return await Gathering(
        ports, scope=scope, lookup=lookup, on_case=on_case, keep_lease=keep_lease
    )()


class Gathering:
    """One run's look around. It keeps the ids of what it has given, and little else."""

    def __init__(
        self,
        ports: Ports,
        *,
        scope: Scope,
        lookup: Lookup,
        on_case: Callable[[Case], None],
        keep_lease: Callable[[], Awaitable[object]],
    ) -> None:
        self._ports = ports
        self._scope = scope
        self._on_case = on_case
        self._keep_lease = keep_lease
        self._lookup = lookup
        self._broken: Broken = dict(scope.notes.broken)
        """What memory keeps and cannot be used, as far as it was met by now."""
        self._given: dict[IssueId, datetime] = {}
        """When what was given, or is about to be, was touched."""
        self._noted: dict[IssueId, Issue] = {}
        """What memory has notes on: looked at last and together, for lost creates are looked for
        together.
        """
        self._old: dict[IssueId, Backlog | None] = {}
        """What memory was asked of issues that may be noted as old before the first run looked."""
        self._recalling = asyncio.Lock()
        """Several listings name an issue at once, and memory is asked for it once."""
        self._linked: list[IssueWithLink] = []
        self._unknown: list[IssueWithLink] = []
        """What waits until there is enough to fill a call to Jira: issues with a link, and without.
        """

    async def __call__(self) -> int:
        halo, scope = self._ports.halo, self._scope
        listings = [*halo.changed(since=scope.since, until=scope.until)]
        listings += [halo.active()] if scope.sweep else []
        await each(self._read, listings, at_once=len(listings))
        await each(self._look_up, (self._linked, self._unknown), at_once=2)
        await self._look_up_noted()
        if scope.sweep:
            await self._look_up_unlisted()
        return len(self._given)

    async def _read(self, listing: Pieces) -> None:
        await each_arriving(self._look_into, listing, at_once=PIECES_AT_ONCE)

    async def _look_into(self, piece: Sequence[Issue]) -> None:
        """Keeps what memory does not call settled; asks Jira about as many as fill its calls."""
        await self._keep_lease()
        mine = [issue for issue in piece if issue.id in self._scope.shard or not issue.has_id]
        ids = [issue.id for issue in mine if issue.has_id]
        links = await self._ports.store.links(ids, broken=self._broken)
        await self._recall_old(issue for issue in mine if issue.id not in links)
        for issue in mine:
            self._keep(issue, link=links.get(issue.id))
        full = (
            _take_full_calls(self._linked, size=READ_TOGETHER),
            _take_full_calls(self._unknown, size=SOUGHT_TOGETHER),
        )
        await each(self._look_up, full, at_once=2)

    def _keep(self, issue: Issue, *, link: Link | None) -> None:
        given_at = self._given.get(issue.id)
        if given_at is not None and given_at >= issue.touched_at:
            return
        note = self._old.get(issue.id)
        if not is_newsworthy(issue, link=link, scope=self._scope, note=note):
            return
        self._given[issue.id] = issue.touched_at
        if issue.id in self._scope.notes:
            self._noted[issue.id] = issue
        else:
            waiting = self._unknown if link is None else self._linked
            waiting.append(IssueWithLink(issue=issue, link=link, note=note))

    async def _recall_old(self, issues: Iterable[Issue]) -> None:
        """Reads of these issues without a ticket which are noted as old, where any may be."""
        may_be = self._scope.beginning.may_have_note
        wanted = [issue.id for issue in issues if may_be(issue)]
        if not wanted:
            return
        async with self._recalling:
            ids = [issue_id for issue_id in wanted if issue_id not in self._old]
            found = await self._ports.store.backlog(ids, broken=self._broken) if ids else {}
            self._old |= {issue_id: found.get(issue_id) for issue_id in ids}

    async def _look_up_noted(self) -> None:
        """What memory has notes on; what Halo does not list of it is asked for."""
        self._noted |= await self._described(self._scope.to_describe - self._given.keys())
        links = await self._ports.store.links(self._noted.keys(), broken=self._broken)
        noted = self._noted.values()
        await self._recall_old(issue for issue in noted if issue.id not in links)
        await self._look_up(
            [
                IssueWithLink(issue=it, link=links.get(it.id), note=self._old.get(it.id))
                for it in noted
            ]
        )

    async def _look_up_unlisted(self) -> None:
        """For a sweep, every issue with a live link that Halo did not list."""
        async for piece in self._ports.store.live_links(broken=self._broken):
            links = {link.issue_id: link for link in piece if link.issue_id in self._scope.shard}
            described = await self._described(links.keys() - self._given.keys())
            await self._look_up(
                [IssueWithLink(issue=issue, link=links[issue.id]) for issue in described.values()]
            )
        broken = {issue_id for issue_id in self._broken if issue_id in self._scope.shard}
        described = await self._described(broken - self._given.keys())
        await self._look_up([IssueWithLink(issue=issue, link=None) for issue in described.values()])

    async def _described(self, ids: Collection[IssueId]) -> dict[IssueId, Issue]:
        """What Halo says of single issues. A 404 makes a gone issue, not a resolved one; what
        cannot be read is an issue that says why.
        """
        wanted, until = sorted(ids), self._scope.until

        async def describe(issue_id: IssueId) -> Issue | None:
            await self._keep_lease()
            return await self._ports.halo.issue(issue_id)

        found = await each(describe, wanted, at_once=DESCRIBED_AT_ONCE)
        issues = {
            issue_id: issue or Issue.forgotten(issue_id, at=until)
            for issue_id, issue in zip(wanted, found, strict=True)
        }
        self._given |= {issue_id: issue.touched_at for issue_id, issue in issues.items()}
        return issues

    async def _look_up(self, some: Sequence[IssueWithLink]) -> None:
        """Asks Jira about some issues, and hands over their cases."""
        cases, readable = [], []
        for known in some:
            why = self._broken.get(known.issue.id, "")
            if known.issue.unreadable or why:
                cases.append(case_set_aside(known.issue, scope=self._scope, memory_broken=why))
            else:
                readable.append(known)
        for case in cases + await self._lookup.cases(readable):
            if self._given[case.issue.id] == case.issue.touched_at:
                self._on_case(case)  # else a newer one is on its way


def _take_full_calls(waiting: list[IssueWithLink], *, size: int) -> Sequence[IssueWithLink]:
    """Takes so many out that they fill whole calls of this size; the rest goes on waiting."""
    full = len(waiting) // size * size
    taken, waiting[:] = waiting[:full], waiting[full:]
    return taken
