"""Takes many things a few at a time.

Promises: every thing comes once and in order, and all batches but the last are full.
Does not do: anything with them, or several at once (`each.py`).
"""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

T = TypeVar("T")


def batches(things: Iterable[T], *, size: int) -> Iterator[tuple[T, ...]]:
    rest = iter(things)
    while batch := tuple(islice(rest, size)):
        yield batch
