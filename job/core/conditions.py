"""What a condition of a route asks of an issue, and whether one condition leaves room for another.

Promises: text is compared without regard to case, and `*` and `?` stand for anything, `/` too;
comparisons are numeric; whatever is said to be covered by another condition is certainly covered.
Does not do: reading conditions (`settings/routing.py`, `ladders.py`), or naming Halo's fields.
"""

import re
from collections.abc import Sequence
from enum import StrEnum
from functools import lru_cache
from math import inf
from typing import assert_never

from msgspec import Struct

from job.core import halo_names
from job.core.issues import Evidence, Issue


class Sign(StrEnum):
    """How a number is compared."""

    AT_LEAST = ">="
    AT_MOST = "<="
    ABOVE = ">"
    BELOW = "<"


class Word(Struct, frozen=True):
    """A text to be met: as it stands, or as a pattern where it holds `*` or `?`."""

    text: str

    @property
    def is_pattern(self) -> bool:
        return "*" in self.text or "?" in self.text

    def meets(self, value: str) -> bool:
        return _pattern(self.text).fullmatch(value.casefold()) is not None

    def covers(self, other: "Word | Comparison") -> bool:
        """Whether this is met by all that meets the other one."""
        if isinstance(other, Comparison):
            return self.text == "*"
        if self.is_pattern and "?" not in self.text:
            return self.meets(other.text)
        return self.text.casefold() == other.text.casefold() or (
            self.is_pattern and not other.is_pattern and self.meets(other.text)
        )


class Comparison(Struct, frozen=True):
    """A number to be compared with. What is no number meets none."""

    sign: Sign
    number: float

    def meets(self, value: str) -> bool:
        number = _number(value)
        if number is None:
            return False
        match self.sign:
            case Sign.AT_LEAST:
                return number >= self.number
            case Sign.AT_MOST:
                return number <= self.number
            case Sign.ABOVE:
                return number > self.number
            case Sign.BELOW:
                return number < self.number
        assert_never(self.sign)

    def covers(self, other: "Word | Comparison") -> bool:
        """Whether this is met by all that meets the other one."""
        if isinstance(other, Word):
            return not other.is_pattern and self.meets(other.text)
        (low, high), (other_low, other_high) = self.span, other.span
        return low <= other_low and other_high <= high

    @property
    def span(self) -> tuple[tuple[float, bool], tuple[float, bool]]:
        """From where to where, each end with whether it lies beyond (or, of the upper one, on) the
        number itself.
        """
        lowest, highest = (-inf, False), (inf, True)
        match self.sign:
            case Sign.AT_LEAST:
                return (self.number, False), highest
            case Sign.ABOVE:
                return (self.number, True), highest
            case Sign.AT_MOST:
                return lowest, (self.number, True)
            case Sign.BELOW:
                return lowest, (self.number, False)
        assert_never(self.sign)


Test = Word | Comparison


class Condition(Struct, frozen=True):
    """What is asked of one field of Halo: that one of its values meets one of these."""

    field: str
    """Its plain name (`halo_names.py`)."""
    tests: tuple[Test, ...]

    def holds(self, issue: Issue) -> bool:
        values = values_of(self.field, issue=issue)
        return any(test.meets(value) for test in self.tests for value in values)

    def covers(self, other: "Condition") -> bool:
        """Whether it holds wherever the other one does."""
        return self.field == other.field and all(
            any(test.covers(others) for test in self.tests) for others in other.tests
        )

    def excludes(self, other: "Condition") -> bool:
        """Whether both can never hold together, as far as plain words tell."""
        if self.field != other.field or self.field in _SEVERAL:
            return False
        words = [test for test in self.tests if isinstance(test, Word) and not test.is_pattern]
        if len(words) < len(self.tests):
            return False
        return not any(test.meets(word.text) for word in words for test in other.tests)


class When(Struct, frozen=True, kw_only=True):
    """When a rule applies: where each of these holds and none of those does."""

    each: tuple[Condition, ...] = ()
    none: tuple["When", ...] = ()

    def holds(self, issue: Issue) -> bool:
        return all(condition.holds(issue) for condition in self.each) and not any(
            other.holds(issue) for other in self.none
        )

    def covers(self, other: "When") -> bool:
        """Whether it certainly holds wherever the other one does."""
        conditions = all(any(mine.covers(theirs) for theirs in other.each) for mine in self.each)
        return conditions and all(other.rules_out(exception) for exception in self.none)

    @property
    def is_impossible(self) -> bool:
        """Whether its own exceptions certainly leave nothing of it."""
        alone = When(each=self.each)
        return any(exception.covers(alone) for exception in self.none)

    def and_truth(self, field: str, *, truth: str) -> "When":
        """The same, where a field that is yes or no is this besides."""
        return When(each=(*self.each, Condition(field, (Word(truth),))), none=self.none)

    def rules_out(self, exception: "When") -> bool:
        """Whether nothing that it holds for is such an exception."""
        return any(mine.covers(exception) for mine in self.none) or any(
            mine.excludes(theirs) for mine in self.each for theirs in exception.each
        )


def values_of(field: str, *, issue: Issue) -> tuple[str, ...]:
    """The values of a field as texts. What Halo does not say is an empty text."""
    value = halo_names.read(field, evidence=Evidence(issue=issue))
    if isinstance(value, bool):
        return ("true" if value else "false",)
    if isinstance(value, tuple):
        return value or ("",)
    return ("" if value is None else halo_names.in_words(value),)


def shadowing(when: When, *, earlier: Sequence[When]) -> Sequence[When]:
    """Those earlier ones because of which this one never gets its turn; none if it may."""
    if by := next((other for other in earlier if other.covers(when)), None):
        return [by]
    if any(condition.field == _CRITICAL for condition in when.each):
        return []
    sides = [
        shadowing(when.and_truth(_CRITICAL, truth=truth), earlier=earlier)
        for truth in ("true", "false")
    ]
    return list(dict.fromkeys(by for side in sides for by in side)) if all(sides) else []


_CRITICAL = "critical"
"""Every issue is critical or not, so two rules may leave nothing between them."""
_SEVERAL = frozenset({"cve_ids", "csp_tags"})
"""The fields that may have several values at once."""


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


@lru_cache(maxsize=1_000)
def _pattern(text: str) -> re.Pattern[str]:
    escaped = re.escape(text.casefold()).replace(r"\*", ".*").replace(r"\?", ".")
    return re.compile(escaped, re.DOTALL)
