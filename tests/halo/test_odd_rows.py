"""A listed row that cannot be read is its issue's own trouble: the listing goes on, and its count
still agrees.
"""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiohttp import web
from structlog.testing import capture_logs

from job.core.ids import IssueId
from job.core.issues import Issue, IssueStatus
from job.errors import MalformedAnswer
from job.halo import bodies, wire
from job.halo.wire import Listing
from job.http.message import Response
from tests.halo import shapes
from tests.halo.site import START, Answer, everything, scripted

LISTING = Listing(status=IssueStatus.ACTIVE, stamp=wire.LAST_SEEN)


def page(rows: list[Any], *, number: int = 1) -> wire.Page:
    body = json.dumps({"issues": rows, "count": len(rows)}).encode()
    return wire.page(Response(status=200, headers={}, body=body), listing=LISTING, number=number)


def good(rows: int) -> list[Any]:
    return [
        shapes.row(id=f"i{n}", created_at=(START - timedelta(days=1, seconds=-n)).isoformat())
        for n in range(rows)
    ]


def test_a_row_with_a_status_nobody_knows_keeps_its_id_its_place_and_why() -> None:
    issue = bodies.listed_issue(shapes.row(id="odd", status="suppressed", source="cloud_secure"))
    assert (issue.id, issue.has_id, issue.source, issue.type) == (
        *("odd", True, "cloud_secure", "csm"),
    )
    assert "'suppressed'" in issue.unreadable
    assert issue.last_seen_at == datetime(2021, 4, 19, 6, 33, 51, 779410, tzinfo=UTC)


def test_one_that_cannot_be_read_has_one_version_whatever_else_moves() -> None:
    odd = [
        bodies.listed_issue(shapes.row(id="odd", status=status, last_seen_at=at))
        for status, at in (("suppressed", None), ("archived", "2026-01-01T00:00:00Z"))
    ]
    assert len({issue.version for issue in odd}) == 1
    assert odd[0].version != bodies.issue(shapes.row()).version


@pytest.mark.parametrize("said", [True, "yes", None, ...])
def test_one_that_cannot_be_read_may_be_critical_unless_halo_says_that_it_is_not(
    said: Any,
) -> None:
    assert bodies.listed_issue(shapes.row(status="suppressed", critical=said)).critical
    assert not bodies.listed_issue(shapes.row(status="suppressed", critical=False)).critical


@pytest.mark.parametrize("row", [None, 7, "text", [], {}, {"id": None, "status": "active"}])
def test_a_row_without_an_id_is_no_issue_and_is_counted_all_the_same(row: Any) -> None:
    read = page([row, row, *good(1)])
    assert [issue.has_id for issue in read.issues] == [False, False, True]
    assert len({issue.id for issue in read.issues}) == 3
    assert {issue.id for issue in read.issues} == {
        issue.id for issue in page([row, row, *good(1)]).issues
    }


@pytest.mark.parametrize(
    ("bad", "rows", "is_broken"),
    [(4, 4, False), (5, 5, True), (5, 10, True), (5, 11, False), (49, 100, False), (50, 100, True)],
)
def test_only_many_rows_at_once_that_cannot_be_read_are_a_broken_page(
    bad: int, rows: int, is_broken: bool
) -> None:
    odd = [shapes.row(id=f"odd{n}", status="suppressed") for n in range(bad)]
    if is_broken:
        with pytest.raises(MalformedAnswer, match=f"{rows} rows on a page {bad} .*suppressed"):
            page([*odd, *good(rows - bad)])
    else:
        assert len(page([*odd, *good(rows - bad)]).issues) == rows


async def listed_over(rows: list[Any]) -> tuple[list[Issue], int]:
    """What a listing of these rows gives, and how many pages it took."""

    async def listing(request: web.Request) -> Answer:
        number = int(request.query["page"])
        return 200, {"issues": rows[(number - 1) * 100 : number * 100], "count": len(rows)}

    async with scripted({"/v3/issues": listing}) as (site, _):
        return await everything(site.halo.active()), site.spent["GET /v3/issues"]


async def test_a_listing_with_odd_rows_is_read_once_and_agrees_with_its_count() -> None:
    rows: list[Any] = good(250)
    rows[3], rows[120], rows[240] = None, {"status": "active"}, {"status": "active"}
    rows[7] = shapes.row(id="odd", status="suppressed")
    with capture_logs() as logs:
        listed, pages = await listed_over(rows)
    assert len(listed) == 247
    assert [issue.id for issue in listed if issue.unreadable] == ["odd"]
    assert pages == 3
    assert [line["event"] for line in logs] == ["halo.row_unreadable"] * 2
    assert all("without id" in line["error"] or "missing" in line["error"] for line in logs)


async def test_an_issue_asked_for_by_its_id_that_cannot_be_read_says_why() -> None:
    script: dict[str, Any] = {
        "/v3/issues/odd": (200, shapes.row(id="odd", status="suppressed")),
        "/v3/issues/nameless": (200, {"issue": {"status": "active", "name": "x"}}),
        "/v3/issues/other": (200, shapes.row(id="somebody else")),
        "/v3/issues/html": b"<html>",
        "/v3/issues/list": (200, []),
    }
    wanted = {
        "odd": "suppressed",
        "nameless": "without id",
        "other": "somebody else",
        "html": "no JSON",
        "list": "object",
    }
    async with scripted(script) as (site, _):
        for name, why in wanted.items():
            issue = await site.halo.issue(IssueId(name))
            assert issue is not None
            assert (issue.id, why in issue.unreadable) == (name, True), issue.unreadable


@pytest.mark.parametrize("at", ["n/a", 20210419, "9999-12-31T23:59:59Z", "1970-01-01T00:00:00Z"])
def test_a_row_with_a_time_that_is_none_has_no_time(at: Any) -> None:
    (issue,) = page([shapes.row(last_seen_at=at)]).issues
    assert (issue.last_seen_at, issue.unreadable) == (None, "")
