"""Tests routes without a network: where each issue of their tests would go.

Promises: nothing is asked of Halo or Jira, and no credentials are needed.
Does not do: proving that the projects and fields of routes are there (`check.py`).
"""

from job.commands.context import CommandContext
from job.console.protocol import Table
from job.core.routes import DEFAULT
from job.errors import BadSettings, Problem
from job.events import Event
from job.settings import routing
from job.settings.parse import Unfit
from job.settings.rulebook import Rulebook


def test(context: CommandContext, *, path: str | None) -> int:
    """Shows where each test's issue goes, and returns the exit code. Raises `BadSettings` for
    routes that are wrong, also for a test that does not hold.
    """
    book = _rulebook(context, path=path)
    if book.tests:
        context.console.show(_tests(book))
    context.console.show(_rules(book))
    said = f"{len(book.rules)} routes, {len(book.tests)} tests: all hold."
    context.console.say(Event.CHECK_PASSED, said, subject="routes")
    return 0


def _rulebook(context: CommandContext, *, path: str | None) -> Rulebook:
    """From the file of this path, else from where a run would read it."""
    name = "ROUTES_FILE" if path else ""
    try:
        if path:
            book = routing.file(path)
        else:
            name, words = context.first_set("ROUTES", "ROUTES_FILE")
            book = routing.variable(words) if name == "ROUTES" else routing.file(words)
    except Unfit as unfit:
        raise BadSettings([Problem(name, unfit.wrong, unfit.allowed)]) from None
    if book is None:
        wrong = "There are no routes to be tested."
        raise BadSettings([Problem("ROUTES", wrong, "ROUTES, ROUTES_FILE, or a file's path here")])
    return book


def _tests(book: Rulebook) -> Table:
    rows = tuple((str(test.line), test.says, book.way(test.issue)) for test in book.tests)
    return Table(title="Tests", columns=("line", "issue", "goes to"), rows=rows, shares=(0, 1, 0))


def _rules(book: Rulebook) -> Table:
    """Each rule, and how many tests show that it has its turn."""
    taken = [book.way_and_rule(test.issue)[1] for test in book.tests]
    rows = tuple(
        (rule.name, rule.skip or rule.project or DEFAULT, str(taken.count(rule)))
        for rule in book.rules
    )
    columns = ("route", "leads to", "tests")
    return Table(title="Routes", columns=columns, rows=rows, shares=(0, 1, 0))
