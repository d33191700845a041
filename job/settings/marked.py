"""Texts, lists and tables that know their lines: what routes are read from.

Promises: every scalar is the text that people wrote.
Does not do: reading YAML (`yaml_text.py`), or knowing what the texts mean (`routing.py`).
"""

from msgspec import Struct


class Text(Struct, frozen=True):
    """A scalar, as it was written."""

    line: int
    text: str


class Rows(Struct, frozen=True):
    """A list."""

    line: int
    items: tuple["Marked", ...]


class Table(Struct, frozen=True):
    """Keys with their values, in the order in which they were written. No key comes twice."""

    line: int
    entries: tuple[tuple[Text, "Marked"], ...]


Marked = Text | Rows | Table


class Unreadable(ValueError):
    """What is wrong, and in which line."""

    def __init__(self, line: int, wrong: str) -> None:
        super().__init__(f"line {line}: {wrong}")
        self.line = line
        self.wrong = wrong
