"""The tree of errors, sorted by what happens next.

    SyncError
    ├── BadSettings        nothing was started; every problem is listed                    exit 2
    ├── StopsRun           no further write in this run, nothing closed on a guess         exit 3
    │   ├── RemoteRefused      credentials, permissions, a removed endpoint
    │   ├── ClocksDiffer       our clock or theirs is wrong
    │   ├── RemoteDown         no usable answer although we asked politely and repeatedly
    │   ├── MalformedAnswer    an answer that contradicts itself or what we know
    │   ├── MemoryOfAnother    memory of another site or another Halo account
    │   ├── StateUnreadable    our own memory cannot be read safely
    │   ├── MemoryBusy         memory is to be changed by hand, and a run is at work
    │   ├── NotAgreed          something is done only with a yes, and nobody said it
    │   └── LeaseLost          another run may be writing
    ├── LeaseHeld          another run is at work; this one has nothing to do              exit 0
    ├── UnsafePlan         a kind of action is over its limit and is held                  exit 4
    ├── IssueFailed        this issue is parked, the others go on                          exit 5
    │   ├── TicketRejected     Jira said no to a write for this issue
    │   ├── Unconfirmed        Jira confirmed a create and does not show us the ticket
    │   ├── NoTransition       the workflow has no usable way to where we want to go
    │   ├── Unmoved            Jira confirmed a transition, and the ticket is not where it led
    │   ├── StatusUnnamed      a transition led to a status that the settings do not name
    │   ├── UnusableValue      a value does not fit its Jira field
    │   └── DetailRefused      Halo gives everything but this finding, asset or issue
    ├── Withheld           a write that was kept from leaving, so it is certain that it was not done
    └── FateUnknown        a write was sent and its answer never came; never sent again blindly

Promises: errors carry facts as attributes; any other exception is a bug: exit 1.
Does not do: words for people, which `console/words.py` alone finds.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(eq=False)
class SyncError(Exception):
    """The root: something that the program expects to meet. `str()` of any of them is a sentence
    without secrets.
    """

    def __post_init__(self) -> None:
        Exception.__init__(self, *vars(self).values())


@dataclass(eq=False)
class Problem:
    """One thing wrong with the settings: which variable, what is wrong, what is allowed."""

    variable: str
    wrong: str
    allowed: str = ""

    def __str__(self) -> str:
        return f"{self.variable}: {self.wrong}" + (
            f" Allowed: {self.allowed}" if self.allowed else ""
        )


@dataclass(eq=False)
class BadSettings(SyncError):
    """The settings, or what they name in Jira, cannot be used. Every problem is listed, not just
    the first.
    """

    problems: Sequence[Problem]

    def __str__(self) -> str:
        return "\n".join(str(problem) for problem in self.problems)


@dataclass(eq=False)
class StopsRun(SyncError):
    """Stop before the next write. What is in flight may finish; nothing else is begun."""

    remote: str
    """halo, jira, store or secrets."""
    doing: str
    """What we were doing, as `listing issues`."""
    happened: str
    """What came back, as a sentence."""
    advice: str = ""
    """What the operator can do; "" when waiting for the next run is all."""

    def __str__(self) -> str:
        words = f"{self.remote}, {self.doing}: {self.happened}"
        return f"{words} {self.advice}" if self.advice else words


class RemoteRefused(StopsRun):
    """The remote answered and said no to us, not to one issue: bad or expired credentials, a
    missing right, 410.
    """


@dataclass(eq=False)
class RemoteDown(StopsRun):
    """No usable answer: connection failures, 429 or 5xx beyond our patience."""

    status: int = 0
    """Of what the last attempt was answered; 0 where no answer came."""
    not_done: bool = False
    """Whether the request certainly had no effect: each time it was refused by a rate limit or
    never sent.
    """
    others_go_on: bool = False
    """Whether it was this kind of request or this ticket alone that was asked to wait."""


class ClocksDiffer(StopsRun):
    """Our clock and a remote's differ by more than an answer takes: a watermark would be wrong."""


class MalformedAnswer(StopsRun):
    """An answer that cannot be read, or a listing that contradicts itself. Never taken as an end or
    as emptiness.
    """


class StateUnreadable(StopsRun):
    """The store holds something newer than this program, from the future, or not ours."""


class MemoryOfAnother(StopsRun):
    """Memory belongs to another site, Halo account or id field than the settings name."""


class MemoryBusy(StopsRun):
    """Memory is to be changed by hand, and a run is at work on it."""


class NotAgreed(StopsRun):
    """Something is done only with a yes, and nobody said it."""


class LeaseLost(StopsRun):
    """Our lease ended or another run has taken it: whatever we write now could collide."""


@dataclass(eq=False)
class LeaseHeld(SyncError):
    """Another run holds the lease; the caller has nothing to do."""

    shard: str
    holder: str
    until: datetime

    def __str__(self) -> str:
        until = self.until.isoformat(timespec="seconds")
        return f"Run {self.holder} holds the lease of shard {self.shard} until {until}."


@dataclass(eq=False)
class UnsafePlan(SyncError):
    """Kinds of action are over their limits: nothing of those was written, and all else was."""

    digest: str
    limits: Sequence[str]
    """A sentence for each limit that was passed, with its name and the counts."""

    def __str__(self) -> str:
        return " ".join(self.limits)


@dataclass(eq=False)
class IssueFailed(SyncError):
    """One issue could not be applied; it is parked with this error and the run goes on."""

    message: str

    def __str__(self) -> str:
        return self.message

    @property
    def error_class(self) -> str:
        """The word that a parked issue carries, as `ticket_rejected`."""
        return "".join(f"_{c.lower()}" if c.isupper() else c for c in type(self).__name__).lstrip(
            "_"
        )


@dataclass(eq=False)
class TicketRejected(IssueFailed):
    """Jira refused a write for this issue: its own words by field."""

    status: int = 0
    fields: dict[str, str] = field(default_factory=dict)


@dataclass(eq=False)
class Unconfirmed(IssueFailed):
    """Jira confirmed a create and does not show us the ticket: it is never sent again."""

    ticket_id: str = ""
    ticket_key: str = ""


class NoTransition(IssueFailed):
    """No transition leads where we want to go, or it needs a field that we cannot fill."""


class Unmoved(IssueFailed):
    """Jira confirmed a transition, and the ticket that was read afterwards is not where it led."""


class StatusUnnamed(IssueFailed):
    """A transition led to a status that the settings do not name as what it should be."""


class UnusableValue(IssueFailed):
    """A mapped or static value does not fit the Jira field; the message lists what is allowed."""


class DetailRefused(IssueFailed):
    """Halo refuses one finding, asset or issue that was asked for by its id, or breaks over it. It
    gives the others, so nobody else has to do without.
    """


@dataclass(eq=False)
class Withheld(SyncError):
    """Not begun, and not to be begun in this run: a later one does it."""

    because: str
    stops: StopsRun | None = None
    """What ends the whole run with it; `None` where the others may go on."""

    def __str__(self) -> str:
        return self.because


@dataclass(eq=False)
class FateUnknown(SyncError):
    """A write left us and no readable answer came back: it may have happened. Settled later, never
    resent blindly.
    """

    remote: str
    doing: str
    happened: str

    def __str__(self) -> str:
        return f"{self.remote}, {self.doing}: {self.happened}"
