"""Rules for tickets of which nobody can say that they are the issue's: none is written to.

Promises: each is told, with what it names; no ticket is made beside one that may be the issue's.
Does not do: saying in which order rules are asked (`decisions.py`).
"""

from datetime import datetime

from job.core.answers import act, rest
from job.core.issues import IssueStatus
from job.core.model import Action, Afterwards, Case, Decision, Reason
from job.core.policy import Policy


def ticket_unconfirmed(case: Case, policy: Policy, now: datetime) -> Decision | None:
    """Jira confirmed the create and does not show us the ticket with our id: no other is made."""
    if case.link is None or not case.link.unconfirmed or case.ticket is not None:
        return None
    because = f"Jira confirmed {case.link.ticket_key} and does not show it to us with our id; "
    because += "nothing is created again. Look at its security level, at our right to browse, and "
    because += "at rules of the site that change new tickets."
    return rest(
        case, policy, Reason.TICKET_UNCONFIRMED, because=because, afterwards=Afterwards.PARK
    )


def link_strange(case: Case, policy: Policy, now: datetime) -> Decision | None:
    """Memory links a ticket that does not name the issue, and none that does is found. It is set
    aside once, for somebody to see; then a ticket is made, and the stranger's is left alone.
    """
    if case.stranger is None or case.ticket is not None or case.issue.gone:
        return None
    key = case.stranger.key
    named = ", ".join(sorted(case.stranger.names)) or "no issue at all"
    because = f"Memory links {key} to this issue, but {key} names {named}; it is left alone."
    if case.parked is None or case.parked.error_class != Reason.LINK_STRANGE:
        return rest(case, policy, Reason.LINK_STRANGE, because=because, afterwards=Afterwards.PARK)
    if case.issue.status is IssueStatus.RESOLVED:
        return act(case, policy, Action.CREATE_AND_CLOSE, Reason.LINK_STRANGE, because=because)
    return act(case, policy, Action.CREATE, Reason.LINK_STRANGE, because=because)


def ticket_doubtful(case: Case, policy: Policy, now: datetime) -> Decision | None:
    """A ticket of an older program holds the id, and nothing else speaks for it. Whether it is the
    issue's, a person must say; until then no other is made.
    """
    if case.doubtful is None or case.ticket is not None or case.link is not None:
        return None
    because = (
        f"{case.doubtful.key} holds this id as version 1 of jira_halo_issues_sync wrote it, but "
    )
    because += "does not name the asset and the rule of this issue. If it is its ticket, write the "
    because += f"id {case.issue.id} into its id field; if not, empty that field."
    return rest(case, policy, Reason.TICKET_DOUBTFUL, because=because, afterwards=Afterwards.PARK)
