"""The parts of which every kind of finding is told, and the pieces that several kinds use.

Promises: a part that nothing is known for is empty, and its heading is then left out; what is not
listed is counted.
Does not do: the words of any kind (its neighbours), or the document around them (`tickets.py`).
"""

from collections.abc import Iterator, Sequence
from typing import Final

from msgspec import Struct

from job.core import adf
from job.core.adf import Inline, Node, paragraph

ROWS_MAX: Final = 50
SCANNED_AGAIN: Final = "Once a scan of Halo no longer finds it, this ticket is closed by itself."


class Told(Struct, frozen=True, kw_only=True):
    """One finding, part by part. A headline is one sentence or two, as words."""

    headline: str
    why: Sequence[Node] = ()
    fix: Sequence[Node] = ()
    proof: Sequence[Node] = ()


def listed_rows(
    rows: Sequence[Sequence[Inline]], *, head: Sequence[str], total: int = 0
) -> Iterator[Node]:
    """The first rows as a table, and how many more there are: a ticket is no place for all."""
    if rows:
        yield adf.table(rows[:ROWS_MAX], head=head)
    yield from more(max(total, len(rows)) - min(len(rows), ROWS_MAX))


def more(left: int) -> Iterator[Node]:
    """How many are not listed."""
    if left > 0:
        yield paragraph(f"{left} more {'is' if left == 1 else 'are'} not listed here.")


def counted(number: int, *, one: str, many: str) -> str:
    """Such as `1 file` or `3 files`."""
    return f"{number:,} {one if number == 1 else many}"
