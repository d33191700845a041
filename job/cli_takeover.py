"""The command line of `takeover`: how those come who ran jira_halo_issues_sync before.

Promises: whatever changes anything has `--yes`.
Does not do: the work (`commands/takeover.py`).
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
