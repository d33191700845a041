"""What the tests of Jira's adapter share: a client on a loopback site, a clock that does not wait,
bare answers.

Promises: the clock is the simulated world's, so a pause of the client moves the site's time; every
request is kept. Does not do: pretending to be any of our own code but the transport and the clock,
which are ports.
"""

import json
import random
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from msgspec.structs import replace

from job.core import adf
from job.core.ids import Fingerprint, IssueId
from job.core.routes import Destination
from job.core.shape import TicketSettings
from job.core.tickets import Draft
from job.http.caller import Caller
from job.http.message import Request, Response, Transport
from job.http.sockets import AiohttpTransport, open_session
from job.jira.client import JiraClient
from job.jira.limits import JIRA_LIMITS
from job.jira.signing import Access
from job.jira.wire.access import ApiToken, ClientCredentials
from job.sim.jira.search import no_lag
from job.sim.server import serve
from job.sim.world import World
from tests.kit.builders import destination, ticket

ID_FIELD = "customfield_10010"
SHAPE = TicketSettings(project_key="SEC", ticket_type="Bug", id_field="Halo Issue ID")
TICKET = ticket(type_id="10004")


class WorldClock:
    """`ports.Clock` on the simulated world's time: to sleep is to move it."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.slept_s = 0.0

    def now(self) -> datetime:
        return self._world.clock()

    def monotonic(self) -> float:
        return self.slept_s

    async def sleep(self, seconds: float) -> None:
        self.slept_s += seconds
        self._world.clock.advance(seconds)


@dataclass
class Recorder:
    """A transport that keeps what passes through it."""

    inner: Transport
    requests: list[Request] = field(default_factory=list)

    async def send(self, request: Request) -> Response:
        self.requests.append(request)
        return await self.inner.send(request)


@dataclass
class Desk:
    """A client with everything around it that a test looks at."""

    world: World
    jira: JiraClient
    caller: Caller
    recorder: Recorder
    clock: WorldClock
    home: Destination

    @property
    def spent(self) -> dict[str, int]:
        """Calls by the last words of their path, as `issue/bulk`."""
        return {
            name.partition("/rest/api/3/")[2]: count for name, count in self.caller.spent.items()
        }

    def forget_spending(self) -> None:
        self.caller.spent.clear()


def new_world(*, seed: int = 7) -> World:
    """A site whose search does not lag."""
    world = World.make(seed=seed, start=datetime.fromisoformat("2026-11-20T08:00:00+00:00"))
    world.jira.search.lag = no_lag
    return world


@asynccontextmanager
async def at_desk(
    world: World,
    *,
    settings: TicketSettings = SHAPE,
    token: str | None = None,
    gateway: bool = False,
    service_account: bool = False,
    secret: str | None = None,
) -> AsyncIterator[Desk]:
    """A client over real sockets, on the site's own address or behind the gateway's path, with an
    API token or as a service account.
    """
    site, clock, home = world.jira.site, WorldClock(world), destination(tickets=settings)
    async with serve(world) as urls, open_session(user_agent="halo-jira-sync/test") as session:
        recorder = Recorder(AiohttpTransport(session))
        caller = Caller(
            remote="jira",
            transport=recorder,
            clock=clock,
            at_once_max=8,
            limits=JIRA_LIMITS,
            rng=random.Random(1),
        )
        base_url = f"{urls.jira}/ex/jira/{site.cloud_id}" if gateway else urls.jira
        credentials: ApiToken | ClientCredentials
        credentials = ApiToken(user=site.email, token=token or site.token)
        if service_account:
            credentials = ClientCredentials(
                client_id=site.client_id,
                secret=secret or site.client_secret,
                token_url=f"{urls.jira}/oauth/token",
            )
        access = Access(address=base_url, credentials=credentials, gateway=urls.jira)
        jira = JiraClient(caller=caller, access=access, clock=clock, home=home)
        yield Desk(world=world, jira=jira, caller=caller, recorder=recorder, clock=clock, home=home)


def issue_ids(count: int) -> list[IssueId]:
    """Ids as Halo writes them."""
    draw = random.Random(3)
    return [IssueId(f"{draw.getrandbits(32):08x}-0000-4000-8000-{n:012x}") for n in range(count)]


def draft(issue_id: IssueId, *, summary: str = "A finding", **fields: Any) -> Draft:
    return Draft(
        issue_id=issue_id,
        fields={
            "project": {"key": "SEC"},
            "issuetype": {"id": "10004"},
            "summary": summary,
            ID_FIELD: issue_id,
            **fields,
        },
        properties=({"key": "halo.sync", "value": {"v": 1, "issue": issue_id}},),
        fingerprint=Fingerprint("f"),
    )


def paragraph(text: str) -> adf.Document:
    """A document of these words, however long."""
    content = [{"type": "paragraph", "content": [{"type": "text", "text": text}]}]
    return adf.Document(json.dumps({"type": "doc", "version": 1, "content": content}).encode())


def response(
    status: int, body: object = None, *, headers: Mapping[str, str] | None = None
) -> Response:
    """An answer with a JSON body, or with the very bytes."""
    if body is None:
        raw = b""
    elif isinstance(body, bytes):
        raw = body
    else:
        raw = json.dumps(body).encode()
    return Response(
        status=status, headers={"content-type": "application/json", **(headers or {})}, body=raw
    )


def page_of_html(status: int) -> Response:
    return replace(
        response(status, b"<!DOCTYPE html><p>Log in</p>"), headers={"content-type": "text/html"}
    )
