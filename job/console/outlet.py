"""Where the program's words go: standard output, whoever has stopped reading it.

Promises: a reader who has seen enough, as in `plan | head`, ends nothing and is told nothing: the
command goes on in silence, and its exit code is that of its work.
Does not do: choosing words (`screen.py`, `lines.py`).
"""

import os
from typing import Any, TextIO


class Outlet:
    """Standard output that leads nowhere once its reader is gone."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        try:
            return self._stream.write(text)
        except BrokenPipeError:
            self._lead_nowhere()
            return len(text)

    def flush(self) -> None:
        try:
            self._stream.flush()
        except BrokenPipeError:
            self._lead_nowhere()

    def _lead_nowhere(self) -> None:
        """Also what Python flushes at its end goes there, which would complain otherwise."""
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self._stream.fileno())
        os.close(nowhere)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
