"""Halo's list of issues, and single issues: which rows match, in which order, on which page.

Promises: it is meaner than anybody knows Halo to be: no useful order without sort_by, active issues
of active servers only by default, pages of at most 100 rows, nothing beyond row 10,000, `next`
links that name the real host.
Does not do: v1 and v2 issue lists; filters themselves (`filters.py`).
"""

from random import Random
from typing import Any, Final
from urllib.parse import quote

from job.sim.call import Answer, Call, json_answer
from job.sim.faults import Faults
from job.sim.halo.bodies import issue_body
from job.sim.halo.estate import HaloEstate, HaloIssue
from job.sim.halo.filters import TIMES, filters
from job.sim.halo.quirks import Quirks
from job.sim.halo.refusals import error, not_found
from job.sim.halo.texts import BASE

PAGE_MAX: Final = 100  # the largest page any public client uses
WINDOW_MAX: Final = 10_000  # CloudPassage's own event connector stops at this depth


class Issues:
    """The issues of one estate as the API shows them. What was made is kept until it changes."""

    def __init__(self, estate: HaloEstate, *, faults: Faults, quirks: Quirks, draw: Random) -> None:
        self._estate = estate
        self._quirks = quirks
        self._faults = faults
        self._random = draw
        self._kept_lists: dict[tuple[tuple[str, str], ...], list[HaloIssue]] = {}
        self._kept_version = -1
        self._kept_bodies: dict[str, tuple[int, dict[str, Any]]] = {}

    def describe(self, issue_id: str) -> Answer:
        issue = self._estate.issues.get(issue_id)
        if issue is None or issue.forgotten:
            return not_found(f"/v3/issues/{issue_id}")
        return json_answer({"issue": self._body(issue)})

    def _body(self, issue: HaloIssue) -> dict[str, Any]:
        """Kept until the issue changes: a page is asked for far more often than it changes."""
        version, body = self._kept_bodies.get(issue.id, (-1, {}))
        if version != issue.version:
            body = issue_body(issue)
            self._kept_bodies[issue.id] = (issue.version, body)
        return body

    def _row(self, issue: HaloIssue) -> Any:
        if issue.id in self._quirks.rows:
            return self._quirks.rows[issue.id]
        return self._body(issue)

    def page(self, call: Call, *, ignored: tuple[str, ...]) -> Answer:
        """One page of the list. Bounds with an ignored suffix bound nothing."""
        args = call.args()
        if (refusal := self._quirks.refusal(args)) is not None:
            return refusal
        try:
            page = int(args.pop("page", "1"))
            size = min(int(args.pop("per_page", str(PAGE_MAX))), PAGE_MAX)
            rows = self._rows(args, ignored=ignored)
        except ValueError as wrong:
            return error(str(wrong), status=422)
        if page < 1 or size < 1:
            return error("page and per_page must be positive", status=422)
        if page * size > WINDOW_MAX:
            return error(
                f"Result window is too large, page * per_page must be at most {WINDOW_MAX}",
                status=422,
            )
        if page > 1 and rows and self._faults.strikes("shifted_rows"):
            self._estate.rescan(rows[0].id)  # the world moves between two pages, as it does
            rows = self._rows(args, ignored=ignored)
        return self._cut(args, rows=rows, page=page, size=size)

    def _cut(self, args: dict[str, str], *, rows: list[HaloIssue], page: int, size: int) -> Answer:
        if self._faults.strikes("empty_list"):
            return json_answer({"issues": [], "count": 0})
        shown = page - 1 if page > 1 and self._faults.strikes("repeated_page") else page
        listed = rows[(shown - 1) * size : shown * size]
        if listed and self._faults.strikes("short_page"):
            listed = listed[:-1]
        counted = self._quirks.counted(len(rows))
        body: dict[str, Any] = {
            "issues": [self._row(issue) for issue in listed],
            "count": counted,
        }
        if page * size < min(len(rows), counted):
            body["pagination"] = {"next": _next_link(args, page=page + 1, size=size)}
        elif self._random.random() < 0.5:
            body["pagination"] = self._random.choice(({}, {"next": ""}))
        return json_answer(body)

    def _rows(self, args: dict[str, str], *, ignored: tuple[str, ...]) -> list[HaloIssue]:
        """All rows that match, in the order asked for; kept until the world changes, as pages come
        one by one.
        """
        if self._kept_version != self._estate.version:
            self._kept_lists.clear()
            self._kept_version = self._estate.version
        key = (*sorted(args.items()), *((suffix, "ignored") for suffix in ignored))
        if key not in self._kept_lists:
            self._kept_lists[key] = self._select(args, ignored=ignored)
        return self._kept_lists[key]

    def _select(self, args: dict[str, str], *, ignored: tuple[str, ...]) -> list[HaloIssue]:
        tests = filters(args, ignored=ignored)
        rows = [
            issue for issue in self._estate.issues.values() if all(test(issue) for test in tests)
        ]
        # There is no order that means anything, unless one is asked for.
        rows.sort(key=lambda issue: (issue.shape, issue.id))
        for part in reversed(args["sort_by"].split(",") if "sort_by" in args else []):
            name, _, direction = part.partition(".")
            if name not in (*TIMES, "id", "critical", "status", "name") or direction not in (
                "asc",
                "desc",
            ):
                raise ValueError(f"cannot sort by {part}")
            rows.sort(
                key=lambda issue: _sort_key(getattr(issue, name)), reverse=direction == "desc"
            )
        return rows


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
