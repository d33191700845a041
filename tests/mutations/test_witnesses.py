"""The tests that may notice a mistake are found, and the quickest of them comes first.

Promises: shown on a small program that real pytest, pytest-cov and pytest-xdist have run.
Does not do: break the program, which `test_mutations.py` does.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.mutations.places import Program
from tests.mutations.witnesses import Witnesses, durations

STALL = """
PRICE = 3


def cost(apples):
    return apples * PRICE


def greeting():
    return "Good morning"
"""
TESTS = """
import time
import pytest
from job.stall import cost, greeting

@pytest.mark.parametrize("apples", [1, 2])
def test_slow(apples):
    time.sleep(0.2 / apples)
    assert cost(apples) == 3 * apples

@pytest.mark.xdist_group("queue")
def test_quick():
    assert cost(2) == 6

def test_polite():
    assert greeting() == "Good morning"

def test_elsewhere():
    assert 1 + 1 == 2
"""
QUICK, SLOW = "tests/test_stall.py::test_quick", "tests/test_stall.py::test_slow"
POLITE, ELSEWHERE = "tests/test_stall.py::test_polite", "tests/test_stall.py::test_elsewhere"


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A program whose tests have been run once, with coverage measured by test."""
    root = tmp_path_factory.mktemp("market")
    files = {"job/__init__.py": "", "job/stall.py": STALL, "tests/test_stall.py": TESTS}
    for name, text in files.items():
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text(text)
    coverage = ("--cov=job", "--cov-context=test", "--cov-report=")
    shown = ("--durations=0", "--durations-min=0", "-vv", "-p", "no:cacheprovider")
    spread = ("--numprocesses=2", "--dist=loadgroup", "-c", os.devnull, f"--rootdir={root}")
    run = subprocess.run(
        [sys.executable, "-m", "pytest", *coverage, *shown, *spread, "tests"],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout
    (root / "said.txt").write_text(run.stdout)
    return root


@pytest.fixture
def witnesses(market: Path) -> Witnesses:
    return Witnesses(market, seconds=durations((market / "said.txt").read_text()))


def test_only_tests_that_run_a_function_are_its_witnesses_and_the_quickest_is_first(
    market: Path,
    witnesses: Witnesses,
) -> None:
    place = Program(market).place("cost")
    assert witnesses.of(place) == [QUICK, f"{SLOW}[2]", f"{SLOW}[1]"]


def test_for_what_runs_at_import_every_test_is_one_and_those_that_use_its_file_come_first(
    market: Path,
    witnesses: Witnesses,
) -> None:
    found = witnesses.of(Program(market).place("PRICE"))
    assert set(found[:-1]) == {QUICK, POLITE, f"{SLOW}[2]", f"{SLOW}[1]"}
    assert found[-1] == ELSEWHERE


def test_a_time_is_what_all_parts_of_a_test_took() -> None:
    said = "\n".join(
        [
            "0.25s setup    tests/a.py::test_b[x y]",
            "1.50s call     tests/a.py::test_b[x y]",
            "0.25s call     tests/a.py::test_c@real_time",
        ],
    )
    assert durations(said) == {"tests/a.py::test_b[x y]": 1.75, "tests/a.py::test_c": 0.25}
