"""What a simulated Halo does when it is told to misbehave, and only then."""

from collections.abc import Callable
from typing import Any

import pytest

from job.sim import Answer, World

Ask = Callable[..., Answer]


def paths(world: World, issue_id: str) -> dict[str, str]:
    """The addresses of an issue, its finding and its asset, each by the id at its end."""
    issue = world.halo.estate.issues[issue_id]
    scan, asset = issue.findings[-1], issue.asset.id.replace("-", "")
    return {
        issue_id: f"/v3/issues/{issue_id}",
        scan.finding_id: f"/v1/scans/{scan.scan_id}/findings/{scan.finding_id}",
        asset: f"/v1/servers/{asset}",
    }


@pytest.mark.parametrize("status", [400, 403, 410, 418, 422, 500])
def test_what_is_broken_is_refused_and_nothing_else(world: World, halo: Ask, status: int) -> None:
    bad = paths(world, world.halo.estate.open_issue())
    good = paths(world, world.halo.estate.open_issue(asset=world.halo.estate.add_asset()))
    world.halo.quirks.broken = dict.fromkeys(bad, status)
    assert [halo(path).status for path in bad.values()] == [status] * 3
    assert [halo(path).status for path in good.values()] == [200] * 3


@pytest.mark.parametrize("body", [{"pass": 3}, [], None, b"<html>"])
def test_a_detail_may_be_anything(world: World, halo: Ask, body: Any) -> None:
    for name, path in paths(world, world.halo.estate.open_issue()).items():
        world.halo.quirks.details = {name: body}
        answer = halo(path)
        assert answer.status == 200
        assert answer.body == body if isinstance(body, bytes) else answer.json() == body


def test_a_row_may_be_anything_and_is_counted(world: World, halo: Ask) -> None:
    bad, _ = world.halo.estate.open_issue(), world.halo.estate.open_issue()
    world.halo.quirks.rows[bad] = None
    listed = halo("/v3/issues").json()
    assert (listed["count"], listed["issues"].count(None)) == (2, 1)


def test_a_capped_count_names_no_page_beyond(world: World, halo: Ask) -> None:
    for _ in range(5):
        world.halo.estate.open_issue()
    world.halo.quirks.count_max = 4
    pages = [halo("/v3/issues", page=str(page), per_page="2").json() for page in (1, 2, 3)]
    assert [page["count"] for page in pages] == [4, 4, 4]
    assert [bool(page.get("pagination", {}).get("next")) for page in pages] == [True, False, False]
    assert len(pages[2]["issues"]) == 1


@pytest.mark.parametrize(("off", "counted"), [(1, 3), (-1, 1), (-5, 0)])
def test_a_count_may_be_off(world: World, halo: Ask, off: int, counted: int) -> None:
    for _ in range(2):
        world.halo.estate.open_issue()
    world.halo.quirks.count_off = off
    listed = halo("/v3/issues").json()
    assert (listed["count"], len(listed["issues"])) == (counted, 2)


def test_a_filter_may_be_refused_and_the_list_without_it_not(world: World, halo: Ask) -> None:
    world.halo.quirks.gte_status = 422
    assert halo("/v3/issues", last_seen_at_gte="2026-01-01T00:00:00Z").status == 422
    assert halo("/v3/issues").status == 200
