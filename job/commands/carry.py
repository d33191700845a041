"""Turns a folder of the original's routing rules into one file of routes.

Promises: no network and no settings are needed; a file that is there is never written over; all
that is not carried is told, here and in the file.
Does not do: the turning (`settings/older_routes.py`).
"""

from pathlib import Path

import click

from job.commands.context import CommandContext
from job.console.protocol import Table
from job.events import Event
from job.settings import older_routes

ENDINGS = frozenset({".yaml", ".yml"})


def routes(context: CommandContext, *, folder: str, out: str) -> int:
    """Writes the routes, tells what is not carried, and returns the exit code. Raises
    `click.UsageError`.
    """
    files = _files(Path(folder))
    carried = older_routes.carry(files)
    try:
        with Path(out).open("x", encoding="utf-8") as file:
            file.write(carried.text)
    except OSError as error:
        raise click.UsageError(f"{out} cannot be written: {error.strerror}.") from None
    if carried.remarks:
        rows = tuple((it.file, str(it.line), it.says) for it in carried.remarks)
        columns = ("file", "line", "what")
        shown = Table(title="Not carried", columns=columns, rows=rows, shares=(0, 0, 1))
        context.console.show(shown)
    made, left = len(carried.names), len(carried.remarks)
    said = f"Made {made} routes of {len(files)} files in {out}; {left} things are not carried. "
    said += "Read its comments, then try it with `routes test`."
    context.console.say(Event.TAKEOVER_ROUTED, said, facts={"routes": made, "not_carried": left})
    return 0


def _files(folder: Path) -> list[tuple[str, str]]:
    """The name and the text of each rule, in the order of their names."""
    try:
        paths = sorted(path for path in folder.iterdir() if path.suffix in ENDINGS)
        files = [(path.name, path.read_text(encoding="utf-8")) for path in paths]
    except OSError as error:
        raise click.UsageError(f"{error.filename} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise click.UsageError(f"{folder} holds a rule that is not a text in UTF-8.") from None
    if not files:
        raise click.UsageError(f"{folder} holds no rules: no file ends in .yaml or .yml.")
    return files
