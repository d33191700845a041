"""What we ask for, to the letter, and what refusals mean."""

import json
from datetime import UTC, datetime, timedelta, timezone
from urllib.parse import parse_qs, urlsplit

import pytest

from job.core.ids import IssueId
from job.core.issues import IssueStatus
from job.errors import MalformedAnswer, RemoteRefused
from job.halo import wire
from job.halo.wire import Listing, Stamp
from job.http.message import Response
from tests.halo import shapes

BASE = "http://127.0.0.1:9"
LISTING = Listing(status=IssueStatus.ACTIVE, stamp=wire.LAST_SEEN)


def answer(status: int, body: object) -> Response:
    return Response(
        status=status,
        headers={},
        body=body if isinstance(body, bytes) else json.dumps(body).encode(),
    )


@pytest.mark.parametrize(
    ("status", "stamp"),
    [
        (IssueStatus.ACTIVE, wire.LAST_SEEN),
        (IssueStatus.RESOLVED, wire.RESOLVED),
        (IssueStatus.ACTIVE, wire.CREATED),
    ],
)
def test_a_page_is_always_asked_for_with_status_states_order_and_size(
    status: IssueStatus, stamp: Stamp
) -> None:
    since = datetime(2026, 11, 1, 13, 0, 0, 1_500, tzinfo=timezone(timedelta(hours=1)))
    asked = wire.page_request(
        BASE, listing=Listing(status=status, stamp=stamp, since=since), page=7
    )
    parts = urlsplit(asked.url)
    assert f"{parts.scheme}://{parts.netloc}{parts.path}" == f"{BASE}/v3/issues"
    assert parse_qs(parts.query) == {
        "status": [status.value],
        "state": ["active,missing,deactivated,retired"],
        "sort_by": [f"{stamp}.asc"],
        "per_page": ["100"],
        "page": ["7"],
        f"{stamp}_gte": ["2026-11-01T12:00:00.001500Z"],
    }
    assert (asked.method, asked.name, asked.repeatable) == ("GET", "GET /v3/issues", True)


def test_without_a_cursor_nothing_is_filtered_and_backward_is_said_so() -> None:
    asked = wire.page_request(
        BASE,
        listing=Listing(status=IssueStatus.ACTIVE, stamp=wire.CREATED, descending=True),
        page=1,
    )
    assert "_gte" not in asked.url
    assert "sort_by=created_at.desc" in asked.url


def test_a_token_is_asked_for_with_the_key_in_the_header_and_the_grant_in_the_query() -> None:
    asked = wire.token_request(BASE, key="a1b2c3d4", secret="hush")
    assert (asked.method, asked.url) == (
        "POST",
        f"{BASE}/oauth/access_token?grant_type=client_credentials",
    )
    assert asked.headers["Authorization"] == "Basic YTFiMmMzZDQ6aHVzaA=="
    assert asked.body is None


@pytest.mark.parametrize(
    ("lives_s", "renew_at"), [(900, 720.0), (None, 720.0), ("900", 720.0), (300, 150.0), (30, 15.0)]
)
def test_a_token_is_renewed_three_minutes_before_it_ends_and_half_way_if_it_hardly_lives(
    lives_s: object, renew_at: float
) -> None:
    token = wire.token(answer(200, {"access_token": "abc", "expires_in": lives_s}), asked_at=0.0)
    assert token.renew_at == renew_at
    assert "abc" not in repr(token)


@pytest.mark.parametrize("body", [{}, {"access_token": None}, [], b"<html>"])
def test_an_answer_without_a_token_is_malformed(body: object) -> None:
    with pytest.raises(MalformedAnswer, match="signing in"):
        wire.token(answer(200, body), asked_at=0.0)


@pytest.mark.parametrize("status", [400, 401, 403])
def test_a_refused_key_is_refused_with_halos_words_and_our_advice(status: int) -> None:
    body = {"error": "invalid_client", "error_description": "Client authentication failed"}
    with pytest.raises(RemoteRefused, match=r"Client authentication failed.*HALO_API_KEY"):
        wire.token(answer(status, body), asked_at=0.0)


@pytest.mark.parametrize(
    ("status", "advice"), [(401, "HALO_API_KEY"), (403, "auditor"), (410, "newer"), (422, "newer")]
)
def test_every_refusal_of_a_read_comes_with_advice(status: int, advice: str) -> None:
    with pytest.raises(RemoteRefused, match=advice):
        wire.page(answer(status, {"message": "No."}), listing=LISTING, number=1)


@pytest.mark.parametrize(
    "body",
    [
        b"<!DOCTYPE html><html>",
        b'{"issues": [',
        b"",
        [],
        {},
        {"issues": []},
        {"count": 0},
        {"issues": {}, "count": 0},
        {"issues": [], "count": "0"},
        {"issues": None, "count": 0},
        {"issues": ["text"] * 5, "count": 5},
    ],
)
def test_a_page_that_cannot_be_read_is_malformed_and_never_an_empty_list(body: object) -> None:
    with pytest.raises(MalformedAnswer):
        wire.page(answer(200, body), listing=LISTING, number=1)


@pytest.mark.parametrize("status", [204, 302, 404])
def test_a_page_under_another_status_is_malformed(status: int) -> None:
    with pytest.raises(MalformedAnswer, match=str(status)):
        wire.page(answer(status, {"issues": [], "count": 0}), listing=LISTING, number=1)


@pytest.mark.parametrize(
    ("pagination", "names_next"),
    [
        (None, False),
        ({}, False),
        ({"next": ""}, False),
        ({"next": None}, False),
        ({"next": "https://evil/"}, True),
    ],
)
def test_a_next_link_says_that_there_is_more_and_nothing_else(
    pagination: object, names_next: bool
) -> None:
    body = {"issues": [shapes.row()], "count": 1, "pagination": pagination}
    page = wire.page(answer(200, body), listing=LISTING, number=1)
    assert (page.names_next, page.count, len(page.issues)) == (names_next, 1, 1)


@pytest.mark.parametrize(
    ("url", "asked", "name"),
    [
        (
            shapes.FINDING_URL,
            f"{BASE}/v1/scans/{shapes.SCAN}/findings/{shapes.FINDING}",
            "/v1/scans/{id}/findings/{id}",
        ),
        (
            "https://portal.cloudpassage.com/v1/events/abc1?x=1%2C2",
            f"{BASE}/v1/events/abc1?x=1%2C2",
            "/v1/events/abc1",
        ),
        (
            "/v2/container_images/0f4a3d68-51c2",
            f"{BASE}/v2/container_images/0f4a3d68-51c2",
            "/v2/container_images/{id}",
        ),
        (
            "https://user@evil.example:1/v1/servers/6e0d9b149b3f",
            f"{BASE}/v1/servers/6e0d9b149b3f",
            "/v1/servers/{id}",
        ),
        (" HTTPS://x/v1/events/a b?y=1#top", f"{BASE}/v1/events/a b?y=1", "/v1/events/a b"),
        ("//x/v1/events/é", f"{BASE}/v1/events/é", "/v1/events/é"),
    ],
)
def test_what_an_issue_points_at_is_read_on_our_own_host(url: str, asked: str, name: str) -> None:
    request = wire.detail_request(BASE, url=url)
    assert (request.url, request.name) == (asked, f"GET {name}")


@pytest.mark.parametrize(
    "url", ["text", "https://x", "https://x/admin/v1/y", "//evil/", "@evil/v1/x", "/v1/", "/V1/x"]
)
def test_an_address_outside_of_halos_api_is_malformed(url: str) -> None:
    with pytest.raises(MalformedAnswer, match="no address"):
        wire.detail_request(BASE, url=url)


def test_an_odd_id_cannot_leave_its_place_in_the_path() -> None:
    assert (
        wire.issue_request(BASE, issue_id=IssueId("../x?y")).url == f"{BASE}/v3/issues/..%2Fx%3Fy"
    )


def test_an_object_is_found_wrapped_or_bare_and_missing_is_not_malformed() -> None:
    assert wire.found(answer(200, {"issue": {"id": "i1"}}), doing="reading") == {"id": "i1"}
    assert wire.found(answer(200, {"id": "i1"}), doing="reading") == {"id": "i1"}
    assert wire.found(answer(404, {"message": "Not found"}), doing="reading") is None


def test_an_instant_goes_out_in_utc_with_six_digits() -> None:
    listing = Listing(
        status=IssueStatus.RESOLVED, stamp=wire.RESOLVED, since=datetime(2026, 1, 2, tzinfo=UTC)
    )
    assert (
        "resolved_at_gte=2026-01-02T00%3A00%3A00.000000Z"
        in wire.page_request(BASE, listing=listing, page=1).url
    )
