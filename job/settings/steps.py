"""From the text of a variable to the steps of a ladder: priorities, and days until a due date.

Promises: a step that asks for nothing, or never has its turn, is `Unfit`.
Does not do: climbing one (`core/ladders.py`).
"""

from job.core import ladders
from job.core.ladders import Delay, Ladder, Step
from job.core.values import unescaped
from job.settings.parse import Unfit, pairs


def ladder(text: str) -> Ladder:
    """Steps of a ladder, each with what follows where it holds."""
    allowed = "critical:VALUE;cvss>=9:VALUE;default:VALUE"
    steps: list[Step] = []
    for condition, then in pairs(text):
        if steps and not steps[-1].when.each:
            raise Unfit(f"After {ladders.DEFAULT!r} no other step has its turn.", allowed)
        try:
            steps.append(Step(ladders.parse_step(condition), unescaped(then)))
        except ValueError as error:
            raise Unfit(str(error), allowed) from None
    return tuple(steps)


def due(text: str) -> Ladder:
    """The same with numbers of days."""
    steps = ladder(text)
    for step in steps:
        try:
            Delay.parse(step.then)
        except ValueError as error:
            raise Unfit(str(error), "critical:7d;cvss>=7:30d;default:90d") from None
    return steps
