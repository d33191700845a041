"""What a delivery of Jira's webhook says of a ticket: its id, and whether it was deleted.

Promises: nothing else of the body is believed, or even kept; a body that cannot be read, or that
nests without end, is `Unreadable`.
Does not do: proving who sent it (`signature.py`), or looking at the ticket (the next run).
"""

import re
from hashlib import sha256

import msgspec
from msgspec import Struct

from job.core.ids import TicketId

DELETED = "jira:issue_deleted"
TELLING = ("jira:issue_", "comment_")
"""What the events begin with that are about a ticket. Jira has others, as those of projects."""
_TICKET_ID = re.compile(r"[0-9]{1,19}")
_NAME = re.compile(r"[\x21-\x7e]{1,100}")


class Unreadable(ValueError):
    """What is wrong with a body, as a sentence without a word of it."""


class Delivery(Struct, frozen=True, kw_only=True):
    """One delivery: how Jira calls it, and which ticket it is about; `None` for anything else."""

    name: str
    ticket_id: TicketId | None
    deleted: bool = False


class _Ticket(Struct, frozen=True):
    id: str | int


class _Body(Struct, frozen=True):
    webhookEvent: str = ""  # noqa: N815 -- Jira's name
    issue: _Ticket | None = None


def read(body: bytes, *, name: str) -> Delivery:
    """The delivery that has this body and is called so; one that Jira did not name is named by what
    it holds. Raises `Unreadable`.
    """
    try:
        said = msgspec.json.decode(body, type=_Body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Unreadable("The body is not what Jira sends.") from error
    except RecursionError as error:
        raise Unreadable("The body nests without end.") from error
    called = name if _NAME.fullmatch(name) else f"sha256-{sha256(body).hexdigest()}"
    if said.issue is None or not said.webhookEvent.startswith(TELLING):
        return Delivery(name=called, ticket_id=None)
    ticket_id = str(said.issue.id)
    if not _TICKET_ID.fullmatch(ticket_id):
        raise Unreadable("The id of the ticket is no number.")
    return Delivery(
        name=called, ticket_id=TicketId(ticket_id), deleted=said.webhookEvent == DELETED
    )
