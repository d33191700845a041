"""Sheets as a page of HTML that stands by itself, laid out as Jira lays out a ticket.

Promises: whatever a document says stands in it as words, never as markup; a link leads to a web or
mail address alone; nothing is fetched when the page is looked at, and nothing on it runs.
Does not do: documents with other nodes than `adf.py` builds.
"""

from collections.abc import Iterable, Iterator
from html import escape
from typing import Final

import msgspec

from job.core.adf import Document, Node, clean, is_web_or_mail
from job.core.sheets import Sheet

_STYLE: Final = """\
:root { color-scheme: light dark; --words: #172b4d; --dim: #626f86; --paper: #fff; --line: #dcdfe4;
  --head: #f1f2f4; --link: #0c66e4; --info: #e9f2ff; --note: #f3f0ff; --tip: #dcfff1;
  --warning: #fff7d6; --error: #ffeceb; }
@media (prefers-color-scheme: dark) { :root { --words: #d7dce4; --dim: #9fadbc; --paper: #1d2125;
  --line: #3b444c; --head: #2c333a; --link: #85b8ff; --info: #1c2b41; --note: #2b273f;
  --tip: #1c3329; --warning: #3d2e00; --error: #42221f; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 24px; max-width: 800px; color: var(--words);
  background: var(--paper); font: 14px/1.5 system-ui, "DejaVu Sans", Arial, sans-serif; }
article + article { margin-top: 32px; border-top: 1px solid var(--line); padding-top: 16px; }
.what { color: var(--dim); }
h1 { font-size: 20px; line-height: 1.3; margin: 6px 0 14px; overflow-wrap: anywhere; }
h3 { font-size: 15px; margin: 20px 0 6px; }
p { margin: 6px 0; overflow-wrap: anywhere; }
a { color: var(--link); }
table { border-collapse: collapse; margin: 8px 0; width: 100%; }
th, td { border: 1px solid var(--line); padding: 4px 8px; text-align: start; vertical-align: top;
  overflow-wrap: anywhere; }
th { background: var(--head); font-weight: 600; white-space: nowrap; }
td { min-width: 90px; }
.facts th { width: 150px; white-space: normal; }
td p, th p { margin: 0; }
td a { white-space: nowrap; }
code, pre { background: var(--head); border-radius: 3px; padding: 1px 4px;
  font: 13px/1.5 "DejaVu Sans Mono", Menlo, Consolas, monospace; }
pre { padding: 8px 12px; white-space: pre-wrap; overflow-wrap: anywhere; }
.panel { border-radius: 3px; padding: 6px 12px; margin: 8px 0; background: var(--info); }
.note { background: var(--note); } .tip, .success { background: var(--tip); }
.warning { background: var(--warning); } .error { background: var(--error); }
"""

_TAGS: Final = {
    "paragraph": "p",
    "heading": "h3",
    "tableRow": "tr",
    "tableHeader": "th",
    "tableCell": "td",
    "bulletList": "ul",
    "listItem": "li",
    "codeBlock": "pre",
}
_FACTS: Final = '<table class="facts">'
_PANELS: Final = frozenset({"info", "note", "tip", "warning", "error", "success"})


def page(sheets: Iterable[Sheet], *, title: str) -> str:
    """All sheets, one below the other."""
    articles = "\n".join(map(_article, sheets))
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width">\n'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
        "style-src 'unsafe-inline'\">\n"
        f"<title>{_words(title)}</title>\n<style>\n{_STYLE}</style></head>\n"
        f"<body>\n{articles}\n</body></html>\n"
    )


def _article(sheet: Sheet) -> str:
    return "\n".join(["<article>", *_parts(sheet), "</article>"])


def _parts(sheet: Sheet) -> Iterator[str]:
    yield f'<div class="what">{_words(sheet.title)}</div>'
    if sheet.summary:
        yield f"<h1>{_words(sheet.summary)}</h1>"
    if sheet.fields:
        rows = (
            f"<tr><th>{_words(name)}</th><td>{_words(value)}</td></tr>"
            for name, value in sheet.fields
        )
        yield f"{_FACTS}{''.join(rows)}</table>"
    if sheet.document is not None:
        yield blocks(sheet.document)


def blocks(document: Document) -> str:
    """A document's blocks, without a page around them."""
    return "\n".join(map(_drawn, msgspec.json.decode(document)["content"]))


def _drawn(node: Node) -> str:
    """A node and all below it."""
    kind = node["type"]
    if kind == "text":
        return _marked(node)
    content = node.get("content", [])
    inside = "".join(map(_drawn, content))
    if kind == "panel":
        named = node["attrs"]["panelType"]
        return f'<div class="panel {named if named in _PANELS else "info"}">{inside}</div>'
    if kind == "table":
        beside = any(cell["type"] == "tableCell" for cell in content[0]["content"])
        return f"{_FACTS if beside else '<table>'}{inside}</table>"
    if kind not in _TAGS:
        raise ValueError(f"No document of ours has a node of the type {kind!r}.")
    way = ' dir="auto"' if kind in {"paragraph", "codeBlock"} else ""
    return f"<{_TAGS[kind]}{way}>{inside}</{_TAGS[kind]}>"


def _marked(node: Node) -> str:
    said = _words(node["text"])
    for mark in node.get("marks", ()):
        match mark["type"]:
            case "strong":
                said = f"<strong>{said}</strong>"
            case "code":
                said = f"<code><bdi>{said}</bdi></code>"
            case "link" if is_web_or_mail(mark["attrs"]["href"]):
                said = f'<a href="{_words(mark["attrs"]["href"])}" rel="noreferrer">{said}</a>'
            case other:
                raise ValueError(f"No document of ours has a mark of the type {other!r}.")
    return said


def _words(said: str) -> str:
    return escape(clean(said))
