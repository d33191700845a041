"""A plan as people read it: a table for each group of actions that are alike.

Promises: every group is told with its size and its reason, and the worst of it by host, summary,
ticket and severity; what is left out is counted.
Does not do: putting actions into groups (`core/groups.py`), or printing (`screen.py`).
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import assert_never

from rich import box
from rich.console import RenderableType
from rich.markup import escape
from rich.table import Column, Table
from rich.text import Text

from job.core.groups import Group, Turn, groups
from job.core.issues import Issue
from job.core.model import Action, Decision
from job.core.plan import Plan
from job.core.routes import DEFAULT
from job.core.steps import CREATES
from job.core.summary import summary

SHOWN_OF_A_GROUP = 5


def drawn(plan: Plan, *, in_full: bool, redact: Callable[[str], str]) -> Iterator[RenderableType]:
    """What is printed of it, piece by piece. `redact` takes secrets out of words."""
    has_routes = not set(plan.by_destination) <= {DEFAULT}
    for group in groups(plan):
        many = len(group.members)
        shown = many if in_full else min(many, SHOWN_OF_A_GROUP)
        decisions = [shelved.whole() for shelved in islice(group.members, shown)]
        yield _title(group, tells_route=has_routes)
        yield from (Text(f"  {redact(words)}", style="dim") for words in _why(decisions))
        yield _table(decisions, redact=redact)
        if many > shown:
            yield f"  [dim]and {many - shown:,} more; `plan --all` shows all[/]"
        yield ""


def colour_of(action: Action) -> str:
    """In which an action is shown."""
    match action:
        case Action.CREATE | Action.CREATE_AND_CLOSE:
            return "green"
        case Action.COMMENT:
            return "cyan"
        case Action.REOPEN:
            return "yellow"
        case Action.CLOSE:
            return "magenta"
        case Action.ADOPT:
            return "blue"
    assert_never(action)


def _title(group: Group, *, tells_route: bool) -> str:
    many, project = len(group.members), escape(group.project)
    name = f"[bold {colour_of(group.action)}]{group.action}[/]"
    turn = {Turn.NOW: "", Turn.LATER: ", in a later run", Turn.HELD: ", held"}[group.turn]
    route = f" by route {escape(group.route)}" if tells_route else ""
    tickets = "ticket" if many == 1 else "tickets"
    return f"  {name}: {many:,} {tickets} in {project}{route}{turn}"


def _why(decisions: Sequence[Decision]) -> Iterator[str]:
    """The reason in words, once where it is the same for all; and what is to be said of single
    ones.
    """
    reasons = list(dict.fromkeys(decision.because for decision in decisions))
    yield reasons[0] if len(reasons) == 1 else f"Such as: {reasons[0]}"
    for decision in decisions:
        if decision.aside:
            yield f"{_ticket(decision)}: {decision.aside}"


def _table(decisions: Sequence[Decision], *, redact: Callable[[str], str]) -> Table:
    columns = (
        Column("ticket", no_wrap=True),
        Column("severity", no_wrap=True),
        Column("host", no_wrap=True, overflow="ellipsis", ratio=1),
        Column("summary", no_wrap=True, overflow="ellipsis", ratio=2),
    )
    table = Table(*columns, box=box.SIMPLE_HEAD, expand=True)
    for decision in decisions:
        issue = decision.case.issue
        cells = (_ticket(decision), _severity(issue), _host(issue), summary(issue))
        table.add_row(*(escape(redact(cell)) for cell in cells))
    return table


def _ticket(decision: Decision) -> str:
    """The key of a ticket that is there; a new one has none yet."""
    ticket = decision.case.ticket
    return ticket.key if ticket and decision.action not in CREATES else "new"


def _severity(issue: Issue) -> str:
    score = "" if issue.max_cvss is None else f"{issue.max_cvss:.1f}"
    return " ".join(filter(None, ("critical" if issue.critical else "", score))) or "-"


def _host(issue: Issue) -> str:
    return issue.asset_hostname or issue.asset_name or "-"
