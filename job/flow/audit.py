"""Audits Halo and Jira against memory, in one sweep over all three.

Promises: nothing is written; each ticket is judged as Jira's database has it, also one that search
does not show but memory links; the rules are those of a run.
Does not do: saying what is a counterexample (`core/audit.py`).
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable
from datetime import datetime

from msgspec import Struct

from job.batches import batches
from job.core.audit import Counterexample, Excuse, Known, counterexamples, excuse
from job.core.cases import IssueWithLink, Scope, case_set_aside, make_case
from job.core.ids import IssueId, TicketId, as_halo_writes, canonical
from job.core.issues import Issue
from job.core.memory import Broken, Link, Watermark
from job.core.model import Case, Ticket
from job.core.pieces import all_held
from job.each import each
from job.flow.identity import prove_memory
from job.flow.inquiry import scope_of
from job.flow.look import begin_mark, prove_identity
from job.flow.setup import Order, Setup
from job.flow.trust import Trust

DESCRIBED_AT_ONCE = 16
LOOKED_UP_TOGETHER = 300
READ_TOGETHER = 100
RUNS_MAX = 10_000


class Audit(Struct, frozen=True, kw_only=True):
    """What was looked at, and what was found."""

    issues: int
    tickets: int
    links: int
    found: tuple[Counterexample, ...]
    excused: dict[Excuse, int]
    """How many issues may be otherwise than Halo's last word asks for, by the reason."""
    under_a_run: bool
    """Whether a run was at work, which may have changed things while we looked."""


async def audit(setup: Setup) -> Audit:
    """Looks at everything. Raises what `plan` raises."""
    now = setup.ports.clock.now()
    await prove_identity(setup)
    mark = await begin_mark(setup, order=Order(), started_at=now)
    await prove_memory(setup, order=Order(), mark=mark)
    scope = await scope_of(setup, mark=mark, now=now)
    await Trust(setup.ports, scope=scope).may_find()
    return await Auditor(setup, scope=scope)(mark)


class Auditor:
    """One sweep. It keeps every ticket, link and issue that it meets until the end."""

    def __init__(self, setup: Setup, *, scope: Scope) -> None:
        self._setup = setup
        self._ports = setup.ports
        self._scope = scope
        self._tickets: dict[TicketId, Ticket] = {}
        self._links: dict[IssueId, Link] = {}
        self._issues: dict[IssueId, Issue] = {}
        self._broken: Broken = dict(scope.notes.broken)

    async def __call__(self, mark: Watermark) -> Audit:
        await self._read_memory()
        await self._read_jira()
        await self._read_halo()
        known = await self._known(mark)
        named = self._by_issue()
        found: list[Counterexample] = []
        excused: Counter[Excuse] = Counter()
        for issue in self._issues.values():
            case, others = self._case(issue, named=named.get(canonical(issue.id), ()))
            found += counterexamples(case, others=others, known=known)
            if reason := excuse(case, known=known):
                excused[reason] += 1
        return Audit(
            issues=len(self._issues),
            tickets=len(self._tickets),
            links=len(self._links),
            found=tuple(found),
            excused=dict(excused),
            under_a_run=await self._is_under_a_run(),
        )

    async def _read_memory(self) -> None:
        async for piece in self._ports.store.live_links(broken=self._broken):
            self._links |= {link.issue_id: link for link in piece}

    async def _read_jira(self) -> None:
        """All that search shows, and what memory links besides."""
        async for piece in self._ports.jira.holders():
            self._tickets |= {ticket.id: ticket for ticket in piece}
        linked = {link.ticket_id for link in self._links.values()} - self._tickets.keys()
        for ids in batches(sorted(linked), size=READ_TOGETHER):
            self._tickets |= await self._ports.jira.read(ids, not_loaded=set())
        names = {name for ticket in self._tickets.values() for name in ticket.names}
        ids_named = [known for name in sorted(names) if (known := as_halo_writes(name))]
        unlinked = [issue_id for issue_id in ids_named if issue_id not in self._links]
        for some in batches(unlinked, size=LOOKED_UP_TOGETHER):
            self._links |= await self._ports.store.links(some, broken=self._broken)

    async def _read_halo(self) -> None:
        """Every active issue, and what else has an open ticket or counts as active."""
        async for piece in self._ports.halo.active():
            self._issues |= {issue.id: issue for issue in piece if issue.has_id}
        wanted = {link.issue_id for link in self._links.values() if link.live}
        for ticket in self._tickets.values():
            if not self._setup.policy.is_closed(ticket):
                wanted |= {known for name in ticket.names if (known := as_halo_writes(name))}
        unlisted = sorted(wanted - self._issues.keys())
        described = await each(self._ports.halo.issue, unlisted, at_once=DESCRIBED_AT_ONCE)
        for issue_id, issue in zip(unlisted, described, strict=True):
            self._issues[issue_id] = issue or Issue.forgotten(issue_id, at=self._scope.until)

    def _case(self, issue: Issue, *, named: Iterable[Ticket]) -> tuple[Case, list[Ticket]]:
        why = self._broken.get(issue.id, "")
        if issue.unreadable or why:
            return case_set_aside(issue, scope=self._scope, memory_broken=why), []
        link = self._links.get(issue.id)
        case, others = make_case(
            IssueWithLink(issue=issue, link=link),
            linked_ticket=self._tickets.get(link.ticket_id) if link else None,
            found=[*named],
            shown=(),
            create_denied=False,
            scope=self._scope,
        )
        return case, [*others]

    def _by_issue(self) -> dict[str, list[Ticket]]:
        named = defaultdict[str, list[Ticket]](list)
        for ticket in self._tickets.values():
            for name in ticket.names:
                named[name].append(ticket)
        return named

    async def _known(self, mark: Watermark) -> Known:
        store, now = self._ports.store, self._scope.until
        backlog: set[IssueId] = set()
        strangers = [issue_id for issue_id in self._issues if issue_id not in self._links]
        for some in batches(strangers, size=LOOKED_UP_TOGETHER):
            notes = await store.backlog(some, broken=self._broken)
            alone = self._scope.beginning.leaves_alone
            backlog |= {of for of, note in notes.items() if alone(self._issues[of], note=note)}
        return Known(
            policy=self._setup.policy,
            now=now,
            read_from=await self._read_from(mark),
            read_to=mark.at,
            held=frozenset(await self._held(now)),
            backlog=frozenset(backlog),
        )

    async def _read_from(self, mark: Watermark) -> datetime | None:
        """From when on anything was ever read, as far as memory tells."""
        if mark.begun_from is not None:
            return mark.begun_from
        runs = await self._ports.store.runs(limit=RUNS_MAX)
        first = min((run.started_at for run in runs), default=None)
        return first - self._setup.look_back if first else None

    async def _held(self, now: datetime) -> Collection[IssueId]:
        pieces = await self._ports.store.pieces(broken={})
        return {entry.issue_id for _, entry in all_held(pieces, now=now)}

    async def _is_under_a_run(self) -> bool:
        now = self._ports.clock.now()
        leases = await self._ports.store.leases()
        return any(lease.holder and lease.until > now for lease in leases)
