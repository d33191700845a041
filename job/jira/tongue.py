"""What the workflow calls a status, where our account sees it in another language.

Promises: nothing is asked for an account that reads English, or where Jira tells it unasked; each
project is asked once a run.
Does not do: comparing names (`core/statuses.py`).
"""

from collections.abc import Mapping

from msgspec.structs import replace

from job.core.model import Ticket
from job.core.statuses import Status
from job.jira.connection import Connection
from job.jira.remembered import Remembered
from job.jira.wire import workflows


class Tongue:
    """The names of statuses, by project and id."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._names = Remembered[str, Mapping[str, str]]()

    async def ticket(self, ticket: Ticket) -> Ticket:
        """The ticket, with what the workflow calls its status."""
        return ticket.at(await self.status(ticket.standing, project=ticket.project))

    async def status(self, status: Status, *, project: str) -> Status:
        """The status, with what the workflow calls it."""
        if status.untranslated or not self._connection.reads_translations:
            return status
        names = await self._names.get(project, read=lambda: self._read(project))
        return replace(status, untranslated=names.get(status.id, ""))

    async def _read(self, project: str) -> Mapping[str, str]:
        """Nothing where we may not see the project: names as they are shown must do then."""
        site, doing = self._connection.site, workflows.ASKING
        response = await self._connection.send(
            workflows.statuses_request(site, project), doing=doing
        )
        if response.status == 404:
            return {}
        told = workflows.statuses(site.answer(response, doing=doing), ticket_type="")
        return {known.id: known.untranslated for known in told}
