"""JQL's clauses as tests of tickets, checked against the site first.

Promises: a clause that this site would not run is refused with Jira's sentence; what a name can
mean is what the site has.
Does not do: parsing (jql.py), or knowing which moments of a ticket the index has seen (search.py).
Source: support.atlassian.com on JQL operators and text search.
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from job.sim.jira.jql import Clause, Group, Node
from job.sim.jira.sentences import Refused
from job.sim.jira.site import Field, Site
from job.sim.jira.ticket_values import values_of, words
from job.sim.jira.tickets import Ticket, Tickets

Test = Callable[[Ticket], bool]
ByWord = Mapping[tuple[str, str], set[int]]
"""By the id of a field and a word: the tickets that have ever had it there."""

INDEXED: Final = frozenset({"text", "url", "labels"})
"""The kinds of fields whose words lead to tickets."""
_KEY_NAMES: Final = frozenset({"id", "key", "issue", "issuekey"})
_KEY: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]*-\d+")
_RELATIVE: Final = re.compile(r"([+-]?\d+)([mhdw])")
_UNITS: Final = {"m": 60, "h": 3_600, "d": 86_400, "w": 604_800}


class Compiler:
    """Turns a clause into a test, after checking that this site would run it."""

    def __init__(self, site: Site, *, tickets: Tickets, now: datetime) -> None:
        self._site = site
        self._tickets = tickets
        self._now = now

    def test(self, node: Node) -> Test:
        if isinstance(node, Clause):
            return self._clause(node)
        tests = [self.test(part) for part in node.parts]
        if node.every:
            return lambda ticket: all(test(ticket) for test in tests)
        return lambda ticket: any(test(ticket) for test in tests)

    def candidates(self, node: Node, *, by_word: ByWord) -> set[int] | None:
        """A superset of the hits, by words; None where words cannot tell."""
        if isinstance(node, Group):
            return self._group_candidates(node, by_word=by_word)
        fields = [] if node.field.lower() in _KEY_NAMES else self.fields(node.field)
        if (
            not fields
            or any(field.kind not in INDEXED for field in fields)
            or node.operator not in ("=", "in", "~")
        ):
            return None
        found: set[int] = set()
        for value in node.values:
            wanted = words(value)
            if not wanted or "*" in value:
                return None
            for field in fields:
                found |= set.intersection(
                    *(by_word.get((field.id, word), set()) for word in wanted)
                )
        return found

    def _group_candidates(self, group: Group, *, by_word: ByWord) -> set[int] | None:
        sets = [self.candidates(part, by_word=by_word) for part in group.parts]
        known = [found for found in sets if found is not None]
        if group.every:
            return min(known, key=len) if known else None
        return set[int]().union(*known) if len(known) == len(sets) else None

    def fields(self, name: str) -> list[Field]:
        """cf[N] or an id names one field; a display name may name several, and then any of them
        matches.
        """
        wanted = f"customfield_{name[3:-1]}" if name.startswith("cf[") else name.lower()
        alias = {"type": "issuetype", "due": "duedate"}.get(wanted, wanted)
        by_id = [field for field in self._site.fields if field.id == alias]
        found = by_id or [field for field in self._site.fields if field.name.lower() == wanted]
        if not found:
            raise Refused("no_field", name)
        return found

    def _clause(self, clause: Clause) -> Test:
        if clause.field.lower() in _KEY_NAMES:
            return self._by_key(clause)
        tests = [self._on_field(field, clause=clause) for field in self.fields(clause.field)]
        if clause.operator in ("!=", "!~", "not in"):
            return lambda ticket: all(test(ticket) for test in tests)
        return lambda ticket: any(test(ticket) for test in tests)

    def _by_key(self, clause: Clause) -> Test:
        if clause.operator not in ("=", "!=", "in", "not in"):
            raise Refused("operator", clause.operator, clause.field)
        ids = {self._ticket_id(value, field=clause.field) for value in clause.values}
        wanted = clause.operator in ("=", "in")
        return lambda ticket: (ticket.id in ids) is wanted

    def _ticket_id(self, value: str, *, field: str) -> int:
        """One unknown key fails the whole query."""
        if not value.isdecimal() and not _KEY.fullmatch(value):
            raise Refused("bad_key", value, field)
        ticket = self._tickets.visible(value)
        if ticket is None:
            raise Refused("no_key", value, field)
        return ticket.id

    def _on_field(self, field: Field, *, clause: Clause) -> Test:
        if clause.operator not in field.operators:
            raise Refused("operator", clause.operator, clause.field)
        if not clause.values:
            empty, blind = clause.operator == "is", "empty" in self._site.blind_searches
            return lambda ticket: (blind or not values_of(ticket, field=field)) is empty
        if clause.operator in ("~", "!~"):
            phrase, wanted = _phrase(clause.values[0], field=clause.field), clause.operator == "~"
            blind = _way(clause.values[0]) in self._site.blind_searches
            return lambda ticket: (
                (not blind and any(phrase(value) for value in values_of(ticket, field=field)))
                is wanted
            )
        operands = [self._operand(field, text=value, name=clause.field) for value in clause.values]
        if field.kind in INDEXED and "exact" in self._site.blind_searches:
            return lambda ticket: clause.operator in ("!=", "not in")
        return _comparison(field, operator=clause.operator, operands=operands)

    def _operand(self, field: Field, *, text: str, name: str) -> Any:
        """A literal in the field's own type; values that do not exist are refused."""
        if field.kind == "number":
            return _float(text, name=name)
        if field.kind in ("date", "datetime"):
            return self._instant(text, name=name)
        if field.kind in ("labels", "url", "user", "text"):
            return text if field.kind == "labels" else text.lower()
        known = self._known(field)
        if text.lower() not in known:
            raise Refused("no_value", text, name)
        return known[text.lower()]

    def _known(self, field: Field) -> dict[str, str]:
        """Every way to name a value of this field, to the one way it is compared by."""
        site = self._site
        if field.kind == "project":
            seen = [project for project in site.projects if project.key not in site.hidden]
            pairs = [
                (name, project.id)
                for project in seen
                for name in (project.id, project.key, project.name)
            ]
        elif field.kind == "status":
            places = [(project, type_) for project in site.projects for type_ in site.issue_types]
            statuses = {
                status
                for project, type_ in places
                for status in site.workflow(project, issue_type=type_).statuses
            }
            pairs = [
                (name, status.name.lower())
                for status in statuses
                for name in (status.id, status.name)
            ]
        else:
            options = site.issue_types if field.kind == "issuetype" else field.options
            pairs = [(name, option.id) for option in options for name in (option.id, option.name)]
            pairs += [("unresolved", "")] if field.kind == "resolution" else []
        return {name.lower(): value for name, value in pairs}

    def _instant(self, text: str, *, name: str) -> datetime:
        """Relative to now, or a date and minute in the caller's own time zone."""
        if relative := _RELATIVE.fullmatch(text):
            return self._now + timedelta(seconds=int(relative[1]) * _UNITS[relative[2]])
        try:
            at = datetime.fromisoformat(text.replace("/", "-"))
        except ValueError:
            raise Refused("no_value", text, name) from None
        return at.replace(tzinfo=self._site.zone).astimezone(UTC)


def _comparison(field: Field, *, operator: str, operands: list[Any]) -> Test:
    if operator in ("=", "in"):
        return lambda ticket: any(
            value in operands for value in values_of(ticket, field=field) or [""]
        )
    if operator in ("!=", "not in"):
        return lambda ticket: (
            bool(found := values_of(ticket, field=field))
            and not any(value in operands for value in found)
        )
    bound = operands[0]
    compare: Callable[[Any], bool] = {
        "<": lambda value: value < bound,
        "<=": lambda value: value <= bound,
        ">": lambda value: value > bound,
        ">=": lambda value: value >= bound,
    }[operator]
    return lambda ticket: any(compare(value) for value in values_of(ticket, field=field))


def _way(text: str) -> str:
    """How a text is asked for: as a phrase in inner quotes, or by its words."""
    bare = text.strip()
    return "phrase" if len(bare) > 1 and bare[0] == bare[-1] == '"' else "words"


def _phrase(text: str, *, field: str) -> Callable[[str], bool]:
    """In inner quotes: the words beside each other, in order. Without: all of them, anywhere; *
    ends a prefix.
    """
    bare = text.strip()
    if bare.startswith("*"):
        raise Refused("wildcard", text, field)
    if _way(text) == "phrase":
        wanted = words(bare[1:-1])
        size = len(wanted)
        return lambda value: (
            size > 0
            and any(
                words(value)[at : at + size] == wanted for at in range(len(words(value)) - size + 1)
            )
        )
    exact = words(re.sub(r"\w+\*", "", bare))
    prefixes = tuple(prefix.lower() for prefix in re.findall(r"(\w+)\*", bare))
    return lambda value: (
        set(exact) <= set(words(value))
        and all(any(word.startswith(prefix) for word in words(value)) for prefix in prefixes)
    )


def _float(text: str, *, name: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise Refused("no_value", text, name) from None
