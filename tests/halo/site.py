"""What the client's tests share: a HaloClient on loopback HTTP, against the simulated Halo or a
script of answers.

Promises: the real caller and the real transport; time is the simulated world's, and to sleep is to
move it.
"""

import json
import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer

from job.core.issues import Issue
from job.halo.client import HaloClient
from job.http.caller import Caller
from job.http.sockets import AiohttpTransport, open_session
from job.ports import Pieces
from job.sim.clock import SimClock
from job.sim.server import serve
from job.sim.world import World
from tests.kit.builders import limits

START = datetime(2026, 11, 1, 12, tzinfo=UTC)
KEY, SECRET = "a1b2c3d4", "0123456789abcdef0123456789abcdef"


class WorldClock:
    """`ports.Clock` on simulated time."""

    def __init__(self, clock: SimClock) -> None:
        self._clock = clock

    def now(self) -> datetime:
        return self._clock()

    def monotonic(self) -> float:
        return (self._clock() - START) / timedelta(seconds=1)

    async def sleep(self, seconds: float) -> None:
        self._clock.advance(seconds)


@dataclass(frozen=True, slots=True)
class Site:
    """One client and what it talks to."""

    halo: HaloClient
    spent: Counter[str]
    clock: SimClock


@asynccontextmanager
async def client_of(url: str, *, clock: SimClock, secret: str = SECRET) -> AsyncIterator[Site]:
    async with open_session(user_agent="halo-jira-sync-tests") as session:
        ours = WorldClock(clock)
        caller = Caller(
            remote="halo",
            transport=AiohttpTransport(session),
            clock=ours,
            at_once_max=20,
            limits=limits(per_second_max=1e6),
            rng=random.Random(0),
        )
        halo = HaloClient(caller=caller, base_url=f"{url}/", key=KEY, secret=secret, clock=ours)
        yield Site(halo, caller.spent, clock)


@asynccontextmanager
async def simulated(world: World, *, secret: str = SECRET) -> AsyncIterator[Site]:
    async with serve(world) as urls, client_of(urls.halo, clock=world.clock, secret=secret) as site:
        yield site


Answer = tuple[int, Any] | bytes
Script = Mapping[str, Answer | Callable[[web.Request], Awaitable[Answer]]]


@dataclass(slots=True)
class Scripted:
    """A Halo that says what it is told to, path by path; all else is a 404. Tokens are free."""

    script: Script
    asked: list[web.Request] = field(default_factory=list)
    tokens: int = 0

    async def respond(self, request: web.Request) -> web.Response:
        self.asked.append(request)
        if request.path == "/oauth/access_token" and request.path not in self.script:
            self.tokens += 1
            return web.json_response({"access_token": f"t{self.tokens}", "expires_in": 900})
        answer = self.script.get(request.path, (404, {"message": "Not found"}))
        if callable(answer):
            answer = await answer(request)
        if isinstance(answer, bytes):
            return web.Response(body=answer, content_type="text/html")
        return web.Response(
            status=answer[0], body=json.dumps(answer[1]), content_type="application/json"
        )


@asynccontextmanager
async def scripted(script: Script) -> AsyncIterator[tuple[Site, Scripted]]:
    server = Scripted(script)
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", server.respond)
    async with (
        TestServer(app) as listening,
        client_of(str(listening.make_url("/")).rstrip("/"), clock=SimClock(START)) as site,
    ):
        yield site, server


async def everything(*listings: Pieces) -> list[Issue]:
    return [issue for pieces in listings async for piece in pieces for issue in piece]
