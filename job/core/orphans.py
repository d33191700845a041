"""Tickets of older programs that hold no id: what their summaries say, and whose they may be.

Version 1.x and 2.0.0 of jira_halo_issues_sync wrote the id with a second call, and a crash between
the two left a ticket without one.

Promises: a ticket is paired with an issue only if it names the rule of it; confidence is full only
where host and type agree as well, and nothing else could be meant.
Does not do: reading tickets (`jira/remnants.py`), or deciding what is written (`takeover.py`).
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping

from msgspec import Struct

from job.core.adf import one_line
from job.core.ids import canonical
from job.core.issues import Issue
from job.core.older import names_asset

_SUMMARIES = (
    re.compile(r"Halo detected issue in server (?P<host>.+?) \((?P<type>[^()]*)\): (?P<name>.+)"),
    re.compile(
        r"Source: .*? Issue - Critical: (?:True|False) - Type: (?P<type>.*?) - Name: (?P<name>.+)"
    ),
)
"""Of 1.x, and of 2.0.0, which names no host in its summary but in its description."""
_ID = re.compile(r"\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b", re.IGNORECASE)
NAME, HOST, TYPE = 50, 30, 20
"""How much each agreement counts, in hundredths."""
SURE = 90
STRANGE_AUTHOR = 20


class Said(Struct, frozen=True, kw_only=True):
    """What an orphan says of its issue."""

    name: str
    type: str
    words: str
    """Where its host is named."""
    ids: frozenset[str]
    """Every id in its description, of which one may be the issue's, in canonical form."""


class Pairing(Struct, frozen=True, kw_only=True):
    """Whose ticket an orphan most probably is, and how sure that is, in hundredths."""

    issue: Issue | None
    confidence: int
    why: str


def said(summary: str, *, words: str) -> Said | None:
    """What a ticket of such a version says; `None` for a summary that none of them wrote."""
    line = one_line(summary)
    for pattern in _SUMMARIES:
        if found := pattern.fullmatch(line):
            parts = found.groupdict()
            return Said(
                name=_plain(parts["name"]),
                type=parts["type"].casefold(),
                words=parts.get("host") or words,
                ids=frozenset(map(canonical, _ID.findall(words))),
            )
    return None


def by_name(issues: Iterable[Issue]) -> dict[str, list[Issue]]:
    """Issues by what a summary would call them."""
    named = defaultdict[str, list[Issue]](list)
    for issue in issues:
        for name in {_plain(issue.name), _plain(issue.rule_name)} - {""}:
            named[name].append(issue)
    return named


def pair(orphan: Said, *, named: Mapping[str, list[Issue]]) -> Pairing:
    """The issue that agrees best. Where several agree as well, nobody can be sure of one."""
    ranked = sorted(
        ((_confidence(orphan, issue), issue) for issue in named.get(orphan.name, ())),
        key=lambda rated: (-rated[0], rated[1].id),
    )
    if not ranked:
        return Pairing(issue=None, confidence=0, why="Halo has no issue of this name.")
    best, issue = ranked[0]
    if len(ranked) > 1 and ranked[1][0] == best:
        why = f"{sum(rated == best for rated, _ in ranked)} issues agree with it equally well."
        return Pairing(issue=issue, confidence=best // 2, why=why)
    return Pairing(issue=issue, confidence=best, why=_why(orphan, issue=issue))


def _confidence(orphan: Said, issue: Issue) -> int:
    if canonical(issue.id) in orphan.ids:
        return NAME + HOST + TYPE
    host = HOST if names_asset(orphan.words, issue=issue) else 0
    return NAME + host + (TYPE if orphan.type == issue.type.casefold() else 0)


def _why(orphan: Said, *, issue: Issue) -> str:
    if canonical(issue.id) in orphan.ids:
        return "Its description has the id of the issue."
    other = [] if names_asset(orphan.words, issue=issue) else ["the host"]
    other += [] if orphan.type == issue.type.casefold() else ["the type"]
    if not other:
        return "Name, host and type agree."
    return f"The name agrees, {' and '.join(other)} not."


def _plain(text: str) -> str:
    return one_line(text).casefold()
