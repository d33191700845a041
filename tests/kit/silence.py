"""Silence: a thousand simulated runs have nothing to log that their judges would not say better.

`quiet` is for a folder's `conftest.py` to import; `quiet_again` is for tests that let the program
set up its own log in this process.
Does not do: keeping what was said. Tests that listen to the log capture it.
"""

import logging
import sys
import warnings
from collections.abc import Iterator

import pytest
import structlog


def silence() -> None:
    """From now on nothing is logged."""
    structlog.configure(
        logger_factory=structlog.ReturnLoggerFactory(),
        processors=[lambda *_: ""],
        cache_logger_on_first_use=False,
    )


@pytest.fixture(autouse=True, scope="package")
def quiet() -> Iterator[None]:
    """Nothing is logged in this folder."""
    silence()
    yield
    structlog.reset_defaults()


@pytest.fixture
def quiet_again() -> Iterator[None]:
    """Takes back what `log.start` did to this process."""
    root = logging.getLogger()
    level, handlers = root.level, root.handlers[:]
    show, hook = warnings.showwarning, sys.unraisablehook
    yield
    logging.captureWarnings(capture=False)
    root.handlers[:], warnings.showwarning, sys.unraisablehook = handlers, show, hook
    root.setLevel(level)
    structlog.reset_defaults()
