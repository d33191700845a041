"""Options that several commands have, each spelled once.

Promises: an option means the same wherever it stands.
Does not do: the commands (`cli.py`, `cli_memory.py`).
"""

from collections.abc import Callable
from typing import TypeVar

import click

T = TypeVar("T")


def since_option(command: Callable[..., int]) -> Callable[..., int]:
    """`--since`, the same for `run` and `plan`."""
    words = "Look at everything from TIME on: an ISO time (UTC unless it says otherwise), minutes, "
    return click.option("--since", metavar="TIME", help=f"{words}12h, 7d, or `all`.")(command)


def yes_option(command: Callable[..., int]) -> Callable[..., int]:
    """`--yes`, for what changes memory."""
    return click.option("--yes", is_flag=True, help="Do not ask.")(command)


def json_option(command: Callable[..., T]) -> Callable[..., T]:
    """`--json`: one JSON object a line, as where no terminal listens."""

    def speak(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:  # noqa: FBT001 -- click calls it so
        if wanted:
            ctx.obj.speak_json()

    words = "One JSON object a line, also on a terminal."
    return click.option("--json", is_flag=True, expose_value=False, callback=speak, help=words)(
        command
    )
