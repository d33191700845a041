"""Words in, words out: the commands, their options, the exit codes, and each error as a person
should read it.

Promises: exit codes 0 done or nothing to do, 1 a bug, 2 settings, 3 a remote is down or refuses us,
4 plan refused, 5 finished with failures; on a terminal people see tables and sentences, anywhere
else every line is one JSON object; no traceback for anything that somebody can put right. Does not
do: any work of a run (`run.py`), or drawing (`screen.py`, which is imported only for a terminal).
"""

import asyncio
import gc
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import singledispatch
from os import environ
from typing import TYPE_CHECKING, Any

import click
import structlog
from msgspec import Struct, field

from job import __version__, log, settings, wiring
from job.check import prove
from job.clock import SystemClock
from job.core.model import Outcome
from job.core.plan import Plan
from job.each import leading
from job.errors import BadSettings, FateUnknown, IssueFailed, LeaseHeld, StopsRun, UnsafePlan
from job.run import ALL_TIME, Order, Setup, plan, run

if TYPE_CHECKING:
    from job.screen import Screen

PROGRAM = "halo-jira-sync"
logger = structlog.get_logger()

Work = Callable[[Setup, asyncio.Event], Awaitable[int]]


# --- Errors as words ------------------------------------------------------------------------------


class Words(Struct, frozen=True):
    """An error for people."""

    event: str
    exit_code: int
    doing: str
    happened: str
    next: str
    facts: Mapping[str, Any] = field(default_factory=dict)


@singledispatch
def explain(error: BaseException) -> Words:
    """What we were doing, what happened, the facts, what to do next, and the exit code that it
    means.
    """
    remedy = "This is a bug: please report it with the stack trace. The next run goes on where this one ended."
    return Words("run.crashed", 1, "running", f"{_kind(error)}: {error}", remedy)


@explain.register
def _(error: BaseExceptionGroup) -> Words:
    return explain(leading(error))


@explain.register
def _(error: BadSettings) -> Words:
    remedy = "Put right what is listed and start it again. Nothing was written to Jira."
    facts = {"problems": [vars(problem) for problem in error.problems]}
    return Words("settings.refused", 2, "checking the settings", str(error), remedy, facts)


@explain.register
def _(error: click.ClickException) -> Words:
    return Words(
        "command.refused",
        2,
        "reading the command line",
        error.format_message(),
        f"See {PROGRAM} --help.",
    )


@explain.register
def _(error: StopsRun) -> Words:
    remedy = (
        error.advice
        or "Nothing, if the next run goes well. What was done is recorded and stays done."
    )
    facts = {"error_class": _kind(error), "remote": error.remote}
    return Words("run.stopped", 3, error.doing, f"{error.remote}: {error.happened}", remedy, facts)


@explain.register
def _(error: UnsafePlan) -> Words:
    happened = f"{error} Nothing of the plan was written."
    remedy = f"See `{PROGRAM} plan`; if it is right, `{PROGRAM} run --approve {error.digest}`, with the --since or "
    remedy += "--sweep that this run had."
    return Words(
        "plan.refused", 4, "comparing the plan with its limits", happened, remedy, vars(error)
    )


@explain.register
def _(error: LeaseHeld) -> Words:
    return Words(
        "lease.held",
        0,
        "taking the lease",
        str(error),
        "Nothing: that run does the work.",
        vars(error),
    )


@explain.register
def _(error: IssueFailed | FateUnknown) -> Words:
    remedy = "Nothing, if the next run goes well."
    return Words(
        "run.failed", 5, "working on one issue", str(error), remedy, {"error_class": _kind(error)}
    )


@explain.register
def _(_: click.Abort | asyncio.CancelledError | KeyboardInterrupt) -> Words:
    return Words(
        "run.interrupted",
        130,
        "running",
        "It was interrupted.",
        "Nothing: the next run goes on from there.",
    )


def _kind(error: BaseException) -> str:
    return type(error).__name__


# --- The desk: what every command has at hand -----------------------------------------------------


class Desk:
    """The environment of one command, and the way in which it speaks."""

    def __init__(self, environ: Mapping[str, str], *, terminal: bool) -> None:
        self.environ = environ
        self.terminal = terminal
        self.clock = SystemClock()
        self.redactor = log.Redactor()
        self.redactor.hide(environ[name].strip() for name in settings.SECRETS if name in environ)
        self.listen_to("")

    def listen_to(self, level: str) -> None:
        """Sets how much is said."""
        level = level or ("warning" if self.terminal else "info")
        log.start(redactor=self.redactor, now=self.clock.now, level=level, terminal=self.terminal)

    def tell(self, error: BaseException) -> int:
        """Says what an error means, and returns its exit code."""
        words = explain(error)
        bug = {"exc_info": error} if words.exit_code == 1 else {}
        if self.terminal:
            facts = self.redactor.text(
                f"{words.happened}\n  while {words.doing}\n  next: {words.next}"
            )
            click.secho(f"{words.event}: {facts}", err=True, fg="red" if words.exit_code else None)
        if bug or not self.terminal:
            say = logger.error if words.exit_code else logger.info
            say(
                words.event,
                message=words.happened,
                doing=words.doing,
                next=words.next,
                **words.facts,
                **bug,
            )
        return words.exit_code

    def load(self) -> settings.Settings:
        """The settings; warns of variables that nobody reads."""
        chosen = settings.load(self.environ)
        self.listen_to(chosen.log_level)
        self.redactor.hide(chosen.spoken_secrets)
        for name, meant in settings.misspelled(self.environ).items():
            said = f"{name} is not a setting and is not read; {meant} is."
            logger.warning("settings.unknown_variable", message=said, variable=name, meant=meant)
        return chosen

    def work(self, work: Work, *, graceful: bool = False) -> int:
        """Does one command's work in an open world. A graceful one is told of SIGTERM, any other is
        cancelled.
        """
        chosen = self.load()

        async def within() -> int:
            stop = asyncio.Event()
            me = asyncio.current_task()
            _on_signals(stop.set if graceful or me is None else me.cancel)
            revealed = await wiring.reveal(chosen, clock=self.clock)
            self.redactor.hide(revealed.spoken_secrets)
            async with wiring.open_setup(
                revealed, clock=self.clock, redactor=self.redactor
            ) as setup:
                return await work(setup, stop)

        return asyncio.run(within())


def _on_signals(react: Callable[[], object]) -> None:
    """SIGTERM and Ctrl-C ask for an end; without a reaction of ours, PID 1 would not even notice
    SIGTERM.
    """
    loop = asyncio.get_running_loop()

    def ask(name: str) -> None:
        logger.warning(
            "run.asked_to_stop", message=f"Got {name}: finishing what is under way.", signal=name
        )
        loop.remove_signal_handler(signal.SIGINT)  # a second Ctrl-C ends it at once
        react()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ask, number.name)


class Lines:
    """A `Watcher` for machines: the plan as events. What becomes of it is told by those who do it."""

    def __init__(self, *, each_action: bool) -> None:
        self._each_action = each_action

    def planned(self, plan: Plan) -> None:
        for decision in plan.decisions if self._each_action else ():
            ticket = decision.case.ticket
            logger.info(
                "action.planned",
                message=decision.because,
                action=decision.action,
                reason=decision.reason,
                issue_id=decision.case.issue.id,
                ticket=ticket.key if ticket else None,
            )
        tally = {str(action): many for action, many in plan.tally.items()}
        left = {"deferred": len(plan.deferred), "quiet": len(plan.quiet) + plan.unmoved}
        logger.info("plan.made", digest=plan.digest, actions=tally, **left)

    def ended(self, outcome: Outcome) -> None:
        """Nothing: `apply.py` has said it already."""


# --- Commands -------------------------------------------------------------------------------------


class RunByDefault(click.Group):
    """Without the name of a command it is `run`, so that a container needs no arguments."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not args or (args[0].startswith("-") and args[0] not in {"--help", "--version"}):
            args = ["run", *args]
        return super().parse_args(ctx, args)


def look_back(text: str | None, *, now: datetime) -> datetime | str | None:
    """What `--since` means: an instant, `all`, or so long before now (bare numbers are minutes)."""
    if text is None or text == ALL_TIME:
        return text
    try:
        since = datetime.fromisoformat(text)
    except ValueError:
        try:
            since = now - settings.duration(text, bare="m")
        except settings.Unfit as unfit:
            allowed = "all, a time such as 2026-11-01T10:00Z, or a duration such as 90, 12h or 7d"
            raise click.BadParameter(f"{unfit.wrong} Allowed: {allowed}.") from None
    since = since if since.tzinfo else since.replace(tzinfo=UTC)
    if since > now:
        raise click.BadParameter(f"{since.isoformat()} lies in the future.")
    return since


def since_option(command: Callable[..., int]) -> Callable[..., int]:
    """`--since`, the same for `run` and `plan`."""
    words = "Look at everything from TIME on: an ISO time (UTC unless it says otherwise), minutes, 12h, 7d, or `all`."
    return click.option("--since", metavar="TIME", help=words)(command)


@click.group(cls=RunByDefault, context_settings={"max_content_width": 100})
@click.version_option(__version__, prog_name=PROGRAM)
def cli() -> None:
    """Keeps Halo issues and Jira tickets in step. Settings come from environment variables; see
    README.
    """


@cli.command("run")
@since_option
@click.option("--sweep", is_flag=True, help="Check every open ticket on both sides, however old.")
@click.option(
    "--approve",
    metavar="DIGEST",
    help="Carry out the plan of this digest although it is over a limit.",
)
@click.pass_obj
def run_command(desk: Desk, *, since: str | None, sweep: bool, approve: str | None) -> int:
    """Bring Jira up to date with Halo (the default)."""
    order = Order(since=look_back(since, now=desk.clock.now()), sweep=sweep, approved=approve)

    async def work(setup: Setup, stop: asyncio.Event) -> int:
        if not desk.terminal:
            return (
                await run(setup, order=order, watcher=Lines(each_action=False), stop=stop)
            ).exit_code
        screen = _screen()
        with screen:
            record = await run(setup, order=order, watcher=screen, stop=stop)
        screen.finished(record)
        return record.exit_code

    return desk.work(work, graceful=True)


@cli.command("plan")
@since_option
@click.option("--sweep", is_flag=True, help="As `run --sweep` would.")
@click.pass_obj
def plan_command(desk: Desk, *, since: str | None, sweep: bool) -> int:
    """Show what a run would do now, and why. Writes nothing."""
    order = Order(since=look_back(since, now=desk.clock.now()), sweep=sweep)

    async def work(setup: Setup, _: asyncio.Event) -> int:
        await plan(
            setup, order=order, watcher=_screen() if desk.terminal else Lines(each_action=True)
        )
        return 0

    return desk.work(work)


@cli.command("check")
@click.pass_obj
def check_command(desk: Desk) -> int:
    """Prove the credentials, the project and its fields, and the memory. Writes nothing."""

    async def work(setup: Setup, _: asyncio.Event) -> int:
        exit_code = 0
        async for proof in prove(setup):
            exit_code = exit_code or (explain(proof.error).exit_code if proof.error else 0)
            if desk.terminal:
                _screen().proven(proof, words=desk.redactor.text(str(proof.error or proof.seen)))
            elif proof.error:
                logger.error(
                    "check.failed", message=f"{proof.name}: {proof.error}", proof=proof.name
                )
            else:
                logger.info("check.passed", message=f"{proof.name}: {proof.seen}", proof=proof.name)
        return exit_code

    return desk.work(work)


@cli.command("demo")
@click.pass_obj
def demo_command(desk: Desk) -> int:
    """Play a small story against simulated vendors on this machine. Needs no settings and no
    accounts.
    """
    from job import demo  # noqa: PLC0415 -- brings the simulated vendors and rich, which no real run needs

    desk.listen_to("error")
    return asyncio.run(demo.play(clock=desk.clock))


def _screen() -> "Screen":
    from job import screen  # noqa: PLC0415 -- rich is for terminals only

    return screen.Screen(screen.open_console())


def answer(desk: Desk, *, args: Sequence[str]) -> int:
    """Does what a command line asks for, and returns the exit code."""
    try:
        return int(cli.main(args, prog_name=PROGRAM, standalone_mode=False, obj=desk) or 0)
    except BaseException as error:  # noqa: BLE001 -- the last door: everything is explained here, bugs with their stack
        return desk.tell(error)


def main() -> None:
    """The console script."""
    # A run makes much that lives and little that goes in circles: looking for circles as often as
    # Python does by itself costs a sixth of its CPU.
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
    gc.enable()
    sys.exit(answer(Desk(environ, terminal=sys.stdout.isatty()), args=sys.argv[1:]))
