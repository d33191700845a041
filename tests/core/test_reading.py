"""A document as lines of text: every word of it, in order, within the width, whatever it is."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from job.core import adf
from job.core.adf import Document, code, facts, link, paragraph, strong, table
from job.core.reading import Look, columns, lines, text, words_of
from job.core.sheets import Sheet
from tests.core.documents import words


def read(*blocks: adf.Node, width: int = 40) -> list[str]:
    """Below the title and its rule."""
    sheet = Sheet(title="T", document=adf.document(blocks))
    return [words_of(line) for line in lines(sheet, width=width)][2:]


def test_a_sheet_has_its_title_its_summary_its_fields_and_its_document() -> None:
    sheet = Sheet(
        title="New",
        summary="Root may log in",
        fields=(("Labels", "csm, halo"), ("Due", "2021-05-01")),
        document=adf.document([paragraph("Words.")]),
    )
    assert text([sheet], width=20).splitlines() == [
        "New",
        "═" * 20,
        "Root may log in",
        "",
        "Labels  csm, halo",
        "Due     2021-05-01",
        "",
        "Words.",
    ]


def test_a_ticket_without_a_place_for_words_shows_the_rest() -> None:
    assert text([Sheet(title="New", summary="S")], width=5) == "New\n═════\nS\n"


def test_lines_end_between_words_and_a_word_that_is_too_long_goes_on() -> None:
    assert read(paragraph("one two three"), width=7) == ["one two", "three"]
    assert read(paragraph("in 123456789"), width=5) == ["in", "12345", "6789"]


def test_what_no_space_parts_stays_together_across_marks() -> None:
    said = read(
        paragraph("It is in ", code("/etc/hosts"), ", says ", strong("Halo"), "."), width=21
    )
    assert said == ["It is in /etc/hosts,", "says Halo."]


def test_a_link_is_numbered_and_its_address_stands_at_the_end_once() -> None:
    to = link("here", href="https://a.example/1")
    assert read(paragraph("See ", to, " or ", to, ".")) == [
        "See here[1] or here[1].",
        "",
        "[1] https://a.example/1",
    ]


def test_a_heading_is_underlined_and_stands_at_what_it_heads() -> None:
    assert read(paragraph("a"), adf.heading("Why"), paragraph("b"), paragraph("c")) == [
        *("a", "", "Why", "───", "b", "", "c"),
    ]


def test_a_table_stands_in_columns_and_rows_of_several_lines_stand_apart() -> None:
    rows = [("a", "one two three four"), ("b", "x")]
    assert read(table(rows, head=("N", "What")), width=13) == [
        "N  What",
        "─  ──────────",
        "a  one two",
        "   three four",
        "",
        "b  x",
    ]


def test_names_beside_values_are_not_broken_and_rows_stand_close() -> None:
    said = read(facts([("Image digest", "x" * 30), ("Tag", "y")]), width=40)
    assert said == ["Image digest  " + "x" * 26, "              xxxx", "Tag           y"]


def test_a_list_a_box_and_a_code_block_are_indented() -> None:
    said = read(
        adf.bullets(["one two", "three"]),
        adf.panel("note", paragraph("four five")),
        adf.code_block("a  b\n\tc"),
        width=8,
    )
    assert said == [
        *("• one", "  two", "• three", ""),
        *("┃ four", "┃ five", ""),
        *("    a  b", "", "    c"),
    ]


def test_how_a_piece_looks_stands_beside_it() -> None:
    sheet = Sheet(title="T", document=adf.document([paragraph("a ", strong("b"), " ", code("c"))]))
    assert list(lines(sheet))[2] == (
        *(("a", Look.PLAIN), (" ", Look.PLAIN)),
        *(("b", Look.STRONG), (" ", Look.PLAIN)),
        ("c", Look.CODE),
    )


def test_scripts_of_wide_and_of_combining_characters_keep_their_columns() -> None:
    assert columns("日本") == 4
    assert columns("e\u0301") == 1
    assert read(table([("日本", "x"), ("ab", "y")], head=("N", "V"))) == [
        *("N     V", "────  ─", "日本  x", "ab    y"),
    ]


def test_a_node_that_is_not_ours_is_refused_and_not_left_out() -> None:
    strange = Document(b'{"type":"doc","version":1,"content":[{"type":"rule"}]}')
    with pytest.raises(ValueError, match="'rule'"):
        text([Sheet(title="T", document=strange)])


inlines = (
    words | words.map(strong) | words.map(code) | words.map(lambda w: link(w, href="https://x.y"))
)
blocks = st.one_of(
    st.lists(inlines, max_size=4).map(lambda parts: paragraph(*parts)),
    words.map(adf.heading),
    words.map(adf.code_block),
    st.lists(inlines, min_size=1, max_size=3).map(adf.bullets),
    st.lists(st.tuples(words, inlines), min_size=1, max_size=3).map(facts),
    st.lists(st.tuples(inlines, inlines, inlines), max_size=3).map(
        lambda rows: table(rows, head=("A", "B", "C"))
    ),
    st.lists(inlines, min_size=1, max_size=2).map(
        lambda parts: adf.panel("note", paragraph(*parts))
    ),
)


def texts(node: adf.Node) -> list[str]:
    """Every text of a document, in order."""
    own = [node["text"]] if "text" in node else []
    return own + [said for inner in node.get("content", []) for said in texts(inner)]


@settings(max_examples=80)
@given(st.lists(blocks, max_size=4), st.integers(20, 100))
def test_no_line_is_wider_than_was_asked_for(some: list[adf.Node], width: int) -> None:
    sheet = Sheet(title="T", document=adf.document(some))
    assert all(columns(words_of(line)) <= width for line in lines(sheet, width=width))


@given(st.lists(words.map(paragraph) | words.map(adf.code_block), max_size=4))
def test_every_word_is_there_and_in_order(some: list[adf.Node]) -> None:
    sheet = Sheet(title="T", document=adf.document(some))
    said = "".join("".join(words_of(line) for line in list(lines(sheet))[2:]).split())
    assert said == "".join("".join(text for node in some for text in texts(node)).split())
