"""Sheets as a page: the words as words, a closed set of tags, nothing that runs or is fetched."""

from html.parser import HTMLParser
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from job.core import adf
from job.core.adf import Document, code, facts, link, paragraph, strong, table
from job.core.markup import blocks as drawn
from job.core.markup import page
from job.core.sheets import Sheet
from tests.core.documents import words

TAGS: Final = frozenset(
    {
        *("html", "head", "meta", "title", "style", "body", "article", "div", "h1", "h3", "p"),
        *("table", "tr", "th", "td", "ul", "li", "pre", "code", "strong", "a", "bdi"),
    }
)


class Page(HTMLParser):
    """What a browser would see: the tags, where links lead, the words outside of the style."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.hrefs: list[str] = []
        self.odd: list[str] = []
        self.words: list[str] = []
        self._within: list[str] = []
        self.feed(source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self._within.append(tag)
        for name, value in attrs:
            if name == "href":
                self.hrefs.append(value or "")
            elif name not in {"class", "dir", "rel", "lang", "charset", "name", "content"}:
                self.odd.append(name)

    def handle_endtag(self, tag: str) -> None:
        while self._within and self._within.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if "style" not in self._within:
            self.words.append(data)


def test_each_node_has_its_tag() -> None:
    document = adf.document(
        [
            adf.heading("H"),
            paragraph("a ", strong("b"), code("c"), link("d", href="https://x.example/?a=1&b=2")),
            adf.bullets(["e"]),
            adf.code_block("f <g>"),
            adf.panel("warning", paragraph("h")),
            table([("i", "j")], head=("K", "L")),
            facts([("m", "n")]),
        ]
    )
    assert drawn(document).splitlines() == [
        "<h3>H</h3>",
        '<p dir="auto">a <strong>b</strong><code><bdi>c</bdi></code>'
        '<a href="https://x.example/?a=1&amp;b=2" rel="noreferrer">d</a></p>',
        '<ul><li><p dir="auto">e</p></li></ul>',
        '<pre dir="auto">f &lt;g&gt;</pre>',
        '<div class="panel warning"><p dir="auto">h</p></div>',
        '<table><tr><th><p dir="auto">K</p></th><th><p dir="auto">L</p></th></tr>'
        '<tr><td><p dir="auto">i</p></td><td><p dir="auto">j</p></td></tr></table>',
        '<table class="facts"><tr><th><p dir="auto">m</p></th><td><p dir="auto">n</p></td></tr>'
        "</table>",
    ]


def test_a_page_holds_every_sheet_and_lets_nothing_run_or_be_fetched() -> None:
    sheet = Sheet(
        title="<New>",
        summary="<script>alert(1)</script>",
        fields=(("<b>", '" onclick="x'),),
        document=adf.document([paragraph("<img src=x onerror=alert(1)>")]),
    )
    seen = Page(page([sheet, Sheet(title="Comment")], title="</title><script>"))
    assert seen.tags <= TAGS
    assert not {"script", "img"} & seen.tags
    for said in ("<New>", "<script>alert(1)</script>", '" onclick="x', "Comment"):
        assert said in seen.words
    assert "default-src 'none'" in page([], title="T")


def test_a_link_to_anything_but_the_web_or_a_mailbox_is_refused() -> None:
    text = '{"type":"text","text":"x","marks":[{"type":"link","attrs":{"href":"javascript:x"}}]}'
    forged = Document(
        f'{{"type":"doc","content":[{{"type":"paragraph","content":[{text}]}}]}}'.encode()
    )
    with pytest.raises(ValueError, match="'link'"):
        drawn(forged)


def test_a_node_that_is_not_ours_is_refused_and_not_left_out() -> None:
    with pytest.raises(ValueError, match="'rule'"):
        drawn(Document(b'{"type":"doc","content":[{"type":"rule"}]}'))


@settings(max_examples=60)
@given(st.lists(words, max_size=6))
def test_whatever_is_said_stands_on_the_page_as_words(said: list[str]) -> None:
    document = adf.document([paragraph(*said, strong("<i>"), link("l", href="https://a.b/<x>"))])
    seen = Page(page([Sheet(title="T", document=document)], title="T"))
    assert seen.tags <= TAGS
    assert seen.odd == ["http-equiv"]
    assert seen.hrefs == ["https://a.b/<x>"]
    for part in said:
        if plain := adf.text(part)["text"]:
            assert plain in "".join(seen.words)
