"""Sees every ticket that was moved where it should stand, before the move counts.

Promises: a batch costs one bulk read, and none where nothing was moved; a transition that Jira
confirmed and did not carry out is taken once more; a ticket that stands elsewhere is a failure that
says where.
Does not do: moving a ticket itself (`visit.py`), or judging what a status means
(`core/arrivals.py`).
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import timedelta
from typing import assert_never

from job.core.arrivals import Arrival, arrival, complaint
from job.core.ids import TicketId
from job.core.model import Outcome, Ticket
from job.each import each
from job.errors import SyncError, Unmoved
from job.flow.visit import Arriving, Made, Visitor

AT_ONCE = 50
SHORT_AGO = timedelta(hours=1)


class Sight:
    """Looks again at what a visitor has moved."""

    def __init__(self, visitor: Visitor) -> None:
        self._visitor = visitor

    async def __call__(self, made: Sequence[Made]) -> list[Outcome]:
        """The outcomes of a batch, once every ticket that was moved has been seen where it stands.
        One that Jira did not move is moved once more.
        """
        ended = [outcome for outcome in made if isinstance(outcome, Outcome)]
        arriving = [moved for moved in made if isinstance(moved, Arriving)]
        found = await self._look(arriving, ended=ended)
        left = self._arrived(arriving, found=found, ended=ended)
        again = await each(self._again, left, at_once=AT_ONCE)
        ended += [outcome for outcome in again if isinstance(outcome, Outcome)]
        second = [moved for moved in again if isinstance(moved, Arriving)]
        found = await self._look(second, ended=ended)
        left = self._arrived(second, found=found, ended=ended)
        return ended + [await self._unmoved_twice(moved, found=found) for moved in left]

    async def _look(
        self, arriving: Collection[Arriving], *, ended: list[Outcome]
    ) -> Mapping[TicketId, Ticket]:
        """The tickets as they stand now; those that cannot be read end here."""
        ids = [moved.journey.after.id for moved in arriving]
        not_loaded: set[TicketId] = set()
        if not ids:
            return {}
        try:
            found = await self._visitor.jira.read(ids, not_loaded=not_loaded)
        except SyncError as error:
            ended += [self._ended_at(error, moved=moved) for moved in arriving]
            return {}
        for moved in arriving:
            if moved.journey.after.id not in found:
                key = moved.journey.after.key
                vanished = Unmoved(f"{key} was moved, and Jira does not show it to us any more.")
                ended.append(self._ended_at(vanished, moved=moved))
        return found

    def _arrived(
        self,
        arriving: Iterable[Arriving],
        *,
        found: Mapping[TicketId, Ticket],
        ended: list[Outcome],
    ) -> list[Arriving]:
        """Ends what stands where it should or was moved elsewhere; gives back what did not move."""
        left: list[Arriving] = []
        for moved in arriving:
            now = found.get(moved.journey.after.id)
            if now is None:
                continue  # it has ended already
            match arrival(moved.journey, decision=moved.step.decision, now=now):
                case Arrival.THERE:
                    ended.append(self._visitor.done(moved.step, ticket=now))
                case Arrival.UNMOVED:
                    left.append(moved)
                case Arrival.ELSEWHERE:
                    ended.append(self._not_there(moved, now=now))
                case standing:
                    assert_never(standing)
        return left

    async def _again(self, moved: Arriving) -> Made:
        """Jira confirmed the transition and did nothing: it is taken once more."""
        try:
            await self._look_for_comment(moved)
        except SyncError as error:
            return self._ended_at(error, moved=moved)
        return await self._visitor.go_on(moved.step, ticket=moved.journey.before)

    async def _unmoved_twice(self, moved: Arriving, *, found: Mapping[TicketId, Ticket]) -> Outcome:
        try:
            await self._look_for_comment(moved)
        except SyncError as error:
            return self._ended_at(error, moved=moved)
        return self._not_there(moved, now=found[moved.journey.after.id])

    async def _look_for_comment(self, moved: Arriving) -> None:
        """What came along with a transition without effect is perhaps not there either."""
        step, comment = moved.step, moved.step.comment
        if comment is None or step.told is not comment or step.said:
            return
        since, ticket_id = self._visitor.clock.now() - SHORT_AGO, moved.journey.after.id
        jira = self._visitor.jira
        if not await jira.has_comment(ticket_id, marker=comment.marker, since=since):
            step.told = None

    def _not_there(self, moved: Arriving, *, now: Ticket) -> Outcome:
        decision = moved.step.decision
        error = complaint(moved.journey, decision=decision, now=now)
        return self._visitor.ended_by(error, step=moved.step, ticket=now, goal=moved.journey.goal)

    def _ended_at(self, error: SyncError, *, moved: Arriving) -> Outcome:
        before, goal = moved.journey.before, moved.journey.goal
        return self._visitor.ended_by(error, step=moved.step, ticket=before, goal=goal)
