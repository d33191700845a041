"""Says which tests run a place of the program, and how long each of them takes.

Promises: the quickest stand first; a test that never runs the place is not among them, unless the
place is run at import alone, when every test may notice and those that use its file come first.
Does not do: run a test, or break anything.
"""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from coverage import CoverageData

from tests.mutations.places import Place

WHILE = re.compile(r"(?:@\w+)?\|(?:setup|run|teardown)$")
"""What pytest-cov and pytest-xdist hang on a test's id: its group, and which part of it ran."""
DURATION = re.compile(r"^ *(\d+\.\d+)s (?:setup|call|teardown) +(\S.*?)(?:@\w+)?$", re.MULTILINE)


def durations(said: str) -> dict[str, float]:
    """Seconds by id, from what `--durations=0 -vv` prints: setup, call and teardown added up."""
    seconds: dict[str, float] = {}
    for duration, test in DURATION.findall(said):
        seconds[test] = seconds.get(test, 0.0) + float(duration)
    return seconds


class Witnesses:
    """What one run of all tests has shown, with coverage measured by test."""

    def __init__(self, root: Path, *, seconds: Mapping[str, float]) -> None:
        self._root = root
        self._seconds = seconds
        self._data = CoverageData(str(root / ".coverage"))
        self._data.read()

    def of(self, place: Place) -> list[str]:
        """Ids of the tests that may notice a mistake in this place, in the order to run them."""
        within = range(place.definition.lineno, (place.definition.end_lineno or 0) + 1)
        lines = self._data.contexts_by_lineno(str(self._root / place.path))
        runs_it = _tests(one for number in within for one in lines.get(number, ()))
        if runs_it:
            return self._quickest_first(runs_it)
        uses_its_file = _tests(one for contexts in lines.values() for one in contexts)
        others = self._seconds.keys() - uses_its_file
        return self._quickest_first(uses_its_file) + self._quickest_first(others)

    def seconds(self, tests: list[str]) -> float:
        """How long these tests took together."""
        return sum(self._seconds[test] for test in tests)

    def _quickest_first(self, tests: set[str]) -> list[str]:
        return sorted(tests, key=lambda test: (self._seconds[test], test))


def _tests(contexts: Iterable[str]) -> set[str]:
    """The ids in what coverage calls contexts; what ran at import has none."""
    return {WHILE.sub("", context) for context in contexts if context}
