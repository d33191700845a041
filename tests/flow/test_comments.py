"""How often a ticket is talked at, over many runs of the real flow."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from job.core.memory import RunRecord
from job.core.policy import Policy
from job.core.routes import CommentWhen
from job.sim.jira.people import Snapshot
from tests.kit.builders import policy
from tests.kit.timeless import play
from tests.kit.tube import Fuse, Tube

HOUR_S = 3_600.0
DAILY = policy(every=timedelta(hours=24))


async def ran(tube: Tube, **given: Any) -> None:
    record = await tube.run(**given)
    assert isinstance(record, RunRecord), record
    assert record.exit_code == 0, record.errors


def only(tube: Tube) -> Snapshot:
    (ticket,) = tube.jira.people.tickets()
    return ticket


async def begun(kind: str, *, to: Policy = DAILY, **over: Any) -> tuple[Tube, str]:
    """A tube with one issue that has its ticket."""
    tube = Tube(policy=to)
    issue_id = tube.halo.estate.open_issue(type=kind, **over)
    await asyncio.sleep(60)
    await ran(tube)
    await asyncio.sleep(HOUR_S)
    return tube, issue_id


def test_twelve_lines_of_a_log_in_twelve_runs_are_at_most_two_comments() -> None:
    async def story() -> None:
        tube, issue_id = await begun("lids")
        for _ in range(12):
            tube.halo.estate.rescan(issue_id, changed=True)
            await ran(tube)
            await asyncio.sleep(HOUR_S)
        assert len(only(tube).comments) == 1
        await asyncio.sleep(24 * HOUR_S)
        await ran(tube)
        await ran(tube)
        assert len(only(tube).comments) == 2
        assert "11 new events" in only(tube).texts[-1]
        assert "authentication failure no. 13" in only(tube).texts[-1]

    play(story())


def test_what_was_gathered_is_told_by_the_first_run_after_the_interval_though_halo_is_silent() -> (
    None
):
    async def story() -> None:
        tube, issue_id = await begun("csm")
        tube.halo.estate.rescan(issue_id, changed=True)
        await ran(tube)
        await asyncio.sleep(HOUR_S)
        tube.halo.estate.rescan(issue_id, changed=True)
        for _ in range(3):
            await ran(tube)
            await asyncio.sleep(HOUR_S)
        assert len(only(tube).comments) == 1
        await asyncio.sleep(20 * HOUR_S)
        await ran(tube)
        assert len(only(tube).comments) == 2
        assert "1 more check fails" in only(tube).texts[-1]
        await asyncio.sleep(48 * HOUR_S)
        await ran(tube)
        assert len(only(tube).comments) == 2

    play(story())


def test_what_was_gathered_is_told_at_once_when_comments_no_longer_wait() -> None:
    async def story() -> None:
        tube, issue_id = await begun("lids")
        for _ in range(2):
            tube.halo.estate.rescan(issue_id, changed=True)
            await ran(tube)
            await asyncio.sleep(HOUR_S)
        told = len(only(tube).comments)
        tube.policy = policy(every=timedelta(0))
        tube.sweep_every = timedelta(0)
        await asyncio.sleep(24 * HOUR_S)
        await ran(tube)
        assert len(only(tube).comments) == told + 1
        assert "authentication failure no. 3" in only(tube).texts[-1]

    play(story())


def test_what_became_critical_does_not_wait() -> None:
    async def story() -> None:
        tube, issue_id = await begun("csm")
        tube.halo.estate.rescan(issue_id, changed=True)
        await ran(tube)
        await asyncio.sleep(HOUR_S)
        tube.halo.estate.edit_issue(issue_id, critical=True)
        await ran(tube)
        assert len(only(tube).comments) == 2
        assert "Critical now" in only(tube).texts[-1]

    play(story())


def test_resolved_and_reopened_are_told_at_once() -> None:
    async def story() -> None:
        tube, issue_id = await begun("csm")
        tube.halo.estate.rescan(issue_id, changed=True)
        await ran(tube)
        for act in (tube.halo.estate.resolve, tube.halo.estate.reopen):
            await asyncio.sleep(HOUR_S)
            act(issue_id)
            await ran(tube)
        assert len(only(tube).comments) == 3
        assert "Resolved in Halo" in only(tube).texts[1]
        assert "Reopened" in only(tube).texts[2]

    play(story())


def test_on_update_each_sight_is_told() -> None:
    async def story() -> None:
        tube, issue_id = await begun("csm", to=policy(when=CommentWhen.UPDATE))
        for _ in range(3):
            tube.halo.estate.rescan(issue_id)
            await ran(tube)
            await asyncio.sleep(HOUR_S)
        assert len(only(tube).comments) == 3
        assert all("nothing is new" in text for text in only(tube).texts)

    play(story())


@pytest.mark.parametrize("public", [False, True])
def test_a_comment_is_internal_unless_it_shall_be_public(public: bool) -> None:
    async def story() -> None:
        tube, issue_id = await begun("csm", to=policy(public=public))
        tube.halo.estate.rescan(issue_id, changed=True)
        await ran(tube)
        (comment,) = only(tube).comments
        hidden = comment.properties.get("sd.public.comment")
        assert hidden == (None if public else {"internal": True})

    play(story())


def test_gathered_news_survives_a_run_that_is_killed_at_any_point() -> None:
    async def lived(at: int) -> bool:
        tube, issue_id = await begun("csm")
        for _ in range(2):
            tube.halo.estate.rescan(issue_id, changed=True)
            await ran(tube)
            await asyncio.sleep(HOUR_S)
        await asyncio.sleep(24 * HOUR_S)
        fuse = Fuse(at=(at, "after"))
        await tube.run(fuse=fuse)
        await asyncio.sleep(HOUR_S)
        await ran(tube)
        assert len(only(tube).comments) == 2
        assert "1 more check fails" in only(tube).texts[-1]
        return fuse.dead

    at = 1
    while play(lived(at)):
        at += 1
    assert at > 10


def test_details_of_a_package_are_in_its_ticket_and_a_failing_look_up_costs_nothing() -> None:
    async def story() -> None:
        tube = Tube()
        known = tube.halo.estate.open_issue(type="sva", name="sudo.x86_64")
        await asyncio.sleep(60)
        await ran(tube)
        cve = tube.halo.estate.issues[known].over.get("cve_ids")
        assert cve is None
        assert " takes access over the network" in str(only(tube).fields["description"])
        for cve_id in ("CVE-2021-3156", "CVE-2018-25032", "CVE-2022-0778", "CVE-2021-44228"):
            tube.halo.quirks.broken[cve_id] = 500
        tube.halo.estate.rescan(known, changed=True)
        await asyncio.sleep(60)
        await ran(tube)
        assert "1 new vulnerability" in only(tube).texts[-1]

    play(story())
