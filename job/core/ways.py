"""A way through a workflow that was chosen for a ticket, and what became of the ticket on it.

Promises: every value is frozen.
Does not do: choosing (`jira/ways.py`) or moving (`jira/mover.py`).
"""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from job.core.model import Ticket
from job.core.shape import FieldSpec
from job.core.statuses import Status


class ChosenTransition(Struct, frozen=True, kw_only=True):
    """A transition that exists for a ticket's workflow and status now, and what it takes."""

    id: str
    name: str
    to: Status
    fields: Mapping[str, Any]
    """What is sent, by the ids of the screen's fields."""
    own: tuple[FieldSpec, ...] = ()
    """Required fields whose values are sent back as the ticket has them."""
    carries_comment: bool = False
    """Whether a comment may come along."""
    needs_comment: bool = False


class Moved(Struct, frozen=True, kw_only=True):
    """A ticket after a transition, as Jira confirms it or as it was read anew."""

    ticket: Ticket
    told: bool = False
    """Whether the comment that came along is on the ticket."""


class Seen(Struct, frozen=True, kw_only=True):
    """What can be seen of a destination's workflow without a write."""

    statuses: tuple[Status, ...]
    """That a ticket of ours can have."""
    is_open_seen: bool
    """Whether an open ticket was there to list its transitions."""
    is_closed_seen: bool
    against_close: str = ""
    """Why such an open ticket could not be closed; "" where it could."""
    against_reopen: str = ""
