"""Turns the rules of the original's version 3 into routes, and tells all that cannot be carried.

Promises: no route takes an issue that its rule would not have listed: a rule with a filter that
cannot be carried is left out whole; whatever is left out is told with its file and line.
Does not do: reading or writing files (`commands/carry.py`), or what else is set there.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from job.core import conditions, halo_names, templates
from job.core.conditions import When
from job.core.ladders import DAYS_MAX
from job.core.values import RAW
from job.settings import conditioning, parse, routing, yaml_text
from job.settings.conditioning import text, texts
from job.settings.marked import Marked, Rows, Text, Unreadable
from job.settings.older_filters import carried, is_unset

Value = str | list[str]
Tell = Callable[[int, str], None]
"""Notes what is not carried, and the line in which it stands."""


class Remark(Struct, frozen=True):
    """What is not carried."""

    file: str
    line: int
    says: str

    def __str__(self) -> str:
        return f"{self.file}, line {self.line}: {self.says}"


class Carried(Struct, frozen=True):
    """What became of all rules."""

    names: tuple[str, ...]
    """The routes, in their order."""
    text: str
    """As a file of routes."""
    remarks: tuple[Remark, ...]


class Route(Struct, frozen=True, kw_only=True):
    """One route that takes the place of one rule."""

    name: str
    file: str
    line: int
    project: str
    conditions: dict[str, Value]
    rest: dict[str, object]

    @property
    def when(self) -> When:
        return conditioning.when(yaml_text.read(_flow(self.conditions)))

    @property
    def entry(self) -> str:
        """As it stands in the file; JSON is YAML."""
        said = {"name": self.name, "when": self.conditions, **self.rest}
        rows = [f"{key}: {_flow(value)}" for key, value in said.items()]
        return "  - " + "\n    ".join(rows)


def carry(files: Sequence[tuple[str, str]]) -> Carried:
    """The routes of these files, each a name and its text, in their order."""
    remarks: list[Remark] = []
    routes: list[Route] = []
    for file, words in files:

        def tell(line: int, says: str, *, file: str = file) -> None:
            remarks.append(Remark(file, line, says))

        try:
            route = _route(yaml_text.read(words), file=file, tell=tell)
            _has_a_turn(route, earlier=routes)
        except Unreadable as unreadable:
            tell(unreadable.line, f"The rule is left out. {unreadable.wrong}")
            continue
        _tell_overlaps(route, earlier=routes, tell=tell)
        routes.append(_with_one_workflow(route, earlier=routes, tell=tell))
    remarks.sort(key=lambda remark: (remark.file, remark.line))
    written = _file(routes, remarks=remarks)
    routing.rulebook(written)
    return Carried(tuple(route.name for route in routes), written, tuple(remarks))


# --- One rule -------------------------------------------------------------------------------------

_KEYS: Final = ("filters", "groupby", "fields", "jira_config")


def _route(node: Marked, *, file: str, tell: Tell) -> Route:
    given = _table(node, keys=_KEYS)
    filters = _table(given.get("filters"), keys=("issue", "asset"))
    if "asset" in filters:
        tell(filters["asset"].line, "filters.asset is not carried: the original never read it.")
    asked = dict(carried(filters.get("issue")))
    if "groupby" in given:
        says = "groupby is not carried: tickets get no epic; JIRA_FIELD_STATIC may name a parent."
        tell(given["groupby"].line, says)
    config = _table(given.get("jira_config"), keys=None)
    project = _project(config, line=node.line, tell=tell)
    to: dict[str, object] = {"project": project}
    if "jira_issue_type" in config:
        to["type"] = text(config["jira_issue_type"], what="jira_issue_type")
    if "jira_issue_id_field" in config:
        name = text(config["jira_issue_id_field"], what="jira_issue_id_field")
        says = f'set JIRA_ISSUE_ID_FIELD to "{name}": one field serves all routes.'
        tell(config["jira_issue_id_field"].line, f"jira_issue_id_field is not carried; {says}")
    fields = _table(given.get("fields"), keys=("mapping", "static"))
    filled = dict(_mapping(fields.get("mapping"), tell=tell))
    days, static = _static(fields.get("static"), tell=tell)
    if filled or static:
        to["fields"] = {**filled, **static}
    rest: dict[str, object] = {"to": to}
    if days:
        rest["due"] = {"default": f"{days}d"}
    if workflow := _workflow(config):
        rest["workflow"] = workflow
    return Route(
        name=_name(file),
        file=file,
        line=node.line,
        project=project,
        conditions=asked,
        rest=rest,
    )


def _name(file: str) -> str:
    stem = file.rpartition(".")[0].strip()[: routing.NAME_MAX - 5] or "rule"
    return f"rule-{stem}" if stem in {"default", "skip"} else stem


def _table(node: Marked | None, *, keys: tuple[str, ...] | None) -> dict[str, Marked]:
    """What is set of it."""
    if node is None or is_unset(node):
        return {}
    entries = conditioning.table(node, what="A rule of version 3", keys=keys)
    return {key: value for key, value in entries.items() if not is_unset(value)}


def _project(config: dict[str, Marked], *, line: int, tell: Tell) -> str:
    if "project_keys" not in config:
        raise Unreadable(line, "It names no project_keys.")
    node = config["project_keys"]
    first, *others = texts(node, what="project_keys") or ("",)
    if others:
        says = f"a ticket of each issue goes to {first} alone, and none to {', '.join(others)}."
        tell(node.line, f"Several projects are not carried: {says}")
    try:
        return parse.project_key(first)
    except parse.Unfit as unfit:
        raise Unreadable(node.line, unfit.wrong) from None


def _workflow(config: dict[str, Marked]) -> dict[str, Value]:
    words: dict[str, Value] = {}
    for key, ours in (("issue_status_closed", "close"), ("issue_status_reopened", "reopen")):
        if key in config:
            words[ours] = text(config[key], what=key)
    if "close" in words:
        words["closed"] = [str(words["close"])]
    return words


# --- Fields ---------------------------------------------------------------------------------------


def _mapping(node: Marked | None, *, tell: Tell) -> Iterator[tuple[str, Value]]:
    for key, value in _table(node, keys=None).items():
        name = halo_names.plain_name(key) if key.startswith("issue.") else None
        if name is None:
            tell(value.line, f'The mapping of "{key}" is not carried: it is no field of an issue.')
        else:
            yield text(value, what=key), f"{{{name}}}"


def _static(node: Marked | None, *, tell: Tell) -> tuple[int, dict[str, Value]]:
    """The days of `duedate`, 0 for none, and all other fields."""
    days, static = 0, dict[str, Value]()
    for key, value in _table(node, keys=None).items():
        if key == "duedate":
            days = _days(value, tell=tell)
            continue
        try:
            words = list(texts(value, what=key))
        except Unreadable:
            words = []
        if not words or any(templates.is_template(word) or word.startswith(RAW) for word in words):
            tell(value.line, f'The static value of "{key}" is not carried: it is no plain text.')
            continue
        static[key] = words if len(words) > 1 or isinstance(value, Rows) else words[0]
    return days, static


def _days(node: Marked, *, tell: Tell) -> int:
    word = node.text.strip() if isinstance(node, Text) else ""
    if word.isascii() and word.isdecimal() and 0 < int(word[:9]) <= DAYS_MAX:
        return int(word)
    tell(node.line, f"duedate is not carried: it is no number of days from 1 to {DAYS_MAX}.")
    return 0


# --- All of them together -------------------------------------------------------------------------


def _has_a_turn(route: Route, *, earlier: Sequence[Route]) -> None:
    """Raises `Unreadable` where the routes before it take whatever it is for, or have its name."""
    if any(other.name == route.name for other in earlier):
        raise Unreadable(route.line, f'Another file made a route "{route.name}" already.')
    by = conditions.shadowing(route.when, earlier=[other.when for other in earlier])
    if by:
        files = ", ".join(other.file for other in earlier if other.when in by)
        raise Unreadable(route.line, f"{files} takes all its issues, and each gets one ticket.")


def _tell_overlaps(route: Route, *, earlier: Sequence[Route], tell: Tell) -> None:
    files = [
        other.file
        for other in earlier
        if not any(
            mine.excludes(theirs) or theirs.excludes(mine)
            for mine in route.when.each
            for theirs in other.when.each
        )
    ]
    if files:
        says = "an issue of both gets one ticket, where the earlier one leads."
        tell(route.line, f"The rule may overlap with {', '.join(files)}: {says}")


def _with_one_workflow(route: Route, *, earlier: Sequence[Route], tell: Tell) -> Route:
    """Words of a workflow are said once for each project."""
    words = route.rest.get("workflow")
    said = [other for other in earlier if "workflow" in other.rest]
    first = next((other for other in said if other.project == route.project), None)
    if words is None or first is None:
        return route
    if first.rest["workflow"] != words:
        says = f"{first.file} says others for {route.project}, and a project has one workflow."
        tell(route.line, f"The names of its statuses are not carried: {says}")
    rest = {key: value for key, value in route.rest.items() if key != "workflow"}
    return replace(route, rest=rest)


def _file(routes: Sequence[Route], *, remarks: Sequence[Remark]) -> str:
    head = [
        "# Made from rules of jira_halo_issues_sync by `halo-jira-sync takeover routes`.",
        "# Rules are asked in the order of their files, and the first that matches counts.",
        "# JIRA_PROJECT_KEY needs no workflow here: move those words to the plain settings.",
        *(["# Not carried:"] if remarks else []),
        *(f"# - {_one_line(str(remark))}" for remark in remarks),
    ]
    body = "\n".join(("routes:", *(route.entry for route in routes))) if routes else "routes: []"
    return "\n".join((*head, body, "default: skip", ""))


def _one_line(words: str) -> str:
    """Nothing in a comment may end it."""
    return "".join(letter if letter.isprintable() else " " for letter in words)


def _flow(value: object) -> str:
    """On one line; in this way JSON is YAML as well."""
    words = json.dumps(value, ensure_ascii=False)
    return "".join(letter if letter.isprintable() else f"\\U{ord(letter):08x}" for letter in words)
