"""Writes to Jira what must not be written twice: new tickets and comments.

Promises: a create or a comment is sent once; a create counts as done when the new ticket was read
back and holds the id of its issue.
Does not do: deciding whether to write, or remembering what was written (`flow/send.py`).
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial

import structlog

from job.batches import batches
from job.core.adf import Document
from job.core.ids import Marker, TicketId
from job.core.tickets import Draft
from job.errors import FateUnknown, RemoteDown, TicketRejected, Withheld
from job.events import Event
from job.http.caller import unguarded
from job.jira.catalogue import Catalogue
from job.jira.connection import Connection
from job.jira.reader import Reader
from job.jira.wire import comments, tickets
from job.jira.wire.exchange import REMOTE
from job.jira.wire.tickets import Sent
from job.ports import Creation, Guard

log = structlog.get_logger()

BLOCK_SIZES = (tickets.CREATE_MAX, 10, 1)
COMMENT_MARGIN = timedelta(days=1)
"""How much Jira's clock and ours may differ about a comment."""


class Writer:
    """Creates and comments; it knows how many tickets one bulk call may make by now."""

    def __init__(self, connection: Connection, *, catalogue: Catalogue, reader: Reader) -> None:
        self._connection = connection
        self._catalogue = catalogue
        self._reader = reader
        self._block_max = tickets.CREATE_MAX

    async def create(self, drafts: Sequence[Draft], *, guard: Guard = unguarded) -> list[Creation]:
        """Creates up to 100 tickets in bulk and confirms each by its id field. A result for each
        draft, in order.
        """
        await self._catalogue.id_field()
        create_block = partial(self._create_block, guard=guard)
        made = await self._connection.each(create_block, batches(drafts, size=self._block_max))
        sent = sum(made, Sent())
        oldest_first = sorted((made.id for made in sent.created), key=tickets.age_order)
        try:
            shown = await self._reader.read(oldest_first, not_loaded=set())
        except RemoteDown:
            if not any(isinstance(error, Withheld) for error in sent.errors.values()):
                raise
            # The pause holds this reading too. What it has kept from leaving is known all the same.
            return _unread(drafts, sent=sent)
        return tickets.creations(drafts, sent=sent, shown=shown)

    async def comment(
        self,
        ticket_id: TicketId,
        *,
        body: Document,
        marker: Marker,
        public: bool = False,
        guard: Guard = unguarded,
    ) -> None:
        """Adds one comment, which carries the marker as a property."""
        request = comments.comment(
            self._connection.site, ticket_id, body=body, marker=marker, public=public
        )
        answer = await self._connection.send(request, doing=comments.COMMENTING, guard=guard)
        comments.commented(answer)

    async def has_comment(self, ticket_id: TicketId, *, marker: Marker, since: datetime) -> bool:
        """Whether a comment with this marker, no older than `since` less a day, is there."""
        start, site = 0, self._connection.site
        while True:
            request = comments.comments(site, ticket_id, start=start)
            response = await self._connection.send(request, doing=comments.READING)
            if response.status == 404:
                return False
            body = site.answer(response, doing=comments.READING)
            page = comments.comments_page(body, start=start)
            if marker in page.markers:
                return True
            if page.next_start is None or page.reaches(since - COMMENT_MARGIN):
                return False
            start = page.next_start

    async def _create_block(self, drafts: Sequence[Draft], *, guard: Guard) -> Sent:
        """One bulk call. A body that Jira refuses as a whole is halved until the draft that spoils
        it stands alone.
        """
        request = tickets.create(self._connection.site, drafts)
        try:
            answer = await self._connection.send(request, doing=tickets.CREATING, guard=guard)
            return tickets.created(answer, drafts=drafts)
        except TicketRejected as refusal:
            if refusal.status in {400, 413} and len(drafts) > 1:
                halves = drafts[: len(drafts) // 2], drafts[len(drafts) // 2 :]
                first, second = [await self._create_block(half, guard=guard) for half in halves]
                return first + second
            return Sent(errors={draft.issue_id: refusal for draft in drafts})
        except FateUnknown as unknown:
            self._shrink_blocks(len(drafts))
            return Sent(errors={draft.issue_id: unknown for draft in drafts})
        except Withheld as withheld:  # what the other calls have done counts all the same
            return Sent(errors={draft.issue_id: withheld for draft in drafts})

    def _shrink_blocks(self, size: int) -> None:
        """The next unknown fate shall be the fate of fewer."""
        smaller = next((known for known in BLOCK_SIZES if known < size), BLOCK_SIZES[-1])
        if smaller < self._block_max:
            self._block_max = smaller
            log.warning(Event.BLOCKS_SHRUNK, block_max=smaller)


def _unread(drafts: Sequence[Draft], *, sent: Sent) -> list[Creation]:
    """How each draft ended where no new ticket could be read back: which of them became which is
    not known, but of those that failed or did not leave the answers tell.
    """
    unknown = FateUnknown(REMOTE, tickets.CREATING, "Jira made it, and it could not be read back.")
    return [
        Creation(draft=draft, error=sent.errors.get(draft.issue_id, unknown)) for draft in drafts
    ]
