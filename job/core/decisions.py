"""What each change means for Jira: an ordered list of named rules; the first that answers wins and
says why.

Promises: the same case, policy and instant always give the same decision; a ticket is closed only
on Halo's word, never because something is absent; a ticket that Jira does not show is never made
anew on the first miss.
Does not do: reading or writing (`flow/gather.py` brings the cases, `flow/apply.py` acts).
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import takewhile

from job.core.answers import act, nothing, rest
from job.core.doubts import link_strange, ticket_doubtful, ticket_unconfirmed
from job.core.endings import acceptance_ended, is_told, why_due, why_over
from job.core.issues import IssueStatus
from job.core.links import is_unmoved
from job.core.memory import IntentKind
from job.core.model import Action, Afterwards, Case, Decision, Reason
from job.core.policy import Policy, WhenGone

MISSES_BEFORE_GONE = 2
MISSES_APART = timedelta(minutes=1)
"""Two answers so near each other are one miss: a run that died and its successor have both asked.
"""
CREATES_MAX = 2
"""No issue gets a third ticket by itself: what took away the first two would take it as well."""


def decide(case: Case, *, policy: Policy, now: datetime) -> Decision:
    """The answer for one case."""
    return next(decision for rule in RULES if (decision := rule(case, policy, now)))


def asked(case: Case, *, policy: Policy, now: datetime) -> tuple[str, ...]:
    """The names of the rules that are asked for this case, in order; the last of them answers."""
    silent = takewhile(lambda rule: rule(case, policy, now) is None, RULES)
    return tuple(rule.__name__ for rule in RULES[: sum(1 for _ in silent) + 1])


# --- Rules. Each returns None to pass the case on -------------------------------------------------


def memory_unreadable(case: Case, policy: Policy, now: datetime) -> Decision | None:
    """What memory keeps of this one issue cannot be used, so that nobody knows what was written.
    Its document is left as it is, for somebody to mend.
    """
    why = case.memory_broken
    if not why:
        return None
    afterwards = Afterwards.PARK if case.parkable else Afterwards.WAIT
    return rest(case, policy, Reason.MEMORY_UNREADABLE, because=why, afterwards=afterwards)


def issue_unreadable(case: Case, policy: Policy, now: datetime) -> Decision | None:
    """What Halo says of this one issue cannot be told. One without an id cannot be set aside."""
    why = case.issue.unreadable
    if not why:
        return None
    afterwards = Afterwards.PARK if case.issue.has_id else Afterwards.WAIT
    return rest(case, policy, Reason.ISSUE_UNREADABLE, because=why, afterwards=afterwards)


def ticket_not_loaded(case: Case, policy: Policy, now: datetime) -> Decision | None:
    """Jira knows the linked ticket and cannot load it, which says nothing of what it is."""
    if case.not_loaded is None:
        return None
    because = f"Jira could not load {case.not_loaded}; it is asked for again later."
    return rest(case, policy, Reason.TICKET_NOT_LOADED, because=because, afterwards=Afterwards.PARK)


def backlog(case: Case, policy: Policy, now: datetime) -> Decision | None:
    """An issue that was old before the first run looked is left alone, as the settings say, unless
    it has a ticket.
    """
    if not case.old or case.ticket is not None or case.link is not None:
        return None
    because = f"It is older than the first run looked back, and BACKLOG={policy.backlog}."
    return nothing(case, policy, Reason.BACKLOG, because=because)


def out_of_scope(case: Case, policy: Policy, now: datetime) -> Decision | None:
    """An excluded issue is left alone, except that Halo's word still closes a ticket we keep."""
    if not policy.excludes(case.issue) or case.issue.gone:
        return None
    has_ticket = case.link is not None or case.ticket is not None
    if has_ticket and case.issue.status is IssueStatus.RESOLVED:
        return None
    because = policy.why_excluded(case.issue)
    return nothing(case, policy, Reason.OUT_OF_SCOPE, because=because)


def create_unsettled(case: Case, policy: Policy, now: datetime) -> Decision | None:
    """A create whose answer was lost is looked for until patience ends; until then nothing is sent
    again.
    """
    intent = case.intent
    if intent is None or intent.kind is not IntentKind.CREATE:
        return None
    if case.ticket is not None and not policy.is_hard_closed(case.ticket):
        return None
    if now - intent.at >= policy.create_patience:
        given_up = intent.creates >= CREATES_MAX and not case.create_denied
        return _give_up(case, policy) if given_up else None
    until = (intent.at + policy.create_patience).isoformat(timespec="seconds")
    because = f"An earlier create got no answer and is not found yet; looking for it until {until}."
    return rest(case, policy, Reason.CREATE_UNSETTLED, because=because, afterwards=Afterwards.WAIT)


def issue_gone(case: Case, policy: Policy, now: datetime) -> Decision | None:
    """Halo answers 404 for an issue we keep a ticket for. It may come back, so one miss closes
    nothing, and it is asked for as long as the ticket is open.
    """
    if not case.issue.gone:
        return None
    if case.ticket is not None and policy.is_closed(case.ticket):
        because = f"Halo no longer knows the issue, and {case.ticket.key} is closed."
        return nothing(case, policy, Reason.ALREADY_CLOSED, because=because)
    if case.ticket is not None and policy.when_issue_gone is WhenGone.CLOSE:
        missed_at = case.link.missed_at if case.link else None
        if missed_at is None or now - missed_at < MISSES_APART:
            because = "Halo does not know the issue; it is asked again before its ticket is closed."
            return rest(
                case, policy, Reason.ISSUE_GONE, because=because, afterwards=Afterwards.PARK
            )
        because = "Halo no longer knows the issue, and the settings say to close then."
        return act(case, policy, Action.CLOSE, Reason.ISSUE_GONE, because=because)
    if case.link is not None and case.link.missed_at is not None and case.linked:
        because = "Halo still does not know the issue; its ticket is left as it is."
        return nothing(case, policy, Reason.UNCHANGED, because=because)
    because = "Halo no longer knows the issue; its ticket is left as it is."
    return nothing(case, policy, Reason.ISSUE_GONE, because=because)


def ticket_missing(case: Case, policy: Policy, now: datetime) -> Decision | None:
    """Jira does not show the linked ticket: deleted, or only invisible to us. One miss proves
    nothing.
    """
    if case.link is None or case.ticket is not None:
        return None
    key = case.link.ticket_key
    if not case.ticket_gone:
        because = f"Jira does not show {key}; it is looked for again before anything is done."
        return rest(
            case, policy, Reason.TICKET_MISSING, because=because, afterwards=Afterwards.PARK
        )
    recreates = policy.when_ticket_gone is WhenGone.RECREATE
    if case.issue.status is IssueStatus.ACTIVE and recreates:
        if case.link.creates >= CREATES_MAX:
            return _give_up(case, policy)
        because = f"{key} was deleted, and Halo still sees the issue."
        return act(case, policy, Action.CREATE, Reason.TICKET_GONE, because=because)
    because = f"{key} was deleted; nothing is made anew."
    return nothing(case, policy, Reason.TICKET_GONE, because=because)


def accepted(case: Case, policy: Policy, now: datetime) -> Decision | None:
    """People accept the risk of an active issue: its ticket is left alone until that ends."""
    if case.ticket is None or case.issue.status is IssueStatus.RESOLVED:
        return None
    if not policy.is_accepted(case.ticket):
        return None
    if because := acceptance_ended(case, policy=policy, now=now):
        return act(case, policy, Action.REOPEN, Reason.ACCEPTANCE_ENDED, because=because)
    because = f"{case.ticket.key} stands in {case.ticket.status}: people accept the risk."
    return nothing(case, policy, Reason.ACCEPTED, because=because)


def create_cut_short(case: Case, policy: Policy, now: datetime) -> Decision | None:
    """A ticket of ours that never got its first status, and that nobody has moved since."""
    link, ticket = case.link, case.ticket
    if link is None or ticket is None or not link.status_owed:
        return None
    if case.issue.status is IssueStatus.RESOLVED:
        return None
    is_over = policy.is_closed(ticket) or policy.is_closed_unnamed(ticket)
    if is_over or not is_unmoved(ticket, link=link):
        return None
    if link.version != case.issue.version and policy.destination(case).comments:
        return None  # there is news as well: whoever tells it finishes the create
    because = f"{ticket.key} was created but did not get the status {link.status_owed} yet."
    return act(case, policy, Action.CREATE, Reason.CREATE_CUT_SHORT, because=because)


def already_closed(case: Case, policy: Policy, now: datetime) -> Decision | None:
    """Halo says that the issue is resolved, and work on its ticket is over."""
    if case.issue.status is not IssueStatus.RESOLVED:
        return None
    because = why_over(case, policy=policy)
    return nothing(case, policy, Reason.ALREADY_CLOSED, because=because) if because else None


def resolved(case: Case, policy: Policy, now: datetime) -> Decision | None:
    """Halo says that the issue is resolved."""
    if case.issue.status is not IssueStatus.RESOLVED:
        return None
    if case.ticket is None:
        because = "Resolved in Halo before a ticket existed; one is kept for the record."
        return act(case, policy, Action.CREATE_AND_CLOSE, Reason.RESOLVED_UNSEEN, because=because)
    if is_told(case):
        because = f"Resolved and closed before; a person opened {case.ticket.key} again."
        return nothing(case, policy, Reason.OPENED_BY_PERSON, because=because)
    return act(case, policy, Action.CLOSE, Reason.RESOLVED, because="Resolved in Halo.")


def no_ticket(case: Case, policy: Policy, now: datetime) -> Decision | None:
    """An active issue without a ticket, or with none but hard-closed ones."""
    if case.ticket is None:
        return act(case, policy, Action.CREATE, Reason.NEW, because="New in Halo.")
    if policy.is_hard_closed(case.ticket):
        because = f"{case.ticket.key} is {case.ticket.status}, which is never reopened, "
        because += "and Halo still sees the issue."
        return act(case, policy, Action.CREATE, Reason.HARD_CLOSED, because=because)
    return None


def ticket_closed(case: Case, policy: Policy, now: datetime) -> Decision | None:
    """An active issue whose ticket is closed: it came back, or the ticket was closed too early."""
    if case.ticket is None or not policy.is_closed(case.ticket):
        return None
    if case.link is not None and not case.link.live:
        because = "It was resolved in Halo and is active again."
        if case.link.missed_at is not None:
            because = "Halo did not know the issue for a while, and sees it again."
        return act(case, policy, Action.REOPEN, Reason.CAME_BACK, because=because)
    because = "The ticket was closed, but Halo still sees the issue."
    return act(case, policy, Action.REOPEN, Reason.CLOSED_TOO_EARLY, because=because)


def seen_again(case: Case, policy: Policy, now: datetime) -> Decision | None:
    """An active issue with an open ticket."""
    if is_told(case):
        if because := why_due(case, policy=policy, now=now):
            return act(case, policy, Action.COMMENT, Reason.GATHERED, because=because)
        because = "Halo has not touched it since the last run."
        return nothing(case, policy, Reason.UNCHANGED, because=because)
    if not policy.destination(case).comments:
        because = "Updated in Halo; the settings ask for no comments."
        return nothing(case, policy, Reason.COMMENTS_OFF, because=because)
    return act(case, policy, Action.COMMENT, Reason.UPDATED, because="Updated in Halo.")


RULES: tuple[Callable[[Case, Policy, datetime], Decision | None], ...] = (
    memory_unreadable,
    issue_unreadable,
    ticket_not_loaded,
    create_unsettled,
    backlog,
    out_of_scope,
    issue_gone,
    ticket_unconfirmed,
    link_strange,
    ticket_doubtful,
    ticket_missing,
    accepted,
    create_cut_short,
    already_closed,
    resolved,
    no_ticket,
    ticket_closed,
    seen_again,
)


def _give_up(case: Case, policy: Policy) -> Decision:
    because = f"{CREATES_MAX} tickets were created for the issue and neither is to be seen; "
    because += "no other is made by itself. Find out what became of them."
    return rest(case, policy, Reason.CREATE_GIVEN_UP, because=because, afterwards=Afterwards.PARK)
