"""What we ask Halo and what its answers mean: from values to requests, from answers to values.

Promises: pure functions; every list request carries `status`, all four `state` values, an explicit
order and `per_page`; a token or a listing that is refused is a `RemoteRefused` with advice, one
thing that is refused a `DetailRefused`, what cannot be read a `MalformedAnswer`; no URL that Halo
sends ever decides which host we talk to.
Does not do: sending, or knowing what stands inside issues and assets (`bodies.py`) and inside
findings (`findings.py`).
"""

import re
from base64 import b64encode
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, Literal
from urllib.parse import quote, urlencode

from msgspec import Struct
from msgspec.structs import replace

from job.core.ids import IssueId
from job.core.issues import Issue, IssueStatus
from job.errors import DetailRefused, RemoteDown, RemoteRefused
from job.halo import bodies
from job.halo.values import Body, malformed, number, text
from job.http.message import Request, Response
from job.http.tokens import Token

PAGE_ROWS = 100
"""The largest page that any public client of Halo asks for."""
PAGES_MAX = 100
"""10,000 rows deep: where cloudpassage/connector stops paging and starts a new window."""
RENEW_BEFORE_S = 180.0
"""A request is signed before it waits for its turn, which may take minutes where Halo allows
little.
"""
UNREADABLE_MIN = 5
"""Fewer rows that are no issues are those issues' own trouble; so many, if they are half of a page,
are a page that is broken.
"""
SIGNING_IN = "signing in"
STATES = "active,missing,deactivated,retired"
"""Of the issue's server. Left out, Halo may list active servers only
(cloudpassage/jira_halo_issues_sync sends all).
"""


# --- Signing in -----------------------------------------------------------------------------------


def token_request(base_url: str, *, key: str, secret: str) -> Request:
    """POST /oauth/access_token with the grant in the query and no body, as Halo's Python SDK sends
    it.
    """
    return Request(
        method="POST",
        url=f"{base_url}/oauth/access_token?grant_type=client_credentials",
        name="POST /oauth/access_token",
        headers={
            "Authorization": f"Basic {b64encode(f'{key}:{secret}'.encode()).decode()}",
            "Accept": "application/json",
        },
    )


def token(response: Response, *, asked_at: float) -> Token:
    """Lives 900 seconds by RackSec/cloudpassage-lib's documentation; there is no refresh token. It
    is renewed three minutes before it ends, or half-way if it hardly lives longer.
    """
    if 400 <= response.status < 500:
        raise RemoteRefused(
            "halo",
            SIGNING_IN,
            _answered(response),
            "Check HALO_API_KEY and HALO_API_SECRET_KEY, that the key is active, and its list of "
            "allowed addresses.",
        )
    body = _json(response, doing=SIGNING_IN)
    value = text(body.get("access_token")) if isinstance(body, dict) else ""
    if response.status != 200 or not value:
        raise malformed(SIGNING_IN, f"Halo answered {response.status} without an `access_token`.")
    lives_s = number(body.get("expires_in")) or 900.0
    return Token(value=value, renew_at=asked_at + max(lives_s - RENEW_BEFORE_S, lives_s / 2))


def signed(request: Request, *, token: Token) -> Request:
    return replace(request, headers={**request.headers, "Authorization": f"Bearer {token.value}"})


# --- Asking ---------------------------------------------------------------------------------------

Stamp = Literal["last_seen_at", "resolved_at", "created_at"]
LAST_SEEN: Final[Stamp] = "last_seen_at"
RESOLVED: Final[Stamp] = "resolved_at"
CREATED: Final[Stamp] = "created_at"


class Listing(Struct, frozen=True, kw_only=True):
    """Issues of one status, in the order of one of their timestamps, from an instant on."""

    status: IssueStatus
    stamp: Stamp
    since: datetime | None = None
    descending: bool = False
    critical_only: bool = False

    def at(self, issue: Issue) -> datetime | None:
        """Where the issue stands in this listing; `None` when Halo did not say."""
        at: datetime | None = getattr(issue, self.stamp)
        return at

    def __str__(self) -> str:
        return f"listing {self.status} issues by {self.stamp}"


def page_request(base_url: str, *, listing: Listing, page: int) -> Request:
    """GET /v3/issues. Left to itself Halo lists active issues only, in an order of its own. Who
    reads backward does so because the filter is of no use, and sends none.
    """
    query = {
        "status": listing.status.value,
        "state": STATES,
        "sort_by": f"{listing.stamp}.{'desc' if listing.descending else 'asc'}",
        "per_page": PAGE_ROWS,
        "page": page,
    }
    if listing.critical_only:
        query["critical"] = "true"  # a list of `true` and `false` in Halo's SDK (issue.py)
    if listing.since is not None and not listing.descending:
        query[f"{listing.stamp}_gte"] = f"{listing.since.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"
    return _get(f"{base_url}/v3/issues?{urlencode(query)}", name="GET /v3/issues")


def issue_request(base_url: str, *, issue_id: IssueId) -> Request:
    return _get(f"{base_url}/v3/issues/{quote(issue_id, safe='')}", name="GET /v3/issues/{id}")


def detail_request(base_url: str, *, url: str) -> Request:
    """GET of what an issue points at: the path and query of `url` on our own host, as Halo's SDK
    does it too.

    Halo's answers name hosts we were never told to trust, among them portal.cloudpassage.com.
    """
    found = _ADDRESS.fullmatch(url.strip())
    if not found:
        raise malformed(
            "reading an issue", f"It points at {url!r:.100}, which is no address of Halo's API."
        )
    path, query = found.groups(default="")
    return _get(f"{base_url}{path}{query}", name=f"GET {_ID.sub('/{id}', path)}")


def cve_request(base_url: str, *, cve_id: str) -> Request:
    """GET /v1/cve_details/{id} (Halo's Python SDK, cve_details.py)."""
    return _get(f"{base_url}/v1/cve_details/{quote(cve_id, safe='')}", name=CVE_DETAILS)


CVE_DETAILS: Final = "GET /v1/cve_details/{id}"
_ADDRESS = re.compile(r"(?:[A-Za-z][\w+.-]*:)?(?://[^/?#]*)?(/v\d+/\w[^?#]*)(\?[^#]*)?(?:#.*)?")
_ID = re.compile(r"/(?=[^/]*\d)[\w-]{8,}")


def _get(url: str, *, name: str) -> Request:
    return Request(method="GET", url=url, name=name, headers={"Accept": "application/json"})


# --- Understanding --------------------------------------------------------------------------------


class Page(Struct, frozen=True, kw_only=True):
    """One page of a listing. `count` is Halo's total over all pages at that moment."""

    number: int
    issues: tuple[Issue, ...]
    count: int
    names_next: bool
    """Whether Halo says that there is another page; never where."""


def page(response: Response, *, listing: Listing, number: int) -> Page:
    """Reads one page whole, or not at all: half a list must never look like a list."""
    doing = str(listing)
    body = _json(_accepted(response, listing=listing), doing=doing)
    rows, count = (
        (body.get("issues"), body.get("count")) if isinstance(body, dict) else (None, None)
    )
    if response.status != 200 or not isinstance(rows, list) or not isinstance(count, int):
        raise malformed(
            doing, f"Halo answered {response.status} with a page without `issues` or `count`."
        )
    pagination = body.get("pagination")
    names_next = isinstance(pagination, Mapping) and bool(text(pagination.get("next")))
    issues = tuple(_issues(rows, number=number))
    _hold_readable(issues, doing=doing)
    return Page(number=number, issues=issues, count=count, names_next=names_next)


def _issues(rows: Sequence[Any], *, number: int) -> Iterator[Issue]:
    """One issue for each row. Those without an id get a name each, for rows are counted by them."""
    alike: Counter[IssueId] = Counter()
    for row in rows:
        issue = bodies.listed_issue(row)
        if not issue.has_id:
            alike[issue.id] += 1
            issue = replace(issue, id=IssueId(f"{issue.id} {number}.{alike[issue.id]}"))
        yield issue


def _hold_readable(issues: Sequence[Issue], *, doing: str) -> None:
    """Raises `MalformedAnswer` when so many cannot be read that it must be the page."""
    reasons = [issue.unreadable for issue in issues if issue.unreadable]
    if len(reasons) >= UNREADABLE_MIN and 2 * len(reasons) >= len(issues):
        happened = f"Of {len(issues)} rows on a page {len(reasons)} cannot be read: {reasons[0]}"
        raise malformed(doing, happened)


def found(response: Response, *, doing: str) -> Body | None:
    """The object that was asked for by its id; `None` for a 404: deleted, or never there.

    Whatever else Halo answers is about this object alone, but for a 401.
    """
    if response.status == 401:
        raise _refused(response, doing=doing, kind=RemoteRefused)
    if response.status == 404:
        return None
    if response.status != 200:
        raise DetailRefused(f"While {doing}: {_answered(response)}")
    return bodies.unwrap(_json(response, doing=doing), doing=doing)


def broken_over(failure: RemoteDown, *, request: Request) -> bool:
    """Whether Halo is there and broke over what this request asks for. A gateway that cannot reach
    it says 502, 503 or 504.
    """
    return failure.status == 500 and failure.doing == request.name


class FilterRefused(RemoteRefused):
    """Halo does not take the question of a listing as long as it has a filter in it, perhaps."""


def _accepted(response: Response, *, listing: Listing) -> Response:
    """The answer, unless it refuses a listing: that is about us."""
    if response.status not in _REFUSALS:
        return response
    filters = listing.since is not None and not listing.descending
    kind = FilterRefused if filters and response.status in {400, 422} else RemoteRefused
    raise _refused(response, doing=str(listing), kind=kind)


def _refused(response: Response, *, doing: str, kind: type[RemoteRefused]) -> RemoteRefused:
    """A 401 is final here: `client.py` has renewed the token once by then."""
    return kind("halo", doing, _answered(response), _REFUSALS[response.status])


def _answered(response: Response) -> str:
    return f"Halo answered {response.status}. {_said(response)}".strip()


_REFUSALS = {
    400: "Halo does not take our question: a newer version of this program may be needed.",
    401: "A token that was just issued is not accepted: check in Halo that HALO_API_KEY is still "
    "active.",
    403: "The API key lacks the right to read this: in Halo, make it at least an auditor's key for "
    "the whole group.",
    410: "Halo has removed this endpoint: a newer version of this program may be needed.",
    422: "Halo does not take our question: a newer version of this program may be needed.",
}


def _json(response: Response, *, doing: str) -> Any:
    try:
        return response.json()
    except ValueError:
        kind = response.headers.get("content-type", "no content type")
        size = len(response.body)
        raise malformed(
            doing, f"Halo answered {response.status} with {size} bytes of {kind} that are no JSON."
        ) from None


def _said(response: Response) -> str:
    """Halo's own words on an error, where it has any: `message`, `error_description` or `error`."""
    try:
        body = response.json()
    except ValueError:
        return ""
    keys = ("message", "error_description", "error")
    words = (text(body.get(key)) for key in keys) if isinstance(body, dict) else ()
    return next((f"It says: {said:.200}" for said in words if said), "")
