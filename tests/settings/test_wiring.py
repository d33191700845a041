"""What settings become once everything is opened."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from job.clock import SystemClock
from job.core.backlog import BacklogMode
from job.core.policy import WhenGone
from job.core.routes import CommentRule, CommentWhen
from job.core.shards import comes_after
from job.flow.setup import Setup
from job.remotes import Surroundings
from job.settings.load import load
from job.wiring import open_setup, reveal
from tests.kit.good import GOOD


async def setup_of(tmp_path: Path, **given: str) -> Setup:
    settings = load({**GOOD, "STATE_URL": f"sqlite:///{tmp_path / 'state.db'}", **given})
    async with open_setup(settings, Surroundings(clock=SystemClock())) as setup:
        return setup


DAY = timedelta(hours=24)


@pytest.mark.parametrize(
    ("given", "rule"),
    [
        ({}, CommentRule(when=CommentWhen.CHANGE, every=DAY)),
        ({"NO_COMMENT": "1"}, CommentRule(when=CommentWhen.NEVER, every=DAY)),
        ({"COMMENT_ON": "never"}, CommentRule(when=CommentWhen.NEVER, every=DAY)),
        ({"COMMENT_ON": "update"}, CommentRule(when=CommentWhen.UPDATE, every=timedelta())),
        (
            {"COMMENT_ON": "update", "COMMENT_EVERY": "1h", "COMMENT_PUBLIC": "1"},
            CommentRule(when=CommentWhen.UPDATE, every=timedelta(hours=1), public=True),
        ),
        ({"COMMENT_EVERY": "0"}, CommentRule(when=CommentWhen.CHANGE, every=timedelta())),
    ],
)
async def test_the_rule_of_comments_is_what_the_settings_say(
    tmp_path: Path, given: dict[str, str], rule: CommentRule
) -> None:
    setup = await setup_of(tmp_path, **given)
    assert setup.policy.routes.default.comment_rule == rule


async def test_the_template_of_links_reaches_the_tickets(tmp_path: Path) -> None:
    link = "https://portal.example/{issue_id}"
    setup = await setup_of(tmp_path, HALO_LINK=link)
    assert setup.policy.routes.default.tickets.halo_link == link


async def test_every_choice_arrives_where_it_is_used(tmp_path: Path) -> None:
    setup = await setup_of(
        tmp_path,
        ISSUE_STATUS_CLOSED="Done,Rejected",
        STATUS_HARD_CLOSED="Closed",
        NEW_ISSUE_STATUS="Triage",
        CLOSE_RESOLUTION="Fixed",
        CRITICAL_ONLY="1",
        NO_SVA="1",
        EXCLUDE_CLOUD_SECURE="1",
        JIRA_FIELD_MAPPING="issue_type:labels",
        WHEN_ISSUE_GONE="close",
        WHEN_TICKET_GONE="report",
        MAX_CREATE="5",
        MAX_CREATE_MODE="slice",
        BACKLOG="critical",
        ISSUE_SYNC_MAX="7",
        CLOUD_RUN_TASK_INDEX="1",
        CLOUD_RUN_TASK_COUNT="3",
    )
    policy, destination = setup.policy, setup.policy.routes.default
    workflow = destination.workflow
    assert workflow.closed == frozenset({"Done", "Rejected"})
    assert workflow.hard_closed == frozenset({"Closed"})
    assert (workflow.new_status, destination.comments) == ("Triage", True)
    assert policy.backlog is BacklogMode.CRITICAL
    assert policy.excluded_sources == frozenset({"cloud_secure"})
    assert (policy.critical_only, policy.no_sva) == (True, True)
    assert (policy.when_issue_gone, policy.when_ticket_gone) == (WhenGone.CLOSE, WhenGone.REPORT)
    assert (workflow.close.transition, workflow.close.statuses) == ("Resolve", ("Done", "Rejected"))
    assert workflow.close.resolution == "Fixed"
    assert (workflow.reopen.transition, workflow.reopen.statuses) == ("Reopen", ("Triage",))
    assert destination.tickets.mapping == (("issue_type", "labels"),)
    assert setup.shard.name == "1-of-3"
    assert setup.sync_max == 3, "each of three tasks takes its share"
    assert setup.limits.create_max == 5, "limits are the deployment's, not a task's"
    assert setup.limits.slices
    assert (setup.look_back, setup.overlap) == (timedelta(minutes=15), timedelta(minutes=5))


@pytest.mark.parametrize(
    ("tasks", "halo", "jira"),
    [(1, (10, 90.0), (32, 90.0)), (4, (2, 22.5), (8, 22.5)), (40, (1, 2.25), (1, 2.25))],
)
async def test_each_task_takes_its_share_of_what_a_site_allows(
    tmp_path: Path, tasks: int, halo: tuple[int, float], jira: tuple[int, float]
) -> None:
    setup = await setup_of(tmp_path, CLOUD_RUN_TASK_INDEX="0", CLOUD_RUN_TASK_COUNT=str(tasks))
    ports: Any = setup.ports
    callers = (ports.halo._caller, ports.jira.myself.__self__._caller)
    governors = [caller._governor for caller in callers]
    paces = [(one._at_once_max, round(1 / one._lanes["any"]._refill_s, 3)) for one in governors]
    assert paces == [halo, jira], "with the burst, which is a tenth, no more than 100 a second"
    halo_s, jira_s = (one._allowance and one._allowance._period_s for one in governors)
    assert (halo_s, jira_s) == (60.0, None), (
        "only Halo counts by the minute and does not say how far"
    )


async def test_two_runs_never_share_a_name(tmp_path: Path) -> None:
    names = [(await setup_of(tmp_path, CLOUD_RUN_EXECUTION="sync-x7")).run_id for _ in range(2)]
    assert names[0] != names[1]
    assert all(name.startswith("sync-x7-") for name in names)


async def test_a_runs_name_says_which_attempt_of_which_execution_it_is(tmp_path: Path) -> None:
    of = {"CLOUD_RUN_EXECUTION": "sync-x7"}
    first = (await setup_of(tmp_path, **of)).run_id
    again = (await setup_of(tmp_path, **of, CLOUD_RUN_TASK_ATTEMPT="1")).run_id
    assert (comes_after(again, first), comes_after(first, again)) == (True, False)
    assert not comes_after(again, (await setup_of(tmp_path)).run_id)


@pytest.mark.parametrize(("timeout_s", "budget_s"), [("840", 756), ("60", 45), ("20", 10)])
async def test_a_run_stops_taking_work_well_before_its_time_out(
    tmp_path: Path, timeout_s: str, budget_s: int
) -> None:
    assert (await setup_of(tmp_path, TASK_TIMEOUT_S=timeout_s)).time_budget == timedelta(
        seconds=budget_s
    )


async def test_without_a_time_out_there_is_no_budget(tmp_path: Path) -> None:
    assert (await setup_of(tmp_path)).time_budget is None


async def test_settings_without_references_ask_nobody_for_secrets() -> None:
    settings = load(GOOD)
    assert await reveal(settings, clock=SystemClock()) is settings
