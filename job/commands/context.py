"""What every command has at hand: its environment, a clock, a console, and what it says it needs.

Promises: a command is asked for the settings of what it needs and for no others; secrets that
become known are hidden from then on; SIGTERM and Ctrl-C end every command in good order.
Does not do: the work of any command.
"""

import asyncio
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Generic, TypeVar

import structlog
from msgspec import Struct

from job import wiring
from job.clock import SystemClock
from job.console import log
from job.console.lines import Lines
from job.console.protocol import Console
from job.console.redactor import Redactor
from job.console.words import explain
from job.errors import NotAgreed
from job.events import Event
from job.flow.setup import Setup
from job.remotes import Surroundings
from job.settings.load import load_kind, misspelled
from job.settings.runs import MemorySettings
from job.settings.table import SECRETS
from job.settings.variables import Settings
from job.stores import Store
from job.wiring import Rehearsal

logger = structlog.get_logger()
S = TypeVar("S", bound=MemorySettings)
T = TypeVar("T")


class Needs(Struct, Generic[S, T], frozen=True):
    """What a command needs: the settings it is asked for, and what is opened by them."""

    settings: type[S]
    open: Callable[[S, Surroundings], AbstractAsyncContextManager[T]]


MEMORY: Needs[MemorySettings, Store] = Needs(MemorySettings, wiring.open_memory)
"""Only memory: no account at Halo or Jira is asked for."""
EVERYTHING: Needs[Settings, Setup] = Needs(Settings, wiring.open_setup)
"""Halo, Jira and memory, as a run needs them."""
REHEARSAL: Needs[Settings, Rehearsal] = Needs(Settings, wiring.open_rehearsal)
"""The same, as `check` needs them."""


class CommandContext:
    """The environment of one command, and the console through which it speaks."""

    def __init__(self, environ: Mapping[str, str], *, terminal: bool) -> None:
        self.clock = SystemClock()
        self.redactor = Redactor()
        self.redactor.hide(environ[name].strip() for name in SECRETS if name in environ)
        self._environ = environ
        self._terminal = terminal
        self.listen_to("")
        self.console: Console = self.screen() if terminal else Lines()

    def screen(self) -> Console:
        """A console for people, whoever listens."""
        from job.console.screen import open_screen  # noqa: PLC0415 -- rich is for terminals only

        return open_screen(redact=self.redactor.text)

    def listen_to(self, level: str) -> None:
        """Sets how much is logged."""
        level = level or ("warning" if self._terminal else "info")
        log.start(redactor=self.redactor, now=self.clock.now, level=level, terminal=self._terminal)

    def explain(self, error: BaseException) -> int:
        """Says what an error means, and returns its exit code."""
        explanation = explain(error)
        self.console.explain(explanation, error=error)
        return explanation.exit_code

    def settings(self, kind: type[S]) -> S:
        """The settings of this kind; warns of variables that nobody reads. Raises `BadSettings`."""
        for name, meant in misspelled(self._environ).items():
            said = f"{name} is not a setting and is not read; {meant} is what was probably meant."
            logger.warning(
                Event.SETTINGS_UNKNOWN_VARIABLE, message=said, variable=name, meant=meant
            )
        chosen = load_kind(kind, self._environ)
        self.listen_to(chosen.log_level)
        self.redactor.hide(chosen.spoken_secrets)
        return chosen

    def speak_json(self) -> None:
        """Speaks to machines from now on, whoever listens."""
        self._terminal = False
        self.listen_to("")
        self.console = Lines()

    def agree(self, question: str, *, yes: bool) -> None:
        """Raises `NotAgreed` unless somebody says yes, or has said so already."""
        if not yes and not self.console.confirm(question):
            happened = f"Nobody said yes, and nothing was changed. {question}"
            raise NotAgreed("memory", "asking for a yes", happened, "Say it beforehand with --yes.")

    def first_set(self, *names: str) -> tuple[str, str]:
        """The first of these variables that says anything, with what it says; the last of them and
        "" where none does.
        """
        given = {name: self._environ.get(name, "").strip() for name in names}
        name = next((name for name in names if given[name]), names[-1])
        return name, given[name]

    def work(
        self,
        needs: Needs[S, T],
        work: Callable[[T, asyncio.Event], Awaitable[int]],
        *,
        graceful: bool = False,
    ) -> int:
        """Does one command's work with what it needs, and returns its exit code. A graceful one is
        told of SIGTERM by the event, any other is cancelled.
        """
        chosen = self.settings(needs.settings)

        async def within() -> int:
            asked_to_stop = asyncio.Event()
            me = asyncio.current_task()
            _on_signals(asked_to_stop.set if graceful or me is None else me.cancel)
            async with self.opened(needs, chosen) as opened:
                return await work(opened, asked_to_stop)

        return asyncio.run(within())

    @asynccontextmanager
    async def opened(self, needs: Needs[S, T], chosen: S) -> AsyncIterator[T]:
        """What is needed, with the settings that were chosen for it, while the block lasts."""
        revealed = await wiring.reveal(chosen, clock=self.clock)
        self.redactor.hide(revealed.spoken_secrets)
        surroundings = Surroundings(
            clock=self.clock, redactor=self.redactor, secrets_read=len(chosen.references)
        )
        async with needs.open(revealed, surroundings) as opened:
            yield opened


def _on_signals(react: Callable[[], object]) -> None:
    """SIGTERM and Ctrl-C ask for an end; without a reaction of ours, PID 1 would not even notice
    SIGTERM.
    """
    loop = asyncio.get_running_loop()

    def ask(name: str) -> None:
        message = f"Got {name}: finishing what is under way."
        logger.warning(Event.RUN_ASKED_TO_STOP, message=message, signal=name)
        loop.remove_signal_handler(signal.SIGINT)  # a second Ctrl-C ends it at once
        react()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ask, number.name)
