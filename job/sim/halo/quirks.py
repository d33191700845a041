"""What a Halo does that its documents do not say, as switches.

Promises: all of it has been met somewhere, or its like at another vendor; as made, nothing is
switched on; each switch says what it does, and to which answers.
Does not do: what goes wrong on the way (`job/sim/faults.py`), or odd values of an issue's own row,
which `HaloEstate.open_issue` takes as they are given.
"""

from dataclasses import dataclass, field
from typing import Any

from job.sim.call import Answer, Call, json_answer
from job.sim.halo.refusals import error


@dataclass
class Quirks:
    """The switches of one Halo."""

    broken: dict[str, int] = field(default_factory=dict)
    """The id of an issue, a scan's finding, an event or an asset, as its address has it, and the
    status that is answered to whoever asks for it.
    """
    details: dict[str, Any] = field(default_factory=dict)
    """Such an id, and what is answered instead: JSON, or bytes that are none."""
    rows: dict[str, Any] = field(default_factory=dict)
    """The id of an issue, and what a list has in the place of its row."""
    count_max: int | None = None
    """No list counts further, or says that there is a next page beyond."""
    count_off: int = 0
    """So many more than there are, or fewer, are counted in a list."""
    gte_status: int = 0
    """What a list answers as soon as it is asked for a `_gte`; 0 where it takes the question."""

    def instead(self, call: Call) -> Answer | None:
        """What is answered in the place of one thing that is asked for by its id."""
        last = call.path.rpartition("/")[2]
        if last in self.broken:
            return error(f"Something is wrong with {last}.", status=self.broken[last])
        if last not in self.details:
            return None
        body = self.details[last]
        if isinstance(body, bytes):
            return Answer(200, {"content-type": "text/html"}, body)
        return json_answer(body)

    def refusal(self, args: dict[str, str]) -> Answer | None:
        """What is answered in the place of a list."""
        if self.gte_status and any(name.endswith("_gte") for name in args):
            return error("Cannot filter by that.", status=self.gte_status)
        return None

    def counted(self, rows: int) -> int:
        """How many rows a list says it has."""
        counted = max(rows + self.count_off, 0)
        return counted if self.count_max is None else min(counted, self.count_max)
