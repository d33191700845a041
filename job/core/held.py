"""What limits hold back, what was approved of it, and what was used of them, as memory keeps it.

Promises: a line names one action on one issue, and what it is done to, so that an approval covers
nothing else; a set of lines has one digest; every value is frozen.
Does not do: deciding what is held (`weigh.py`).
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from hashlib import sha256

from msgspec import Struct, field
from msgspec.structs import replace

from job.core.ids import Instant, IssueId

DIGEST_LENGTH = 16
FORGOTTEN_AFTER = timedelta(days=7)
"""What was held so long is forgotten, approved or not: if it is still planned, it is held anew."""
KNOWN_FOR = timedelta(days=30)
"""So long a digest is known to be an old one and not a mistyped one."""
LINES_A_PIECE = 500
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


class Kind(StrEnum):
    """What a limit bounds."""

    CREATE = "create"
    CLOSE = "close"
    REOPEN = "reopen"


class Approval(StrEnum):
    """What became of the digest that a run was given."""

    NONE = "none"
    NOTED = "noted"
    OLD = "old"
    """It named what is forgotten by now."""
    UNKNOWN = "unknown"


class Entry(Struct, frozen=True):
    """One held action: in which generation of its shard's held set it came, when, and its line."""

    generation: int
    at: datetime
    line: str

    @property
    def text(self) -> str:
        """As it is kept: `GENERATION SECONDS LINE`."""
        return f"{self.generation} {int(self.at.timestamp())} {self.line}"

    @classmethod
    def of(cls, text: str) -> "Entry":
        """What was kept. Raises `ValueError` for what no `text` ever was."""
        generation, seconds, line = text.split(" ", 2)
        at = datetime.fromtimestamp(int(seconds), tz=UTC)
        return cls(int(generation), at, line)

    @property
    def issue_id(self) -> IssueId:
        """The issue that its line names."""
        return issue_of(self.line)


class Piece(Struct, frozen=True, kw_only=True):
    """A part of what a shard holds, or of what a limit granted to one of its runs. There are as
    many as it takes, so that no document grows without bound.
    """

    shard: str
    number: int
    texts: tuple[str, ...]
    """Of held entries their `text`, of granted actions their lines."""
    at: Instant
    """When the newest of them came."""
    run: str = ""
    """The run to which a limit granted these; "" for what is held."""

    @property
    def name(self) -> str:
        return f"{self.shard}-{'granted' if self.run else 'held'}-{self.number}"


class HeldSet(Struct, frozen=True, kw_only=True):
    """What a digest names: of each shard all that it held up to a generation."""

    digest: str
    generations: Mapping[str, int]
    at: Instant


class Used(Struct, frozen=True, kw_only=True):
    """How much one run, or the runs of one hour, took of a limit."""

    kind: Kind
    shard: str
    at: Instant
    many: int
    live: int = 0
    """How many live links there were before."""
    run: str = ""
    """The run that took it; "" once what it was granted is settled."""
    execution: str = ""
    """The execution to which the run belongs; "" where it has no name."""


class Standing(Struct, frozen=True, kw_only=True):
    """What a shard holds now, by its digest and its newest generation."""

    digest: str
    generation: int


class Quota(Struct, frozen=True, kw_only=True):
    """What all tasks share: what is used of the limits, what each shard holds, what was approved.

    It is one document, which is changed only from exactly what was read.
    """

    revision: int = 0
    used: tuple[Used, ...] = ()
    standing: Mapping[str, Standing] = field(default_factory=dict)
    approved: Mapping[str, int] = field(default_factory=dict)
    """Shard -> the generation up to which a person approved what it holds."""


def issue_of(line: str) -> IssueId:
    """The issue that a line (`ACTION ISSUE TICKET PROJECT`) names."""
    return IssueId(line.split(" ", 1)[1].rsplit(" ", 2)[0])


def digest_of(lines: Iterable[str]) -> str:
    """Names a set of lines; "" names none, for the digest of nothing would approve nothing."""
    ordered = sorted(lines)
    if not ordered:
        return ""
    return sha256("\n".join(ordered).encode()).hexdigest()[:DIGEST_LENGTH]


def joint_set(standing: Mapping[str, Standing], *, at: datetime) -> HeldSet:
    """What all shards hold together, under one digest: of one shard alone, its own."""
    holding = {shard: held for shard, held in standing.items() if held.digest}
    digests = [held.digest for held in holding.values()]
    return HeldSet(
        digest=digests[0] if len(digests) == 1 else digest_of(digests),
        generations={shard: held.generation for shard, held in holding.items()},
        at=at,
    )


def approving(quota: Quota, held_set: HeldSet) -> Quota:
    """The quota with all of this set approved. Once approved stays approved."""
    approved = dict(quota.approved)
    for shard, generation in held_set.generations.items():
        approved[shard] = max(generation, approved.get(shard, 0))
    return replace(quota, approved=approved)
