"""What a status of a ticket is called, and whether it is one of those that the settings name.

Promises: a status is known by its id, by its name in the language of our account and by the name
that the workflow gives it, in any case, however many blanks a person typed.
Does not do: saying what a status means to us (`routes.py`).
"""

from collections.abc import Iterable

from msgspec import Struct

DONE = "done"
"""Jira's own key of the category of statuses in which work is over (Jira Cloud REST v3,
`statusCategory`); it is never translated.
"""


class Status(Struct, frozen=True, kw_only=True):
    """A status as Jira tells it."""

    name: str
    """As our account sees it, perhaps translated."""
    id: str = ""
    untranslated: str = ""
    """As the workflow has it; "" where Jira does not say."""
    category: str = ""
    """`new`, `indeterminate`, `done`, `undefined`; "" where Jira does not say."""

    @property
    def is_done(self) -> bool:
        """Whether work is over there, by Jira's own category."""
        return self.category == DONE

    def among(self, names: Iterable[str]) -> bool:
        """Whether one of these means it. They may be names or ids."""
        called = {spelled(word) for word in (self.name, self.untranslated, self.id) if word}
        return not called.isdisjoint(map(spelled, names))

    def __str__(self) -> str:
        return self.name


def spelled(name: str) -> str:
    """A name as it is compared: without case, and without outer, double and no-break blanks."""
    return " ".join(name.split()).casefold()
