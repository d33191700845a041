"""The client over loopback HTTP: signing in, listing, and what issues point at."""

import asyncio
from datetime import datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from aiohttp import web
from structlog.testing import capture_logs

from job.core.findings import (
    CsmFinding,
    FimFinding,
    Gone,
    LidsEvent,
    OtherFinding,
    SvaFinding,
)
from job.core.ids import IssueId
from job.core.issues import Asset, IssueStatus
from job.errors import MalformedAnswer, RemoteRefused
from job.halo import bodies
from job.ports import HaloIssues
from job.sim.world import World
from tests.halo import shapes
from tests.halo.site import START, Answer, everything, scripted, simulated

TOKEN = "POST /oauth/access_token"
LIST = "GET /v3/issues"
TYPES = ("csm", "fim", "lids", "sva", "image_sva")


def world_of(issues: int, *, seed: int = 1, apart_s: float = 1.0) -> World:
    """A Halo with issues of every type, the oldest first."""
    world = World.make(seed=seed, start=START)
    for number in range(issues):
        world.halo.estate.open_issue(type=TYPES[number % len(TYPES)])
        world.clock.advance(apart_s)
    return world


def until(world: World) -> datetime:
    return world.clock()


# --- Signing in -----------------------------------------------------------------------------------


async def test_the_client_keeps_the_promises_of_the_port() -> None:
    async with simulated(world_of(0)) as site:
        halo: HaloIssues = site.halo
        assert await everything(halo.active()) == []


async def test_many_workers_share_one_token() -> None:
    world = world_of(40)
    async with simulated(world) as site:
        found = await asyncio.gather(
            *(site.halo.issue(IssueId(name)) for name in world.halo.estate.issues)
        )
    assert [issue.id for issue in found if issue] == list(world.halo.estate.issues)
    assert site.spent[TOKEN] == 1


async def test_a_token_is_renewed_once_three_minutes_before_it_expires() -> None:
    world = world_of(10)
    async with simulated(world) as site:
        for advance_s, tokens in ((0, 1), (715, 1), (10, 2), (0, 2)):
            world.clock.advance(advance_s)
            await asyncio.gather(
                *(site.halo.issue(IssueId(name)) for name in world.halo.estate.issues)
            )
            assert site.spent[TOKEN] == tokens
    assert {exchange.answer.status for exchange in world.halo.recorded} == {200}


async def test_workers_that_are_refused_together_renew_the_token_once_and_go_on() -> None:
    world = world_of(30)
    async with simulated(world) as site:
        await everything(site.halo.active())
        world.halo.revoke_tokens()
        found = await asyncio.gather(
            *(site.halo.issue(IssueId(name)) for name in world.halo.estate.issues)
        )
    assert all(found)
    assert site.spent[TOKEN] == 2


@pytest.mark.parametrize(
    ("passes_s", "tokens"), [(0.0, 2), (800.0, 3)], ids=["fresh", "stale itself by now"]
)
async def test_a_worker_refused_with_an_old_token_just_asks_again_with_the_new_one(
    passes_s: float, tokens: int
) -> None:
    first_asks, renewed = asyncio.Event(), asyncio.Event()

    async def slow(request: web.Request) -> Answer:
        if request.headers["Authorization"] == "Bearer t1":
            first_asks.set()
            await renewed.wait()
            return 401, {"message": "expired"}
        return 200, {"issue": shapes.row(id="slow")}

    async def quick(request: web.Request) -> Answer:
        refused = request.headers["Authorization"] == "Bearer t1"
        return (
            (401, {"message": "expired"}) if refused else (200, {"issue": shapes.row(id="quick")})
        )

    async with scripted({"/v3/issues/slow": slow, "/v3/issues/quick": quick}) as (site, server):
        waiting = asyncio.create_task(site.halo.issue(IssueId("slow")))
        await first_asks.wait()
        assert await site.halo.issue(IssueId("quick"))
        site.clock.advance(passes_s)
        renewed.set()
        assert await waiting
        assert server.tokens == tokens


async def test_a_second_refusal_after_renewal_stops_the_run_with_advice() -> None:
    async with scripted({"/v3/issues": (401, {"message": "expired"})}) as (site, server):
        with pytest.raises(RemoteRefused, match="HALO_API_KEY"):
            await everything(site.halo.active())
        assert server.tokens == 2
        assert site.spent[LIST] == 2


async def test_a_wrong_secret_is_refused_at_once_and_stays_secret() -> None:
    wrong = "f" * 32
    async with simulated(world_of(1), secret=wrong) as site:
        with pytest.raises(RemoteRefused, match="HALO_API_SECRET_KEY") as caught:
            await everything(site.halo.active())
    assert wrong not in repr(caught.value)
    assert site.spent == {TOKEN: 1}


async def test_a_missing_right_stops_the_run_with_advice() -> None:
    async with scripted({"/v3/issues": (403, {"message": "Forbidden"})}) as (site, _):
        with pytest.raises(RemoteRefused, match="auditor"):
            await everything(site.halo.active())


# --- Listing --------------------------------------------------------------------------------------


async def test_every_issue_is_listed_as_it_is_described() -> None:
    world = world_of(60)
    async with simulated(world) as site:
        listed = await everything(site.halo.active())
        described = [await site.halo.issue(issue.id) for issue in listed]
    assert listed == described
    assert {issue.id for issue in listed} == set(world.halo.estate.issues)


async def test_what_changed_is_what_was_seen_or_resolved_since_the_cursor_and_nothing_older() -> (
    None
):
    world = world_of(30)
    estate = world.halo.estate
    old = list(estate.issues)
    since = until(world)
    world.clock.advance(5)
    estate.rescan(old[3])
    estate.resolve(old[4])
    new = estate.open_issue(type="csm", source="cloud_secure")
    estate.retire_asset(estate.issues[old[9]].asset.id)
    changed = {
        name
        for name, issue in estate.issues.items()
        if max(issue.last_seen_at, issue.resolved_at or START) >= since
    }
    async with simulated(world) as site:
        listed = await everything(*site.halo.changed(since=since, until=until(world)))
    assert {issue.id for issue in listed} == changed >= {old[3], old[4], old[9], new}
    statuses = {issue.id: issue.status for issue in listed}
    assert (statuses[IssueId(old[3])], statuses[IssueId(old[4])]) == (
        IssueStatus.ACTIVE,
        IssueStatus.RESOLVED,
    )
    assert site.spent == {TOKEN: 1, LIST: 2}


async def test_both_reads_name_status_states_order_and_cursor() -> None:
    world = world_of(3)
    async with simulated(world) as site:
        await everything(*site.halo.changed(since=START, until=until(world)))
    asked = [exchange.call.args() for exchange in world.halo.recorded if exchange.route == LIST]
    common = {"state": "active,missing,deactivated,retired", "per_page": "100", "page": "1"}
    cursor = "2026-11-01T12:00:00.000000Z"
    assert asked == [
        common | {"status": "active", "sort_by": "last_seen_at.asc", "last_seen_at_gte": cursor},
        common | {"status": "resolved", "sort_by": "resolved_at.asc", "resolved_at_gte": cursor},
    ]


async def test_from_the_beginning_on_everything_is_listed_active_and_resolved() -> None:
    world = world_of(230)
    for name in list(world.halo.estate.issues)[::3]:
        world.halo.estate.resolve(name)
    async with simulated(world) as site:
        listed = await everything(*site.halo.changed(since=None, until=until(world)))
    assert sorted(issue.id for issue in listed) == sorted(world.halo.estate.issues)
    assert site.spent[LIST] == 2 + 1


async def test_pages_are_fetched_concurrently() -> None:
    at_once, most = 0, 0
    rows = [
        shapes.row(id=f"i{n}", created_at=(START + timedelta(seconds=n)).isoformat())
        for n in range(600)
    ]

    async def listing(request: web.Request) -> Answer:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        await asyncio.sleep(0.02)
        at_once -= 1
        page = int(request.query["page"])
        return 200, {"issues": rows[(page - 1) * 100 : page * 100], "count": 600}

    async with scripted({"/v3/issues": listing}) as (site, _):
        assert len(await everything(site.halo.active())) == 600
    assert most >= 4


async def test_issues_of_servers_in_any_state_are_listed() -> None:
    world = world_of(12)
    for asset, state in zip(
        world.halo.estate.assets.values(), ("missing", "deactivated", "retired"), strict=False
    ):
        asset.state = state
    async with simulated(world) as site:
        listed = await everything(site.halo.active())
    assert len(listed) == 12


async def test_rows_that_shift_between_two_pages_are_not_lost() -> None:
    world = world_of(450)
    world.halo.faults.set_chance({"shifted_rows": 0.1})
    async with simulated(world) as site:
        listed = await everything(*site.halo.changed(since=START, until=until(world)))
    assert {issue.id for issue in listed} == set(world.halo.estate.issues)


@pytest.mark.parametrize("fault", ["repeated_page", "short_page"])
async def test_a_page_that_stays_wrong_stops_the_run(fault: str) -> None:
    world = world_of(250)
    world.halo.faults.set_chance({fault: 1.0})
    async with simulated(world) as site:
        with pytest.raises(MalformedAnswer, match="count"):
            await everything(site.halo.active())


@pytest.mark.parametrize("fault", ["repeated_page", "short_page"])
async def test_a_page_that_is_wrong_once_is_read_again(fault: str) -> None:
    world = world_of(250)
    world.halo.faults.at = {2: fault}
    async with simulated(world) as site:
        assert len({issue.id for issue in await everything(site.halo.active())}) == 250


@pytest.mark.parametrize("fault", ["html_body", "truncated_json", "empty_body"])
async def test_a_page_without_json_stops_the_run_and_is_no_empty_list(fault: str) -> None:
    world = world_of(3)
    world.halo.faults.at = {1: fault}
    async with simulated(world) as site:
        with pytest.raises(MalformedAnswer, match="no JSON"):
            await everything(site.halo.active())


@pytest.mark.parametrize(
    "fault", ["429_retry_after", "503_refused", "500_after", "lost_before", "lost_after"]
)
async def test_a_passing_failure_is_waited_out(fault: str) -> None:
    world = world_of(150)
    world.halo.faults.at = {0: fault, 2: fault, 4: fault}
    async with simulated(world) as site:
        assert len(await everything(site.halo.active())) == 150


async def test_an_ignored_filter_is_noticed_and_read_around() -> None:
    world = world_of(350, apart_s=10)
    world.halo.ignores_gte = True
    since = START + timedelta(seconds=3_000)
    async with simulated(world) as site:
        with capture_logs() as logs:
            listed = await everything(*site.halo.changed(since=since, until=until(world)))
    assert {issue.id for issue in listed} == set(list(world.halo.estate.issues)[300:])
    assert [line["event"] for line in logs] == ["halo.filter_ignored"]


async def test_more_than_ten_thousand_issues_are_swept_without_passing_the_window() -> None:
    world = world_of(10_450)
    async with simulated(world) as site:
        listed = await everything(site.halo.active())
    assert len(listed) == len({issue.id for issue in listed}) == 10_450
    assert {exchange.answer.status for exchange in world.halo.recorded} == {200}


async def test_a_link_to_another_host_is_never_followed() -> None:
    rows = [shapes.row(id=f"i{n}") for n in range(150)]

    async def listing(request: web.Request) -> Answer:
        page = int(request.query["page"])
        more = {"next": "http://127.0.0.1:1/v3/issues?page=2"} if page == 1 else {}
        return 200, {
            "issues": rows[(page - 1) * 100 : page * 100],
            "count": 150,
            "pagination": more,
        }

    async with scripted({"/v3/issues": listing}) as (site, server):
        assert len(await everything(site.halo.active())) == 150
        assert [request.query.get("page") for request in server.asked] == [None, "1", "2"]


async def test_an_issue_that_halo_forgot_is_none() -> None:
    world = world_of(1)
    (name,) = world.halo.estate.issues
    world.halo.estate.forget(name)
    async with simulated(world) as site:
        assert await site.halo.issue(IssueId(name)) is None


async def test_a_bare_issue_is_read_like_a_wrapped_one() -> None:
    async with scripted({"/v3/issues/i1": (200, shapes.row(id="i1"))}) as (site, _):
        assert await site.halo.issue(IssueId("i1")) == bodies.issue(shapes.row(id="i1"))


# --- Findings -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("issue_type", "kind"),
    [
        ("csm", CsmFinding),
        ("fim", FimFinding),
        ("lids", LidsEvent),
        ("sva", SvaFinding),
        ("image_sva", SvaFinding),
    ],
)
async def test_every_type_of_issue_brings_its_own_evidence(issue_type: str, kind: type) -> None:
    world = World.make(seed=4, start=START)
    for _ in range(8):
        world.halo.estate.rescan(world.halo.estate.open_issue(type=issue_type))
    async with simulated(world) as site:
        found = [await site.halo.finding(issue) for issue in await everything(site.halo.active())]
    assert [type(finding) for finding in found] == [kind] * 8


async def test_all_pages_of_a_file_finding_are_read() -> None:
    world = World.make(seed=4, start=START)
    names = [world.halo.estate.open_issue(type="fim") for _ in range(12)]
    async with simulated(world) as site:
        found = [await site.halo.finding(issue) for issue in await everything(site.halo.active())]
    sizes = {len(finding.files) for finding in found if isinstance(finding, FimFinding)}
    assert sizes == {1, 104}
    assert len(names) == len(found)


async def test_a_file_finding_without_an_end_is_cut_and_says_so() -> None:
    async def endless(request: web.Request) -> Answer:
        page = int(request.query.get("page", "1"))
        more = f"https://portal.cloudpassage.com{request.path}?page={page + 1}&per_page=100"
        return 200, shapes.FIM_FINDING | {"next": more, "counts": {"changed": 4_000}}

    path = urlsplit(shapes.FINDING_URL).path
    async with scripted({path: endless}) as (site, server):
        with capture_logs() as logs:
            found = await site.halo.finding(bodies.issue(shapes.row(type="fim")))
        pages = [
            parse_qs(request.query_string).get("page", ["1"])
            for request in server.asked
            if request.path == path
        ]
    assert isinstance(found, FimFinding)
    assert (len(found.files), found.total) == (10, 4_000)
    assert pages == [["1"], ["2"], ["3"], ["4"], ["5"]]
    assert [line["event"] for line in logs] == ["halo.files_cut"]


@pytest.mark.parametrize("wrapper", [None, "event"])
async def test_an_event_is_read_bare_or_wrapped(wrapper: str | None) -> None:
    body = shapes.EVENT if wrapper is None else {wrapper: shapes.EVENT}
    issue = bodies.issue(shapes.row(type="lids", last_finding_urls=[shapes.EVENT_URL]))
    async with scripted({urlsplit(shapes.EVENT_URL).path: (200, body)}) as (site, _):
        found = await site.halo.finding(issue)
    assert isinstance(found, LidsEvent)
    assert found.log_entry == shapes.EVENT["original_log_entry"]


async def test_evidence_and_asset_that_went_with_their_server_are_gone() -> None:
    world = world_of(4)
    for name in list(world.halo.estate.assets):
        world.halo.estate.forget_asset(name)
    async with simulated(world) as site:
        for issue in await everything(site.halo.active()):
            assert await site.halo.finding(issue) == Gone(url=issue.finding_url, early=True)
            assert await site.halo.asset(issue) == Gone(url=issue.asset_url)


async def test_where_halo_names_no_evidence_nothing_is_asked() -> None:
    async with scripted({}) as (site, server):
        assert await site.halo.finding(bodies.issue(shapes.row(**shapes.CLOUD))) is None
    assert server.asked == []


@pytest.mark.parametrize("kind", ["sam", "fw", "agent", "something new"])
async def test_evidence_of_a_type_that_nobody_has_published_comes_as_it_is(kind: str) -> None:
    path = urlsplit(shapes.FINDING_URL).path
    async with scripted({path: (200, {"id": "f", "subject": {"name": "x"}})}) as (site, _):
        found = await site.halo.finding(bodies.issue(shapes.row(type=kind)))
    assert found == OtherFinding(rows=(("id", "f"), ("subject.name", "x")))


# --- Assets ---------------------------------------------------------------------------------------


async def test_an_asset_is_fetched_once_however_many_ask_and_however_often() -> None:
    world = World.make(seed=2, start=START)
    server = world.halo.estate.add_asset()
    for _ in range(25):
        world.halo.estate.open_issue(asset=server)
    async with simulated(world) as site:
        issues = await everything(site.halo.active())
        assets = await asyncio.gather(*(site.halo.asset(issue) for issue in issues))
        assets += [await site.halo.asset(issue) for issue in issues]
    assert site.spent["GET /v1/servers/{id}"] == 1
    (asset,) = set(assets)
    assert isinstance(asset, Asset)
    assert asset.hostname == world.halo.estate.assets[server].name


async def test_a_failure_to_fetch_an_asset_is_not_remembered() -> None:
    answers: list[Answer] = [(401, {}), (401, {}), (200, {"server": shapes.SERVER})]

    async def once(_: web.Request) -> Answer:
        return answers.pop(0)

    issue = bodies.issue(shapes.row())
    async with scripted({urlsplit(shapes.SERVER_URL).path: once}) as (site, _):
        with pytest.raises(RemoteRefused):
            await site.halo.asset(issue)
        assert isinstance(await site.halo.asset(issue), Asset)


async def test_assets_of_every_kind_are_read_and_their_own_urls_are_not_followed() -> None:
    world = World.make(seed=3, start=START)
    for issue_type, source in (
        ("csm", "server_secure"),
        ("image_sva", "container_secure"),
        ("csm", "cloud_secure"),
    ):
        world.halo.estate.open_issue(type=issue_type, source=source)
    async with simulated(world) as site:
        assets = [await site.halo.asset(issue) for issue in await everything(site.halo.active())]
    assert len(assets) == 3
    assert all(isinstance(asset, Asset) and asset.id for asset in assets)
    assert sum(site.spent.values()) == 1 + 1 + 3


async def test_an_issue_without_an_asset_has_none() -> None:
    async with scripted({}) as (site, server):
        assert await site.halo.asset(bodies.issue(shapes.row(asset_url=None))) is None
    assert server.asked == []
