"""Rich text: whatever words come in, the document is one that Jira takes, and nothing is cut in
silence.
"""

import json
from textwrap import wrap

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from job.core import adf
from job.core.adf import Node
from tests.core.documents import long_words, opened, plain, schema, utf16_units, words

JIRA_TEXT_MAX = 32_767
JIRA_JSON_MAX = 1_048_576
REST = adf.link("Read on.", href="https://halo.example/1")


inlines = st.one_of(
    words, words.map(adf.strong), words.map(adf.code), st.builds(adf.link, words, href=words)
)
simple_blocks = st.one_of(
    st.lists(inlines, max_size=4).map(lambda parts: adf.paragraph(*parts)),
    words.map(adf.heading),
    st.lists(inlines, min_size=1, max_size=5).map(adf.bullets),
    st.one_of(words, long_words).map(adf.code_block),
)
blocks = st.one_of(
    simple_blocks,
    st.builds(
        lambda kind, inner: adf.panel(kind, *inner),
        st.sampled_from(["info", "note", "success"]),
        st.lists(simple_blocks, min_size=1, max_size=3),
    ),
    st.builds(
        lambda rows: adf.table(rows, head=("A", "B")),
        st.lists(st.tuples(inlines, inlines), max_size=5),
    ),
    st.lists(st.tuples(words, inlines), min_size=1, max_size=5).map(adf.facts),
)
documents = st.lists(
    st.one_of(blocks.map(lambda block: [block]), long_words.map(adf.prose)), max_size=6
).map(lambda lists: [block for some in lists for block in some])


@pytest.mark.parametrize(
    "wrong",
    [
        {"type": "paragraph", "content": [{"type": "text", "text": ""}]},
        {"type": "bulletList", "content": []},
        {"type": "codeBlock", "content": [adf.strong("x")]},
        {"type": "panel", "attrs": {"panelType": "info"}, "content": [adf.facts([("a", "b")])]},
        {"type": "nothing"},
    ],
)
def test_the_schema_that_we_trust_refuses_what_jira_refuses(wrong: Node) -> None:
    assert list(schema().iter_errors({"type": "doc", "version": 1, "content": [wrong]}))


@settings(max_examples=60)
@given(documents)
def test_every_document_is_valid_and_within_both_limits(content: list[Node]) -> None:
    document = opened(adf.document(content, rest=REST))
    schema().validate(document)
    assert utf16_units(document) <= adf.TEXT_MAX < JIRA_TEXT_MAX
    assert len(json.dumps(document)) < JIRA_JSON_MAX
    json.dumps(document, ensure_ascii=False).encode()  # no half of a surrogate pair is left


@settings(max_examples=60)
@given(documents)
def test_a_document_is_whole_or_says_that_it_is_not(content: list[Node]) -> None:
    document = opened(adf.document(content, rest=REST))
    last = document["content"][-1:] or [adf.paragraph()]
    assert (
        document["content"] == content or plain(last[0]) == "Shortened to fit into Jira. Read on."
    )


@settings(max_examples=60)
@given(documents, st.integers(1, 40_000))
def test_what_counts_as_short_without_being_measured_is_short(
    content: list[Node], text_max: int
) -> None:
    """The cheap estimate never says less than the measure, whatever the limit."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(adf, "TEXT_MAX", text_max)
        assert (
            adf._may_be_long(msgspec.json.encode(content))
            or sum(map(adf.size, content)) <= text_max
        )


@given(words)
def test_no_control_character_survives(text: str) -> None:
    kept = adf.clean(text)
    assert not [
        letter
        for letter in kept
        if (ord(letter) < 32 and letter not in "\n\t") or 0x7F <= ord(letter) < 0xA0
    ]
    assert "\n" not in adf.one_line(text)


def test_half_a_surrogate_pair_is_left_out_and_a_whole_one_stays() -> None:
    assert adf.clean("a\ud83db😀") == "ab😀"


@given(words, st.integers(1, 60))
def test_a_cut_keeps_the_limit_and_whole_characters(text: str, limit: int) -> None:
    kept = adf.cut(adf.clean(text), units_max=limit)
    assert adf.units(kept) <= limit
    kept.encode()
    assert kept == adf.clean(text) or kept.endswith("…")


@pytest.mark.parametrize(
    "href", ["javascript:alert(1)", "ftp://x/y", "//x/y", "/x", "", "https://", "https://a b"]
)
def test_a_target_that_is_no_web_or_mail_address_leaves_bare_words(href: str) -> None:
    assert adf.link("words", href=href) == {"type": "text", "text": "words"}


@pytest.mark.parametrize(
    "href", ["https://halo.example/v3/issues/1", "http://127.0.0.1:8080/", "mailto:sec@example.com"]
)
def test_a_web_or_mail_address_becomes_a_link(href: str) -> None:
    assert adf.link("words", href=href)["marks"] == [{"type": "link", "attrs": {"href": href}}]


def test_a_code_block_that_is_too_long_ends_with_a_whole_line() -> None:
    lines = [f"line {number}" for number in range(10_000)]
    document = opened(adf.document([adf.code_block("\n".join(lines))], rest=REST))
    kept = document["content"][0]["content"][0]["text"].split("\n")
    assert kept == lines[: len(kept)]
    assert adf.TEXT_MAX - 200 < utf16_units(document) <= adf.TEXT_MAX


def test_a_single_endless_line_of_code_is_cut_in_the_middle() -> None:
    document = opened(adf.document([adf.code_block("x" * 50_000)], rest=REST))
    assert document["content"][0]["content"][0]["text"].endswith("x…")
    assert utf16_units(document) > adf.TEXT_MAX - 200


def test_a_table_that_is_too_long_ends_with_a_whole_row() -> None:
    table = adf.table([(str(number), "x" * 500) for number in range(100)], head=("Number", "Text"))
    document = opened(adf.document([table], rest=REST))
    rows = document["content"][0]["content"]
    assert 50 < len(rows) < 64
    assert [plain(row) for row in rows[1:]] == [
        f"{number}\n{'x' * 500}" for number in range(len(rows) - 1)
    ]


def test_an_endless_cell_is_cut_so_that_its_row_stays() -> None:
    (cut_row,) = adf.table([("name", "x" * 40_000)], head=())["content"][1:]
    assert plain(cut_row) == f"name\n{'x' * 999}…"


def test_blocks_after_the_one_that_does_not_fit_are_left_out() -> None:
    content = [adf.paragraph("kept"), adf.paragraph("x" * 40_000), adf.paragraph("left out")]
    assert (
        plain(opened(adf.document(content, rest=REST)))
        == "kept\nShortened to fit into Jira. Read on."
    )


def test_many_long_addresses_are_held_to_the_limit_of_bytes() -> None:
    addresses = [
        adf.paragraph(adf.link("x", href=f"https://halo.example/{'y' * 1_000}"))
        for _ in range(5_000)
    ]
    document = opened(adf.document(addresses, rest=REST))
    assert 900_000 < len(json.dumps(document)) < JIRA_JSON_MAX
    assert utf16_units(document) < 5_000


@given(words)
def test_a_line_that_is_known_to_fit_is_what_wrapping_would_make_of_it(text: str) -> None:
    for line in adf.clean(text).splitlines():
        assert adf._pieces(line) == wrap(line, adf._PARAGRAPH_MAX)


@given(words)
def test_one_line_has_single_spaces_and_no_control_characters(text: str) -> None:
    assert adf.one_line(text) == " ".join(adf.clean(" ".join(text.split())).split())


@pytest.mark.parametrize("words", ["x\n" * 500_000, "word " * 400_000, "\U0001f600" * 500_000])
def test_prose_that_no_document_can_hold_is_not_made_and_the_document_says_so(words: str) -> None:
    blocks = adf.prose(words)
    assert len(blocks) <= adf.TEXT_MAX
    assert plain(opened(adf.document(blocks))).endswith("Shortened to fit into Jira. ")


def test_prose_has_a_paragraph_for_each_line() -> None:
    assert [
        plain(block) for block in adf.prose("Root must not log in.\r\n\n  Set it to no. \n")
    ] == [
        "Root must not log in.",
        "  Set it to no.",
    ]


def test_nothing_turns_round_the_order_of_what_stands_beside_it() -> None:
    turned = "invoice\u202egpj.exe\u202c \u2066x\u2069 \u05e9\u05dc\u05d5\u05dd"
    assert adf.clean(turned) == "invoicegpj.exe x \u05e9\u05dc\u05d5\u05dd"
    assert adf.text(turned)["text"] == adf.one_line(turned) == adf.clean(turned)
