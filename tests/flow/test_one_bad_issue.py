"""Whole runs on a Halo that refuses, garbles or miscounts: one issue waits, the others go on."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from structlog.testing import LogCapture

from job.core.memory import RunRecord
from job.errors import RemoteRefused
from job.flow.setup import Order
from job.sim.halo.texts import BASE
from tests.kit.builders import policy
from tests.kit.quarter import QUARTER_HOUR_S, done
from tests.kit.timeless import play
from tests.kit.tube import QUIET, Tube

OF_ONE = [400, 403, 410, 418, 422, 500]
CSP_FINDING = {"rule_id": "r1", "pass": 3, "fail": 1, "total": 4}


def tube_with(issues: int) -> Tube:
    tube = Tube(policy=QUIET)
    for _ in range(issues):
        tube.halo.estate.open_issue(type="csm")
    return tube


def finding_id(tube: Tube, issue_id: str) -> str:
    return tube.halo.estate.issues[issue_id].findings[-1].finding_id


async def reached(tube: Tube, record: RunRecord) -> bool:
    """Whether the watermark is as far as it can be."""
    mark = await tube.store.watermark("0-of-1")
    return mark is not None and mark.at == record.started_at - timedelta(minutes=5)


def described(tube: Tube) -> list[str]:
    return [str(ticket.fields["description"]) for ticket in tube.jira.people.tickets()]


# --- Refused --------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", OF_ONE)
def test_one_finding_that_is_refused_parks_its_issue_and_nobody_else(status: int) -> None:
    async def story() -> None:
        tube = tube_with(12)
        bad = tube.halo.estate.open_issue(type="csm")
        tube.halo.quirks.broken[finding_id(tube, bad)] = status
        record = await done(tube)
        assert record.counts["create"] == {"done": 12, "failed": 1}
        (parked,) = await tube.store.parked()
        assert (parked.issue_id, parked.error_class) == (bad, "detail_refused")
        assert str(status) in parked.message
        assert await reached(tube, record)
        tube.halo.quirks.broken.clear()
        record = await done(tube)
        assert len(tube.jira.people.tickets()) == 13
        assert record.parked_total == 0

    play(story())


@pytest.mark.parametrize("status", OF_ONE)
def test_one_issue_that_is_refused_in_a_sweep_is_parked_and_the_sweep_ends(
    status: int, said: LogCapture
) -> None:
    async def story() -> None:
        tube = tube_with(8)
        await done(tube)
        bad, other, *_ = tube.halo.estate.issues
        tube.halo.quirks.broken[bad] = status
        for issue_id in (bad, other):
            tube.halo.estate.resolve(issue_id)
        hide_from_lists(tube, bad, other)
        record = await done(tube, Order(sweep=True))
        (parked,) = await tube.store.parked()
        assert (parked.issue_id, parked.error_class) == (bad, "issue_unreadable")
        assert (record.exit_code, record.parked_total) == (0, 1)
        closed = [ticket.status for ticket in tube.jira.people.tickets()].count("Done")
        assert closed == 1, "the other one is closed, and the refused one is not"
        mark = await tube.store.watermark("0-of-1")
        assert mark is not None
        assert mark.swept_at == record.started_at
        (told,) = [entry for entry in said.entries if entry["event"] == "issue.unreadable"]
        assert (told["issue_id"], str(status) in told["error"]) == (bad, True)
        link = (await tube.store.links([parked.issue_id]))[parked.issue_id]
        assert (link.live, link.misses) == (True, 0), "a ticket nobody looked for is not missing"
        tube.halo.quirks.broken.clear()
        await done(tube)
        closed = [ticket.status for ticket in tube.jira.people.tickets()].count("Done")
        assert (closed, await tube.store.parked()) == (2, [])

    play(story())


def hide_from_lists(tube: Tube, *issue_ids: str) -> None:
    """Halo lists these no more, although it knows them."""
    for issue_id in issue_ids:
        tube.halo.estate.issues[issue_id].asset.state = "unheard of"


def test_a_mapped_field_whose_asset_is_refused_parks_its_issues_and_nobody_else() -> None:
    async def story() -> None:
        tube = tube_with(5)
        bad = tube.halo.estate.add_asset()
        for _ in range(3):
            tube.halo.estate.open_issue(type="csm", asset=bad)
        tickets = tube.policy.routes.default.tickets
        mapped = (("server_state", "Halo Group"),)
        tube.policy = policy(tickets=type(tickets)(**{**_fields(tickets), "mapping": mapped}))
        tube.halo.quirks.broken[bad.replace("-", "")] = 500
        record = await done(tube)
        assert record.counts["create"] == {"done": 5, "failed": 3}
        assert {entry.error_class for entry in await tube.store.parked()} == {"detail_refused"}

    play(story())


def _fields(struct: Any) -> dict[str, Any]:
    return {name: getattr(struct, name) for name in struct.__struct_fields__}


def test_a_refused_listing_is_about_us_and_moves_nothing() -> None:
    async def story() -> None:
        tube = tube_with(3)
        tube.halo.quirks.broken["issues"] = 403
        await asyncio.sleep(QUARTER_HOUR_S)
        assert isinstance(await tube.run(), RemoteRefused)
        assert tube.jira.people.tickets() == []

    play(story())


# --- Garbled --------------------------------------------------------------------------------------


def test_cloud_issues_with_the_counts_of_a_rule_for_a_finding_are_shown_as_they_are() -> None:
    async def story() -> None:
        tube = tube_with(5)
        for number in range(12):
            url = f"{BASE}/v1/csp_findings/finding-{number:08}"
            tube.halo.quirks.details[f"finding-{number:08}"] = CSP_FINDING
            tube.halo.estate.open_issue(
                type="csm", source="cloud_secure", last_finding_urls=[url], findings=None
            )
        record = await done(tube)
        assert (record.exit_code, record.counts["create"]) == (0, {"done": 17})
        assert sum("not the shape of its type" in text for text in described(tube)) == 12
        assert await reached(tube, record)

    play(story())


@pytest.mark.parametrize("garbled", [b"<html>", {"surprise": 1}, [], None])
def test_twenty_garbled_findings_among_two_hundred_stop_nobody(garbled: Any) -> None:
    async def story() -> None:
        tube = tube_with(200)
        for _ in range(20):
            bad = tube.halo.estate.open_issue(type="csm")
            tube.halo.quirks.details[finding_id(tube, bad)] = garbled
        record = await done(tube)
        assert record.counts["create"] == {"done": 220}
        assert sum("cannot be read" in text for text in described(tube)) == 20

    play(story())


def test_what_cannot_be_read_is_told_once_and_news_when_it_can_be_read() -> None:
    async def story() -> None:
        tube = tube_with(0)
        issue_id = tube.halo.estate.open_issue(type="csm")
        bodies: tuple[Any, ...] = (b"<html>", [], b"")
        for garbled in bodies:
            tube.halo.quirks.details[finding_id(tube, issue_id)] = garbled
            await done(tube)
            tube.halo.estate.rescan(issue_id)
        (ticket,) = tube.jira.people.tickets()
        assert not ticket.comments
        record = await done(tube)
        assert record.counts["comment"] == {"done": 1}
        (ticket,) = tube.jira.people.tickets()
        assert "/etc/ssh/sshd_config.d/1.conf" in ticket.texts[-1]

    play(story())


# --- Odd rows -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "over",
    [
        {"first_seen_at": "n/a"},
        {"first_seen_at": 1_618_813_911, "created_at": "9999-12-31T23:59:59Z"},
        {"last_finding_urls": "https://api.cloudpassage.com/v1/x", "cve_ids": "none"},
        {"resolved_at": "never", "extended_attributes": "text"},
    ],
)
def test_a_row_with_an_odd_value_gets_its_ticket_without_it(over: dict[str, Any]) -> None:
    async def story() -> None:
        tube = tube_with(5)
        tube.halo.estate.open_issue(type="csm", **over)
        record = await done(tube)
        assert (record.exit_code, record.counts["create"]) == (0, {"done": 6})
        assert await reached(tube, record)

    play(story())


def test_a_row_with_a_status_nobody_knows_is_parked_told_once_and_holds_nobody(
    said: LogCapture,
) -> None:
    async def story() -> None:
        tube = tube_with(5)
        bad = tube.halo.estate.open_issue(type="csm", status="suppressed")
        record = await done(tube)
        assert (record.counts["create"], record.parked_total) == ({"done": 5}, 1)
        assert await reached(tube, record)
        tube.halo.estate.rescan(bad)
        await asyncio.sleep(60)
        assert isinstance(await tube.run(), RunRecord)
        told = [entry for entry in said.entries if entry["event"] == "issue.unreadable"]
        assert [(entry["issue_id"], "suppressed" in entry["error"]) for entry in told] == [
            (bad, True)
        ]
        tube.halo.estate.edit_issue(bad, status="active")
        record = await done(tube)
        assert (record.counts["create"], record.parked_total) == ({"done": 1}, 0)

    play(story())


@pytest.mark.parametrize("row", [None, {"id": None, "status": "active"}, "text"])
def test_a_row_without_an_id_is_told_and_holds_nobody(row: Any, said: LogCapture) -> None:
    async def story() -> None:
        tube = tube_with(5)
        tube.halo.quirks.rows[tube.halo.estate.open_issue(type="csm")] = row
        record = await done(tube)
        assert (record.counts["create"], record.parked_total) == ({"done": 5}, 0)
        assert await reached(tube, record)
        told = [entry for entry in said.entries if entry["event"] == "halo.row_unreadable"]
        assert len(told) == 1

    play(story())


def test_a_linked_issue_with_an_odd_row_keeps_its_ticket_as_it_is() -> None:
    async def story() -> None:
        tube = tube_with(3)
        await done(tube)
        bad, *_ = tube.halo.estate.issues
        tube.halo.estate.edit_issue(bad, status="suppressed")
        for sweep in (False, True, True):
            await done(tube, Order(sweep=sweep))
        assert {ticket.status for ticket in tube.jira.people.tickets()} == {"To Do"}
        tube.halo.estate.edit_issue(bad, status="resolved")
        tube.halo.estate.resolve(bad)
        await done(tube)
        assert [ticket.status for ticket in tube.jira.people.tickets()].count("Done") == 1

    play(story())


# --- Miscounted and refused lists -----------------------------------------------------------------


@pytest.mark.parametrize("off", [1, -1])
def test_a_count_that_is_off_by_one_is_told_and_stops_nobody(off: int, said: LogCapture) -> None:
    async def story() -> None:
        tube = tube_with(150)
        tube.halo.quirks.count_off = off
        record = await done(tube)
        assert record.counts["create"] == {"done": 150}
        assert any(entry["event"] == "halo.listing_off" for entry in said.entries)
        assert len(tube.jira.people.tickets()) == 150

    play(story())


@pytest.mark.parametrize("status", [400, 422])
def test_where_a_filter_is_refused_runs_go_on_and_say_so(status: int, said: LogCapture) -> None:
    async def story() -> None:
        tube = tube_with(120)
        tube.halo.quirks.gte_status = status
        for _ in range(2):
            await done(tube)
        first, *_ = tube.halo.estate.issues
        tube.halo.estate.resolve(first)
        await done(tube)
        assert [ticket.status for ticket in tube.jira.people.tickets()].count("Done") == 1
        assert any(entry["event"] == "halo.filter_ignored" for entry in said.entries)

    play(story())


def test_of_a_crowded_second_the_rest_holds_the_watermark_and_the_others_get_tickets(
    said: LogCapture,
) -> None:
    async def story() -> None:
        tube = Tube(policy=policy(critical_only=True))
        await asyncio.sleep(QUARTER_HOUR_S)
        crowded_at = tube.clock()
        for _ in range(10_050):
            tube.halo.estate.open_issue(type="csm")
        await asyncio.sleep(QUARTER_HOUR_S)
        for _ in range(5):
            tube.halo.estate.open_issue(type="csm", critical=True)
        record = await done(tube)
        assert record.counts["create"] == {"done": 5}
        mark = await tube.store.watermark("0-of-1")
        assert mark is not None
        assert mark.at <= crowded_at
        assert any(entry["event"] == "halo.listing_crowded" for entry in said.entries)
        assert await tube.store.parked() == []

    play(story())
