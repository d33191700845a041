"""The tickets of the simulated site and everything that ever happened to them.

Promises: a ticket's id never changes and its fields are never changed in place, so that yesterday's
view of it can be kept by the search index for free. Who did what is remembered: `ours` is the
account the job signs in with.
Does not do: checks. writes.py checks requests, people.py acts without asking.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

from job.sim.jira.site import US, Option, Person, Project, Site

FIRST_ID: Final = 10_100


@dataclass(frozen=True, slots=True)
class Comment:
    id: str
    body: Any
    author: Person
    created_at: datetime
    properties: Mapping[str, Any] = field(default_factory=dict)
    again: bool = False
    """Whether it came of a write that had its effect before."""

    @property
    def ours(self) -> bool:
        return self.author == US


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that changed: a status, the project, a field."""

    at: datetime
    what: str
    before: Any
    after: Any
    author: Person
    late: bool = False
    """Whether it came long after it was asked for."""

    @property
    def ours(self) -> bool:
        return self.author == US


@dataclass(frozen=True, slots=True)
class Ticket:
    """One moment of a ticket. Every change makes a new one; `seq` counts them."""

    id: int
    key: str
    project: Project
    issue_type: Option
    status: str
    fields: Mapping[str, Any]
    creator: Person
    created_at: datetime
    updated_at: datetime
    seq: int = 0
    comments: tuple[Comment, ...] = ()
    properties: Mapping[str, Any] = field(default_factory=dict)
    history: tuple[Change, ...] = ()
    old_keys: tuple[str, ...] = ()
    deleted: bool = False
    archived: bool = False
    hidden: bool = False
    """By a security level that our account does not have."""
    again: bool = False
    """Whether it came of a create that had its effect before."""

    @property
    def ours(self) -> bool:
        return self.creator == US

    @property
    def number(self) -> int:
        return int(self.key.rpartition("-")[2])


class Tickets:
    """All tickets by id and by every key they ever had. `changed` is told each new moment (the
    index listens); `is_late` says whether what happens was asked for long ago, and `repeats`
    whether it has happened before.
    """

    def __init__(
        self,
        site: Site,
        *,
        now: Callable[[], datetime],
        changed: Callable[[Ticket], None],
        is_late: Callable[[], bool] = bool,
        repeats: Callable[[], bool] = bool,
    ) -> None:
        self.site = site
        self.now = now
        self.by_id: dict[int, Ticket] = {}
        self.created: list[Ticket] = []
        self._id_by_key: dict[str, int] = {}
        self._last_number: dict[str, int] = {}
        self._comment_ids = FIRST_ID
        self._changed = changed
        self._is_late = is_late
        self._repeats = repeats

    def find(self, id_or_key: str) -> Ticket | None:
        """By id, or by any key it had, whatever the case; deleted tickets are gone for good."""
        ticket_id = (
            int(id_or_key) if id_or_key.isdecimal() else self._id_by_key.get(id_or_key.upper(), -1)
        )
        ticket = self.by_id.get(ticket_id)
        return None if ticket is None or ticket.deleted else ticket

    def visible(self, id_or_key: str) -> Ticket | None:
        """As `find`, but only what our account may see."""
        ticket = self.find(id_or_key)
        if ticket is None or ticket.hidden or ticket.project.key in self.site.hidden:
            return None
        return ticket

    def live(self) -> Iterator[Ticket]:
        return (ticket for ticket in self.by_id.values() if not ticket.deleted)

    def create(
        self,
        *,
        project: Project,
        issue_type: Option,
        fields: Mapping[str, Any],
        author: Person,
        properties: Mapping[str, Any] | None = None,
    ) -> Ticket:
        now = self.now()
        ticket = Ticket(
            id=FIRST_ID + len(self.by_id),
            key=self._new_key(project),
            project=project,
            issue_type=issue_type,
            status=self.site.workflow(project, issue_type=issue_type).start,
            fields={"resolution": None, **fields},
            creator=author,
            created_at=now,
            updated_at=now,
            properties=dict(properties or {}),
            again=self._repeats(),
        )
        self._id_by_key[ticket.key] = ticket.id
        self.created.append(ticket)
        return self._keep(ticket)

    def edit(self, ticket: Ticket, *, fields: Mapping[str, Any], author: Person) -> Ticket:
        """Equal values leave no trace in the history."""
        changes = tuple(
            Change(self.now(), name, ticket.fields.get(name), value, author)
            for name, value in fields.items()
            if ticket.fields.get(name) != value
        )
        return self.update(
            ticket, fields={**ticket.fields, **fields}, history=ticket.history + changes
        )

    def move_status(
        self, ticket: Ticket, *, status: str, resolution: Any, author: Person
    ) -> Ticket:
        change = Change(self.now(), "status", ticket.status, status, author, self._is_late())
        fields = {**ticket.fields, "resolution": resolution}
        return self.update(ticket, status=status, fields=fields, history=(*ticket.history, change))

    def comment(
        self,
        ticket: Ticket,
        *,
        body: Any,
        author: Person,
        properties: Mapping[str, Any] | None = None,
    ) -> Comment:
        self._comment_ids += 1
        comment = Comment(
            str(self._comment_ids),
            body,
            author,
            self.now(),
            dict(properties or {}),
            again=self._repeats(),
        )
        self.update(ticket, comments=(*ticket.comments, comment))
        return comment

    def move(
        self, ticket: Ticket, *, project: Project, author: Person, fields: Mapping[str, Any]
    ) -> Ticket:
        """A new key in the other project; the old one keeps resolving."""
        change = Change(self.now(), "project", ticket.project.key, project.key, author)
        key = self._new_key(project)
        self._id_by_key[key] = ticket.id
        return self.update(
            ticket,
            key=key,
            project=project,
            fields=fields,
            old_keys=(*ticket.old_keys, ticket.key),
            history=(*ticket.history, change),
        )

    def update(self, ticket: Ticket, **changes: Any) -> Ticket:
        """Anything else that changes; bumps `updated`, as real writes do."""
        return self._keep(replace(ticket, updated_at=self.now(), seq=ticket.seq + 1, **changes))

    def set_properties(self, ticket: Ticket, *, properties: Mapping[str, Any]) -> None:
        """Properties leave `updated` alone and are never searched."""
        self.by_id[ticket.id] = replace(ticket, properties=properties)

    def set_comment_property(
        self, ticket: Ticket, *, comment: Comment, key: str, value: Any
    ) -> None:
        after = replace(comment, properties={**comment.properties, key: value})
        comments = tuple(after if old.id == comment.id else old for old in ticket.comments)
        self.by_id[ticket.id] = replace(ticket, comments=comments)

    def _new_key(self, project: Project) -> str:
        self._last_number[project.key] = self._last_number.get(project.key, 0) + 1
        return f"{project.key}-{self._last_number[project.key]}"

    def _keep(self, ticket: Ticket) -> Ticket:
        self.by_id[ticket.id] = ticket
        self._changed(ticket)
        return ticket
