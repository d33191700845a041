"""Reads one of Halo's listings to its true end, although it moves while we read.

Promises: every issue of the listing is given at least once, in pieces, so that only one piece is
held at a time; a page that repeats, a page or a listing that is short of its own `count`, and an
order or a filter that Halo does not keep, are never taken for an end; what cannot be read whole is
a `MalformedAnswer`.
Does not do: HTTP. It knows pages, and is given them by whoever can fetch.

How a row can get lost: pages are cut by position, so an issue that is touched or resolved while we
read leaves its place, all rows behind it move up by one, and the first row of a page we have yet to
read slips onto one that we have read. Rows that are new or touched join at the end, as listings
ascend, and push nothing aside.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from datetime import datetime

import structlog
from msgspec import Struct, field
from msgspec.structs import replace

from job.core.ids import IssueId
from job.core.issues import Issue
from job.errors import MalformedAnswer
from job.events import Event
from job.halo.values import malformed
from job.halo.wire import PAGE_ROWS, PAGES_MAX, Listing, Page

log = structlog.get_logger()

PIECE_PAGES = 10
"""How many pages are asked for at once, and held at once."""
READINGS_MAX = 4
"""The first, and three more when the listing moved."""

Fetch = Callable[[Listing, Sequence[int]], Awaitable[list[Page]]]
"""Gives the pages with these numbers, read concurrently, in this order."""


async def read(
    listing: Listing, *, until: datetime, fetch: Fetch
) -> AsyncGenerator[list[Issue], None]:
    """Every issue of the listing. `until` is when we began: what Halo touches later belongs to the
    next run.

    Bounds are whole seconds, so that no rounding of fractions, ours or Halo's, can hide a row at a
    border.
    """
    if listing.since is not None:
        listing = replace(listing, since=listing.since.replace(microsecond=0))
    (first,) = await fetch(listing, [1])
    if _ignores_filter(listing, first):
        log.warning(Event.HALO_FILTER_IGNORED, listing=str(listing), since=str(listing.since))
        listing = replace(listing, descending=True)
        (first,) = await fetch(listing, [1])
        pieces = _settled(Span(listing=listing, until=until), above=0, first=first, fetch=fetch)
    else:
        pieces = _window(Span(listing=listing, until=until), above=0, first=first, fetch=fetch)
    async for piece in pieces:
        yield piece


class Span(Struct, frozen=True, kw_only=True):
    """The part of a listing between two instants, and the instant at which we began to read."""

    listing: Listing
    until: datetime
    end: datetime | None = None
    """Exclusive; `None` for the listing's own end."""

    def passed_by(self, at: datetime | None) -> bool:
        """Whether a row lies behind the span in the order of reading. Rows without a timestamp
        belong to every span.
        """
        if at is None:
            return False
        if self.listing.descending:
            return self.listing.since is not None and at < self.listing.since
        return self.end is not None and at >= self.end


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
    if first.count - above < PAGE_ROWS * PAGES_MAX:
        async for piece in _settled(span, above=above, first=first, fetch=fetch):
            yield piece
        return
    middle = _middle(span, first)
    for half in (
        replace(span, end=middle),
        replace(span, listing=replace(span.listing, since=middle)),
    ):
        above = await _above(half, fetch=fetch)
        (first,) = await fetch(half.listing, [1])
        async for piece in _window(half, above=above, first=first, fetch=fetch):
            yield piece


async def _above(span: Span, *, fetch: Fetch) -> int:
    """How many rows lie behind the span's end. Asked before its first page, or what moves between
    would go unseen.
    """
    if span.end is None:
        return 0
    beyond = replace(span.listing, since=span.end)
    (probe,) = await fetch(beyond, [1])
    if _ignores_filter(beyond, probe):
        raise _too_deep(span, f"Halo lists {probe.count} issues and ignores {beyond.stamp}_gte.")
    return probe.count


def _middle(span: Span, first: Page) -> datetime:
    """The whole second half-way between the oldest row and the span's end."""
    stamps = (span.listing.at(issue) for issue in first.issues)
    oldest = min((at for at in stamps if at is not None), default=None)
    end = span.end or span.until
    if oldest is not None:
        middle = (oldest + (end - oldest) / 2).replace(microsecond=0)
        if oldest < middle < end:
            return middle
    raise _too_deep(span, f"{first.count} issues lie so close together that no window parts them.")


async def _settled(
    span: Span, *, above: int, first: Page, fetch: Fetch
) -> AsyncIterator[list[Issue]]:
    """Reads a span that is not too deep, again and again until nothing can have slipped past. Gives
    each row once.
    """
    given: dict[IssueId, datetime | None] = {}
    met: set[IssueId] = set()
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
    raise _contradiction(span, reading)


class Reading(Struct, kw_only=True):
    """What one reading of a span met, and whether that can have been all."""

    span: Span
    given: dict[IssueId, datetime | None]
    """Every issue given so far, in all readings, with its place then."""
    met: set[IssueId]
    """Every id met so far, in all readings, those behind the span's end included."""
    met_now: set[IssueId] = field(default_factory=set)
    counts: list[int] = field(default_factory=list)
    within: int = 0
    fresh: int = 0
    late: int = 0
    passed: bool = False
    disordered: bool = False
    names_next: bool = False

    def take(self, page: Page) -> list[Issue]:
        """Notes one page, the next in order, and picks what has not been given yet."""
        self.counts.append(page.count)
        self.names_next = page.names_next
        ids = {issue.id for issue in page.issues}
        self.met_now |= ids
        self.met |= ids
        return [issue for issue in page.issues if self._is_news(issue)]

    def _is_news(self, issue: Issue) -> bool:
        at = self.span.listing.at(issue)
        if self.span.passed_by(at):
            self.passed = True
            return False
        self.disordered |= self.passed and at is not None
        is_late = at is not None and at > self.span.until
        self.late += is_late
        self.within += 1
        self.fresh += issue.id not in self.given and not is_late
        is_news = issue.id not in self.given or self.given[issue.id] != at
        self.given[issue.id] = at
        return is_news

    def next_pages(self) -> range:
        """The numbers of the pages to read next; empty at the end, which is where Halo's count and
        its `next` agree.
        """
        done = len(self.counts)
        last = max(-(-self.counts[-1] // PAGE_ROWS), done + self.names_next)
        if self.passed or done >= last:
            return range(0)
        if done >= PAGES_MAX:
            raise _too_deep(
                self.span, f"Its end is not among the first {PAGE_ROWS * PAGES_MAX} rows."
            )
        return range(done + 1, min(done + PIECE_PAGES, last, PAGES_MAX) + 1)

    def is_full(self) -> bool:
        """Whether this reading alone met as many different rows as its pages must hold, in the
        order we asked for.
        """
        return len(self.met_now) == self._due() and not self.disordered

    def is_calm(self, *, above: int) -> bool:
        """Whether nothing moved during a first reading, so that nothing can have slipped past.

        It is full, all pages told one count, the span held as many rows as there were in it to
        begin with, and none is from after we began: such a row could make up for one that left.
        """
        is_still = len(set(self.counts)) == 1 and (self.late == 0 or len(self.counts) == 1)
        holds_all = self.span.listing.descending or self.within == self.counts[0] - above
        return self.is_full() and is_still and holds_all

    def adds_nothing(self) -> bool:
        """Whether a later reading met no row that an earlier one should have met, and all that Halo
        counts are met.

        One that is full as well settles it. One that is not may have missed the very row that was
        missed before, by a move that undoes the other, so two on end are asked for.
        """
        return (
            self.fresh == 0
            and len(self.met_now) <= self._due() <= len(self.met)
            and not self.disordered
        )

    def _due(self) -> int:
        """How many rows the pages read must hold, by the count on the last of them."""
        return min(PAGE_ROWS * len(self.counts), self.counts[-1])

    def facts(self) -> dict[str, int]:
        return {
            "rows": len(self.met_now),
            "due": self._due(),
            "counts": len(set(self.counts)),
            "late": self.late,
            "fresh": self.fresh,
        }


def _contradiction(span: Span, reading: Reading) -> MalformedAnswer:
    facts = ", ".join(f"{name} {value}" for name, value in reading.facts().items())
    order = " Its rows are not in the order we asked for." if reading.disordered else ""
    return malformed(
        str(span.listing),
        f"In {READINGS_MAX} readings the rows never agreed with Halo's count ({facts}).{order}",
    )


def _too_deep(span: Span, happened: str) -> MalformedAnswer:
    advice = "A later `run --since`, or an API key of a smaller group in Halo, lists fewer issues."
    return malformed(str(span.listing), happened, advice=advice)
