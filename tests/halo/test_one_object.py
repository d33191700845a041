"""What Halo refuses or garbles of one issue is its own; tokens and listings are about us."""

from typing import Any
from urllib.parse import urlsplit

import pytest
from aiohttp import web
from structlog.testing import capture_logs

from job.core.findings import OtherFinding, Unreadable
from job.core.ids import IssueId
from job.core.issues import Asset
from job.errors import DetailRefused, MalformedAnswer, RemoteDown, RemoteRefused
from job.halo import bodies
from tests.halo import shapes
from tests.halo.site import Answer, everything, scripted, simulated
from tests.halo.test_client import until, world_of

FINDING, SERVER = urlsplit(shapes.FINDING_URL).path, urlsplit(shapes.SERVER_URL).path
OF_ONE = [400, 403, 410, 418, 422, 500]
CSP_FINDING = {"rule_id": "r1", "pass": 3, "fail": 1, "total": 4}


@pytest.mark.parametrize("status", OF_ONE)
async def test_a_detail_that_is_refused_is_its_issues_own(status: int) -> None:
    issue = bodies.issue(shapes.row())
    refused = (status, {"message": "Not this one."})
    async with scripted({FINDING: refused, SERVER: refused}) as (site, _):
        with pytest.raises(DetailRefused, match=f"finding of issue {issue.id}.* {status}"):
            await site.halo.finding(issue)
        with pytest.raises(DetailRefused, match=f"asset {shapes.SERVER_URL}.* {status}"):
            await site.halo.asset(issue)


@pytest.mark.parametrize("status", OF_ONE)
async def test_an_issue_that_is_refused_says_so_and_is_not_gone(status: int) -> None:
    async with scripted({"/v3/issues/i1": (status, {"message": "Not this one."})}) as (site, _):
        issue = await site.halo.issue(IssueId("i1"))
    assert issue is not None
    assert (issue.id, issue.gone) == ("i1", False)
    assert str(status) in issue.unreadable


@pytest.mark.parametrize("status", [502, 503, 504])
async def test_a_remote_that_is_down_is_down_for_everybody(status: int) -> None:
    async with scripted({"/v3/issues/i1": (status, {}), FINDING: (status, {})}) as (site, _):
        with pytest.raises(RemoteDown):
            await site.halo.issue(IssueId("i1"))
        with pytest.raises(RemoteDown):
            await site.halo.finding(bodies.issue(shapes.row()))


@pytest.mark.parametrize("status", [*OF_ONE, 401])
async def test_a_listing_that_is_refused_is_about_us(status: int) -> None:
    async with scripted({"/v3/issues": (status, {})}) as (site, _):
        with pytest.raises((RemoteRefused, MalformedAnswer, RemoteDown)):
            await everything(site.halo.active())


@pytest.mark.parametrize("answer", [(403, {}), (500, {}), (200, {}), b"<html>"])
async def test_a_token_that_is_refused_while_an_issue_is_asked_for_is_about_us(
    answer: Answer,
) -> None:
    script = {"/oauth/access_token": answer, FINDING: (200, shapes.CSM_FINDING)}
    async with scripted(script) as (site, _):
        for ask in (
            lambda: site.halo.issue(IssueId("i1")),
            lambda: site.halo.finding(bodies.issue(shapes.row())),
            lambda: site.halo.asset(bodies.issue(shapes.row())),
        ):
            with pytest.raises((RemoteRefused, MalformedAnswer, RemoteDown)):
                await ask()


async def test_a_token_that_is_refused_for_one_issue_is_about_us() -> None:
    async with scripted({"/v3/issues/i1": (401, {})}) as (site, _):
        with pytest.raises(RemoteRefused):
            await site.halo.issue(IssueId("i1"))


async def test_when_halo_breaks_over_one_issue_after_the_other_the_rest_is_asked_once() -> None:
    script: dict[str, Answer] = {f"/v3/issues/i{n}": (500, {}) for n in range(20)}
    async with scripted({**script, "/v3/issues/good": (200, shapes.row(id="good"))}) as (site, _):

        async def calls_for(name: str) -> int:
            before = site.spent["GET /v3/issues/{id}"]
            found = await site.halo.issue(IssueId(name))
            assert found is not None
            assert bool(found.unreadable) == (name != "good"), "nothing is lost"
            return site.spent["GET /v3/issues/{id}"] - before

        assert all([await calls_for(f"i{n}") > 1 for n in range(5)])
        assert {await calls_for(f"i{n}") for n in range(5, 19)} == {1}
        assert await calls_for("good") == 1
        assert await calls_for("i19") > 1, "one that is given ends the streak"


async def test_an_asset_that_is_refused_is_asked_for_once() -> None:
    issue = bodies.issue(shapes.row())
    async with scripted({SERVER: (403, {})}) as (site, _):
        for _ in range(3):
            with pytest.raises(DetailRefused):
                await site.halo.asset(issue)
        assert site.spent["GET /v1/servers/{id}"] == 1


# --- What cannot be read --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ((200, []), "object"),
        ((200, None), "object"),
        (b"<html>", "no JSON"),
        (b"", "no JSON"),
    ],
)
async def test_a_finding_that_is_no_object_is_a_value_that_says_why(body: Answer, why: str) -> None:
    issue = bodies.issue(shapes.row())
    async with scripted({FINDING: body}) as (site, _):
        with capture_logs() as logs:
            found = await site.halo.finding(issue)
    assert isinstance(found, Unreadable)
    assert (found.url, why in found.why) == (issue.finding_url, True), found.why
    (line,) = logs
    assert (line["event"], line["issue_id"]) == ("halo.detail_unreadable", issue.id)


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ({"id": "f1", "surprise": 1}, "no `details`"),
        (CSP_FINDING, "no `details`"),
        (shapes.CSM_FINDING | {"details": [None]}, "`details`"),
        (shapes.CSM_FINDING | {"details": "text"}, "`details`"),
    ],
)
async def test_a_finding_of_another_shape_comes_as_it_is_and_says_why(
    body: dict[str, Any], why: str
) -> None:
    issue = bodies.issue(shapes.row())
    async with scripted({FINDING: (200, body)}) as (site, _):
        with capture_logs() as logs:
            found = await site.halo.finding(issue)
    assert isinstance(found, OtherFinding)
    assert why in found.why
    assert found.rows
    (line,) = logs
    assert (line["event"], line["issue_id"]) == ("halo.detail_unreadable", issue.id)


async def test_a_finding_at_no_address_of_halos_cannot_be_read() -> None:
    issue = bodies.issue(shapes.row(last_finding_urls=["mailto:somebody"]))
    async with scripted({}) as (site, server):
        found = await site.halo.finding(issue)
    assert isinstance(found, Unreadable)
    assert server.asked == []


async def test_an_event_with_an_odd_time_is_read_without_it() -> None:
    issue = bodies.issue(shapes.row(type="lids", last_finding_urls=[shapes.EVENT_URL]))
    event = shapes.EVENT | {"created_at": "n/a"}
    async with scripted({urlsplit(shapes.EVENT_URL).path: (200, event)}) as (site, _):
        found = await site.halo.finding(issue)
    assert not isinstance(found, Unreadable)


@pytest.mark.parametrize("body", [(200, {"server": {"hostname": "x"}}), (200, 3), b"<html>"])
async def test_an_asset_of_no_known_shape_is_a_value_that_is_asked_for_once(body: Answer) -> None:
    issue = bodies.issue(shapes.row())
    async with scripted({SERVER: body}) as (site, _):
        found = [await site.halo.asset(issue) for _ in range(2)]
        assert site.spent["GET /v1/servers/{id}"] == 1
    assert isinstance(found[0], Unreadable)
    assert found[0] is found[1]


async def test_an_asset_that_halo_lists_well_is_none_of_these() -> None:
    async with scripted({SERVER: (200, {"server": shapes.SERVER})}) as (site, _):
        assert isinstance(await site.halo.asset(bodies.issue(shapes.row())), Asset)


# --- A filter that is refused ---------------------------------------------------------------------


@pytest.mark.parametrize("status", [400, 422])
async def test_a_refused_filter_is_read_around_as_an_ignored_one_is(status: int) -> None:
    world = world_of(350, apart_s=10)
    world.halo.quirks.gte_status = status
    names = list(world.halo.estate.issues)
    world.halo.estate.resolve(names[7])
    since = world.clock() - (world.clock() - world.halo.estate.issues[names[300]].last_seen_at)
    async with simulated(world) as site:
        with capture_logs() as logs:
            listed = await everything(*site.halo.changed(since=since, until=until(world)))
    assert {issue.id for issue in listed} == {*names[300:], names[7]}
    assert [line["event"] for line in logs] == ["halo.filter_ignored"] * 2
    asked = [exchange.call.args() for exchange in world.halo.recorded]
    assert sum(any("_gte" in name for name in args) for args in asked) == 2


@pytest.mark.parametrize("status", [400, 422])
async def test_a_listing_that_is_refused_without_a_filter_too_is_about_us(status: int) -> None:
    async def refuse(request: web.Request) -> Answer:
        return status, {"message": "No."}

    async with scripted({"/v3/issues": refuse}) as (site, _):
        since = until(world_of(0))
        with pytest.raises(RemoteRefused, match="newer"):
            await everything(*site.halo.changed(since=since, until=since))
