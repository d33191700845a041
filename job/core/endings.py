"""Why nothing more is to be done about a ticket, and why a risk that people accepted is no more.

Promises: an accepted risk is compared with how its issue was when a run first saw it accepted.
Does not do: deciding what follows (`decisions.py`).
"""

from datetime import datetime

from job.core.model import Case
from job.core.policy import Policy
from job.core.recollection import moves_remembered
from job.core.unread import gathered


def is_told(case: Case) -> bool:
    """Whether all that this version of the issue asks for was done."""
    return case.link is not None and case.link.version == case.issue.version


def why_due(case: Case, *, policy: Policy, now: datetime) -> str:
    """Why the ticket hears of the issue although Halo has nothing new; "" when it does not."""
    if case.link is None or not case.link.is_due(now) or not policy.destination(case).comments:
        return ""
    if not gathered(moves_remembered(case.link.gathered)):
        return "Its evidence could not be read when the ticket was last told."
    return "What was gathered since the last comment is due to be told."


def why_over(case: Case, *, policy: Policy) -> str:
    """Why the ticket of a resolved issue is closed enough; "" when it is not."""
    ticket = case.ticket
    if ticket is None:
        return ""
    if policy.is_closed(ticket):
        return f"Resolved, and {ticket.key} is closed."
    if policy.is_closed_unnamed(ticket):
        where = f"Resolved, and in {ticket.status}, where {ticket.key} stands, work is over"
        return f"{where} by Jira's own category; that is closed enough."
    if is_told(case) and policy.is_accepted(ticket):
        return f"Resolved and told; {ticket.key} stays in {ticket.status}."
    return ""


def acceptance_ended(case: Case, *, policy: Policy, now: datetime) -> str:
    """Why a risk is accepted no more; "" while it is."""
    issue, link = case.issue, case.link
    if link is None or link.accepted_at is None:
        return ""
    if issue.critical and not link.accepted_critical:
        return "The risk was accepted, but the issue has become critical since."
    before, after = (link.accepted_cvss_tenths or 0) / 10, issue.max_cvss or 0.0
    if policy.accepted_worse_by and round(after - before, 2) >= policy.accepted_worse_by:
        return f"The risk was accepted, but its CVSS has risen from {before:g} to {after:g}."
    if policy.accepted_for and now - link.accepted_at >= policy.accepted_for:
        return f"The risk was accepted for {policy.accepted_for.days} days, which are over."
    return ""
