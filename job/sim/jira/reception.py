"""Who is asking a Jira site, as far as it will tell: the three ways in, and who is turned away.

Promises: an API token without scopes counts on the site alone, one with scopes and the token of a
service account (OAuth 2.0, client credentials) behind the gateway alone; a token that has ended or
was revoked is a stranger's on the site and is turned away behind the gateway; a token without the
scope of an operation is turned away from it; `x-failure-category` says which of these it was.
Does not do: permissions in projects (access.py), or any operation of the API.
Source: support.atlassian.com, "Manage API tokens" and "Create OAuth 2.0 credential for service
accounts"; the header as public clients of 2026 report it.
"""

import base64
import binascii
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import quote

from job.sim.call import Answer, Call, json_answer
from job.sim.jira.site import Site

TENANT_INFO: Final = "/_edge/tenant_info"
TOKEN: Final = "/oauth/token"
RESOURCES: Final = "/oauth/token/accessible-resources"
_FAILED_LOGIN: Final = {"x-seraph-loginreason": "AUTHENTICATED_FAILED"}
_MISMATCH: Final = {"x-failure-category": "FAILURE_CLIENT_AUTH_MISMATCH"}
_SCOPE_CHECK: Final = {"x-failure-category": "FAILURE_CLIENT_SCOPE_CHECK"}
_TOKEN_LIVES: Final = timedelta(hours=1)
_READING_POSTS: Final = (
    *("/search/jql", "/search/approximate-count", "/issue/bulkfetch", "/comment/list"),
    *("/jql/parse", "/jql/match"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Visitor:
    """Somebody who is not signed in is a stranger, who is answered all the same, unless there is an
    answer `instead`.
    """

    signed_in: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)
    instead: Answer | None = None


class Reception:
    """The front door of one site, and the gateway's. Tests revoke tokens and add further ones."""

    def __init__(self, site: Site, *, now: Callable[[], datetime]) -> None:
        self.revoked: set[str] = set()
        """API tokens, client secrets and tokens of service accounts that no longer count."""
        self.further: set[str] = set()
        """API tokens without scopes that count beside the site's own, as while one is rotated."""
        self.tokens_end_at: datetime | None = None
        self.issued: list[str] = []
        """Every token that a service account was given, in order."""
        self._site = site
        self._now = now
        self._ends_at: dict[str, datetime] = {}

    def is_mine(self, call: Call) -> bool:
        """Whether the call is about signing in and not to the API."""
        return call.path in {TENANT_INFO, TOKEN, RESOURCES}

    def answer(self, call: Call) -> Answer:
        match call.method, call.path:
            case "GET", path if path == TENANT_INFO:
                return json_answer({"cloudId": self._site.cloud_id})  # to anybody who asks
            case "POST", path if path == TOKEN:
                return self._issue(call)
            case "GET", path if path == RESOURCES:
                return self._resources(call)
        return json_answer({"code": 405, "message": "Method Not Allowed"}, status=405)

    def who(self, call: Call, *, template: str) -> Visitor:
        """The visitor who asks for the operation of this template, such as `/issue/{key}`."""
        given = call.headers.get("authorization", "")
        if not given:
            return Visitor()
        if call.path.startswith("/ex/"):
            return self._at_gateway(given, call=call, template=template)
        return self._on_site(given)

    def _on_site(self, given: str) -> Visitor:
        email, _, token = _basic(given).partition(":")
        known = token == self._site.token or token in self.further
        if known and email != self._site.email:
            return _turned_away(_FAILED_LOGIN | _MISMATCH)
        if known and self._counts(token):
            return self._us()
        if given.startswith("Bearer ") or token == self._site.scoped_token:
            return _turned_away(_FAILED_LOGIN | _MISMATCH)
        return Visitor(headers=_FAILED_LOGIN)

    def _at_gateway(self, given: str, *, call: Call, template: str) -> Visitor:
        email, _, token = _basic(given).partition(":")
        bearer = given.removeprefix("Bearer ")
        is_service = bearer in self._ends_at and self._now() < self._ends_at[bearer]
        is_ours = (email, token) == (self._site.email, self._site.scoped_token)
        if (is_service and bearer not in self.revoked) or (is_ours and self._counts(token)):
            return self._within_scopes(call, template=template)
        return _turned_away(_FAILED_LOGIN | _MISMATCH)

    def _within_scopes(self, call: Call, *, template: str) -> Visitor:
        needed = _scope_for(call.method, template=template)
        if needed and needed not in self._site.scopes:
            return _turned_away(_SCOPE_CHECK, message="Unauthorized; scope does not match")
        return self._us()

    def _counts(self, token: str) -> bool:
        ended = self.tokens_end_at is not None and self._now() >= self.tokens_end_at
        return token not in self.revoked and not ended

    def _us(self) -> Visitor:
        return Visitor(
            signed_in=True, headers={"X-AAccountId": quote(self._site.me.account_id, safe="")}
        )

    def _issue(self, call: Call) -> Answer:
        """The grant `client_credentials`, asked for in JSON; there is no refresh token."""
        asked = _object(call.body)
        if asked.get("grant_type") != "client_credentials":
            body = {"error": "unsupported_grant_type", "error_description": "Unknown grant."}
            return json_answer(body, status=403)
        known = (asked.get("client_id"), asked.get("client_secret")) == (
            self._site.client_id,
            self._site.client_secret,
        )
        if not known or self._site.client_secret in self.revoked:
            body = {"error": "access_denied", "error_description": "Unauthorized"}
            return json_answer(body, status=401)
        token = f"eyJ-simulated-{len(self.issued) + 1:06}"
        self.issued.append(token)
        self._ends_at[token] = self._now() + _TOKEN_LIVES
        given: dict[str, Any] = {
            "access_token": token,
            "expires_in": int(_TOKEN_LIVES.total_seconds()),
            "token_type": "Bearer",
            "scope": " ".join(sorted(self._site.scopes)),
        }
        return json_answer(given)

    def _resources(self, call: Call) -> Answer:
        """The sites that a token of a service account may ask."""
        if call.headers.get("authorization", "").removeprefix("Bearer ") not in self._ends_at:
            return json_answer({"code": 401, "message": "Unauthorized"}, status=401)
        site = self._site
        named = {"id": site.cloud_id, "url": site.base_url, "name": "acme"}
        return json_answer([{**named, "scopes": sorted(site.scopes)}])


def _turned_away(headers: Mapping[str, str], *, message: str = "Unauthorized") -> Visitor:
    answer = json_answer({"code": 401, "message": message}, status=401)
    return Visitor(headers=headers, instead=answer)


def _scope_for(method: str, *, template: str) -> str:
    """The classic scope of an operation; "" for what anybody may ask."""
    if template == "/serverInfo":
        return ""
    if template.startswith(("/myself", "/user/")):
        return "read:jira-user"
    reads = method == "GET" or template in _READING_POSTS
    return "read:jira-work" if reads else "write:jira-work"


def _basic(authorization: str) -> str:
    try:
        return base64.b64decode(authorization.removeprefix("Basic "), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return ""


def _object(body: bytes) -> dict[str, Any]:
    try:
        asked = json.loads(body)
    except ValueError:
        return {}
    return asked if isinstance(asked, dict) else {}
