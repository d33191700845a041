"""JQL as text to JQL as a tree: the part of the language that a synchronising client can need.

Promises: AND, OR, NOT, parentheses, = != ~ !~ < <= > >=, in, not in, is, is not, EMPTY, quoted
names and values with escapes, cf[N], ORDER BY. What it does not know it refuses with Jira's
sentence and the character's place. Negation is pushed down to the clauses, because Jira reads `NOT
a = b` as `a != b` (which skips empty fields) too.
Does not do: functions, WAS and CHANGED; knowing any field (clauses.py).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from job.sim.jira.sentences import Refused

_TOKEN: Final = re.compile(
    r"""\s*(?:
      (?P<quoted>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
    | (?P<sign>!=|!~|<=|>=|[=~<>(),])
    | (?P<word>[^\s()=!~<>,"']+)
    | (?P<bad>\S)
    )""",
    re.VERBOSE,
)
_CUSTOM: Final = re.compile(r"cf\[\d+\]", re.IGNORECASE)
_RESERVED: Final = re.compile(r"[@+;?|*/%^$#{}\[\]&]")
_ESCAPE: Final = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
_KEYWORDS: Final = frozenset(
    {"and", "or", "not", "in", "is", "empty", "null", "order", "by", "asc", "desc"}
)
_OPPOSITE: Final = {
    "=": "!=",
    "~": "!~",
    "in": "not in",
    "is": "is not",
    "<": ">=",
    "<=": ">",
}
_NEGATED: Final = _OPPOSITE | {opposite: sign for sign, opposite in _OPPOSITE.items()}


@dataclass(frozen=True, slots=True)
class Clause:
    """One comparison. `values` is empty for EMPTY."""

    field: str
    operator: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """All of the parts (`every`) or one of them."""

    parts: tuple["Node", ...]
    every: bool


Node = Clause | Group


@dataclass(frozen=True, slots=True)
class Query:
    where: Node | None
    order: tuple[tuple[str, bool], ...]


@dataclass(frozen=True, slots=True)
class _Token:
    text: str
    at: int
    quoted: bool = False

    def means(self, *words: str) -> bool:
        return not self.quoted and self.text.lower() in words


@lru_cache(maxsize=512)
def parse(text: str) -> Query:
    return _Parser(text).query()


def negate(node: Node) -> Node:
    if isinstance(node, Group):
        return Group(tuple(negate(part) for part in node.parts), every=not node.every)
    return Clause(node.field, _NEGATED[node.operator], node.values)


class _Parser:
    """Recursive descent over a list of tokens, of which the last is an empty one that matches
    nothing.
    """

    def __init__(self, text: str) -> None:
        self._tokens = [*_tokens(text), _Token("", len(text))]
        self._next = 0

    def query(self) -> Query:
        where = None if self._sees("order") or self._here.text == "" else self._any()
        order = tuple(self._order()) if self._takes("order") else ()
        if self._here.text or self._here.quoted:
            raise self._unexpected()
        return Query(where, order)

    @property
    def _here(self) -> _Token:
        return self._tokens[self._next]

    def _sees(self, *words: str) -> bool:
        return self._here.means(*words)

    def _takes(self, *words: str) -> bool:
        seen = self._sees(*words)
        self._next += seen
        return seen

    def _any(self) -> Node:
        parts = [self._all()]
        while self._takes("or"):
            parts.append(self._all())
        return parts[0] if len(parts) == 1 else Group(tuple(parts), every=False)

    def _all(self) -> Node:
        parts = [self._one()]
        while self._takes("and"):
            parts.append(self._one())
        return parts[0] if len(parts) == 1 else Group(tuple(parts), every=True)

    def _one(self) -> Node:
        if self._takes("not"):
            return negate(self._one())
        if self._takes("("):
            inside = self._any()
            self._expect(")")
            return inside
        return self._clause()

    def _clause(self) -> Clause:
        field = self._name()
        operator = self._operator()
        if operator in ("is", "is not"):
            if not self._takes("empty", "null"):
                raise self._unexpected()
            return Clause(field, operator, ())
        if operator in ("in", "not in"):
            self._expect("(")
            values = [self._value()]
            while self._takes(","):
                values.append(self._value())
            self._expect(")")
            return Clause(field, operator, tuple(values))
        if operator in ("=", "!=") and self._takes("empty", "null"):
            return Clause(field, "is" if operator == "=" else "is not", ())
        return Clause(field, operator, (self._value(),))

    def _operator(self) -> str:
        if self._takes("not"):
            self._expect("in")
            return "not in"
        if self._takes("is"):
            return "is not" if self._takes("not") else "is"
        if not self._sees("in", "=", "!=", "~", "!~", "<", "<=", ">", ">="):
            raise self._unexpected()
        self._next += 1
        return self._tokens[self._next - 1].text.lower()

    def _name(self) -> str:
        token = self._here
        if not token.quoted and _CUSTOM.fullmatch(token.text):
            self._next += 1
            return token.text.lower()
        return self._value()

    def _value(self) -> str:
        token = self._here
        if not token.quoted and (token.text.lower() in _KEYWORDS or token.text in ("", *"(),=~<>")):
            raise self._unexpected()
        if not token.quoted and (bad := _RESERVED.search(token.text)):
            raise Refused("reserved", bad[0], f"{ord(bad[0]):04x}", token.at + bad.start() + 1)
        self._next += 1
        return token.text

    def _order(self) -> Iterator[tuple[str, bool]]:
        self._expect("by")
        while True:
            name = self._name()
            descending = self._takes("desc")
            if not descending:
                self._takes("asc")
            yield name, descending
            if not self._takes(","):
                return

    def _expect(self, word: str) -> None:
        if not self._takes(word):
            raise self._unexpected()

    def _unexpected(self) -> Refused:
        return Refused("syntax", self._here.text or "the end of the query", self._here.at + 1)


def _tokens(text: str) -> Iterator[_Token]:
    position = 0
    while position < len(text.rstrip()):
        found = _TOKEN.match(text, position)
        if found is None:  # cannot be: `bad` takes whatever nothing else took
            raise Refused("syntax", text[position:], position + 1)
        kind = found.lastgroup or "bad"
        start, position = found.start(kind), found.end()
        if kind == "bad":
            raise Refused("syntax", found[kind], start + 1)
        if kind == "quoted":
            yield _Token(_ESCAPE.sub(_unescape, found[kind][1:-1]), start, quoted=True)
        else:
            yield _Token(found[kind], start)


def _unescape(found: re.Match[str]) -> str:
    code = found[1]
    if len(code) == 5:
        return chr(int(code[1:], 16))
    return {"n": "\n", "t": "\t", "r": "\r"}.get(code, code)
