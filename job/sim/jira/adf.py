"""Whether a document is one that Jira Cloud takes: a strict small reading of the Atlassian Document
Format.

Promises: everything it accepts is valid by the published ADF schema and a little safer (no
javascript: links); text is counted in UTF-16 units, as text and not as JSON. It knows the nodes a
report needs and refuses the others.
Does not do: media, mentions, layouts, extensions.
Source: developer.atlassian.com/cloud/jira/platform/apis/document/structure, schema package
@atlaskit/adf-schema.
"""

from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any, Final

TEXT_MAX: Final = 32_767
JSON_MAX: Final = 1_048_576
_INLINE: Final = frozenset({"text", "hardBreak", "inlineCard", "emoji", "status", "date"})
_LEAF: Final = frozenset({"paragraph", "codeBlock", "rule"})
_LISTS: Final = frozenset({"bulletList", "orderedList"})
_IN_ITEM: Final = frozenset({"paragraph", "codeBlock"}) | _LISTS
_IN_PANEL: Final = frozenset({"paragraph", "heading", "codeBlock", "rule"}) | _LISTS
_IN_CELL: Final = _LEAF | _LISTS | {"heading", "blockquote", "panel", "nestedExpand"}
_TOP: Final = _LEAF | _LISTS | {"heading", "blockquote", "panel", "table", "expand"}

_CHILDREN: Final[Mapping[str, frozenset[str]]] = {
    "doc": _TOP,
    "paragraph": _INLINE,
    "heading": _INLINE,
    "codeBlock": frozenset({"text"}),
    "blockquote": frozenset({"paragraph", "codeBlock"}) | _LISTS,
    "panel": _IN_PANEL,
    "expand": _TOP - {"expand"} | {"nestedExpand"},
    "nestedExpand": _IN_PANEL | {"blockquote", "panel"},
    "bulletList": frozenset({"listItem"}),
    "orderedList": frozenset({"listItem"}),
    "listItem": _IN_ITEM,
    "table": frozenset({"tableRow"}),
    "tableRow": frozenset({"tableCell", "tableHeader"}),
    "tableCell": _IN_CELL,
    "tableHeader": _IN_CELL,
}
_NOT_EMPTY: Final = frozenset(_CHILDREN) - {"doc", "paragraph", "heading", "codeBlock"}
_ATTRS: Final[Mapping[str, frozenset[str]]] = {
    "heading": frozenset({"level"}),
    "codeBlock": frozenset({"language"}),
    "panel": frozenset({"panelType"}),
    "expand": frozenset({"title"}),
    "nestedExpand": frozenset({"title"}),
    "orderedList": frozenset({"order"}),
    "table": frozenset({"isNumberColumnEnabled", "layout", "width", "displayMode"}),
    "tableCell": frozenset({"colspan", "rowspan", "colwidth", "background"}),
    "tableHeader": frozenset({"colspan", "rowspan", "colwidth", "background"}),
    "hardBreak": frozenset({"text"}),
    "inlineCard": frozenset({"url"}),
    "emoji": frozenset({"shortName", "id", "text"}),
    "status": frozenset({"text", "color", "style"}),
    "date": frozenset({"timestamp"}),
}
_REQUIRED: Final[Mapping[str, str]] = {
    "heading": "level",
    "panel": "panelType",
    "inlineCard": "url",
    "emoji": "shortName",
    "status": "text",
    "date": "timestamp",
    "nestedExpand": "title",
}
_MARKS: Final = frozenset(
    {"strong", "em", "code", "link", "underline", "strike", "subsup", "textColor"}
)
_PANELS: Final = frozenset({"info", "note", "warning", "success", "error", "tip"})


def problems(document: object) -> list[str]:
    """What is wrong with it, with the place; an empty list means Jira takes it."""
    if not isinstance(document, dict) or document.get("type") != "doc":
        return ["not a document"]
    if document.get("version") != 1 or isinstance(document.get("version"), bool):
        return ["version must be 1"]
    if set(document) - {"type", "version", "content"} or not isinstance(
        document.get("content"), list
    ):
        return ["a document has type, version and content"]
    return [f"doc{problem}" for problem in _walk(document)]


def text_length(document: object) -> int:
    """UTF-16 units of all text in it."""
    if not isinstance(document, dict):
        return 0
    own = len(str(document.get("text", "")).encode("utf-16-le", errors="surrogatepass")) // 2
    return own + sum(text_length(child) for child in document.get("content", []))


def plain_text(document: object) -> str:
    """The words of it, as the search index sees them: link targets are not among them."""
    if not isinstance(document, dict):
        return ""
    parts = [str(document["text"])] if "text" in document else []
    parts += [plain_text(child) for child in document.get("content", [])]
    return " ".join(part for part in parts if part)


def _walk(node: dict[str, Any]) -> Iterator[str]:
    """The problems of what stands in it, each after its place there: `[2][0]: no such panel`."""
    children = node.get("content", [])
    kind = node["type"]
    if not isinstance(children, list) or (kind in _NOT_EMPTY and not children):
        yield f": {kind} needs content"
        return
    for number, child in enumerate(children):
        if not isinstance(child, dict) or child.get("type") not in _CHILDREN.get(kind, frozenset()):
            named = child.get("type") if isinstance(child, dict) else repr(child)
            yield f"[{number}]: {named} cannot stand in {kind}"
            continue
        for problem in chain(_own(child, parent=kind), _walk(child)):
            yield f"[{number}]{problem}"
    if (
        kind == "listItem"
        and children
        and children[0].get("type") not in ("paragraph", "codeBlock")
    ):
        yield ": a list item begins with a paragraph"


def _own(node: dict[str, Any], *, parent: str) -> Iterator[str]:
    kind = node["type"]
    if kind == "text":
        yield from _text(node, parent=parent)
        return
    if extra := set(node) - {"type", "content", "attrs", "marks"}:
        yield f": unknown keys {sorted(extra)}"
    attrs = node.get("attrs", {})
    if not isinstance(attrs, dict) or set(attrs) - _ATTRS.get(kind, frozenset()) - {"localId"}:
        yield f": unknown attributes of {kind}"
        return
    if kind in _REQUIRED and _REQUIRED[kind] not in attrs:
        yield f": {kind} needs {_REQUIRED[kind]}"
    if kind == "heading" and attrs.get("level") not in (1, 2, 3, 4, 5, 6):
        yield ": heading level must be 1 to 6"
    if kind == "panel" and attrs.get("panelType") not in _PANELS:
        yield ": no such panel"
    if node.get("marks"):
        yield ": only text carries marks here"


def _text(node: dict[str, Any], *, parent: str) -> Iterator[str]:
    if (
        set(node) - {"type", "text", "marks"}
        or not isinstance(node.get("text"), str)
        or not node["text"]
    ):
        yield ": text must be a non-empty string"
    marks = node.get("marks", [])
    if not isinstance(marks, list) or any(not isinstance(mark, dict) for mark in marks):
        yield ": marks must be a list of objects"
        return
    names = [str(mark.get("type")) for mark in marks]
    if unknown := set(names) - _MARKS:
        yield f": unknown marks {sorted(unknown)}"
    if len(names) != len(set(names)):
        yield ": a mark twice"
    if names and parent == "codeBlock":
        yield ": no marks inside codeBlock"
    if "code" in names and set(names) - {"code", "link"}:
        yield ": code goes with link only"
    for mark in marks:
        if mark.get("type") == "link" and not _is_safe_link(mark.get("attrs")):
            yield ": a link needs an http, https or mailto href"


def _is_safe_link(attrs: object) -> bool:
    href = attrs.get("href") if isinstance(attrs, dict) else None
    return isinstance(href, str) and href.startswith(("http://", "https://", "mailto:"))
