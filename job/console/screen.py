"""How people at a terminal see a command: plans with their reasons, a progress bar, tables.

Promises: nothing is drawn that the data does not say; what does not fit is counted, never silently
dropped; secrets are taken out of every word that comes from outside. Imported only where a terminal
listens, and by the demo: rich is slow to import.
Does not do: the log, whose lines a terminal sees too (`log.py`).
"""

import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import groupby

import click
import structlog
from rich import box
from rich.console import Console as RichConsole
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Column
from rich.table import Table as RichTable
from rich.text import Text

from job.console.planned import drawn
from job.console.protocol import NO_FACTS, AddressOf, Explanation, Table, no_address
from job.core.memory import RunRecord
from job.core.model import Outcome, OutcomeKind
from job.core.plan import Plan
from job.core.reading import WIDTH, Look, lines
from job.core.sheets import Sheet
from job.core.steps import CREATES, resumes
from job.events import Event
from job.ports import Watcher

log = structlog.get_logger()

KEYS_MAX = 20
PIPED_WIDTH = 120


def open_screen(*, redact: Callable[[str], str] = str) -> "Screen":
    """A screen on standard output. Through a pipe it is plain text of a fixed width."""
    console = RichConsole(highlight=False)
    if not console.is_terminal:
        console = RichConsole(highlight=False, width=PIPED_WIDTH)
    return Screen(console, redact=redact)


class Screen:
    """A `Console`, and a `Watcher`, with eyes on it."""

    def __init__(self, console: RichConsole, *, redact: Callable[[str], str] = str) -> None:
        self._console = console
        self._redact = redact
        self._made: list[str] = []
        """The keys of tickets that this command has made."""
        self._in_full = False
        self._start_bar()

    def _start_bar(self) -> None:
        self._progress = Progress(
            TextColumn("  {task.description}"),
            BarColumn(bar_width=40),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=self._console,
        )
        self._bar = self._progress.add_task("writing to Jira", total=None, visible=False)

    # --- A plan, and what becomes of it -----------------------------------------------------------

    @contextmanager
    def watching(self, *, carries_out: bool, in_full: bool = False) -> Iterator[Watcher]:
        """The bar moves while a plan is carried out."""
        self._in_full = in_full
        self._start_bar()
        if carries_out:
            with self._progress:
                yield self
        else:
            yield self

    def planned(self, plan: Plan) -> None:
        """Shows the plan and makes the bar as long as it."""
        self._console.print("[bold]The plan[/]\n")
        for part in drawn(plan, in_full=self._in_full, redact=self._redact):
            self._console.print(part)
        self._console.print(f"  {_tally(plan)}\n")
        self._progress.update(self._bar, total=len(plan.decisions), visible=bool(plan.decisions))

    def ended(self, outcome: Outcome) -> None:
        """Moves the bar."""
        decision, is_done = outcome.decision, outcome.kind is OutcomeKind.DONE
        made = is_done and decision.action in CREATES and not resumes(decision)
        if made and outcome.ticket_key:
            self._made.append(outcome.ticket_key)
        self._progress.advance(self._bar)

    def finished(self, record: RunRecord, *, address_of: AddressOf = no_address) -> None:
        """The run's summary: what became of the plan, and what it cost."""
        duration_s = (record.finished_at - record.started_at).total_seconds()
        self._console.print(_outcome_table(record))
        self._console.print(_calls_table(record))
        ending = f"Run {escape(record.run_id)}: {record.verdict} in {duration_s:.1f} s."
        self._console.print(f"  {ending}")
        for words in (*_made(self._made, address_of=address_of), *_parked(record)):
            self._console.print(f"  {escape(words)}", soft_wrap=True)
        self._console.print()
        for error in record.errors:
            self._console.print(f"  [red]{escape(error)}[/]")

    # --- Anything else ----------------------------------------------------------------------------

    def say(
        self,
        event: Event,
        message: str,
        *,
        subject: str = "",
        facts: Mapping[str, object] = NO_FACTS,
    ) -> None:
        about = f"[bold]{escape(subject)}[/]: " if subject else ""
        self._console.print(f"  {_mark(event)}{about}{escape(self._redact(message))}")

    def explain(self, explanation: Explanation, *, error: BaseException) -> None:
        """On standard error; of a bug the log has the stack as well."""
        facts = f"{explanation.happened}\n  while {explanation.doing}\n  next: {explanation.next}"
        colour = "red" if explanation.exit_code else None
        click.secho(f"{explanation.event}: {self._redact(facts)}", err=True, fg=colour)
        if explanation.exit_code == 1:
            log.error(explanation.event, message=explanation.happened, exc_info=error)

    def told(self, title: str, *, happenings: Sequence[str]) -> None:
        self._console.rule(f"[bold]{escape(title)}")
        for happening in happenings:
            self._console.print(f"  • {escape(happening)}")
        self._console.print()

    def show(self, table: Table) -> None:
        shares = table.shares or (0,) * len(table.columns)
        columns = [
            _cut(name, share=share) if share else _narrow(name)
            for name, share in zip(table.columns, shares, strict=True)
        ]
        drawn = _table(table.title, *columns)
        for row in table.rows:
            drawn.add_row(*(escape(self._redact(cell)) for cell in row))
        self._console.print(drawn)

    def show_sheet(self, sheet: Sheet) -> None:
        for line in lines(sheet, width=min(WIDTH, self._console.width)):
            alike = groupby(line, key=lambda span: _LOOKS[span[1]])
            joined = ((self._redact("".join(w for w, _ in spans)), look) for look, spans in alike)
            self._console.print(Text.assemble(*joined), soft_wrap=True)
        self._console.print()

    def confirm(self, question: str) -> bool:
        """Asked only where somebody can type an answer."""
        return sys.stdin.isatty() and click.confirm(question)


_LOOKS: Mapping[Look, str] = {
    Look.PLAIN: "",
    Look.STRONG: "bold",
    Look.CODE: "magenta",
    Look.LINK: "underline",
    Look.TITLE: "bold",
    Look.HEADING: "bold",
    Look.RULE: "dim",
}
"""How a piece looks at a terminal, be it black or white: the words make sense without."""


def _mark(event: Event) -> str:
    """How a line begins that tells this event."""
    return MARKS.get(event, "")


MARKS: Mapping[Event, str] = {
    Event.CHECK_PASSED: "[green]yes[/] ",
    Event.CHECK_UNPROVEN: "[dim]?[/]   ",
    Event.CHECK_DOUBTED: "[yellow]but[/] ",
    Event.CHECK_FAILED: "[red]no [/] ",
    Event.PROMISE_BROKEN: "[red]no [/] ",
}


# --- Tables -----------------------------------------------------------------------------------


def _table(title: str, *columns: Column) -> RichTable:
    wide = any(column.ratio for column in columns)
    table = RichTable(*columns, title=title, title_justify="left", box=box.SIMPLE_HEAD, expand=wide)
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


def _tally(plan: Plan) -> str:
    counts = (f"{many} {action}" for action, many in sorted(plan.tally.items()))
    planned = ", ".join(counts) or "nothing to do"
    waits = f"; {len(plan.deferred)} of them wait for the next run" if plan.deferred else ""
    held = f"; {len(plan.held)} of them are held: digest {plan.digest}" if plan.held else ""
    needless = len(plan.quiet) + plan.unmoved
    quiet = f"; {needless} issues need nothing" if needless else ""
    return " ".join(filter(None, (f"{planned}{waits}{held}{quiet}.", plan.pace, plan.backlog)))


def _made(keys: Sequence[str], *, address_of: AddressOf) -> Iterator[str]:
    """Which tickets were made: the first of them by their addresses, or by their keys."""
    first = keys[:KEYS_MAX]
    more = f" and {len(keys) - KEYS_MAX:,} more" if len(keys) > KEYS_MAX else ""
    addresses = [address for key in first if (address := address_of(key))]
    if addresses:
        yield "Made:"
        yield from (f"  {address}" for address in addresses)
        if more:
            yield f" {more}."
    elif keys:
        yield f"Made {', '.join(first)}{more}."


def _parked(record: RunRecord) -> Iterator[str]:
    """How many issues are parked after a run: then it was not simply done."""
    many = record.parked_total or 0
    issues = "1 issue is" if many == 1 else f"{many:,} issues are"
    if many:
        yield f"{issues} parked: `parked` says why."


def _outcome_table(record: RunRecord) -> RichTable:
    counts = (Column(kind, justify="right") for kind in OutcomeKind)
    table = _table("What became of it", _narrow("action"), *counts)
    for action, ended in record.counts.items():
        if any(ended.values()):
            table.add_row(action, *(str(ended.get(kind, 0)) for kind in OutcomeKind))
    return table


def _calls_table(record: RunRecord) -> RichTable:
    columns = _narrow("remote"), Column("calls", justify="right"), _wrapped("of these", share=1)
    table = _table("Calls spent", *columns)
    for remote, calls in record.calls.items():
        most = ", ".join(f"{many} {name}" for name, many in Counter(calls).most_common())
        table.add_row(remote, str(sum(calls.values())), f"[dim]{escape(most)}[/]")
    return table
