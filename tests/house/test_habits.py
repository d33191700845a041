"""The habits of the house, as far as a test can hold them: sizes, words, who may read the time,
what lies where.
"""

import ast
import io
import re
import subprocess
import tokenize
from collections.abc import Iterator
from pathlib import Path
from statistics import median, quantiles

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted((ROOT / "job").rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))
OURS = [path for path in SOURCES if "sim" not in path.parts]
TOP_LEVEL = {
    *(
        "job",
        "infra",
        "tests",
        "Dockerfile",
        "cloudbuild.yaml",
        "main.tf",
        "pyproject.toml",
        "README.md",
    ),
    *("LICENSE", "Makefile", "requirements.lock"),
}
TEAMS_OWN = re.compile(r"backend\.tf|[\w.-]+\.tfvars")
"""What a team may keep at the top of its own copy: settings, and where the state is."""
Function = ast.FunctionDef | ast.AsyncFunctionDef


def tracked() -> list[Path]:
    """What git keeps of this tree, and what it would keep."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("this tree is no git checkout")
    return [ROOT / line for line in listed.stdout.splitlines() if (ROOT / line).is_file()]


def functions(path: Path) -> Iterator[Function]:
    tree = ast.parse(path.read_text())
    return (node for node in ast.walk(tree) if isinstance(node, Function))


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def length(node: Function | ast.ClassDef) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def calls(path: Path) -> set[str]:
    """Every dotted name that a file calls or uses, as `datetime.now`."""
    return {
        f"{node.value.id}.{node.attr}"
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
    }


def test_functions_classes_and_files_stay_as_small_as_one_purpose_is() -> None:
    sizes = [length(function) for path in SOURCES for function in functions(path)]
    assert max(sizes) <= 60
    assert median(sizes) <= 9
    assert quantiles(sizes, n=10)[-1] <= 25
    classes = {
        f"{name(path)}:{node.name}": length(node)
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ClassDef)
    }
    assert {where: lines for where, lines in classes.items() if lines > 150} == {}
    files = {name(path): len(path.read_text().splitlines()) for path in SOURCES}
    assert {where: lines for where, lines in files.items() if lines > 300} == {}


@pytest.mark.parametrize("path", [*SOURCES, *TESTS], ids=name)
def test_no_conditional_expression_stands_inside_another(path: Path) -> None:
    conditionals = [
        node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.IfExp)
    ]
    nested = [
        node.lineno
        for node in conditionals
        for part in ast.walk(node)
        if isinstance(part, ast.IfExp) and part is not node
    ]
    assert nested == []


@pytest.mark.parametrize("path", SOURCES, ids=name)
def test_every_file_opens_with_what_it_is_for(path: Path) -> None:
    opening = ast.get_docstring(ast.parse(path.read_text())) or ""
    assert re.match(r"[A-Z`].*[.:]", opening, re.DOTALL), "the first sentence is missing"


def test_no_name_says_helper_util_common_manager_process_or_handle() -> None:
    banned = re.compile(
        r"(^|_)(helper|util|utils|common|manager|process|handle|handler)s?($|_)", re.IGNORECASE
    )
    named = {path.stem for path in OURS} | {
        function.name for path in OURS for function in functions(path)
    }
    assert {word for word in named if banned.search(word)} == set()


def test_only_the_clock_reads_the_time_or_sleeps() -> None:
    clocks = {
        "datetime.now",
        "datetime.utcnow",
        "time.time",
        "time.monotonic",
        "time.perf_counter",
        "time.sleep",
    }
    readers = {name(path) for path in OURS if calls(path) & clocks}
    assert readers == {"job/clock.py"}


def test_concurrency_is_spelled_out_in_one_place() -> None:
    makers = {"asyncio.TaskGroup", "asyncio.create_task", "asyncio.gather", "asyncio.ensure_future"}
    assert {name(path) for path in OURS if calls(path) & makers} == {"job/each.py"}


def test_nobody_speaks_past_the_console_and_the_log() -> None:
    speakers = {
        name(path)
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "print"
    }
    assert speakers <= {"job/sim/__main__.py"}


@pytest.mark.parametrize("path", sorted((ROOT / "job/jira/wire").glob("*.py")), ids=name)
def test_in_jiras_wire_the_word_issue_stands_only_inside_quotes(path: Path) -> None:
    """Our names for Halo's issues (`IssueId`, `issue_id`) are Halo's and may stand anywhere."""
    halos = re.compile(r"IssueId|[a-z_]*issue_ids?|ISSUE_[A-Z_]+|ids_held", re.ASCII)
    loose = []
    for token in tokenize.generate_tokens(io.StringIO(path.read_text()).readline):
        prose = token.type == tokenize.COMMENT or (
            token.type == tokenize.STRING and token.string.startswith('"""')
        )
        bare = (
            re.sub(r'"[^"\n]*"|`[^`\n]*`', "", token.string.strip('"')) if prose else token.string
        )
        if token.type in {tokenize.NAME, tokenize.COMMENT} or prose:
            loose += (
                [f"{token.start[0]}: {token.string[:60]}"]
                if re.search("issue", halos.sub("", bare), re.I)
                else []
            )
    assert loose == []


def test_the_top_level_is_as_its_owner_drew_it() -> None:
    tops = {path.relative_to(ROOT).parts[0] for path in tracked()}
    ours = {top for top in tops if not top.startswith(".") and not TEAMS_OWN.fullmatch(top)}
    assert ours == TOP_LEVEL


def test_a_team_may_keep_its_settings_lock_and_backend_beside_main_tf() -> None:
    beside = ("terraform.tfvars", "prod.auto.tfvars", "backend.tf")
    assert [name for name in beside if not TEAMS_OWN.fullmatch(name)] == []
    command = ["git", "check-ignore", "--no-index", *beside, ".terraform.lock.hcl"]
    ignored = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
    assert ignored.stdout == ""


def test_nothing_names_a_registry_or_a_place_of_one_machine() -> None:
    banned = re.compile(r"pypi\.org|pythonhosted|registry\.npmjs|deb\.debian\.org|/work/")
    here = Path(__file__)
    found = [
        name(path)
        for path in tracked()
        if path != here and banned.search(path.read_text(errors="ignore"))
    ]
    assert found == []


def test_every_dependency_is_pinned_with_hashes_and_the_lock_names_no_index() -> None:
    lock = (ROOT / "requirements.lock").read_text()
    entries = [
        entry
        for entry in re.split(r"\n(?=\S)", lock)
        if "==" in entry and not entry.startswith("#")
    ]
    assert len(entries) > 50
    assert [entry.split()[0] for entry in entries if "--hash=sha256:" not in entry] == []
    assert "://" not in lock
