"""Which priority an issue gets and when its ticket is due: the first step of a ladder that holds.

Promises: steps are asked in their order; a due date counts from when Halo first saw the issue, in
UTC, and is never before the day on which the ticket is made.
Does not do: putting either into a field of Jira (`fields.py`).
"""

import re
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum

from msgspec import Struct

from job.core import halo_names
from job.core.conditions import Comparison, Condition, Sign, When, Word
from job.core.issues import Issue

DEFAULT = "default"
DAYS_MAX = 3660


class Step(Struct, frozen=True):
    """One step: when it holds, and what follows."""

    when: When
    then: str


Ladder = tuple[Step, ...]


def first(ladder: Ladder, *, issue: Issue) -> str | None:
    """What the first step says that holds; `None` where none does."""
    return next((step.then for step in ladder if step.when.holds(issue)), None)


def parse_step(condition: str) -> When:
    """What `critical`, `cvss>=9`, `type=sva` or `default` asks for. Raises `ValueError` with a
    sentence.
    """
    if condition.strip().casefold() == DEFAULT:
        return When()
    matched = re.fullmatch(r"\s*([\w.-]+?)\s*(?:(>=|<=|>|<|=)\s*(.+?))?\s*", condition)
    if matched is None:
        raise ValueError(f'"{condition}" is no condition such as critical, cvss>=9 or type=sva.')
    name, sign, text = matched.groups()
    field = halo_names.plain_name(name)
    if field is None:
        wrong, allowed = halo_names.unknown(name)
        raise ValueError(f"{wrong} Perhaps: {allowed}.")
    if not halo_names.is_of_the_issue(field):
        raise ValueError(f'"{name}" is known from the asset alone, and conditions ask the issue.')
    if sign is None:
        if not halo_names.is_truth(field):
            raise ValueError(f'"{name}" is not yes or no: write {name}=VALUE.')
        text = "true"
    if sign in {None, "="}:
        return When(each=(Condition(field, (Word(text),)),))
    try:
        return When(each=(Condition(field, (Comparison(Sign(sign), float(text)),)),))
    except ValueError:
        raise ValueError(f'"{text}" in "{condition}" is not a number.') from None


# --- Due dates ------------------------------------------------------------------------------------


class Unit(StrEnum):
    """What the days of a delay are."""

    DAY = "d"
    WORKING_DAY = "wd"


class Delay(Struct, frozen=True):
    """So many days, such as `7d`, or so many working days, such as `5wd`."""

    days: int
    unit: Unit

    @classmethod
    def parse(cls, text: str) -> "Delay":
        """Raises `ValueError` with a sentence."""
        matched = re.fullmatch(r"\s*([0-9]{1,5})\s*(d|wd)\s*", text.lower())
        if matched is None or int(matched[1]) > DAYS_MAX:
            raise ValueError(f'"{text}" is no number of days such as 7d, or 5wd for working days.')
        return cls(int(matched[1]), Unit(matched[2]))

    def after(self, day: date) -> date:
        """The day so much later. Working days are Monday to Friday, and the first is the next."""
        if self.unit is Unit.DAY:
            return day + timedelta(days=self.days)
        weeks, rest = divmod(self.days, _WORKING_DAYS)
        if not self.days:
            return day
        if day.weekday() >= _WORKING_DAYS:  # as if it had been the Friday before
            day -= timedelta(days=day.weekday() - _WORKING_DAYS + 1)
        over_a_weekend = day.weekday() + rest >= _WORKING_DAYS
        return day + timedelta(days=7 * weeks + rest + 2 * over_a_weekend)


_WORKING_DAYS = 5


class Due(Struct, frozen=True, kw_only=True):
    """When a ticket is due."""

    on: date
    overdue_since: date | None = None
    """When it was due by the rule, where that day was over when the ticket was made."""


def due(ladder: Ladder, *, issue: Issue, made_at: datetime) -> Due | None:
    """`None` where no step holds, or Halo does not say when it first saw the issue."""
    delay = first(ladder, issue=issue)
    since = issue.first_seen_at or issue.created_at
    if delay is None or since is None:
        return None
    by_rule = Delay.parse(delay).after(since.astimezone(UTC).date())
    today = made_at.astimezone(UTC).date()
    if by_rule < today:
        return Due(on=today, overdue_since=by_rule)
    return Due(on=by_rule)
