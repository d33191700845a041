"""What goes wrong on the way to a vendor and back, for both vendors alike.

Promises: a fault is exact (the hook, or `at[n]` for the n-th call) or drawn from a seeded
generator, so that one seed replays exactly. Every fault says whether the effect happened: REFUSALS
come before it, SPOILS after it.
Does not do: faults that need the vendor's data. Those are the LOCAL kinds, and each simulator asks
`strikes(kind)` at the place where they bite.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from random import Random
from typing import Final, Literal

from job.sim.call import LOST, Answer, Call, json_answer

Hook = Callable[[Call, Literal["before", "after"]], Answer | None]

SLOW_S: Final = 90.0  # longer than any sane client waits
_HTML: Final = b"<!DOCTYPE html><html><body><h1>We'll be right back</h1></body></html>"
_HTML_HEADERS: Final = {"content-type": "text/html;charset=UTF-8"}


def _refusal(status: int, *, headers: Mapping[str, str] | None = None) -> Answer:
    """A gateway's own words: neither vendor's error shape, because neither vendor was reached."""
    return json_answer(
        {"code": status, "message": "The request has been refused."}, status=status, headers=headers
    )


REFUSALS: Final[Mapping[str, Answer]] = {
    "429_retry_after": _refusal(
        429, headers={"retry-after": "3", "ratelimit-reason": "jira-burst-based"}
    ),
    "429_reset": _refusal(
        429, headers={"x-ratelimit-remaining": "0", "x-ratelimit-reset": "2026-01-01T00:00Z"}
    ),
    "429_beta": _refusal(429, headers={"beta-retry-after": "86400", "x-ratelimit-limit": "350"}),
    "429_http_date": _refusal(429, headers={"retry-after": "Thu, 01 Jan 2026 00:00:00 GMT"}),
    "429_bare": _refusal(429, headers={"x-failure-category": "FAILURE CLIENT RATE LIMITED"}),
    "429_html": Answer(429, _HTML_HEADERS, _HTML),
    "503_retry_after": _refusal(503, headers={"retry-after": "5"}),
    "503_refused": _refusal(503),
    "401_refused": _refusal(401),
    "lost_before": LOST,
}


def _known(kind: str) -> str:
    if kind not in KINDS:
        raise ValueError(f"no such fault: {kind}; there are {KINDS}")
    return kind


def _cut(answer: Answer) -> Answer:
    return replace(answer, body=answer.body[: max(len(answer.body) // 2, 1)])


SPOILS: Final[Mapping[str, Callable[[Answer], Answer]]] = {
    "lost_after": lambda _: LOST,
    "500_after": lambda _: _refusal(500),
    "502_html_after": lambda _: Answer(502, _HTML_HEADERS, _HTML),
    "504_after": lambda _: _refusal(504),
    "html_body": lambda answer: Answer(
        200 if answer.status == 204 else answer.status, _HTML_HEADERS, _HTML
    ),
    "truncated_json": _cut,
    "empty_body": lambda answer: replace(answer, body=b""),
    "slow": lambda answer: replace(answer, delay_s=answer.delay_s + SLOW_S),
}

LOCAL: Final[Mapping[str, str]] = {
    "token_revoked": "Halo: the token dies before its time",
    "empty_list": "Halo: a list without rows and with a count of 0",
    "repeated_page": "Halo: the page before comes again",
    "short_page": "Halo: a row is missing, the count does not know",
    "shifted_rows": "Halo: the first row is seen again and moves, between two pages",
    "missing_finding": "Halo: 404 for a finding or event",
    "missing_asset": "Halo: 404 for an asset",
    "short_search_page": "Jira: fewer tickets on a page than asked for, more to come",
    "empty_search_page": "Jira: no ticket on a page, more to come",
    "wrong_is_last": "Jira: isLast lies or is null",
    "search_warning": "Jira: half of a page, and a warning",
    "retriable_issue_errors": "Jira: bulkfetch could not load a ticket just now",
    "transition_without_effect": "Jira: 204 to a transition, and nothing happened",
    "conflict": "Jira: 409, somebody else was writing",
    "bulk_prefix": "Jira: a bulk create breaks half-way, and nobody says where",
    "shuffled_successes": "Jira: a bulk create answers in another order",
    "late": "Jira: the connection dies, and the write has its effect within the next 20 minutes",
    "after_another": "Jira: the connection dies, and the write has its effect after the next one",
    "twice": "Jira: the connection dies, and a write has its effect at once and once more, late",
}

KINDS: Final = tuple(sorted({*REFUSALS, *SPOILS, *LOCAL}))


class Faults:
    """Decides, call by call, what goes wrong. `chance` maps a kind to a probability; 1.0 means
    always.
    """

    def __init__(self, *, seed: int = 0, chance: Mapping[str, float] | None = None) -> None:
        self.hook: Hook | None = None
        self.at: dict[int, str] = {}
        self.count = 0
        self._random = Random(seed)
        self._chance: dict[str, float] = {}
        self._exact_now: str | None = None
        self.set_chance(chance or {})

    def set_chance(self, chance: Mapping[str, float]) -> None:
        """Replace all probabilities; an empty mapping makes the way quiet again."""
        # In one order, so that a seed replays.
        self._chance = {_known(kind): chance[kind] for kind in sorted(chance)}

    def quiet(self) -> None:
        """From now on nothing goes wrong."""
        self.hook = None
        self.at.clear()
        self._chance.clear()

    def strikes(self, kind: str) -> bool:
        """Whether a LOCAL kind bites now. A kind without a chance draws nothing, so adding kinds
        keeps old seeds.
        """
        if self._exact_now == kind:
            self._exact_now = None
            return True
        probability = self._chance.get(kind, 0.0)
        return probability > 0.0 and self._random.random() < probability

    def around(self, call: Call, *, effect: Callable[[Call], Answer]) -> Answer:
        """Carry out a call with this moment's fault before or after its effect. A hook may also
        raise.
        """
        if self.hook and (instead := self.hook(call, "before")) is not None:
            return instead
        kind = self._draw()
        if kind in REFUSALS:
            return REFUSALS[kind]
        answer = effect(call)
        self._exact_now = None
        if self.hook and (instead := self.hook(call, "after")) is not None:
            return instead
        return SPOILS[kind](answer) if kind in SPOILS and not answer.lost else answer

    def _draw(self) -> str:
        number, self.count = self.count, self.count + 1
        if number in self.at:
            self._exact_now = _known(self.at[number])
            return self._exact_now
        for kind, probability in self._chance.items():
            if kind not in LOCAL and self._random.random() < probability:
                return kind
        return ""
