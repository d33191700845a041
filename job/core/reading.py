"""A document as lines of text, as people read it at a terminal, in a diff or in a mail.

Promises: no line is wider than was asked for, however long a word is and whatever script it is
in; how a piece looks is told beside its words, so that these make sense without colours; a link is
numbered, and its address stands at the end.
Does not do: documents with other nodes than `adf.py` builds, or colours (`console/screen.py`).
"""

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from itertools import zip_longest
from typing import Any, Final

import msgspec

from job.core.adf import Document, Node, clean
from job.core.sheets import Sheet

WIDTH: Final = 80
_GAP: Final = 2
"""Columns between two cells."""
_CODE_INDENT: Final = 4


class Look(StrEnum):
    """How a piece of a line looks."""

    PLAIN = "plain"
    STRONG = "strong"
    CODE = "code"
    LINK = "link"
    TITLE = "title"
    HEADING = "heading"
    RULE = "rule"
    """Lines that part and frame, which are no words."""


Span = tuple[str, Look]
Line = tuple[Span, ...]
Word = list[Span]
"""What stands between two spaces, which may look different in its parts."""
NOTHING: Final[Line] = ()


def text(sheets: Iterable[Sheet], *, width: int = WIDTH) -> str:
    """Sheets one below the other, as bare words."""
    whole = (words_of(line) for sheet in sheets for line in (*lines(sheet, width=width), NOTHING))
    return "\n".join(whole).rstrip() + "\n"


def words_of(line: Line) -> str:
    return "".join(words for words, _ in line).rstrip()


def lines(sheet: Sheet, *, width: int = WIDTH) -> Iterator[Line]:
    """A sheet from its title down."""
    yield from _filled(_words([(sheet.title, Look.TITLE)]), width=width)
    yield (("═" * width, Look.RULE),)
    if sheet.summary:
        yield from _filled(_words([(sheet.summary, Look.STRONG)]), width=width)
    if sheet.fields:
        yield NOTHING
        cells = [[[(name, Look.STRONG)], [(value, Look.PLAIN)]] for name, value in sheet.fields]
        yield from _laid_out(cells, width=width, ruled=False)
    if sheet.document is not None:
        if sheet.summary or sheet.fields:
            yield NOTHING
        yield from _Reader(width).document(sheet.document)


class _Reader:
    """Reads one document, and keeps count of its links."""

    def __init__(self, width: int) -> None:
        self._width = width
        self._links: dict[str, int] = {}

    def document(self, document: Document) -> Iterator[Line]:
        """Its blocks with blank lines between them, then where its links lead."""
        yield from self._blocks(msgspec.json.decode(document)["content"], width=self._width)
        if self._links:
            yield NOTHING
        for href, number in self._links.items():
            spans = [(f"[{number}]", Look.PLAIN), (f" {href}", Look.LINK)]
            yield from _filled(_words(spans), width=self._width)

    def _blocks(self, blocks: Sequence[Node], *, width: int) -> Iterator[Line]:
        for number, block in enumerate(blocks):
            if number and blocks[number - 1]["type"] != "heading":
                yield NOTHING
            yield from self._block(block, width=width)

    def _block(self, block: Node, *, width: int) -> Iterator[Line]:
        content = block.get("content", [])
        match block["type"]:
            case "paragraph":
                yield from _filled(_words(self._spans(content)), width=width)
            case "heading":
                head = [(node["text"], Look.HEADING) for node in content]
                yield from _filled(_words(head), width=width)
                many = min(sum(columns(words) for words, _ in head), width)
                yield (("─" * many, Look.RULE),)
            case "table":
                yield from self._table(content, width=width)
            case "codeBlock":
                yield from _code(content, width=width)
            case "bulletList":
                for item in content:
                    inside = self._blocks(item["content"], width=width - 2)
                    yield from _indented(inside, first=("• ", Look.PLAIN), rest=("  ", Look.PLAIN))
            case "panel":
                bar = ("┃ ", Look.RULE)
                yield from _indented(self._blocks(content, width=width - 2), first=bar, rest=bar)
            case other:
                raise ValueError(f"No document of ours has a node of the type {other!r}.")

    def _spans(self, content: Sequence[Node]) -> Iterator[Span]:
        for node in content:
            marks: dict[str, Any] = {mark["type"]: mark for mark in node.get("marks", ())}
            if "link" in marks:
                href = marks["link"]["attrs"]["href"]
                number = self._links.setdefault(href, len(self._links) + 1)
                yield node["text"], Look.LINK
                yield f"[{number}]", Look.PLAIN
            else:
                look = Look.STRONG if "strong" in marks else Look.PLAIN
                yield node["text"], Look.CODE if "code" in marks else look

    def _table(self, rows: Sequence[Node], *, width: int) -> Iterator[Line]:
        """Cells under their headers; where headers stand beside them, names and values."""
        cells = [[list(self._cell(cell)) for cell in row["content"]] for row in rows]
        ruled = all(cell["type"] == "tableHeader" for cell in rows[0]["content"])
        yield from _laid_out(cells, width=width, ruled=ruled)

    def _cell(self, cell: Node) -> Iterator[Span]:
        is_header = cell["type"] == "tableHeader"
        for block in cell["content"]:
            for words, look in self._spans(block.get("content", [])):
                yield words, Look.STRONG if is_header else look


# --- Tables ---------------------------------------------------------------------------------------


def _laid_out(rows: Sequence[Sequence[list[Span]]], *, width: int, ruled: bool) -> Iterator[Line]:
    """Rows of cells, with a line under the first if that is one of headers. Where a cell takes
    several lines, such rows stand apart.
    """
    words = [[_words(cell) for cell in row] for row in rows]
    widths = _widths(words, room=width, ruled=ruled)
    drawn = [
        [list(_filled(cell, width=wide)) for cell, wide in zip(row, widths, strict=True)]
        for row in words
    ]
    apart = ruled and any(len(cell) > 1 for row in drawn for cell in row)
    for number, row in enumerate(drawn):
        if number == 1 and ruled:
            yield _side_by_side([(("─" * wide, Look.RULE),) for wide in widths], widths=widths)
        elif number > 1 and apart:
            yield NOTHING
        for pieces in zip_longest(*row, fillvalue=NOTHING):
            yield _side_by_side(pieces, widths=widths)


def _side_by_side(pieces: Sequence[Line], *, widths: Sequence[int]) -> Line:
    whole: list[Span] = []
    for piece, wide in zip(pieces, widths, strict=True):
        taken = sum(columns(words) for words, _ in piece)
        whole += [*piece, (" " * (wide - taken + _GAP), Look.PLAIN)]
    return tuple(whole[:-1])


def _widths(rows: Sequence[Sequence[Sequence[Word]]], *, room: int, ruled: bool) -> list[int]:
    """As wide as each column would be; where that is too much, as its longest word, and the rest
    is shared out. Names beside values are not broken while they leave most of the room.
    """
    room -= _GAP * (len(rows[0]) - 1)
    stacks = list(zip(*rows, strict=True))
    wanted = [max(1, *(_wide(cell) for cell in stack)) for stack in stacks]
    least = [max(1, *(_word_wide(word) for cell in stack for word in cell), 1) for stack in stacks]
    if not ruled and wanted[0] <= room // 3:
        least = [wanted[0], *(min(low, room - wanted[0]) for low in least[1:])]
    if sum(least) > room:
        return _shared(wanted, room=room)
    more = [wide - low for wide, low in zip(wanted, least, strict=True)]
    given = _shared(more, room=room - sum(least))
    return [low + extra for low, extra in zip(least, given, strict=True)]


def _shared(wanted: Sequence[int], *, room: int) -> list[int]:
    """What each gets of the room: the modest all they want, the others the same of what is left."""
    given = [0] * len(wanted)
    order = sorted(range(len(wanted)), key=lambda place: wanted[place])
    for turn, place in enumerate(order):
        given[place] = min(wanted[place], room // (len(order) - turn))
        room -= given[place]
    return given


def _wide(cell: Sequence[Word]) -> int:
    return sum(map(_word_wide, cell)) + max(len(cell) - 1, 0)


def _word_wide(word: Word) -> int:
    return sum(columns(words) for words, _ in word)


# --- Lines ----------------------------------------------------------------------------------------


def _code(content: Sequence[Node], *, width: int) -> Iterator[Line]:
    indent = " " * _CODE_INDENT
    for node in content:
        for line in node["text"].expandtabs(4).splitlines():
            for piece in _broken(line, width=width - _CODE_INDENT):
                yield ((indent, Look.PLAIN), (piece, Look.CODE))


def _indented(inside: Iterable[Line], *, first: Span, rest: Span) -> Iterator[Line]:
    for number, line in enumerate(inside):
        yield (rest if number else first, *line)


def _words(spans: Iterable[Span]) -> list[Word]:
    """Spans cut at their spaces; what is not parted by one stays together."""
    found: list[Word] = []
    joined = False
    for said, look in spans:
        pieces = clean(said).split(" ")
        for number, piece in enumerate(pieces):
            joined = joined and number == 0
            if not piece:
                continue
            if joined:
                found[-1].append((piece, look))
            else:
                found.append([(piece, look)])
            joined = True
        joined = joined and bool(pieces[-1])
    return found


def _filled(words: Sequence[Word], *, width: int) -> Iterator[Line]:
    """Words on as few lines as hold them; one that is too long goes on in the next line."""
    line: list[Span] = []
    taken = 0
    for word in words:
        wide = _word_wide(word)
        if taken and taken + 1 + wide > width:
            yield tuple(line)
            line, taken = [], 0
        if taken:
            line.append((" ", line[-1][1] if line[-1][1] is word[0][1] else Look.PLAIN))
            taken += 1
        for piece in _pieces(word, width=width):
            if taken + _word_wide(piece) > width:
                yield tuple(line)
                line, taken = [], 0
            line += piece
            taken += _word_wide(piece)
    if line:
        yield tuple(line)


def _pieces(word: Word, *, width: int) -> Iterator[Word]:
    if _word_wide(word) <= width:
        yield word
        return
    for said, look in word:
        for piece in _broken(said, width=width):
            yield [(piece, look)]


def _broken(words: str, *, width: int) -> Iterator[str]:
    """A text cut to the width, wherever that falls."""
    start, taken = 0, 0
    for place, character in enumerate(words):
        wide = columns(character)
        if taken + wide > width and place > start:
            yield words[start:place]
            start, taken = place, 0
        taken += wide
    yield words[start:]


def columns(words: str) -> int:
    """How many columns of a terminal it takes: East Asian characters two, combining ones none."""
    if words.isascii():
        return len(words)
    return sum(map(_column, words))


def _column(character: str) -> int:
    if unicodedata.combining(character) or unicodedata.category(character) in {"Cf", "Mn", "Me"}:
        return 0
    return 2 if unicodedata.east_asian_width(character) in {"W", "F"} else 1
