"""Decides whether it may be believed when a search finds nothing, and whose ids are there already.

Promises: nothing is searched for before Jira has found a ticket that is known to hold an id, where
there is one; a first run learns whether the ids that tickets hold already are of issues that this
Halo account knows.
Does not do: searching (`lookup.py`), or refusing a plan (`core/plan.py`).
"""

import asyncio
from collections.abc import Iterable

from job.core.cases import Scope
from job.core.ids import IssueId, as_halo_writes
from job.errors import IssueFailed
from job.ports import HaloIssues, Ports

SAMPLE = 20
"""So many ids are asked for, to tell whether they are of this Halo account."""


class Trust:
    """One run's trust in searches. `canary` and `strangers` say afterwards what was seen."""

    def __init__(self, ports: Ports, *, scope: Scope) -> None:
        self.canary = scope.canary
        """An issue whose ticket is found by its id."""
        self.strangers: tuple[str, ...] = ()
        """What tickets hold in the id field, where nothing of it is an id that Halo knows."""
        self._ports = ports
        self._scope = scope
        self._asking = asyncio.Lock()
        self._may_find: bool | None = None

    async def may_find(self) -> bool:
        """Whether a search may find anything: not where nothing holds an id and memory knows of no
        ticket either. Asked once a run. Raises what `prove_search` raises.
        """
        async with self._asking:
            if self._may_find is None:
                self._may_find = await self._prove()
            return self._may_find

    async def _prove(self) -> bool:
        begins, routes = self._scope.begins, self._scope.policy.routes
        first_in = {destination.project for destination in routes.destinations} if begins else set()
        proof = await self._ports.jira.prove_search(canary=self.canary, first_in=first_in)
        self.canary = proof.canary
        ids = [known for held in proof.held if (known := as_halo_writes(held))]
        if proof.held and not await knows_any(self._ports.halo, ids):
            self.strangers = proof.held
        return proof.in_use or not begins


async def knows_any(halo: HaloIssues, ids: Iterable[IssueId]) -> bool:
    """Whether Halo knows at least one of the first twenty of these issues, however old it is."""
    for issue_id in list(ids)[:SAMPLE]:
        try:
            if await halo.issue(issue_id) is not None:
                return True
        except IssueFailed:
            continue  # it is known, perhaps, but cannot be read: the next one tells
    return False
