"""The composition root: from settings to everything a run needs, opened and closed as one block.

Promises: whatever is opened here is closed when the block is left, however it is left; heavy
libraries are imported only by deployments that use them, for a run's first request should leave
within 0.6 s of its start. Does not do: any work of a run. Nothing is sent before `run.py` asks for
it.
"""

import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime, timedelta

from job import __version__
from job.apply import Manner
from job.core.decisions import Policy, WhenGone
from job.core.fields import Shape
from job.core.plan import Limits
from job.core.shards import Shard
from job.halo.client import HaloClient
from job.http.aiohttp import AiohttpTransport, open_session
from job.http.caller import Caller
from job.http.message import Request, Response, Transport
from job.jira.client import JiraClient
from job.log import Redactor
from job.ports import Clock, Goal, Ports
from job.run import Setup
from job.settings import Settings
from job.state.urls import open_store

USER_AGENT = f"halo-jira-sync/{__version__}"
JIRA_PER_SECOND_MAX = 100.0
"""Of one endpoint, as Jira documents it for all programs of a site together: 90 in the long run,
and never more than 100 in any second. Whoever else is at work there shows in the headers, and then
we halve (developer.atlassian.com, "Rate limiting").
"""
HALO_PER_SECOND_MAX = 100.0
"""What bounds us is HALO_CONCURRENCY_MAX, or else the number that Halo does not publish."""
HALO_COUNTS_BY_S = 60.0
"""Halo publishes no number, but refuses "calls per minute" (CloudPassage's Python SDK,
CloudPassageRateLimit).
"""
MODULES = {
    "exclude_server_secure": "server_secure",
    "exclude_container_secure": "container_secure",
    "exclude_cloud_secure": "cloud_secure",
}


async def reveal(settings: Settings, *, clock: Clock) -> Settings:
    """The settings with their references to secrets followed, if there are any."""
    if not settings.references:
        return settings
    from job import secrets  # noqa: PLC0415 -- gRPC costs 0.3 s, which only those who refer to secrets shall pay

    return await secrets.reveal(settings, clock=clock)


@asynccontextmanager
async def open_setup(
    settings: Settings, *, clock: Clock, redactor: Redactor
) -> AsyncIterator[Setup]:
    """Everything outside, connected, and everything chosen, in the words of those who use it."""
    rng = random.Random()  # noqa: S311 -- scatters retries and tells runs apart; guards nothing
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(open_store(settings.state_url))
        session = await stack.enter_async_context(
            open_session(user_agent=USER_AGENT, ca_bundle=settings.ca_bundle)
        )
        transport = Confidential(AiohttpTransport(session), redactor=redactor)

        tasks = settings.cloud_run_task_count

        def caller(
            remote: str,
            *,
            at_once_max: int,
            per_second_max: float,
            counts_by_s: float | None = None,
        ) -> Caller:
            """The limits are per site, so each of several tasks takes its share of them."""
            return Caller(
                remote=remote,
                transport=transport,
                clock=clock,
                at_once_max=max(1, at_once_max // tasks),
                per_second_max=per_second_max / tasks,
                rng=rng,
                counts_by_s=counts_by_s,
            )

        halo = caller(
            "halo",
            at_once_max=settings.halo_concurrency_max,
            per_second_max=HALO_PER_SECOND_MAX,
            counts_by_s=HALO_COUNTS_BY_S,
        )
        jira = caller(
            "jira", at_once_max=settings.jira_concurrency_max, per_second_max=JIRA_PER_SECOND_MAX
        )

        def hang_up() -> None:
            halo.hang_up()
            jira.hang_up()

        ports = Ports(
            halo=_halo(settings, caller=halo, clock=clock, redactor=redactor),
            jira=_jira(settings, caller=jira, clock=clock),
            store=store,
            clock=clock,
        )
        yield Setup(
            ports=ports,
            manner=_manner(
                settings, run_id=_run_id(settings, now=clock.now(), rng=rng), redactor=redactor
            ),
            limits=Limits(
                close_percent_max=settings.max_close_percent,
                create_max=-(-settings.max_create // tasks),
                reopen_max=-(-settings.max_reopen // tasks),
            ),
            shard=Shard(index=settings.cloud_run_task_index, count=settings.cloud_run_task_count),
            look_back=settings.time_range,
            overlap=settings.overlap,
            sweep_every=settings.sweep_every,
            sync_max=-(-settings.issue_sync_max // tasks),
            time_budget=_time_budget(settings.task_timeout_s),
            hang_up=hang_up,
            spent=lambda: {
                "halo": dict(halo.spent),
                "jira": dict(jira.spent),
                "store": dict(store.spent),
            },
        )


class Confidential:
    """A transport whose credentials nobody can repeat: what goes out as authorization is a secret
    from then on.
    """

    def __init__(self, transport: Transport, *, redactor: Redactor) -> None:
        self._transport = transport
        self._redactor = redactor
        self._hidden: set[str] = set()

    async def send(self, request: Request) -> Response:
        if (authorization := request.headers.get("Authorization", "")) not in self._hidden:
            self._hidden.add(authorization)
            self._redactor.hide([authorization.partition(" ")[2]])
        return await self._transport.send(request)


def shape_of(settings: Settings) -> Shape:
    """What new tickets look like."""
    return Shape(
        project_key=settings.jira_project_key,
        ticket_type=settings.jira_issue_type,
        id_field=settings.jira_issue_id_field,
        mapping=settings.jira_field_mapping,
        static=settings.jira_field_static,
        resolution=settings.close_resolution,
        issues_url=f"{settings.halo_api_hostname}/v3/issues",
    )


def _halo(settings: Settings, *, caller: Caller, clock: Clock, redactor: Redactor) -> HaloClient:
    return HaloClient(
        caller=caller,
        base_url=settings.halo_api_hostname,
        key=settings.halo_api_key.text,
        secret=settings.halo_api_secret_key.text,
        clock=clock,
        confide=lambda token: redactor.hide([token]),
    )


def _jira(settings: Settings, *, caller: Caller, clock: Clock) -> JiraClient:
    return JiraClient(
        caller=caller,
        base_url=settings.jira_api_url,
        user=settings.jira_api_user,
        token=settings.jira_api_token.text,
        clock=clock,
        shape=shape_of(settings),
    )


def _manner(settings: Settings, *, run_id: str, redactor: Redactor) -> Manner:
    closed, new = settings.issue_status_closed, settings.new_issue_status
    return Manner(
        run_id=run_id,
        shape=shape_of(settings),
        policy=_policy(settings),
        close=Goal(
            transition=settings.issue_close_transition,
            statuses=closed,
            resolution=settings.close_resolution,
        ),
        reopen=Goal(transition=settings.issue_reopen_transition, statuses=(new,) if new else ()),
        settings_digest=settings.digest,
        discreet=redactor.text,
    )


def _policy(settings: Settings) -> Policy:
    return Policy(
        closed=frozenset(settings.issue_status_closed),
        hard_closed=frozenset(settings.status_hard_closed),
        new_status=settings.new_issue_status,
        critical_only=settings.critical_only,
        no_comment=settings.no_comment,
        no_sva=settings.no_sva,
        excluded_sources=frozenset(
            source for name, source in MODULES.items() if getattr(settings, name)
        ),
        create_patience=settings.create_patience,
        when_ticket_gone=WhenGone(settings.when_ticket_gone),
        when_issue_gone=WhenGone(settings.when_issue_gone),
    )


def _run_id(settings: Settings, *, now: datetime, rng: random.Random) -> str:
    """Unlike any other run's, even when Cloud Run tries the same task of an execution again."""
    return (
        f"{settings.cloud_run_execution or 'local'}-{now:%Y%m%dT%H%M%S}-{rng.getrandbits(32):08x}"
    )


def _time_budget(timeout_s: int) -> timedelta | None:
    """The time-out less a tenth, at least 15 seconds: what is in flight then must end, and the
    record be written.
    """
    if not timeout_s:
        return None
    return timedelta(seconds=max(timeout_s - max(15, timeout_s / 10), timeout_s / 2))
