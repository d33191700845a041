"""Very many issues that nobody keeps: a Halo and a Jira that work out each answer from a number.

    python -m tests.bench.crowd 200000

prints their address and Jira's credentials as JSON and serves until it is ended. For measuring what
the job remembers of a long listing, the listing itself must cost nothing: no simulated estate of
this size would fit beside it.
"""

import argparse
import asyncio
import json
from bisect import bisect_left
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from aiohttp import web

from job.sim.call import Call
from job.sim.halo.bodies import issue_body
from job.sim.halo.estate import HaloEstate
from job.sim.jira.api import JiraSim

FIRST_AT = datetime(2026, 1, 1, tzinfo=UTC)
APART = timedelta(seconds=10)
PAGE = 100
ISSUES_AN_ASSET = 4
STAMPS = ("created_at", "first_seen_at", "last_seen_at", "updated_at")
Respond = Callable[[web.Request], Awaitable[web.StreamResponse]]


def issue_id(number: int) -> str:
    return str(UUID(int=1 << 100 | number))


def number_of(issue_id: str) -> int:
    return UUID(issue_id).int ^ 1 << 100


def ticket_id(number: int) -> str:
    return str(10_000 + number)


class Crowd:
    """Issues 0 to `many`, each touched ten seconds after the one before, all of them active."""

    def __init__(self, many: int) -> None:
        estate = HaloEstate(lambda: FIRST_AT, seed=1)
        self._body = issue_body(estate.issues[estate.open_issue(type="csm")])
        self._many = many

    def row(self, number: int) -> dict[str, Any]:
        """The issue as Halo lists it: what differs from issue to issue differs, what is shared
        is shared.
        """
        at = (FIRST_AT + APART * number).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        own, asset = issue_id(number), issue_id(number // ISSUES_AN_ASSET)
        body = {
            **self._body,
            "id": own,
            "asset_id": asset,
            "asset_name": f"host-{asset}",
            **dict.fromkeys(STAMPS, at),
        }
        body |= {
            "url": f"https://api.example/v3/issues/{own}",
            "asset_url": f"https://api.example/v2/servers/{asset}",
        }
        return body | {"last_finding_urls": [f"https://api.example/v1/scans/{own}/findings/{own}"]}

    async def listing(self, request: web.Request) -> web.StreamResponse:
        """GET /v3/issues, ascending by any timestamp, from `_gte` on."""
        query = request.query
        if query["status"] != "active":
            return web.json_response({"issues": [], "count": 0})
        since = next((text for name, text in query.items() if name.endswith("_gte")), None)
        first = (
            bisect_left(range(self._many), _at(since), key=lambda number: FIRST_AT + APART * number)
            if since
            else 0
        )
        start = first + (int(query["page"]) - 1) * PAGE
        rows = [self.row(number) for number in range(start, min(start + PAGE, self._many))]
        more = {"pagination": {"next": "https://api.example/"}} if start + PAGE < self._many else {}
        return web.json_response({"issues": rows, "count": self._many - first, **more})

    async def read(self, request: web.Request) -> web.StreamResponse:
        """POST issue/bulkfetch: every ticket is there, open, and holds its issue's id."""
        wanted = (await request.json())["issueIdsOrKeys"]
        return web.json_response(
            {"issues": [self.ticket(int(one) - 10_000) for one in wanted], "issueErrors": []}
        )

    def ticket(self, number: int) -> dict[str, Any]:
        fields = {
            "status": {"name": "To Do"},
            "project": {"key": "SEC"},
            "issuetype": {"id": "10001"},
            "created": "2026-01-01T00:00:00.000+0000",
            "customfield_10010": issue_id(number),
        }
        return {"id": ticket_id(number), "key": f"SEC-{number + 1}", "fields": fields}


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text)


async def token(_: web.Request) -> web.StreamResponse:
    return web.json_response({"access_token": "t" * 32, "expires_in": 900})


async def serve(many: int) -> None:
    crowd, app, jira = Crowd(many), web.Application(), JiraSim(lambda: datetime.now(UTC), keep=0)

    async def otherwise(request: web.Request) -> web.StreamResponse:
        headers = {name.lower(): value for name, value in request.headers.items()}
        query = tuple(request.query.items())
        answer = jira.answer(
            Call(request.method, request.path, query, headers, await request.read())
        )
        return web.Response(status=answer.status, headers=answer.headers, body=answer.body)

    api = "/rest/api/3"
    routes: list[tuple[str, str, Respond]] = [
        ("POST", "/oauth/access_token", token),
        ("GET", "/v3/issues", crowd.listing),
        ("POST", f"{api}/issue/bulkfetch", crowd.read),
        ("*", "/{path:.*}", otherwise),
    ]
    for method, path, respond in routes:
        app.router.add_route(method, path, respond)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    credentials = {"JIRA_API_USER": jira.site.email, "JIRA_API_TOKEN": jira.site.token}
    print(json.dumps({"url": f"http://{host}:{port}", "credentials": credentials}), flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.bench.crowd", description=__doc__)
    parser.add_argument("many", type=int)
    asyncio.run(serve(parser.parse_args().many))
