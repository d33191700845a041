"""The simulated Jira Cloud: who is asking, which operation, and what comes back (REST v3, both
bases).

Promises: a bad token is an anonymous visitor, who sees an empty site with status 200 and one
telling header; direct reads are true at once while search lags; closed request bodies are closed;
errors have Jira's shapes and sentences.
Does not do: API v2, webhooks, boards, attachments, bulk operations in the background.
Source: Jira Cloud REST v3 (official OpenAPI document, build of September 2026).
"""

from collections import Counter, deque
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from random import Random
from typing import Any, Final

from job.sim.call import LOST, Answer, Call, Exchange, json_answer
from job.sim.faults import Faults
from job.sim.jira.access import Access, is_write
from job.sim.jira.bodies import Bodies
from job.sim.jira.creates import Creates
from job.sim.jira.edits import Edits
from job.sim.jira.field_bodies import FieldBodies
from job.sim.jira.late import Late
from job.sim.jira.limits import Limits
from job.sim.jira.metadata import Metadata
from job.sim.jira.people import People
from job.sim.jira.projects import Projects
from job.sim.jira.properties import Properties
from job.sim.jira.reads import Reads
from job.sim.jira.reception import Reception
from job.sim.jira.request import Instead, Request
from job.sim.jira.routes import Operations, Route, Routes
from job.sim.jira.screens import RefusedAll, Screens
from job.sim.jira.search import Search
from job.sim.jira.searches import Searches
from job.sim.jira.sentences import Refused
from job.sim.jira.site import Site
from job.sim.jira.ticket_bodies import TicketBodies
from job.sim.jira.tickets import Tickets
from job.sim.jira.writes import Rule, Writes

_API: Final = ("rest", "api", "3")


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
        self.site = site or Site()
        self.faults = Faults(seed=seed + 11)
        self.late = Late(now, faults=self.faults, draw=Random(seed + 14))
        self.now = now = self.late.now
        self.calls: Counter[str] = Counter()
        self.recorded: deque[Exchange] = deque(maxlen=keep)
        self.reception = Reception(self.site, now=now)
        self.search = Search(self.site, now=now, seed=seed + 12)
        self.store = Tickets(
            self.site,
            now=now,
            changed=self.search.note,
            is_late=lambda: self.late.as_of is not None,
            repeats=lambda: self.late.repeats,
        )
        self.people = People(self.store)
        bodies = Bodies(self.site)
        screens = Screens(self.site, bodies=bodies)
        self._access = Access(self.store, faults=self.faults)
        self._writes = Writes(
            self.site, tickets=self.store, bodies=bodies, screens=screens, faults=self.faults
        )
        self._routes = Routes(self._operations(bodies, draw=Random(seed + 13)))

    def _operations(self, bodies: Bodies, *, draw: Random) -> Operations:
        field_bodies = FieldBodies(self.site, bodies=bodies)
        ticket_bodies = TicketBodies(self.site, bodies=bodies)
        projects = Projects(self.site, bodies=bodies, field_bodies=field_bodies)
        access, faults, writes = self._access, self.faults, self._writes
        edits = Edits(self.site, access=access, writes=writes, bodies=ticket_bodies)
        self.mailed = edits.mailed
        return Operations(
            metadata=Metadata(
                self.site,
                projects=projects,
                bodies=bodies,
                field_bodies=field_bodies,
                now=self.now,
            ),
            projects=projects,
            searches=Searches(
                tickets=self.store,
                search=self.search,
                bodies=ticket_bodies,
                faults=faults,
                now=self.now,
                draw=draw,
            ),
            reads=Reads(
                access=access,
                tickets=self.store,
                writes=writes,
                bodies=ticket_bodies,
                field_bodies=field_bodies,
                faults=faults,
            ),
            creates=Creates(writes=writes, bodies=bodies, faults=faults, draw=draw),
            edits=edits,
            properties=Properties(access=access, tickets=self.store, bodies=bodies),
        )

    def answer(self, call: Call) -> Answer:
        rest = self._rest_of(call)
        found = self._routes.find(call.method, rest=rest) if rest else None
        title = found[0].title if found else f"{call.method} (unknown)"
        if self.reception.is_mine(call):
            title = f"{call.method} {call.path}"
        self.calls[title] += 1
        self.late.catch_up()
        answer = self.faults.around(call, effect=lambda asked: self._carry_out(asked, found=found))
        self.recorded.append(Exchange(title, call, answer))
        return answer

    def limit_rates(self, limits: Limits) -> None:
        self._access.limits = limits

    def refuse_writes(self, status: int | None) -> None:
        """From now on every write is refused alike; `None` ends it."""
        self._access.writes_refused = status

    def rewrite_new_tickets(self, rule: Rule) -> None:
        """From now on a rule of the site changes fields of every ticket as soon as it is there."""
        self._writes.rule = rule

    def limit_comments(self, most: int) -> None:
        """Jira takes 5,000 comments for a ticket, tests have less patience."""
        self._writes.remarks.most = most

    def _rest_of(self, call: Call) -> tuple[str, ...] | None:
        """The path below /rest/api/3, on the site or through the gateway; `None` when it is
        neither.
        """
        parts = tuple(call.path.strip("/").split("/"))
        if parts[:2] == ("ex", "jira"):
            parts = parts[3:] if parts[2:3] == (self.site.cloud_id,) else ()
        return parts[3:] if parts[:3] == _API else None

    def _carry_out(self, call: Call, *, found: tuple[Route, tuple[str, ...]] | None) -> Answer:
        if self.reception.is_mine(call):
            return self.reception.answer(call)
        visitor = self.reception.who(call, template=found[0].template if found else "")
        headers = {**visitor.headers, "x-arequestid": f"{self.faults.count:032x}"}
        if found is None:
            return _with(_unknown_path(call), headers=headers)
        route, names = found
        instead = visitor.instead
        if route.members_only and not visitor.signed_in and instead is None:
            instead = json_answer({"code": 401, "message": "Unauthorized"}, status=401)
        if instead is not None:
            return _with(instead, headers=headers)
        limits = self._access.limits
        refusal, near = limits.take(route.title) if limits else (None, {})
        refusal = refusal or self._access.turn_away(route.title)
        request = Request(call, names, visitor.signed_in)
        return _with(refusal or self._serve(route, request=request), headers=headers | near)

    def _serve(self, route: Route, *, request: Request) -> Answer:
        """A write may have its effect later, and its client hears nothing of it then."""
        if not is_write(route.title):
            return self._try(route, request=request)
        if self.late.takes(lambda: self._try(route, request=request)):
            return LOST
        answer = self._try(route, request=request)
        self.late.written()
        return answer

    def _try(self, route: Route, *, request: Request) -> Answer:
        try:
            return route.effect(request)
        except Instead as instead:
            return instead.answer
        except Refused as refused:
            refusals, status = [refused], refused.status
        except RefusedAll as refused:
            refusals, status = refused.refusals, refused.status
        return _error(refusals, status=status, call=request.call, language=self.site.language)


def _error(refusals: list[Refused], *, status: int, call: Call, language: str) -> Answer:
    """In the user's own language, unless the client insists on English (Jira Cloud REST v3,
    introduction).
    """
    insists = call.headers.get("x-force-accept-language") == "true"
    english = insists and call.headers.get("accept-language", "").startswith("en")
    said = "en" if english else language
    body = {
        "errorMessages": [refusal.said_in(said) for refusal in refusals if refusal.field is None],
        "errors": {
            refusal.field: refusal.said_in(said)
            for refusal in refusals
            if refusal.field is not None
        },
    }
    return json_answer(body, status=status)


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


def _with(answer: Answer, *, headers: dict[str, Any]) -> Answer:
    return replace(answer, headers={**answer.headers, **headers})
