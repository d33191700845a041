"""Runs one query to its end, page by page, or until it has brought enough.

Promises: only a missing token is an end; a page that comes twice, a query without end and a result
that Jira calls incomplete are errors.
Does not do: believing what the index says (`finder.py`, `prover.py`).
"""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Any

from job.errors import MalformedAnswer
from job.jira.connection import Connection
from job.jira.wire import search
from job.jira.wire.exchange import REMOTE


class Searcher:
    """Queries of one site."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def __call__(
        self, jql: str, *, fields: Sequence[str] = search.KEYS, enough: int | None = None
    ) -> list[Any]:
        """Everything that matches, or no more pages than it takes to have enough."""
        found: list[Any] = []
        async with aclosing(
            self.pages(jql, fields=fields, size=enough or search.PAGE_MAX)
        ) as pages:
            async for raws in pages:
                found += raws
                if enough is not None and len(found) >= enough:
                    break
        return found

    async def pages(
        self,
        jql: str,
        *,
        fields: Sequence[str] = search.KEYS,
        size: int = search.PAGE_MAX,
        pages_max: int = search.PAGES_MAX,
    ) -> AsyncGenerator[list[Any], None]:
        """Everything that matches, a page at a time."""
        tokens: list[str] = []
        for _ in range(pages_max):
            request = search.search(
                self._connection.site,
                jql,
                fields=fields,
                token=tokens[-1] if tokens else None,
                size=size,
            )
            page = search.hits(await self._connection.ask(request, doing=search.SEARCHING))
            yield page.raws
            if page.next_token is None:
                return
            if page.next_token in tokens:
                raise MalformedAnswer(REMOTE, search.SEARCHING, "a page came twice.")
            tokens.append(page.next_token)
        happened = f"more than {pages_max} pages for one query."
        raise MalformedAnswer(REMOTE, search.SEARCHING, happened)
