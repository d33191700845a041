"""The map of rooms in job/README.md is made from the files' own first sentences, and whatever the
pages of facts name is there.

`.venv/bin/python -m tests.house.test_map` prints the table.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
JOB = ROOT / "job"
PAGE = JOB / "README.md"
COMMAND = ".venv/bin/python -m tests.house.test_map"
ROOMS = (
    *(".", "commands", "commands/checks", "console", "settings", "flow"),
    *("core", "core/kinds", "http"),
    *("halo", "jira", "jira/wire", "state", "web", "sim"),
)
"""The folders in the order of the map. The simulated vendors have a map of their own."""
FACTS = sorted(JOB.glob("*/FACTS.md"))


def first_sentence(path: Path) -> str:
    """What a file says it is for: its docstring up to the first period, on one line."""
    opening = (ast.get_docstring(ast.parse(path.read_text())) or "").partition("\n\n")[0]
    found = re.match(r"(.+?)\.(?=\s|$)", " ".join(opening.split()))
    if found is None:
        raise AssertionError(f"{path} does not open with a sentence")
    return found[1]


def files(room: str) -> list[Path]:
    """The files of a folder; of the simulated vendors none."""
    return [] if room == "sim" else sorted((JOB / room).glob("*.py"))


def heading(room: str) -> tuple[str, str]:
    """A folder: what its `__init__.py` says, and where more is told of it."""
    more = ""
    if (JOB / room / "FACTS.md").exists():
        more = f"; [`FACTS.md`]({room}/FACTS.md) says how we know"
    if room == "sim":
        more = "; its map is in [`sim/__init__.py`](sim/__init__.py)"
    return f"**`{room}/`**", f"**{first_sentence(JOB / room / '__init__.py')}**{more}"


def rows() -> Iterator[tuple[str, str]]:
    """A row for each folder and each file: its path, and what it says it is for."""
    for room in ROOMS:
        if room != ".":
            yield heading(room)
        for path in files(room):
            if room == "." or path.name != "__init__.py":
                yield f"`{path.relative_to(JOB)}`", first_sentence(path)


def table() -> str:
    """The map, in Markdown."""
    return "\n".join(
        ["| file | is |", "|---|---|", *(f"| {path} | {is_} |" for path, is_ in rows())]
    )


def chapter() -> str:
    """The chapter of the page that holds the map."""
    return PAGE.read_text().partition("## The map of rooms\n")[2].partition("\n## ")[0]


def places(page: Path) -> Iterator[str]:
    """Whatever the last column of a page of facts names."""
    for line in page.read_text().splitlines():
        if line.startswith("|") and line.endswith("|"):
            yield from re.findall(r"`([^`]+)`", re.split(r"(?<!\\)\|", line)[-2])


def where_columns(page: Path) -> list[str]:
    """The heads of the last columns of a page's tables."""
    return re.findall(r"([^|\n]+) \|\n\|-", page.read_text())


def test_the_map_of_rooms_is_what_the_files_say_they_are_for() -> None:
    mapped = [line for line in chapter().splitlines() if line.startswith("|")]
    assert mapped == table().splitlines(), f"the map is printed by: {COMMAND}"
    assert f"<!-- Made by: {COMMAND} -->" in chapter()


def test_every_folder_has_a_place_in_the_map() -> None:
    folders = {str(path.parent.relative_to(JOB)) for path in JOB.rglob("*.py")}
    assert {folder for folder in folders if not folder.startswith("sim/")} == set(ROOMS)


def test_first_sentences_are_short_enough_for_the_map() -> None:
    sentences = {path: first_sentence(path) for room in ROOMS for path in files(room)}
    assert {path: said for path, said in sentences.items() if len(said) > 110} == {}


@pytest.mark.parametrize("page", FACTS, ids=lambda page: page.parent.name)
def test_every_file_that_a_page_of_facts_names_is_there(page: Path) -> None:
    assert {head.strip() for head in where_columns(page)} == {"Where"}
    named = set(places(page))
    assert len(named) > 5
    found = {place for place in named if (page.parent / place).exists() or (ROOT / place).exists()}
    assert named - found == set()


if __name__ == "__main__":
    print(table())
