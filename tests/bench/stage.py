"""Sets the stage for one measurement: two simulated vendors on loopback, and the job as a process
of its own.

Promises: the vendors know their calls, their latency and their refusals by themselves, so the job
is not asked how fast it was; preparing happens in this process without latency and limits,
measuring with both. What the process cost is the kernel's account of it.
"""

import asyncio
import gc
import json
import os
import random
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from msgspec.structs import replace

from job.clock import SystemClock
from job.flow.run import run
from job.flow.setup import ALL_TIME, Order
from job.halo.client import HaloClient
from job.http.caller import Caller
from job.http.message import Request, Response
from job.jira.client import JiraClient
from job.jira.signing import Access
from job.jira.wire.access import ApiToken
from job.remotes import Surroundings
from job.settings.load import load
from job.sim.call import Answer, Call
from job.sim.jira.limits import Limits
from job.sim.jira.search import no_lag
from job.sim.server import REAL_LATENCY, Pace, serve
from job.sim.story import settings
from job.sim.world import World
from job.wiring import destination_of, open_setup
from tests.bench import yardstick
from tests.kit.builders import limits
from tests.kit.tube import Onlooker

LONG_AGO_S = 7_200.0
ISSUES_AN_ASSET = 4
KINDS = ("csm", "fim", "sva", "lids")


@dataclass
class Tally:
    """What one vendor was asked while we measured."""

    pace: Pace
    calls: Counter[str] = field(default_factory=Counter)
    by_second: Counter[tuple[str, int]] = field(default_factory=Counter)
    waited_s: float = 0.0
    refused: int = 0
    first_at: float | None = None

    def note(self, call: Call, *, route: str, answer: Answer) -> None:
        now = time.monotonic()
        self.first_at = self.first_at or now
        self.calls[route] += 1
        self.by_second[route, int(now)] += 1
        self.waited_s += self.pace.of(call)
        self.refused += answer.status == 429


@dataclass(frozen=True, kw_only=True)
class Measured:
    """One run of the job, from the outside."""

    exit_code: int
    wall_s: float
    first_call_s: float
    cpu_s: float
    peak_mb: float
    yardstick_s: list[float]
    """What the same small work took while the job ran, again and again."""
    halo: Tally
    jira: Tally
    log: Path


WITNESS = """
import json, resource, subprocess, sys, time
began = time.monotonic()
code = subprocess.call([sys.executable, "-m", "job", *sys.argv[1:]], stdout=sys.stderr)
took_s, spent = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
cpu_s, peak_mb = spent.ru_utime + spent.ru_stime, spent.ru_maxrss / 1024
told = {"exit_code": code, "began": began, "wall_s": took_s, "cpu_s": cpu_s, "peak_mb": peak_mb}
print(json.dumps(told))
"""
"""Starts the job and tells what it cost. A small process, because a child's peak begins with its
parent's size.
"""


class Stage:
    """A world with a job beside it. Issues happen in the past, so only what we change is news."""

    def __init__(self, folder: Path) -> None:
        self.world = World.make(seed=4, keep=0)
        self.world.jira.search.lag = no_lag
        self.issues: list[str] = []
        self.environ: dict[str, str] = {}
        self._folder = folder
        self._tallies = {"halo": Tally(REAL_LATENCY.halo), "jira": Tally(REAL_LATENCY.jira)}

    @asynccontextmanager
    async def opened(self) -> AsyncIterator["Stage"]:
        """Serves the world as slowly as the real ones are."""
        for vendor in ("halo", "jira"):
            self._listen_in(vendor)
        async with serve(self.world, latency=REAL_LATENCY) as urls:
            state = f"sqlite:///{self._folder / 'state.db'}"
            own = {"STATE_URL": state, "MAX_CLOSE_PERCENT": "100", "PATH": os.environ["PATH"]}
            self.environ = {**settings(self.world, urls=urls), **own}
            yield self

    def open_issues(self, many: int, *, ago_s: float = LONG_AGO_S) -> None:
        """Issues that were found one a second, the last of them so long ago, on a quarter as
        many assets.
        """
        estate, clock = self.world.halo.estate, self.world.clock
        clock.advance(-ago_s - many)
        for number in range(many):
            if number % ISSUES_AN_ASSET == 0:
                asset = estate.add_asset()
            self.issues.append(estate.open_issue(type=KINDS[number % len(KINDS)], asset=asset))
            clock.advance(1.0)
        clock.advance(ago_s)

    async def prepare(self) -> None:
        """A run that brings everything in step, by function calls and without a limit."""
        surroundings = Surroundings(clock=SystemClock())
        async with open_setup(load(self.environ), surroundings) as setup:
            fast = replace(setup, ports=replace(setup.ports, halo=self._halo(), jira=self._jira()))
            done = await run(
                fast, order=Order(since=ALL_TIME), watcher=Onlooker(), asked_to_stop=asyncio.Event()
            )
            await self._jira().highest_key(
                "SEC"
            )  # a first search makes the index, which is the vendor's own business
        if done.exit_code:
            raise RuntimeError(f"the preparing run ended with {done}")

    async def measure(self, *args: str, **changed: str) -> Measured:
        """A run as in life."""
        self.world.jira.limit_rates(Limits(self.world.clock, seed=4))
        self._tallies = {"halo": Tally(REAL_LATENCY.halo), "jira": Tally(REAL_LATENCY.jira)}
        log = self._folder / "job.log"
        # A search for circles among 20,000 tickets would stand still for longer than any answer
        # takes.
        gc.collect()
        gc.freeze()
        with log.open("w") as said:
            command = (sys.executable, "-c", WITNESS, "run", *args)
            environ = self.environ | changed
            async with yardstick.beside() as yardstick_s:
                witness = await asyncio.create_subprocess_exec(
                    *command,
                    env=environ,
                    stdout=asyncio.subprocess.PIPE,
                    stderr=said,
                    preexec_fn=yardstick.take_the_jobs_core,
                )
                told, _ = await witness.communicate()
        seen = json.loads(told) | {"yardstick_s": yardstick_s}
        halo, jira, began = self._tallies["halo"], self._tallies["jira"], seen.pop("began")
        return Measured(
            first_call_s=(jira.first_at or began) - began, halo=halo, jira=jira, log=log, **seen
        )

    def _halo(self) -> HaloClient:
        key, _, secret = self.world.halo.credentials.partition(":")
        caller = direct("halo", answer=self.world.halo.answer)
        return HaloClient(
            caller=caller, base_url="http://halo", key=key, secret=secret, clock=SystemClock()
        )

    def _jira(self) -> JiraClient:
        caller, site = direct("jira", answer=self.world.jira.answer), self.world.jira.site
        home = destination_of(load(self.environ))
        access = Access(
            address="http://jira", credentials=ApiToken(user=site.email, token=site.token)
        )
        return JiraClient(caller=caller, access=access, clock=SystemClock(), home=home)

    def _listen_in(self, vendor: str) -> None:
        """Notes each call between the socket and the vendor."""
        sim: Any = getattr(self.world, vendor)
        answer: Callable[[Call], Answer] = sim.answer

        def noting(call: Call) -> Answer:
            before = sim.calls.copy()
            answered = answer(call)
            (route,) = sim.calls - before
            self._tallies[vendor].note(call, route=route, answer=answered)
            return answered

        sim.answer = noting


class Direct:
    """A transport that is a function call."""

    def __init__(self, answer: Callable[[Call], Answer]) -> None:
        self._answer = answer

    async def send(self, request: Request) -> Response:
        parts = urlsplit(request.url)
        query = tuple(parse_qsl(parts.query, keep_blank_values=True))
        headers = {name.lower(): value for name, value in request.headers.items()}
        answer = self._answer(Call(request.method, parts.path, query, headers, request.body or b""))
        await asyncio.sleep(0)
        headers = {name.lower(): value for name, value in answer.headers.items()}
        return Response(status=answer.status, headers=headers, body=answer.body)


def direct(remote: str, *, answer: Callable[[Call], Answer]) -> Caller:
    """Calls a vendor as fast as it can answer."""
    return Caller(
        remote=remote,
        transport=Direct(answer),
        clock=SystemClock(),
        at_once_max=64,
        limits=limits(per_second_max=1e6),
        rng=random.Random(0),
    )
