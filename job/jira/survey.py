"""Looks over a site for `check`: how we sign in there, what is there, and what we may do.

Promises: nothing is written.
Does not do: judging what it finds (`job/commands/checks/`), or looking at workflows
(`rehearsal.py`).
"""

from collections.abc import Collection

from job.jira.connection import Connection
from job.jira.wire import metadata, survey
from job.jira.wire.access import Door
from job.jira.wire.survey import Project


class Survey:
    """One site, looked at by the account that runs work as."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.web_address = connection.web_address
        self.scopes = connection.scopes

    @property
    def door(self) -> Door:
        """Where the site is asked, and how we sign in there."""
        return self._connection.site.door

    async def project(self, key: str) -> Project:
        connection, doing = self._connection, survey.ASKING_PROJECT
        response = await connection.send(survey.project_request(connection.site, key), doing=doing)
        if response.status == 404:
            seen = await connection.send(metadata.projects(connection.site), doing=doing)
            return Project(key=key, there=False, others=survey.keys(seen))
        archived = survey.is_archived(connection.site.answer(response, doing=doing))
        return Project(key=key, there=True, archived=archived)

    async def rights(self, key: str, *, names: Collection[str]) -> frozenset[str]:
        """Which of these permissions we have in a project."""
        request = survey.rights_request(self._connection.site, key, names=names)
        return survey.rights(await self._connection.ask(request, doing=survey.ASKING_RIGHTS))
