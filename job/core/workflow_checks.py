"""Whether the words of a workflow fit what Jira has, before the first write.

Promises: a name that no status has is refused with those that are there; a status in which work is
over by Jira's own category, and which nobody names, is told.
Does not do: asking Jira (`jira/rehearsal.py`).
"""

from collections.abc import Iterable, Iterator, Sequence

from job.core.routes import Destination, Workflow
from job.core.statuses import Status
from job.core.ways import Seen
from job.errors import Problem

Known = Sequence[tuple[Destination, Seen]]


def check(known: Known) -> list[Problem]:
    """Everything that is wrong with the words of all destinations."""
    everywhere = [status for _, seen in known for status in seen.statuses]
    problems: list[Problem] = []
    for destination, seen in known:
        workflow = destination.workflow
        problems += _unknown(workflow, statuses=everywhere)
        problems += _closes_nowhere(destination, statuses=seen.statuses)
        if seen.against_close:
            problems.append(Problem("ISSUE_CLOSE_TRANSITION", seen.against_close))
        if seen.against_reopen:
            problems.append(Problem("ISSUE_REOPEN_TRANSITION", seen.against_reopen))
    return list({str(problem): problem for problem in problems}.values())


def notes(known: Known) -> str:
    """What is no mistake, and should be known."""
    return " ".join(sentence for place in known for sentence in _notes(*place))


def _notes(destination: Destination, seen: Seen) -> Iterator[str]:
    project, workflow = destination.project, destination.workflow
    yield f"{project} has the statuses that the settings name."
    unnamed = [str(known) for known in seen.statuses if workflow.is_closed_unnamed(known)]
    if unnamed:
        listed = ", ".join(unnamed)
        yield f"In {listed} work is over by Jira's own category, and no setting names it: a ticket "
        yield "there is closed enough when its issue is resolved, and is not reopened when it is "
        yield "active."
    kinds = (("open", seen.is_open_seen), ("closed", seen.is_closed_seen))
    missing = [kind for kind, there in kinds if not there]
    if missing:
        yield f"No {' and no '.join(missing)} ticket is there to see its transitions on."


def _unknown(workflow: Workflow, *, statuses: Sequence[Status]) -> Iterator[Problem]:
    named = {
        "ISSUE_STATUS_CLOSED": workflow.closed,
        "STATUS_HARD_CLOSED": workflow.hard_closed,
        "STATUS_ACCEPTED": workflow.accepted,
        "NEW_ISSUE_STATUS": frozenset({workflow.new_status} - {""}),
    }
    for variable, names in named.items():
        for name in sorted(names):
            if not any(known.among([name]) for known in statuses):
                wrong = f'no ticket of ours can have the status "{name}".'
                yield Problem(variable, wrong, _listed(statuses))


def _closes_nowhere(destination: Destination, *, statuses: Sequence[Status]) -> Iterator[Problem]:
    """In one of several projects, a ticket could never be closed."""
    workflow = destination.workflow
    if not any(workflow.is_closed(known) for known in statuses):
        wrong = f"in {destination.project} no status of a {destination.tickets.ticket_type} is "
        yield Problem("ISSUE_STATUS_CLOSED", f"{wrong}called closed.", _listed(statuses))


def _listed(statuses: Iterable[Status]) -> str:
    return ", ".join(dict.fromkeys(map(str, statuses)))
