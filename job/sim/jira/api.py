"""The simulated Jira Cloud: who is asking, which operation, and what comes back (REST v3, both
bases).

Promises: a bad token is an anonymous visitor, who sees an empty site with status 200 and one
telling header; direct reads are true at once while search lags; closed request bodies are closed;
errors have Jira's shapes and sentences. Does not do: API v2, webhooks, boards, attachments, bulk
operations in the background. Source: Jira Cloud REST v3 (official OpenAPI document, build of
September 2026).
"""

import base64
import binascii
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote

from job.sim.call import Answer, Call, Exchange, json_answer
from job.sim.faults import Faults
from job.sim.jira.bodies import Bodies
from job.sim.jira.limits import Limits
from job.sim.jira.metadata import Metadata
from job.sim.jira.operations import Operations
from job.sim.jira.people import People
from job.sim.jira.request import Instead, Request
from job.sim.jira.search import Search
from job.sim.jira.sentences import EN, Refused
from job.sim.jira.site import Site
from job.sim.jira.tickets import Tickets
from job.sim.jira.writes import RefusedAll, Writes

_FAILED_LOGIN: Final = {"x-seraph-loginreason": "AUTHENTICATED_FAILED"}
_API: Final = ("rest", "api", "3")
Effect = Callable[[Request], Answer]


@dataclass(frozen=True, slots=True)
class Route:
    """`members_only` operations answer 401 to a bad token; the others answer as to a stranger."""

    method: str
    template: str
    effect: Effect
    members_only: bool = False

    @property
    def title(self) -> str:
        return f"{self.method} {self.template}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Visitor:
    """Who is asking, as far as Jira will tell. Somebody who is not signed in is a stranger, but not
    turned away.
    """

    signed_in: bool
    turned_away: bool
    headers: Mapping[str, str]


class JiraSim:
    """One Jira site behind `answer`. `people` acts as its users do; `site`, `search`, `faults` hold
    the switches.
    """

    def __init__(
        self,
        now: Callable[[], datetime],
        *,
        seed: int = 0,
        site: Site | None = None,
        keep: int = 10_000,
    ) -> None:
        self.now = now
        self.site = site or Site()
        self.faults = Faults(seed=seed + 11)
        self.calls: Counter[str] = Counter()
        self.recorded: deque[Exchange] = deque(maxlen=keep)
        self.token_expires_at: datetime | None = None
        self.search = Search(self.site, now=now, seed=seed + 12)
        self.store = Tickets(self.site, now=now, changed=self.search.note)
        self.people = People(self.store)
        self._bodies = Bodies(self.site)
        self._writes = Writes(self.site, tickets=self.store, bodies=self._bodies)
        self._metadata = Metadata(self.site, bodies=self._bodies, now=now)
        self._operations = Operations(
            tickets=self.store,
            search=self.search,
            writes=self._writes,
            bodies=self._bodies,
            faults=self.faults,
            now=now,
            seed=seed + 13,
        )
        self._routes = _by_shape(_routes(self._metadata, operations=self._operations))

    def answer(self, call: Call) -> Answer:
        rest = self._rest_of(call)
        found = self._find(call.method, rest=rest) if rest else None
        title = found[0].title if found else f"{call.method} (unknown)"
        self.calls[title] += 1
        answer = self.faults.around(call, effect=lambda asked: self._carry_out(asked, found=found))
        self.recorded.append(Exchange(title, call, answer))
        return answer

    def limit_rates(self, limits: Limits) -> None:
        self._operations.limits = limits

    def limit_comments(self, most: int) -> None:
        """Jira takes 5,000 comments for a ticket, tests have less patience."""
        self._writes.comments_max = most

    # Identity
    # -------------------------------------------------------------------------------------------------------

    def _rest_of(self, call: Call) -> tuple[str, ...] | None:
        """The path below /rest/api/3, on the site or through the gateway; None when it is neither."""
        parts = tuple(call.path.strip("/").split("/"))
        if parts[:2] == ("ex", "jira"):
            parts = parts[3:] if parts[2:3] == (self.site.cloud_id,) else ()
        return parts[3:] if parts[:3] == _API else None

    def _who(self, call: Call) -> Visitor:
        """Tokens with scopes are for the gateway, those without for the site; misplaced ones are
        turned away.
        """
        if "authorization" not in call.headers:
            return Visitor(signed_in=False, turned_away=False, headers={})
        given, email = _decoded(call.headers["authorization"]), self.site.email
        through_gateway = call.path.startswith("/ex/")
        token, other = self.site.token, self.site.scoped_token
        if through_gateway:
            token, other = other, token
        expired = self.token_expires_at is not None and self.now() >= self.token_expires_at
        if given == f"{email}:{token}" and not expired:
            return Visitor(
                signed_in=True,
                turned_away=False,
                headers={"X-AAccountId": quote(self.site.me.account_id, safe="")},
            )
        turned_away = through_gateway or given == f"{email}:{other}"
        return Visitor(signed_in=False, turned_away=turned_away, headers=_FAILED_LOGIN)

    # Operations
    # -----------------------------------------------------------------------------------------------------

    def _find(self, method: str, *, rest: tuple[str, ...]) -> tuple[Route, tuple[str, ...]] | None:
        for segments, route in self._routes.get((method, len(rest)), []):
            if all(segment in ("{}", part) for segment, part in zip(segments, rest, strict=True)):
                return route, tuple(
                    part for segment, part in zip(segments, rest, strict=True) if segment == "{}"
                )
        return None

    def _carry_out(self, call: Call, *, found: tuple[Route, tuple[str, ...]] | None) -> Answer:
        visitor = self._who(call)
        headers = {**visitor.headers, "x-arequestid": f"{self.faults.count:032x}"}
        if found is None:
            return _with(_unknown_path(call), headers=headers)
        route, names = found
        if visitor.turned_away or (route.members_only and not visitor.signed_in):
            return _with(
                json_answer({"code": 401, "message": "Unauthorized"}, status=401), headers=headers
            )
        limits = self._operations.limits
        refusal, near = limits.take(route.title) if limits else (None, {})
        request = Request(call, names, visitor.signed_in)
        return _with(refusal or self._try(route, request=request), headers=headers | near)

    def _try(self, route: Route, *, request: Request) -> Answer:
        try:
            return route.effect(request)
        except Instead as instead:
            return instead.answer
        except Refused as refused:
            return self._error([refused], status=refused.status, call=request.call)
        except RefusedAll as refused:
            return self._error(refused.refusals, status=refused.status, call=request.call)

    def _error(self, refusals: list[Refused], *, status: int, call: Call) -> Answer:
        """In the user's language, unless the client insists on English (Jira Cloud REST v3, intro)."""
        insists = call.headers.get("x-force-accept-language") == "true"
        english = insists and call.headers.get("accept-language", "").startswith("en")
        language = "en" if english else self.site.language
        body = {
            "errorMessages": [one.said_in(language) for one in refusals if one.field is None],
            "errors": {
                one.field: one.said_in(language) for one in refusals if one.field is not None
            },
        }
        return json_answer(body, status=status)


def _routes(metadata: Metadata, *, operations: Operations) -> list[Route]:
    """Literal paths stand before templates of the same length."""
    return [
        Route("GET", "/myself", metadata.myself, members_only=True),
        Route("GET", "/serverInfo", metadata.server_info),
        Route("GET", "/field", metadata.fields),
        Route("GET", "/project/search", metadata.projects),
        Route("GET", "/project/{key}", metadata.project),
        Route("GET", "/project/{key}/statuses", metadata.project_statuses),
        Route("GET", "/issue/createmeta/{project}/issuetypes", metadata.create_types),
        Route("GET", "/issue/createmeta/{project}/issuetypes/{id}", metadata.create_fields),
        Route("GET", "/jql/autocompletedata", metadata.autocomplete),
        Route("GET", "/mypermissions", metadata.my_permissions),
        Route("GET", "/user/assignable/search", metadata.assignable),
        Route("GET", "/search", _removed),
        Route("POST", "/search", _removed),
        Route("POST", "/search/jql", operations.search),
        Route("POST", "/search/approximate-count", operations.count),
        Route("POST", "/issue/bulkfetch", operations.fetch),
        Route("POST", "/issue/bulk", operations.create_bulk),
        Route("POST", "/issue", operations.create),
        Route("GET", "/issue/{key}", operations.get),
        Route("PUT", "/issue/{key}", operations.edit),
        Route("GET", "/issue/{key}/comment", operations.comments),
        Route("POST", "/issue/{key}/comment", operations.comment),
        Route("POST", "/comment/list", operations.comment_list),
        Route("GET", "/comment/{id}/properties/{name}", operations.comment_property),
        Route("PUT", "/comment/{id}/properties/{name}", operations.set_comment_property),
        Route("GET", "/issue/{key}/transitions", operations.transitions),
        Route("POST", "/issue/{key}/transitions", operations.transition),
        Route("GET", "/issue/{key}/properties", operations.property_keys),
        Route("GET", "/issue/{key}/properties/{name}", operations.property),
        Route("PUT", "/issue/{key}/properties/{name}", operations.set_property),
    ]


def _by_shape(routes: list[Route]) -> dict[tuple[str, int], list[tuple[tuple[str, ...], Route]]]:
    table: dict[tuple[str, int], list[tuple[tuple[str, ...], Route]]] = {}
    for route in routes:
        parts = route.template.strip("/").split("/")
        segments = tuple("{}" if part.startswith("{") else part for part in parts)
        table.setdefault((route.method, len(segments)), []).append((segments, route))
    return table


def _removed(request: Request) -> Answer:
    """GET and POST /search were switched off in 2025 (CHANGE-2046)."""
    return json_answer({"errorMessages": [EN["removed"]], "errors": {}}, status=410)


def _unknown_path(call: Call) -> Answer:
    body = {
        "type": "about:blank",
        "title": "Not Found",
        "status": 404,
        "detail": f"No endpoint {call.path}.",
    }
    return _with(
        json_answer(body, status=404), headers={"content-type": "application/problem+json"}
    )


def _decoded(authorization: str) -> str:
    try:
        return base64.b64decode(authorization.removeprefix("Basic "), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return ""


def _with(answer: Answer, *, headers: dict[str, Any]) -> Answer:
    return replace(answer, headers={**answer.headers, **headers})
