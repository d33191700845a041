"""Secrets planted in every setting that can hold one, vendors that repeat them, and an eye for
every form of them.
"""

from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from itertools import cycle
from typing import Final, Literal
from urllib.parse import quote, quote_plus

from job.clock import SystemClock
from job.sim.call import Answer, Call, json_answer
from job.sim.jira.site import Site
from job.sim.world import World

HALO_KEY: Final = "planted.halo.key=1"
HALO_SECRET: Final = "planted/halo/secret+2=="
JIRA_TOKEN: Final = "planted-jira-token:3/ATATT+x_y?z&"
PROXY_PASSWORD: Final = "planted@proxy#password:4"
ACCESS_TOKEN: Final = "planted~access~token/5"
"""Not a setting: what Halo gives for the key, good for a quarter of an hour."""
USER: Final = "halo-sync@example.com"
PROXY_USER: Final = "proxy-user"

SECRETS: Final = (HALO_SECRET, JIRA_TOKEN, PROXY_PASSWORD, ACCESS_TOKEN)
PAIRS: Final = (
    f"{HALO_KEY}:{HALO_SECRET}",
    f"{USER}:{JIRA_TOKEN}",
    f"{PROXY_USER}:{PROXY_PASSWORD}",
)
"""What HTTP Basic sends as one text."""


def forms(secret: str) -> Iterator[str]:
    """As it is, as URLs write it, as base64 writes it."""
    yield secret
    yield quote(secret, safe="")
    yield quote_plus(secret)
    yield b64encode(secret.encode()).decode()
    yield urlsafe_b64encode(secret.encode()).decode().rstrip("=")


FORMS: Final = tuple(dict.fromkeys(form for secret in (*SECRETS, *PAIRS) for form in forms(secret)))


def leaks(said: str | bytes) -> list[str]:
    """The planted forms that stand in an output or a document, and those of which a good half
    stands there.
    """
    text = said if isinstance(said, str) else said.decode(errors="replace")
    return [form for form in FORMS if form[: len(form) * 3 // 4] in text]


def planted_world() -> World:
    """A world whose vendors know us by the planted secrets, with work for every kind of request."""
    world = World.make(seed=1, site=Site(email=USER, token=JIRA_TOKEN))
    world.halo.tokens.credentials = f"{HALO_KEY}:{HALO_SECRET}"
    return world


class HastyClock(SystemClock):
    """The machine's clock, but whoever sleeps is awake at once, and then it is as late as it
    would have been.
    """

    def __init__(self) -> None:
        self._slept = timedelta()

    def now(self) -> datetime:
        return super().now() + self._slept

    def monotonic(self) -> float:
        return super().monotonic() + self._slept.total_seconds()

    async def sleep(self, seconds: float) -> None:
        self._slept += timedelta(seconds=seconds)
        await super().sleep(0)


# --- Vendors that repeat what they know -----------------------------------------------------------

Manner = Callable[[str], Answer]


def _by_fields(status: int) -> Manner:
    return lambda words: json_answer(
        {"errorMessages": [words], "errors": {"summary": words}}, status=status
    )


def _html(status: int) -> Manner:
    return lambda words: Answer(
        status, {"content-type": "text/html"}, f"<html><h1>{words}</h1></html>".encode()
    )


def _header(name: str, *, status: int, before: str = "") -> Manner:
    return lambda words: json_answer(
        {"code": status}, status=status, headers={name: f"{before}{words}"}
    )


def _elements(words: str) -> Answer:
    """A bulk create in which Jira refuses the first ticket, in both places where words stand."""
    told = {"errorMessages": [words], "errors": {"summary": words}}
    error = {"status": 400, "elementErrors": told, "failedElementNumber": 0}
    return json_answer({"issues": [], "errors": [error]}, status=400)


def _wrong_kinds(words: str) -> Answer:
    """Words where numbers, lists and objects should be."""
    names = (
        "accountId",
        "issues",
        "count",
        "total",
        "fields",
        "issueTypes",
        "projects",
        "comments",
        "transitions",
    )
    return json_answer(
        {
            **dict.fromkeys(names, (words,)),
            "id": words,
            "displayName": words,
            "nextPageToken": words,
        }
    )


def _cut(words_max: int) -> Manner:
    """So many words that what is kept of them ends in the middle of a secret."""

    def manner(words: str) -> Answer:
        before = "x" * (words_max - 2 - len(words) * 3 // 4)
        return json_answer({"message": before + words}, status=403)

    return manner


def _message(status: int) -> Manner:
    return lambda words: json_answer({"message": words}, status=status)


MANNERS: Final[Mapping[str, Manner]] = {
    **{f"{status}_fields": _by_fields(status) for status in (400, 401, 403, 404, 409, 410)},
    **{f"{status}_message": _message(status) for status in (401, 403)},
    "400_text": lambda words: Answer(400, {"content-type": "text/plain"}, words.encode()),
    **{f"cut_at_{words_max}": _cut(words_max) for words_max in (200, 300)},
    "200_html": _html(200),
    "502_html": _html(502),
    "500_json": _by_fields(500),
    "200_wrong_kinds": _wrong_kinds,
    "200_text": json_answer,
    "302_location": _header("location", status=302, before="https://elsewhere.example.com/"),
    "429_reason": _header("ratelimit-reason", status=429),
    "200_login_reason": _header("x-seraph-loginreason", status=200, before="AUTHENTICATED_FAILED "),
    "200_account": _header("x-aaccountid", status=200),
    "elements": _elements,
}
ROUTES: Final = (
    *("/oauth/", "/v3/issues/", "/findings/", "/servers/"),
    *(
        "/myself/",
        "/createmeta/",
        "/bulkfetch/",
        "/search/jql/",
        "/issue/bulk/",
        "/comment/",
        "/transitions/",
    ),
)
"""Parts of paths, each with a slash at its end."""


class Gossip:
    """Answers one route of both vendors in one manner, each time with another form of what this
    run has told them.
    """

    def __init__(self, world: World) -> None:
        self.told = 0
        self._world = world
        self._route, self._manner, self._times = "", MANNERS["400_text"], 0
        self._forms = cycle(FORMS)
        self._signed_in = False
        world.halo.faults.hook = world.jira.faults.hook = self._answer

    def about(self, route: str, *, manner: str, times: int = 1_000) -> None:
        """In the next run, so many calls of this route are answered in this manner."""
        self._route, self._manner, self._times = route, MANNERS[manner], times
        self._signed_in = False

    def _answer(self, call: Call, when: Literal["before", "after"]) -> Answer | None:
        if when == "after":
            return None
        if self._times and self._route in f"{call.path}/":
            self._times -= 1
            self.told += 1
            return self._manner(self._words())
        return self._sign_in() if "/oauth/" in call.path else None

    def _words(self) -> str:
        """Nobody can repeat a token that this run was not given yet."""
        unheard = () if self._signed_in else tuple(forms(ACCESS_TOKEN))
        return next(form for form in self._forms if form not in unheard)

    def _sign_in(self) -> Answer:
        """Halo gives out the planted token, which it will know again."""
        self._signed_in = True
        until = self._world.clock() + timedelta(days=1)
        self._world.halo.tokens.admit(ACCESS_TOKEN, until=until)
        return json_answer(
            {"access_token": ACCESS_TOKEN, "token_type": "bearer", "expires_in": 900}
        )


def news(world: World) -> None:
    """One issue of each kind of work: to create, to comment, to close."""
    estate = world.halo.estate
    there = [issue.id for issue in estate.issues.values() if issue.status == "active"]
    if len(there) > 1:
        estate.rescan(there[0], changed=True)
        estate.resolve(there[1])
    for kind in ("csm", "fim"):
        estate.open_issue(type=kind)
