"""Builds the documents that Jira takes for descriptions and comments: Atlassian Document Format.

Promises: every document is valid by the published schema, holds no control characters, links only
to web and mail addresses, and stays under Jira's limits. What is too long ends at a block, row,
item or line, and says so.
Does not do: knowing what the text is about. Only the few nodes that a report needs are offered.

Sources: developer.atlassian.com/cloud/jira/platform/apis/document/structure, and the schema in
@atlaskit/adf-schema.
"""

import json
import re
from collections.abc import Iterable, Sequence
from textwrap import wrap
from typing import Any, Final

import msgspec

Node = dict[str, Any]
Inline = str | Node
"""What stands inside a paragraph: bare words, or words with a mark."""
Document = msgspec.Raw
"""A document as JSON, which takes a tenth of the room that its nodes would take while it waits to
be sent.
"""

TEXT_MAX: Final = 32_000
"""Jira takes 32,767 UTF-16 units of plain text in a rich field; ours ends a little earlier."""
JSON_MAX: Final = 1_000_000
"""Jira takes 1,048,576 bytes of JSON in any field."""
LINE_MAX: Final = 255
"""UTF-16 units in a summary, a single-line text field or a label."""

_CELL_MAX: Final = 1_000
_PARAGRAPH_MAX: Final = 2_000
_HREF: Final = re.compile(r"(https?://|mailto:)\S{1,2000}", re.IGNORECASE)
_UNPRINTABLE: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]"
)
_SPACE: Final = re.compile(r"\s")
_DIVISIBLE: Final = frozenset({"table", "bulletList", "panel"})


# --- Words ----------------------------------------------------------------------------------------


def clean(words: str) -> str:
    """The words without control characters and halves of surrogate pairs; tabs, line ends stay.
    Words from right to left stay as well, but nothing can turn round what stands beside it.
    """
    return _UNPRINTABLE.sub("", words.replace("\r\n", "\n"))


def one_line(words: str) -> str:
    """The words on one line, with single spaces."""
    plain = words if words.isprintable() else clean(" ".join(words.split()))
    return " ".join(plain.split())


def units(words: str) -> int:
    """The length as Jira counts it, in UTF-16 units: an emoji is two."""
    return len(words) if words.isascii() else len(words.encode("utf-16-le", "surrogatepass")) // 2


def cut(words: str, *, units_max: int) -> str:
    """The words, or as many as fit with an ellipsis in place of the rest."""
    if units(words) <= units_max:
        return words
    start = words.encode("utf-16-le", "surrogatepass")[: 2 * (units_max - 1)]
    return start.decode("utf-16-le", "ignore").rstrip() + "…"


# --- Inside a paragraph ---------------------------------------------------------------------------


def text(words: str, *marks: Node) -> Node:
    node: Node = {
        "type": "text",
        "text": words if words.isprintable() else _SPACE.sub(" ", clean(words)),
    }
    if marks:
        node["marks"] = list(marks)
    return node


def strong(words: str) -> Node:
    return text(words, {"type": "strong"})


def code(words: str) -> Node:
    return text(words, {"type": "code"})


def link(words: str, *, href: str) -> Node:
    """A link to a web or mail address. Any other target, such as `javascript:`, leaves the bare
    words.
    """
    href = clean(href)
    return (
        text(words, {"type": "link", "attrs": {"href": href}})
        if is_web_or_mail(href)
        else text(words)
    )


def is_web_or_mail(href: str) -> bool:
    """Whether a link may lead there."""
    return _HREF.fullmatch(href) is not None


def _inline(parts: Iterable[Inline]) -> list[Node]:
    # The schema forbids empty text.
    return [
        node for part in parts if (node := text(part) if isinstance(part, str) else part)["text"]
    ]


# --- Blocks ---------------------------------------------------------------------------------------


def paragraph(*parts: Inline) -> Node:
    return {"type": "paragraph", "content": _inline(parts)}


def prose(words: str) -> list[Node]:
    """A paragraph for each line that is not blank; an endless line becomes several, since
    paragraphs are kept whole. What no document could hold is not made.
    """
    blocks: list[Node] = []
    room = TEXT_MAX
    for piece in (piece for line in clean(words).splitlines() for piece in _pieces(line)):
        blocks.append(paragraph(piece))
        room -= len(piece) + 1
        if room < 0:  # so that the document is too long, and says that it was shortened
            break
    return blocks


def _pieces(line: str) -> list[str]:
    """What `wrap` makes of a line; of nearly all lines that is the line itself."""
    if len(line) <= _PARAGRAPH_MAX and line.isprintable():
        return [line.rstrip()] if line and not line.isspace() else []
    return wrap(line[: 4 * TEXT_MAX], _PARAGRAPH_MAX)


def heading(words: str) -> Node:
    return {"type": "heading", "attrs": {"level": 3}, "content": _inline([words])}


def bullets(items: Sequence[Inline]) -> Node:
    """A list of at least one item."""
    return {
        "type": "bulletList",
        "content": [{"type": "listItem", "content": [paragraph(item)]} for item in items],
    }


def code_block(words: str) -> Node:
    """Words to be read as they are, line by line."""
    words = clean(words)
    return {"type": "codeBlock", "content": [{"type": "text", "text": words}] if words else []}


def panel(kind: str, *blocks: Node) -> Node:
    """A coloured box around at least one block: info, note, tip, warning, error or success."""
    return {"type": "panel", "attrs": {"panelType": kind}, "content": list(blocks)}


def table(rows: Iterable[Sequence[Inline]], *, head: Sequence[str]) -> Node:
    """Rows under a row of headers."""
    top = _row(_cell(words, kind="tableHeader") for words in head)
    return {"type": "table", "content": [top, *(_row(map(_cell, row)) for row in rows)]}


def facts(pairs: Iterable[tuple[str, Inline]]) -> Node:
    """A table of two columns, names and values, for at least one pair."""
    rows = [_row([_cell(name, kind="tableHeader"), _cell(value)]) for name, value in pairs]
    return {"type": "table", "content": rows}


def _row(cells: Iterable[Node]) -> Node:
    return {"type": "tableRow", "content": list(cells)}


def _cell(part: Inline, *, kind: str = "tableCell") -> Node:
    node = text(part) if isinstance(part, str) else part
    words = node["text"]
    if len(words) > _CELL_MAX // 2:  # a character is two units at most
        node = {**node, "text": cut(words, units_max=_CELL_MAX)}
    return {"type": kind, "content": [{"type": "paragraph", "content": [node] if words else []}]}


# --- The document ---------------------------------------------------------------------------------


def document(blocks: Iterable[Node], *, rest: Inline = "") -> Document:
    """The blocks as one document. One that is too long ends by saying so, with `rest` for where to
    read on.
    """
    content = list(blocks)
    written = msgspec.json.encode(content)
    if _may_be_long(written) and sum(map(size, content)) > TEXT_MAX:
        closing = paragraph("Shortened to fit into Jira. ", rest)
        written = msgspec.json.encode([*_fitting(content, room=TEXT_MAX - size(closing)), closing])
    return Document(b'{"type":"doc","version":1,"content":' + written + b"}")


def plain(document: Document) -> str:
    """Its words on one line, for a log."""
    return cut(one_line(" ".join(_texts(msgspec.json.decode(document)))), units_max=500)


def _texts(node: Node) -> Iterable[str]:
    if "text" in node:
        yield node["text"]
    for inner in node.get("content", ()):
        yield from _texts(inner)


def _may_be_long(written: bytes) -> bool:
    """Whether nodes, written as JSON, could be larger than `TEXT_MAX`; to measure them costs far
    more than to ask this.

    Whatever names its type, a node or a mark, is written with 15 bytes beside its words at least,
    and counts 1.
    """
    return len(written) - 14 * written.count(b'"type":"') > TEXT_MAX


def size(node: Node) -> int:
    """What a node takes of `TEXT_MAX`: its words and line ends, or its share of `JSON_MAX` where
    that is more.

    One number for two limits: nodes whose sizes add up to no more than `TEXT_MAX` keep both.
    """
    return max(_words(node), 1 + len(json.dumps(node)) * TEXT_MAX // JSON_MAX)


def _words(node: Node) -> int:
    return 1 + units(node.get("text", "")) + sum(map(_words, node.get("content", ())))


def _fitting(nodes: Iterable[Node], *, room: int) -> list[Node]:
    """The first nodes that fit, and the part that fits of the first that does not."""
    kept: list[Node] = []
    for node in nodes:
        taken = size(node)
        if taken > room:
            part = _part(node, room=room)
            return [*kept, part] if part else kept
        kept.append(node)
        room -= taken
    return kept


def _part(node: Node, *, room: int) -> Node | None:
    """As much of a block as fits, ending where a reader expects it; `None` when the block is one
    piece.
    """
    kept: list[Node] = []
    room -= size({**node, "content": []})
    if room > 0 and node["type"] in _DIVISIBLE:
        kept = _fitting(node["content"], room=room)
    elif room > 0 and node["type"] == "codeBlock":
        kept = _lines(node["content"][0]["text"], room=room)
    return {**node, "content": kept} if kept else None


def _lines(words: str, *, room: int) -> list[Node]:
    """The whole lines that fit; of a first line that is too long by itself, its start."""
    lines, _, broken = cut(words, units_max=max(room - 5, 1)).rpartition("\n")
    kept: Node = {"type": "text", "text": lines or broken}
    return [kept] if size(kept) <= room else []
