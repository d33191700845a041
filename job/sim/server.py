"""A world behind loopback HTTP: each vendor on a port of its own, and the control on a third.

Promises: nothing listens beyond 127.0.0.1. Half of a call's latency passes before its effect and
half after, so that a client killed meanwhile may have left either; what we need to work an answer
out is a part of it. A lost answer closes the connection without a byte.
Does not do: TLS; a client that can be pointed at http://127.0.0.1 needs none.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from aiohttp import web

from job.sim.call import Answer, Call
from job.sim.control import Control
from job.sim.story import Story
from job.sim.world import World

_READING_POSTS: Final = (
    "/search/jql",
    "/issue/bulkfetch",
    "/comment/list",
    "/search/approximate-count",
)
_BODY_MAX: Final = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Pace:
    """How long one vendor takes. Bulk creates take a base and a little for every element."""

    read_s: float = 0.0
    write_s: float = 0.0
    bulk_base_s: float = 0.0
    bulk_item_s: float = 0.0

    def of(self, call: Call) -> float:
        if call.path.endswith("/issue/bulk"):
            return self.bulk_base_s + self.bulk_item_s * _elements(call.body)
        reads = call.method == "GET" or call.path.endswith(_READING_POSTS)
        return self.read_s if reads else self.write_s


@dataclass(frozen=True, slots=True)
class Latency:
    halo: Pace = field(default_factory=Pace)
    jira: Pace = field(default_factory=Pace)


NO_LATENCY: Final = Latency()
REAL_LATENCY: Final = Latency(Pace(0.12, 0.12), Pace(0.15, 0.3, 0.3, 0.04))


@dataclass(frozen=True, slots=True)
class Urls:
    halo: str
    jira: str
    control: str


@asynccontextmanager
async def serve(
    world: World,
    *,
    story: Story | None = None,
    latency: Latency = NO_LATENCY,
    halo_port: int = 0,
    jira_port: int = 0,
    control_port: int = 0,
) -> AsyncIterator[Urls]:
    """Serves until the block ends. Port 0 takes a free one. A story that has begun is gone on with;
    without one the control has a new one.
    """
    control_of_world = Control(world, story=story or Story(world))
    async with AsyncExitStack() as stack:
        halo = await stack.enter_async_context(
            _listen(world.halo.answer, pace=latency.halo, port=halo_port)
        )
        jira = await stack.enter_async_context(
            _listen(world.jira.answer, pace=latency.jira, port=jira_port)
        )
        control = await stack.enter_async_context(
            _listen(control_of_world.answer, pace=Pace(), port=control_port)
        )
        yield Urls(halo, jira, control)


@asynccontextmanager
async def _listen(answer: Callable[[Call], Answer], *, pace: Pace, port: int) -> AsyncIterator[str]:
    loop = asyncio.get_running_loop()

    async def respond(request: web.Request) -> web.StreamResponse:
        arrived_at = loop.time()
        call = await _read(request)
        takes_s = pace.of(call)
        await asyncio.sleep(takes_s / 2)
        answered = answer(call)
        await asyncio.sleep(arrived_at + takes_s + answered.delay_s - loop.time())
        return _write(request, answer=answered)

    app = web.Application(client_max_size=_BODY_MAX)
    app.router.add_route("*", "/{path:.*}", respond)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", port)
        await site.start()
        host, bound = runner.addresses[0][:2]
        yield f"http://{host}:{bound}"
    finally:
        await runner.cleanup()


async def _read(request: web.Request) -> Call:
    return Call(
        request.method,
        request.path,
        tuple(request.query.items()),
        {name.lower(): value for name, value in request.headers.items()},
        await request.read(),
    )


def _write(request: web.Request, *, answer: Answer) -> web.StreamResponse:
    if answer.lost and request.transport is not None:
        request.transport.abort()
    return web.Response(status=answer.status or 500, headers=answer.headers, body=answer.body)


@lru_cache(maxsize=4)
def _elements(body: bytes) -> int:
    """How many tickets a bulk create asks for. It is asked more than once for one body, and a large
    body takes a while to read.
    """
    try:
        return len(json.loads(body)["issueUpdates"])
    except (ValueError, KeyError, TypeError):
        return 0
