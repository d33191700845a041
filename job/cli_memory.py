"""The command line of what looks into memory and mends it: `parked` and `state`.

Promises: whatever changes memory has `--yes`, or changes nothing that a run would not do anyway.
Does not do: the work (`commands/`).
"""

import click

from job.cli_options import json_option, yes_option
from job.commands import parked, restore, state
from job.commands.context import CommandContext


@click.group("parked", invoke_without_command=True)
@json_option
@click.pass_context
def parked_group(ctx: click.Context) -> int | None:
    """Look at issues that are set aside after failing (`parked list`), and mend that."""
    return None if ctx.invoked_subcommand else parked.show(ctx.obj)


@parked_group.command("list")
@json_option
@click.pass_obj
def parked_list_command(context: CommandContext) -> int:
    """Each with its error, its attempts, since when, and when it is tried again."""
    return parked.show(context)


@parked_group.command("retry")
@click.argument("ids", metavar="[ISSUE]...", nargs=-1)
@click.option("--all", "every", is_flag=True, help="All that are parked.")
@json_option
@click.pass_obj
def parked_retry_command(context: CommandContext, *, ids: tuple[str, ...], every: bool) -> int:
    """Have them tried again by the next run."""
    return parked.retry(context, ids=ids, every=every)


@parked_group.command("drop")
@click.argument("ids", metavar="ISSUE...", nargs=-1, required=True)
@yes_option
@json_option
@click.pass_obj
def parked_drop_command(context: CommandContext, *, ids: tuple[str, ...], yes: bool) -> int:
    """Set them down, until Halo touches them or a sweep looks at them."""
    return parked.drop(context, ids=ids, yes=yes)


@click.group("state")
def state_group() -> None:
    """Look into memory, and mend it by hand."""


@state_group.command("show")
@json_option
@click.pass_obj
def state_show_command(context: CommandContext) -> int:
    """Whose memory it is, how far it came, who holds a lease, and what is unfinished."""
    return state.show(context)


@state_group.command("runs")
@click.option("--limit", type=click.IntRange(1, 500), default=20, help="How many.")
@json_option
@click.pass_obj
def state_runs_command(context: CommandContext, *, limit: int) -> int:
    """The newest runs, and what became of each."""
    return state.runs(context, limit=limit)


@state_group.command("rebuild")
@yes_option
@json_option
@click.pass_obj
def state_rebuild_command(context: CommandContext, *, yes: bool) -> int:
    """Make the links again from Jira alone, and report issues with several tickets."""
    return restore.links(context, yes=yes)


@state_group.command("forget")
@click.argument("issue", metavar="ISSUE")
@yes_option
@json_option
@click.pass_obj
def state_forget_command(context: CommandContext, *, issue: str, yes: bool) -> int:
    """Drop the link of one issue; its ticket is found again by the id that it holds."""
    return restore.forget(context, text=issue, yes=yes)


@state_group.command("export")
@click.argument("path", metavar="FILE", type=click.Path(dir_okay=False))
@json_option
@click.pass_obj
def state_export_command(context: CommandContext, *, path: str) -> int:
    """Write all of memory into a new FILE, for `state import` into another memory."""
    return restore.export(context, path=path)


@state_group.command("import")
@click.argument("path", metavar="FILE", type=click.Path(exists=True, dir_okay=False))
@yes_option
@json_option
@click.pass_obj
def state_import_command(context: CommandContext, *, path: str, yes: bool) -> int:
    """Read all of memory from FILE, into memory that nobody has used yet."""
    return restore.restore(context, path=path, yes=yes)


@state_group.command("rewind")
@click.argument("time", metavar="TIME")
@yes_option
@json_option
@click.pass_obj
def state_rewind_command(context: CommandContext, *, time: str, yes: bool) -> int:
    """Set the watermark back to TIME, for good; `run --since` reads an earlier time once."""
    return state.rewind(context, time=time, yes=yes)


@state_group.command("release-lease")
@yes_option
@json_option
@click.pass_obj
def state_release_command(context: CommandContext, *, yes: bool) -> int:
    """End the lease that a dead run has left behind."""
    return state.release_lease(context, yes=yes)
