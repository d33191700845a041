"""Edits tickets, silently where Jira lets us.

Promises: where only administrators may keep mails back, the edit is sent all the same, and no edit
of that project asks for silence again in this run.
Does not do: choosing what is written (`job/core/follow.py`).
"""

from collections.abc import Mapping, Sequence
from typing import Any

from job.core.ids import TicketId
from job.core.model import Ticket
from job.errors import TicketRejected
from job.http.caller import unguarded
from job.jira.connection import Connection
from job.jira.wire import edits
from job.ports import Guard


class Editor:
    """Edits of one run; it knows the projects in which they cannot be silent."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._loud: set[str] = set()

    async def edit(
        self,
        ticket: Ticket,
        *,
        fields: Mapping[str, Any],
        labels: Mapping[str, Sequence[Mapping[str, str]]],
        guard: Guard = unguarded,
    ) -> None:
        """One edit. Raises `TicketRejected`, `FateUnknown`, `Withheld`.

        Some sites answer 400 to `notifyUsers=false` where we are no administrator (observed by
        several clients; the description of the API says that it is ignored then). Its words are
        translated, so that what tells is that the same edit is taken without it.
        """

        async def send(mails: str) -> None:
            request = edits.edit(
                self._connection.site, ticket.id, fields=fields, labels=labels, mails=mails
            )
            answer = await self._connection.send(request, doing=edits.EDITING, guard=guard)
            edits.edited(answer)

        if ticket.project in self._loud:
            await send("true")
            return
        try:
            await send("false")
        except TicketRejected as refusal:
            if refusal.status != 400 or refusal.fields:
                raise
            await send("true")
            self._loud.add(ticket.project)

    async def mark(self, ticket_id: TicketId, *, value: Mapping[str, Any] | None) -> None:
        """Writes our property, or takes it away. Raises `TicketRejected`, `FateUnknown`."""
        request = edits.mark(self._connection.site, ticket_id, value=value)
        answer = await self._connection.send(request, doing=edits.MARKING, guard=unguarded)
        edits.marked(answer, taken_away=value is None)
