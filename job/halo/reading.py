"""One reading of a part of a listing: what it met, and whether that can have been all.

Promises: a full page that is the last one which can be asked for is no end; a row that is given is
given once for each of its places.
Does not do: asking for pages, or deciding how often to read (`listing.py`).
"""

from datetime import datetime

import structlog
from msgspec import Struct, field

from job.core.ids import IssueId
from job.core.issues import Issue
from job.errors import MalformedAnswer
from job.events import Event
from job.halo.values import malformed
from job.halo.wire import PAGE_ROWS, PAGES_MAX, Listing, Page

log = structlog.get_logger()

PIECE_PAGES = 10
"""How many pages are asked for at once, and held at once."""
DEPTH_MAX = PAGE_ROWS * PAGES_MAX
"""Nothing can be read beyond so many rows. A count of just as many may be a count that stops there,
as Elasticsearch's does: it proves nothing.
"""


class Span(Struct, frozen=True, kw_only=True):
    """The part of a listing between two instants, and the instant at which we began to read."""

    listing: Listing
    until: datetime
    told: set[str]
    """The rows without an id of which was told already."""
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
    ends_full: bool = False

    def take(self, page: Page) -> list[Issue]:
        """Notes one page, the next in order, and picks what has not been given yet. A row without
        an id counts as a row, and all that can be done with it is to tell of it.
        """
        self.counts.append(page.count)
        self.names_next = page.names_next
        self.ends_full = len(page.issues) == PAGE_ROWS
        ids = {issue.id for issue in page.issues}
        self.met_now |= ids
        self.met |= ids
        news = [issue for issue in page.issues if self._is_news(issue)]
        for issue in news:
            if not issue.has_id:
                self._tell(issue)
        return [issue for issue in news if issue.has_id]

    def _tell(self, issue: Issue) -> None:
        """Of a row without an id, once, wherever it is met."""
        name, _, _ = issue.id.partition(" ")
        if name not in self.span.told:
            self.span.told.add(name)
            where = str(self.span.listing)
            log.error(Event.HALO_ROW_UNREADABLE, listing=where, error=issue.unreadable)

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
        if self.passed:
            return range(0)
        if done >= PAGES_MAX and (self.ends_full or done < last):
            raise too_deep(self.span, f"Its end is not among the first {DEPTH_MAX} rows.")
        if done >= last:
            return range(0)
        return range(done + 1, min(done + PIECE_PAGES, last, PAGES_MAX) + 1)

    def is_full(self) -> bool:
        """Whether this reading alone met as many different rows as its pages must hold, in the
        order we asked for.
        """
        return len(self.met_now) == self.due() and not self.disordered

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
            and len(self.met_now) <= self.due() <= len(self.met)
            and not self.disordered
        )

    def is_off_by(self) -> int | None:
        """How many rows were missing, less than 0 for too many; `None` where their order is not
        what we asked for.
        """
        return None if self.disordered else self.due() - len(self.met_now)

    def due(self) -> int:
        """How many rows the pages read must hold, by the count on the last of them."""
        return min(PAGE_ROWS * len(self.counts), self.counts[-1])

    def facts(self) -> dict[str, int]:
        return {
            "rows": len(self.met_now),
            "due": self.due(),
            "counts": len(set(self.counts)),
            "late": self.late,
            "fresh": self.fresh,
        }


def too_deep(span: Span, happened: str) -> MalformedAnswer:
    advice = "A later `run --since`, or an API key of a smaller group in Halo, lists fewer issues."
    return malformed(str(span.listing), happened, advice=advice)
