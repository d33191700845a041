"""Reads what routes say of issues: conditions, and the issues of their tests.

Promises: unknown keys and Halo fields are refused with the line they stand in and what is allowed;
a condition is one text or a list of which one must be met; `not` takes back what it holds for.
Does not do: routes themselves (`routing.py`), or judging an issue (`core/conditions.py`).
"""

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import UTC, datetime
from difflib import get_close_matches
from typing import Any, Final

from msgspec.structs import replace

from job.core import halo_names
from job.core.conditions import Comparison, Condition, Sign, Test, When, Word
from job.core.ids import IssueId
from job.core.issues import Issue, IssueStatus
from job.settings.marked import Marked, Rows, Table, Text, Unreadable

NOT: Final = "not"
TAGS: Final = "tags"

# --- Texts, lists and tables ----------------------------------------------------------------------


def table(node: Marked, *, what: str, keys: Collection[str] | None = None) -> dict[str, Marked]:
    """The entries of a table, which may have these keys and no others."""
    if not isinstance(node, Table):
        raise Unreadable(node.line, f"{what} must be a table of keys with their values.")
    for key, _ in node.entries:
        if keys is not None and key.text not in keys:
            close = get_close_matches(key.text, keys, n=1)
            meant = f" Perhaps {close[0]} is meant." if close else ""
            wrong = f'{what} knows no key "{key.text}".{meant} It knows {", ".join(keys)}.'
            raise Unreadable(key.line, wrong)
    return {key.text: value for key, value in node.entries}


def text(node: Marked, *, what: str) -> str:
    """A text that says something."""
    if not isinstance(node, Text) or not node.text.strip():
        raise Unreadable(node.line, f"{what} must be a text.")
    return node.text.strip()


def texts(node: Marked, *, what: str) -> tuple[str, ...]:
    """One text, or a list of them."""
    if isinstance(node, Rows):
        return tuple(text(item, what=what) for item in node.items)
    return (text(node, what=what),)


def one_of(node: Marked, *, what: str, words: Collection[str]) -> str:
    """One of a few words."""
    word = text(node, what=what)
    if word not in words:
        raise Unreadable(node.line, f'"{word}" is no {what}; it is one of {", ".join(words)}.')
    return word


def valued(node: Marked, read_value: Callable[[str], Any], *, what: str) -> Any:
    """What a function makes of a text; its `ValueError` is told with the line."""
    try:
        return read_value(text(node, what=what))
    except ValueError as error:
        raise Unreadable(node.line, str(error)) from None


# --- Conditions -----------------------------------------------------------------------------------


def when(node: Marked) -> When:
    """All that a rule asks of an issue."""
    each: list[Condition] = []
    none: list[When] = []
    for key, value in _entries(node, what="A condition"):
        if key.text == NOT:
            exceptions = value.items if isinstance(value, Rows) else (value,)
            none += [when(exception) for exception in exceptions]
        elif key.text == TAGS and isinstance(value, Table):
            each += [
                _condition(f"{TAGS}.{name.text}", node=wanted, line=name.line)
                for name, wanted in value.entries
            ]
        else:
            each.append(_condition(key.text, node=value, line=key.line))
    return When(each=tuple(each), none=tuple(none))


def _entries(node: Marked, *, what: str) -> tuple[tuple[Text, Marked], ...]:
    if not isinstance(node, Table):
        raise Unreadable(node.line, f"{what} must be a table of Halo's fields with their values.")
    return node.entries


def _condition(name: str, *, node: Marked, line: int) -> Condition:
    field = _field(name, line=line)
    items = node.items if isinstance(node, Rows) else (node,)
    if not items:
        raise Unreadable(line, f'"{name}" must be one of nothing, so it can never match.')
    return Condition(field, tuple(_test(item, field=field) for item in items))


def _field(name: str, *, line: int) -> str:
    field = halo_names.plain_name(name)
    if field is None:
        wrong, allowed = halo_names.unknown(name)
        raise Unreadable(line, f"{wrong} Allowed: {allowed}.")
    if not halo_names.is_of_the_issue(field):
        raise Unreadable(line, f'"{name}" is known from the asset alone, which routes do not ask.')
    return field


def _test(node: Marked, *, field: str) -> Test:
    """A comparison such as `>= 7`, else a word or a pattern."""
    if not isinstance(node, Text):
        raise Unreadable(node.line, f'A value of "{field}" must be a text.')
    matched = re.fullmatch(r"\s*(>=|<=|>|<)\s*(.*)", node.text)
    if matched is None:
        return _word(node, field=field)
    if halo_names.is_truth(field) or halo_names.is_instant(field):
        raise Unreadable(node.line, f'"{field}" is no number, and only numbers are compared.')
    try:
        return Comparison(Sign(matched[1]), float(matched[2]))
    except ValueError:
        raise Unreadable(node.line, f'"{matched[2]}" is not a number.') from None


def _word(node: Text, *, field: str) -> Word:
    word = node.text.strip()
    if halo_names.is_truth(field) and word.lower() not in _TRUTHS:
        raise Unreadable(node.line, f'"{field}" is true or false, and not "{word}".')
    if halo_names.is_number(field) and not ("*" in word or not word):
        try:
            return Word(halo_names.in_words(float(word)))
        except ValueError:
            wrong = f'"{word}" is not a number, nor a comparison such as ">= 7".'
            raise Unreadable(node.line, wrong) from None
    return Word(word)


_TRUTHS: Final[Mapping[str, bool]] = {"true": True, "false": False}


# --- Issues of tests ------------------------------------------------------------------------------


def issue(node: Marked) -> Issue:
    """The issue that a test speaks of. It is critical unless the test says that it is not; whatever
    else the test does not say, Halo does not say either.
    """
    blank = Issue(
        id=IssueId("00000000-0000-0000-0000-000000000000"),
        type="",
        source="",
        status=IssueStatus.ACTIVE,
        critical=True,
        name="",
    )
    return replace(blank, **dict(_facts(node)))


def _facts(node: Marked) -> Iterator[tuple[str, Any]]:
    for key, value in _entries(node, what="An issue"):
        if key.text in {TAGS, "csp_tags"}:
            tags = table(value, what="Tags")
            pairs = ((name, text(tag, what="A tag")) for name, tag in tags.items())
            yield "tags", tuple(pairs)
            continue
        field = _field(key.text, line=key.line)
        attribute = halo_names.places(field)[0].partition(".")[2] if "." not in field else ""
        if not attribute:
            raise Unreadable(key.line, f'Write "tags: {{NAME: VALUE}}" for "{key.text}".')
        yield attribute, _fact(value, field=field, attribute=attribute)


def _fact(node: Marked, *, field: str, attribute: str) -> Any:
    """A value in the type that an issue has it in."""
    if attribute == "cves":
        return texts(node, what=f'"{field}"')
    if attribute == "status":
        return IssueStatus(one_of(node, what="status", words=tuple(IssueStatus)))
    if halo_names.is_truth(field):
        return _TRUTHS[one_of(node, what=f'"{field}"', words=tuple(_TRUTHS))]
    if halo_names.is_number(field):
        return valued(node, float, what=f'"{field}"')
    if halo_names.is_instant(field):
        return valued(node, _instant, what=f'"{field}"')
    return text(node, what=f'"{field}"')


def _instant(words: str) -> datetime:
    at = datetime.fromisoformat(words)
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def said(node: Marked) -> str:
    """An issue in the words of its test, on one line."""
    if isinstance(node, Text):
        return node.text
    if isinstance(node, Rows):
        return f"[{', '.join(map(said, node.items))}]"
    return ", ".join(f"{key.text}: {said(value)}" for key, value in node.entries)
