"""Sends what was prepared: notes an intent, creates in bulk, has every other ticket visited.

Promises: nothing that could be done twice is sent before its intent is stored; a write of unknown
fate is not sent again here; every step ends in exactly one outcome.
Does not do: finding words (`prepare.py`), comments and transitions (`visit.py`), or remembering
outcomes (`apply.py`).
"""

from collections.abc import Sequence

from job.core import links, outcomes, steps
from job.core.ids import IssueId
from job.core.memory import Changes, Intent, Link, Watermark
from job.core.model import Outcome, Ticket
from job.core.steps import Step, ticket_of
from job.each import each
from job.errors import FateUnknown, StopsRun, Unconfirmed
from job.flow.brake import Brake
from job.flow.edit import Follower
from job.flow.lease import HeldLease
from job.flow.setup import Setup
from job.flow.sight import Sight
from job.flow.visit import Made, Visitor

SENT_AT_ONCE = 50


class Sender:
    """Writes to Jira. It knows the highest key of each project by now and a ticket that is known to
    hold its id, and numbers its attempts.
    """

    def __init__(
        self,
        setup: Setup,
        *,
        brake: Brake,
        lease: HeldLease,
        mark: Watermark,
        follower: Follower,
    ) -> None:
        self.highest_keys = dict(mark.highest_keys)
        self.canary = mark.canary
        self._run_id = setup.run_id
        self._ports = setup.ports
        self._brake = brake
        self._follower = follower
        self._visitor = Visitor(setup, brake=brake, follower=follower)
        self._seen = Sight(self._visitor)
        self._lease = lease
        self._attempts = 0

    # --- Before: the intent -----------------------------------------------------------------------

    async def note(self, batch: Sequence[Step]) -> set[IssueId]:
        """Stores an intent for everything that must not be sent twice, and what edits will write;
        returns the issues of intents.
        """
        await self._know_highest_keys(batch)
        unsaid = [step for step in batch if step.draft or (step.comment and not step.said)]
        intents = tuple(self._intent(step) for step in unsaid)
        edited = tuple(filter(None, map(self._follower.note, batch)))
        if intents or edited:
            found = {link.issue_id: link for link in (*self._found_links(batch), *edited)}
            changes = Changes(intents=intents, links=tuple(found.values()))
            await self._ports.store.commit(await self._lease.hold(), changes)
        return {intent.issue_id for intent in intents}

    async def _know_highest_keys(self, batch: Sequence[Step]) -> None:
        """A lost create is looked for above the highest key that was known before it was sent."""
        projects = {step.decision.destination.project for step in batch if step.draft}
        for project in sorted(projects - self.highest_keys.keys()):
            self.highest_keys[project] = await self._ports.jira.highest_key(project)

    def _found_links(self, batch: Sequence[Step]) -> tuple[Link, ...]:
        """A comment's intent takes the place of an earlier one: what that create left behind must
        be linked by then, and what that comment said must be known.
        """
        now = self._ports.clock.now()
        found = [step for step in batch if step.comment and _has_found(step)]
        return tuple(
            step.link or links.link_begun(ticket_of(step.decision), case=step.case, now=now)
            for step in found
        )

    def _intent(self, step: Step) -> Intent:
        self._attempts += 1
        attempt = f"{self._run_id}#{self._attempts}"
        above_key = self.highest_keys.get(step.decision.destination.project, 0)
        now = self._ports.clock.now()
        return steps.intent(step, attempt=attempt, above_key=above_key, now=now)

    # --- The writes -------------------------------------------------------------------------------

    async def send(self, batch: Sequence[Step]) -> list[Outcome]:
        """Creates in bulk; everything else ticket by ticket."""
        creating = [step for step in batch if step.draft]
        others = [step for step in batch if not step.draft]
        made = [
            *await self._create(creating),
            *await each(self._visitor.carry_out, others, at_once=SENT_AT_ONCE),
        ]
        return self._brake.judged(await self._seen(made))

    async def _create(self, batch: Sequence[Step]) -> list[Made]:
        """Creates in bulk, then finishes each ticket: its first status, or its close."""
        if not batch:
            return []
        try:
            drafts = [step.draft for step in batch if step.draft]
            creations = await self._ports.jira.create(drafts, guard=self._brake.may_write)
        except StopsRun as error:
            self._brake.stop_for(error)
            return [outcomes.unknown(step.decision, because=str(error)) for step in batch]

        async def finish(place: int) -> Made:
            step, creation = batch[place], creations[place]
            if creation.ticket is None or step.draft is None:
                silence = FateUnknown("jira", "creating a ticket", "no word about it")
                error = creation.error or silence
                link = None
                if isinstance(error, Unconfirmed):
                    link = steps.unconfirmed(step, error=error, now=self._ports.clock.now())
                return self._brake.ended_by(error, decision=step.decision, link=link)
            self._brake.write_succeeded()
            self._learn_key(creation.ticket)
            self.canary = self.canary or step.draft.issue_id
            step.told = step.draft
            return await self._visitor.finish(step, ticket=creation.ticket)

        return await each(finish, range(len(batch)), at_once=SENT_AT_ONCE)

    def _learn_key(self, ticket: Ticket) -> None:
        project, _, number = ticket.key.rpartition("-")
        self.highest_keys[project] = max(self.highest_keys.get(project, 0), int(number))


def _has_found(step: Step) -> bool:
    """Whether more is known of the ticket by now than memory says."""
    return not step.case.linked or step.link is not step.case.link
