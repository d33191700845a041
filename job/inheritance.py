"""What a takeover needs of Jira besides what a run needs, as promises without code.

Promises: `flow/` knows these and nothing behind them.
Does not do: keeping them, which `jira/remnants.py` and `jira/editor.py` do.
"""

from collections.abc import AsyncGenerator, Collection, Mapping, Sequence
from typing import Any, Protocol

from job.core.ids import TicketId
from job.core.remnants import Remnant


class JiraRemnants(Protocol):
    """What older programs left behind in Jira."""

    def remnants(self, projects: Collection[str]) -> AsyncGenerator[Sequence[Remnant], None]:
        """Every ticket that search shows to hold anything in the id field, in any project, and
        those of these projects and of theirs that hold nothing and have a summary as older programs
        wrote them; each once, as the database has it.
        """
        ...

    async def mark(self, ticket_id: TicketId, *, value: Mapping[str, Any] | None) -> None:
        """Gives the ticket this property of ours, or takes it away; people see neither. Done twice
        it does no more than once. Raises `TicketRejected`, `FateUnknown`.
        """
        ...
