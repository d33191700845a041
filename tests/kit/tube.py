"""One deployment in a test tube: the real flow, clients and rules between two simulated vendors and
a store in memory.

A `Tube` can run the job again and again over the same worlds, and can kill a run before or after
its N-th operation on anything outside (Halo, Jira or the store): from then on nothing of that run
has any effect, as after SIGKILL.
"""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import partial
from typing import Any, Literal
from urllib.parse import parse_qsl, urlsplit

from job.core.memory import Owner, RunRecord
from job.core.model import Outcome
from job.core.plan import Limits, Plan
from job.core.policy import Policy
from job.core.routes import Goal
from job.core.shards import Shard
from job.errors import RemoteDown, SyncError
from job.flow.run import run
from job.flow.setup import Order, Setup
from job.halo.client import HaloClient
from job.halo.limits import HALO_LIMITS
from job.http.caller import Caller
from job.http.limits import RemoteLimits
from job.http.message import NoAnswer, Request, Response
from job.jira.client import JiraClient
from job.jira.limits import JIRA_LIMITS
from job.jira.signing import Access
from job.jira.wire.access import ApiToken
from job.ports import Ports
from job.sim.call import Answer, Call
from job.sim.halo.api import HaloSim
from job.sim.jira.api import JiraSim
from job.state.memory import MemoryStore
from tests.kit.builders import policy

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
Side = Literal["before", "after"]


class Killed(BaseException):
    """The run is dead. Not an `Exception`, so that nothing in the job can mistake it for one of
    its own.
    """


class LoopClock:
    """The loop's time on a calendar. Calling it gives the vendors' time; the job's clock may be
    wrong by `skew`.
    """

    def __init__(self) -> None:
        self.skew = timedelta()

    def __call__(self) -> datetime:
        return START + timedelta(seconds=self.monotonic())

    def now(self) -> datetime:
        return self() + self.skew

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


@dataclass
class Fuse:
    """Counts a run's operations and kills the run before or after one of them."""

    at: tuple[int, Side] | None = None
    count: int = 0
    dead: bool = False
    names: list[str] = field(default_factory=list)

    def begin(self, name: str) -> int:
        """The number of the operation that is about to have its effect."""
        self.count += 1
        self.names.append(name)
        self._burn(self.count, side="before")
        return self.count

    def end(self, number: int) -> None:
        """The operation has had its effect, and its caller is about to learn of it."""
        self._burn(number, side="after")

    def _burn(self, number: int, *, side: Side) -> None:
        if self.at == (number, side):
            self.dead = True
        if self.dead:
            raise Killed


class Wire:
    """A transport that is a function call."""

    def __init__(self, answer: Callable[[Call], Answer], *, fuse: Fuse, clock: LoopClock) -> None:
        self._answer = answer
        self._clock = clock
        self._fuse = fuse

    async def send(self, request: Request) -> Response:
        parts = urlsplit(request.url)
        call = Call(
            request.method,
            parts.path,
            tuple(parse_qsl(parts.query, keep_blank_values=True)),
            {name.lower(): value for name, value in request.headers.items()},
            request.body or b"",
        )
        number = self._fuse.begin(request.name)
        answer = self._answer(call)
        self._fuse.end(number)
        await asyncio.sleep(0.01 + answer.delay_s)
        if answer.lost:
            raise NoAnswer("connection reset")
        headers = {name.lower(): value for name, value in answer.headers.items()}
        headers["date"] = format_datetime(self._clock(), usegmt=True)
        return Response(status=answer.status, headers=headers, body=answer.body)


class Onlooker:
    """Remembers what a run said it would do and how it ended."""

    def __init__(self) -> None:
        self.plans: list[Plan] = []
        self.outcomes: list[Outcome] = []

    def planned(self, plan: Plan) -> None:
        self.plans.append(plan)

    def ended(self, outcome: Outcome) -> None:
        self.outcomes.append(outcome)


POLICY = policy(
    hard_closed=frozenset({"Closed"}),
    new_status="In Progress",
    reopen=Goal(transition="Reopen", statuses=("To Do",)),
)
QUIET = policy(
    hard_closed=frozenset({"Closed"}), reopen=Goal(transition="Reopen", statuses=("To Do",))
)
"""New tickets stay in the status in which they start."""


class Tube:
    """Two vendors, a store and a clock; runs of the job come and go."""

    execution = ""
    """Of which all its runs are tasks."""

    def __init__(
        self, *, seed: int = 0, policy: Policy = POLICY, limits: Limits | None = None
    ) -> None:
        self.clock = LoopClock()
        self.halo = HaloSim(self.clock, seed=seed, keep=0)
        self.jira = JiraSim(self.clock, seed=seed, keep=0)
        self.store = MemoryStore()
        self.policy = policy
        self.settings_digest = "d"
        self.owner = Owner(
            jira_url="http://jira",
            halo_url="http://halo",
            halo_key_id="a1b2c3d4",
            id_field=policy.routes.default.tickets.id_field,
        )
        self.limits = limits or Limits(close_percent_max=100)
        self.runs = 0
        self.rng = random.Random(seed)
        self.look_back = timedelta(days=1)
        self.time_budget: timedelta | None = None
        self.sweep_every = timedelta(hours=24)
        self.sync_max = 0
        self.at_once_max = 8
        self.store_falters: Callable[[], bool] = lambda: False
        self.shard = Shard()

    async def run(
        self,
        *,
        fuse: Fuse | None = None,
        order: Order | None = None,
        watcher: Onlooker | None = None,
        asked_to_stop: asyncio.Event | None = None,
        shard: Shard | None = None,
    ) -> RunRecord | SyncError | None:
        """One run: its record, the error that ended it early, or `None` if it was killed."""
        fuse = fuse or Fuse()
        setup = self.setup(fuse, shard=shard or self.shard)
        try:
            return await run(
                setup,
                order=order or Order(),
                watcher=watcher or Onlooker(),
                asked_to_stop=asked_to_stop or asyncio.Event(),
            )
        except SyncError as error:
            return error
        except BaseException as failure:
            if fuse.dead and _only(Killed, failure):
                return None
            raise

    def setup(self, fuse: Fuse, *, shard: Shard) -> Setup:
        self.runs += 1
        store = _Fused(self.store, fuse, falters=self.store_falters)
        halo = self._caller("halo", answer=self.halo.answer, fuse=fuse, limits=HALO_LIMITS)
        jira = self._caller("jira", answer=self.jira.answer, fuse=fuse, limits=JIRA_LIMITS)
        site = self.jira.site
        access = Access(
            address="http://jira",
            credentials=ApiToken(user=site.email, token=site.token),
            gateway="http://jira",
        )

        def hang_up() -> None:
            halo.hang_up()
            jira.hang_up()

        return Setup(
            ports=Ports(
                halo=HaloClient(
                    caller=halo,
                    base_url="http://halo",
                    key="a1b2c3d4",
                    secret="0123456789abcdef0123456789abcdef",
                    clock=self.clock,
                ),
                jira=JiraClient(
                    caller=jira,
                    access=access,
                    clock=self.clock,
                    home=self.policy.routes.default,
                ),
                store=store,
                clock=self.clock,
            ),
            run_id=f"run-{self.runs}",
            owner=self.owner,
            policy=self.policy,
            settings_digest=self.settings_digest,
            limits=self.limits,
            shard=shard,
            execution=self.execution,
            look_back=self.look_back,
            overlap=timedelta(minutes=5),
            sweep_every=self.sweep_every,
            sync_max=self.sync_max,
            time_budget=self.time_budget,
            hang_up=hang_up,
            spent=lambda: {"halo": dict(halo.spent), "jira": dict(jira.spent)},
        )

    def _caller(
        self,
        remote: str,
        *,
        answer: Callable[[Call], Answer],
        fuse: Fuse,
        limits: RemoteLimits,
    ) -> Caller:
        return Caller(
            remote=remote,
            transport=Wire(answer, fuse=fuse, clock=self.clock),
            clock=self.clock,
            at_once_max=self.at_once_max,
            limits=limits,
            rng=random.Random(self.rng.random()),
        )


class _Fused:
    """The store as one run sees it: dead when the run is, and down for a moment when it falters."""

    def __init__(self, store: MemoryStore, fuse: Fuse, *, falters: Callable[[], bool]) -> None:
        self._store = store
        self._fuse = fuse
        self._falters = falters

    def __getattr__(self, name: str) -> Any:
        operation = getattr(self._store, name)
        if not callable(operation):
            return operation
        if name in {"live_links", "every"}:
            return partial(self._listed, name)

        async def fused(*args: Any, **named: Any) -> Any:
            number = self._fuse.begin(f"store.{name}")
            self._falter(name)
            result = await operation(*args, **named)
            self._fuse.end(number)
            await asyncio.sleep(0)
            self._falter(name)
            return result

        return fused

    def _falter(self, name: str) -> None:
        """Before the effect or after it: the run cannot tell which. A run that cannot even read
        proves little.
        """
        if name == "commit" and self._falters():
            raise RemoteDown("store", name, "It is unavailable.")

    async def _listed(self, name: str, *args: Any, **named: Any) -> AsyncIterator[Sequence[Any]]:
        number = self._fuse.begin(f"store.{name}")
        pages = [page async for page in getattr(self._store, name)(*args, **named)]
        self._fuse.end(number)
        for page in pages:
            yield page


def _only(kind: type[BaseException], failure: BaseException) -> bool:
    """Whether a failure, or every leaf of a group of failures, is of one kind."""
    if isinstance(failure, BaseExceptionGroup):
        return all(_only(kind, one) for one in failure.exceptions)
    return isinstance(failure, kind)


def writes(calls: Mapping[str, int]) -> Counter[str]:
    """The calls to Jira that change something."""
    reads = {"POST /jql/parse", "POST /search/jql", "POST /issue/bulkfetch"}
    return Counter(
        {
            name: many
            for name, many in calls.items()
            if not name.startswith("GET") and name not in reads
        }
    )
