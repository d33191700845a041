"""The simulated Halo API: tokens, the issue list and everything an issue points at.

Promises: answers as CloudPassage Halo does (sources in halo_bodies.py and at the lines below), and
is meaner where nothing is known: no useful order without sort_by, active issues of active servers
only by default, pages of at most 100 rows, nothing beyond row 10,000, `next` links that name the
real host. Does not do: v1 and v2 issue lists, CVE details, writing.
"""

import base64
import binascii
from collections import Counter, deque
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, Final
from urllib.parse import quote

from job.sim.call import Answer, Call, Exchange, json_answer
from job.sim.faults import Faults
from job.sim.halo.bodies import asset_body, event_body, finding_body, issue_body
from job.sim.halo.estate import HaloEstate, HaloIssue
from job.sim.halo.texts import BASE

PAGE_MAX: Final = 100  # the largest page any public client uses
WINDOW_MAX: Final = 10_000  # CloudPassage's own event connector stops at this depth
TOKEN_S: Final = (
    900  # RackSec/cloudpassage-lib doc/cloudpassage-api.md: expires_in 900, no refresh token
)
_TIMES: Final = ("created_at", "first_seen_at", "last_seen_at", "updated_at", "resolved_at")
_BOUNDS: Final[dict[str, Callable[[datetime, datetime], bool]]] = {
    "_gte": lambda value, bound: value >= bound,
    "_lte": lambda value, bound: value <= bound,
    "_gt": lambda value, bound: value > bound,
    "_lt": lambda value, bound: value < bound,
}
_EQUALS: Final = (
    "id",
    "type",
    "source",
    "name",
    "rule_key",
    "asset_id",
    "asset_name",
    "asset_type",
    "group_name",
)


class HaloSim:
    """One Halo account behind `answer`. Change its world through `estate`, its manners through the
    switches.
    """

    def __init__(
        self,
        now: Callable[[], datetime],
        *,
        seed: int = 0,
        keep: int = 10_000,
    ) -> None:
        self.now = now
        self.estate = HaloEstate(now, seed=seed)
        self.faults = Faults(seed=seed + 1)
        self.calls: Counter[str] = Counter()
        self.recorded: deque[Exchange] = deque(maxlen=keep)
        self.ignores_gte = False
        self.ignores_lte = False
        self.calls_a_minute: int | None = None
        self.credentials = "a1b2c3d4:0123456789abcdef0123456789abcdef"  # key id and secret
        self._random = Random(seed + 2)
        self._this_minute = (now(), 0)
        self._tokens: dict[str, datetime] = {}
        self._kept_lists: dict[tuple[tuple[str, str], ...], list[HaloIssue]] = {}
        self._kept_version = -1
        self._kept_bodies: dict[str, tuple[int, dict[str, Any]]] = {}

    def answer(self, call: Call) -> Answer:
        route, effect = self._route(call)
        self.calls[route] += 1
        answer = self.faults.around(call, effect=effect)
        self.recorded.append(Exchange(route, call, answer))
        return answer

    def revoke_tokens(self) -> None:
        """Every token given out so far answers 401 from now on."""
        self._tokens.clear()

    # Routes
    # ---------------------------------------------------------------------------------------------------------

    def _route(self, call: Call) -> tuple[str, Callable[[Call], Answer]]:
        if call.path == "/oauth/access_token":
            return f"{call.method} /oauth/access_token", self._token
        route, effect = self._member_route(call)
        return f"{call.method} {route}", self._signed_in(effect)

    def _member_route(self, call: Call) -> tuple[str, Callable[[Call], Answer]]:
        found: tuple[str, Callable[[Call], Answer]] = (
            "(unknown)",
            lambda asked: _not_found(asked.path),
        )
        match (call.method, *call.path.strip("/").split("/")):
            case ("GET", "v3", "issues"):
                found = "/v3/issues", self._list
            case ("GET", "v3", "issues", issue_id):
                found = "/v3/issues/{id}", lambda _: self._describe(issue_id)
            case ("GET", "v1", "scans", scan_id, "findings", finding_id):
                found = (
                    "/v1/scans/{id}/findings/{id}",
                    lambda asked: self._finding(asked, key=(scan_id, finding_id)),
                )
            case ("GET", "v1", "events", event_id):
                found = "/v1/events/{id}", lambda _: self._event(event_id)
            case (
                "GET",
                "v1" | "v2" as version,
                "servers" | "csp_resources" | "container_images" as kind,
                asset_id,
            ):
                found = f"/{version}/{kind}/{{id}}", lambda _: self._asset(asset_id)
        return found

    def _signed_in(self, effect: Callable[[Call], Answer]) -> Callable[[Call], Answer]:
        def checked(call: Call) -> Answer:
            if self._is_throttled():
                return _error("API rate limit exceeded: too many calls per minute.", status=429)
            token = call.headers.get("authorization", "").removeprefix("Bearer ")
            if self.faults.strikes("token_revoked"):
                self._tokens.pop(token, None)
            if self._tokens.get(token, self.now()) <= self.now():
                return _error(
                    "Authorization failed: the access token is invalid or has expired.", status=401
                )
            return effect(call)

        return checked

    def _is_throttled(self) -> bool:
        """Halo counts calls by the minute; the number is not published, and nor is any header."""
        minute = self.now().replace(second=0, microsecond=0)
        self._this_minute = (
            minute,
            self._this_minute[1] + 1 if self._this_minute[0] == minute else 1,
        )
        return self.calls_a_minute is not None and self._this_minute[1] > self.calls_a_minute

    # Tokens
    # ---------------------------------------------------------------------------------------------------------

    def _token(self, call: Call) -> Answer:
        """POST /oauth/access_token, grant_type in the query or as a form (both are used by Halo's
        own connectors).
        """
        grants = {*call.args().values(), *call.body.decode(errors="replace").split("&")}
        if call.method != "POST" or not grants & {
            "client_credentials",
            "grant_type=client_credentials",
        }:
            return json_answer(
                {"error": "invalid_request", "error_description": "grant_type is missing"},
                status=400,
            )
        if not self._knows(call.headers.get("authorization", "")):
            return json_answer(
                {"error": "invalid_client", "error_description": "Client authentication failed"},
                status=401,
            )
        token = f"{self._random.getrandbits(128):032x}"
        self._tokens[token] = self.now() + timedelta(seconds=TOKEN_S)
        body = {"access_token": token, "token_type": "bearer", "expires_in": TOKEN_S}
        return json_answer(body, headers={"cache-control": "no-store", "pragma": "no-cache"})

    def _knows(self, authorization: str) -> bool:
        try:
            given = base64.b64decode(authorization.removeprefix("Basic "), validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            return False
        return given == self.credentials

    # Issues
    # ---------------------------------------------------------------------------------------------------------

    def _describe(self, issue_id: str) -> Answer:
        issue = self.estate.issues.get(issue_id)
        if issue is None or issue.forgotten:
            return _not_found(f"/v3/issues/{issue_id}")
        return json_answer({"issue": self._body(issue)})

    def _body(self, issue: HaloIssue) -> dict[str, Any]:
        """Kept until the issue changes: a page is asked for far more often than it changes."""
        version, body = self._kept_bodies.get(issue.id, (-1, {}))
        if version != issue.version:
            body = issue_body(self.estate, issue=issue)
            self._kept_bodies[issue.id] = (issue.version, body)
        return body

    def _list(self, call: Call) -> Answer:
        args = call.args()
        try:
            page = int(args.pop("page", "1"))
            size = min(int(args.pop("per_page", str(PAGE_MAX))), PAGE_MAX)
            rows = self._rows(args)
        except ValueError as wrong:
            return _error(str(wrong), status=422)
        if page < 1 or size < 1:
            return _error("page and per_page must be positive", status=422)
        if page * size > WINDOW_MAX:
            return _error(
                f"Result window is too large, page * per_page must be at most {WINDOW_MAX}",
                status=422,
            )
        if page > 1 and rows and self.faults.strikes("shifted_rows"):
            self.estate.rescan(rows[0].id)  # the world moves between two pages, as it does
            rows = self._rows(args)
        return self._page(args, rows=rows, page=page, size=size)

    def _page(self, args: dict[str, str], *, rows: list[HaloIssue], page: int, size: int) -> Answer:
        if self.faults.strikes("empty_list"):
            return json_answer({"issues": [], "count": 0})
        shown = page - 1 if page > 1 and self.faults.strikes("repeated_page") else page
        listed = rows[(shown - 1) * size : shown * size]
        if listed and self.faults.strikes("short_page"):
            listed = listed[:-1]
        body: dict[str, Any] = {
            "issues": [self._body(issue) for issue in listed],
            "count": len(rows),
        }
        if page * size < len(rows):
            body["pagination"] = {"next": _next_link(args, page=page + 1, size=size)}
        elif self._random.random() < 0.5:
            body["pagination"] = self._random.choice(({}, {"next": ""}))
        return json_answer(body)

    def _rows(self, args: dict[str, str]) -> list[HaloIssue]:
        """All rows that match, in the order asked for; kept until the world changes, as pages come
        one by one.
        """
        if self._kept_version != self.estate.version:
            self._kept_lists.clear()
            self._kept_version = self.estate.version
        switches = (("ignores_gte", str(self.ignores_gte)), ("ignores_lte", str(self.ignores_lte)))
        key = (*sorted(args.items()), *switches)
        if key not in self._kept_lists:
            self._kept_lists[key] = self._select(args)
        return self._kept_lists[key]

    def _select(self, args: dict[str, str]) -> list[HaloIssue]:
        tests = _tests(
            args, ignored=(("_gte",) * self.ignores_gte) + (("_lte",) * self.ignores_lte)
        )
        rows = [
            issue for issue in self.estate.issues.values() if all(test(issue) for test in tests)
        ]
        rows.sort(
            key=lambda issue: (issue.shape, issue.id)
        )  # no order that means anything, unless one is asked for
        for part in reversed(args["sort_by"].split(",") if "sort_by" in args else []):
            name, _, direction = part.partition(".")
            if name not in (*_TIMES, "id", "critical", "status", "name") or direction not in (
                "asc",
                "desc",
            ):
                raise ValueError(f"cannot sort by {part}")
            rows.sort(
                key=lambda issue: _sort_key(getattr(issue, name)), reverse=direction == "desc"
            )
        return rows

    # What issues point at
    # -------------------------------------------------------------------------------------------

    def _finding(self, call: Call, *, key: tuple[str, str]) -> Answer:
        issue, finding = self.estate.findings.get(key, (None, None))
        if issue is None or finding is None or self._is_gone(issue) or finding.is_event:
            return _not_found(call.path)
        page = int(call.args().get("page", "1"))
        return json_answer(finding_body(self.estate, issue=issue, finding=finding, page=page))

    def _event(self, event_id: str) -> Answer:
        """Bare in the captured answer; clients have been seen to unwrap `event` as well, so it
        comes both ways.
        """
        issue, finding = self.estate.events.get(event_id, (None, None))
        if issue is None or finding is None or self._is_gone(issue) or not finding.is_event:
            return _not_found(f"/v1/events/{event_id}")
        body = event_body(issue, finding=finding)
        return json_answer({"event": body} if issue.shape % 2 else body)

    def _is_gone(self, issue: HaloIssue) -> bool:
        return issue.asset.forgotten or self.faults.strikes("missing_finding")

    def _asset(self, asset_id: str) -> Answer:
        hyphenated = asset_id if "-" in asset_id else _hyphenate(asset_id)
        asset = self.estate.assets.get(hyphenated)
        if asset is None or asset.forgotten or self.faults.strikes("missing_asset"):
            return _not_found(asset_id)
        return json_answer(asset_body(asset))


def _tests(args: dict[str, str], *, ignored: tuple[str, ...]) -> list[Callable[[HaloIssue], bool]]:
    """One test per filter. A parameter nobody knows filters nothing, without a word."""
    statuses = set(args.get("status", "active").split(","))
    states = set(args.get("state", "active").split(","))
    tests: list[Callable[[HaloIssue], bool]] = [
        lambda issue: not issue.forgotten and issue.status in statuses,
        lambda issue: issue.asset.kind != "server" or issue.asset.state in states,
    ]
    for name, text in args.items():
        field, suffix = next(
            ((name.removesuffix(end), end) for end in _BOUNDS if name.endswith(end)), (name, "")
        )
        if suffix and field in _TIMES and suffix not in ignored:
            tests.append(_bound(field, suffix=suffix, bound=_instant(text)))
        elif name == "since":
            tests.append(_bound("created_at", suffix="_gte", bound=_instant(text)))
        elif name == "critical":
            tests.append(_critical(set(text.split(","))))
        elif name in _EQUALS:
            tests.append(_equal(name, wanted=set(text.split(","))))
    return tests


def _bound(field: str, *, suffix: str, bound: datetime) -> Callable[[HaloIssue], bool]:
    def test(issue: HaloIssue) -> bool:
        value: datetime | None = getattr(issue, field)
        return value is not None and _BOUNDS[suffix](value, bound)

    return test


def _equal(name: str, *, wanted: set[str]) -> Callable[[HaloIssue], bool]:
    if name.startswith(("asset_", "group_")):
        field = {
            "asset_id": "id",
            "asset_name": "name",
            "asset_type": "kind",
            "group_name": "group",
        }[name]
        return lambda issue: getattr(issue.asset, field) in wanted
    return lambda issue: getattr(issue, name) in wanted


def _critical(wanted: set[str]) -> Callable[[HaloIssue], bool]:
    return lambda issue: ("true" if issue.critical else "false") in wanted


def _instant(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _sort_key(value: Any) -> tuple[bool, Any]:
    return (value is None, 0 if value is None else value)


def _next_link(args: dict[str, str], *, page: int, size: int) -> str:
    """Every filter again, keys in alphabetical order, commas escaped (Halo SDK,
    test_integration_http_helper).
    """
    everything = sorted({**args, "page": str(page), "per_page": str(size)}.items())
    return f"{BASE}/v3/issues?" + "&".join(
        f"{name}={quote(value, safe='')}" for name, value in everything
    )


def _hyphenate(bare: str) -> str:
    return "-".join((bare[:8], bare[8:12], bare[12:16], bare[16:20], bare[20:]))


def _error(message: str, *, status: int) -> Answer:
    return json_answer({"message": message, "errors": []}, status=status)


def _not_found(path: str) -> Answer:
    return _error(f"Not found: {path}", status=404)
