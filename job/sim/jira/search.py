"""Jira's search: an index that runs behind, and JQL over what it has seen so far.

Promises: a created or edited ticket shows after a delay drawn for it alone; two replicas may
disagree; old views are answered as if they were true. Clauses are checked against the site first
and refused with Jira's sentences. Does not do: paging and visibility (jira.py). Direct reads never
come here. Source: developer.atlassian.com "Search and reconcile"; support.atlassian.com on JQL
operators and text search.
"""

import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from heapq import heappop, heappush
from random import Random
from typing import Any, Final

from job.sim.jira.adf import plain_text
from job.sim.jira.jql import Clause, Group, Node
from job.sim.jira.sentences import Refused
from job.sim.jira.site import Field, Site
from job.sim.jira.tickets import Ticket, Tickets

Lag = Callable[[Random], float]
Test = Callable[[Ticket], bool]

ORDER_MAX: Final = 7
_KEY_NAMES: Final = frozenset({"id", "key", "issue", "issuekey"})
_KEY: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]*-\d+")
_WORD: Final = re.compile(r"\w+")
_RELATIVE: Final = re.compile(r"([+-]?\d+)([mhdw])")
_UNITS: Final = {"m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_INDEXED: Final = frozenset({"text", "url", "labels"})


def no_lag(draw: Random) -> float:
    return 0.0


def usual_lag(draw: Random) -> float:
    """Four of five within a second, one in twenty takes up to two minutes."""
    kind = draw.random()
    if kind < 0.8:
        return draw.uniform(0.0, 1.0)
    return draw.uniform(1.0, 10.0) if kind < 0.95 else draw.uniform(10.0, 120.0)


def long_lag(longest_s: float = 12 * 3_600.0) -> Lag:
    """As usual, but one in ten takes anything up to `longest_s` (twelve hours were seen in the
    field).
    """

    def lag(draw: Random) -> float:
        return draw.uniform(0.0, longest_s) if draw.random() < 0.1 else usual_lag(draw)

    return lag


def fixed_lag(seconds: float) -> Lag:
    return lambda draw: seconds


class Replica:
    """One copy of the index. Moments of tickets become visible when their time has come, the newest
    wins.
    """

    def __init__(self) -> None:
        self.shown: dict[int, Ticket] = {}
        self.by_word: dict[tuple[str, str], set[int]] = {}
        self._waiting: list[tuple[datetime, int, int, Ticket]] = []

    def note(self, ticket: Ticket, *, visible_at: datetime) -> None:
        heappush(self._waiting, (visible_at, ticket.id, ticket.seq, ticket))

    def catch_up(self, now: datetime, *, fields: Iterable[Field]) -> None:
        while self._waiting and self._waiting[0][0] <= now:
            _, _, _, ticket = heappop(self._waiting)
            before = self.shown.get(ticket.id)
            if before is None or ticket.seq > before.seq:
                self.shown[ticket.id] = ticket
                self._index_words(ticket, fields=fields)

    def _index_words(self, ticket: Ticket, *, fields: Iterable[Field]) -> None:
        """Only ever adds, so a word leads to too many tickets and never to too few; the clause
        decides.
        """
        for field in fields:
            if field.kind in _INDEXED and ticket.fields.get(field.id):
                for value in _values(ticket, field=field):
                    for word in words(value):
                        self.by_word.setdefault((field.id, word), set()).add(ticket.id)


class Search:
    """The index of one site with its replicas."""

    def __init__(self, site: Site, *, now: Callable[[], datetime], seed: int) -> None:
        self.lag: Lag = usual_lag
        self.edit_lag: Lag | None = None
        self._site = site
        self._now = now
        self._random = Random(seed)
        self._replicas = [Replica()]

    def use_replicas(self, count: int) -> None:
        """More than one: each draws its own delays, and every request meets any of them. Set before
        any ticket.
        """
        self._replicas = [Replica() for _ in range(count)]

    def note(self, ticket: Ticket) -> None:
        """A new moment of a ticket. Edits take as long as creates unless `edit_lag` says otherwise."""
        lag = self.edit_lag if self.edit_lag and ticket.seq else self.lag
        for replica in self._replicas:
            delay = timedelta(seconds=lag(self._random))
            replica.note(ticket, visible_at=self._now() + delay)

    def find(self, where: Node, *, tickets: Tickets, reconcile: Iterable[int] = ()) -> list[Ticket]:
        """What some replica believes. The ids to reconcile are looked up in the truth instead."""
        replica = (
            self._replicas[0] if len(self._replicas) == 1 else self._random.choice(self._replicas)
        )
        replica.catch_up(self._now(), fields=self._site.fields)
        compiler = Compiler(self._site, tickets=tickets, now=self._now())
        test = compiler.test(where)
        candidates = compiler.candidates(where, replica=replica)
        seen = (
            replica.shown
            if candidates is None
            else {one: replica.shown[one] for one in sorted(candidates)}
        )
        truth = {one: tickets.by_id[one] for one in reconcile if one in tickets.by_id}
        pool = {**seen, **truth}
        return [
            ticket
            for ticket in pool.values()
            if not ticket.deleted and not ticket.archived and test(ticket)
        ]


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

    def candidates(self, node: Node, *, replica: Replica) -> set[int] | None:
        """A superset of the hits, by words; None where words cannot tell."""
        if isinstance(node, Group):
            return self._group_candidates(node, replica=replica)
        fields = [] if node.field.lower() in _KEY_NAMES else self.fields(node.field)
        if (
            not fields
            or any(field.kind not in _INDEXED for field in fields)
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
                    *(replica.by_word.get((field.id, word), set()) for word in wanted)
                )
        return found

    def _group_candidates(self, group: Group, *, replica: Replica) -> set[int] | None:
        sets = [self.candidates(part, replica=replica) for part in group.parts]
        known = [one for one in sets if one is not None]
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
            empty = clause.operator == "is"
            return lambda ticket: (not _values(ticket, field=field)) is empty
        if clause.operator in ("~", "!~"):
            phrase, wanted = _phrase(clause.values[0], field=clause.field), clause.operator == "~"
            return lambda ticket: (
                any(phrase(value) for value in _values(ticket, field=field)) is wanted
            )
        operands = [self._operand(field, text=value, name=clause.field) for value in clause.values]
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
                one
                for project, type_ in places
                for one in site.workflow(project, issue_type=type_).statuses
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


_OWN: Final[dict[str, Callable[[Ticket], Any]]] = {
    "status": lambda ticket: ticket.status.lower(),
    "project": lambda ticket: ticket.project.id,
    "issuetype": lambda ticket: ticket.issue_type.id,
    "created": lambda ticket: ticket.created_at,
    "updated": lambda ticket: ticket.updated_at,
    "reporter": lambda ticket: ticket.creator.account_id.lower(),
}


def _comparison(field: Field, *, operator: str, operands: list[Any]) -> Test:
    if operator in ("=", "in"):
        return lambda ticket: any(
            value in operands for value in _values(ticket, field=field) or [""]
        )
    if operator in ("!=", "not in"):
        return lambda ticket: (
            bool(found := _values(ticket, field=field))
            and not any(one in operands for one in found)
        )
    bound = operands[0]
    compare: Callable[[Any], bool] = {
        "<": lambda value: value < bound,
        "<=": lambda value: value <= bound,
        ">": lambda value: value > bound,
        ">=": lambda value: value >= bound,
    }[operator]
    return lambda ticket: any(compare(value) for value in _values(ticket, field=field))


def _values(ticket: Ticket, *, field: Field) -> list[Any]:
    """What a ticket holds in a field, in comparable form; an empty list is EMPTY."""
    if field.id in _OWN:
        return [_OWN[field.id](ticket)]
    raw = ticket.fields.get(field.id)
    if raw in (None, [], ""):
        return []
    return [_comparable(one, kind=field.kind) for one in (raw if isinstance(raw, list) else [raw])]


def _comparable(raw: Any, *, kind: str) -> Any:
    if kind == "textarea":
        return plain_text(raw)
    if kind == "user":
        return str(raw["accountId"]).lower()
    if kind in ("date", "datetime"):
        at = datetime.fromisoformat(raw)
        return at if at.tzinfo else at.replace(tzinfo=UTC)
    if isinstance(raw, dict):
        return raw["id"]
    return raw.lower() if kind == "url" else raw


@lru_cache(maxsize=100_000)
def words(text: str) -> tuple[str, ...]:
    """Punctuation splits, underscores do not, case is forgotten."""
    return tuple(_WORD.findall(text.lower()))


def _phrase(text: str, *, field: str) -> Callable[[str], bool]:
    """In inner quotes: the words beside each other, in order. Without: all of them, anywhere; *
    ends a prefix.
    """
    bare = text.strip()
    if bare.startswith("*"):
        raise Refused("wildcard", text, field)
    if len(bare) > 1 and bare[0] == bare[-1] == '"':
        wanted = words(bare[1:-1])
        size = len(wanted)
        return lambda value: (
            size > 0
            and any(
                words(value)[at : at + size] == wanted for at in range(len(words(value)) - size + 1)
            )
        )
    exact = words(re.sub(r"\w+\*", "", bare))
    prefixes = tuple(one.lower() for one in re.findall(r"(\w+)\*", bare))
    return lambda value: (
        set(exact) <= set(words(value))
        and all(any(word.startswith(prefix) for word in words(value)) for prefix in prefixes)
    )


def _float(text: str, *, name: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise Refused("no_value", text, name) from None


def sort_key(ticket: Ticket, *, name: str) -> Any:
    match name:
        case "id":
            return ticket.id
        case "key" | "issuekey" | "issue":
            return (ticket.project.key, ticket.number)
        case "created":
            return ticket.created_at
        case "updated":
            return ticket.updated_at
        case _:
            return str(ticket.fields.get(name) or "")
