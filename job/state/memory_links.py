"""What a store in memory knows of links: by issue, by ticket, those that are live or due.

Promises: as `memory.py`, which this is a part of.
Does not do: writing them, which a commit does.
"""

from collections.abc import AsyncIterator, Collection, Sequence
from datetime import datetime

from job.core.ids import IssueId, TicketId
from job.core.memory import Broken, Link
from job.state import rules
from job.state.memory_quota import Hook, MemoryQuota


class MemoryLinks(MemoryQuota):
    """A part of the `Store` of `job/stores.py` as plain dicts."""

    def __init__(self, *, hook: Hook | None) -> None:
        super().__init__(hook=hook)
        self._links: dict[IssueId, Link] = {}

    async def links(
        self, ids: Collection[IssueId], *, broken: Broken | None = None
    ) -> dict[IssueId, Link]:
        with self._operation("links"):
            wanted = dict.fromkeys(ids)
            self.spent["read"] += len(wanted)
            return {
                issue_id: self._links[issue_id] for issue_id in wanted if issue_id in self._links
            }

    async def live_links(self, *, broken: Broken | None = None) -> AsyncIterator[Sequence[Link]]:
        after = ""
        while page := self._live_page(after):
            yield page
            if len(page) < rules.PAGE:
                return
            after = page[-1].issue_id

    def _live_page(self, after: str) -> list[Link]:
        with self._operation("live_links"):
            page = sorted(key for key, link in self._links.items() if link.live and key > after)[
                : rules.PAGE
            ]
            self.spent.read(len(page))
            return [self._links[key] for key in page]

    async def live_count(self) -> int:
        with self._operation("live_count"):
            live = sum(link.live for link in self._links.values())
            self.spent.count(live)
            return live

    async def due(self, now: datetime) -> list[IssueId]:
        with self._operation("due"):
            due = [
                link.issue_id
                for link in self._links.values()
                if link.tell_at is not None and link.tell_at <= now
            ]
            self.spent.listed(len(due))
            return due

    async def issues_of(self, ticket_id: TicketId) -> list[IssueId]:
        with self._operation("issues_of"):
            links = self._links.values()
            found = [link.issue_id for link in links if link.ticket_id == ticket_id]
            self.spent.read(len(found))
            return found
