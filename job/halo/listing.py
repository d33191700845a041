"""Reads one of Halo's listings to its true end, although it moves while we read.

Promises: every issue of the listing is given at least once, in pieces, so that only one piece is
held at a time; a page that repeats, a page or a listing that is short of its own `count`, a full
hundredth page, and an order or a filter that Halo does not keep, are never taken for an end; what
cannot be read whole is a `MalformedAnswer`.
Two things are told and survived, or a run would stop for ever: a count that is off by a few in
every reading, and more issues within one second than Halo lists. An issue without an id comes in
place of the ones that were out of reach.
Does not do: HTTP. It knows pages, and is given them by whoever can fetch.

How a row can get lost: pages are cut by position, so an issue that is touched or resolved while we
read leaves its place, all rows behind it move up by one, and the first row of a page we have yet to
read slips onto one that we have read. Rows that are new or touched join at the end, as listings
ascend, and push nothing aside.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from datetime import datetime

import structlog
from msgspec.structs import replace

from job.core.ids import IssueId
from job.core.issues import Issue
from job.errors import MalformedAnswer
from job.events import Event
from job.halo.reading import DEPTH_MAX, PIECE_PAGES, Reading, Span, too_deep
from job.halo.values import malformed
from job.halo.wire import PAGE_ROWS, PAGES_MAX, FilterRefused, Listing, Page

log = structlog.get_logger()

READINGS_MAX = 4
"""The first, and three more when the listing moved."""
OFF_MAX = 200
"""Of so many rows one may be missing, or one too many be there, in every reading; of fewer too."""

Fetch = Callable[[Listing, Sequence[int]], Awaitable[list[Page]]]
"""Gives the pages with these numbers, read concurrently, in this order."""


async def read(
    listing: Listing, *, until: datetime, fetch: Fetch, told: set[str]
) -> AsyncGenerator[list[Issue], None]:
    """Every issue of the listing. `until` is when we began: what Halo touches later belongs to the
    next run. `told` are the rows without an id of which was told already.

    Bounds are whole seconds, so that no rounding of fractions, ours or Halo's, can hide a row at a
    border.
    """
    if listing.since is not None:
        listing = replace(listing, since=listing.since.replace(microsecond=0))
    first = await _first_if_filtered(listing, fetch=fetch)
    if first is None:
        log.warning(Event.HALO_FILTER_IGNORED, listing=str(listing), since=str(listing.since))
        listing = replace(listing, descending=True)
        (first,) = await fetch(listing, [1])
        span = Span(listing=listing, until=until, told=told)
        pieces = _settled(span, above=0, first=first, fetch=fetch)
    else:
        span = Span(listing=listing, until=until, told=told)
        pieces = _window(span, above=0, first=first, fetch=fetch)
    async for piece in pieces:
        yield piece


async def _first_if_filtered(listing: Listing, *, fetch: Fetch) -> Page | None:
    """The first page; `None` where Halo refuses the filter or ignores it."""
    try:
        (first,) = await fetch(listing, [1])
    except FilterRefused:
        return None
    return None if _ignores_filter(listing, first) else first


def _ignores_filter(listing: Listing, first: Page) -> bool:
    """Whether rows from before the listing came back. No public source shows that v3 keeps `_gte`;
    v1 did.
    """
    stamps = (listing.at(issue) for issue in first.issues)
    return listing.since is not None and any(at < listing.since for at in stamps if at is not None)


async def _window(
    span: Span, *, above: int, first: Page, fetch: Fetch
) -> AsyncIterator[list[Issue]]:
    """Reads a span, halved by time until each part is less than 10,000 rows deep.

    How much lies in a part is what lies above its beginning less what lies above its end, so `_gte`
    is all it takes.
    """
    if not await _is_too_deep(span, above=above, first=first, fetch=fetch):
        async for piece in _settled(span, above=above, first=first, fetch=fetch):
            yield piece
        return
    middle = _middle(span, first)
    if middle is None:
        async for piece in _crowded(span, first=first, fetch=fetch):
            yield piece
        return
    for half in (
        replace(span, end=middle),
        replace(span, listing=replace(span.listing, since=middle)),
    ):
        above = await _above(half, fetch=fetch)
        (first,) = await fetch(half.listing, [1])
        async for piece in _window(half, above=above, first=first, fetch=fetch):
            yield piece


async def _is_too_deep(span: Span, *, above: int, first: Page, fetch: Fetch) -> bool:
    """Whether more may lie in the span than can be read. Where a count may be capped, the last page
    that can be read says whether the span ends before it.
    """
    if DEPTH_MAX not in {first.count, above}:
        return first.count - above >= DEPTH_MAX
    if span.end is None:
        return True
    (last,) = await fetch(span.listing, [PAGES_MAX])
    ends = any(span.passed_by(span.listing.at(issue)) for issue in last.issues)
    return len(last.issues) == PAGE_ROWS and not ends


async def _above(span: Span, *, fetch: Fetch) -> int:
    """How many rows lie behind the span's end. Asked before its first page, or what moves between
    would go unseen.
    """
    if span.end is None:
        return 0
    beyond = replace(span.listing, since=span.end)
    probe = await _first_if_filtered(beyond, fetch=fetch)
    if probe is None:
        happened = f"Halo lists {DEPTH_MAX} issues or more and ignores {beyond.stamp}_gte."
        raise too_deep(span, happened)
    return probe.count


def _middle(span: Span, first: Page) -> datetime | None:
    """The whole second half-way between the oldest row and the span's end, if one lies between."""
    stamps = (span.listing.at(issue) for issue in first.issues)
    oldest = min((at for at in stamps if at is not None), default=None)
    end = span.end or span.until
    if oldest is not None:
        middle = (oldest + (end - oldest) / 2).replace(microsecond=0)
        if oldest < middle < end:
            return middle
    return None


async def _crowded(span: Span, *, first: Page, fetch: Fetch) -> AsyncIterator[list[Issue]]:
    """Reads as much as Halo lists of a span that no window parts. What stands for the rest comes
    last, touched when the span begins, and so holds the watermark there.
    """
    reading = Reading(span=span, given={}, met=set())
    yield reading.take(first)
    rest = range(2, PAGES_MAX + 1)
    for begin in range(0, len(rest), PIECE_PAGES):
        piece: list[Issue] = []
        for page in await fetch(span.listing, rest[begin : begin + PIECE_PAGES]):
            piece += reading.take(page)
        yield piece
    stamps = (span.listing.at(issue) for issue in first.issues)
    at = min((at for at in stamps if at is not None), default=span.listing.since)
    why = f"{span.listing}, Halo shows no more than {reading.within} of those since {at}."
    log.error(Event.HALO_LISTING_CROWDED, listing=str(span.listing), since=str(at), error=why)
    yield [Issue.unnamed(f"{span.listing} since {at}", why=why, at=at)]


async def _settled(
    span: Span, *, above: int, first: Page, fetch: Fetch
) -> AsyncIterator[list[Issue]]:
    """Reads a span that is not too deep, again and again until nothing can have slipped past. Gives
    each row once.
    """
    given: dict[IssueId, datetime | None] = {}
    met: set[IssueId] = set()
    off: list[int | None] = []
    quiet = 0
    for attempt in range(READINGS_MAX):
        if attempt > 0:
            (first,) = await fetch(span.listing, [1])
        reading = Reading(span=span, given=given, met=met)
        yield reading.take(first)
        while numbers := reading.next_pages():
            piece: list[Issue] = []
            for page in await fetch(span.listing, numbers):
                piece += reading.take(page)
            yield piece
        off.append(reading.is_off_by())
        if attempt == 0:
            is_settled = reading.is_calm(above=above)
        else:
            quiet = quiet + 1 if reading.adds_nothing() else 0
            is_settled = quiet == 2 or (quiet == 1 and reading.is_full())
        if is_settled:
            return
        log.info(
            Event.HALO_LISTING_MOVED,
            listing=str(span.listing),
            reading=attempt + 1,
            **reading.facts(),
        )
    if reading.fresh or not _is_steady(off, due=reading.due()):
        raise _contradiction(span, reading)
    log.error(Event.HALO_LISTING_OFF, listing=str(span.listing), **reading.facts())


def _is_steady(off: Sequence[int | None], *, due: int) -> bool:
    """Whether the count was off by the same few each time: rows that Halo counts and does not show,
    and not ones that move.
    """
    (by, *others) = set(off)
    return not others and by is not None and abs(by) <= max(1, due // OFF_MAX)


def _contradiction(span: Span, reading: Reading) -> MalformedAnswer:
    facts = ", ".join(f"{name} {value}" for name, value in reading.facts().items())
    order = " Its rows are not in the order we asked for." if reading.disordered else ""
    return malformed(
        str(span.listing),
        f"In {READINGS_MAX} readings the rows never agreed with Halo's count ({facts}).{order}",
    )
