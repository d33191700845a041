"""Looks at one issue as the next run would, by the very rules of a run, and keeps what it saw.

Promises: nothing is written to Halo, to Jira or to memory; the case is made and decided by the
rules of a run; an id that neither side knows, nor memory, is told from one that is merely old.
Does not do: words for people (`commands/explain.py`).
"""

import re
from asyncio import Semaphore
from datetime import datetime

from msgspec import Struct

from job.core.backlog import Backlog
from job.core.cases import IssueWithLink, Scope, case_set_aside, is_newsworthy
from job.core.decisions import asked, decide
from job.core.held import Entry
from job.core.ids import IssueId, TicketId, as_halo_writes
from job.core.issues import Evidence, Issue, IssueStatus
from job.core.memory import Broken, Link, RunRecord, Watermark
from job.core.model import Action, Case, Decision, Ticket
from job.core.noise import Weighed
from job.core.pieces import all_held
from job.core.rewritten import rewritten
from job.core.steps import Step
from job.errors import IssueFailed
from job.flow.holding import Holding
from job.flow.identity import prove_memory
from job.flow.look import Look, begin_mark, prove_identity
from job.flow.lookup import Lookup
from job.flow.prepare import find_news
from job.flow.setup import Order, Setup
from job.flow.trust import Trust

RUNS_MAX = 50
"""So many of the last runs are asked whether they failed over the issue."""
_TICKET = re.compile(r"(?P<key>[A-Za-z][A-Za-z0-9_]*-[0-9]+)|(?P<id>[0-9]+)")


class Seen(Struct, frozen=True, kw_only=True):
    """One issue as the next run would see it."""

    decision: Decision
    rules: tuple[str, ...]
    """The rules that were asked, in order; the last of them answered."""
    link: Link | None
    """As memory has it, whatever ticket was found."""
    mark: Watermark
    since: datetime | None
    """From when on the next run reads."""
    sweeps: bool
    looks: bool
    """Whether the next run looks at the issue at all."""
    backlog: Backlog | None = None
    held: Entry | None = None
    approved: bool = False
    weighed: Weighed | None = None
    """What there is to tell of an update; `None` where the action is none."""
    refused: str = ""
    """Why what an update would say cannot be had from Halo; "" where it can."""
    failures: tuple[tuple[RunRecord, str], ...] = ()
    """Runs that failed over it, the newest first, each with its words."""

    @property
    def case(self) -> Case:
        return self.decision.case


async def inquire(setup: Setup, *, about: str) -> Seen | None:
    """What the next run sees of an issue, which may be named by its ticket; `None` where nobody
    knows it. Raises what `plan` raises.
    """
    now = setup.ports.clock.now()
    await prove_identity(setup)
    mark = await begin_mark(setup, order=Order(), started_at=now)
    await prove_memory(setup, order=Order(), mark=mark)
    issue_id = await _issue_of(setup, about=about)
    return await _look(setup, issue_id=issue_id, mark=mark, now=now) if issue_id else None


async def _issue_of(setup: Setup, *, about: str) -> IssueId | None:
    """The issue that is meant: by its id, or by the ticket that names it or that memory links."""
    if issue_id := as_halo_writes(about):
        return issue_id
    named = _TICKET.fullmatch(about.strip())
    if named is None:
        return None
    name = TicketId(named["id"] or named["key"].upper())
    shown = list((await setup.ports.jira.read({name}, not_loaded=set())).values())
    for ticket in shown:
        for known in ticket.names:
            return as_halo_writes(known) or IssueId(known)
    return await _linked(setup, name=name, shown=shown)


async def _linked(setup: Setup, *, name: TicketId, shown: list[Ticket]) -> IssueId | None:
    """The issue whose ticket this is as memory has it, though Jira shows no such ticket."""
    wanted = {name, *(ticket.id for ticket in shown)}
    async for piece in setup.ports.store.live_links(broken={}):
        for link in piece:
            if not wanted.isdisjoint({link.ticket_id, link.ticket_key}):
                return link.issue_id
    return None


async def _look(setup: Setup, *, issue_id: IssueId, mark: Watermark, now: datetime) -> Seen | None:
    store = setup.ports.store
    broken: Broken = {}
    scope = await scope_of(setup, mark=mark, now=now)
    link = (await store.links([issue_id], broken=broken)).get(issue_id)
    backlog = (await store.backlog([issue_id], broken=broken)).get(issue_id)
    held, approved = await _held(setup, issue_id=issue_id, now=now)
    found = await setup.ports.halo.issue(issue_id)
    broken.update(scope.notes.broken)
    if not (found or link or backlog or issue_id in scope.notes or issue_id in broken):
        return None
    issue = found or Issue.forgotten(issue_id, at=now)
    known = IssueWithLink(issue=issue, link=link, note=backlog)
    case = await _case(setup, known, why=broken.get(issue_id, ""), scope=scope)
    decision = decide(case, policy=setup.policy, now=now)
    weighed, refused = await _weigh(setup, decision=decision)
    return Seen(
        decision=decision,
        rules=asked(case, policy=setup.policy, now=now),
        link=link,
        mark=mark,
        since=scope.since,
        sweeps=scope.sweep,
        looks=_looks(known, scope=scope),
        backlog=backlog,
        held=held,
        approved=approved,
        weighed=weighed,
        refused=refused,
        failures=await _failures(setup, issue_id=issue_id),
    )


async def scope_of(setup: Setup, *, mark: Watermark, now: datetime) -> Scope:
    """What the next run would look at, if it began now."""
    holding = Holding(setup, started_at=now)
    return await Look(setup, order=Order(), holding=holding, started_at=now).scope(mark)


async def _case(setup: Setup, known: IssueWithLink, *, why: str, scope: Scope) -> Case:
    if known.issue.unreadable or why:
        return case_set_aside(known.issue, scope=scope, memory_broken=why)
    lookup = Lookup(setup.ports.jira, scope=scope, trust=Trust(setup.ports, scope=scope))
    (case,) = await lookup.cases([known])
    return case


def _looks(known: IssueWithLink, *, scope: Scope) -> bool:
    """Whether a run of this scope meets the issue, and has anything to decide about it then."""
    issue, link = known.issue, known.link
    if issue.id in scope.to_describe:
        return True
    listed = not issue.gone and (scope.since is None or issue.touched_at >= scope.since)
    swept = issue.status is IssueStatus.ACTIVE or (link is not None and link.live)
    met = listed or (scope.sweep and swept)
    return met and is_newsworthy(issue, link=link, scope=scope, note=known.note)


async def _held(setup: Setup, *, issue_id: IssueId, now: datetime) -> tuple[Entry | None, bool]:
    """What is held of the issue, whichever task holds it, and whether that was approved."""
    for piece, entry in all_held(await setup.ports.store.pieces(broken={}), now=now):
        if entry.issue_id == issue_id:
            approved = (await setup.ports.store.quota()).approved.get(piece.shard, 0)
            return entry, entry.generation <= approved
    return None, False


async def _weigh(setup: Setup, *, decision: Decision) -> tuple[Weighed | None, str]:
    """What an update would tell, and why that cannot be had; neither where nothing is told."""
    case = decision.case
    if decision.action is not Action.COMMENT:
        return None, ""
    try:
        finding = await setup.ports.halo.finding(case.issue)
        evidence = rewritten(Evidence(issue=case.issue, finding=finding), setup.redact)
        step = Step(decision=decision, evidence=evidence, link=case.link)
        await find_news(step, ports=setup.ports, asking=Semaphore(1), redact=setup.redact)
    except IssueFailed as error:
        return None, str(error)
    return step.weighed, ""


async def _failures(setup: Setup, *, issue_id: IssueId) -> tuple[tuple[RunRecord, str], ...]:
    return tuple(
        (record, error.removeprefix(f"{issue_id}: "))
        for record in await setup.ports.store.runs(limit=RUNS_MAX)
        for error in record.errors
        if error.startswith(f"{issue_id}: ")
    )
