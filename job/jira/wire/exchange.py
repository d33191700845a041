"""What goes around any request to Jira Cloud, and what must be true before an answer is believed.

Promises: an answer that was given to a stranger (an expired token) or to somebody else never passes
as an answer to us; no body is taken for JSON unread; Jira's words are kept, shortened, whatever
shape an error has.
Does not do: single endpoints (the files beside this one), sending and repeating (`job/http`).
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote, unquote, urlencode

from msgspec import Struct, field

from job.errors import FateUnknown, MalformedAnswer, RemoteRefused, TicketRejected
from job.http.message import Request, Response, as_json
from job.jira.wire import access
from job.jira.wire.access import Door

REMOTE = access.REMOTE
WORDS_MAX = 300
# Error texts come in the user's language unless English is forced (Jira Cloud REST v3, "Special
# headers").
_HEADERS = {
    "Accept": "application/json",
    "X-Force-Accept-Language": "true",
    "Accept-Language": "en",
}
_HEADERS_OF_JSON = {**_HEADERS, "Content-Type": "application/json"}
REJECTED = frozenset({400, 402, 403, 404, 409, 413, 422})
"""Jira looked at the write and said no to it (Jira Cloud REST v3, the responses of POST "issue" and
its neighbours; 402 by HTTP alone, where a licence has ended).
"""


class Site:
    """One Jira as its endpoints are described: requests without an address and without credentials,
    which `jira/signing.py` adds, and what must be true of their answers.
    """

    def __init__(self, door: Door) -> None:
        self.door = door
        """Where it is asked; moved when signing in finds another one."""

    def request(
        self,
        name: str,
        *,
        ids: Mapping[str, str] | None = None,
        query: Mapping[str, str | int] | None = None,
        body: Mapping[str, Any] | None = None,
        repeatable: bool = True,
        deadline_s: float = 30.0,
        subject: str = "",
    ) -> Request:
        """`name` is a method and a path with places such as `{id}`, which `ids` fills."""
        method, path = name.split(" ")
        for place, value in (ids or {}).items():
            path = path.replace(f"{{{place}}}", quote(value, safe=""))
        return Request(
            method=method,
            url=path + (f"?{urlencode(query)}" if query else ""),
            name=name,
            headers=_HEADERS if body is None else _HEADERS_OF_JSON,
            body=None if body is None else as_json(body),
            repeatable=repeatable,
            deadline_s=deadline_s,
            subject=subject,
        )

    def trust(self, response: Response, *, doing: str, account_id: str | None) -> Response:
        """The answer, if it was given to us. Raises `RemoteRefused` for one that was given to
        somebody else.
        """
        if access.is_refusal(response):
            words = complaint(response) if response.status == 401 else ""
            raise access.refused(response, door=self.door, doing=doing, words=words)
        # Jira Cloud REST v3, "Special headers": X-AAccountId is the account that the answer was
        # made for. Live sites send it percent-encoded (`712020%3A…` for `712020:…`), as recordings
        # of live answers show.
        answered_to = unquote(response.headers.get("x-aaccountid", ""))
        if account_id is not None and answered_to not in {"", account_id}:
            raise RemoteRefused(
                REMOTE, doing, f"the answer is for account {answered_to}, not for {account_id}."
            )
        if response.status == 410:
            advice = (
                "This endpoint was removed from Jira; a newer version of this program is needed."
            )
            raise RemoteRefused(REMOTE, doing, complaint(response), advice)
        return response

    def answer(self, response: Response, *, doing: str) -> Any:
        """The JSON of an answer to a read."""
        if response.status != 200:
            advice = access.advice(self.door) if response.status < 400 else ""
            if response.status == 404:
                advice = "Check JIRA_API_URL."
            raise RemoteRefused(
                REMOTE, doing, f"it answered {response.status}: {complaint(response)}", advice
            )
        if _is_web_page(response):
            raise RemoteRefused(
                REMOTE,
                doing,
                "a web page came where JSON should be, likely a log-in.",
                access.advice(self.door),
            )
        with readable(doing):
            return response.json()


class Complaint(Struct, frozen=True, kw_only=True):
    """What an error says: in general, and about single fields."""

    general: str = ""
    fields: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        about = (f"{name}: {text}" for name, text in self.fields.items())
        return " ".join(filter(None, (self.general, *about))) or "It gave no reason."


class NumberedPage(Struct, frozen=True, kw_only=True):
    """A piece of a listing that is paged by numbers."""

    items: list[Any]
    next_start: int | None
    """Where the next piece starts; `None` at the end."""


@contextmanager
def readable(doing: str) -> Iterator[None]:
    """A block that picks an answer apart: whatever is missing or of another kind makes it
    malformed.
    """
    try:
        yield
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        what = f"the answer cannot be read ({type(error).__name__}: {error})."[:WORDS_MAX]
        raise MalformedAnswer(REMOTE, doing, what) from error


def page(body: Any, *, key: str, start: int, doing: str) -> NumberedPage:
    """A piece of a listing. Nothing where there should be more is an error and never taken for the
    end.
    """
    with readable(doing):
        items, total = list(body[key]), int(body["total"])
    next_start = start + len(items)
    if next_start >= total:
        return NumberedPage(items=items, next_start=None)
    if not items:
        raise MalformedAnswer(REMOTE, doing, f"the list ended after {start} of {total}.")
    return NumberedPage(items=items, next_start=next_start)


def written(response: Response, *, doing: str, kind: Any = Any) -> Any:
    """The JSON of an answer to a write that was accepted; anything unreadable leaves the write's
    fate unknown.
    """
    if response.status not in {200, 201} or _is_web_page(response):
        raise FateUnknown(REMOTE, doing, f"it answered {response.status}: {complaint(response)}")
    try:
        return response.json(kind)
    except ValueError as error:
        what = f"it answered {response.status} with a body that cannot be read ({error})."
        raise FateUnknown(REMOTE, doing, what) from error


def rejection(response: Response, *, doing: str) -> TicketRejected:
    """Jira's no to one write, in its own words by field."""
    return rejected(_words(response), doing=doing, status=response.status)


def rejected(words: Complaint, *, doing: str, status: int) -> TicketRejected:
    return TicketRejected(
        f"Jira refused {doing} ({status}): {words}", status=status, fields=words.fields
    )


def complaint(response: Response) -> str:
    """What an error says, on one line."""
    return str(_words(response))


def words_of(body: Any) -> Complaint:
    """Reads Jira's own `ErrorCollection` and every other shape in which an error comes.

    Jira itself: `errorMessages`, and `errors` by field; bulk operations: `errors` as a list;
    gateways: `message`; unknown paths: problem+json with `title` and `detail`.
    """
    if not isinstance(body, dict):
        return Complaint()
    said = [
        *_list(body.get("errorMessages")),
        *(body.get(name) for name in ("message", "title", "detail")),
    ]
    errors = body.get("errors")
    said += [error.get("message") for error in _list(errors) if isinstance(error, dict)]
    by_field = errors if isinstance(errors, dict) else {}
    return Complaint(
        general=shorten(" ".join(text for text in said if isinstance(text, str))),
        fields={str(name): shorten(str(text)) for name, text in by_field.items()},
    )


def shorten(text: str) -> str:
    """One line, cut where a log line would become a page."""
    line = " ".join(text.split())
    return line if len(line) <= WORDS_MAX else f"{line[: WORDS_MAX - 1]}…"


def _words(response: Response) -> Complaint:
    if _is_web_page(response):
        return Complaint(general="It sent a web page.")
    try:
        return words_of(response.json())
    except ValueError:
        return Complaint(general=shorten(response.body.decode(errors="replace")))


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _is_web_page(response: Response) -> bool:
    is_html = "text/html" in response.headers.get("content-type", "")
    return is_html or response.body.lstrip()[:1] == b"<"
