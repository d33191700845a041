"""Nothing is forgotten in silence: whoever tells the members of a closed set apart must know all of
them, and every log event is in the catalogue.

Promises: a new action, reason, verdict, kind of issue or kind of finding that somebody does not
carry out, word, count or show fails the type check, which is run here on a copy that has some.
"""

import ast
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from enum import Enum
from importlib import import_module
from pathlib import Path

import pytest

from job.events import Event

ROOT = Path(__file__).resolve().parents[2]
OURS = [path for path in sorted((ROOT / "job").rglob("*.py")) if "sim" not in path.parts]
SPEAKING = {"debug", "info", "warning", "error", "exception", "critical", "log"}


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def closed_sets() -> dict[str, type[Enum]]:
    """Every enum of the program but the catalogue of events, by its name."""
    found: dict[str, type[Enum]] = {}
    for path in OURS:
        for node in ast.parse(path.read_text()).body:
            is_enum = isinstance(node, ast.ClassDef) and any(
                isinstance(base, ast.Name) and base.id in {"Enum", "StrEnum"} for base in node.bases
            )
            if is_enum and isinstance(node, ast.ClassDef):
                module = import_module(name(path).removesuffix(".py").replace("/", "."))
                found[node.name] = getattr(module, node.name)
    del found["Event"]
    return found


SETS = closed_sets()


def members(node: ast.AST) -> set[tuple[str, str]]:
    """The members of closed sets that are named anywhere in a piece of code."""
    return {
        (part.value.id, part.attr)
        for part in ast.walk(node)
        if isinstance(part, ast.Attribute)
        and isinstance(part.value, ast.Name)
        and part.value.id in SETS
    }


def is_never(node: ast.AST) -> bool:
    """Whether a statement is a call of `assert_never`."""
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Call)
        and isinstance(node.value.func, ast.Name)
        and node.value.func.id == "assert_never"
    )


def blocks(tree: ast.AST) -> Iterator[list[ast.stmt]]:
    """Every list of statements in a file."""
    for node in ast.walk(tree):
        for part in ("body", "orelse", "finalbody"):
            block = getattr(node, part, None)
            if isinstance(block, list):
                yield block


def open_matches(path: Path) -> Iterator[str]:
    """Each `match` on a closed set that a new member would pass in silence."""
    for block in blocks(ast.parse(path.read_text())):
        for place, statement in enumerate(block):
            if not isinstance(statement, ast.Match):
                continue
            if not any(members(case.pattern) for case in statement.cases):
                continue
            following = block[place + 1 : place + 2]
            last = statement.cases[-1].body
            if not any(is_never(node) for node in (*following, *last)):
                yield f"{name(path)}:{statement.lineno}"


def open_tables(path: Path) -> Iterator[str]:
    """Each table keyed by some members of a closed set but not by all of them."""
    for node in ast.walk(ast.parse(path.read_text())):
        if not isinstance(node, ast.Dict):
            continue
        keys = [member for key in node.keys if key for member in members(key)]
        for enum_name in {enum_name for enum_name, _ in keys}:
            if {member for _, member in keys} != {member.name for member in SETS[enum_name]}:
                yield f"{name(path)}:{node.lineno} {enum_name}"


def loggings(path: Path) -> Iterator[ast.Call]:
    """Each call that logs something."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            speaker = ast.unparse(node.func.value)
            if node.func.attr in SPEAKING and re.search(r"(^|[._])log(ger)?\b", speaker):
                yield node


def test_the_closed_sets_are_found() -> None:
    assert {"Action", "Reason", "Verdict", "IssueKind", "OutcomeKind", "Afterwards"} <= SETS.keys()


@pytest.mark.parametrize("path", OURS, ids=name)
def test_every_match_on_a_closed_set_ends_in_assert_never(path: Path) -> None:
    assert list(open_matches(path)) == []


@pytest.mark.parametrize("path", OURS, ids=name)
def test_every_table_keyed_by_a_closed_set_has_all_of_it(path: Path) -> None:
    assert list(open_tables(path)) == []


@pytest.mark.parametrize("path", OURS, ids=name)
def test_whatever_is_logged_is_in_the_catalogue(path: Path) -> None:
    spoken = [call.args[0] for call in loggings(path) if call.args]
    assert [
        ast.unparse(said) for said in spoken if isinstance(said, ast.Constant | ast.JoinedStr)
    ] == []


def test_every_event_of_the_catalogue_is_logged_somewhere() -> None:
    code = "\n".join(path.read_text() for path in OURS if path.name != "events.py")
    assert [event.name for event in Event if f"Event.{event.name}" not in code] == []


def test_events_are_named_as_a_noun_and_what_happened_to_it() -> None:
    assert [event for event in Event if not re.fullmatch(r"[a-z]+\.[a-z_]+", event)] == []
    assert [event for event in Event if not event.means] == []


def test_the_page_of_operations_shows_the_table_of_events_as_the_catalogue_tells_it() -> None:
    from job.events import table

    assert table() in (ROOT / "job/docs/operations.md").read_text()


FORGOTTEN = {
    "job/core/model.py": [
        ('    ADOPT = "adopt"\n', '    ADOPT = "adopt"\n    LABEL = "label"\n'),
        ('    UPDATED = "updated"\n', '    UPDATED = "updated"\n    ODD = "odd"\n'),
        ('    PARK = "park"\n', '    PARK = "park"\n    FORGET = "forget"\n'),
    ],
    "job/core/memory.py": [
        ('    STOPPED = "stopped"\n', '    STOPPED = "stopped"\n    ODD = "odd"\n'),
    ],
    "job/core/issues.py": [('    SVA = "sva"\n', '    SVA = "sva"\n    NET = "net"\n')],
    "job/core/findings.py": [
        (
            "Finding = CsmFinding |",
            "class NetFinding(Struct, frozen=True):\n    port: int\n\n\n"
            "Finding = NetFinding | CsmFinding |",
        ),
    ],
}
"""Members that nobody knows, each put into its closed set."""
MINDED = {
    "job/core/steps.py": "an action goes nowhere",
    "job/flow/prepare.py": "an action finds no words",
    "job/flow/visit.py": "an action that is done is not logged",
    "job/flow/record.py": "an action that is done is not counted",
    "job/console/planned.py": "an action is not shown",
    "job/flow/notices.py": "a reason is not told",
    "job/core/outcomes.py": "what becomes of an issue is not remembered",
    "job/core/memory.py": "a verdict has no exit code",
    "job/core/summary.py": "a kind of issue has no name",
    "job/core/sightings.py": "a kind of finding cannot be compared with what was told",
    "job/halo/findings.py": "a kind of issue has no finding",
    "job/core/evidence.py": "a kind of finding is neither shown nor told apart from another",
}
"""Where the type check must say so, and what would be forgotten there."""


def test_a_new_member_that_nobody_carries_out_fails_the_type_check(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "job", tmp_path / "job", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for file, changes in FORGOTTEN.items():
        path = tmp_path / file
        text = path.read_text()
        for before, after in changes:
            assert text.count(before) == 1, f"{file} has changed: {before!r}"
            text = text.replace(before, after)
        path.write_text(text)
    command = [sys.executable, "-m", "mypy", "-p", "job", "--cache-dir", str(tmp_path / "cache")]
    checked = subprocess.run(command, cwd=tmp_path, check=False, capture_output=True, text=True)
    assert checked.returncode == 1, checked.stdout
    minding = set(re.findall(r"^(job/\S+?\.py):", checked.stdout, re.MULTILINE))
    assert {file: why for file, why in MINDED.items() if file not in minding} == {}, checked.stdout
