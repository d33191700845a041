"""Takes over what older programs left behind: looks at all of it, and writes what was agreed to.

Promises: the look writes to neither side; a ticket gets a link, our property and, if it is an
orphan, its id, and nothing else of it is touched; what is written was noted before, so that a
kill does no harm and it can be taken back; on a site that changed, what is not as it was
agreed to is left and told.
Does not do: saying what a ticket is (`core/takeover.py`), or asking whether it may (`commands/`).
"""

from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from job.batches import batches
from job.core import takeover
from job.core.ids import IssueId, TicketId, canonical
from job.core.issues import Issue
from job.core.memory import Link
from job.core.model import Ticket
from job.core.remnants import Remnant, Row, Takeover
from job.core.taken import Taken
from job.each import each
from job.flow.look import prove_identity
from job.flow.mend import Mending, mending
from job.flow.rebuild import link_of
from job.flow.setup import Setup
from job.flow.taking import Ended, Hands, Left, added

BATCH = 50
"""Tickets that are written to under one lease, which lasts for minutes."""
AT_ONCE = 4
LOOKED_UP_TOGETHER = 300


class Sight(Struct, frozen=True, kw_only=True):
    """What a look at both sides and memory has shown."""

    plan: Takeover
    tickets: dict[TicketId, Ticket]
    notes: dict[IssueId, Taken]


async def look(setup: Setup) -> Sight:
    """One sweep over Jira, all of Halo, and what memory knows of both. Writes nothing."""
    await prove_identity(setup)
    await setup.ports.jira.prove_search(canary=IssueId(""))
    issues = await _all_issues(setup)
    projects = {to.project for to in setup.policy.routes.destinations}
    remnants: list[Remnant] = []
    async for piece in setup.ports.jira.remnants(projects):
        remnants += piece
    wanted = takeover.ids_told(remnants) | {issue.id for issue in issues.values()}
    links = await _links(setup, wanted=wanted)
    plan = takeover.plan(remnants, issues=issues, links=links, policy=setup.policy)
    tickets = {remnant.ticket.id: remnant.ticket for remnant in remnants}
    return Sight(plan=plan, tickets=tickets, notes=await notes(setup))


async def notes(setup: Setup) -> dict[IssueId, Taken]:
    """What memory notes of takeovers."""
    found: dict[IssueId, Taken] = {}
    async for piece in setup.ports.store.every(Taken):
        found |= {note.issue_id: note for note in piece}
    return found


async def remember(setup: Setup, *, sight: Sight) -> None:
    """Notes the plan under its digest, in place of every earlier one that was not begun."""
    now, digest = setup.ports.clock.now(), sight.plan.digest
    planned = {row.issue_id: row for row in sight.plan.work}
    new = [
        _note(row, digest=digest, before=sight.notes.get(issue_id), at=now)
        for issue_id, row in planned.items()
    ]
    stale = [
        issue_id
        for issue_id, note in sight.notes.items()
        if not note.begun and issue_id not in planned
    ]
    async with mending(setup.ports.store, clock=setup.ports.clock) as hand:
        await hand.give_back(stale, links=())
        await hand.write(new, field="taken")


def _note(row: Row, *, digest: str, before: Taken | None, at: datetime) -> Taken:
    """What was begun on this very ticket stays ours to take back."""
    ours = before if before and before.begun and before.ticket_id == row.ticket_id else None
    return Taken(
        issue_id=row.issue_id,
        ticket_id=row.ticket_id,
        ticket_key=row.key,
        digest=digest,
        links=row.links or bool(ours and ours.links),
        marks=row.marks or bool(ours and ours.marks),
        fills=row.fills or bool(ours and ours.fills),
        begun=ours is not None,
        at=at,
    )


async def apply(setup: Setup, *, sight: Sight, digest: str) -> Ended:
    """Writes what was noted under this digest, as far as it is still the same."""
    agreed, left = _compared(sight, digest=digest)
    screen = await setup.ports.jira.create_screen(setup.policy.routes.default)
    hands = Hands(setup, screen=screen)

    async def write(row: Row) -> Left | None:
        return await hands.write(row, ticket=sight.tickets[row.ticket_id])

    ended = Ended(left=tuple(left))
    for some in batches(agreed, size=BATCH):
        async with mending(setup.ports.store, clock=setup.ports.clock) as hand:
            begun = [replace(sight.notes[row.issue_id], begun=True) for row in some]
            await hand.write(begun, field="taken")
            refused = [one for one in await each(write, some, at_once=AT_ONCE) if one]
            ended = added(ended, await _linked(setup, hand, some, refused=refused, sight=sight))
    return ended


def _compared(sight: Sight, *, digest: str) -> tuple[list[Row], list[Left]]:
    """What is still as it was agreed to and not written yet, and what is not."""
    rows = {row.issue_id: row for row in sight.plan.work}
    agreed: list[Row] = []
    left: list[Left] = []
    for issue_id, note in sight.notes.items():
        row = rows.pop(issue_id, None)
        if row is None and (note.digest != digest or note.begun):
            continue
        if row is not None and note.digest == digest and _is_same(row, note=note):
            agreed.append(row)
            continue
        why = "It is not as it was when the plan was made."
        left.append(Left(issue_id=issue_id, key=note.ticket_key, why=why))
    for row in rows.values():
        why = "The plan did not have it."
        left.append(Left(issue_id=row.issue_id, key=row.key, why=why))
    return sorted(agreed, key=lambda row: int(row.ticket_id)), left


def _is_same(row: Row, *, note: Taken) -> bool:
    """Whether no more is to be written than was agreed to, on the same ticket."""
    wanted = ((row.links, note.links), (row.marks, note.marks), (row.fills, note.fills))
    return row.ticket_id == note.ticket_id and all(there or not now for now, there in wanted)


async def _linked(
    setup: Setup, hand: Mending, rows: Sequence[Row], *, refused: Sequence[Left], sight: Sight
) -> Ended:
    """Links those that Jira has not refused, and counts."""
    failed = {one.issue_id for one in refused}
    done = [row for row in rows if row.issue_id not in failed]
    now = setup.ports.clock.now()
    links = await hand.link(
        link_of(row.issue_id, ticket=sight.tickets[row.ticket_id], policy=setup.policy, now=now)
        for row in done
        if row.links
    )
    return Ended(
        links=links,
        properties=sum(row.marks for row in done),
        ids=sum(row.fills for row in done),
        left=tuple(refused),
    )


async def _all_issues(setup: Setup) -> dict[str, Issue]:
    """Every issue that Halo lists, active or resolved."""
    found: dict[str, Issue] = {}
    for listing in setup.ports.halo.changed(since=None, until=setup.ports.clock.now()):
        async for piece in listing:
            found |= {canonical(issue.id): issue for issue in piece if issue.has_id}
    return found


async def _links(setup: Setup, *, wanted: set[IssueId]) -> dict[IssueId, Link]:
    links: dict[IssueId, Link] = {}
    for some in batches(sorted(wanted), size=LOOKED_UP_TOGETHER):
        links |= await setup.ports.store.links(some)
    return links
