"""Words a ticket and its next comment as a run would, and sends nothing.

Promises: nothing is written to Halo, to Jira or to memory; what stands in the ticket is what Jira's
create screen lets in; secrets are taken out as in a run.
Does not do: laying it out for people (`core/reading.py`, `core/markup.py`).
"""

from asyncio import Semaphore

from msgspec.structs import replace

from job.core import fields, foretold, tickets
from job.core.comments import close_comment, reopen_comment
from job.core.issues import Evidence
from job.core.model import Action
from job.core.rewritten import rewritten
from job.core.sheets import Sheet, comment_sheet, ticket_sheet
from job.core.steps import Step
from job.errors import DetailRefused
from job.flow.destinations import people_of
from job.flow.inquiry import Seen, inquire
from job.flow.prepare import detailed, find_news
from job.flow.setup import Setup


async def preview(setup: Setup, *, about: str) -> list[Sheet] | None:
    """The ticket as it would be made today, then its next comment; `None` where nobody knows the
    issue. Raises what `plan` raises, and `DetailRefused` for an issue of which nothing is known.
    """
    seen = await inquire(setup, about=about)
    if seen is None:
        return None
    issue = seen.case.issue
    if issue.unreadable:
        raise DetailRefused(f"What Halo says of {issue.id} cannot be read: {issue.unreadable}")
    if issue.gone:
        comment = close_comment(Evidence(issue=issue), halo_link="")
        return [comment_sheet(comment, title=foretold.CLOSING)]
    evidence = await _evidence(setup, seen=seen)
    return [
        await _ticket(setup, seen=seen, evidence=evidence),
        await _next(setup, seen=seen, evidence=evidence),
    ]


async def _evidence(setup: Setup, *, seen: Seen) -> Evidence:
    issue, halo = seen.case.issue, setup.ports.halo
    settings = seen.decision.destination.tickets
    wants_asset = fields.needs_asset(settings, issue=issue)
    asset = await halo.asset(issue) if wants_asset else None
    finding = await halo.finding(issue)
    clean = rewritten(Evidence(issue=issue, finding=finding, asset=asset), setup.redact)
    return await detailed(clean, halo=halo, asking=Semaphore(1), redact=setup.redact)


async def _ticket(setup: Setup, *, seen: Seen, evidence: Evidence) -> Sheet:
    destination, jira, clock = seen.decision.destination, setup.ports.jira, setup.ports.clock
    screen = await jira.create_screen(destination)
    draft = tickets.draft(
        evidence,
        destination=destination,
        screen=screen,
        made_at=clock.now(),
        people=await people_of(evidence, destination=destination, jira=jira, clock=clock),
    )
    there = seen.case.ticket
    place = f"{screen.type_name} in {screen.project_key}"
    title = f"New ticket ({place})"
    if there is not None:
        title = f"{there.key} as it would be made today ({place})"
    return ticket_sheet(draft, screen=screen, title=title)


async def _next(setup: Setup, *, seen: Seen, evidence: Evidence) -> Sheet:
    """What the next run says; where that is nothing, how the ticket is closed in the end."""
    decision, now = seen.decision, setup.ports.clock.now()
    link = decision.destination.tickets.halo_link
    if decision.action is Action.COMMENT:
        step = Step(decision=decision, evidence=replace(evidence, cves={}), link=seen.case.link)
        await find_news(step, ports=setup.ports, asking=Semaphore(1), redact=setup.redact)
        if step.comment is not None:
            return comment_sheet(step.comment, title=foretold.NEWS)
    elif decision.action is Action.REOPEN:
        comment = reopen_comment(
            evidence,
            because=decision.because,
            halo_link=link,
            accepted=decision.destination.workflow.accepted,
            times=seen.link.reopens if seen.link else 0,
        )
        return comment_sheet(comment, title=foretold.REOPENING)
    return foretold.next_comment(evidence, before=None, halo_link=link, at=now)
