"""How a command speaks, whoever listens: people at a terminal, or machines by the line.

Promises: a command says what there is to say through this one protocol and never asks who listens.
Does not do: the speaking itself (`screen.py` for people, `lines.py` for machines).
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from msgspec import Struct

from job.core.memory import RunRecord
from job.core.sheets import Sheet
from job.events import Event
from job.ports import Watcher

NO_FACTS: Mapping[str, object] = {}
AddressOf = Callable[[str], str]
"""Where people find the ticket of a key; "" where nobody knows."""


def no_address(key: str) -> str:
    """For whoever has no site at hand."""
    return ""


class Explanation(Struct, frozen=True, kw_only=True):
    """An error as people should read it; `console/words.py` makes it."""

    event: Event
    exit_code: int
    doing: str
    """What we were doing, as `listing issues`."""
    happened: str
    next: str
    """What the operator can do."""
    facts: dict[str, object]


class Table(Struct, frozen=True, kw_only=True):
    """Rows under named columns, each cell a text on one line."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    shares: tuple[int, ...] = ()
    """How the room of a terminal is shared among columns that may be cut; 0 for one that may not.
    """


class Console(Protocol):
    """Whoever listens to a command."""

    def say(
        self,
        event: Event,
        message: str,
        *,
        subject: str = "",
        facts: Mapping[str, object] = NO_FACTS,
    ) -> None:
        """Tells one event in a sentence; `subject` is what it is about. The facts are in the
        sentence as well, and stand by themselves for machines.
        """
        ...

    def explain(self, explanation: Explanation, *, error: BaseException) -> None:
        """Tells an error, and of a bug its stack."""
        ...

    def watching(
        self, *, carries_out: bool, in_full: bool = False
    ) -> AbstractContextManager[Watcher]:
        """A block in which a plan is made and shown, every action of it if `in_full`, and carried
        out if `carries_out`.
        """
        ...

    def finished(self, record: RunRecord, *, address_of: AddressOf = no_address) -> None:
        """Shows what became of a run, and where people find what it made."""
        ...

    def told(self, title: str, *, happenings: Sequence[str]) -> None:
        """Tells a few things under a title."""
        ...

    def show(self, table: Table) -> None:
        """Shows a table."""
        ...

    def show_sheet(self, sheet: Sheet) -> None:
        """Shows a ticket or a comment, whole."""
        ...

    def confirm(self, question: str) -> bool:
        """Asks for a yes; where nobody can be asked, the answer is no."""
        ...
