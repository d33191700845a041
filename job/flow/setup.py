"""What a run is given: what the deployment decided for all its runs, and what this one shall do.

Promises: every value is frozen.
Does not do: opening any of it (`wiring.py`), or reading the settings it comes from.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from msgspec import Struct

from job.core.ids import EPOCH
from job.core.memory import Owner
from job.core.plan import Limits
from job.core.policy import Policy
from job.core.shards import Shard
from job.ports import Ports

ALL_TIME = "all"


class Setup(Struct, frozen=True, kw_only=True):
    """What a deployment decided once for all its runs, and the name of this one."""

    ports: Ports
    run_id: str
    owner: Owner
    """Whose memory it must be, as the settings say: the site's id is not known from them."""
    policy: Policy
    limits: Limits
    shard: Shard
    execution: str = ""
    """The execution of which this run is a task; "" where it has no name."""
    settings_digest: str
    look_back: timedelta
    """How far the first run looks back, when there is no watermark."""
    overlap: timedelta
    sweep_every: timedelta
    """Zero: never by itself."""
    sync_max: int
    """At most so many issues are acted on in a run; 0: no cap."""
    time_budget: timedelta | None
    """How long a run may take before it takes no more work."""
    spent: Callable[[], Mapping[str, Mapping[str, int]]]
    """Remote -> request -> calls so far."""
    hang_up: Callable[[], None]
    """Ends every call that is under way."""
    redact: Callable[[str], str] = str
    """Takes the secrets out of words that will be kept."""


class Order(Struct, frozen=True, kw_only=True):
    """What this one run was asked to do."""

    since: datetime | str | None = None
    """Look at everything from this time on (`ALL_TIME`: from the beginning) instead of from the
    watermark.
    """
    sweep: bool = False
    adopt_memory: bool = False
    """Take memory for ours, whose ever it was."""
    approved: str | None = None
    """The digest of what was held and is to be let through."""
    retry_parked: bool = False
    """Try all that is parked again, whenever its next try is."""

    @property
    def begins_at(self) -> datetime | None:
        """The time from which on it asks to look; `None` when it leaves that to the watermark."""
        return EPOCH if isinstance(self.since, str) else self.since
