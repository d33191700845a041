"""Looks over a Halo account for `check` and `plan`: how many issues there are, and what no document
tells.

Promises: nothing is written, and each look makes four requests at most; what Halo does is told as
it was seen on this very account.
Does not do: judging what it finds (`job/commands/checks/`).
"""

from datetime import datetime, timedelta

from msgspec import Struct
from msgspec.structs import replace

from job.core.backlog import Size
from job.core.issues import Issue, IssueStatus
from job.halo import wire
from job.halo.signing import SignedCaller
from job.halo.wire import FilterRefused, Listing, Page
from job.ports import Clock

CAPS = frozenset({1_000, 5_000, 10_000, 50_000, 100_000})
"""Counts that are likelier a ceiling than a number of issues."""
AHEAD = timedelta(days=1)


class Sight(Struct, frozen=True, kw_only=True):
    """What was seen of an account."""

    active: int
    """How many active issues Halo counts."""
    rows: int
    """How many of them came on the first page, of `wire.PAGE_ROWS` that were asked for."""
    in_order: bool
    """Whether they came in the order that was asked for."""
    keeps_filter: bool | None
    """Whether a filter by time left out what lies before it; `None` where Halo refuses it."""
    looks_capped: bool
    """Whether the count is one of the round ones at which counts are cut off."""
    sample: Issue | None
    """An issue that names its finding."""


class Survey:
    """One account, looked at with the key that runs use."""

    def __init__(self, signed: SignedCaller, *, base_url: str, clock: Clock) -> None:
        self._signed = signed
        self._base_url = base_url
        self._clock = clock

    async def look(self) -> Sight:
        """Raises `RemoteRefused`, `MalformedAnswer`."""
        first = await self._page(Listing(status=IssueStatus.ACTIVE, stamp=wire.CREATED))
        stamps = [issue.created_at for issue in first.issues if issue.created_at]
        return Sight(
            active=first.count,
            rows=len(first.issues),
            in_order=stamps == sorted(stamps),
            keeps_filter=await self._keeps_filter(),
            looks_capped=first.count in CAPS,
            sample=next((issue for issue in first.issues if issue.finding_url), None),
        )

    async def older_than(self, at: datetime) -> Size | None:
        """How many active issues were last seen before then; `None` where Halo's counts do not
        tell. Raises `RemoteRefused`, `MalformedAnswer`.
        """
        issues = await self._count_older(at, critical_only=False)
        if issues is None:
            return None
        return Size(issues=issues, critical=await self._count_older(at, critical_only=True))

    async def _count_older(self, at: datetime, *, critical_only: bool) -> int | None:
        """All of them less those since; `None` where a filter is not kept, or a count is capped."""
        every = Listing(
            status=IssueStatus.ACTIVE, stamp=wire.LAST_SEEN, critical_only=critical_only
        )
        try:
            first, since = [await self._page(it) for it in (every, replace(every, since=at))]
        except FilterRefused:
            return None
        seen = [every.at(issue) for issue in since.issues]
        keeps_time = all(stamp is None or stamp >= at for stamp in seen)
        keeps_kind = all(issue.critical for issue in first.issues) or not critical_only
        if not (keeps_time and keeps_kind) or first.count in CAPS:
            return None
        return max(0, first.count - since.count)

    async def _keeps_filter(self) -> bool | None:
        """Nothing was seen tomorrow: whatever comes back was not filtered."""
        tomorrow = self._clock.now() + AHEAD
        wanted = Listing(status=IssueStatus.ACTIVE, stamp=wire.LAST_SEEN, since=tomorrow)
        try:
            return not (await self._page(wanted)).issues
        except FilterRefused:
            return None

    async def _page(self, listing: Listing) -> Page:
        request = wire.page_request(self._base_url, listing=listing, page=1)
        return wire.page(await self._signed.answer(request), listing=listing, number=1)
