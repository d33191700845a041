"""The people who share the Jira site with the job: they move, close, delete and write as they
please.

Promises: every verb acts at once and without the checks that API calls meet, but only along the
workflow; the author is a person and not our account. `tickets()` is the truth, to be compared with
what the job believes.
Does not do: anything the job could do itself.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from job.sim.jira.adf import plain_text
from job.sim.jira.site import ANNA, Person, Project
from job.sim.jira.tickets import Change, Comment, Ticket, Tickets


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One ticket as it really is. `texts` are the comments' words, in order."""

    id: int
    key: str
    project: str
    issue_type: str
    status: str
    status_category: str
    fields: Mapping[str, Any]
    comments: tuple[Comment, ...]
    properties: Mapping[str, Any]
    history: tuple[Change, ...]
    ours: bool
    created_at: datetime
    updated_at: datetime
    deleted: bool
    again: bool = False
    """Whether it came of a create that had its effect before."""

    @property
    def texts(self) -> tuple[str, ...]:
        return tuple(plain_text(comment.body) for comment in self.comments)


class People:
    def __init__(self, tickets: Tickets) -> None:
        self._tickets = tickets
        self._kept: dict[int, tuple[Ticket, Snapshot]] = {}

    def tickets(self, *, deleted: bool = False) -> list[Snapshot]:
        """All live tickets in order of their ids; the deleted ones as well, if asked."""
        every = self._tickets.by_id.values()
        return [self._snapshot(ticket) for ticket in every if deleted or not ticket.deleted]

    def ticket(self, key: str) -> Snapshot:
        return self._snapshot(self._find(key))

    def creations(self) -> list[Snapshot]:
        """Every ticket as it was born, in order, whatever became of it."""
        return [self._snapshot(ticket) for ticket in self._tickets.created]

    def transition_by_person(self, key: str, *, status: str, author: Person = ANNA) -> None:
        """Walks the shortest way through the workflow; a screen that asks for a resolution gets
        Done.
        """
        for step in self._way(self._find(key), to=status):
            ticket = self._find(key)
            workflow = self._tickets.site.workflow(ticket.project, issue_type=ticket.issue_type)
            done = workflow.status(step).category == "done"
            resolution = {"name": "Done", "id": "10000"} if done else None
            self._tickets.move_status(ticket, status=step, resolution=resolution, author=author)

    def comment_by_person(self, key: str, *, text: str, author: Person = ANNA) -> None:
        body = {"type": "doc", "version": 1, "content": [_paragraph(text)]}
        self._tickets.comment(self._find(key), body=body, author=author)

    def edit(self, key: str, *, author: Person = ANNA, **fields: Any) -> None:
        """Set stored values by field id; a person can empty the id field as well."""
        self._tickets.edit(self._find(key), fields=fields, author=author)

    def move_ticket(
        self, key: str, *, project: str, lost_fields: tuple[str, ...] = (), author: Person = ANNA
    ) -> str:
        """To another project, with a new key; fields without a place there are lost."""
        ticket, target = self._find(key), self._project(project)
        fields = {name: value for name, value in ticket.fields.items() if name not in lost_fields}
        moved = self._tickets.move(ticket, project=target, author=author, fields=fields)
        workflow = self._tickets.site.workflow(target, issue_type=ticket.issue_type)
        if all(status.name != moved.status for status in workflow.statuses):
            self._tickets.move_status(moved, status=workflow.start, resolution=None, author=author)
        return moved.key

    def delete_ticket(self, key: str) -> None:
        self._tickets.update(self._find(key), deleted=True)

    def archive_ticket(self, key: str) -> None:
        self._tickets.update(self._find(key), archived=True)

    def clone_ticket(self, key: str, *, author: Person = ANNA) -> str:
        """Fields and labels come along, the id field too; properties and comments do not."""
        ticket = self._find(key)
        copy = self._tickets.create(
            project=ticket.project,
            issue_type=ticket.issue_type,
            fields=ticket.fields,
            author=author,
        )
        return copy.key

    def hide_ticket(self, key: str) -> None:
        """A security level takes it from the sight of our account."""
        self._tickets.update(self._find(key), hidden=True)

    def show_ticket(self, key: str) -> None:
        self._tickets.update(self._find(key), hidden=False)

    def hide_project(self, key: str) -> None:
        """Our account loses the permission to browse: 404 and silence from now on."""
        self._tickets.site.hidden.add(key)

    def show_project(self, key: str) -> None:
        self._tickets.site.hidden.discard(key)

    def _way(self, ticket: Ticket, *, to: str) -> list[str]:
        workflow = self._tickets.site.workflow(ticket.project, issue_type=ticket.issue_type)
        ways: list[list[str]] = [[]]
        seen = {ticket.status}
        for way in ways:  # breadth first: the list grows while it is walked
            here = way[-1] if way else ticket.status
            if here == to:
                return way
            for step in workflow.available(here):
                if step.to not in seen:
                    seen.add(step.to)
                    ways.append([*way, step.to])
        raise ValueError(f"no way from {ticket.status} to {to} for {ticket.key}")

    def _find(self, key: str) -> Ticket:
        ticket = self._tickets.find(key)
        if ticket is None:
            raise KeyError(f"there is no ticket {key}")
        return ticket

    def _project(self, key: str) -> Project:
        project = self._tickets.site.project(key)
        if project is None:
            raise KeyError(f"there is no project {key}")
        return project

    def _snapshot(self, ticket: Ticket) -> Snapshot:
        """Kept for as long as the ticket is the same: checkers look at all tickets after every
        step.
        """
        before, snapshot = self._kept.get(ticket.id, (None, None))
        if snapshot is None or before is not ticket:
            snapshot = self._look_at(ticket)
            self._kept[ticket.id] = (ticket, snapshot)
        return snapshot

    def _look_at(self, ticket: Ticket) -> Snapshot:
        workflow = self._tickets.site.workflow(ticket.project, issue_type=ticket.issue_type)
        return Snapshot(
            id=ticket.id,
            key=ticket.key,
            project=ticket.project.key,
            issue_type=ticket.issue_type.name,
            status=ticket.status,
            status_category=workflow.status(ticket.status).category,
            fields=ticket.fields,
            comments=ticket.comments,
            properties=ticket.properties,
            history=ticket.history,
            ours=ticket.ours,
            created_at=ticket.created_at,
            updated_at=ticket.updated_at,
            deleted=ticket.deleted,
            again=ticket.again,
        )


def _paragraph(text: str) -> dict[str, Any]:
    return {"type": "paragraph", "content": [{"type": "text", "text": text}]}
