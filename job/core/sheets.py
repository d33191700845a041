"""A ticket or a comment as a sheet for people to read: its title, its fields by name, its document.

Promises: fields stand under the names that Jira shows; a value stands in the words that Jira shows.
Does not do: laying a sheet out, as lines (`reading.py`) or as a page (`markup.py`).
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec
from msgspec import Struct

from job.core import adf
from job.core.adf import Document
from job.core.comments import Comment
from job.core.shape import CreateScreen
from job.core.tickets import Draft

_IN_PLACE: Final = frozenset({"project", "issuetype", "summary", "description"})
"""Fields that a sheet shows elsewhere than in its table."""
_NAMING: Final = ("displayName", "name", "value", "key", "emailAddress", "accountId", "id")
"""What people know a value by, the best first."""


class Sheet(Struct, frozen=True, kw_only=True):
    """What there is to read, from the top down."""

    title: str
    """What it is, such as `Comment: resolved`."""
    summary: str = ""
    """A ticket's own; "" for a comment."""
    fields: tuple[tuple[str, str], ...] = ()
    document: Document | None = None
    """`None` where a ticket has no place for one."""


def ticket_sheet(draft: Draft, *, screen: CreateScreen, title: str) -> Sheet:
    """A new ticket."""
    fields = draft.fields
    return Sheet(
        title=title,
        summary=str(fields["summary"]),
        fields=tuple(_named(fields, screen=screen)),
        document=fields.get("description"),
    )


def comment_sheet(comment: Comment, *, title: str) -> Sheet:
    return Sheet(title=title, document=comment.body)


def _named(values: Mapping[str, Any], *, screen: CreateScreen) -> Iterator[tuple[str, str]]:
    for field_id, value in values.items():
        if field_id not in _IN_PLACE:
            spec = screen.fields.get(field_id)
            yield (spec.name if spec else field_id), in_words(value)


def in_words(value: Any) -> str:
    """A field's value as a person sees it."""
    match value:
        case str():
            words = value
        case msgspec.Raw():
            words = adf.plain(value)
        case list() | tuple():
            words = ", ".join(map(in_words, value))
        case Mapping() if "child" in value:
            inner = {key: part for key, part in value.items() if key != "child"}
            words = f"{in_words(inner)} > {in_words(value['child'])}"
        case Mapping():
            words = next((str(value[name]) for name in _NAMING if name in value), str(dict(value)))
        case _:
            words = str(value)
    return adf.one_line(words)
