"""Which issues a run must look at, what makes a case of one, and when a ticket counts as deleted.

Promises: a note of unfinished work is always looked at again; an issue that memory calls settled is
not; a ticket counts as deleted only when it is missing for the second time in a row, in a project
in which Jira shows us others.
Does not do: reading anything, for all rules are pure. `flow/gather.py` brings the issues,
`flow/lookup.py` their tickets.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from msgspec import Struct, field

from job.core import older
from job.core.backlog import Backlog, Beginning
from job.core.decisions import MISSES_BEFORE_GONE
from job.core.held import Kind
from job.core.ids import IssueId, TicketId, TicketKey
from job.core.issues import Issue, IssueStatus
from job.core.links import link_from
from job.core.memory import Intent, IntentKind, Link, Noted, Parked
from job.core.model import Case, Ticket
from job.core.policy import Policy, choose
from job.core.shards import Shard


class Notes(Struct, frozen=True, kw_only=True):
    """Unfinished work that memory knows of, for one shard."""

    intents: Mapping[IssueId, Intent] = field(default_factory=dict)
    parked: Mapping[IssueId, Parked] = field(default_factory=dict)
    broken: Mapping[IssueId, str] = field(default_factory=dict)
    """Why notes cannot be used, by issue."""
    never_parked: Collection[IssueId] = ()
    """Of which the note that they are parked cannot be used, and must not be written over."""
    due: Collection[IssueId] = ()
    """Issues that memory says are to be looked at by now: of something gathered or unread."""
    noted: tuple[Noted, ...] = ()
    """What Jira said of tickets since the run before."""
    told: frozenset[IssueId] = frozenset()
    """The issues of these tickets: they are looked at wherever they are."""
    told_deleted: frozenset[TicketId] = frozenset()
    """The tickets that Jira called deleted: for these one miss is enough."""
    held: frozenset[IssueId] = frozenset()
    """Issues of which an action is held, approved or not."""
    approved: frozenset[IssueId] = frozenset()
    """Those of which it was approved: they are looked at wherever they are."""

    def __contains__(self, issue_id: IssueId) -> bool:
        return issue_id in self.intents or issue_id in self.parked or issue_id in self.broken


class IssueWithLink(Struct, frozen=True, kw_only=True):
    """An issue, and what memory knows about its ticket."""

    issue: Issue
    link: Link | None
    note: Backlog | None = None
    """That it was old before the first run looked, where memory knows that."""


class Scope(Struct, frozen=True, kw_only=True):
    """What a run looks at."""

    since: datetime | None
    until: datetime
    sweep: bool
    shard: Shard
    policy: Policy
    settings_digest: str
    notes: Notes
    canary: IssueId = IssueId("")
    """An issue whose ticket is known to hold its id; "" where memory knows of none."""
    retries: bool = False
    """Whether all that is parked is tried again, whenever its next try is."""
    beginning: Beginning = Beginning()
    begins: bool = False
    """Whether memory knows of no ticket that was ever made: then perhaps there is none to be
    searched for.
    """

    def is_due(self, parked: Parked) -> bool:
        """Whether a parked issue is to be tried again now: its time has come, the settings have
        changed, or somebody says so.
        """
        return (
            self.retries
            or parked.next_at <= self.until
            or parked.settings_digest != self.settings_digest
        )

    def is_under_way(self, issue_id: IssueId) -> bool:
        """Whether a ticket for it was decided on before: begun, failed, held or approved."""
        notes, parked = self.notes, self.notes.parked.get(issue_id)
        if parked is not None and parked.tried == Kind.CREATE:
            return True
        return issue_id in notes.intents or issue_id in notes.held or issue_id in notes.approved

    @property
    def to_describe(self) -> set[IssueId]:
        """The issues to ask Halo for even if it lists them no more."""
        due = {issue_id for issue_id, parked in self.notes.parked.items() if self.is_due(parked)}
        unseen = self.notes.broken.keys() - self.notes.parked.keys()
        noted = self.notes.intents.keys() | due | unseen | self.notes.approved
        return noted | set(self.notes.due) | self.notes.told


def is_newsworthy(
    issue: Issue, *, link: Link | None, scope: Scope, note: Backlog | None = None
) -> bool:
    """Whether a listed issue may need anything at all. `note`: that it was old before the first
    run looked.
    """
    notes = scope.notes
    asked_for = issue.id in notes.intents or issue.id in notes.held
    asked_for = asked_for or (link is not None and issue.id in notes.told)
    if asked_for or (issue.id in notes.broken and issue.id not in notes.parked):
        return True
    if link is None and scope.policy.excludes(issue) and not scope.beginning.sets_apart(issue):
        # It may have a ticket from before the settings excluded it, which memory has lost.
        return issue.status is IssueStatus.RESOLVED
    parked = notes.parked.get(issue.id)
    if parked is not None and parked.version == issue.version:
        return scope.is_due(parked)
    if link is None:
        return issue.id in notes or not _is_settled_old(issue, note, scope=scope)
    if link.version != issue.version or link.status_owed:
        return True
    return parked is not None or scope.sweep or link.is_due(scope.until)


def _is_settled_old(issue: Issue, note: Backlog | None, *, scope: Scope) -> bool:
    """Whether an issue without a ticket is left alone, and memory knows all there is to know."""
    beginning = scope.beginning
    if note is None:
        return beginning.passes_over(issue)
    alone = beginning.leaves_alone(issue, note=note)
    return alone and not beginning.note_after(issue, note=note, alone=True, now=scope.until)


def needs_search(known: IssueWithLink, *, ticket: Ticket | None, scope: Scope) -> bool:
    """Whether a ticket is searched for by the id field: the issue has no link, or one that leads to
    no usable ticket.
    """
    if ticket is None or not ticket.is_of(known.issue.id):
        return not known.issue.gone or known.issue.id in scope.notes.intents
    is_active = known.issue.status is IssueStatus.ACTIVE
    return is_active and scope.policy.is_hard_closed(ticket)


def lost_creates(
    some: Sequence[IssueWithLink],
    *,
    found: Mapping[IssueId, Sequence[Ticket]],
    scope: Scope,
) -> list[Intent]:
    """The intents of creates whose tickets the search did not find, or found only hard-closed."""
    intents = (scope.notes.intents.get(known.issue.id) for known in some)
    return [
        intent
        for intent in intents
        if intent is not None
        and intent.kind is IntentKind.CREATE
        and all(scope.policy.is_hard_closed(seen) for seen in found.get(intent.issue_id, ()))
    ]


def missing_projects(
    some: Sequence[IssueWithLink], *, tickets: Mapping[TicketId, Ticket], scope: Scope
) -> set[str]:
    """The projects of linked tickets that are missing for a second time, or for the first time
    after Jira called them deleted.
    """
    links = [known.link for known in some if known.link]
    missing = [link for link in links if link.ticket_id not in tickets]
    return {_project(link) for link in missing if _is_missed_enough(link, scope=scope)}


def case_set_aside(
    issue: Issue, *, scope: Scope, not_loaded: TicketKey | None = None, memory_broken: str = ""
) -> Case:
    """The case of an issue that cannot be read, whose ticket Jira cannot load, or of which memory
    is broken. Nothing is done about it, so neither its link nor its ticket is looked at, and a
    ticket that was not looked for is not missing.
    """
    return Case(
        issue=issue,
        intent=scope.notes.intents.get(issue.id),
        parked=scope.notes.parked.get(issue.id),
        not_loaded=not_loaded,
        memory_broken=memory_broken,
        parkable=issue.id not in scope.notes.never_parked,
    )


def make_case(
    known: IssueWithLink,
    *,
    linked_ticket: Ticket | None,
    found: Sequence[Ticket],
    shown: Collection[str],
    create_denied: bool,
    scope: Scope,
) -> tuple[Case, Sequence[Ticket]]:
    """The case of one issue, and the further live tickets that name it. `shown` are projects in
    which Jira does show us tickets.
    """
    issue, link = known.issue, known.link
    believed, doubtful = _sifted(found, issue=issue)
    every = {ticket.id: ticket for ticket in believed}
    stranger = None
    if linked_ticket and linked_ticket.is_of(issue.id):
        every[linked_ticket.id] = linked_ticket
    elif linked_ticket:
        stranger = linked_ticket
    ticket, others = choose(link, tickets=every.values(), policy=scope.policy)
    intent = scope.notes.intents.get(issue.id)
    is_linked = link is not None and ticket is not None and ticket.id == link.ticket_id
    beginning, note = scope.beginning, known.note
    alone = beginning.leaves_alone(issue, note=note) and not scope.is_under_way(issue.id)
    if ticket is not None and not is_linked:
        link = _link_of_lost_create(intent, ticket=ticket)
    case = Case(
        issue=issue,
        link=link,
        intent=intent,
        ticket=ticket,
        parked=scope.notes.parked.get(issue.id),
        linked=is_linked,
        ticket_gone=ticket is None
        and link is not None
        and _is_gone(link, shown=shown, scope=scope),
        stranger=stranger,
        create_denied=create_denied,
        old=alone,
        noting=beginning.note_after(issue, note=note, alone=alone, now=scope.until),
        doubtful=doubtful,
    )
    return case, [other for other in others if not scope.policy.is_hard_closed(other)]


def _sifted(found: Sequence[Ticket], *, issue: Issue) -> tuple[Sequence[Ticket], Ticket | None]:
    """Those that are believed to be of this issue, and the first that is not."""
    doubtful = [
        ticket
        for ticket in found
        if ticket.older_words and not older.agrees(ticket.older_words, issue=issue)
    ]
    return [ticket for ticket in found if ticket not in doubtful], next(iter(doubtful), None)


def _link_of_lost_create(intent: Intent | None, *, ticket: Ticket) -> Link | None:
    if intent is None or intent.kind is not IntentKind.CREATE:
        return None
    return link_from(intent, ticket=ticket)


def _is_gone(link: Link, *, shown: Collection[str], scope: Scope) -> bool:
    """Missing for long enough, in a project in which Jira shows us other tickets now."""
    return _project(link) in shown and _is_missed_enough(link, scope=scope)


def _is_missed_enough(link: Link, *, scope: Scope) -> bool:
    """Missing in an earlier run too, or called deleted by Jira and missing now."""
    told = link.ticket_id in scope.notes.told_deleted
    return told or link.misses + 1 >= MISSES_BEFORE_GONE


def _project(link: Link) -> str:
    return link.ticket_key.rpartition("-")[0]
