"""The command line alone: names of commands, their options, their help.

Promises: without the name of a command it is `run`; on a terminal people see tables and sentences,
anywhere else every line is one JSON object; no traceback for anything that somebody can put right.
Does not do: any command's work (`commands/`), or words for errors (`console/words.py`).
"""

import gc
import importlib.util
import sys
from collections.abc import Sequence
from os import environ
from typing import TextIO, cast

import click
from structlog.contextvars import bound_contextvars

from job import __version__
from job.cli_memory import parked_group, state_group
from job.cli_options import json_option, since_option
from job.cli_takeover import takeover_group
from job.commands import check, explain, prove, routes, run
from job.commands.context import CommandContext
from job.console.outlet import Outlet
from job.console.words import PROGRAM


def with_command(args: Sequence[str]) -> list[str]:
    """The arguments with the name of a command before its options: without one it is `run`."""
    options = args and args[0].startswith("-") and args[0] not in {"-h", "--help", "--version"}
    return ["run", *args] if options or not args else [*args]


class RunByDefault(click.Group):
    """Without the name of a command it is `run`, so that a container needs no arguments."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        return super().parse_args(ctx, with_command(args))


@click.group(
    cls=RunByDefault,
    context_settings={"max_content_width": 100, "help_option_names": ["-h", "--help"]},
)
@click.version_option(__version__, prog_name=PROGRAM)
def cli() -> None:
    """Keeps Halo issues and Jira tickets in step. Settings come from environment variables; see
    job/docs/configuration.md.
    """


@cli.command("run")
@since_option
@click.option("--sweep", is_flag=True, help="Check every open ticket on both sides, however old.")
@click.option(
    "--approve",
    metavar="DIGEST",
    help="Let through what was held under this digest, in as many runs as it takes.",
)
@click.option(
    "--adopt-memory",
    is_flag=True,
    help="Take memory for ours although another site or Halo account made it.",
)
@click.option("--retry-parked", is_flag=True, help="Try all that is parked again, now.")
@click.pass_obj
def run_command(
    context: CommandContext,
    *,
    since: str | None,
    sweep: bool,
    approve: str | None,
    adopt_memory: bool,
    retry_parked: bool,
) -> int:
    """Bring Jira up to date with Halo (the default)."""
    return run.run(
        context,
        since=since,
        sweep=sweep,
        approve=approve,
        adopt_memory=adopt_memory,
        retry_parked=retry_parked,
    )


@cli.command("plan")
@since_option
@click.option("--sweep", is_flag=True, help="As `run --sweep` would.")
@click.option("--held", is_flag=True, help="Show what is held, from memory alone.")
@click.option("--expect-nothing", is_flag=True, help="Exit code 4 if anything is planned.")
@click.option("--all", "in_full", is_flag=True, help="Show every action, not some of each group.")
@click.option(
    "--out", metavar="FILE", type=click.Path(dir_okay=False), help="Write it as JSON lines, too."
)
@json_option
@click.pass_obj
def plan_command(
    context: CommandContext,
    *,
    since: str | None,
    sweep: bool,
    held: bool,
    expect_nothing: bool,
    in_full: bool,
    out: str | None,
) -> int:
    """Show what a run would do now, and why. Writes nothing."""
    if not held:
        return run.plan(
            context,
            since=since,
            sweep=sweep,
            expect_nothing=expect_nothing,
            in_full=in_full,
            out=out,
        )
    if since or sweep or expect_nothing or in_full or out:
        raise click.UsageError("--held shows what memory holds; it looks at nothing else.")
    return run.held(context)


@cli.command("check")
@click.pass_obj
def check_command(context: CommandContext) -> int:
    """Prove the credentials, the project and its fields, and the memory. Writes nothing."""
    return check.check(context)


@cli.command("explain")
@click.argument("about", metavar="ISSUE|TICKET")
@json_option
@click.pass_obj
def explain_command(context: CommandContext, *, about: str) -> int:
    """Tell what is known of an issue and its ticket, and what the next run will do. Writes nothing.

    ISSUE is Halo's id, TICKET the key or the id of a ticket.
    """
    return explain.explain(context, about=about)


@cli.command("render")
@click.argument("about", metavar="ISSUE|TICKET|FILE")
@click.option(
    "--html", metavar="FILE", type=click.Path(dir_okay=False), help="Write a page instead."
)
@json_option
@click.pass_obj
def render_command(context: CommandContext, *, about: str, html: str | None) -> int:
    """Show a ticket and its next comment as people would read them. Writes nothing else.

    ISSUE is Halo's id, TICKET the key or the id of a ticket; FILE holds an issue as Halo's API
    gives it, and needs no settings and no accounts.
    """
    # What reads saved issues and lays out pages is of no use to a run.
    from job.commands import render  # noqa: PLC0415

    return render.render(context, about=about, html=html)


@cli.command("prove")
@json_option
@click.pass_obj
def prove_command(context: CommandContext) -> int:
    """Audit Halo and Jira against memory: print every counterexample to the promises, or how much
    was looked at. Writes nothing. Exit code 5 with counterexamples.
    """
    return prove.prove(context)


@cli.group("routes")
def routes_group() -> None:
    """Look at routes."""


@routes_group.command("test")
@click.argument("path", metavar="FILE", required=False, type=click.Path(dir_okay=False))
@click.pass_obj
def routes_test_command(context: CommandContext, *, path: str | None) -> int:
    """Run the tests of routes: those of FILE, else of ROUTES or ROUTES_FILE. Needs no network and
    no accounts.
    """
    return routes.test(context, path=path)


@cli.command("demo")
@click.pass_obj
def demo_command(context: CommandContext) -> int:
    """Play a small story against simulated vendors on this machine. Needs no settings and no
    accounts.
    """
    if importlib.util.find_spec("job.sim") is None:
        raise click.UsageError(
            "The image that is deployed has no simulated vendors. Play the demo with `make demo` "
            "in a clone of the project."
        )
    # The demo brings the simulated vendors and rich, which no real run needs.
    from job.commands import demo  # noqa: PLC0415

    return demo.demo(context)


cli.add_command(parked_group)
cli.add_command(state_group)
cli.add_command(takeover_group)


def answer(context: CommandContext, *, args: Sequence[str]) -> int:
    """Does what a command line asks for, and returns the exit code."""
    # Each line says of which command it is: a check that fails by hand shall alarm nobody.
    with bound_contextvars(command=with_command(args)[0]):
        try:
            return int(cli.main(args, prog_name=PROGRAM, standalone_mode=False, obj=context) or 0)
        except BaseException as error:  # noqa: BLE001 -- the last door: everything is explained here
            return context.explain(error)


def main() -> None:
    """The console script."""
    # A run makes much that lives and little that goes in circles: looking for circles as often as
    # Python does by itself costs a sixth of its CPU.
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
    gc.enable()
    terminal = sys.stdout.isatty()
    sys.stdout = cast("TextIO", Outlet(sys.stdout))
    context = CommandContext(environ, terminal=terminal)
    sys.exit(answer(context, args=sys.argv[1:]))
