"""What memory is told about an issue's ticket, once something became of it.

Promises: only values: from a case or an intent, and a ticket, to the `Link` to store.
Does not do: storing it, or saying what else memory is told (`outcomes.py`).
"""

from datetime import datetime

from msgspec.structs import replace

from job.core.ids import Fingerprint, Version
from job.core.issues import IssueStatus
from job.core.memory import Intent, Link
from job.core.model import Case, Ticket


def link_to(ticket: Ticket, *, case: Case, now: datetime, accepted: bool = False) -> Link:
    """The link once everything that the issue's version asks for is done; what was said before is
    kept. `accepted`: whether the ticket stands where people put a risk that they accept.
    """
    live = case.issue.status is IssueStatus.ACTIVE
    if case.issue.gone:  # it may come back, and then it is seen by asking for it
        live = case.link is None or case.link.live
    link = _link(ticket, case=case, now=now, version=case.issue.version, live=live)
    if not accepted:
        return replace(link, accepted_at=None, accepted_critical=False, accepted_cvss_tenths=None)
    if link.accepted_at is not None or case.issue.gone:
        return link
    issue = case.issue
    return replace(
        link,
        accepted_at=now,
        accepted_critical=issue.critical,
        accepted_cvss_tenths=None if issue.max_cvss is None else round(10 * issue.max_cvss),
    )


def link_begun(ticket: Ticket, *, case: Case, now: datetime) -> Link:
    """The link while work on the ticket is unfinished: the version that it had applied before, or
    none.
    """
    before = case.link
    if before is not None and before.ticket_id == ticket.id:
        return _link(ticket, case=case, now=now, version=before.version, live=before.live)
    return _link(ticket, case=case, now=now, version=Version(""), live=True)


def _link(ticket: Ticket, *, case: Case, now: datetime, version: Version, live: bool) -> Link:
    """A new link, or the one there was to this ticket, with how the ticket looks now. What is
    gathered waits only while its version is the last one, and until it is due.
    """
    missed_at = None
    if case.issue.gone:
        missed_at = (case.link and case.link.missed_at) or now
    if case.link is not None and case.link.ticket_id == ticket.id:
        # Whoever has moved it has decided where it belongs, so that its first status is owed no
        # more.
        is_where_it_was = is_unmoved(ticket, link=case.link)
        return replace(
            _settled(case.link, version=version, now=now),
            ticket_key=ticket.key,
            version=version,
            live=live,
            status_seen=ticket.status,
            status_owed=case.link.status_owed if is_where_it_was else "",
            misses=0,
            unconfirmed=False,
            missed_at=missed_at,
            updated_at=now,
        )
    return Link(
        issue_id=case.issue.id,
        ticket_id=ticket.id,
        ticket_key=ticket.key,
        version=version,
        fingerprint=Fingerprint(""),
        live=live,
        status_seen=ticket.status,
        missed_at=missed_at,
        updated_at=now,
    )


def _settled(link: Link, *, version: Version, now: datetime) -> Link:
    waits = link.version == version and (link.tell_at is None or link.tell_at > now)
    return link if waits else replace(link, gathered="", tell_at=None)


def is_unmoved(ticket: Ticket, *, link: Link) -> bool:
    """Whether the ticket stands where it was seen last, or is seen for the first time."""
    return link.status_seen in {"", ticket.status}


def told(link: Link, *, recalls: str, commented_at: datetime | None) -> Link:
    """The link once the ticket was told something: nothing is gathered any more."""
    return replace(
        link,
        recalls=recalls or link.recalls,
        commented_at=commented_at or link.commented_at,
        gathered="",
        tell_at=None,
    )


def link_from(intent: Intent, *, ticket: Ticket) -> Link:
    """The link that a lost create would have left behind, once its ticket is found."""
    return Link(
        issue_id=intent.issue_id,
        ticket_id=ticket.id,
        ticket_key=ticket.key,
        version=intent.version,
        fingerprint=intent.fingerprint,
        outline=intent.outline,
        live=True,
        status_seen=ticket.status,
        status_owed=intent.status_owed,
        creates=intent.creates,
        recalls=intent.recalls,
        wrote=intent.wrote,
        updated_at=intent.at,
    )
