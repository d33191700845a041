"""What the simulated Halo answers, and what it does not."""

import base64
import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from job.sim import Answer, Call, World

Ask = Callable[..., Answer]


def test_a_token_lives_fifteen_minutes_and_not_a_second_more(world: World) -> None:
    token = _token(world)
    assert _list(world, token=token).status == 200
    world.clock.advance(899)
    assert _list(world, token=token).status == 200
    world.clock.advance(1)
    assert _list(world, token=token).status == 401


def test_revoked_tokens_answer_401_and_a_new_one_works(world: World) -> None:
    token = _token(world)
    world.halo.revoke_tokens()
    assert _list(world, token=token).status == 401
    assert _list(world, token=_token(world)).status == 200


def test_wrong_credentials_get_401_and_no_token(world: World) -> None:
    grant = (("grant_type", "client_credentials"),)
    answer = world.halo.answer(
        Call("POST", "/oauth/access_token", grant, {"authorization": "Basic eDp5"})
    )
    assert answer.status == 401
    assert "access_token" not in answer.json()


def test_only_active_issues_are_listed_unless_the_status_is_asked_for(
    world: World, halo: Ask
) -> None:
    active, resolved = world.halo.estate.open_issue(), world.halo.estate.open_issue()
    world.halo.estate.resolve(resolved)
    assert _ids(halo("/v3/issues")) == {active}
    assert _ids(halo("/v3/issues", status="resolved")) == {resolved}
    assert _ids(halo("/v3/issues", status="active,resolved")) == {active, resolved}


def test_issues_of_retired_servers_are_listed_only_when_that_state_is_asked_for(
    world: World, halo: Ask
) -> None:
    issue = world.halo.estate.open_issue()
    world.halo.estate.retire_asset(world.halo.estate.issues[issue].asset.id)
    assert _ids(halo("/v3/issues", status="resolved")) == set()
    listed = halo(
        "/v3/issues", status="resolved", state="active,deactivated,missing,retired"
    ).json()["issues"]
    assert [(row["id"], row["resolved_by"], row["comment"]) for row in listed] == [
        (issue, "system", "Server retired.")
    ]


def test_time_bounds_are_inclusive_and_can_be_ignored_by_a_switch(world: World, halo: Ask) -> None:
    old = world.halo.estate.open_issue()
    world.clock.advance(60)
    new = world.halo.estate.open_issue()
    at = world.clock().isoformat().replace("+00:00", "Z")
    assert _ids(halo("/v3/issues", last_seen_at_gte=at)) == {new}
    assert _ids(halo("/v3/issues", last_seen_at_lte="2026-01-01T00:00:00Z")) == {old}
    world.halo.ignores_gte = world.halo.ignores_lte = True
    assert _ids(halo("/v3/issues", last_seen_at_gte=at)) == {old, new}
    assert _ids(halo("/v3/issues", last_seen_at_lte="2026-01-01T00:00:00Z")) == {old, new}


def test_pages_follow_their_links_and_never_hold_more_than_a_hundred_rows(
    world: World, halo: Ask
) -> None:
    opened = _open_many(world, count=230)
    seen: list[str] = []
    sizes = []
    for page in ("1", "2", "3"):
        body = halo("/v3/issues", per_page="500", page=page, sort_by="last_seen_at.asc").json()
        seen += [row["id"] for row in body["issues"]]
        sizes.append(len(body["issues"]))
        assert body["count"] == 230
        if page != "3":
            query = f"page={int(page) + 1}&per_page=100&sort_by=last_seen_at.asc"
            assert body["pagination"]["next"] == f"https://api.cloudpassage.com/v3/issues?{query}"
    assert sizes == [100, 100, 30]
    assert seen == opened


def test_sorting_takes_several_fields_and_refuses_unknown_ones(world: World, halo: Ask) -> None:
    _open_many(world, count=6)
    rows = halo("/v3/issues", sort_by="critical.desc,last_seen_at.desc").json()["issues"]
    keys = [
        (not row["critical"], -datetime.fromisoformat(row["last_seen_at"]).timestamp())
        for row in rows
    ]
    assert keys == sorted(keys)
    assert halo("/v3/issues", sort_by="colour.asc").status == 422


def test_nothing_is_listed_beyond_row_ten_thousand(halo: Ask) -> None:
    assert halo("/v3/issues", page="100").status == 200
    assert halo("/v3/issues", page="101").status == 422


def test_timestamps_lose_their_trailing_zeros(world: World, halo: Ask) -> None:
    world.clock.advance(0.86)
    issue = world.halo.estate.open_issue()
    assert _describe(halo, issue)["last_seen_at"] == "2026-01-01T00:00:00.86Z"
    world.clock.advance(0.14)
    world.halo.estate.rescan(issue)
    assert _describe(halo, issue)["last_seen_at"] == "2026-01-01T00:00:01Z"


def test_issue_ids_are_hyphenated_time_ordered_uuids_and_scan_ids_are_bare(
    world: World, halo: Ask
) -> None:
    issue = world.halo.estate.open_issue(type="fim")
    world.halo.estate.rescan(issue)
    body = _describe(halo, issue)
    assert re.fullmatch(
        r"[0-9a-f]{8}-[0-9a-f]{4}-1[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", body["id"]
    )
    old, new = body["findings"]
    assert re.fullmatch(r"[0-9a-f]{32}::[0-9a-f]{32}::active::\S+Z", old)
    assert re.fullmatch(r"[0-9a-f]{32}", new["finding_id"])


def test_an_issue_keeps_its_id_through_resolve_and_reopen(world: World, halo: Ask) -> None:
    issue = world.halo.estate.open_issue()
    world.clock.advance(10)
    world.halo.estate.resolve(issue, by="analyst@example.com", comment="")
    resolved = _describe(halo, issue)
    assert (resolved["status"], resolved["resolved_by"], resolved["comment"]) == (
        "resolved",
        "analyst@example.com",
        "",
    )
    assert resolved["last_seen_at"] == "2026-01-01T00:00:00Z"
    world.clock.advance(10)
    world.halo.estate.reopen(issue)
    reopened = _describe(halo, issue)
    assert reopened["status"] == "active"
    assert not reopened.get("resolved_at")
    assert reopened["last_seen_at"] == "2026-01-01T00:00:20Z"


def test_two_changes_of_one_issue_never_share_an_instant(world: World) -> None:
    issue = world.halo.estate.open_issue()
    seen = []
    for _ in range(3):
        world.halo.estate.rescan(issue)
        seen.append(world.halo.estate.issues[issue].last_seen_at)
    assert seen == sorted(set(seen))


@pytest.mark.parametrize("kind", ["csm", "fim", "sva", "lids", "image_sva"])
def test_a_rescan_changes_the_finding_only_if_the_evidence_changed(
    world: World, halo: Ask, kind: str
) -> None:
    issue = world.halo.estate.open_issue(type=kind)
    evidence = [_evidence(world, halo, issue)]
    for changed in (False, True):
        world.clock.advance(1)
        world.halo.estate.rescan(issue, changed=changed)
        evidence.append(_evidence(world, halo, issue))
    assert evidence[0] == evidence[1]
    assert evidence[1] != evidence[2]


def test_a_long_fim_finding_has_pages_of_its_own(world: World, halo: Ask) -> None:
    urls = [_finding_path(world, world.halo.estate.open_issue(type="fim")) for _ in range(12)]
    long = [body for url in urls if (body := halo(url).json())["next"]]
    assert long
    first = long[0]
    query = dict(part.split("=") for part in first["next"].partition("?")[2].split("&"))
    second = halo(first["next"].partition("?")[0], **query).json()
    assert len(first["findings"]) == 100
    assert len(first["findings"]) + len(second["findings"]) == first["counts"]["changed"]
    assert second["next"] == ""


def test_assets_come_wrapped_in_the_singular_of_their_collection(world: World, halo: Ask) -> None:
    wrappers = {
        ("csm", None): "server",
        ("image_sva", None): "container_image",
        ("csm", "cloud_secure"): "csp_resource",
    }
    for (kind, source), wrapper in wrappers.items():
        issue = world.halo.estate.open_issue(type=kind, source=source)
        assert set(halo(_describe(halo, issue)["asset_url"]).json()) == {wrapper}


def test_a_deleted_server_takes_its_findings_along_but_not_its_issues(
    world: World, halo: Ask
) -> None:
    issue = world.halo.estate.open_issue()
    world.halo.estate.forget_asset(world.halo.estate.issues[issue].asset.id)
    body = _describe(halo, issue)
    assert halo(body["asset_url"]).status == 404
    assert halo(_finding_path(world, issue)).status == 404


def test_a_forgotten_issue_is_neither_described_nor_listed(world: World, halo: Ask) -> None:
    issue = world.halo.estate.open_issue()
    world.halo.estate.forget(issue)
    assert halo(f"/v3/issues/{issue}").status == 404
    assert _ids(halo("/v3/issues")) == set()


def test_missing_values_come_as_no_key_as_null_as_nothing_and_as_null_value(
    world: World, halo: Ask
) -> None:
    _open_many(world, count=100)
    rows = halo("/v3/issues").json()["issues"]
    assert {row.get("resolved_at", "no key") for row in rows} == {"no key", None, ""}
    assert "null_value" in {row.get("policy_id") for row in rows}
    assert {"last_finding_urls" in row for row in rows} == {True, False}
    assert any("\r" in row["name"] for row in rows)


def test_csm_descriptions_hold_a_backslash_and_an_n_instead_of_a_newline(
    world: World, halo: Ask
) -> None:
    description = halo(_finding_path(world, world.halo.estate.open_issue())).json()[
        "rule_description"
    ]
    assert "\\n" in description
    assert "\n" not in description


def test_a_repeated_page_shows_the_page_before_it_again(world: World, halo: Ask) -> None:
    _open_many(world, count=30)
    first = _ids(halo("/v3/issues", per_page="10", sort_by="id.asc"))
    world.halo.faults.set_chance({"repeated_page": 1.0})
    assert _ids(halo("/v3/issues", per_page="10", page="2", sort_by="id.asc")) == first


def test_a_short_page_disagrees_with_the_count(world: World, halo: Ask) -> None:
    _open_many(world, count=10)
    world.halo.faults.set_chance({"short_page": 1.0})
    body = halo("/v3/issues").json()
    assert (len(body["issues"]), body["count"]) == (9, 10)


def test_rows_that_shift_hide_one_row_from_a_reader_of_pages(world: World, halo: Ask) -> None:
    opened = _open_many(world, count=20)
    first = _ids(halo("/v3/issues", per_page="10", sort_by="last_seen_at.asc"))
    world.clock.advance(60)
    world.halo.faults.set_chance({"shifted_rows": 1.0})
    second = _ids(halo("/v3/issues", per_page="10", page="2", sort_by="last_seen_at.asc"))
    assert set(opened) - first - second == {opened[10]}
    assert first & second == {opened[0]}


def test_more_calls_than_a_minute_takes_are_refused_until_the_next(world: World) -> None:
    token = _token(world)
    world.halo.calls_a_minute = 3
    assert [_list(world, token=token).status for _ in range(5)] == [200, 200, 200, 429, 429]
    world.clock.advance(60)
    assert _list(world, token=token).status == 200


def test_an_empty_answer_looks_like_an_account_without_issues(world: World, halo: Ask) -> None:
    world.halo.estate.open_issue()
    world.halo.faults.set_chance({"empty_list": 1.0})
    assert halo("/v3/issues").json() == {"issues": [], "count": 0}


def _token(world: World) -> str:
    credentials = base64.b64encode(world.halo.credentials.encode()).decode()
    headers = {"authorization": f"Basic {credentials}"}
    answer = world.halo.answer(
        Call("POST", "/oauth/access_token", (), headers, b"grant_type=client_credentials")
    )
    assert answer.json()["expires_in"] == 900
    return str(answer.json()["access_token"])


def _list(world: World, *, token: str) -> Answer:
    return world.halo.answer(Call("GET", "/v3/issues", (), {"authorization": f"Bearer {token}"}))


def _ids(answer: Answer) -> set[str]:
    return {row["id"] for row in answer.json()["issues"]}


def _describe(halo: Ask, issue: str) -> dict[str, Any]:
    body: dict[str, Any] = halo(f"/v3/issues/{issue}").json()["issue"]
    return body


def _open_many(world: World, *, count: int) -> list[str]:
    kinds = ("csm", "fim", "sva", "lids", "image_sva")
    opened = []
    for number in range(count):
        world.clock.advance(1)
        opened.append(
            world.halo.estate.open_issue(type=kinds[number % 5], critical=number % 2 == 0)
        )
    return opened


def _finding_path(world: World, issue: str) -> str:
    finding = world.halo.estate.issues[issue].findings[-1]
    if finding.is_event:
        return f"/v1/events/{finding.finding_id}"
    return f"/v1/scans/{finding.scan_id}/findings/{finding.finding_id}"


def _evidence(world: World, halo: Ask, issue: str) -> dict[str, object]:
    """What a finding says, without what every scan changes."""
    body = halo(_finding_path(world, issue)).json()
    body = body.get("event", body)
    return {
        key: value
        for key, value in body.items()
        if key not in ("id", "url", "created_at", "starting_at", "next")
    }
