"""Looks for every ticket that older programs left behind: by the id field, and by summaries.

Promises: search only names candidates, and the database says what they are; a ticket that Jira does
not load is an error, and never left out.
Does not do: saying what a ticket is (`job/core/takeover.py`).
"""

from collections.abc import AsyncGenerator, Collection, Iterable, Sequence
from contextlib import aclosing
from typing import Any

from job.core.ids import TicketId
from job.core.orphans import said
from job.core.remnants import Remnant
from job.jira.catalogue import Catalogue
from job.jira.finder import HOLDERS_PAGES_MAX
from job.jira.prover import Prover
from job.jira.reader import Reader
from job.jira.searcher import Searcher
from job.jira.tongue import Tongue
from job.jira.wire import search, tickets
from job.jira.wire.exchange import readable
from job.jira.wire.older import WORDS, remnant

ASKED_FOR = (*WORDS, "reporter")


class Remnants:
    """One sweep over a site."""

    def __init__(
        self,
        *,
        catalogue: Catalogue,
        reader: Reader,
        searcher: Searcher,
        prover: Prover,
        tongue: Tongue,
    ) -> None:
        self._catalogue = catalogue
        self._reader = reader
        self._search = searcher
        self._prover = prover
        self._tongue = tongue

    async def sweep(self, projects: Collection[str]) -> AsyncGenerator[Sequence[Remnant], None]:
        """A page at a time, the newest first: what holds something in the id field, in any project;
        then what holds nothing, in these projects and in those of the first.
        """
        clause = await self._prover.clause()
        seen: set[TicketId] = set()
        places = set(projects)
        async with aclosing(self._pages(search.filled(clause), seen=seen)) as pages:
            async for raws in pages:
                found = await self._read(map(tickets.id_of, raws))
                places |= {one.ticket.project for one in found}
                yield found
        query = search.unfilled(clause, projects=places)
        async with aclosing(self._pages(query, seen=seen, fields=("summary",))) as pages:
            async for raws in pages:
                with readable(search.SEARCHING):
                    like = [raw for raw in raws if _is_like_an_old_one(raw["fields"]["summary"])]
                yield await self._read(map(tickets.id_of, like))

    async def _pages(
        self, query: str, *, seen: set[TicketId], fields: Sequence[str] = search.KEYS
    ) -> AsyncGenerator[list[Any], None]:
        """What a query finds, without what was seen before: a ticket may change between two."""
        pages = self._search.pages(query, fields=fields, pages_max=HOLDERS_PAGES_MAX)
        async with aclosing(pages):
            async for raws in pages:
                new = [raw for raw in raws if tickets.id_of(raw) not in seen]
                seen.update(map(tickets.id_of, new))
                yield new

    async def _read(self, ids: Iterable[TicketId]) -> list[Remnant]:
        names = list(ids)
        if not names:
            return []
        id_field = (await self._catalogue.id_field()).id
        raws = await self._reader.fetch_block(names, holding=ASKED_FOR)
        found = []
        for raw in raws:
            ticket = tickets.ticket(raw, id_field=id_field)
            with readable(tickets.READING):
                found.append(
                    remnant(raw, ticket=await self._tongue.ticket(ticket), id_field=id_field)
                )
        return found


def _is_like_an_old_one(summary: object) -> bool:
    """Whether any of the older programs that lost ids wrote such summaries."""
    return isinstance(summary, str) and said(summary, words="") is not None
