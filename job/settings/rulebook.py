"""Routes as people write them: rules, tests of theirs, and what becomes of all other issues.

Promises: every value is frozen, and says in which line it stands. Where an issue goes by a rulebook
needs no other setting.
Does not do: reading one (`routing.py`), or knowing the destinations (`destinations.py`).
"""

from collections.abc import Iterator
from datetime import timedelta

from msgspec import Struct

from job.core.conditions import When
from job.core.issues import Issue
from job.core.ladders import Ladder
from job.core.routes import DEFAULT, SKIP, CommentWhen


class WorkflowWords(Struct, frozen=True, kw_only=True):
    """Words of a project's workflow; `None` leaves that of the plain settings."""

    close: str | None = None
    reopen: str | None = None
    closed: tuple[str, ...] | None = None
    hard_closed: tuple[str, ...] | None = None
    accepted: tuple[str, ...] | None = None
    new: str | None = None
    resolution: str | None = None


class CommentWords(Struct, frozen=True, kw_only=True):
    """When tickets of a route are talked at; `every` is `None` where the route does not say."""

    when: CommentWhen
    every: timedelta | None = None


class RuleText(Struct, frozen=True, kw_only=True):
    """One rule."""

    line: int
    name: str
    when: When
    skip: str = ""
    """Why its issues get no ticket; "" for a rule that leads somewhere."""
    project: str = ""
    ticket_type: str = ""
    fields: tuple[tuple[str, str], ...] = ()
    """Jira field -> value, or text with Halo's fields in braces."""
    labels: tuple[str, ...] = ()
    assignee: str = ""
    priority: Ladder = ()
    due: Ladder = ()
    comments: CommentWords | None = None
    workflow: WorkflowWords = WorkflowWords()

    @property
    def place(self) -> str:
        """Where it stands, for whoever must put it right."""
        return f'ROUTES, line {self.line}, route "{self.name}"'


class RuleTest(Struct, frozen=True, kw_only=True):
    """An issue, and the route that it must take."""

    line: int
    issue: Issue
    says: str
    """The issue in the words of the test."""
    goes_to: str


class Rulebook(Struct, frozen=True, kw_only=True):
    """All of it."""

    rules: tuple[RuleText, ...]
    tests: tuple[RuleTest, ...] = ()
    skips_others: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """All ways that an issue may take."""
        return (*(rule.name for rule in self.rules if not rule.skip), DEFAULT, SKIP)

    def way(self, issue: Issue) -> str:
        """The name of the route of an issue, `default` or `skip`."""
        return self.way_and_rule(issue)[0]

    def way_and_rule(self, issue: Issue) -> tuple[str, RuleText | None]:
        """The same, and the rule that says so; `None` where no rule is for it."""
        rule = next((rule for rule in self.rules if rule.when.holds(issue)), None)
        if rule is None:
            return (SKIP if self.skips_others else DEFAULT), None
        return (SKIP if rule.skip else rule.name), rule

    def failures(self) -> Iterator[tuple[RuleTest, str]]:
        """The tests that do not hold, each with where its issue goes."""
        for test in self.tests:
            way, rule = self.way_and_rule(test.issue)
            if way != test.goes_to and (rule is None or rule.name != test.goes_to):
                yield test, way
