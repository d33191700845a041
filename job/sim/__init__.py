"""Both vendors, simulated: Halo and Jira Cloud in one process, meaner than the real ones.

Promises: it imports nothing from the rest of the job, so that a misreading of a vendor's documents
is not shared by both sides. Use it in two ways. Directly, in virtual time, as
`world.jira.answer(call)`; or over loopback HTTP, as `async with serve(world) as urls` or
`python -m job.sim`.
Does not do: anything that the job could do itself.

    call.py       a Call comes in, an Answer goes out
    faults.py     what goes wrong on the way
    world.py      both vendors and their one clock.py
    server.py     loopback HTTP, with control.py beside it
    story.py      what the demo plays
    __main__.py   both vendors as a process of their own

    halo/api.py       tokens.py, the list of issues.py with its filters.py, and what they point at
    halo/estate.py    assets, issues and their verbs; scans.py leave findings and events behind
    halo/bodies.py    how issues and assets look as JSON; evidence.py does it for findings

    jira/api.py       who is asking; routes.py finds the operation
    jira/site.py      projects, fields and people; workflow.py
    jira/tickets.py   the tickets and their whole past; people.py acts on them, and knows the truth
    jira/searches.py  the search operations, on the index that lags (search.py) by clauses.py
    jira/reads.py     the other operations on tickets: creates.py, edits.py and properties.py
    jira/writes.py    what Jira checks before a write; screens.py and fields.py, field by field
    jira/late.py      writes that have their effect late, or twice
    jira/metadata.py  what Jira says about itself; projects.py about its projects
    jira/bodies.py    how all of it looks as JSON; ticket_bodies.py and field_bodies.py
    jira/limits.py    rate limits; sentences.py says what Jira says when it refuses
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
