"""The pauses that one remote has asked for, and whom each of them holds. Pure.

Promises: a pause holds everybody, one kind of request, or the writes to one subject, and nobody
else; one that outlasts our patience is told from one that is waited for.
Does not do: reading a clock, sleeping (`governor.py`).
"""

from math import inf
from typing import assert_never

from job.http.limits import Reach
from job.http.message import NotSent


class ClosedTooLong(NotSent):
    """The remote asked for a pause that is longer than our patience."""

    def __init__(self, seconds: float, *, others_go_on: bool) -> None:
        super().__init__(f"it asks for a pause of {seconds:.0f} s")
        self.others_go_on = others_go_on


class Pauses:
    """Until when who has to wait. Memory for a kind or a subject is kept as long as the remote's
    caller is, as few are refused.
    """

    def __init__(self, *, patience_s: float) -> None:
        self._patience_s = patience_s
        self._everybody = -inf
        self._kinds: dict[str, float] = {}
        self._subjects: dict[str, float] = {}

    def begin(self, *, until: float, reach: Reach, kind: str, subject: str) -> None:
        """A request of this kind, to this subject, was asked to wait."""
        match reach:
            case Reach.EVERYBODY:
                self._everybody = max(self._everybody, until)
            case Reach.KIND:
                self._kinds[kind] = max(self._kinds.get(kind, -inf), until)
            case Reach.SUBJECT:
                # Where a request names none, the refusal is its own and holds nobody else.
                if subject:
                    self._subjects[subject] = max(self._subjects.get(subject, -inf), until)
            case _:
                assert_never(reach)

    def held_s(self, *, now: float, kind: str = "", subject: str = "") -> float:
        """Seconds until such a request may leave; zero or less when nothing holds it."""
        return max(self._everybody, self._own(kind, subject=subject)) - now

    def too_long(self, *, now: float, kind: str = "", subject: str = "") -> ClosedTooLong | None:
        """What to tell such a request if it should not even wait."""
        held_s = self.held_s(now=now, kind=kind, subject=subject)
        if held_s <= self._patience_s:
            return None
        return ClosedTooLong(held_s, others_go_on=self._everybody - now <= self._patience_s)

    def _own(self, kind: str, *, subject: str) -> float:
        return max(self._kinds.get(kind, -inf), self._subjects.get(subject, -inf))
