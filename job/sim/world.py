"""Both vendors and their one clock.

Promises: a world made twice from the same seed and driven the same way is the same world.
Does not do: I/O. server.py puts a world behind loopback HTTP, tests may call it directly.
"""

from dataclasses import dataclass
from datetime import datetime

from job.sim.clock import SimClock
from job.sim.halo.api import HaloSim
from job.sim.jira.api import JiraSim
from job.sim.jira.site import Site


@dataclass(frozen=True, slots=True)
class World:
    clock: SimClock
    halo: HaloSim
    jira: JiraSim

    @classmethod
    def make(
        cls,
        *,
        seed: int = 0,
        start: datetime | None = None,
        site: Site | None = None,
        keep: int = 10_000,
    ) -> "World":
        """Without a start the world follows the machine's clock. `keep` 0 records no requests."""
        clock = SimClock(start)
        halo = HaloSim(clock, seed=seed, keep=keep)
        return cls(clock, halo, JiraSim(clock, seed=seed, site=site, keep=keep))
