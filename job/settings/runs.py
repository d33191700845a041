"""What one run looks at and how much it may do, and where its memory is.

Promises: what would lose or double a ticket is refused, with the floor and why.
Does not do: opening a store (`state/urls.py`).
"""

from dataclasses import dataclass
from datetime import timedelta

from job.settings import parse
from job.settings.basics import ProcessSettings
from job.settings.variable import index_is_one_of_the_tasks, variable


@dataclass(frozen=True, kw_only=True)
class RunSettings(ProcessSettings):
    """What one run looks at, and how much it may do."""

    time_range: timedelta = variable(
        parse.look_back,
        "15",
        does="Minutes that the first run looks back; later runs go on where the last one ended.",
    )
    backlog: str = variable(
        parse.word("touched", "all", "critical", "none"),
        "touched",
        does="What becomes of issues last touched before the first run's look-back: `touched` (a "
        "ticket when Halo next touches one), `all` (in the first run), `critical` (those in the "
        "first run, the others never by themselves) or `none` (never by themselves).",
    )
    overlap: timedelta = variable(
        parse.overlap, "5m", does="How far before its mark a run reads again; 2m or more."
    )
    sweep_every: timedelta = variable(
        parse.duration,
        "24h",
        does="How often every open ticket is checked on both sides. 0: never, and then nothing "
        "heals what a listing missed.",
    )
    create_patience: timedelta = variable(
        parse.create_patience,
        "25m",
        does="How long to look for a ticket whose creation was not answered; 20m or more.",
    )
    issue_sync_max: int = variable(
        parse.whole(0),
        "0",
        does="Issues acted on in one run: first those never tried, oldest first; the rest waits. "
        "0: no cap.",
    )
    max_close_percent: int = variable(
        parse.whole(0, 100),
        "30",
        does="Percent of the open tickets that may be closed within 24 hours; ten always may. "
        "More are held until approved. 100: no limit.",
    )
    max_create: int = variable(
        parse.whole(0),
        "200",
        does="Tickets that one run may create, over all its tasks. More are held until approved, "
        "or go in slices. 0: no limit.",
    )
    max_create_mode: str = variable(
        parse.word("hold", "slice"),
        "hold",
        does="What becomes of more than MAX_CREATE: `hold` all of them until they are approved, or "
        "`slice`: the worst first, the rest in the next runs.",
    )
    max_reopen: int = variable(
        parse.whole(0),
        "0",
        does="Tickets that one run may reopen, over all its tasks. More are held until approved. "
        "0: no limit.",
    )
    task_timeout_s: int = variable(
        parse.whole(0),
        "0",
        does="Seconds that a run may take; it stops taking work in time. 0: no end.",
    )


@dataclass(frozen=True, kw_only=True)
class MemorySettings(ProcessSettings):
    """Where memory is, and which part of it is this task's."""

    state_url: str = variable(
        parse.state_url,
        "",
        does="Memory between runs: `sqlite:////PATH` or `firestore://PROJECT/DATABASE?prefix=P`. "
        "When unset: Firestore of the ambient project on Cloud Run, else a file in the user's "
        "state folder that is named by the Jira site.",
    )
    cloud_run_task_count: int = variable(
        parse.whole(1), "1", does="Set by Cloud Run: over how many tasks the work is spread."
    )
    cloud_run_task_index: int = variable(
        parse.whole(0),
        "0",
        fits=index_is_one_of_the_tasks,
        does="Set by Cloud Run: which task of the execution this is.",
    )
    cloud_run_task_attempt: int = variable(
        parse.whole(0), "0", does="Set by Cloud Run: how often this task was tried before."
    )
    cloud_run_execution: str = variable(str, "", does="Set by Cloud Run: names the execution.")
