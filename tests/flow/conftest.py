"""The same silence as for simulated worlds, except for tests that listen to the log."""

from collections.abc import Iterator

import pytest
import structlog
from structlog.testing import LogCapture


@pytest.fixture(autouse=True)
def said() -> Iterator[LogCapture]:
    """Everything that was logged."""
    capture = LogCapture()
    structlog.configure(processors=[capture], cache_logger_on_first_use=False)
    yield capture
    structlog.reset_defaults()
