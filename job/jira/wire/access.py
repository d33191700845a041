"""How Jira lets us in: the ways to sign in, where each of them counts, and why it was refused.

Promises: whether an answer was given to us is read from what Jira says of it and not from its body;
each refusal names what is wrong with whom, the setting, and where to put it right; no answer to a
request for a token is ever quoted.
Does not do: asking (`jira/signing.py`), or anything about tickets.
Source: support.atlassian.com, "Manage API tokens" and "Create OAuth 2.0 credential for service
accounts". `x-failure-category` is not documented; public clients of 2026 report it.
"""

import base64
import re
from enum import StrEnum
from typing import Any

from msgspec import Struct

from job.errors import MalformedAnswer, RemoteRefused
from job.http.message import Request, Response, as_json
from job.http.tokens import Token

REMOTE = "jira"
GATEWAY = "https://api.atlassian.com"
SCOPES = frozenset({"read:jira-work", "write:jira-work", "read:jira-user"})
"""What we need, in classic scopes; granular ones may grant the same piece by piece."""
SIGNING_IN = "signing in"
RENEW_BEFORE_S = 180.0
"""A request is signed before it waits for its turn, which may take minutes."""
MISMATCH, SCOPE_CHECK = "FAILURE_CLIENT_AUTH_MISMATCH", "FAILURE_CLIENT_SCOPE_CHECK"
_CATEGORY = re.compile(r"[A-Z_]{1,60}")
_CLOUD_ID = re.compile(r"[\w-]+")


class SignIn(StrEnum):
    """A way to sign in."""

    API_TOKEN = "an API token"
    SERVICE_ACCOUNT = "a service account (OAuth 2.0)"


class ApiToken(Struct, frozen=True, kw_only=True):
    """A token that somebody made for an account; with scopes or without, which nothing tells."""

    user: str
    token: str

    def __repr__(self) -> str:
        return f"ApiToken(user={self.user!r})"

    @property
    def authorization(self) -> str:
        return f"Basic {base64.b64encode(f'{self.user}:{self.token}'.encode()).decode()}"


class ClientCredentials(Struct, frozen=True, kw_only=True):
    """The OAuth 2.0 credential of a service account, for which tokens of an hour are given."""

    client_id: str
    secret: str
    token_url: str

    def __repr__(self) -> str:
        return f"ClientCredentials(client_id={self.client_id!r})"


class Door(Struct, frozen=True, kw_only=True):
    """Where a site's API is asked, and in which way we sign in there."""

    base_url: str
    """The site's address, or the gateway's with the cloud id."""
    sign_in: SignIn = SignIn.API_TOKEN

    @property
    def cloud_id(self) -> str:
        """The site's id where the address carries it, as the gateway's does; else ""."""
        _, found, cloud_id = self.base_url.partition("/ex/jira/")
        return cloud_id if found else ""

    @property
    def is_gateway(self) -> bool:
        return bool(self.cloud_id)


def gateway_door(gateway: str, *, cloud_id: str, sign_in: SignIn) -> Door:
    return Door(base_url=f"{gateway}/ex/jira/{cloud_id}", sign_in=sign_in)


# --- Why we are not let in ------------------------------------------------------------------------


def is_refusal(response: Response) -> bool:
    """Whether it was given to a stranger. Where strangers may look, a bad token does not give 401
    but 200 and an empty site, and a header tells (met by many clients: github.com
    MrRefactoring/jira.js#418, n8n-io/n8n#16325).
    """
    return response.status == 401 or bool(_login_reason(response))


def lacks_scope(response: Response) -> bool:
    """Whether we are known, and what we are known by is not good for this."""
    if response.status != 401:
        return False
    told = _category(response) == SCOPE_CHECK
    return told or b"scope does not match" in response.body


def refused(response: Response, *, door: Door, doing: str, words: str) -> RemoteRefused:
    """The error for an answer that was given to a stranger. `words` are Jira's own."""
    told = ", ".join(filter(None, (_login_reason(response), _category(response))))
    happened = f"our credentials were not accepted{f' ({told})' if told else ''}. {words}".strip()
    return RemoteRefused(REMOTE, doing, happened, advice(door, response=response))


def advice(door: Door, *, response: Response | None = None) -> str:
    """What to look at when Jira does not let us in, as the cause that it names suggests."""
    if response is not None and lacks_scope(response):
        return _scope_advice(door)
    if response is not None and _login_reason(response) == "AUTHENTICATION_DENIED":
        return "Jira wants a person: sign in to the site once in a browser and solve its riddle."
    if door.sign_in is SignIn.SERVICE_ACCOUNT:
        return (
            "Check JIRA_CLIENT_ID and JIRA_CLIENT_SECRET, and in Atlassian Administration, "
            "Directory, Service accounts, that the credential still stands and that the account "
            "has access to this site."
        )
    ends = "tokens end after a year at the latest (id.atlassian.com, Security, API tokens)."
    is_mismatch = response is not None and _category(response) == MISMATCH
    if is_mismatch and not door.is_gateway:
        return (
            "Check that JIRA_API_USER is the e-mail address of the account that made "
            f"JIRA_API_TOKEN, and that the token still stands: {ends}"
        )
    checks = f"Check JIRA_API_USER and JIRA_API_TOKEN: {ends}"
    if door.is_gateway:
        return (
            f"{checks} Behind the gateway it needs the scopes {_named(SCOPES)}; a token without "
            "scopes works only with the site's own address in JIRA_API_URL."
        )
    return checks


def _scope_advice(door: Door) -> str:
    if door.sign_in is SignIn.SERVICE_ACCOUNT:
        return (
            f"The credential of JIRA_CLIENT_ID needs the scopes {_named(SCOPES)}. Scopes cannot be "
            "added: make another one in Atlassian Administration, Directory, Service accounts."
        )
    return (
        f"JIRA_API_TOKEN needs the scopes {_named(SCOPES)}. Scopes cannot be added: make another "
        "one under id.atlassian.com, Security, API tokens."
    )


def _named(scopes: frozenset[str]) -> str:
    return ", ".join(sorted(scopes))


def _login_reason(response: Response) -> str:
    reason = response.headers.get("x-seraph-loginreason", "")
    for word in ("AUTHENTICATED_FAILED", "AUTHENTICATION_DENIED"):
        if word in reason:
            return word
    return ""


def _category(response: Response) -> str:
    """It is spelled with underscores, or with blanks; anything else is no category."""
    told = response.headers.get("x-failure-category", "").strip().replace(" ", "_")
    return told if _CATEGORY.fullmatch(told) else ""


# --- Tokens of service accounts -------------------------------------------------------------------


def token_request(credentials: ClientCredentials) -> Request:
    """POST to the address of tokens, the grant in JSON. There is no refresh token."""
    body = {
        "grant_type": "client_credentials",
        "client_id": credentials.client_id,
        "client_secret": credentials.secret,
    }
    return Request(
        method="POST",
        url=credentials.token_url,
        name="POST /oauth/token",
        headers={"Accept": "application/json", "Content-Type": "application/json"},
        body=as_json(body),
    )


def token(response: Response, *, asked_at: float) -> Token:
    """Lives an hour; renewed three minutes before it ends, or half-way if it hardly lives longer.
    Raises `RemoteRefused`, `MalformedAnswer`.
    """
    if response.status in {404, 405, 410} or 300 <= response.status < 400:
        raise RemoteRefused(
            REMOTE,
            SIGNING_IN,
            f"no tokens are given there: it answered {response.status}.",
            "Check JIRA_TOKEN_URL; its default is Atlassian's.",
        )
    if 400 <= response.status < 500:
        raise RemoteRefused(
            REMOTE,
            SIGNING_IN,
            f"Atlassian gives no token for JIRA_CLIENT_ID: it answered {response.status}.",
            advice(Door(base_url="", sign_in=SignIn.SERVICE_ACCOUNT)),
        )
    try:
        body = response.json()
    except ValueError:
        body = None
    value = body.get("access_token") if isinstance(body, dict) else None
    if response.status != 200 or not isinstance(value, str) or not value:
        what = f"it answered {response.status} without an `access_token`. Check JIRA_TOKEN_URL."
        raise MalformedAnswer(REMOTE, SIGNING_IN, what)
    lives_s = _seconds(body.get("expires_in"))
    return Token(
        value=value,
        renew_at=asked_at + max(lives_s - RENEW_BEFORE_S, lives_s / 2),
        scopes=frozenset(str(body.get("scope") or "").split()),
    )


def _seconds(told: Any) -> float:
    """How long a token lives, by what the answer says of it; an hour where it says nothing."""
    is_number = isinstance(told, int | float) and not isinstance(told, bool)
    return float(told) if is_number and told > 0 else 3600.0


# --- Which site it is -----------------------------------------------------------------------------


def tenant_request(address: str) -> Request:
    """Answered to anybody (observed: it is not part of the documented API)."""
    name = "GET /_edge/tenant_info"
    headers = {"Accept": "application/json"}
    return Request(method="GET", url=f"{address}/_edge/tenant_info", name=name, headers=headers)


def tenant(response: Response) -> str:
    """The site's id; "" where the answer has none that could be one."""
    try:
        body = response.json() if response.status == 200 else None
    except ValueError:
        return ""
    return _id_in(body, key="cloudId")


def resources_request(gateway: str) -> Request:
    """The sites that a token of a service account may ask; to be signed with it."""
    return Request(
        method="GET",
        url=f"{gateway}/oauth/token/accessible-resources",
        name="GET /oauth/token/accessible-resources",
        headers={"Accept": "application/json"},
    )


def resource(response: Response, *, address: str) -> str:
    """The id of the site at this address; "" where it is not among them."""
    try:
        body = response.json() if response.status == 200 else None
    except ValueError:
        return ""
    for raw in body if isinstance(body, list) else ():
        if isinstance(raw, dict) and str(raw.get("url", "")).rstrip("/") == address:
            return _id_in(raw, key="id")
    return ""


def unknown_site(door: Door, *, gateway: str) -> RemoteRefused:
    """The error where nothing tells the site's id, without which the gateway cannot be asked."""
    happened = f"nothing tells which site {door.base_url} is."
    advice = (
        f"Check JIRA_API_URL, or set it to {gateway}/ex/jira/CLOUD_ID; in Atlassian Administration "
        "the address of the site's page holds that id."
    )
    return RemoteRefused(REMOTE, "asking which site it is", happened, advice)


def _id_in(body: Any, *, key: str) -> str:
    told = body.get(key) if isinstance(body, dict) else None
    return told if isinstance(told, str) and _CLOUD_ID.fullmatch(told) else ""
