"""How one setting comes about: from which variable, in which words, and what else has a say in it.

Promises: a value that contradicts an earlier one is `Unfit`, with what is wrong and allowed.
Does not do: knowing which settings there are (`variables.py`), or reading any (`load.py`).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from job.core.statuses import spelled
from job.settings.parse import Unfit
from job.settings.rulebook import Rulebook, WorkflowWords

Earlier = Mapping[str, Any]
"""The fields before this one, as far as they were fit."""


def fits_alone(_value: object, _earlier: Earlier) -> None:
    """Nothing else has a say in it."""


def hard_closed_is_not_closed(value: tuple[str, ...], earlier: Earlier) -> None:
    """A status cannot be reopened and never be reopened."""
    both = _same(value, earlier.get("issue_status_closed", ()))
    if both:
        wrong = f"{', '.join(both)} is in ISSUE_STATUS_CLOSED as well."
        raise Unfit(wrong, "statuses of one kind only: reopened, or followed by a new ticket")


def accepted_is_no_other(value: tuple[str, ...], earlier: Earlier) -> None:
    """A risk that people accept is neither to be reopened nor followed by a new ticket."""
    both = _same(value, earlier.get("issue_status_closed", ()))
    both += _same(value, earlier.get("status_hard_closed", ()))
    if both:
        wrong = f"{', '.join(both)} is a closed status as well."
        raise Unfit(wrong, "statuses that neither ISSUE_STATUS_CLOSED nor STATUS_HARD_CLOSED names")


def new_is_not_closed(value: str, earlier: Earlier) -> None:
    """New tickets are to stay open."""
    closed = (*earlier.get("issue_status_closed", ()), *earlier.get("status_hard_closed", ()))
    if _same((value,), closed):
        raise Unfit(
            f"{value!r} is a closed status: each new ticket would be reopened.",
            "a status of open tickets",
        )
    if _same((value,), earlier.get("status_accepted", ())):
        raise Unfit(
            f"{value!r} is in STATUS_ACCEPTED: each new ticket would be left alone.",
            "a status of open tickets",
        )


def own_words_for_own_project(value: Rulebook | None, earlier: Earlier) -> None:
    """The plain settings say what statuses mean in their project."""
    for rule in value.rules if value else ():
        if rule.workflow != WorkflowWords() and rule.project in {
            "",
            earlier.get("jira_project_key", ""),
        }:
            wrong = f'line {rule.line}: route "{rule.name}" leads to JIRA_PROJECT_KEY, whose '
            raise Unfit(f"{wrong}workflow the plain settings describe.", "no workflow there")


def only_routes(value: Rulebook | None, earlier: Earlier) -> None:
    """There is one rulebook."""
    if value and earlier.get("routes"):
        raise Unfit("ROUTES is set as well.", "one of the two")
    own_words_for_own_project(value, earlier)


def comments_are_not_off(value: str, earlier: Earlier) -> None:
    """One says never and the other each time."""
    if value == "update" and earlier.get("no_comment"):
        raise Unfit("NO_COMMENT asks for no comments at all.", "change, or never")


def something_is_left(value: object, earlier: Earlier) -> None:
    """One module at least is not excluded."""
    if value and earlier.get("exclude_server_secure") and earlier.get("exclude_container_secure"):
        raise Unfit(
            "All three modules are excluded: nothing is left to do.", "true for two of them at most"
        )


def index_is_one_of_the_tasks(value: int, earlier: Earlier) -> None:
    """Tasks are counted from 0."""
    tasks = earlier.get("cloud_run_task_count")
    if tasks is not None and value >= tasks:
        raise Unfit(
            f"{value} is no task of {tasks}: its part of the issues would be nobody's.",
            "a number from 0 to CLOUD_RUN_TASK_COUNT less 1",
        )


def _same(names: tuple[str, ...], others: tuple[str, ...]) -> list[str]:
    known = {spelled(name) for name in others}
    return [name for name in names if spelled(name) in known]


@dataclass(frozen=True, kw_only=True)
class Variable:
    """How one field comes about."""

    parse: Callable[[str], Any]
    fits: Callable[[Any, Earlier], None]
    default: str | None
    """In the words that a person would write; `None`: it must be given."""
    also: tuple[str, ...]
    """All names that it may be given by, if it has more than one; where several are set, the first
    of them counts.
    """
    does: str
    """What the table of settings says of it."""


def variable(
    parse: Callable[[str], Any],
    default: str | None = None,
    *,
    also: tuple[str, ...] = (),
    fits: Callable[[Any, Earlier], None] = fits_alone,
    does: str,
) -> Any:
    """A field of a group of settings that is read from a variable."""
    return field(
        metadata={"is": Variable(parse=parse, fits=fits, default=default, also=also, does=does)}
    )
