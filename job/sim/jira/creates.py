"""The operations that create tickets: one, or up to fifty in a call.

Promises: bulk creates say every failure by its 0-based place, in both places where Jira puts them.
Bulk creation goes one by one and is not a transaction: an injected break leaves a prefix behind.
Does not do: checking values (writes.py).
Source: Jira Cloud REST v3, POST /issue and /issue/bulk.
"""

from random import Random
from typing import Any, Final

from job.sim.call import LOST, Answer, json_answer
from job.sim.faults import Faults
from job.sim.jira.bodies import Bodies
from job.sim.jira.request import Request
from job.sim.jira.screens import RefusedAll
from job.sim.jira.sentences import Refused
from job.sim.jira.tickets import Ticket
from job.sim.jira.writes import Draft, Writes

BULK_MAX: Final = 50
_BULK_KEYS: Final = frozenset({"issueUpdates"})


class Creates:
    """New tickets in the name of our account."""

    def __init__(self, *, writes: Writes, bodies: Bodies, faults: Faults, draw: Random) -> None:
        self._writes = writes
        self._bodies = bodies
        self._faults = faults
        self._random = draw

    def create(self, request: Request) -> Answer:
        ticket = self._writes.create(self._draft(request, body=request.json()))
        return json_answer(self._created(ticket), status=201)

    def create_bulk(self, request: Request) -> Answer:
        elements = request.closed(_BULK_KEYS).get("issueUpdates")
        if not isinstance(elements, list):
            raise Refused("bad_payload")
        if not 1 <= len(elements) <= BULK_MAX:
            raise Refused("bulk_size", BULK_MAX)
        stop_after = (
            self._random.randrange(len(elements))
            if self._faults.strikes("bulk_prefix")
            else len(elements)
        )
        created: list[dict[str, str]] = []
        errors: list[dict[str, Any]] = []
        for place, element in enumerate(elements[:stop_after]):
            try:
                created.append(
                    self._created(self._writes.create(self._draft(request, body=element)))
                )
            except (Refused, RefusedAll) as refused:
                errors.append(_element_error(refused, place=place))
        if stop_after < len(elements):
            return LOST
        if self._faults.strikes("shuffled_successes"):
            self._random.shuffle(created)
        return json_answer({"issues": created, "errors": errors}, status=201 if created else 400)

    def _draft(self, request: Request, *, body: Any) -> Draft:
        if not request.signed_in:
            raise Refused("project", field="project")
        return self._writes.draft(body)

    def _created(self, ticket: Ticket) -> dict[str, str]:
        return {
            "id": str(ticket.id),
            "key": ticket.key,
            "self": self._bodies.url(f"issue/{ticket.id}"),
        }


def _element_error(refused: Refused | RefusedAll, *, place: int) -> dict[str, Any]:
    """Messages without a field go into errorMessages, the others into errors: clients must read
    both.
    """
    every = refused.refusals if isinstance(refused, RefusedAll) else [refused]
    return {
        "status": 400,
        "elementErrors": {
            "errorMessages": [str(refusal) for refusal in every if refusal.field is None],
            "errors": {
                refusal.field: str(refusal) for refusal in every if refusal.field is not None
            },
        },
        "failedElementNumber": place,
    }
