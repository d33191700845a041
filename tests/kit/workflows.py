"""Workflows as live sites have them, for tests to put before the job.

Promises: each is the site's own default with one thing changed, or what a report of a real site
describes. Does not do: settings that fit them.
"""

from collections.abc import Iterable
from dataclasses import replace

from job.sim.jira.workflow import (
    CLOSED,
    DEFAULT,
    DONE,
    IN_PROGRESS,
    TO_DO,
    Status,
    Transition,
    Workflow,
)

RESOLVE, REOPEN = "31", "41"
"""The transitions of the default workflow that close and reopen."""


def changed(transition_id: str, **over: object) -> Workflow:
    """The default workflow with one transition changed."""
    return replace(
        DEFAULT,
        transitions=tuple(
            replace(way, **over) if way.id == transition_id else way  # type: ignore[arg-type]
            for way in DEFAULT.transitions
        ),
    )


def with_statuses(workflow: Workflow, *, over: Iterable[tuple[str, dict[str, object]]]) -> Workflow:
    """The workflow with some of its statuses changed, by their names."""
    changes = dict(over)
    return replace(
        workflow,
        statuses=tuple(
            replace(status, **changes.get(status.name, {}))  # type: ignore[arg-type]
            for status in workflow.statuses
        ),
    )


RIDING = replace(
    DEFAULT,
    transitions=tuple(
        replace(way, optional=(*way.optional, "comment")) if way.id in {RESOLVE, REOPEN} else way
        for way in DEFAULT.transitions
    ),
)
"""The screens that close and reopen list a comment."""

LEADS_TO_CLOSED = changed(RESOLVE, to="Closed")
"""The transition that should close leads elsewhere than the settings say."""

ACCEPTED = Status("10070", "Accepted Risk", "done")


def with_accepted(workflow: Workflow) -> Workflow:
    """The workflow with a place where people put a risk that they accept, and ways out of it."""
    there = frozenset({ACCEPTED.name})
    return Workflow(
        (*workflow.statuses, ACCEPTED),
        (
            *workflow.transitions,
            Transition("71", "Accept", ACCEPTED.name, frozenset({TO_DO.name, IN_PROGRESS.name})),
            Transition("72", "Resolve", DONE.name, there, required=("resolution",)),
            Transition("73", "Reopen", TO_DO.name, there, clears_resolution=True),
        ),
    )


UNNAMED = Status("10080", "Rejected", "done")


def with_unnamed(workflow: Workflow) -> Workflow:
    """The workflow with a place where work is over by Jira's own category, and which no setting
    names.
    """
    there = frozenset({UNNAMED.name})
    others = frozenset({TO_DO.name, IN_PROGRESS.name, ACCEPTED.name})
    ways = (
        Transition("81", "Reopen", TO_DO.name, there, clears_resolution=True),
        Transition("82", "Reject", UNNAMED.name, others),
    )
    return Workflow((*workflow.statuses, UNNAMED), (*workflow.transitions, *ways))


SUMMARY_REQUIRED = changed(RESOLVE, required=("resolution", "summary"))

COMMENT_VALIDATED = changed(RESOLVE, optional=("comment",), needs_comment=True)

COMMENT_REQUIRED = changed(RESOLVE, required=("resolution", "comment"))

NOBODY_MAY = changed(RESOLVE, needs_comment=True)
"""A validator wants a comment, and the screen takes none."""

SILENT_WHEN_DONE = with_statuses(DEFAULT, over=[("Done", {"forbids_comments": True})])

RESOLUTION_OPTIONAL = changed(RESOLVE, required=(), optional=("resolution",))

_ERLEDIGT = replace(DONE, name="Erledigt", untranslated="All  Done")
TRANSLATED = Workflow(
    statuses=(TO_DO, IN_PROGRESS, _ERLEDIGT),
    transitions=(
        Transition("31", "Resolve", "Erledigt", frozenset({"To Do"}), required=("resolution",)),
        Transition("41", "Reopen", "To Do", frozenset({"Erledigt"}), clears_resolution=True),
    ),
)
"""The account sees the statuses in its own language."""

TRIAGE = Workflow(
    statuses=(TO_DO, IN_PROGRESS, replace(IN_PROGRESS, id="10050", name="Triage"), DONE, CLOSED),
    transitions=(
        Transition("5", "Triage", "In Progress", frozenset({"To Do"})),
        Transition("6", "Send to triage", "Triage", frozenset({"To Do"})),
        *DEFAULT.transitions,
    ),
)
"""What a transition is called misleads about where it goes."""
