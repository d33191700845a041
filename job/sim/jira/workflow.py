"""Jira's workflows as data: statuses, and named transitions between them, some with a screen that
demands fields.

Promises: a transition is found by its id and only if it starts where the ticket stands; names need
not be unique.
Does not do: carrying one out. writes.py does, and people.py walks the same graph for persons.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

# Real sites answer these ids and keys (a public Jira Cloud site, GET /rest/api/3/status).
CATEGORIES: Final[Mapping[str, dict[str, Any]]] = {
    "new": {"id": 2, "key": "new", "colorName": "blue-gray", "name": "To Do"},
    "indeterminate": {
        "id": 4,
        "key": "indeterminate",
        "colorName": "yellow",
        "name": "In Progress",
    },
    "done": {"id": 3, "key": "done", "colorName": "green", "name": "Done"},
}


@dataclass(frozen=True, slots=True)
class Status:
    """`name` is in the language of who looks; `untranslated` is what the workflow calls it."""

    id: str
    name: str
    category: str
    untranslated: str = ""
    forbids_comments: bool = False
    """As the workflow property `jira.permission.comment.denied` does."""


@dataclass(frozen=True, slots=True)
class Transition:
    """`sources` None means: from everywhere, itself included. `required` fields stand on its
    screen. A comment can come along only where the screen lists `comment`.
    """

    id: str
    name: str
    to: str
    sources: frozenset[str] | None = None
    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    sets_resolution: str | None = None
    clears_resolution: bool = False
    needs_comment: bool = False
    """By a validator, of which the metadata of the screen says nothing."""

    def starts_at(self, status: str) -> bool:
        return self.sources is None or status in self.sources

    @property
    def screen(self) -> tuple[str, ...]:
        return self.required + self.optional


@dataclass(frozen=True, slots=True)
class Workflow:
    """The first status is where new tickets start."""

    statuses: tuple[Status, ...]
    transitions: tuple[Transition, ...]

    def status(self, name: str) -> Status:
        return next(status for status in self.statuses if status.name == name)

    def available(self, status: str) -> list[Transition]:
        return [transition for transition in self.transitions if transition.starts_at(status)]

    @property
    def start(self) -> str:
        return self.statuses[0].name


TO_DO: Final = Status("10000", "To Do", "new")
IN_PROGRESS: Final = Status("3", "In Progress", "indeterminate")
DONE: Final = Status("10001", "Done", "done")
CLOSED: Final = Status("6", "Closed", "done")

DEFAULT: Final = Workflow(
    statuses=(TO_DO, IN_PROGRESS, DONE, CLOSED),
    transitions=(
        Transition("11", "Start work", "In Progress", frozenset({"To Do"})),
        Transition("21", "Stop work", "To Do", frozenset({"In Progress"})),
        Transition(
            "31", "Resolve", "Done", frozenset({"To Do", "In Progress"}), required=("resolution",)
        ),
        Transition("41", "Reopen", "To Do", frozenset({"Done"}), clears_resolution=True),
        Transition(
            "51",
            "Close forever",
            "Closed",
            frozenset({"To Do", "In Progress", "Done"}),
            sets_resolution="Done",
        ),
    ),
)

# What a new team-managed project has: a global transition to every status, named like it, usable
# from itself too.
SIMPLIFIED: Final = Workflow(
    statuses=(TO_DO, IN_PROGRESS, DONE),
    transitions=(
        Transition("11", "To Do", "To Do", clears_resolution=True),
        Transition("21", "In Progress", "In Progress", clears_resolution=True),
        Transition("31", "Done", "Done", sets_resolution="Done"),
    ),
)
