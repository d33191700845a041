"""Reads filters of the original's version 3 as conditions of a route.

Promises: a condition holds for no issue that Halo would not have listed for its filter, except that
case is not regarded; a filter for which this cannot be is refused with its line.
Does not do: anything else of its rules (`older_routes.py`).
"""

from collections.abc import Iterator
from typing import Final

from job.settings import conditioning
from job.settings.conditioning import text, texts
from job.settings.marked import Marked, Rows, Table, Text, Unreadable

Value = str | list[str]
_AS_THEY_ARE: Final = frozenset({
    *("asset_fqdn", "asset_hostname", "asset_id", "asset_name", "asset_type", "cp_rule_id"),
    *("csp_account_id", "csp_account_name", "csp_account_type", "csp_image_id", "csp_region"),
    *("csp_resource_id", "csp_resource_uri", "csp_service_type", "cve_id", "group_id"),
    *("group_name", "image_sha", "name", "source", "type", "os_type", "policy_name"),
    *("registry_id", "registry_name", "repository_id", "repository_name"),
})  # fmt: skip
_TIMES: Final = ("first_seen_at", "last_seen_at", "resolved_at", "created_at", "updated_at")
_TRUTHS: Final = {
    **dict.fromkeys(("true", "yes", "on"), "true"),
    **dict.fromkeys(("false", "no", "off"), "false"),
}


def is_unset(node: Marked) -> bool:
    """Whether it is YAML's null."""
    return isinstance(node, Text) and node.text in {"", "~", "null", "Null", "NULL"}


def carried(node: Marked | None) -> Iterator[tuple[str, Value]]:
    """Each filter as a condition. Raises `Unreadable` for one that cannot be carried."""
    if node is None or is_unset(node):
        return
    for key, value in conditioning.table(node, what="filters.issue").items():
        if is_unset(value):
            continue
        if key.startswith(_TIMES):
            raise Unreadable(value.line, f"{key} is a filter of time, which no route can ask for.")
        if key == "csp_tags":
            yield from _tags(value)
        elif key == "critical":
            word = text(value, what=key).casefold()
            if word not in _TRUTHS:
                raise Unreadable(value.line, f'critical is true or false, and not "{word}".')
            yield key, _TRUTHS[word]
        elif key == "max_cvss_gte":
            number = conditioning.valued(value, float, what=key)
            yield "max_cvss", f">= {number:g}"
        elif key in _AS_THEY_ARE:
            field = "cve_ids" if key == "cve_id" else key
            words = [_plain(word, line=value.line) for word in _words(value, key=key)]
            yield field, words if len(words) > 1 else words[0]
        else:
            raise Unreadable(value.line, f"No condition of a route is the same as {key}.")


def _words(node: Marked, *, key: str) -> tuple[str, ...]:
    words = texts(node, what=key)
    if not words:
        raise Unreadable(node.line, f"{key} names nothing.")
    if any("," in word for word in words):
        wrong = f"A comma within {key} may be part of a name or stand between two."
        raise Unreadable(node.line, f"{wrong} Write a list.")
    return words


def _plain(word: str, *, line: int) -> str:
    """A word that means nothing but itself in a condition."""
    if "*" in word or "?" in word or word.startswith((">", "<")):
        raise Unreadable(line, f'"{word}" would be a pattern or a comparison in a route.')
    return word


def _tags(node: Marked) -> Iterator[tuple[str, Value]]:
    seen: set[str] = set()
    for name, value in _tag_pairs(node):
        if name in seen:
            raise Unreadable(node.line, f'The tag "{name}" is asked for twice.')
        seen.add(name)
        yield f"tags.{name}", _plain(value, line=node.line)


def _tag_pairs(node: Marked) -> Iterator[tuple[str, str]]:
    """From a table, a list of tables with `key` and `value`, or a list of `key:value`."""
    items = node.items if isinstance(node, Rows) else (node,)
    if not any(not isinstance(item, Table) or item.entries for item in items):
        raise Unreadable(node.line, "csp_tags names nothing.")
    for item in items:
        if isinstance(item, Table):
            yield from _tabled(item)
        else:
            yield _spelled(text(item, what="A tag"), line=item.line)


def _tabled(node: Table) -> Iterator[tuple[str, str]]:
    said = {name.text: text(value, what="A tag") for name, value in node.entries}
    if said.keys() == {"key", "value"}:
        yield said["key"], said["value"]
    else:
        yield from said.items()


def _spelled(words: str, *, line: int) -> tuple[str, str]:
    name, _, value = (part.strip() for part in words.partition(":"))
    if not (name and value):
        raise Unreadable(line, f'"{words}" is no tag such as environment:production.')
    return name, value
