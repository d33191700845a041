"""The answers that a rule can give for a case: something is done, or nothing is.

Promises: an answer says whose workflow words count, and where a new ticket goes.
Does not do: the rules (`decisions.py`).
"""

from job.core.model import Action, Afterwards, Case, Decision, Reason
from job.core.policy import Policy


def act(case: Case, policy: Policy, action: Action, reason: Reason, *, because: str) -> Decision:
    """Something is to be done. A new ticket goes where the routes say, whatever is there."""
    makes = action in {Action.CREATE, Action.CREATE_AND_CLOSE}
    anew = makes and reason is not Reason.CREATE_CUT_SHORT
    to = policy.routes.to(case.issue) if anew else policy.destination(case)
    aside = "" if anew else policy.elsewhere(case)
    return Decision(
        case=case, destination=to, action=action, reason=reason, because=because, aside=aside
    )


def nothing(case: Case, policy: Policy, reason: Reason, *, because: str) -> Decision:
    """No word to Jira; but a ticket that memory does not know yet is adopted."""
    if case.ticket is not None and (not case.linked or case.intent is not None):
        return act(case, policy, Action.ADOPT, reason, because=because)
    return rest(case, policy, reason, because=because)


def rest(
    case: Case,
    policy: Policy,
    reason: Reason,
    *,
    because: str,
    afterwards: Afterwards = Afterwards.REMEMBER,
) -> Decision:
    """Nothing is done now."""
    return Decision(
        case=case,
        destination=policy.destination(case),
        reason=reason,
        because=because,
        afterwards=afterwards,
    )
