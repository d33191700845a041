"""Both vendors, simulated: Halo and Jira Cloud in one process, meaner than the real ones.

Use them in two ways. Directly, in virtual time, as `world.jira.answer(call)`; or over loopback
HTTP, as `async with serve(world) as urls` or `python -m job.sim`. This package imports nothing from
the rest of the job, so that a misreading of a vendor's documents is not shared by both sides.

    call.py       a Call comes in, an Answer goes out        faults.py   what goes wrong on the way
    world.py      both vendors and their clock.py            server.py   loopback HTTP, and control.py beside it
    story.py      what the demo plays                        __main__.py both vendors as a process of their own

    halo.py       Halo's API: tokens, lists, lookups         halo_estate.py  assets, issues, findings and their verbs
                                                             halo_bodies.py  how they look as JSON; halo_texts.py
    jira.py       who is asking, and for which operation     people.py   what persons do to tickets, and the truth
    jira_site.py  projects, fields, people; workflow.py      jira_tickets.py    the tickets and their whole past
    jira_operations.py  reads and writes; jira_metadata.py   jira_search.py     the index that lags; jql.py
    jira_writes.py      what Jira checks before a write      jira_fields.py     ... field by field; adf_check.py
    jira_bodies.py      how all of it looks as JSON          sentences.py       what Jira says when it refuses
    limits.py           rate limits
"""

from job.sim.call import LOST, Answer, Call, Exchange, json_answer
from job.sim.clock import SimClock
from job.sim.faults import KINDS, Faults
from job.sim.halo.api import HaloSim
from job.sim.halo.estate import HaloEstate, HaloIssue
from job.sim.jira.api import JiraSim
from job.sim.jira.limits import Limits
from job.sim.jira.people import People, Snapshot
from job.sim.jira.search import fixed_lag, long_lag, no_lag, usual_lag
from job.sim.jira.site import Field, Option, Project, Site
from job.sim.jira.workflow import Status, Transition, Workflow
from job.sim.world import World

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
