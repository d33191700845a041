"""Every mistake in `mutants.py` turns a test red: `make mutate`. A suite that misses one
proves less than it says.

Promises: all quick tests pass once on a copy of the project as it is, with coverage measured by
test; each mutant then lives in a copy of its own, where the tests that run the broken place are
started, the quickest first, until one fails.
Does not do: look for a mutant's place, which is for `places.py`, or choose its tests, which is for
`witnesses.py`.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.mutations.mutants import MUTANTS, Mutant
from tests.mutations.places import Program
from tests.mutations.witnesses import Witnesses, durations

pytestmark = pytest.mark.mutation

ROOT = Path(__file__).resolve().parents[2]
COPIED = ("job", "tests", "pyproject.toml")
FOLDERS = (
    *("core", "flow", "budget", "settings", "http", "jira", "halo", "state", "simulation"),
    *("commands", "console", "web"),
)
TESTS = tuple(f"tests/{folder}" for folder in FOLDERS)
LEFT_OUT = "not firestore and not second_crash"
"""What takes long and looks twice."""
WORLDS = "300"
OPTIONS = ("-q", "--tb=no", "-p", "no:cacheprovider", "--hypothesis-seed=0")
MEASURED = (
    "--numprocesses=auto",
    "--dist=loadgroup",
    "--cov=job",
    "--cov-context=test",
    "--cov-report=",
    "--durations=0",
    "--durations-min=0",
    "-vv",
)
FIRST = 40
"""Tests in the first portion of a mutant's: most are caught there, and few are collected."""
START_S, SLOWNESS = 60.0, 5.0
"""A mutant's tests may take so long to start, and so many times as long as on the whole program.
One that needs longer has lost its way, which is a failure as well."""


class Whole(NamedTuple):
    """The copy without a mistake, and what its tests have shown."""

    folder: Path
    witnesses: Witnesses


def whole(folder: Path) -> Whole:
    """Runs every quick test on the program as it is; all of them have to pass."""
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, folder)
    tests = _begun(folder, arguments=[*MEASURED, "-k", LEFT_OUT, *TESTS])
    said, _ = tests.communicate()
    assert tests.returncode == 0, f"without a mistake everything has to pass: {said[-5000:]}"
    return Whole(folder, Witnesses(folder, seconds=durations(said)))


def verdict(folder: Path, *, tests: list[str], within_s: float) -> str:
    """The first of these tests that fails in this copy; "" when all pass. A mistake may change the
    names of tests; then all of their files are run.
    """
    chosen = folder / "chosen.txt"
    chosen.write_text("\n".join(tests))
    running = _begun(folder, arguments=["-x", "-k", LEFT_OUT, f"@{chosen}"])
    try:
        said, _ = running.communicate(timeout=within_s)
    except subprocess.TimeoutExpired:
        os.killpg(running.pid, signal.SIGKILL)
        running.communicate()
        return f"(no end within {within_s:.0f} s)"
    if running.returncode == pytest.ExitCode.OK:
        return ""
    files = sorted({test.partition("::")[0] for test in tests})
    if running.returncode == pytest.ExitCode.USAGE_ERROR and files != tests:
        return verdict(folder, tests=files, within_s=within_s)
    failed = re.search(r"^(?:FAILED|ERROR) (\S+)", said, re.MULTILINE)
    assert failed, f"no test failed, yet they did not pass: {said[-2000:]}"
    return failed[1]


def caught_by(mutant: Mutant, *, program: Program, unbroken: Whole, folder: Path) -> str:
    """The test that turns red over this mistake; "" when none does."""
    try:
        shutil.copytree(unbroken.folder, folder, dirs_exist_ok=True)
        broken = program.broken(mutant)
        (folder / broken.path).write_text(broken.text)
        tests = unbroken.witnesses.of(program.place(mutant.where))
        for portion in (tests[:FIRST], tests[FIRST:]):
            within_s = START_S + SLOWNESS * unbroken.witnesses.seconds(portion)
            if portion and (red := verdict(folder, tests=portion, within_s=within_s)):
                return red
        return ""
    finally:
        shutil.rmtree(folder)


def _begun(folder: Path, *, arguments: list[str]) -> "subprocess.Popen[str]":
    """These tests of the copy in this folder, in a group of processes that can be ended whole."""
    return subprocess.Popen(
        [sys.executable, "-m", "pytest", *OPTIONS, *arguments],
        cwd=folder,
        env={**os.environ, "SEEDS": WORLDS, "PYTHONPATH": str(folder), "PYTHONHASHSEED": "0"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def wanted(session: pytest.Session) -> list[Mutant]:
    """The mutants that this run of the tests asks for."""
    marked = [item for item in session.items if item.get_closest_marker("mutation")]
    asked = [item.callspec.params["mutant"] for item in marked if isinstance(item, pytest.Function)]
    return [mutant for mutant in asked if isinstance(mutant, Mutant)]


def said_of(test: Future[str]) -> str:
    """What the table says of a mutant: what caught it, or what went wrong."""
    return str(test.exception() or test.result() or "NOTHING")


@pytest.fixture(scope="session")
def verdicts(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[dict[str, Future[str]]]:
    """What catches each mutant asked for, found on all cores, and told as a table at the end."""
    unbroken = whole(tmp_path_factory.mktemp("unbroken"))
    program = Program(unbroken.folder)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        found = {
            mutant.name: pool.submit(
                caught_by,
                mutant,
                program=program,
                unbroken=unbroken,
                folder=tmp_path_factory.mktemp("broken"),
            )
            for mutant in wanted(request.session)
        }
        yield found
    rows = [f"{name:60} {said_of(test)}" for name, test in found.items()]
    with request.config.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
        print("\n", *rows, sep="\n")


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name.replace(" ", "-"))
def test_a_test_turns_red_when(mutant: Mutant, verdicts: dict[str, Future[str]]) -> None:
    assert verdicts[mutant.name].result(), f"{mutant.name}, and no test minds"
