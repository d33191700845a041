"""Silence: a thousand simulated runs have nothing to log that their checker would not say better."""

from collections.abc import Iterator

import pytest
import structlog


@pytest.fixture(autouse=True, scope="package")
def _quiet() -> Iterator[None]:
    structlog.configure(
        logger_factory=structlog.ReturnLoggerFactory(),
        processors=[lambda *_: ""],
        cache_logger_on_first_use=False,
    )
    yield
    structlog.reset_defaults()
