"""What sort of world a seed draws: its settings, its vendors' habits, and what may go wrong in it.

A world *sweeps* or it does not. One that does is judged after two daily sweeps have passed over it,
and anything may go wrong in it. One that does not is judged after two runs, a quarter of an hour
apart, so nothing happens in it that only a sweep can see: what people do, Halo's next scan follows.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, field

from msgspec.structs import replace

from job.core.backlog import BacklogMode
from job.core.plan import Limits
from job.core.policy import Policy
from job.sim.faults import KINDS
from job.sim.jira.search import Lag, fixed_lag, long_lag, no_lag, usual_lag
from job.sim.jira.workflow import DEFAULT, Workflow
from tests.kit.tube import POLICY, QUIET
from tests.kit.workflows import (
    ACCEPTED,
    COMMENT_VALIDATED,
    RIDING,
    SILENT_WHEN_DONE,
    SUMMARY_REQUIRED,
    with_accepted,
    with_unnamed,
)

LATE = ("after_another", "late", "twice")
UNKNOWN_FATES = ("lost_after", "500_after", "slow", "504_after")
UNSEEN = frozenset({"empty_list"})
"""A listing that comes back empty and says that this is all can only be doubted by a sweep."""
WORKFLOWS = (DEFAULT, RIDING, SILENT_WHEN_DONE, SUMMARY_REQUIRED, COMMENT_VALIDATED)
LAGS = (no_lag, usual_lag, long_lag(), fixed_lag(43_200.0))
UNBOUNDED = Limits(close_percent_max=100)
NARROW = Limits(close_percent_max=100, create_max=2, reopen_max=1)
SLICED = Limits(close_percent_max=100, create_max=4, reopen_max=1, slices=True)
"""Two clean runs of one task make whatever waits."""


def _effaced(issue_id: str) -> str:
    """The rule of somebody who thought that the field was free."""
    return f"(see the description, {len(issue_id)})"


def accepting(policy: Policy) -> Policy:
    """The policy with a status in which people accept a risk."""
    home = policy.routes.default
    words = replace(home.workflow, accepted=frozenset({ACCEPTED.name}))
    return replace(policy, routes=replace(policy.routes, default=replace(home, workflow=words)))


def _from_far_away(rng: random.Random) -> random.Random:
    """A draw of its own, that takes nothing from what is drawn otherwise."""
    return random.Random(rng.getstate()[1][1])


@dataclass(frozen=True)
class Climate:
    """What holds in one world from its beginning to its end."""

    policy: Policy
    lag: Lag
    sweeps: bool
    counts: tuple[int, ...] = (1,)
    """How many tasks share the work of a run; where there are several, each run draws one."""
    limits: Limits = UNBOUNDED
    rates: bool = False
    """Whether Jira limits its rates, and soon."""
    rewrites: Callable[[str], str] | None = None
    """What a rule of the site makes of the id in every new ticket."""
    old_issues: int = 0
    """Issues older than the first run looks back, which only a back-fill finds."""
    gte_ignored: bool = False
    gte_status: int = 0
    count_off: int = 0
    faults: tuple[str, ...] = KINDS
    fates: tuple[str, ...] = UNKNOWN_FATES
    """How the answer to a write may be lost."""
    strangers: bool = False
    """Whether memory may be bent, so that it links an issue to somebody else's ticket."""
    workflow: Workflow = DEFAULT
    aside: random.Random = field(default_factory=random.Random)
    """Draws what was thought of later, so that everything else stays as it was drawn before."""

    @classmethod
    def draw(cls, rng: random.Random) -> "Climate":
        sweeps, late = rng.random() < 0.4, rng.random() < 0.4
        lag = rng.choice(LAGS)
        rewrites = rng.choice([None] * 8 + [str.upper, _effaced])
        aside = random.Random(rng.getstate()[1][0])
        banned = (set() if sweeps else UNSEEN) | (set() if late else set(LATE))
        far = _from_far_away(rng)
        policy = accepting(rng.choice([QUIET, POLICY]))
        counts = rng.choice([(1,), (1,), (1,), (2,), (3,), (1, 2, 3, 8)])
        narrow = far.choice([NARROW, SLICED]) if counts == (1,) else NARROW
        return cls(
            policy=replace(policy, backlog=far.choice(list(BacklogMode))),
            workflow=with_unnamed(with_accepted(aside.choice(WORKFLOWS))),
            aside=aside,
            lag=lag,
            sweeps=sweeps,
            counts=counts,
            limits=rng.choice([UNBOUNDED, UNBOUNDED, narrow]),
            rates=rng.random() < 0.2,
            rewrites=rewrites,
            old_issues=rng.choice([0, 0, 0, 2]),
            gte_ignored=rng.random() < 0.1,
            gte_status=rng.choice([0] * 18 + [400, 422]),
            count_off=rng.choice([0] * 19 + [1]),
            faults=tuple(sorted(set(KINDS) - banned)),
            fates=UNKNOWN_FATES + (LATE if late else ()),
            strangers=rewrites is None and lag in {no_lag, usual_lag} and rng.random() < 0.3,
        )
