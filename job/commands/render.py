"""Shows a ticket and its next comment as people would read them: of an issue, or of a saved one.

Promises: nothing is written but the page that was asked for; a saved issue asks for no credentials
and no network, and only `HALO_LINK` of the settings counts for it.
Does not do: wording (`flow/preview.py`), or laying out (`core/reading.py`, `core/markup.py`).
"""

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import click

from job.commands.context import EVERYTHING, CommandContext
from job.core import foretold, markup, tickets
from job.core.rewritten import rewritten
from job.core.routes import CommentRule, Destination, Goal, Workflow
from job.core.shape import CreateScreen, FieldSpec, TicketSettings
from job.core.sheets import Sheet, ticket_sheet
from job.errors import BadSettings, MalformedAnswer, Problem
from job.events import Event
from job.flow.preview import preview
from job.flow.setup import Setup
from job.halo.saved import saved
from job.settings.halo_link import portal_template
from job.settings.parse import Unfit

FILE_MAX: Final = 64_000_000
"""Bytes of a saved issue."""
_ID: Final = FieldSpec(
    id="halo_issue",
    name="Halo issue",
    type="string",
    custom="com.atlassian.jira.plugin.system.customfieldtypes:textfield",
)
_TEXT: Final = FieldSpec(id="description", name="Description", type="string", system="description")
_SCREEN: Final = CreateScreen(
    project_key="?",
    type_id="",
    type_name="",
    id_field=_ID,
    fields={_ID.id: _ID, _TEXT.id: _TEXT},
)
"""A screen that takes what every ticket has."""


def render(context: CommandContext, *, about: str, html: str | None) -> int:
    """Shows both, and returns the exit code. `about` is the path of a file, else Halo's id of an
    issue, or a ticket's key or id.
    """
    if Path(about).is_file():
        _show(context, _of_file(context, path=about), html=html)
        return 0
    if about.endswith(".json") or "/" in about:
        raise click.BadParameter(f"There is no file {about!r}.")

    async def work(setup: Setup, _: asyncio.Event) -> int:
        sheets = await preview(setup, about=about)
        if sheets is None:
            raise click.BadParameter(
                f"Nobody knows {about!r}: it is no file, no issue of this Halo account, and no "
                "ticket that names one."
            )
        _show(context, sheets, html=html)
        return 0

    return context.work(EVERYTHING, work)


def _show(context: CommandContext, sheets: Sequence[Sheet], *, html: str | None) -> None:
    if html is None:
        for sheet in sheets:
            context.console.show_sheet(sheet)
        return
    title = sheets[0].summary or sheets[0].title
    try:
        Path(html).write_text(markup.page(sheets, title=title), encoding="utf-8")
    except OSError as error:
        raise click.UsageError(f"{html} cannot be written: {error.strerror}.") from None
    context.console.say(Event.PAGE_WRITTEN, f"Written to {html}.", facts={"path": html})


# --- A saved issue --------------------------------------------------------------------------------


def _of_file(context: CommandContext, *, path: str) -> list[Sheet]:
    try:
        both = saved(_read(path))
    except MalformedAnswer as error:
        raise click.BadParameter(f"{path} holds no saved issue. {error.happened}") from None
    clean = [
        rewritten(evidence, context.redactor.text)
        for evidence in (both.now, both.before)
        if evidence is not None
    ]
    now, before = clean[0], clean[1] if len(clean) > 1 else None
    link, at = _halo_link(context), context.clock.now()
    draft = tickets.draft(before or now, destination=_destination(link), screen=_SCREEN, made_at=at)
    return [
        ticket_sheet(draft, screen=_SCREEN, title="Ticket"),
        foretold.next_comment(now, before=before, halo_link=link, at=at),
    ]


def _read(path: str) -> Any:
    try:
        with Path(path).open("rb") as file:
            content = file.read(FILE_MAX + 1)
    except OSError as error:
        raise click.UsageError(f"{path} cannot be read: {error.strerror}.") from None
    if len(content) > FILE_MAX:
        raise click.BadParameter(f"{path} has more than {FILE_MAX:,} bytes.")
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        raise click.BadParameter(f"{path} is no JSON: {error}.") from None


def _halo_link(context: CommandContext) -> str:
    _, words = context.first_set("HALO_LINK")
    try:
        return portal_template(words)
    except Unfit as unfit:
        raise BadSettings([Problem("HALO_LINK", unfit.wrong, unfit.allowed)]) from None


def _destination(halo_link: str) -> Destination:
    """Where a ticket goes of which only the words are looked at."""
    shape = TicketSettings(
        project_key=_SCREEN.project_key, ticket_type="", id_field=_ID.name, halo_link=halo_link
    )
    workflow = Workflow(close=Goal(transition=""), reopen=Goal(transition=""), closed=frozenset())
    return Destination(tickets=shape, workflow=workflow, comment_rule=CommentRule())
