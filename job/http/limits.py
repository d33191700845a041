"""What a remote allows and how it says that it is too much: values that each vendor fills in.

Promises: this room knows no vendor; the numbers and names of headers stand in `halo/limits.py` and
`jira/limits.py`, with their sources.
Does not do: keeping to them (`governor.py`).
"""

from collections.abc import Mapping
from enum import StrEnum

from msgspec import Struct, field
from msgspec.structs import replace


class Reach(StrEnum):
    """Whom a refusal holds until its pause is over."""

    EVERYBODY = "everybody"
    KIND = "its kind"
    """All requests of the refused one's name."""
    SUBJECT = "its subject"
    """All writes to what the refused one would have changed, and nothing else."""


class RemoteLimits(Struct, frozen=True, kw_only=True):
    """The limits of one remote."""

    per_second_max: float
    """Requests of one kind that may leave in a second."""
    first_pause_s: float
    longest_pause_s: float
    """Where a refusal does not say for how long: the first pause, and where doubling it ends."""
    apart_s: float = 0.0
    """Between two writes to one thing."""
    counts_by_s: float | None = None
    """Over how long it counts requests where it does not publish how many it allows."""
    near_limit_header: str = ""
    """In small letters; an answer that has it with the value `true` is a warning. "": there is
    none.
    """
    reason_header: str = ""
    """In small letters; names the limit that was met. "": there is none."""
    reaches: Mapping[str, Reach] = field(default_factory=dict)
    """Whom it concerns that a limit was met, by the name of the limit; everybody where none is
    known.
    """
    reset_header: str = ""
    """In small letters; when the limit that was met is a new one again, as an ISO time or in
    seconds since 1970. "": there is none.
    """

    def shared_by(self, tasks: int) -> "RemoteLimits":
        """What each of so many tasks may use: the limits are counted for all of them together."""
        return replace(self, per_second_max=self.per_second_max / tasks)
