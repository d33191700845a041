"""How a person at a terminal sees a run: the plan with its reasons, a progress bar, tables.

Promises: nothing is drawn that the data does not say; what does not fit is counted, never silently
dropped. Does not do: deciding what to say when (`cli.py`, `demo.py`), or anything away from a
terminal but the demo.
"""

from collections import Counter
from collections.abc import Iterable, Sequence

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Column, Table

from job.check import Proof
from job.core.model import Action, Decision, Outcome, OutcomeKind, RunRecord
from job.core.plan import Plan

ROWS_MAX = 50
PIPED_WIDTH = 120
COLOURS = {
    Action.CREATE: "green",
    Action.CREATE_AND_CLOSE: "green",
    Action.COMMENT: "cyan",
    Action.REOPEN: "yellow",
    Action.CLOSE: "magenta",
    Action.ADOPT: "blue",
}


def open_console() -> Console:
    """Stdout. Through a pipe it is plain text of a fixed width."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=PIPED_WIDTH)


class Screen:
    """A `Watcher` with eyes on it."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._progress = Progress(
            TextColumn("  {task.description}"),
            BarColumn(bar_width=40),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=console,
        )
        self._bar = self._progress.add_task("writing to Jira", total=None, visible=False)

    def planned(self, plan: Plan) -> None:
        """Shows the plan and makes the bar as long as it."""
        self._console.print(_plan_table(plan))
        self._console.print(f"  {_tally(plan)}\n")
        self._progress.update(self._bar, total=len(plan.decisions), visible=bool(plan.decisions))

    def ended(self, outcome: Outcome) -> None:
        self._progress.advance(self._bar)

    def __enter__(self) -> "Screen":
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def finished(self, record: RunRecord) -> None:
        """The run's summary: what became of the plan, and what it cost."""
        duration_s = (record.finished_at - record.started_at).total_seconds()
        self._console.print(_outcome_table(record))
        self._console.print(_calls_table(record))
        self._console.print(
            f"  Run {escape(record.run_id)}: {record.verdict} in {duration_s:.1f} s.\n"
        )
        for error in record.errors:
            self._console.print(f"  [red]{escape(error)}[/]")

    def proven(self, proof: Proof, *, words: str) -> None:
        """One line of `check`."""
        mark = "[red]no [/]" if proof.error else "[green]yes[/]"
        self._console.print(f"  {mark} [bold]{proof.name}[/]: {escape(words)}")

    def told(self, title: str, *, happenings: Iterable[str]) -> None:
        """One act of a story."""
        self._console.rule(f"[bold]{escape(title)}")
        for happening in happenings:
            self._console.print(f"  • {escape(happening)}")
        self._console.print()

    def listed(self, tickets: Sequence[Sequence[str]]) -> None:
        """The tickets as they are in Jira now: key, status, summary, number of comments, the last
        comment.
        """
        columns = (
            _narrow("ticket"),
            _narrow("status"),
            _cut("summary", share=3),
            _narrow("comments"),
        )
        table = _table("Jira's tickets", *columns, _cut("last comment", share=2))
        for ticket in tickets:
            table.add_row(*map(escape, ticket))
        self._console.print(table)


def _table(title: str, *columns: Column) -> Table:
    wide = any(column.ratio for column in columns)
    table = Table(*columns, title=title, title_justify="left", box=box.SIMPLE_HEAD, expand=wide)
    table.title_style = "bold"
    return table


def _narrow(name: str) -> Column:
    """As wide as what is in it, on one line."""
    return Column(name, no_wrap=True)


def _cut(name: str, *, share: int) -> Column:
    """One line, cut to its share of the room."""
    return Column(name, no_wrap=True, overflow="ellipsis", ratio=share)


def _wrapped(name: str, *, share: int) -> Column:
    """As many lines as it takes."""
    return Column(name, ratio=share)


def _plan_table(plan: Plan) -> Table:
    columns = (
        _narrow("action"),
        _narrow("ticket"),
        _cut("Halo issue", share=1),
        _wrapped("because", share=1),
    )
    table = _table("The plan", *columns)
    for decision in plan.decisions[:ROWS_MAX]:
        table.add_row(*_plan_row(decision))
    if len(plan.decisions) > ROWS_MAX:
        table.add_row("…", "", f"and {len(plan.decisions) - ROWS_MAX} more", "")
    return table


def _plan_row(decision: Decision) -> tuple[str, str, str, str]:
    issue, action = decision.case.issue, decision.action
    ticket = None if action in {Action.CREATE, Action.CREATE_AND_CLOSE} else decision.case.ticket
    words = f"[{COLOURS[action]}]{action}[/]" if action else ""
    name = f"{issue.type}: {issue.rule_name or issue.name or issue.id}"
    return words, ticket.key if ticket else "new", escape(name), escape(decision.because)


def _tally(plan: Plan) -> str:
    planned = (
        ", ".join(f"{many} {action}" for action, many in sorted(plan.tally.items()))
        or "nothing to do"
    )
    waits = f"; {len(plan.deferred)} of them wait for the next run" if plan.deferred else ""
    needless = len(plan.quiet) + plan.unmoved
    quiet = f"; {needless} issues need nothing" if needless else ""
    return f"{planned}{waits}{quiet}. Digest {plan.digest}."


def _outcome_table(record: RunRecord) -> Table:
    table = _table(
        "What became of it",
        _narrow("action"),
        *(Column(kind, justify="right") for kind in OutcomeKind),
    )
    for action, ended in record.counts.items():
        if any(ended.values()):
            table.add_row(action, *(str(ended.get(kind, 0)) for kind in OutcomeKind))
    return table


def _calls_table(record: RunRecord) -> Table:
    table = _table(
        "Calls spent",
        _narrow("remote"),
        Column("calls", justify="right"),
        _wrapped("of these", share=1),
    )
    for remote, calls in record.calls.items():
        most = ", ".join(f"{many} {name}" for name, many in Counter(calls).most_common())
        table.add_row(remote, str(sum(calls.values())), f"[dim]{escape(most)}[/]")
    return table
