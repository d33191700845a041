"""Jira's webhook: proves each delivery, and notes of tickets of ours that the next run looks.

Promises: a delivery that no secret of ours signed changes nothing and reads nothing of memory; one
that comes twice counts once; a ticket that is nobody's is forgotten at once; what Jira shall send
again is answered 408 or 503, and everything else so that it does not. Nothing is written to Jira,
and no run is started.
Does not do: serving (`functions.py`), or deciding anything of a ticket (the next run).
"""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from hashlib import sha256

import structlog
from msgspec import Struct

from job.core.memory import Noted
from job.errors import StopsRun
from job.events import Event
from job.ports import Clock
from job.stores import Store
from job.web.delivery import Delivery, Unreadable, read
from job.web.signature import is_signed

log = structlog.get_logger()

SIGNATURE = "x-hub-signature"
NAME = "x-atlassian-webhook-identifier"
REMEMBERED = 4096
"""Deliveries of which a process knows that they are noted."""


class Answer(Struct, frozen=True, kw_only=True):
    """What a caller is told."""

    status: int
    said: dict[str, object]


class Hook:
    """Takes deliveries, any number at once. What it remembers only spares work: a process may end
    at any time.
    """

    def __init__(self, store: Store, *, secrets: Sequence[str], clock: Clock) -> None:
        self._store = store
        self._secrets = secrets
        self._clock = clock
        self._taken: OrderedDict[tuple[str, bytes], None] = OrderedDict()

    async def take(self, body: bytes, *, headers: Mapping[str, str]) -> Answer:
        """What to answer to a delivery with these headers, whose names are in small letters."""
        if not is_signed(body, signature=headers.get(SIGNATURE, ""), secrets=self._secrets):
            return refused(401, "No secret of ours made this signature.")
        if headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            return refused(415, "A delivery is application/json.")
        try:
            delivery = read(body, name=headers.get(NAME, "").strip())
        except Unreadable as wrong:
            return refused(400, str(wrong))
        # The name is not signed: with another body it is another delivery.
        seen = delivery.name, sha256(body).digest()
        if seen in self._taken:
            return Answer(status=200, said={"noted": 0, "known": True})
        try:
            many = await self._note(delivery)
        except StopsRun as stop:
            log.error(Event.WEBHOOK_FAILED, error=str(stop), delivery=delivery.name)  # noqa: TRY400
            return Answer(status=503, said={"error": "Memory cannot be reached: send it again."})
        self._remember(seen)
        return Answer(status=200, said={"noted": many})

    async def _note(self, delivery: Delivery) -> int:
        """Keeps a note for each issue of the ticket, and says how many that are."""
        if delivery.ticket_id is None:
            return 0
        issues = await self._store.issues_of(delivery.ticket_id)
        for issue_id in issues:
            noted = Noted(
                ticket_id=delivery.ticket_id,
                issue_id=issue_id,
                deleted=delivery.deleted,
                delivery=delivery.name,
                at=self._clock.now(),
            )
            await self._store.note(noted)
            log.info(
                Event.WEBHOOK_NOTED,
                issue_id=issue_id,
                ticket_id=delivery.ticket_id,
                deleted=delivery.deleted,
                delivery=delivery.name,
            )
        return len(issues)

    def _remember(self, seen: tuple[str, bytes]) -> None:
        self._taken[seen] = None
        while len(self._taken) > REMEMBERED:
            self._taken.popitem(last=False)


def refused(status: int, why: str) -> Answer:
    """An answer to what is not a delivery of Jira's, said aloud."""
    log.warning(Event.WEBHOOK_REFUSED, status=status, error=why)
    return Answer(status=status, said={"error": why})
