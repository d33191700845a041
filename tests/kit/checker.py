"""Looks at both worlds from outside and says what is wrong: shares no line with the job.

It reads the vendors' own records (who created what and when, every status change with its author,
every comment with its properties) and compares them with what Halo knows. Every complaint is a
sentence.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise

from job.sim.halo.api import HaloSim
from job.sim.jira.api import JiraSim
from job.sim.jira.people import Snapshot

ID_FIELD = "customfield_10010"
CLOSED = {"Done", "Closed"}
HARD_CLOSED = "Closed"


@dataclass
class Diary:
    """What happened when, noted by whoever drives the worlds, where the vendors keep no record
    of it themselves.
    """

    said: dict[str, list[tuple[datetime, bool]]] = field(default_factory=lambda: defaultdict(list))
    """Issue -> (instant, whether Halo called it resolved from then on)."""
    news: dict[str, datetime] = field(default_factory=dict)
    """Issue -> when its evidence last changed while it was active."""
    deleted: dict[int, datetime] = field(default_factory=dict)
    """Ticket -> when a person deleted it."""

    def note(self, issue_id: str, *, at: datetime, resolved: bool) -> None:
        self.said[issue_id].append((at, resolved))

    def was_resolved_by(self, issue_id: str, *, at: datetime) -> bool:
        """Whether Halo had said `resolved` some time before, so that a close then had evidence."""
        return any(resolved for when, resolved in self.said[issue_id] if when <= at)


def always(jira: JiraSim, *, diary: Diary) -> Iterator[str]:
    """What must hold at any instant, even in the middle of a crash."""
    tickets = jira.people.tickets(deleted=True)
    yield from _doubles(tickets, diary=diary)
    for ticket in tickets:
        yield from _repeated_comments(ticket)
        yield from _closes_without_evidence(ticket, diary=diary)


def settled(
    halo: HaloSim, *, jira: JiraSim, diary: Diary, free: Collection[str] = ()
) -> Iterator[str]:
    """What must hold once faults have stopped and the clean runs are over, except for the issues
    that are `free`.
    """
    live: dict[str, list[Snapshot]] = defaultdict(list)
    for ticket in jira.people.tickets():
        if ticket.ours and ticket.status != HARD_CLOSED:
            live[str(ticket.fields.get(ID_FIELD))].append(ticket)
    closed_for_good = {
        str(t.fields.get(ID_FIELD)) for t in jira.people.tickets() if t.status == HARD_CLOSED
    }
    bereaved = {
        str(t.fields.get(ID_FIELD))
        for t in jira.people.tickets(deleted=True)
        if t.id in diary.deleted
    }
    for issue in halo.estate.issues.values():
        if issue.forgotten or issue.id in free:
            continue
        mine = live[issue.id]
        if issue.status == "active":
            yield from _active(issue.id, tickets=mine, news_at=diary.news.get(issue.id))
        else:
            if not mine and issue.id not in closed_for_good | bereaved:
                yield f"resolved {issue.id} has no ticket"
            yield from (
                f"{t.key} is {t.status}, but {issue.id} is resolved"
                for t in mine
                if t.status not in CLOSED
            )


def _active(issue_id: str, *, tickets: list[Snapshot], news_at: datetime | None) -> Iterator[str]:
    if len(tickets) != 1:
        keys = [ticket.key for ticket in tickets]
        yield f"active {issue_id} has {len(tickets)} live tickets: {keys}"
    for ticket in tickets:
        if ticket.status in CLOSED:
            yield f"{ticket.key} is {ticket.status}, but {issue_id} is active"
        told = [
            ticket.created_at,
            *(comment.created_at for comment in ticket.comments if comment.ours),
        ]
        if news_at and max(told) < news_at:
            yield f"{ticket.key} was never told what changed about {issue_id} at {news_at}"


def _doubles(tickets: Iterable[Snapshot], *, diary: Diary) -> Iterator[str]:
    """Two tickets that we made for one issue, the second while the first was there and not
    hard-closed.
    """
    by_issue: dict[str, list[Snapshot]] = defaultdict(list)
    for ticket in tickets:
        if ticket.ours:
            by_issue[str(ticket.properties.get("halo.sync", {}).get("issue"))].append(ticket)
    for issue_id, made in by_issue.items():
        for earlier, later in pairwise(made):
            if not _was_over(earlier, at=later.created_at, diary=diary):
                yield f"{issue_id} got {later.key} while {earlier.key} was alive"


def _was_over(ticket: Snapshot, *, at: datetime, diary: Diary) -> bool:
    """Whether a ticket was deleted or hard-closed by then."""
    if ticket.id in diary.deleted and diary.deleted[ticket.id] <= at:
        return True
    changes = [change for change in ticket.history if change.what == "status" and change.at <= at]
    return bool(changes) and changes[-1].after == HARD_CLOSED


def _repeated_comments(ticket: Snapshot) -> Iterator[str]:
    markers = Counter(
        str(comment.properties["halo.sync"]["marker"])
        for comment in ticket.comments
        if comment.ours and "halo.sync" in comment.properties
    )
    yield from (
        f"{ticket.key} was told {marker} {many} times"
        for marker, many in markers.items()
        if many > 1
    )
    unmarked = [
        comment
        for comment in ticket.comments
        if comment.ours and "halo.sync" not in comment.properties
    ]
    yield from (
        f"{ticket.key} has a comment of ours without a marker: {comment.id}" for comment in unmarked
    )


def _closes_without_evidence(ticket: Snapshot, *, diary: Diary) -> Iterator[str]:
    for change in ticket.history:
        if change.what == "status" and change.ours and change.after in CLOSED:
            issue_id = str(ticket.fields.get(ID_FIELD))
            if not diary.was_resolved_by(issue_id, at=change.at):
                yield (
                    f"we closed {ticket.key} at {change.at}, "
                    f"and Halo had never said that {issue_id} was resolved"
                )
