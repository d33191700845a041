"""Texts that name fields of Halo in braces, such as `{issue_type},{tags.env}`, and how they fill.

Promises: a name that is no field's is found when the text is read, not when a ticket is written; in
a list, an entry for which Halo has no value is left out.
Does not do: giving the text the type of its Jira field (`values.py`).
"""

import re
from collections.abc import Iterator
from functools import lru_cache

from msgspec import Struct

from job.core import halo_names
from job.core.halo_names import Value, in_words
from job.core.issues import Evidence
from job.core.values import RAW


class Template(Struct, frozen=True):
    """Pieces of plain text and fields of Halo in turn: the first is text, and so is the last."""

    pieces: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The plain names of the fields that it asks for."""
        return self.pieces[1::2]

    def filled(self, evidence: Evidence) -> Value | None:
        """What it says of an issue. A lone field keeps its type; `None` where nothing has a value.

        A value of several texts within a text stands as a list of words.
        """
        values = [halo_names.read(name, evidence=evidence) for name in self.names]
        if self.is_lone_field:
            return values[0]
        if values and all(value is None for value in values):
            return None
        words = ["" if value is None else in_words(value) for value in values]
        between = [*words, ""]
        return "".join(text + word for text, word in zip(self.pieces[::2], between, strict=True))

    @property
    def is_lone_field(self) -> bool:
        """Whether it is one field and nothing around it."""
        return len(self.pieces) == _LONE and not self.pieces[0] and not self.pieces[-1]


_LONE = 3
_FIELD = re.compile(r"\{([^{}]*)\}")


@lru_cache(maxsize=1_000)
def parse(text: str) -> Template:
    """The template of a text. Raises `ValueError` with a sentence for a field that is none."""
    pieces = _FIELD.split(text)
    for place in range(1, len(pieces), 2):
        name = halo_names.plain_name(pieces[place])
        if name is None:
            wrong, allowed = halo_names.unknown(pieces[place])
            raise ValueError(f"{wrong} Perhaps: {allowed}.")
        pieces[place] = name
    return Template(tuple(pieces))


@lru_cache(maxsize=1_000)
def parse_mapped(text: str) -> Template:
    """The left side of a mapping: a field's name by itself, or a text with fields in braces."""
    return parse(text if "{" in text else f"{{{text}}}")


def is_template(text: str) -> bool:
    """Whether a text asks for fields of Halo."""
    return not text.startswith(RAW) and _FIELD.search(text) is not None


def filled_list(text: str, *, evidence: Evidence) -> tuple[str, ...] | None:
    """The entries of a text with commas, each filled by itself. One without its value is left out;
    `None` where none is left.
    """
    entries = tuple(_entries(text, evidence=evidence))
    return entries or None


def _entries(text: str, *, evidence: Evidence) -> Iterator[str]:
    for part in text.split(","):
        template = parse(part.strip()) if "{" in text else parse_mapped(text)
        values = [halo_names.read(name, evidence=evidence) for name in template.names]
        if any(value is None for value in values):
            continue
        value = template.filled(evidence)
        if isinstance(value, tuple):
            yield from value
        elif value not in (None, ""):
            yield in_words(value)
