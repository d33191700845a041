"""Looks for tickets that memory does not know: by the id field, and key by key after a lost create.

Promises: Jira's search index only ever names candidates, and the database says what they are.
Does not do: proving that the index finds anything (`prover.py`), or an absence. The index runs
behind, so whoever creates because nothing was found notes an intent first.
"""

from collections.abc import AsyncGenerator, Collection, Sequence
from contextlib import aclosing
from functools import partial
from itertools import chain
from typing import Any

import structlog

from job.core.ids import IssueId
from job.core.model import Ticket
from job.events import Event
from job.jira.catalogue import Catalogue
from job.jira.connection import Connection
from job.jira.prover import Prover
from job.jira.reader import Reader
from job.jira.searcher import Searcher
from job.jira.wire import metadata, search, tickets
from job.jira.wire.older import WORDS
from job.ports import Probe

log = structlog.get_logger()

PROBE_BLOCKS_MAX = 20
EMPTY_MAX = 2
HOLDERS_PAGES_MAX = 10_000
"""A million tickets. Whoever asks for all of them means all."""


class Finder:
    """Tickets by what they hold."""

    def __init__(
        self,
        connection: Connection,
        *,
        catalogue: Catalogue,
        reader: Reader,
        searcher: Searcher,
        prover: Prover,
    ) -> None:
        self._connection = connection
        self._catalogue = catalogue
        self._reader = reader
        self._search = searcher
        self._prover = prover

    async def find(self, ids: Collection[IssueId]) -> dict[IssueId, tuple[Ticket, ...]]:
        """Tickets whose id field holds one of these, in any project."""
        if not ids:
            return {}
        settings = self._catalogue.home.tickets
        clause = await self._prover.clause()
        spec = await self._catalogue.id_field()
        values = [search.writings(issue_id, spec=spec, settings=settings) for issue_id in ids]
        look = partial(self._search, fields=tickets.fields(spec.id))
        pages = await self._connection.each(look, search.queries(values, clause=clause))
        raws = chain.from_iterable(pages)
        # The index may show a status, a project or an id of yesterday; only the database is
        # believed.
        candidates = tickets.candidates(raws, id_field=spec.id, wanted=ids)
        return await self._reader.holding(candidates, wanted=ids)

    async def holders(self) -> AsyncGenerator[Sequence[Ticket], None]:
        """Every ticket whose id field holds anything, in any project, the newest first, a page at a
        time, each as the database has it.
        """
        query = search.filled(await self._prover.clause())
        pages = self._search.pages(query, pages_max=HOLDERS_PAGES_MAX)
        async with aclosing(pages):
            async for raws in pages:
                ids = [tickets.id_of(raw) for raw in raws]
                found = await self._reader.read(ids, holding=WORDS)
                yield list(found.values())

    async def probe(self, project: str, *, above: int, wanted: Collection[IssueId]) -> Probe:
        """Looks for lost creates among the keys after `above`, until the keys run out."""
        id_field = (await self._catalogue.id_field()).id
        reach = PROBE_BLOCKS_MAX * tickets.FETCH_MAX
        newest = await self.highest_key(project)
        seen, ended = await self._walk(project, above=above, newest=newest)
        if not ended:
            # A busy project has moved on since `above` was noted: a create lost lately lies near
            # its newest key.
            log.warning(
                Event.PROBE_BOUNDED, project=project, above=above, blocks_max=PROBE_BLOCKS_MAX
            )
            near_newest = max(above + reach, newest - reach // 2)
            seen += (await self._walk(project, above=near_newest, newest=newest))[0]
        read = [tickets.ticket(raw, id_field=id_field) for raw in seen]
        here = [tickets.key_number(raw) for raw in seen if raw["key"].startswith(f"{project}-")]
        return Probe(
            found=tickets.by_issue_id(read, wanted=wanted),
            complete=ended and len(read) >= max([newest, *here]) - above,
        )

    async def highest_key(self, project: str) -> int:
        """A lower bound of the highest key number in a project; 0 for none."""
        return max(map(tickets.key_number, await self._newest(project, count=1)), default=0)

    async def visible(self, project: str) -> bool:
        """Whether we may browse the project and see a ticket in it."""
        doing = "asking for our permissions"
        site = self._connection.site
        response = await self._connection.send(metadata.permission(site, project), doing=doing)
        if response.status == 404:
            return False
        if not metadata.may_browse(site.answer(response, doing=doing)):
            return False
        newest = await self._newest(project, count=10)
        found = await self._reader.look_at([tickets.id_of(raw) for raw in newest])
        return any(ticket.project == project for ticket in found.values())

    async def _walk(self, project: str, *, above: int, newest: int) -> tuple[list[Any], bool]:
        """Tickets by their keys, from `above` on, and whether the keys ran out before our patience
        did: not with one empty block, for a hundred keys on end may have been deleted or hidden,
        but with two beyond the newest key that is known.
        """
        seen: list[Any] = []
        empty = 0
        for block in range(PROBE_BLOCKS_MAX):
            first = above + 1 + block * tickets.FETCH_MAX
            keys = [f"{project}-{first + step}" for step in range(tickets.FETCH_MAX)]
            there = await self._reader.fetch_block(keys, holding=WORDS)
            seen += there
            empty = 0 if there or first <= newest else empty + 1
            if empty == EMPTY_MAX:
                return seen, True
        return seen, False

    async def _newest(self, project: str, *, count: int) -> list[Any]:
        return await self._search(search.newest(project), enough=count)
