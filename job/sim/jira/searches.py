"""The search operations: a page of what a query finds, and how many there are.

Promises: a page token is good for the query that it came with and no other, for seven days; what
our account may not see is not found.
Does not do: JQL itself (jql.py, clauses.py), or how far the index runs behind (search.py).
Source: Jira Cloud REST v3, group "Issue search".
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any, Final

from job.sim.call import Answer, json_answer
from job.sim.faults import Faults
from job.sim.jira.jql import Query, parse
from job.sim.jira.payloads import PROPERTIES_MAX
from job.sim.jira.request import Request, strings
from job.sim.jira.search import Search
from job.sim.jira.sentences import Refused
from job.sim.jira.ticket_bodies import TicketBodies
from job.sim.jira.ticket_values import sort_key
from job.sim.jira.tickets import Ticket, Tickets

ORDER_MAX: Final = 7
PAGE_MAX: Final = 5_000
FIELDS_PAGE_MAX: Final = 100
RECONCILE_MAX: Final = 50
_TOKEN_LIFE: Final = timedelta(days=7)
_SEARCH_KEYS: Final = frozenset(
    {
        *("jql", "fields", "maxResults", "nextPageToken", "expand"),
        *("properties", "fieldsByKeys", "reconcileIssues", "includeArchivedProjects"),
    }
)


@dataclass(frozen=True, slots=True)
class _Cursor:
    """The rest of a search, tied to the body that began it."""

    query: str
    rest: tuple[Ticket, ...]
    expires_at: datetime


class Searches:
    """All searches of one site, and those that are to be gone on with."""

    def __init__(
        self,
        *,
        tickets: Tickets,
        search: Search,
        bodies: TicketBodies,
        faults: Faults,
        now: Callable[[], datetime],
        draw: Random,
    ) -> None:
        self._tickets = tickets
        self._search = search
        self._bodies = bodies
        self._faults = faults
        self._now = now
        self._random = draw
        self._cursors: dict[str, _Cursor] = {}

    def search(self, request: Request) -> Answer:
        body = request.closed(_SEARCH_KEYS)
        size, fields = body.get("maxResults", 50), strings(body, key="fields", default=["id"])
        if isinstance(size, bool) or not isinstance(size, int) or not 1 <= size <= PAGE_MAX:
            raise Refused("page_size")
        if not isinstance(body.get("expand", ""), str) or not isinstance(body.get("jql"), str):
            raise Refused("bad_payload")
        properties = strings(body, key="properties", default=[])
        if len(properties) > PROPERTIES_MAX:
            raise Refused("bad_payload")
        rows, query = self._rows(request, body=body)
        if set(fields) - {"id", "key"} or properties:
            size = min(size, FIELDS_PAGE_MAX)
        return self._page(rows, size=size, fields=fields, properties=properties, query=query)

    def count(self, request: Request) -> Answer:
        rows, _ = self._rows(request, body=request.closed({"jql"}))
        return json_answer({"count": len(rows)})

    def parse(self, request: Request) -> Answer:
        """Each query with what is wrong with it. A stranger is told nothing of use."""
        if request.arg("validation") not in ("strict", "warn", "none"):
            raise Refused("bad_payload")
        queries = strings(request.closed({"queries"}), key="queries", default=[])
        if not queries:
            raise Refused("bad_payload")
        return json_answer({"queries": [self._parsed(query, request=request) for query in queries]})

    def _parsed(self, jql: str, *, request: Request) -> dict[str, Any]:
        try:
            query = parse(jql)
            if query.where is not None and request.signed_in:
                self._search.check(query.where, tickets=self._tickets)
        except Refused as refused:
            unknown = refused.sentence == "no_value"
            return {"query": jql, "warnings" if unknown else "errors": [str(refused)]}
        return {"query": jql}

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
            return (), query  # nothing is public here, and unknown names are no error for strangers
        return self._sorted(parsed, reconcile=_reconciled(body)), query

    def _sorted(self, query: Query, *, reconcile: list[int]) -> list[Ticket]:
        if query.where is None:
            raise Refused("unbounded")
        try:
            found = self._search.find(query.where, tickets=self._tickets, reconcile=reconcile)
        except Refused:
            if not self._tickets.site.silent_searches:
                raise
            return []
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
                self._bodies.ticket(ticket, fields=fields, properties=properties)
                for ticket in shown
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
        or not all(type(ticket_id) is int for ticket_id in ids)
    ):
        raise Refused("bad_payload")
    return ids
