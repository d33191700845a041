"""The operations that read tickets: singly and in bulk, their comments and their transitions.

Promises: direct reads never lag; bulkfetch answers in ascending id and leaves out silently what is
gone or hidden.
Does not do: search (searches.py), properties (properties.py).
Source: Jira Cloud REST v3, groups "Issues" and "Issue comments".
"""

from typing import Final

from job.sim.call import Answer, json_answer
from job.sim.faults import Faults
from job.sim.jira.access import Access
from job.sim.jira.field_bodies import FieldBodies
from job.sim.jira.payloads import PROPERTIES_MAX
from job.sim.jira.request import Request, strings
from job.sim.jira.sentences import Refused
from job.sim.jira.ticket_bodies import TicketBodies
from job.sim.jira.tickets import Tickets
from job.sim.jira.writes import Writes

FETCH_MAX: Final = 100
FETCH_NARROW_MAX: Final = 1_000
COMMENT_PAGE_MAX: Final = 100
_HEAVY_FIELDS: Final = frozenset({"comment", "worklog", "attachment", "*all", "*navigable"})
_HEAVY_EXPANDS: Final = frozenset(
    {
        "changelog",
        "editmeta",
        "operations",
        "renderedFields",
        "transitions",
        "versionedRepresentations",
    }
)
_FETCH_KEYS: Final = frozenset({"issueIdsOrKeys", "fields", "expand", "properties", "fieldsByKeys"})


class Reads:
    """What is read of tickets, straight from the truth."""

    def __init__(
        self,
        *,
        access: Access,
        tickets: Tickets,
        writes: Writes,
        bodies: TicketBodies,
        field_bodies: FieldBodies,
        faults: Faults,
    ) -> None:
        self._access = access
        self._tickets = tickets
        self._writes = writes
        self._bodies = bodies
        self._field_bodies = field_bodies
        self._faults = faults

    def fetch(self, request: Request) -> Answer:
        body = request.closed(_FETCH_KEYS)
        wanted = strings(body, key="issueIdsOrKeys", default=[])
        fields = strings(body, key="fields", default=["*navigable"])
        expand = strings(body, key="expand", default=[])
        properties = strings(body, key="properties", default=[])
        if (
            not 1 <= len(wanted) <= _fetch_max(fields, expand=expand)
            or len(properties) > PROPERTIES_MAX
        ):
            raise Refused("bulk_size", FETCH_MAX)
        found = {
            ticket.id: ticket
            for name in wanted
            if (ticket := self._access.visible(request, name=name))
        }
        errors = []
        for ticket_id in list(found):
            never = found[ticket_id].key in self._tickets.site.never_loaded
            if never or self._faults.strikes("retriable_issue_errors"):
                errors.append(
                    {
                        "id": str(ticket_id),
                        "errorMessage": "The issue could not be loaded, try again.",
                    }
                )
                del found[ticket_id]
        rows = [
            self._bodies.ticket(found[ticket_id], fields=fields, properties=properties)
            for ticket_id in sorted(found)
        ]
        return json_answer({"expand": "schema,names", "issues": rows, "issueErrors": errors})

    def get(self, request: Request) -> Answer:
        ticket = self._access.ticket(request)
        fields = request.arg("fields", default="*all").split(",")
        properties = [key for key in request.arg("properties").split(",") if key]
        return json_answer(self._bodies.ticket(ticket, fields=fields, properties=properties))

    def comments(self, request: Request) -> Answer:
        ticket = self._access.ticket(request)
        start = request.number("startAt", default=0)
        size = min(request.number("maxResults", default=COMMENT_PAGE_MAX), COMMENT_PAGE_MAX)
        if (order := request.arg("orderBy")) not in ("", "created", "+created", "-created"):
            raise Refused("bad_payload")
        ordered = ticket.comments[::-1] if order == "-created" else ticket.comments
        expand = request.arg("expand")
        rows = [
            self._bodies.comment(ticket, comment=comment, with_properties=expand)
            for comment in ordered[start : start + size]
        ]
        page = {"startAt": start, "maxResults": size, "total": len(ordered), "comments": rows}
        return json_answer(page)

    def comment_list(self, request: Request) -> Answer:
        ids = request.closed({"ids"}).get("ids")
        if (
            not isinstance(ids, list)
            or len(ids) > 1_000
            or not all(type(comment_id) is int for comment_id in ids)
        ):
            raise Refused("bad_payload")
        wanted = {str(comment_id) for comment_id in ids}
        rows = [
            self._bodies.comment(ticket, comment=comment, with_properties=request.arg("expand"))
            for ticket in self._tickets.live()
            if self._access.visible(request, name=str(ticket.id))
            for comment in ticket.comments
            if comment.id in wanted
        ]
        body = {
            "values": rows,
            "startAt": 0,
            "maxResults": 1_048_576,
            "total": len(rows),
            "isLast": True,
        }
        return json_answer(body)

    def transitions(self, request: Request) -> Answer:
        ticket = self._access.ticket(request)
        workflow = self._tickets.site.workflow(ticket.project, issue_type=ticket.issue_type)
        with_fields = "transitions.fields" in request.arg("expand").split(",")
        only = request.arg("transitionId")
        rows = [
            self._field_bodies.transition(way, to=workflow.status(way.to), with_fields=with_fields)
            for way in self._writes.transitions(ticket)
            if only in ("", way.id)
        ]
        return json_answer({"expand": "transitions", "transitions": rows})


def _fetch_max(fields: list[str], *, expand: list[str]) -> int:
    """A thousand at once, if the field list is explicit, short and light."""
    light = not set(fields) & _HEAVY_FIELDS and any(not name.startswith("-") for name in fields)
    return (
        FETCH_NARROW_MAX
        if light and len(fields) <= 100 and not set(expand) & _HEAVY_EXPANDS
        else FETCH_MAX
    )
