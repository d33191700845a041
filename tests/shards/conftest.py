"""Silence, as for all simulated worlds."""

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
