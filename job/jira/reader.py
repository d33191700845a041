"""Reads tickets from Jira's database, which is believed, unlike the search index.

Promises: what a ticket is and which issue it names come from the database; a ticket that Jira could
not load for the moment is asked for again, and is never taken for a deleted one; one that it never
loads is named to whoever can go on without it.
Does not do: looking for tickets whose ids or keys are unknown (`finder.py`).
"""

from collections.abc import Collection, Iterable, Sequence
from functools import partial
from itertools import chain
from typing import Any

from job.batches import batches
from job.core.ids import IssueId, TicketId
from job.core.model import Ticket
from job.errors import MalformedAnswer
from job.jira.catalogue import Catalogue
from job.jira.connection import Connection
from job.jira.tongue import Tongue
from job.jira.wire import tickets
from job.jira.wire.exchange import REMOTE
from job.jira.wire.older import WORDS
from job.ports import Clock

FETCH_ROUNDS_MAX = 3
ABOUT_US = 5
"""So many that are not loaded, and at least half of a call, are no trouble of single tickets."""


class Reader:
    """Tickets by their ids or keys."""

    def __init__(
        self, connection: Connection, *, catalogue: Catalogue, tongue: Tongue, clock: Clock
    ) -> None:
        self._connection = connection
        self._tongue = tongue
        self._catalogue = catalogue
        self._clock = clock

    async def read(
        self,
        ids: Collection[TicketId],
        *,
        not_loaded: set[TicketId] | None = None,
        holding: Collection[str] = (),
    ) -> dict[TicketId, Ticket]:
        """By immutable id, with what these fields hold. Deleted or invisible ones are absent.
        Single ones that Jira never loads are added to `not_loaded`; where there is no such set, or
        they are many, raises `MalformedAnswer`.

        A ticket that older programs made has no property of ours. Where the settings name the id
        field and its id was not needed yet, it is looked up for such tickets, and they are read
        again.
        """
        found = await self.look_at(ids, not_loaded=not_loaded, holding=holding)
        nameless = [ticket.id for ticket in found.values() if not ticket.names]
        if nameless and self._catalogue.id_field_id is None:
            await self._catalogue.id_field()
            found |= await self.look_at(nameless, not_loaded=not_loaded, holding=holding)
        return found

    async def look_at(
        self,
        ids: Collection[TicketId],
        *,
        not_loaded: set[TicketId] | None = None,
        holding: Collection[str] = (),
    ) -> dict[TicketId, Ticket]:
        """As `read`, where it does not matter which issues they name."""
        raws = await self._fetch(ids, not_loaded=not_loaded, holding=holding)
        id_field = self._catalogue.id_field_id
        found = [tickets.ticket(raw, id_field=id_field, holding=holding) for raw in raws]
        return {ticket.id: await self._tongue.ticket(ticket) for ticket in found}

    async def holding(
        self, ids: Collection[TicketId], *, wanted: Collection[IssueId]
    ) -> dict[IssueId, tuple[Ticket, ...]]:
        """Which of these tickets name which of the wanted issues."""
        await self._catalogue.id_field()
        oldest_first = sorted(ids, key=tickets.age_order)
        found = await self.read(oldest_first, holding=WORDS)
        return tickets.by_issue_id(found.values(), wanted=wanted)

    async def fetch_block(
        self,
        names: Sequence[str],
        *,
        not_loaded: set[TicketId] | None = None,
        holding: Collection[str] = (),
    ) -> list[Any]:
        """Up to 100 tickets, by ids or keys, as Jira sends them."""
        found: list[Any] = []
        asked = len(names)
        for attempt in range(1, FETCH_ROUNDS_MAX + 1):
            wanted = (*tickets.fields(self._catalogue.id_field_id), *sorted(holding))
            request = tickets.fetch(self._connection.site, names, wanted=wanted)
            answer = await self._connection.ask(request, doing=tickets.READING)
            there, names = tickets.fetched(answer)
            found += there
            if not names:
                return found
            await self._clock.sleep(attempt)
        if not_loaded is not None and not (len(names) >= ABOUT_US and 2 * len(names) >= asked):
            not_loaded.update(map(TicketId, names))
            return found
        what = f"{len(names)} tickets could not be loaded in {FETCH_ROUNDS_MAX} attempts, "
        raise MalformedAnswer(REMOTE, tickets.READING, f"{what}the first {names[0]}.")

    async def _fetch(
        self,
        names: Iterable[str],
        *,
        not_loaded: set[TicketId] | None,
        holding: Collection[str],
    ) -> list[Any]:
        fetch_block = partial(self.fetch_block, not_loaded=not_loaded, holding=holding)
        fetched = await self._connection.each(fetch_block, batches(names, size=tickets.FETCH_MAX))
        return list(chain.from_iterable(fetched))
