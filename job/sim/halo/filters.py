"""The filters of Halo's list of issues: from the parameters of a query to one test for each.

Promises: a parameter nobody knows filters nothing, without a word, as Halo does it.
Does not do: order and pages (`issues.py`).
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from job.sim.halo.estate import HaloIssue

TIMES: Final = ("created_at", "first_seen_at", "last_seen_at", "updated_at", "resolved_at")
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


def filters(args: dict[str, str], *, ignored: tuple[str, ...]) -> list[Callable[[HaloIssue], bool]]:
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
        if suffix and field in TIMES and suffix not in ignored:
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
