"""Prepares one action: fetches what its words speak of, and finds the words.

Promises: nothing is written; the way through the workflow is known before anything is said about
taking it; while an earlier comment may still be on its way, no other is prepared.
Does not do: sending (`send.py`).
"""

import asyncio
from datetime import timedelta
from functools import partial
from typing import assert_never

import structlog
from msgspec.structs import replace

from job.core import comments, fields, links, steps, tickets
from job.core.comments import Comment
from job.core.evidence import vulnerabilities
from job.core.issues import Evidence
from job.core.kinds.packages import DETAILED_MAX
from job.core.memory import IntentKind, Link
from job.core.model import Action, Decision, Outcome, OutcomeKind
from job.core.noise import Telling, weigh
from job.core.rewritten import Rewrite, rewritten
from job.core.sightings import focused
from job.core.steps import Step, ticket_of
from job.core.tickets import Draft
from job.each import each
from job.errors import NoTransition, SyncError, Withheld
from job.events import Event
from job.flow.brake import Brake
from job.flow.destinations import people_of
from job.flow.edit import Follower
from job.flow.setup import Setup
from job.ports import HaloIssues, Ports

log = structlog.get_logger()

ASKED_AT_ONCE = 64
"""Issues whose details are fetched together, the first batch's first: it is written while the next
one's are fetched. Without it all would ask Halo together and then write together, and each remote
would wait for the other.
"""
LONGEST_CALL = timedelta(minutes=5)
"""From the note of a comment to the end of its call: two minutes behind a pause that Jira asks for,
two more in which it is tried again, and one for the last answer.
"""
COMMENT_PATIENCE = timedelta(minutes=20) + LONGEST_CALL
"""Jira may finish a comment twenty minutes after it said 504; until then one that is not there says
nothing. Counted from the note, which is made before the comment leaves.
"""


CVES_AT_ONCE = 4
"""Of one ticket. Others ask at the same time, often for the same."""


FOLLOWED = frozenset({Action.COMMENT, Action.REOPEN})
"""Whose tickets' fields follow: those of active issues. What is closed stays as it was."""


class Preparer:
    """Makes steps of decisions."""

    def __init__(self, setup: Setup, *, brake: Brake, follower: Follower) -> None:
        self._ports, self._redact = setup.ports, setup.redact
        self._brake, self._follower = brake, follower
        self._asking = asking = asyncio.Semaphore(ASKED_AT_ONCE)
        self._in_full = partial(detailed, halo=setup.ports.halo, asking=asking, redact=setup.redact)
        self._left_out: set[tuple[str, str]] = set()

    async def prepare(self, decision: Decision) -> Step | Outcome:
        """The step, ready to be sent; or the outcome, where nothing needs to be sent or can be."""
        try:
            self._brake.may_begin(decision)
            step = Step(
                decision=decision,
                evidence=await self._evidence(decision),
                link=await self._settled_link(decision),
            )
            await self._find_words(step)
            if decision.action in FOLLOWED:
                await self._follower.look(step)
            if step.comment is not None:
                public = decision.destination.comment_rule.public
                step.comment = replace(step.comment, public=public)
        except SyncError as error:
            return self._brake.ended_by(error, decision=decision)
        self._brake.all_is_well()
        if decision.action is Action.COMMENT and steps.nothing_new(step):
            step.comment = None
            if not step.edit and not steps.goal(decision, ticket=ticket_of(decision)):
                return self._unchanged(step)
        return step

    def _unchanged(self, step: Step) -> Outcome:
        ticket = ticket_of(step.decision)
        return Outcome(
            decision=step.decision,
            kind=OutcomeKind.UNCHANGED,
            link=steps.linked(step, ticket=ticket, now=self._ports.clock.now()),
            ticket_key=ticket.key,
        )

    async def _evidence(self, decision: Decision) -> Evidence:
        """The issue with what its words will speak of; only a field of a new ticket may need the
        asset.
        """
        issue, halo = decision.case.issue, self._ports.halo
        if decision.action in steps.NEEDS_NO_HALO or issue.gone:
            return rewritten(Evidence(issue=issue), self._redact)
        async with self._asking:
            self._brake.may_begin(decision)
            settings = decision.destination.tickets
            wants_asset = decision.action in steps.CREATES and fields.needs_asset(
                settings, issue=issue
            )
            asset = await halo.asset(issue) if wants_asset else None
            seen = Evidence(issue=issue, finding=await halo.finding(issue), asset=asset)
            return rewritten(seen, self._redact)  # it is said, and what was said is kept

    async def _settled_link(self, decision: Decision) -> Link | None:
        """The link, once the ticket was asked whether the last comment of unknown fate has arrived.

        Raises `Withheld` while it may still be on its way.
        """
        case, jira, now = decision.case, self._ports.jira, self._ports.clock.now
        intent, link = case.intent, case.link
        if intent is None or intent.kind is not IntentKind.COMMENT or case.ticket is None:
            return link
        asked_at = now()  # what arrives while Jira answers would else be taken for missing
        if not await jira.has_comment(case.ticket.id, marker=intent.marker, since=intent.at):
            if asked_at - intent.at < COMMENT_PATIENCE:
                raise Withheld("Its last comment may still be on its way.")
            return link
        begun = links.link_begun(case.ticket, case=case, now=now())
        said = replace(
            begun, said=intent.marker, fingerprint=intent.fingerprint, outline=intent.outline
        )
        return links.told(said, recalls=intent.recalls, commented_at=intent.at)

    async def _draft(self, step: Step) -> Draft:
        """The new ticket. What had to be left out of it is logged once a run for each field."""
        destination, clock = step.decision.destination, self._ports.clock
        screen = await self._ports.jira.create_screen(destination)
        people = await people_of(
            step.evidence, destination=destination, jira=self._ports.jira, clock=clock
        )
        draft = tickets.draft(
            await self._in_full(step.evidence),
            destination=destination,
            screen=screen,
            made_at=clock.now(),
            people=people,
        )
        for sentence in draft.left_out:
            if (place := (destination.name, sentence)) not in self._left_out:
                self._left_out.add(place)
                log.warning(
                    Event.FIELD_LEFT_OUT,
                    issue_id=step.case.issue.id,
                    route=destination.name,
                    error=sentence,
                )
        return draft

    async def _can_close(self, decision: Decision) -> bool:
        """Whether there is a way. Where people accept the risk there need not be one: then the
        ticket is only told. Raises `NoTransition` elsewhere.
        """
        ticket, workflow = ticket_of(decision), decision.destination.workflow
        try:
            await self._ports.jira.choose_transition(ticket, workflow.closing)
        except NoTransition:
            if not workflow.is_accepted(ticket.standing):
                raise
            return False
        return True

    async def _find_words(self, step: Step) -> None:
        """Finds the words, and the way through the workflow before anything is said about it."""
        decision, jira = step.decision, self._ports.jira
        workflow = decision.destination.workflow
        halo_link = decision.destination.tickets.halo_link
        match decision.action:
            case Action.CREATE | Action.CREATE_AND_CLOSE:
                if not steps.resumes(decision):
                    step.draft = await self._draft(step)
            case Action.COMMENT:
                await find_news(step, ports=self._ports, asking=self._asking, redact=self._redact)
            case Action.REOPEN:
                await jira.choose_transition(ticket_of(decision), workflow.reopening)
                words = comments.reopen_comment(
                    await self._in_full(step.evidence),
                    because=decision.because,
                    halo_link=halo_link,
                    accepted=workflow.accepted,
                    times=step.link.reopens if step.link else 0,
                )
                steps.word_reopening(step, words=words)
            case Action.CLOSE:
                step.stays = not await self._can_close(decision)
                step.comment = comments.close_comment(step.evidence, halo_link=halo_link)
                await recall_said(step, comment=step.comment, ports=self._ports)
            case Action.ADOPT:
                pass  # nothing is said
            case None:
                raise ValueError(f"{decision.reason} asks for no action")
            case _:
                assert_never(decision.action)


async def recall_said(step: Step, *, comment: Comment, ports: Ports) -> None:
    """Asks whether a create that nobody saw the end of has closed its ticket with these words: on a
    transition they are noted by nobody before they are there.
    """
    case, intent = step.case, step.case.intent
    if intent is None or intent.kind is not IntentKind.CREATE or case.ticket is None:
        return
    ticket, since = case.ticket, intent.at
    if await ports.jira.has_comment(ticket.id, marker=comment.marker, since=since):
        begun = links.link_begun(ticket, case=case, now=ports.clock.now())
        step.link = replace(begun, said=comment.marker)


async def find_news(
    step: Step, *, ports: Ports, asking: asyncio.Semaphore, redact: Rewrite
) -> None:
    """Weighs what was seen of an update, and words it if it is told now."""
    to, seen = step.decision.destination, step.evidence
    weighed = weigh(seen, link=step.link, rule=to.comment_rule, now=ports.clock.now())
    step.weighed = weighed
    if weighed.telling is not Telling.TELL:
        return
    shown = focused(seen, names=weighed.found.shown) if weighed.found else seen
    known = await detailed(shown, halo=ports.halo, asking=asking, redact=redact)
    step.comment = comments.update_comment(
        replace(seen, cves=known.cves), weighed=weighed, halo_link=to.tickets.halo_link
    )


async def detailed(
    evidence: Evidence, *, halo: HaloIssues, asking: asyncio.Semaphore, redact: Rewrite
) -> Evidence:
    """The same with what Halo tells of the worst vulnerabilities in it, for words that are about to
    be written. What cannot be had is left out, and so are secrets.
    """
    ids = [cve.id for cve in vulnerabilities(evidence)[:DETAILED_MAX]]
    if not ids:
        return evidence
    async with asking:
        found = await each(halo.cve, ids, at_once=CVES_AT_ONCE)
    known = {details.id: details for details in found if details is not None}
    return rewritten(replace(evidence, cves=known), redact)
