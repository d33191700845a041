"""Every mistake in `mutants.py` turns a test red: `make mutate`. A suite that misses one
proves less than it says.

Promises: each mutant lives in a copy of the project in a folder of its own, where the quick tests
run until the first that fails; the copy as it is must be green, or nothing would be proven.
It does not look for a mutant's place, which is for `places.py`.
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

import pytest

from tests.mutations.mutants import MUTANTS, Mutant
from tests.mutations.places import Program

pytestmark = pytest.mark.mutation

ROOT = Path(__file__).resolve().parents[2]
COPIED = ("job", "tests", "pyproject.toml")
STATE = ("tests/state/test_memory.py", "tests/state/test_store.py", "tests/state/test_sqlite.py")
HALO = (
    "tests/halo/test_counts.py",
    "tests/halo/test_odd_rows.py",
    "tests/halo/test_one_object.py",
)
SIMULATION = ("tests/simulation/test_crashes.py", "tests/simulation/test_worlds.py")
SETTINGS = "tests/settings/test_settings.py"
HTTP = "tests/http"
JIRA = ("tests/jira/test_signing.py", "tests/jira/test_wire.py")
TESTS = (
    "tests/core",
    "tests/flow",
    "tests/budget",
    *STATE,
    SETTINGS,
    HTTP,
    *JIRA,
    *HALO,
    *SIMULATION,
)
LEFT_OUT = "not firestore and not second_crash"
"""What takes long and looks twice."""
WORLDS = "300"
TOO_LONG_S = 300.0
"""A mutant whose tests take so long has lost its way, which is a failure as well."""


def copied(folder: Path) -> Path:
    """The project without anything that was built from it."""
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, folder)
    return folder


def verdict(folder: Path) -> str:
    """The first test that fails in this copy; "" when all pass."""
    options = ["-x", "-q", "--tb=no", "-p", "no:cacheprovider", "--hypothesis-seed=0"]
    tests = subprocess.Popen(
        [sys.executable, "-m", "pytest", *options, "-k", LEFT_OUT, *TESTS],
        cwd=folder,
        env={**os.environ, "SEEDS": WORLDS, "PYTHONPATH": str(folder), "PYTHONHASHSEED": "0"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        said, _ = tests.communicate(timeout=TOO_LONG_S)
    except subprocess.TimeoutExpired:
        os.killpg(tests.pid, signal.SIGKILL)
        tests.communicate()
        return f"(no end within {TOO_LONG_S:.0f} s)"
    if tests.returncode == 0:
        return ""
    failed = re.search(r"^FAILED (\S+)", said, re.MULTILINE)
    assert failed, f"no test failed, yet they did not pass: {said[-2000:]}"
    return failed[1]


def caught_by(mutant: Mutant, folder: Path) -> str:
    """The test that turns red over this mistake; "" when none does."""
    try:
        broken = Program(copied(folder)).broken(mutant)
        (folder / broken.path).write_text(broken.text)
        return verdict(folder)
    finally:
        shutil.rmtree(folder)


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
    unbroken = copied(tmp_path_factory.mktemp("unbroken"))
    assert verdict(unbroken) == "", "without a mistake everything has to pass"
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        found = {
            mutant.name: pool.submit(caught_by, mutant, tmp_path_factory.mktemp("broken"))
            for mutant in wanted(request.session)
        }
        yield found
    rows = [f"{name:60} {said_of(test)}" for name, test in found.items()]
    with request.config.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
        print("\n", *rows, sep="\n")


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name.replace(" ", "-"))
def test_a_test_turns_red_when(mutant: Mutant, verdicts: dict[str, Future[str]]) -> None:
    assert verdicts[mutant.name].result(), f"{mutant.name}, and no test minds"
