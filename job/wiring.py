"""The composition root: from settings to what a command needs, opened and closed as one block.

Promises: whatever is opened here is closed when the block is left, however it is left; heavy
libraries are imported only by deployments that use them, for a run's first request leaves as soon
as the libraries that all need are there.
Does not do: any work of a run. Nothing is sent before `flow/` asks for it.
"""

import random
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import datetime, timedelta
from typing import TypeVar

from msgspec import Struct

from job.core.backlog import BacklogMode
from job.core.memory import Owner
from job.core.plan import Limits
from job.core.policy import Policy, WhenGone
from job.core.routes import CommentRule, CommentWhen, Destination, Goal, Workflow
from job.core.shape import TicketSettings
from job.core.shards import Shard, run_name
from job.flow.setup import Setup
from job.http.retry import PATIENT
from job.ports import Clock, Ports
from job.remotes import HASTY, Remotes, Surroundings, open_remotes
from job.settings.basics import ProcessSettings
from job.settings.destinations import routed
from job.settings.runs import MemorySettings
from job.settings.variables import Settings
from job.settings.webhooks import WebhookSettings
from job.state.urls import CountingStore, open_store
from job.stores import Store
from job.web.hook import Hook

MODULES = {
    "exclude_server_secure": "server_secure",
    "exclude_container_secure": "container_secure",
    "exclude_cloud_secure": "cloud_secure",
}
S = TypeVar("S", bound=ProcessSettings)


async def reveal(settings: S, *, clock: Clock) -> S:
    """The settings with their references to secrets followed, if there are any."""
    if not settings.references:
        return settings
    # gRPC costs 0.3 s, which only those who refer to secrets shall pay.
    from job.settings import secrets  # noqa: PLC0415

    return await secrets.reveal(settings, clock=clock)


@asynccontextmanager
async def open_memory(settings: MemorySettings, _: Surroundings) -> AsyncIterator[Store]:
    """Memory alone."""
    async with open_store(settings.state_url) as store:
        yield store


@asynccontextmanager
async def open_hook(
    settings: WebhookSettings, *, clock: Clock, hide: Callable[[Iterable[str]], None]
) -> AsyncIterator[Hook]:
    """The webhook on its memory. No vendor is known to it."""
    revealed = await reveal(settings, clock=clock)
    hide(revealed.spoken_secrets)
    async with open_store(revealed.state_url) as store:
        yield Hook(store, secrets=revealed.signing_secrets, clock=clock)


class Rehearsal(Struct, frozen=True, kw_only=True):
    """What `check` looks at: both remotes, asked in haste, and memory, which may not open."""

    remotes: Remotes
    policy: Policy
    clock: Clock
    memory: Callable[[], AbstractAsyncContextManager[Setup]]
    shared_secrets: int
    """How many settings were read from Secret Manager."""


@asynccontextmanager
async def open_setup(settings: Settings, surroundings: Surroundings) -> AsyncIterator[Setup]:
    """Everything outside, connected, and everything chosen, in the words of those who use it."""
    home = policy_of(settings).routes.default
    async with (
        open_store(settings.state_url) as store,
        open_remotes(settings, surroundings, home=home, patience=PATIENT) as remotes,
    ):
        yield _setup(settings, surroundings, remotes=remotes, store=store)


@asynccontextmanager
async def open_rehearsal(
    settings: Settings, surroundings: Surroundings
) -> AsyncIterator[Rehearsal]:
    """The same, for whoever wants to know within seconds whether it can be had."""
    home = policy_of(settings).routes.default
    async with open_remotes(settings, surroundings, home=home, patience=HASTY) as remotes:

        @asynccontextmanager
        async def memory() -> AsyncIterator[Setup]:
            async with open_store(settings.state_url) as store:
                yield _setup(settings, surroundings, remotes=remotes, store=store)

        yield Rehearsal(
            remotes=remotes,
            policy=policy_of(settings),
            clock=surroundings.clock,
            memory=memory,
            shared_secrets=surroundings.secrets_read,
        )


def _setup(
    settings: Settings, surroundings: Surroundings, *, remotes: Remotes, store: CountingStore
) -> Setup:
    clock, (halo, jira) = surroundings.clock, remotes.callers
    return Setup(
        ports=Ports(halo=remotes.halo, jira=remotes.jira, store=store, clock=clock),
        run_id=_run_id(settings, now=clock.now()),
        owner=_owner(settings),
        policy=policy_of(settings),
        limits=_limits(settings),
        shard=Shard(index=settings.cloud_run_task_index, count=settings.cloud_run_task_count),
        execution=settings.cloud_run_execution,
        settings_digest=settings.digest,
        look_back=settings.time_range,
        overlap=settings.overlap,
        sweep_every=settings.sweep_every,
        sync_max=_share(settings.issue_sync_max, tasks=settings.cloud_run_task_count),
        time_budget=_time_budget(settings.task_timeout_s),
        hang_up=remotes.hang_up,
        spent=lambda: _spent(halo=halo.spent, jira=jira.spent, store=store.spent),
        redact=surroundings.redactor.text,
    )


def _spent(**remotes: Mapping[str, int]) -> dict[str, dict[str, int]]:
    """What each remote was asked so far, as it is now."""
    return {remote: dict(spent) for remote, spent in remotes.items()}


# --- From settings to values ----------------------------------------------------------------------


def policy_of(settings: Settings) -> Policy:
    """What the operator chose."""
    excluded = frozenset(source for name, source in MODULES.items() if getattr(settings, name))
    return Policy(
        routes=routed(destination_of(settings), book=settings.routes or settings.routes_file),
        critical_only=settings.critical_only,
        no_sva=settings.no_sva,
        excluded_sources=excluded,
        create_patience=settings.create_patience,
        when_ticket_gone=WhenGone(settings.when_ticket_gone),
        when_issue_gone=WhenGone(settings.when_issue_gone),
        backlog=BacklogMode(settings.backlog),
        accepted_for=settings.accepted_for,
        accepted_worse_by=settings.accepted_until_worse_by,
    )


def destination_of(settings: Settings) -> Destination:
    """The one destination that the plain settings describe."""
    closed, new = settings.issue_status_closed, settings.new_issue_status
    tickets = TicketSettings(
        project_key=settings.jira_project_key,
        ticket_type=settings.jira_issue_type,
        id_field=settings.jira_issue_id_field,
        mapping=settings.jira_field_mapping,
        static=settings.jira_field_static,
        priority=settings.priority_map,
        due=settings.due_in,
        follow=settings.fields_follow,
        halo_link=settings.halo_link,
        issues_url=f"{settings.halo_api_hostname}/v3/issues",
    )
    workflow = Workflow(
        close=Goal(
            transition=settings.issue_close_transition,
            statuses=closed,
            resolution=settings.close_resolution,
            fields=settings.close_fields,
        ),
        reopen=Goal(
            transition=settings.issue_reopen_transition,
            statuses=(new,) if new else (),
            fields=settings.reopen_fields,
        ),
        closed=frozenset(closed),
        hard_closed=frozenset(settings.status_hard_closed),
        accepted=frozenset(settings.status_accepted),
        new_status=new,
    )
    return Destination(tickets=tickets, workflow=workflow, comment_rule=comment_rule_of(settings))


def comment_rule_of(settings: Settings) -> CommentRule:
    """What is told of updates. News is gathered for a day, or told at each of Halo's."""
    when = CommentWhen.NEVER if settings.no_comment else CommentWhen(settings.comment_on)
    every = settings.comment_every
    if every is None:
        every = timedelta() if when is CommentWhen.UPDATE else CommentRule().every
    return CommentRule(when=when, every=every, public=settings.comment_public)


def _owner(settings: Settings) -> Owner:
    return Owner(
        jira_url=settings.jira_api_url,
        halo_url=settings.halo_api_hostname,
        halo_key_id=settings.halo_api_key.text,
        id_field=settings.jira_issue_id_field,
    )


def _limits(settings: Settings) -> Limits:
    return Limits(
        close_percent_max=settings.max_close_percent,
        create_max=settings.max_create,
        reopen_max=settings.max_reopen,
        slices=settings.max_create_mode == "slice",
    )


def _share(total: int, *, tasks: int) -> int:
    """What each of so many tasks may do, rounded up; 0, which is no limit, stays 0."""
    return -(-total // tasks)


def _run_id(settings: Settings, *, now: datetime) -> str:
    rng = random.Random()  # noqa: S311 -- tells runs apart; guards nothing
    return run_name(
        execution=settings.cloud_run_execution,
        attempt=settings.cloud_run_task_attempt,
        began_at=now,
        salt=f"{rng.getrandbits(32):08x}",
    )


def _time_budget(timeout_s: int) -> timedelta | None:
    """The time-out less a tenth, at least 15 seconds: what is in flight then must end, and the
    record be written.
    """
    if not timeout_s:
        return None
    return timedelta(seconds=max(timeout_s - max(15, timeout_s / 10), timeout_s / 2))
