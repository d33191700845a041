"""Makes the two pictures of README.md from what the program really does.

Promises: `demo.svg` is the second act of `halo-jira-sync demo` as a terminal shows it, without the
table of calls; `ticket.png` is a ticket of the same story, read from the simulated Jira over its
API and laid out as Jira lays it out. Neither fetches anything when it is looked at.
It needs Chromium for the ticket. It starts the program by its commands and imports nothing of it.
Run it with `.venv/bin/python .github/pictures.py`.
"""

import base64
import html
import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

HERE = Path(__file__).resolve().parent
COLUMNS = 112
TICKET = "SEC-3"
WIDTH, HEIGHT = 800, 1000
BROWSERS = ("chromium", "chromium-browser", "google-chrome")

# Rich's own frame fetches its font from a server; this one takes what the reader's machine has.
FRAME = """\
<svg viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg" role="img"
aria-label="{aria}">
<style>
.{unique_id}-matrix {{ font-family: "DejaVu Sans Mono", Menlo, Consolas, monospace;
font-size: {char_height}px; line-height: {line_height}px; font-variant-east-asian: full-width; }}
{styles}
</style>
<defs><clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}"/></clipPath>
{lines}
</defs>
<rect fill="#1b1f24" width="{width}" height="{height}" rx="8"/>
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""

# Jira's layout: the text on the left, the fields on the right.
PAGE = """\
<!doctype html><meta charset="utf-8"><style>
* {{ box-sizing: border-box; }}
body {{ margin: 0; padding: 22px 24px; color: #172b4d;
  font: 13px/1.5 "DejaVu Sans", Arial, sans-serif; }}
main {{ display: grid; grid-template-columns: 1fr 218px; gap: 24px; }}
a {{ color: #0c66e4; text-decoration: none; }}
.path {{ color: #626f86; font-size: 12px; }}
h1 {{ font-size: 20px; margin: 6px 0 14px; font-weight: 600; }}
h2 {{ font-size: 14px; margin: 16px 0 6px; }}
h3 {{ font-size: 14px; margin: 14px 0 6px; }}
p {{ margin: 6px 0; }}
table {{ border-collapse: collapse; margin: 8px 0; width: 100%; }}
th, td {{ border: 1px solid #dcdfe4; padding: 3px 8px; text-align: left; vertical-align: top;
  overflow-wrap: anywhere; }}
th {{ background: #f7f8f9; font-weight: 600; white-space: nowrap; }}
td p, th p {{ margin: 0; }}
code, pre {{ background: #f1f2f4; border-radius: 3px; padding: 1px 4px;
  font: 12px "DejaVu Sans Mono", monospace; }}
.panel {{ border-radius: 3px; padding: 4px 12px; background: #e9f2ff; }}
.panel.success {{ background: #dcfff1; }} .panel.warning {{ background: #fff7d6; }}
.panel.note {{ background: #f3f0ff; }} .panel.error {{ background: #ffeceb; }}
.comment {{ border-top: 1px solid #dcdfe4; padding-top: 8px; margin-top: 10px; }}
.when {{ color: #626f86; font-weight: 400; }}
.status {{ display: inline-block; background: #dcdfe4; border-radius: 3px; font-weight: 600;
  padding: 4px 10px; }}
dl {{ border: 1px solid #dcdfe4; border-radius: 4px; margin: 12px 0 0; padding: 4px 12px 10px; }}
dt {{ color: #626f86; font-size: 12px; margin-top: 8px; }}
dd {{ margin: 0; overflow-wrap: anywhere; }}
</style>
<div class="path">{project} / {key}</div><h1>{summary}</h1>
<main><section><h2>Description</h2>{description}<h2>Activity</h2>{comments}</section>
<aside><span class="status">{status}</span><dl>{fields}</dl></aside></main>
"""

BLOCKS = {
    "doc": "{}",
    "paragraph": "<p>{}</p>",
    "heading": "<h3>{}</h3>",
    "table": "<table>{}</table>",
    "tableRow": "<tr>{}</tr>",
    "tableHeader": "<th>{}</th>",
    "tableCell": "<td>{}</td>",
    "bulletList": "<ul>{}</ul>",
    "listItem": "<li>{}</li>",
    "codeBlock": "<pre>{}</pre>",
}


def main() -> None:
    (HERE / "demo.svg").write_text(demo())
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder, "ticket.html")
        page.write_text(ticket(Path(folder)))
        shoot(page, to=HERE / "ticket.png")


def demo() -> str:
    """The second act on a terminal that keeps its colours and draws each bar once."""
    terminal = {"FORCE_COLOR": "1", "TTY_INTERACTIVE": "0", "COLORTERM": "truecolor"}
    said = run("demo", terminal | {"COLUMNS": str(COLUMNS)})
    lines = Text.from_ansi(said).split("\n")
    heads = [number for number, line in enumerate(lines) if "Act 2" in line.plain]
    ends = [number for number, line in enumerate(lines) if "Calls spent" in line.plain]
    start, end = heads[0], next(number for number in ends if number > heads[0])
    console = Console(width=COLUMNS, record=True, file=io.StringIO(), force_terminal=True)
    for line in lines[start:end]:
        console.print(line, no_wrap=True, crop=True)
    frame = FRAME.replace("{aria}", "The second act of make demo")
    svg = console.export_svg(title="", code_format=frame, unique_id="demo")
    return "\n".join(line.rstrip() for line in svg.splitlines()) + "\n"


def ticket(folder: Path) -> str:
    """The ticket as a page, after all three acts and a run behind each."""
    with vendors() as world:
        memory = f"sqlite:///{folder / 'state.db'}"
        given = world["settings"] | {"STATE_URL": memory, "no_proxy": "127.0.0.1"}
        for act in (1, 2, 3):
            post(f"{world['control']}/story", {"act": act})
            run("run", given)
        jira = f"{world['jira']}/rest/api/3/issue"
        known = get(f"{jira}/{TICKET}?fields=*all", settings=given)
        project, kind = known["fields"]["project"]["key"], known["fields"]["issuetype"]["id"]
        screen = f"{jira}/createmeta/{project}/issuetypes/{kind}?maxResults=200"
        form = get(screen, settings=given)
    return page_of(known, names={field["fieldId"]: field["name"] for field in form["fields"]})


@contextmanager
def vendors() -> Iterator[dict[str, Any]]:
    """Both vendors as a process of their own: where they listen, and the settings for them."""
    command = [sys.executable, "-m", "job.sim", "--seed", "1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603
        try:
            yield json.loads((process.stdout or io.StringIO()).readline())
        finally:
            process.terminate()


def run(command: str, settings: Mapping[str, str]) -> str:
    """What one command of the program says."""
    words = [sys.executable, "-m", "job", command]
    env = os.environ | dict(settings)
    done = subprocess.run(words, env=env, check=True, stdout=subprocess.PIPE, text=True)  # noqa: S603
    return done.stdout


def post(url: str, body: Mapping[str, Any]) -> None:
    told = json.dumps(body).encode()
    request = urllib.request.Request(url, data=told, method="POST")  # noqa: S310
    urllib.request.urlopen(request).close()  # noqa: S310


def get(url: str, *, settings: Mapping[str, str]) -> dict[str, Any]:
    who = f"{settings['JIRA_API_USER']}:{settings['JIRA_API_TOKEN']}".encode()
    headers = {"Authorization": "Basic " + base64.b64encode(who).decode()}
    request = urllib.request.Request(url, headers=headers)  # noqa: S310
    with urllib.request.urlopen(request) as answer:  # noqa: S310
        return dict(json.load(answer))


def page_of(known: Mapping[str, Any], *, names: Mapping[str, str]) -> str:
    fields = known["fields"]
    in_place = {"project", "issuetype", "summary", "description", "status", "comment"}
    filled = {name: value for name, value in fields.items() if value and name not in in_place}
    shown = [(names.get(name, name.title()), value) for name, value in filled.items()]
    rows = (f"<dt>{html.escape(name)}</dt><dd>{words(value)}</dd>" for name, value in shown)
    return PAGE.format(
        project=words(fields["project"]),
        key=known["key"],
        summary=html.escape(fields["summary"]),
        description=drawn(fields["description"]),
        comments="".join(map(comment, fields["comment"]["comments"])),
        status=words(fields["status"]),
        fields="".join(rows),
    )


def comment(known: Mapping[str, Any]) -> str:
    head = f'<b>{words(known["author"])}</b> <span class="when">{words(known["created"])}</span>'
    return f'<div class="comment">{head}{drawn(known["body"])}</div>'


def words(value: Any) -> str:
    """A field's value as a person sees it."""
    if isinstance(value, list):
        return ", ".join(map(words, value))
    if isinstance(value, Mapping):
        label = next(name for name in ("displayName", "name", "value") if name in value)
        return html.escape(value[label])
    try:
        at = datetime.strptime(value, "%Y-%m-%dT%H:%M:%S.%f%z").astimezone(UTC)
    except ValueError:
        return html.escape(value)
    return f"{at.day} {at:%B %Y, %H:%M} UTC"


def drawn(node: Mapping[str, Any]) -> str:
    """A node of an Atlassian document, and all below it."""
    if node["type"] == "text":
        return marked(html.escape(node["text"]), marks=node.get("marks", []))
    inside = "".join(map(drawn, node.get("content", [])))
    if node["type"] == "panel":
        return f'<div class="panel {node["attrs"]["panelType"]}">{inside}</div>'
    return BLOCKS[node["type"]].format(inside)


def marked(text: str, *, marks: list[Mapping[str, Any]]) -> str:
    for mark in marks:
        tag = {"strong": "b", "code": "code", "link": "a"}[mark["type"]]
        text = f"<{tag}>{text}</{tag}>"
    return text


def shoot(page: Path, *, to: Path) -> None:
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        sys.exit("Chromium is not installed, so the picture of the ticket stays as it is.")
    quiet = ["--headless", "--hide-scrollbars", "--disable-gpu"]
    if os.geteuid() == 0:
        quiet.append("--no-sandbox")  # Chromium has none for root, and the page is our own
    subprocess.run(  # noqa: S603
        [browser, *quiet, f"--window-size={WIDTH},{HEIGHT}", f"--screenshot={to}", page.as_uri()],
        check=True,
        capture_output=True,
    )


if __name__ == "__main__":
    main()
