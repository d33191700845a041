"""Which statuses the tickets of a project can have (Jira Cloud REST v3, "project/{key}/statuses").

Promises: of several ticket types the one that is asked for counts, and all where it is not named.
Does not do: transitions, which show only on a ticket (`transitions.py`).
"""

from typing import Any

from job.core.statuses import Status
from job.http.message import Request
from job.jira.wire.exchange import Site, readable
from job.jira.wire.tickets import status

ASKING = "asking which statuses there are"


def statuses_request(site: Site, project: str) -> Request:
    return site.request("GET /rest/api/3/project/{project}/statuses", ids={"project": project})


def statuses(body: Any, *, ticket_type: str) -> list[Status]:
    """Each once, in Jira's order."""
    with readable(ASKING):
        types = [(str(raw["id"]), raw["name"], raw["statuses"]) for raw in body]
        mine = [
            raws
            for type_id, name, raws in types
            if ticket_type == type_id or ticket_type.casefold() == name.casefold()
        ]
        found = [status(raw) for raws in mine or [raws for *_, raws in types] for raw in raws]
    return list({known.id or known.name: known for known in found}.values())
