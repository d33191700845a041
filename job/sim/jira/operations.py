"""The operations on tickets: search, read, create, edit, comment, transition.

Promises: direct reads never lag; bulkfetch answers in ascending id and leaves out silently what is
gone or hidden; bulk creates say every failure by its 0-based place, in both places where Jira puts
them. Does not do: checking values (jira_writes.py), JQL itself (jira_search.py). Source: Jira Cloud
REST v3, groups "Issue search", "Issues", "Issue comments", "Issue properties".
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any, Final

from job.sim.call import LOST, Answer, json_answer
from job.sim.faults import Faults
from job.sim.jira.bodies import Bodies
from job.sim.jira.jql import Query, parse
from job.sim.jira.limits import Limits
from job.sim.jira.request import Instead, Request, strings
from job.sim.jira.search import ORDER_MAX, Search, sort_key
from job.sim.jira.sentences import Refused
from job.sim.jira.tickets import Comment, Ticket, Tickets
from job.sim.jira.writes import Draft, RefusedAll, Writes, check_property

BULK_MAX: Final = 50
FETCH_MAX: Final = 100
FETCH_NARROW_MAX: Final = 1_000
COMMENT_PAGE_MAX: Final = 100
SEARCH_PAGE_MAX: Final = 5_000
SEARCH_FIELDS_PAGE_MAX: Final = 100
PROPERTIES_MAX: Final = 5
RECONCILE_MAX: Final = 50
_TOKEN_LIFE: Final = timedelta(days=7)
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
_SEARCH_KEYS: Final = frozenset(
    {
        *("jql", "fields", "maxResults", "nextPageToken", "expand"),
        *("properties", "fieldsByKeys", "reconcileIssues", "includeArchivedProjects"),
    }
)
_FETCH_KEYS: Final = frozenset({"issueIdsOrKeys", "fields", "expand", "properties", "fieldsByKeys"})
_BULK_KEYS: Final = frozenset({"issueUpdates"})


@dataclass(frozen=True, slots=True)
class _Cursor:
    """The rest of a search, tied to the body that began it."""

    query: str
    rest: tuple[Ticket, ...]
    expires_at: datetime


class Operations:
    def __init__(
        self,
        *,
        tickets: Tickets,
        search: Search,
        writes: Writes,
        bodies: Bodies,
        faults: Faults,
        now: Callable[[], datetime],
        seed: int,
    ) -> None:
        self.limits: Limits | None = None
        self._tickets = tickets
        self._search = search
        self._writes = writes
        self._bodies = bodies
        self._faults = faults
        self._now = now
        self._random = Random(seed)
        self._cursors: dict[str, _Cursor] = {}

    # Search
    # ---------------------------------------------------------------------------------------------------------

    def search(self, request: Request) -> Answer:
        body = request.closed(_SEARCH_KEYS)
        size, fields = body.get("maxResults", 50), strings(body, key="fields", default=["id"])
        if isinstance(size, bool) or not isinstance(size, int) or not 1 <= size <= SEARCH_PAGE_MAX:
            raise Refused("page_size")
        if not isinstance(body.get("expand", ""), str) or not isinstance(body.get("jql"), str):
            raise Refused("bad_payload")
        properties = strings(body, key="properties", default=[])
        if len(properties) > PROPERTIES_MAX:
            raise Refused("bad_payload")
        rows, query = self._rows(request, body=body)
        if set(fields) - {"id", "key"} or properties:
            size = min(size, SEARCH_FIELDS_PAGE_MAX)
        return self._page(rows, size=size, fields=fields, properties=properties, query=query)

    def count(self, request: Request) -> Answer:
        rows, _ = self._rows(request, body=request.closed({"jql"}))
        return json_answer({"count": len(rows)})

    def _rows(self, request: Request, *, body: dict[str, Any]) -> tuple[Sequence[Ticket], str]:
        """The rest of a search that goes on, or all of a new one; and the mark that ties pages to
        their query.
        """
        own = {key: value for key, value in body.items() if key != "nextPageToken"}
        query = hashlib.sha256(json.dumps(own, sort_keys=True).encode()).hexdigest()
        if body.get("nextPageToken") is not None:
            cursor = self._cursors.get(body["nextPageToken"])
            if cursor is None or cursor.query != query or cursor.expires_at < self._now():
                raise Refused("page_token")
            return cursor.rest, query
        parsed = _bounded(body["jql"])
        if not request.signed_in:
            return (), query  # nothing is public here; unknown names raise no error for strangers
        return self._sorted(parsed, reconcile=_reconciled(body)), query

    def _sorted(self, query: Query, *, reconcile: list[int]) -> list[Ticket]:
        if query.where is None:
            raise Refused("unbounded")
        found = self._search.find(query.where, tickets=self._tickets, reconcile=reconcile)
        hidden = self._tickets.site.hidden
        rows = [ticket for ticket in found if ticket.project.key not in hidden]
        rows.sort(key=lambda ticket: ticket.id)
        for name, descending in reversed(query.order):
            rows.sort(key=lambda ticket: sort_key(ticket, name=name.lower()), reverse=descending)
        return rows

    def _page(
        self,
        rows: Sequence[Ticket],
        *,
        size: int,
        fields: list[str],
        properties: list[str],
        query: str,
    ) -> Answer:
        if size > 1 and len(rows) > 1 and self._faults.strikes("short_search_page"):
            size = self._random.randrange(1, min(size, len(rows)))
        if rows and self._faults.strikes("empty_search_page"):
            size = 0
        shown, rest = rows[:size], rows[size:]
        body: dict[str, Any] = {
            "issues": [
                self._bodies.ticket(one, fields=fields, properties=properties) for one in shown
            ],
            "isLast": not rest,
        }
        if self._faults.strikes("wrong_is_last"):
            body |= {"isLast": self._random.choice((bool(rest), None))}
        if rest:
            body["nextPageToken"] = self._keep_cursor(query, rest=rest)
        elif self._random.random() < 0.5:
            body["nextPageToken"] = None
        if self._faults.strikes("search_warning"):
            body["issues"] = body["issues"][: len(shown) // 2]
            details = {"clause": "in", "arguments": 100, "actual": 100, "limit": 50}
            body["warnings"] = [
                {"type": "CLAUSE_LIMIT_EXCEEDED", "message": "Results are cut.", "details": details}
            ]
        return json_answer(body)

    def _keep_cursor(self, query: str, *, rest: Sequence[Ticket]) -> str:
        token = f"{self._random.getrandbits(160):040x}"
        self._cursors[token] = _Cursor(query, tuple(rest), self._now() + _TOKEN_LIFE)
        return token

    # Read
    # -----------------------------------------------------------------------------------------------------------

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
            ticket.id: ticket for one in wanted if (ticket := self._visible(request, name=one))
        }
        errors = []
        for ticket_id in list(found):
            if self._faults.strikes("retriable_issue_errors"):
                errors.append(
                    {
                        "id": str(ticket_id),
                        "errorMessage": "The issue could not be loaded, try again.",
                    }
                )
                del found[ticket_id]
        rows = [
            self._bodies.ticket(found[one], fields=fields, properties=properties)
            for one in sorted(found)
        ]
        return json_answer({"expand": "schema,names", "issues": rows, "issueErrors": errors})

    def get(self, request: Request) -> Answer:
        ticket = self._ticket(request)
        fields = request.arg("fields", default="*all").split(",")
        properties = [key for key in request.arg("properties").split(",") if key]
        return json_answer(self._bodies.ticket(ticket, fields=fields, properties=properties))

    def comments(self, request: Request) -> Answer:
        ticket = self._ticket(request)
        start = request.number("startAt", default=0)
        size = min(request.number("maxResults", default=COMMENT_PAGE_MAX), COMMENT_PAGE_MAX)
        if (order := request.arg("orderBy")) not in ("", "created", "+created", "-created"):
            raise Refused("bad_payload")
        ordered = ticket.comments[::-1] if order == "-created" else ticket.comments
        expand = request.arg("expand")
        rows = [
            self._bodies.comment(ticket, comment=one, with_properties=expand)
            for one in ordered[start : start + size]
        ]
        page = {"startAt": start, "maxResults": size, "total": len(ordered), "comments": rows}
        return json_answer(page)

    def comment_list(self, request: Request) -> Answer:
        ids = request.closed({"ids"}).get("ids")
        if (
            not isinstance(ids, list)
            or len(ids) > 1_000
            or not all(type(one) is int for one in ids)
        ):
            raise Refused("bad_payload")
        wanted = {str(one) for one in ids}
        rows = [
            self._bodies.comment(ticket, comment=comment, with_properties=request.arg("expand"))
            for ticket in self._tickets.live()
            if self._visible(request, name=str(ticket.id))
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
        ticket = self._ticket(request)
        workflow = self._tickets.site.workflow(ticket.project, issue_type=ticket.issue_type)
        with_fields = "transitions.fields" in request.arg("expand").split(",")
        only = request.arg("transitionId")
        rows = [
            self._bodies.transition(one, to=workflow.status(one.to), with_fields=with_fields)
            for one in self._writes.transitions(ticket)
            if only in ("", one.id)
        ]
        return json_answer({"expand": "transitions", "transitions": rows})

    # Create
    # ---------------------------------------------------------------------------------------------------------

    def create(self, request: Request) -> Answer:
        ticket = self._writes.create(self._draft(request, body=request.json()))
        return json_answer(self._created(ticket), status=201)

    def create_bulk(self, request: Request) -> Answer:
        elements = request.closed(_BULK_KEYS).get("issueUpdates")
        if not isinstance(elements, list):
            raise Refused("bad_payload")
        if not 1 <= len(elements) <= BULK_MAX:
            raise Refused("bulk_size", BULK_MAX)
        stop_after = (
            self._random.randrange(len(elements))
            if self._faults.strikes("bulk_prefix")
            else len(elements)
        )
        created: list[dict[str, str]] = []
        errors: list[dict[str, Any]] = []
        for place, element in enumerate(elements[:stop_after]):
            try:
                created.append(
                    self._created(self._writes.create(self._draft(request, body=element)))
                )
            except (Refused, RefusedAll) as refused:
                errors.append(_element_error(refused, place=place))
        if stop_after < len(elements):
            return LOST
        if self._faults.strikes("shuffled_successes"):
            self._random.shuffle(created)
        return json_answer({"issues": created, "errors": errors}, status=201 if created else 400)

    def _draft(self, request: Request, *, body: Any) -> Draft:
        if not request.signed_in:
            raise Refused("project", field="project")
        return self._writes.draft(body)

    def _created(self, ticket: Ticket) -> dict[str, str]:
        return {
            "id": str(ticket.id),
            "key": ticket.key,
            "self": self._bodies.url(f"issue/{ticket.id}"),
        }

    # Write
    # ----------------------------------------------------------------------------------------------------------

    def edit(self, request: Request) -> Answer:
        ticket = self._writes.edit(
            self._to_write(request, needs="EDIT_ISSUES"), body=request.json()
        )
        if request.arg("returnIssue") != "true":
            return Answer(204)
        return json_answer(self._bodies.ticket(ticket, fields=["*all"]))

    def comment(self, request: Request) -> Answer:
        ticket = self._to_write(request, needs="ADD_COMMENTS")
        comment = self._writes.comment(ticket, body=request.json())
        body = self._bodies.comment(ticket, comment=comment, with_properties=request.arg("expand"))
        return json_answer(body, status=201)

    def transition(self, request: Request) -> Answer:
        self._writes.transition(self._to_write(request), body=request.json())
        return Answer(204)

    def property(self, request: Request) -> Answer:
        return self._property(self._ticket(request).properties, key=request.names[1])

    def set_property(self, request: Request) -> Answer:
        ticket, key, value = (
            self._to_write(request, needs="EDIT_ISSUES"),
            request.names[1],
            request.json(),
        )
        check_property(key, value=value)
        self._tickets.set_property(ticket, key=key, value=value)
        return Answer(200 if key in ticket.properties else 201)

    def property_keys(self, request: Request) -> Answer:
        ticket = self._ticket(request)
        here = self._bodies.url(f"issue/{ticket.id}/properties")
        return json_answer(
            {"keys": [{"self": f"{here}/{key}", "key": key} for key in ticket.properties]}
        )

    def comment_property(self, request: Request) -> Answer:
        _, comment = self._comment(request)
        return self._property(comment.properties, key=request.names[1])

    def set_comment_property(self, request: Request) -> Answer:
        (ticket, comment), key, value = self._comment(request), request.names[1], request.json()
        check_property(key, value=value)
        self._tickets.set_comment_property(ticket, comment=comment, key=key, value=value)
        return Answer(200 if key in comment.properties else 201)

    def _property(self, properties: Any, *, key: str) -> Answer:
        if key not in properties:
            raise Refused("no_property", key, status=404)
        return json_answer({"key": key, "value": properties[key]})

    # Finding them
    # ---------------------------------------------------------------------------------------------------

    def _visible(self, request: Request, *, name: str) -> Ticket | None:
        return self._tickets.visible(name) if request.signed_in else None

    def _ticket(self, request: Request) -> Ticket:
        """Missing and forbidden look the same."""
        ticket = self._visible(request, name=request.name)
        if ticket is None:
            raise Refused("no_ticket", status=404)
        return ticket

    def _to_write(self, request: Request, *, needs: str = "") -> Ticket:
        ticket = self._ticket(request)
        if self.limits and (refusal := self.limits.take_write(ticket.id)):
            raise Instead(refusal)
        if self._faults.strikes("conflict"):
            raise Refused("conflict", status=409)
        if needs in self._tickets.site.refused_permissions:
            raise Refused("no_ticket", status=403)
        return ticket

    def _comment(self, request: Request) -> tuple[Ticket, Comment]:
        for ticket in self._tickets.live():
            for comment in ticket.comments:
                if comment.id == request.name and self._visible(request, name=str(ticket.id)):
                    return ticket, comment
        raise Refused("no_ticket", status=404)


def _bounded(jql: str) -> Query:
    query = parse(jql)
    if query.where is None:
        raise Refused("unbounded")
    if len(query.order) > ORDER_MAX:
        raise Refused("order_by")
    return query


def _reconciled(body: dict[str, Any]) -> list[int]:
    """Ids as JSON numbers, at most fifty."""
    ids = body.get("reconcileIssues", [])
    if (
        not isinstance(ids, list)
        or len(ids) > RECONCILE_MAX
        or not all(type(one) is int for one in ids)
    ):
        raise Refused("bad_payload")
    return ids


def _fetch_max(fields: list[str], *, expand: list[str]) -> int:
    """A thousand at once, if the field list is explicit, short and light."""
    light = not set(fields) & _HEAVY_FIELDS and any(not name.startswith("-") for name in fields)
    return (
        FETCH_NARROW_MAX
        if light and len(fields) <= 100 and not set(expand) & _HEAVY_EXPANDS
        else FETCH_MAX
    )


def _element_error(refused: Refused | RefusedAll, *, place: int) -> dict[str, Any]:
    """Messages without a field go into errorMessages, the others into errors: clients must read
    both.
    """
    every = refused.refusals if isinstance(refused, RefusedAll) else [refused]
    return {
        "status": 400,
        "elementErrors": {
            "errorMessages": [str(one) for one in every if one.field is None],
            "errors": {one.field: str(one) for one in every if one.field is not None},
        },
        "failedElementNumber": place,
    }
