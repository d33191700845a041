"""Halo as a run sees it: sends what `wire.py` asks, and reads the answers.

Promises: what `ports.HaloIssues` says; a listed issue is never asked for again; an asset is fetched
once for each client, and a client lives for one run; what Halo refuses or garbles of one issue is
that issue's own, and only a token or a listing is about us.
Does not do: writing anything to Halo.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import structlog
from msgspec.structs import replace

from job.core.findings import CveDetails, Finding, Gone, Unreadable
from job.core.ids import IssueId
from job.core.issues import Asset, Issue, IssueKind, IssueStatus
from job.errors import DetailRefused, MalformedAnswer, RemoteDown
from job.events import Event
from job.halo import bodies, findings, listing, wire
from job.halo.cves import Cves
from job.halo.signing import SignedCaller
from job.halo.survey import Survey
from job.halo.values import Body
from job.halo.wire import Listing, Page
from job.http.caller import Caller
from job.http.message import Request
from job.ports import Clock, Pieces

log = structlog.get_logger()

FILE_PAGES_MAX = 5
"""Of one fim finding: 500 changed files say as much as a ticket can."""
BROKEN_MAX = 5
"""So many single answers on end that Halo broke over are no trouble of single issues."""
YOUNG = timedelta(hours=1)
"""For so long after an issue was first seen its evidence may not be readable yet."""


class HaloClient:
    """`ports.HaloIssues` on the real protocol. `confide` is told each token before anybody can
    repeat it.
    """

    def __init__(
        self,
        *,
        caller: Caller,
        base_url: str,
        key: str,
        secret: str,
        clock: Clock,
        confide: Callable[[str], None] = lambda token: None,
    ) -> None:
        self._caller = caller
        self._base_url = base_url.rstrip("/")
        self._clock = clock
        self._signed = SignedCaller(
            caller,
            token_request=wire.token_request(self._base_url, key=key, secret=secret),
            clock=clock,
            confide=confide,
        )
        self.survey = Survey(self._signed, base_url=self._base_url, clock=clock)
        self.older_than = self.survey.older_than
        self._assets: dict[str, Asset | Gone | Unreadable | DetailRefused] = {}
        self._cves = Cves(self._found, base_url=self._base_url)
        self._broken_on_end = 0
        self._told: set[str] = set()
        """Rows without an id."""
        self._asking_for: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def sign_in(self) -> datetime | None:
        return await self._signed.sign_in()

    def changed(self, *, since: datetime | None, until: datetime) -> Sequence[Pieces]:
        """From the beginning on nothing is filtered: both go by creation, which is never null."""
        stamps = ((IssueStatus.ACTIVE, wire.LAST_SEEN), (IssueStatus.RESOLVED, wire.RESOLVED))
        wanted = [
            Listing(status=of, stamp=stamp if since else wire.CREATED, since=since)
            for of, stamp in stamps
        ]
        return [self._read(part, until=until) for part in wanted]

    async def active(self) -> Pieces:
        """What it cannot reach is no reason to wait: `changed` reaches it by another timestamp."""
        wanted = Listing(status=IssueStatus.ACTIVE, stamp=wire.CREATED)
        async for piece in self._read(wanted, until=self._clock.now()):
            yield [issue for issue in piece if issue.has_id]

    async def issue(self, issue_id: IssueId) -> Issue | None:
        request = wire.issue_request(self._base_url, issue_id=issue_id)
        try:
            body = await self._found(request, doing=f"reading issue {issue_id}")
        except DetailRefused as error:
            return Issue.illegible(issue_id, why=str(error))
        except MalformedAnswer as error:
            return Issue.illegible(issue_id, why=_about_one(error))
        if body is None:
            return None
        issue = bodies.listed_issue(body)
        if issue.id == issue_id:
            return issue
        why = issue.unreadable or f"Halo answered with issue {issue.id}."
        return Issue.illegible(issue_id, why=why)

    async def finding(self, issue: Issue) -> Finding | Gone | Unreadable | None:
        """One of another shape than its type's is shown as it comes."""
        if not issue.finding_url:
            return None
        pages: list[Body] = []
        try:
            pages += await self._finding_pages(issue)
            if not pages:
                return Gone(url=issue.finding_url, early=_is_young(issue, now=self._clock.now()))
            return findings.reader(issue.kind)(pages)
        except MalformedAnswer as error:
            unreadable = _unreadable(error, issue=issue, url=issue.finding_url)
            return findings.other(pages, why=unreadable.why) if any(pages) else unreadable

    async def _finding_pages(self, issue: Issue) -> list[Body]:
        """All pages of its body; none if it is gone."""
        pages: list[Body] = []
        url = issue.finding_url
        while url and len(pages) < FILE_PAGES_MAX:
            body = await self._detail(url, doing=f"reading the finding of issue {issue.id}")
            if body is None:
                return []
            pages.append(body)
            url = findings.more_files(body) if issue.kind is IssueKind.FIM else ""
        if url:
            log.warning(Event.HALO_FILES_CUT, issue_id=issue.id, pages=len(pages))
        return pages

    async def asset(self, issue: Issue) -> Asset | Gone | Unreadable | None:
        """One that is refused is not asked for again either: it may take two minutes to learn."""
        url = issue.asset_url
        if not url:
            return None
        async with self._asking_for[url]:
            if url not in self._assets:
                self._assets[url] = await self._described_asset(issue)
        asset = self._assets[url]
        if isinstance(asset, DetailRefused):
            raise DetailRefused(asset.message)
        return asset

    async def _described_asset(self, issue: Issue) -> Asset | Gone | Unreadable | DetailRefused:
        url = issue.asset_url
        try:
            body = await self._detail(url, doing=f"reading the asset {url}")
            return Gone(url=url) if body is None else bodies.asset(body)
        except DetailRefused as error:
            return error
        except MalformedAnswer as error:
            return _unreadable(error, issue=issue, url=url)

    async def cve(self, cve_id: str) -> CveDetails | None:
        return await self._cves.details(cve_id)

    def _read(self, wanted: Listing, *, until: datetime) -> Pieces:
        return listing.read(wanted, until=until, fetch=self._pages, told=self._told)

    async def _pages(self, wanted: Listing, numbers: Sequence[int]) -> list[Page]:
        async def page(number: int) -> Page:
            answer = await self._signed.answer(
                wire.page_request(self._base_url, listing=wanted, page=number)
            )
            return wire.page(answer, listing=wanted, number=number)

        return await self._caller.each(page, numbers)

    async def _detail(self, url: str, *, doing: str) -> Body | None:
        return await self._found(wire.detail_request(self._base_url, url=url), doing=doing)

    async def _found(self, request: Request, *, doing: str) -> Body | None:
        # To learn that Halo breaks over one takes two minutes: when several have, others are asked
        # once.
        request = replace(request, patient=self._broken_on_end < BROKEN_MAX)
        try:
            answer = await self._signed.answer(request)
        except RemoteDown as failure:
            if not wire.broken_over(failure, request=request):
                raise
            self._broken_on_end += 1
            raise DetailRefused(f"While {doing}: Halo {failure.happened}") from failure
        self._broken_on_end = 0
        return wire.found(answer, doing=doing)


def _is_young(issue: Issue, *, now: datetime) -> bool:
    seen_at = issue.first_seen_at or issue.created_at
    return seen_at is not None and now - seen_at < YOUNG


def _about_one(error: MalformedAnswer) -> str:
    """What is wrong with an answer about one thing. Raises the error if it is about us."""
    if error.doing == wire.SIGNING_IN:
        raise error
    return error.happened


def _unreadable(error: MalformedAnswer, *, issue: Issue, url: str) -> Unreadable:
    """What a finding or an asset is whose answer cannot be read."""
    why = _about_one(error)
    log.warning(Event.HALO_DETAIL_UNREADABLE, issue_id=issue.id, url=url, error=why)
    return Unreadable(url=url, why=why)
