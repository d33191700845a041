"""`python -m job` is `halo-jira-sync`."""

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager


def main() -> None:
    """The console script."""
    gc.disable()  # nothing that is imported is garbage, and looking for some is a tenth of the start; `cli` goes on
    with _missing("rich"):
        import structlog  # noqa: F401, PLC0415 -- would load half of rich for its tracebacks, another tenth
    from job import cli  # noqa: PLC0415 -- after both

    cli.main()


@contextmanager
def _missing(module: str) -> Iterator[None]:
    """Whoever is imported meanwhile does without the module, as if it were not installed."""
    sys.modules[module] = None  # type: ignore[assignment]  # Python's own mark of what cannot be imported
    try:
        yield
    finally:
        del sys.modules[module]


if __name__ == "__main__":
    main()
