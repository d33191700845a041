"""What there is on the site: the create screen of each destination, and the id field.

Promises: each create screen is read once a run, however many ask for it.
Does not do: judging what the screen allows (`core/fields.py`).
"""

from msgspec.structs import replace

from job.core import field_checks
from job.core.routes import Destination
from job.core.shape import CreateScreen, FieldSpec, TicketSettings
from job.jira.connection import Connection
from job.jira.remembered import Remembered
from job.jira.wire import metadata


class Catalogue:
    """Jira's metadata, as far as it was asked for."""

    def __init__(self, connection: Connection, *, home: Destination) -> None:
        self._connection = connection
        self._screens = Remembered[tuple[str, str], CreateScreen]()
        self._fields = Remembered[str, frozenset[str]]()
        self._people = Remembered[tuple[str, str], str | None]()
        self.home = home
        """The destination whose create screen tells what kind of field the id field is."""
        self.id_field_id = metadata.certain_id(home.tickets)
        """Jira's id of the id field; `None` until a screen was read, where the settings name it."""

    async def create_screen(self, destination: Destination) -> CreateScreen:
        """Raises `BadSettings` for a project, ticket type or id field that is not there, or an id
        field that is another one than at home: tickets are found by one field alone.
        """
        settings = destination.tickets
        screen = await self._screen(settings)
        if self.home.tickets != settings:
            at_home = (await self._screen(self.home.tickets)).id_field
            if screen.id_field.id != at_home.id:
                raise metadata.other_id_field(screen, at_home=at_home, settings=settings)
        names = field_checks.names(settings)
        if all(screen.matching(name) for name in names):
            return screen
        return replace(screen, elsewhere=await self._fields.get("all", read=self._read_fields))

    async def person(self, email: str, *, project: str) -> str | None:
        """The account id of whoever has this address and may be assigned in this project; `None`
        for nobody, or several.
        """
        connection = self._connection

        async def ask() -> str | None:
            request = metadata.assignable(connection.site, project, query=email)
            body = await connection.ask(request, doing="looking for a person")
            return metadata.account_of(body, email=email)

        return await self._people.get((project, email.casefold()), read=ask)

    async def _screen(self, settings: TicketSettings) -> CreateScreen:
        key = (settings.project_key, settings.ticket_type)
        return await self._screens.get(key, read=lambda: self._read_screen(settings))

    async def _read_fields(self) -> frozenset[str]:
        """The fields of the site, by all their names. Asked for only where a name is missed."""
        connection = self._connection
        body = await connection.ask(metadata.fields(connection.site), doing=metadata.DOING)
        return metadata.field_names(body)

    @property
    def _at_home(self) -> tuple[str, str]:
        return self.home.tickets.project_key, self.home.tickets.ticket_type

    async def id_field(self) -> FieldSpec:
        """The field that holds the id of the issue."""
        return (await self._screen(self.home.tickets)).id_field

    async def _read_screen(self, settings: TicketSettings) -> CreateScreen:
        connection = self._connection
        site, project = connection.site, settings.project_key
        types = await connection.list_all(
            lambda start: metadata.ticket_types(site, project, start=start),
            key=metadata.TYPES,
            missing=frozenset({400, 403, 404}),
        )
        if not types:
            known = await connection.send(metadata.projects(site), doing=metadata.DOING)
            raise metadata.no_project(settings, known=known)
        chosen = metadata.chosen_type(types, settings=settings)
        fields = await connection.list_all(
            lambda start: metadata.screen_request(site, project, type_id=chosen.id, start=start),
            key=metadata.FIELDS,
        )
        screen = metadata.create_screen(fields, settings=settings, chosen=chosen)
        if (settings.project_key, settings.ticket_type) == self._at_home:
            self.id_field_id = screen.id_field.id
        return screen
