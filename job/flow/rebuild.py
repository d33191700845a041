"""Makes the links of lost memory again, from Jira alone.

Promises: a ticket is believed by our property, else by its id field, as Jira's database has them; a
search that is blind is an error, and no emptiness; of several tickets of one issue the one is kept
that a run would keep.
Does not do: writing the links (`mend.py`), or asking Halo anything: the next run does, and what it
sees then counts as told.
"""

from collections import defaultdict
from datetime import datetime

from msgspec import Struct

from job.core.ids import Fingerprint, IssueId, Version, as_halo_writes
from job.core.memory import Link
from job.core.model import Ticket
from job.core.policy import Policy, choose
from job.flow.look import prove_identity
from job.flow.setup import Setup


class Double(Struct, frozen=True, kw_only=True):
    """An issue with several tickets that are not hard-closed."""

    issue_id: IssueId
    kept: Ticket
    others: tuple[Ticket, ...]


class Rebuilt(Struct, frozen=True, kw_only=True):
    """What Jira tells of links."""

    links: tuple[Link, ...]
    doubles: tuple[Double, ...]
    nameless: int
    """How many tickets hold something in the id field and name no issue of Halo's."""
    older: int
    """How many hold an id as an older program wrote it: a run believes them by more than that."""


async def rebuild(setup: Setup) -> Rebuilt:
    """Looks at every ticket that holds an id. Raises `MalformedAnswer` where search does not find
    tickets by the ids they hold.
    """
    await prove_identity(setup)
    await setup.ports.jira.prove_search(canary=IssueId(""))
    named = defaultdict[IssueId, dict[str, Ticket]](dict)
    nameless = older = 0
    async for piece in setup.ports.jira.holders():
        for ticket in piece:
            if ticket.older_words:
                older += 1
                continue
            ids = [known for name in ticket.names if (known := as_halo_writes(name))]
            nameless += not ids
            for issue_id in ids:
                named[issue_id][ticket.id] = ticket
    links, doubles = _links(named, policy=setup.policy, now=setup.ports.clock.now())
    return Rebuilt(links=links, doubles=doubles, nameless=nameless, older=older)


def _links(
    named: dict[IssueId, dict[str, Ticket]], *, policy: Policy, now: datetime
) -> tuple[tuple[Link, ...], tuple[Double, ...]]:
    links: list[Link] = []
    doubles: list[Double] = []
    for issue_id, tickets in sorted(named.items()):
        kept, others = choose(None, tickets=tickets.values(), policy=policy)
        if kept is None:
            continue
        links.append(link_of(issue_id, ticket=kept, policy=policy, now=now))
        live = tuple(other for other in others if not policy.is_hard_closed(other))
        if live:
            doubles.append(Double(issue_id=issue_id, kept=kept, others=live))
    return tuple(links), tuple(doubles)


def link_of(issue_id: IssueId, *, ticket: Ticket, policy: Policy, now: datetime) -> Link:
    """Nothing of the issue counts as applied, and what is seen of it next counts as told."""
    return Link(
        issue_id=issue_id,
        ticket_id=ticket.id,
        ticket_key=ticket.key,
        version=Version(""),
        fingerprint=Fingerprint(""),
        live=not policy.is_closed(ticket),
        status_seen=ticket.status,
        relearns=True,
        updated_at=now,
    )
