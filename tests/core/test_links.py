"""What memory is told about an issue's ticket, once something became of it."""

from datetime import timedelta

from msgspec.structs import replace

from job.core.ids import Fingerprint, Marker, TicketId, Version
from job.core.issues import Issue, IssueStatus
from job.core.links import link_begun, link_from, link_to
from job.core.model import Case
from tests.kit.builders import NOW, intent, issue, link, ticket

ISSUE = issue(critical=True, last_seen_at=NOW - timedelta(minutes=30))
TICKET = ticket()
CASE = Case(issue=ISSUE, ticket=TICKET)


def test_work_that_is_done_keeps_what_was_said_and_notes_how_the_ticket_looks_now() -> None:
    before = link(said=Marker("m"), misses=1)
    moved = replace(TICKET, status="Done")
    done = link_to(moved, case=replace(CASE, link=before), now=NOW)
    assert (done.said, done.fingerprint) == (before.said, before.fingerprint)
    assert (done.version, done.status_seen, done.misses) == (ISSUE.version, "Done", 0)


def test_a_link_is_live_while_its_issue_is_active() -> None:
    resolved = replace(ISSUE, status=IssueStatus.RESOLVED)
    live = [link_to(TICKET, case=Case(issue=seen), now=NOW).live for seen in (ISSUE, resolved)]
    assert live == [True, False]


def test_the_link_of_an_issue_that_halo_does_not_know_stays_as_live_as_it_was() -> None:
    gone = Issue.forgotten(ISSUE.id, at=NOW)
    for live in (True, False):
        missed = link_to(TICKET, case=Case(issue=gone, link=link(live=live)), now=NOW)
        assert (missed.live, missed.missed_at) == (live, NOW)
        again = link_to(TICKET, case=Case(issue=gone, link=missed), now=NOW + timedelta(days=1))
        assert again.missed_at == NOW
        assert link_to(TICKET, case=Case(issue=ISSUE, link=again), now=NOW).missed_at is None


def test_work_begun_keeps_the_version_that_was_applied_before() -> None:
    case = replace(CASE, link=link(version=Version("old"), live=False))
    begun = link_begun(TICKET, case=case, now=NOW)
    assert (begun.version, begun.live) == ("old", False)
    assert link_begun(replace(TICKET, id=TicketId("2")), case=case, now=NOW).version == ""


def test_the_link_of_a_lost_create_says_what_the_create_would_have_said() -> None:
    lost = intent(fingerprint=Fingerprint("g"), status_owed="Backlog", at=NOW - timedelta(hours=1))
    found = link_from(lost, ticket=TICKET)
    assert (found.issue_id, found.ticket_id) == (lost.issue_id, TICKET.id)
    assert (found.version, found.fingerprint) == (lost.version, "g")
    assert (found.status_owed, found.updated_at) == ("Backlog", lost.at)
