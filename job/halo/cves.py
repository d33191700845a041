"""What Halo tells of single vulnerabilities: looked up once each, and read.

Promises: no vulnerability is asked for twice in a run, whatever came of it; a look-up that fails
costs nobody a ticket, and after one that says that none will succeed no other is tried. CVSS 3
counts where it is there, word by word, and CVSS 2 where it is not.
Does not do: choosing which to look up (`flow/prepare.py`), or putting a vector into words
(`job/core/kinds/packages.py`).

GET /v1/cve_details/{id}; keys have spaces and capitals: `CVE`, `summary`, `CVSS Metrics`, `CVSS v3
Metrics` (Halo's Python SDK, test_integration_cve_details; cloudpassage/custom_sva_report).
"""

import asyncio
from collections import defaultdict
from typing import Any, Protocol

import structlog

from job.core.findings import CveDetails
from job.errors import DetailRefused, MalformedAnswer, RemoteDown
from job.events import Event
from job.halo import wire
from job.halo.values import Body, number, prose, text
from job.http.message import Request

log = structlog.get_logger()

REFUSED_MAX = 3
"""So many refusals on end are about the question, not about a vulnerability. A 404 is none."""


class Ask(Protocol):
    """Asks for one object; `None` where there is none. Raises `DetailRefused`, `MalformedAnswer`
    and `RemoteDown`.
    """

    async def __call__(self, request: Request, *, doing: str) -> Body | None: ...


class Cves:
    """What one run has looked up."""

    def __init__(self, ask: Ask, *, base_url: str) -> None:
        self._ask = ask
        self._base_url = base_url
        self._known: dict[str, CveDetails | None] = {}
        self._asking_for: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._refused = 0

    async def details(self, cve_id: str) -> CveDetails | None:
        """`None` where Halo has none, or cannot be asked."""
        async with self._asking_for[cve_id]:
            if cve_id not in self._known and self._refused < REFUSED_MAX:
                self._known[cve_id] = await self._look_up(cve_id)
        return self._known.get(cve_id)

    async def _look_up(self, cve_id: str) -> CveDetails | None:
        request = wire.cve_request(self._base_url, cve_id=cve_id)
        try:
            body = await self._ask(request, doing=f"reading {cve_id:.60}")
        except RemoteDown as failure:
            # It took minutes to learn that; the ticket is wanted before the next attempt ends.
            self._give_up(str(failure), refused=REFUSED_MAX)
            return None
        except (DetailRefused, MalformedAnswer) as failure:
            if isinstance(failure, MalformedAnswer) and failure.doing == wire.SIGNING_IN:
                raise
            self._give_up(str(failure), refused=self._refused + 1)
            return None
        self._refused = 0
        return None if body is None else read(body, cve_id=cve_id)

    def _give_up(self, why: str, *, refused: int) -> None:
        """Says so when it is for the rest of the run."""
        if self._refused < REFUSED_MAX <= refused:
            log.warning(Event.HALO_CVES_UNREAD, error=why)
        self._refused = refused


def read(body: Body, *, cve_id: str) -> CveDetails:
    """One answer. What is odd in it is nothing."""
    two, three = _object(body, "CVSS Metrics"), _object(body, "CVSS v3 Metrics")
    return CveDetails(
        id=cve_id,
        summary=prose(body.get("summary")),
        score=number(two.get("score")),
        severity=_word(three.get("base_severity")),
        attack_vector=_word(three.get("attack_vector")) or _word(two.get("access_vector")),
        complexity=_word(three.get("attack_complexity")) or _word(two.get("access_complexity")),
        privileges=_word(three.get("privileges_required")) or _word(two.get("authentication")),
        interaction=_word(three.get("user_interaction")),
    )


def _object(body: Body, key: str) -> Body:
    """The object under this key; an empty one for anything else, for metrics may be missing."""
    value = body.get(key)
    return value if isinstance(value, dict) else {}


def _word(value: Any) -> str:
    return text(value).strip().upper() if isinstance(value, str) else ""
