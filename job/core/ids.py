"""The names of things (ids, keys, versions, markers), each of a type of its own.

Promises: the type check tells them apart, so that none is taken for another.
Does not do: making or reading any of them.
"""

import re
from datetime import UTC, datetime
from typing import Annotated, NewType
from uuid import UUID

from msgspec import Meta

IssueId = NewType("IssueId", str)
"""Halo's id of an issue, exactly as Halo writes it (v3: a UUID with hyphens)."""


TicketId = NewType("TicketId", str)
"""Jira's immutable id of a ticket: digits. It survives moves and renamed projects."""


TicketKey = NewType("TicketKey", str)
"""Jira's key of a ticket as last seen, such as `SEC-12`. It changes when the ticket moves."""


Version = NewType("Version", str)
"""The cheap sign that an issue changed: its status and Halo's timestamps, as text. Compared for
equality only.
"""


Fingerprint = NewType("Fingerprint", str)
"""The hash of what we would say about an issue. Equal fingerprints mean that there is nothing new
to say.
"""


Marker = NewType("Marker", str)
"""The name of one comment, kept as its property in Jira, so that it can be looked for after a lost
answer.
"""


EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


Instant = Annotated[datetime, Meta(tz=True)]
"""An instant of our memory: what a store gives back without its time zone is refused."""


def canonical(issue_id: str) -> str:
    """An issue's id as it is compared: people and older programs write it in other cases, without
    its hyphens or between blanks.
    """
    return issue_id.strip().replace("-", "").lower()


def as_halo_writes(text: str) -> IssueId | None:
    """A text that can be an id of Halo's, in Halo's own writing (a UUID with hyphens), however it
    was written; `None` for any other.
    """
    digits = canonical(text)
    return IssueId(str(UUID(digits))) if _DIGITS_OF_AN_ID.fullmatch(digits) else None


_DIGITS_OF_AN_ID = re.compile(r"[0-9a-f]{32}")
