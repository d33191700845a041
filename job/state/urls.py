"""`STATE_URL` in, an open store out; whoever opens one here closes it by leaving the block.

Promises: `sqlite:////absolute/path` is a file, and `firestore://PROJECT/DATABASE?prefix=PREFIX` a
database, where all but the scheme may be left out for the ambient project, `(default)` and
`halo-jira-sync`. A store's libraries are imported only when it is opened.
Does not do: choosing a store where no URL is given (`job/settings/load.py`).
"""

import re
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Protocol
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from msgspec import Struct

from job.errors import BadSettings, Problem
from job.stores import Store

ALLOWED = "sqlite:////absolute/path or firestore://PROJECT/DATABASE?prefix=halo-jira-sync"
PREFIX = "halo-jira-sync"
_PREFIX_FORM = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,99}")


class SqlitePlace(Struct, frozen=True, kw_only=True):
    """A file on this machine."""

    path: Path


class FirestorePlace(Struct, frozen=True, kw_only=True):
    """A database, and what our collections' names begin with. `None` as the project is the ambient
    one.
    """

    project: str | None
    database: str
    prefix: str


class CountingStore(Store, Protocol):
    """A store that says what it has spent: operations on documents by kind, which is read, write or
    delete.
    """

    @property
    def spent(self) -> Counter[str]: ...


def parse_url(url: str) -> SqlitePlace | FirestorePlace:
    """What the URL names. Raises `BadSettings`, so that it can be checked before anything is
    opened.
    """
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise _bad(f"It is no URL: {error}.") from None
    if parts.scheme == "sqlite":
        return _sqlite_place(parts)
    if parts.scheme == "firestore":
        return _firestore_place(parts)
    raise _bad(f"It begins with {parts.scheme}://." if parts.scheme else "It has no scheme.")


def _sqlite_place(parts: SplitResult) -> SqlitePlace:
    path = Path(unquote(parts.path.removeprefix("/")))
    if parts.netloc or parts.query or not path.is_absolute():
        raise _bad("The path is not absolute; it needs four slashes and nothing after the path.")
    return SqlitePlace(path=path)


def _firestore_place(parts: SplitResult) -> FirestorePlace:
    database, query = unquote(parts.path.strip("/")), parse_qs(parts.query, keep_blank_values=True)
    (prefix,) = query.pop("prefix", [PREFIX])[-1:]
    if "/" in database:
        raise _bad("It names more than a project and a database.")
    if query:
        raise _bad(f"It has unknown parameters: {', '.join(sorted(query))}.")
    if not _PREFIX_FORM.fullmatch(prefix):
        raise _bad(
            "The prefix is not a letter followed by letters, digits, hyphens and underscores."
        )
    return FirestorePlace(
        project=unquote(parts.netloc) or None, database=database or "(default)", prefix=prefix
    )


def _bad(wrong: str) -> BadSettings:
    return BadSettings([Problem("STATE_URL", wrong, ALLOWED)])


@asynccontextmanager
async def open_store(url: str) -> AsyncIterator[CountingStore]:
    """The store that the URL names, open until the block is left."""
    match parse_url(url):
        case SqlitePlace(path=path):
            from job.state.sqlite import open_sqlite  # noqa: PLC0415 - only when used

            async with open_sqlite(path) as sqlite:
                yield sqlite
        case FirestorePlace(project=project, database=database, prefix=prefix):
            from job.state.firestore import open_firestore  # noqa: PLC0415 - heavy, only when used

            async with open_firestore(
                project=project, database=database, prefix=prefix
            ) as firestore:
                yield firestore
