"""What there is on the site: the create screen of each destination, and the id field.

Promises: each create screen is read once a run, however many ask for it.
Does not do: judging what the screen allows (`core/fields.py`).
"""

from job.core.routes import Destination
from job.core.shape import CreateScreen, FieldSpec
from job.jira.connection import Connection
from job.jira.remembered import Remembered
from job.jira.wire import metadata


class Catalogue:
    """Jira's metadata, as far as it was asked for."""

    def __init__(self, connection: Connection, *, home: Destination) -> None:
        self._connection = connection
        self._screens = Remembered[tuple[str, str], CreateScreen]()
        self.home = home
        """The destination whose create screen tells what kind of field the id field is."""
        self.id_field_id = metadata.certain_id(home.tickets)
        """Jira's id of the id field; `None` until a screen was read, where the settings name it."""

    async def create_screen(self, destination: Destination) -> CreateScreen:
        """Raises `BadSettings` for a project, ticket type or id field that is not there."""
        settings = destination.tickets
        key = (settings.project_key, settings.ticket_type)
        return await self._screens.get(key, read=lambda: self._read_screen(destination))

    async def id_field(self) -> FieldSpec:
        """The field that holds the id of the issue."""
        return (await self.create_screen(self.home)).id_field

    async def _read_screen(self, destination: Destination) -> CreateScreen:
        connection, settings = self._connection, destination.tickets
        site, project = connection.site, settings.project_key
        types = await connection.list_all(
            lambda start: metadata.ticket_types(site, project, start=start),
            key=metadata.TYPES,
            missing=frozenset({400, 403, 404}),
        )
        if not types:
            known = await connection.send(metadata.projects(site), doing=metadata.DOING)
            raise metadata.no_project(project, known=known)
        chosen = metadata.chosen_type(types, settings=settings)
        fields = await connection.list_all(
            lambda start: metadata.screen_request(site, project, type_id=chosen.id, start=start),
            key=metadata.FIELDS,
        )
        screen = metadata.create_screen(fields, settings=settings, chosen=chosen)
        self.id_field_id = screen.id_field.id
        return screen
