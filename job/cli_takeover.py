"""The command line of `takeover`: how those come who ran jira_halo_issues_sync before.

Promises: whatever changes anything has `--yes`.
Does not do: the work (`commands/takeover.py`, `commands/carry.py`).
"""

import click

from job.cli_options import json_option, yes_option
from job.commands import takeover
from job.commands.context import CommandContext


@click.group("takeover")
def takeover_group() -> None:
    """Take over the tickets that jira_halo_issues_sync has made."""


@takeover_group.command("plan")
@click.option("--all", "every", is_flag=True, help="List every ticket, the certain ones as well.")
@json_option
@click.pass_obj
def takeover_plan_command(context: CommandContext, *, every: bool) -> int:
    """Show what each ticket is and what would be written for it. Writes to neither side."""
    return takeover.plan(context, every=every)


@takeover_group.command("apply")
@click.argument("digest", metavar="DIGEST")
@yes_option
@json_option
@click.pass_obj
def takeover_apply_command(context: CommandContext, *, digest: str, yes: bool) -> int:
    """Write what the plan of this DIGEST names: links, our property, and the ids of orphans."""
    return takeover.carry_out(context, digest=digest, yes=yes)


@takeover_group.command("undo")
@yes_option
@json_option
@click.pass_obj
def takeover_undo_command(context: CommandContext, *, yes: bool) -> int:
    """Take back exactly what `takeover apply` wrote."""
    return takeover.undo(context, yes=yes)


@takeover_group.command("routes")
@click.argument("folder", metavar="DIR", type=click.Path(exists=True, file_okay=False))
@click.option(
    "--out",
    metavar="FILE",
    required=True,
    type=click.Path(dir_okay=False),
    help="A new file for the routes.",
)
@json_option
@click.pass_obj
def takeover_routes_command(context: CommandContext, *, folder: str, out: str) -> int:
    """Turn the rules in DIR (config/routing of version 3) into routes. Needs no network and no
    accounts.
    """
    from job.commands import carry  # noqa: PLC0415 -- YAML is slow to import

    return carry.routes(context, folder=folder, out=out)
