"""Taking over what older programs left behind: the class of each ticket, and what is written.

Promises: every ticket that was looked at is in exactly one class, with the reason; of several
tickets of one issue the one is taken that a run would keep; the same site gives the same digest.
Does not do: reading tickets (`jira/remnants.py`), or writing anything (`flow/takeover.py`).
"""

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence

from msgspec.structs import replace

from job.core import orphans
from job.core.ids import IssueId, TicketId, as_halo_writes, canonical
from job.core.issues import Issue
from job.core.memory import Link
from job.core.model import Ticket
from job.core.older import agrees, is_old
from job.core.policy import Policy, choose
from job.core.remnants import Class, Remnant, Row, Takeover

_EPIC = re.compile(r"[0-9a-f]{64}", re.IGNORECASE)


def old_account(remnants: Iterable[Remnant]) -> str:
    """The account of the old program: it made most tickets that hold an id and are not ours; ""
    where there is none.
    """
    made = Counter(
        remnant.reporter for remnant in remnants if _of_old(remnant) and remnant.reporter
    )
    return max(made, key=lambda account: (made[account], account), default="")


def ids_told(remnants: Iterable[Remnant]) -> set[IssueId]:
    """Every issue that one of these tickets names."""
    return {
        known
        for remnant in remnants
        for name in remnant.ticket.names
        if (known := as_halo_writes(name))
    }


def plan(
    remnants: Sequence[Remnant],
    *,
    issues: Mapping[str, Issue],
    links: Mapping[IssueId, Link],
    policy: Policy,
) -> Takeover:
    """The class of each. `issues` are Halo's, by their ids in canonical form; `links` are those of
    memory.
    """
    rows = [_by_id(remnant, issues=issues) for remnant in remnants]
    rows = _without_doubles(rows, remnants=remnants, links=links, policy=policy)
    taken = {canonical(row.issue_id) for row in rows if row.what.is_taken}
    rows = _with_orphans(rows, remnants=remnants, issues=issues, taken=taken)
    done = [
        _writes(row, remnant=remnant, links=links)
        for row, remnant in zip(rows, remnants, strict=True)
    ]
    return Takeover(rows=tuple(sorted(done, key=lambda row: (len(row.ticket_id), row.ticket_id))))


# --- Tickets that hold an id ----------------------------------------------------------------------


def _by_id(remnant: Remnant, *, issues: Mapping[str, Issue]) -> Row:
    """What the id of a ticket tells of it, alone."""
    what, why, issue_id = _class(remnant, issues=issues)
    ticket = remnant.ticket
    return Row(ticket_id=ticket.id, key=ticket.key, what=what, why=why, issue_id=issue_id)


def _class(remnant: Remnant, *, issues: Mapping[str, Issue]) -> tuple[Class, str, IssueId]:
    names = [known for name in remnant.ticket.names if (known := as_halo_writes(name))]
    nobody = IssueId("")
    if any(_EPIC.fullmatch(text.strip()) for text in remnant.held) and not remnant.ours:
        return Class.EPIC, "Its id field holds the hash of a group, not an id.", nobody
    if not names:
        return Class.NOT_OURS, "It names no issue of Halo's.", nobody
    [issue_id] = names
    if remnant.ours:
        return Class.OURS, "It bears our property.", issue_id
    if not any(map(is_old, remnant.held)):
        return Class.HYPHENATED, "Its id field holds Halo's own id.", issue_id
    return *_hex_class(remnant, issue=issues.get(canonical(issue_id))), issue_id


def _hex_class(remnant: Remnant, *, issue: Issue | None) -> tuple[Class, str]:
    """That old and new id are the same is likely; a ticket is believed by more than that."""
    if issue is None:
        why = "Its id field holds an old id, and Halo has no such issue any more."
        return Class.HEX_DOUBTFUL, why
    if not agrees(f"{remnant.summary} {remnant.words}", issue=issue):
        why = "Its id field holds an old id, but it does not name the asset and the rule."
        return Class.HEX_DOUBTFUL, why
    return Class.HEX, "Its id field holds an old id; asset and rule agree."


def _without_doubles(
    rows: Sequence[Row],
    *,
    remnants: Sequence[Remnant],
    links: Mapping[IssueId, Link],
    policy: Policy,
) -> list[Row]:
    """The same, where of several tickets of one issue all but the kept one are told as such."""
    of_issue = defaultdict[IssueId, list[Ticket]](list)
    for row, remnant in zip(rows, remnants, strict=True):
        if row.what.is_taken:
            of_issue[row.issue_id].append(remnant.ticket)
    kept_by: dict[TicketId, Ticket] = {}
    for issue_id, tickets in of_issue.items():
        kept, others = choose(links.get(issue_id), tickets=tickets, policy=policy)
        if kept is not None:
            kept_by |= {other.id: kept for other in others}
    return [
        replace(row, what=Class.ONE_OF_SEVERAL, why=_why_other(kept_by[row.ticket_id]))
        if row.ticket_id in kept_by
        else row
        for row in rows
    ]


def _why_other(kept: Ticket) -> str:
    order = "not hard-closed before hard-closed, linked, open, then the newest"
    return f"{kept.key} ({kept.status}) is kept: {order}."


# --- Tickets that hold none -----------------------------------------------------------------------


def _with_orphans(
    rows: Sequence[Row],
    *,
    remnants: Sequence[Remnant],
    issues: Mapping[str, Issue],
    taken: Collection[str],
) -> list[Row]:
    """The same, where tickets without an id are paired with issues by what they say."""
    named, author = orphans.by_name(issues.values()), old_account(remnants)
    paired = [
        _orphan(row, remnant=remnant, named=named, author=author, taken=taken)
        for row, remnant in zip(rows, remnants, strict=True)
    ]
    claimed = Counter(row.issue_id for row in paired if _claims(row))
    return [
        _unsure(row, why="Another ticket without an id says the same.")
        if _claims(row) and claimed[row.issue_id] > 1
        else row
        for row in paired
    ]


def _orphan(
    row: Row,
    *,
    remnant: Remnant,
    named: Mapping[str, list[Issue]],
    author: str,
    taken: Collection[str],
) -> Row:
    says = orphans.said(remnant.summary, words=remnant.words)
    if says is None or remnant.ours or remnant.held:
        return row
    pairing = orphans.pair(says, named=named)
    if pairing.issue is None:
        return replace(row, what=Class.ORPHAN_UNSURE, why=pairing.why, confidence=0)
    found = replace(
        row,
        what=Class.ORPHAN,
        why=pairing.why,
        issue_id=pairing.issue.id,
        confidence=pairing.confidence,
    )
    if canonical(found.issue_id) in taken:
        return _unsure(found, why="The issue has another ticket, which holds its id.")
    if author and remnant.reporter != author:
        less = replace(found, confidence=found.confidence - orphans.STRANGE_AUTHOR)
        return replace(less, what=Class.ORPHAN_UNSURE, why="Another account made it.")
    if found.confidence < orphans.SURE:
        return replace(found, what=Class.ORPHAN_UNSURE)
    return found


def _claims(row: Row) -> bool:
    """Whether it is an orphan that names the asset of its issue, whoever made it."""
    sure_enough = row.confidence >= orphans.SURE - orphans.STRANGE_AUTHOR
    return row.what is Class.ORPHAN or (row.what is Class.ORPHAN_UNSURE and sure_enough)


def _unsure(row: Row, *, why: str) -> Row:
    """One that has a twin is half as sure."""
    return replace(row, what=Class.ORPHAN_UNSURE, why=why, confidence=row.confidence // 2)


def _writes(row: Row, *, remnant: Remnant, links: Mapping[IssueId, Link]) -> Row:
    """The same, with what is written for it: nothing that is there already."""
    if not row.what.is_taken:
        return row
    return replace(
        row,
        links=row.issue_id not in links,
        marks=not remnant.ours,
        fills=row.what is Class.ORPHAN,
    )


def _of_old(remnant: Remnant) -> bool:
    return bool(remnant.held) and not remnant.ours
