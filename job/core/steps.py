"""One decision on its way: which status a ticket is owed, what is noted before and linked after.

Promises: everything here follows from values, also which status a new ticket is still owed after a
crash.
Does not do: carrying a step out. Whoever does (`flow/prepare.py`, `flow/send.py`) decides nothing.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import assert_never

from msgspec import Struct
from msgspec.structs import replace

from job.core import links
from job.core.comments import Comment, tells_reopening
from job.core.follow import Edit
from job.core.ids import Fingerprint, IssueId, Marker, TicketId, TicketKey, Version
from job.core.issues import Evidence
from job.core.memory import Intent, IntentKind, Link
from job.core.model import Action, Case, Decision, Reason, Ticket
from job.core.noise import Telling, Weighed
from job.core.recollection import moves_written
from job.core.routes import Goal
from job.core.tickets import Draft
from job.core.unread import asked_again
from job.errors import TicketRejected, Unconfirmed

CREATES = frozenset({Action.CREATE, Action.CREATE_AND_CLOSE})
NEEDS_NO_HALO = frozenset({Action.CLOSE, Action.ADOPT})
"""What needs nothing of Halo: a close speaks of the resolution alone, an adoption says nothing."""


class Step(Struct, kw_only=True):
    """One decision on its way: what is known by now, and the words that it will send."""

    decision: Decision
    evidence: Evidence
    link: Link | None
    """As memory has it, or as it must be now that the fate of an earlier comment is known."""
    draft: Draft | None = None
    comment: Comment | None = None
    weighed: Weighed | None = None
    """Of an update: what there is to tell, and when."""
    edit: Edit | None = None
    """What is to be written into the ticket's fields."""
    wrote: str | None = None
    """What we wrote there by now; `None` where that is as memory has it."""
    told: Draft | Comment | None = None
    """Which of these Jira has now, for certain."""
    stays: bool = False
    """Whether the ticket is only told, and left where it is."""

    @property
    def case(self) -> Case:
        return self.decision.case

    refusal: TicketRejected | None = None
    """What Jira said against the comment."""

    @property
    def unsaid(self) -> bool:
        """Whether there is a comment that is not on the ticket."""
        return self.comment is not None and self.told is None and not self.said

    @property
    def said(self) -> bool:
        """Whether the comment is on the ticket already."""
        before = self.link.said if self.link else None
        return self.comment is not None and before == self.comment.marker


def ticket_of(decision: Decision) -> Ticket:
    """The ticket of a decision that has one by its rule."""
    if decision.case.ticket is None:
        raise ValueError(f"{decision.reason} was decided without a ticket")
    return decision.case.ticket


def written_project(decision: Decision) -> str:
    """The project that the action writes to: its ticket's, or the one that gets a new ticket."""
    ticket = decision.case.ticket
    if ticket is None or decision.action is Action.CREATE:
        return decision.destination.project
    return ticket.project


def resumes(decision: Decision) -> bool:
    """Whether a create only finishes what an earlier one began."""
    return decision.reason is Reason.CREATE_CUT_SHORT


def nothing_new(step: Step) -> bool:
    """Whether the ticket already says all that an update would say, or is to hear it later."""
    return step.said or (step.weighed is not None and step.weighed.telling is not Telling.TELL)


def word_reopening(step: Step, *, words: Comment) -> None:
    """Gives a reopening its words. Where an earlier run came no further than to say them, they
    stand on the ticket, and are said again only if the issue shows something else by now.
    """
    link, step.comment = step.link, words
    if link is not None and _is_told_reopened(step) and link.fingerprint == words.fingerprint:
        step.comment = replace(words, marker=link.said or words.marker)


def _is_told_reopened(step: Step) -> bool:
    """Whether the last that the ticket was told is a reopening that did not come to its end."""
    link = step.link
    return link is not None and tells_reopening(
        link.said, issue=step.case.issue, times=link.reopens
    )


def noted_before(decisions: Iterable[Decision]) -> set[IssueId]:
    """Those of which an earlier run has left an intent."""
    return {decision.case.issue.id for decision in decisions if decision.case.intent}


# --- Where the ticket must go ---------------------------------------------------------------------


def goal(decision: Decision, *, ticket: Ticket) -> Goal | None:
    """Where the ticket must go to finish the action; `None` when it is there."""
    workflow, standing = decision.destination.workflow, ticket.standing
    match decision.action:
        case Action.CREATE | Action.COMMENT:
            owed = status_owed(decision, ticket=ticket)
            wanted = workflow.beginning(owed) if owed else None
        case Action.CLOSE | Action.CREATE_AND_CLOSE:
            wanted = None if workflow.is_closed(standing) else workflow.closing
        case Action.REOPEN:
            wanted = workflow.reopening
        case Action.ADOPT | None:
            wanted = None
        case _:
            assert_never(decision.action)
    return None if wanted is None or wanted.is_reached(standing) else wanted


def status_owed(decision: Decision, *, ticket: Ticket) -> str:
    """The first status that a ticket still has to get: a new one, or one that nobody has moved
    since its create. "" when none is owed.
    """
    link = decision.case.link
    if link is not None and link.ticket_id == ticket.id:
        if decision.destination.workflow.is_closed_unnamed(ticket.standing):
            return ""  # a person has ended the work, and nobody begins it again
        return link.status_owed if links.is_unmoved(ticket, link=link) else ""
    return _first_status(decision)


def _first_status(decision: Decision) -> str:
    """The status that a new ticket gets first; "" where it stays in the one it starts in."""
    return decision.destination.workflow.new_status if decision.action is Action.CREATE else ""


# --- What is noted before, and linked afterwards --------------------------------------------------


def intent(step: Step, *, attempt: str, above_key: int, now: datetime) -> Intent:
    """The note before a create or a comment. `above_key` counts for a create alone."""
    follows = step.case.intent.attempt if step.case.intent else None
    if step.comment:
        ticket = ticket_of(step.decision)
        return Intent(
            issue_id=step.case.issue.id,
            kind=IntentKind.COMMENT,
            attempt=attempt,
            version=Version(""),
            fingerprint=step.comment.fingerprint,
            outline=step.comment.outline,
            recalls=step.comment.recalls,
            marker=step.comment.marker,
            at=now,
            ticket_id=ticket.id,
            ticket_key=ticket.key,
            follows=follows,
        )
    applies = step.decision.action is Action.CREATE
    return Intent(
        issue_id=step.case.issue.id,
        kind=IntentKind.CREATE,
        attempt=attempt,
        version=step.case.issue.version if applies else Version(""),
        fingerprint=step.draft.fingerprint if step.draft else Fingerprint(""),
        outline=step.draft.outline if step.draft else Fingerprint(""),
        recalls=step.draft.recalls if step.draft else "",
        wrote=step.draft.wrote if step.draft else "",
        marker=Marker(f"{step.case.issue.id}:create"),
        at=now,
        project=step.decision.destination.project,
        above_key=above_key,
        status_owed=_first_status(step.decision),
        follows=follows,
        creates=creates_with(step.decision),
    )


def creates_with(decision: Decision) -> int:
    """The how manieth create for its issue this one is. One whose fate was never learned counts
    unless it has certainly had no effect, and so does one whose ticket has vanished.
    """
    case = decision.case
    if case.intent is not None and case.intent.kind is IntentKind.CREATE:
        return case.intent.creates + (not case.create_denied)
    if decision.reason is Reason.TICKET_GONE and case.link is not None:
        return case.link.creates + 1
    return 1


def linked(
    step: Step, *, ticket: Ticket, now: datetime, whole: bool = True, owed: str | None = None
) -> Link:
    """The link as it is when all is done, or only a part, with what was said on the way."""
    accepted = step.decision.destination.workflow.is_accepted(ticket.standing)
    if whole:
        link = links.link_to(ticket, case=step.case, now=now, accepted=accepted)
    else:
        link = links.link_begun(ticket, case=step.case, now=now)
    before = step.link or link
    said, fingerprint, outline = before.said, before.fingerprint, before.outline
    link = _with_memory(link, step=step, before=before, now=now)
    if step.told:
        said = step.told.marker if isinstance(step.told, Comment) else None
        fingerprint, outline = step.told.fingerprint, step.told.outline
    status_owed = link.status_owed if owed is None else owed
    creates = link.creates
    if step.decision.action in CREATES and not resumes(step.decision):
        creates = creates_with(step.decision)
    action = step.decision.action
    # One that is told and then open is over as well, whoever has moved the ticket.
    reopened = action is Action.REOPEN or (action is Action.COMMENT and _is_told_reopened(step))
    return replace(
        link,
        said=said,
        fingerprint=fingerprint,
        outline=outline,
        status_owed=status_owed,
        creates=creates,
        reopens=link.reopens + (whole and reopened),
        live=link.live and not (whole and action is Action.CLOSE),
    )


def _with_memory(link: Link, *, step: Step, before: Link, now: datetime) -> Link:
    """The link with what the ticket was told last, or with what is gathered instead."""
    told, weighed = step.told, step.weighed
    known = replace(
        link,
        recalls=before.recalls,
        commented_at=before.commented_at,
        wrote=before.wrote if step.wrote is None else step.wrote,
    )
    if isinstance(told, Draft):
        known = replace(known, wrote=told.wrote)
    if told:
        commented_at = now if isinstance(told, Comment) else None
        known = links.told(known, recalls=told.recalls, commented_at=commented_at)
    elif weighed is None:
        return known
    elif weighed.telling is Telling.GATHER:
        gathered = moves_written(weighed.moves)
        return replace(known, gathered=gathered, tell_at=weighed.tell_at)
    else:
        known = links.told(known, recalls=weighed.recalls, commented_at=None)
    if not step.decision.destination.comments:
        return known
    return asked_again(known, evidence=step.evidence, before=before, now=now)


def unconfirmed(step: Step, *, error: Unconfirmed, now: datetime) -> Link:
    """The link to a ticket that Jira confirmed and does not show: what it was told is known, but
    not how it stands.
    """
    return Link(
        issue_id=step.case.issue.id,
        ticket_id=TicketId(error.ticket_id),
        ticket_key=TicketKey(error.ticket_key),
        version=Version(""),
        fingerprint=step.draft.fingerprint if step.draft else Fingerprint(""),
        outline=step.draft.outline if step.draft else Fingerprint(""),
        live=True,
        status_owed=_first_status(step.decision),
        unconfirmed=True,
        recalls=step.draft.recalls if step.draft else "",
        wrote=step.draft.wrote if step.draft else "",
        creates=creates_with(step.decision),
        updated_at=now,
    )
