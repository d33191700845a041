"""Starts the program: `python -m job` does what the command `halo-jira-sync` does.

Promises: no time is lost on what a start does not need.
Does not do: reading the command line (`cli.py`).
"""

import gc
import sys


def main() -> None:
    """The console script."""
    # Nothing that is imported is garbage, and looking for some is a tenth of the start; `cli` goes
    # on with it.
    gc.disable()
    _import_structlog_alone()
    from job import cli  # noqa: PLC0415 -- after both

    cli.main()


def _import_structlog_alone() -> None:
    """Without rich, of which it would load half for tracebacks that we never ask it for: another
    tenth of the start.
    """
    if "rich" in sys.modules:
        return
    sys.modules["rich"] = None  # type: ignore[assignment]  # Python's own mark of what cannot be imported
    try:
        import structlog  # noqa: F401, PLC0415
    finally:
        del sys.modules["rich"]


if __name__ == "__main__":
    main()
