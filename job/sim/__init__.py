"""Both vendors, simulated: Halo and Jira Cloud in one process, meaner than the real ones.

Use them in two ways. Directly, in virtual time, as `world.jira.answer(call)`; or over loopback HTTP, as
`async with serve(world) as urls` or `python -m job.sim`. This package imports nothing from the rest of the job, so that
a misreading of a vendor's documents is not shared by both sides.

    call.py         Call in, Answer out                    jira.py             who asks, which operation
    faults.py       what goes wrong on the way             jira_site.py        projects, fields, people, workflows
    clock.py        virtual or real time                   jira_tickets.py     the tickets and their past
    halo.py         Halo's API                             jira_search.py      the index that lags; jql.py its language
    halo_estate.py  assets, issues, findings               jira_operations.py  reads and writes; jira_writes.py checks
    halo_bodies.py  how they look as JSON                  people.py           what persons do to tickets
    world.py        both and the clock                     server.py           loopback HTTP; control.py the third port
    story.py        what the demo plays                    limits.py           Jira's rate limits
"""

from .call import LOST, Answer, Call, Exchange, json_answer
from .clock import SimClock
from .faults import KINDS, Faults
from .halo import HaloSim
from .halo_estate import HaloEstate, HaloIssue
from .jira import JiraSim
from .jira_search import fixed_lag, long_lag, no_lag, usual_lag
from .jira_site import Field, Option, Project, Site
from .limits import Limits
from .people import People, Snapshot
from .workflow import Status, Transition, Workflow
from .world import World

__all__ = [
    "KINDS",
    "LOST",
    "Answer",
    "Call",
    "Exchange",
    "Faults",
    "Field",
    "HaloEstate",
    "HaloIssue",
    "HaloSim",
    "JiraSim",
    "Limits",
    "Option",
    "People",
    "Project",
    "SimClock",
    "Site",
    "Snapshot",
    "Status",
    "Transition",
    "Workflow",
    "World",
    "fixed_lag",
    "json_answer",
    "long_lag",
    "no_lag",
    "usual_lag",
]
