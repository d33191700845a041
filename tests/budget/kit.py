"""What a run costs: calls to both vendors by request, and operations of the store, counted where
they arrive.
"""

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

from job.core.memory import RunRecord
from job.core.shape import TicketSettings
from tests.kit.builders import policy
from tests.kit.tube import QUIET, Tube

SIZES = (1, 50, 120, 1_000)
FEW = (1, 120)
HOUR_S = 3_600.0

CREATE = "POST /issue/bulk"
COMMENT = "POST /issue/{key}/comment"
EDIT = "PUT /issue/{key}"
MOVE = "POST /issue/{key}/transitions"
WAYS = "GET /issue/{key}/transitions"
READ = "POST /issue/bulkfetch"
SEARCH = "POST /search/jql"
LIST = "GET /v3/issues"
FINDING = "GET /v1/scans/{id}/findings/{id}"
ASSET = "GET /v1/servers/{id}"

TOKEN = {"POST /oauth/access_token": 1}
MYSELF = {"GET /myself": 1}
WHICH_SITE = Counter({"GET /_edge/tenant_info": 1})
CREATE_METADATA = {
    "GET /issue/createmeta/{project}/issuetypes": 1,  # which id the ticket type's name has
    "GET /issue/createmeta/{project}/issuetypes/{id}": 1,  # which fields may be filled, and how
}
ID_METADATA = {"GET /jql/autocompletedata": 1}  # whether the id field is searched by `in` or `~`
UNDERSTOOD = {"POST /jql/parse": 1}  # whether Jira understands how we search, in a run that does
CANARY = 1
"""One search, in a run that searches: whether a ticket that is known to hold an id is found."""
A_BATCH = 50
"""So many tickets are closed before they are seen closed, in one read."""
HIGHEST_KEY = 1
"""One search, once for each deployment: later runs know the newest key from the watermark. A
lost create is looked for among the keys above it.
"""
IN_USE = 1
"""One search, until the first ticket was made: whether any ticket holds a Halo id at all."""


def batches(many: int, *, of: int) -> int:
    return -(-many // of)


def lists(active: int, resolved: int) -> dict[str, int]:
    """The pages of both lists; an empty one is a page as well."""
    return {LIST: max(1, batches(active, of=100)) + max(1, batches(resolved, of=100))}


@dataclass
class Bill:
    """What was spent within a block."""

    halo: Counter[str]
    jira: Counter[str]
    store: Counter[str]


class Shop:
    """A deployment whose runs are billed."""

    def __init__(
        self,
        *,
        comments: bool = True,
        settings: TicketSettings = QUIET.routes.default.tickets,
    ) -> None:
        self.tube = Tube(policy=policy(comments=comments, tickets=settings))
        self.tube.look_back = timedelta(hours=1)  # less than the time between two sweeps

    def opens(self, many: int, *, on: list[str] | None = None) -> list[str]:
        """Issues with evidence of one page, on these assets or on any."""
        estate = self.tube.halo.estate
        assets = on or [estate.add_asset()]
        return [
            estate.open_issue(type="csm", asset=assets[place % len(assets)])
            for place in range(many)
        ]

    async def settle(self) -> None:
        """Two runs an hour apart, after which nothing is listed again: a run begins two overlaps
        before the last.
        """
        for _ in range(2):
            await self.run()
            await asyncio.sleep(HOUR_S)

    async def run(self) -> Bill:
        """The bill of one run."""
        with self._billing() as bill:
            record = await self.tube.run()
        assert isinstance(record, RunRecord), record
        assert record.exit_code == 0, record.errors
        return bill

    @contextmanager
    def _billing(self) -> Iterator[Bill]:
        tube = self.tube
        counters = (tube.halo.calls, tube.jira.calls, tube.store.spent)
        before = [Counter(counter) for counter in counters]
        bill = Bill(Counter(), Counter(), Counter())
        yield bill
        bill.halo, bill.jira, bill.store = (
            Counter(c) - b for c, b in zip(counters, before, strict=True)
        )


def shop_with(many: int, *, comments: bool = True) -> Shop:
    """A shop with so many issues, before the run that creates their tickets."""
    shop = Shop(comments=comments)
    shop.opens(many)
    return shop
