"""Every relative link in the documents leads to a file that is kept, every anchor to a heading.

Addresses on the network are not asked.
"""

import re
import subprocess
from collections import Counter
from pathlib import Path
from urllib.parse import unquote

import pytest

ROOT = Path(__file__).resolve().parents[2]
FENCED = re.compile(r"^(```|~~~).*?^\1", re.DOTALL | re.MULTILINE)
CODE = re.compile(r"`[^`\n]*`")
INLINE = re.compile(r"\]\(<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\)")
REFERENCE = re.compile(r"^\[[^\]]+\]:\s*(\S+)", re.MULTILINE)
TAG = re.compile(r"(?:src|href)=\"([^\"]+)\"")
HEADING = re.compile(r"^#{1,6} +(.+?)(?: +#+)? *$", re.MULTILINE)
OWN_ANCHOR = re.compile(r"<[^>]+ (?:id|name)=\"([^\"]+)\"")
ON_THE_NETWORK = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)


def kept() -> list[Path]:
    """What git keeps of this tree, and what it would keep."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("this tree is no git checkout")
    return [ROOT / line for line in listed.stdout.splitlines() if (ROOT / line).is_file()]


def links(text: str) -> list[str]:
    """Where a page points to within the project; what stands as code is no link."""
    prose = CODE.sub("", FENCED.sub("", text))
    found = (link for form in (INLINE, REFERENCE, TAG) for link in form.findall(prose))
    return [link for link in found if not ON_THE_NETWORK.match(link)]


def anchors(text: str) -> set[str]:
    """What may stand behind `#`: the headings as GitHub names them, and anchors set by hand."""
    prose = FENCED.sub("", text)
    names, seen = set(OWN_ANCHOR.findall(prose)), Counter[str]()
    for heading in HEADING.findall(prose):
        name = slug(heading)
        names.add(f"{name}-{seen[name]}" if seen[name] else name)
        seen[name] += 1
    return names


def slug(heading: str) -> str:
    """Letters, digits, hyphens and underscores; a blank becomes a hyphen, all else is dropped."""
    words = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", heading)
    return re.sub(r"[^\w\- ]", "", words.lower()).replace(" ", "-")


def broken(page: Path, *, files: set[Path]) -> list[str]:
    """The links of a page that lead nowhere."""
    found = links(page.read_text())
    return [link for link in found if not leads_somewhere(link, page=page, files=files)]


def leads_somewhere(link: str, *, page: Path, files: set[Path]) -> bool:
    path, _, anchor = unquote(link).partition("#")
    target = (page.parent / path).resolve() if path else page
    if target.is_dir():
        return not anchor and any(file.is_relative_to(target) for file in files)
    if target not in files:
        return False
    return not anchor or (target.suffix == ".md" and anchor in anchors(target.read_text()))


def test_every_relative_link_and_anchor_exists() -> None:
    files = set(kept())
    pages = sorted(file for file in files if file.suffix == ".md")
    assert len(pages) > 10
    found = {str(page.relative_to(ROOT)): broken(page, files=files) for page in pages}
    assert {page: links for page, links in found.items() if links} == {}


def test_a_link_that_leads_nowhere_is_found(tmp_path: Path) -> None:
    page, other = tmp_path / "page.md", tmp_path / "other.md"
    other.write_text("# One & two\n\n## Same\n\n## Same\n\n```\n# no heading\n```\n")
    right = ["other.md", "other.md#one--two", "other.md#same-1", "#here", "https://a.example/b"]
    wrong = ["gone.md", "other.md#no-heading", "#there", "other.md#same-2", "../page.md"]
    linked = " ".join(f"[words]({link})" for link in right + wrong)
    page.write_text(f"# Here\n\n{linked}\n\n`[code](gone.md)`\n")
    assert broken(page, files={page, other}) == wrong


def test_every_page_of_reference_is_linked_from_readme() -> None:
    found = links((ROOT / "README.md").read_text())
    linked = {(ROOT / link.partition("#")[0]).resolve() for link in found}
    assert [page.name for page in (ROOT / "job" / "docs").glob("*.md") if page not in linked] == []
