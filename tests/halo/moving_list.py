"""A list of issues as Halo keeps it, without HTTP: sorted, filtered and cut into pages anew for
every page asked for.

Promises: pages asked for together are cut in a shuffled order, and `before` may move the world
ahead of each of them.
"""

import random
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

from msgspec.structs import replace

from job.core.ids import IssueId
from job.core.issues import Issue
from job.halo.listing import read
from job.halo.wire import PAGE_ROWS, PAGES_MAX, Listing, Page
from tests.kit.builders import issue

T0 = datetime(2026, 11, 1, 12, tzinfo=UTC)
UNTIL = T0 + timedelta(days=1)


def listed(number: int, *, at: datetime | None, created_at: datetime = T0) -> Issue:
    return issue(id=IssueId(f"i{number}"), last_seen_at=at, created_at=created_at)


class MovingList:
    """The active issues of a Halo, and its bad manners."""

    def __init__(self, issues: Sequence[Issue], *, seed: int = 0) -> None:
        self.issues = {issue.id: issue for issue in issues}
        self.asked: list[tuple[Listing, int]] = []
        self.before: Callable[[], None] = lambda: None
        self.after: Callable[[Page], Page] = lambda page: page
        self.keeps_gte = True
        self.keeps_order = True
        self.count_max = 10**9
        self._random = random.Random(seed)
        self._kept: dict[Listing, list[Issue]] = {}

    async def fetch(self, listing: Listing, numbers: Sequence[int]) -> list[Page]:
        shuffled = self._random.sample(numbers, len(numbers))
        pages = {number: self._page(listing, number) for number in shuffled}
        return [pages[number] for number in numbers]

    def touch(self, issue_id: IssueId) -> None:
        self.put(
            replace(self.issues[issue_id], last_seen_at=UNTIL + timedelta(seconds=len(self.asked)))
        )

    def resolve(self, issue_id: IssueId) -> None:
        del self.issues[issue_id]
        self._kept.clear()

    def add(self, number: int) -> None:
        at = UNTIL + timedelta(seconds=len(self.asked), milliseconds=number)
        self.put(listed(number, at=at, created_at=at))

    def put(self, issue: Issue) -> None:
        self.issues[issue.id] = issue
        self._kept.clear()

    async def read(self, listing: Listing) -> list[Issue]:
        given: list[Issue] = []
        async for piece in read(listing, until=UNTIL, fetch=self.fetch, told=set()):
            given += piece
        return given

    def _page(self, listing: Listing, number: int) -> Page:
        assert number <= PAGES_MAX, "Halo shows nothing beyond 10,000 rows"
        self.before()
        self.asked.append((listing, number))
        rows = self._kept.get(listing) or self._kept.setdefault(listing, self._rows(listing))
        cut = tuple(rows[(number - 1) * PAGE_ROWS : number * PAGE_ROWS])
        more = number * PAGE_ROWS < len(rows)
        return self.after(
            Page(number=number, issues=cut, count=min(len(rows), self.count_max), names_next=more)
        )

    def _rows(self, listing: Listing) -> list[Issue]:
        rows = list(self.issues.values())
        if listing.since is not None and self.keeps_gte:
            rows = [
                row for row in rows if (at := listing.at(row)) is not None and at >= listing.since
            ]
        if self.keeps_order:
            last = (
                datetime.min.replace(tzinfo=UTC)
                if listing.descending
                else datetime.max.replace(tzinfo=UTC)
            )
            rows.sort(key=lambda row: (listing.at(row) or last, row.id), reverse=listing.descending)
        return rows
