"""What every store refuses, and what its work counts as, decided once for all of them.

Promises: the stores bring what is kept now, and these rules say what may follow it.
Does not do: I/O, or reading a clock.
"""

from collections import Counter
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import NoReturn

from msgspec.structs import replace

from job.core.ids import EPOCH
from job.core.memory import Intent, Lease
from job.core.shards import comes_after
from job.errors import LeaseHeld, LeaseLost, StateUnreadable
from job.state.records import Write

PAGE = 500
"""Records of one page of a listing. A page that is not full is the last."""
LEASE_MAX = timedelta(days=1)
"""Leases last minutes. One that ends later than this was written by a wrong clock, or ours is
wrong.
"""


def succeed(
    last: Lease | None, *, shard: str, holder: str, now: datetime, until: datetime
) -> Lease:
    """The lease that may follow the last one given for the shard.

    A task's next attempt need not wait for the end of its lease: the one that held it is over, and
    should anything of it still be on its way, the risen fence refuses it.

    A lease that ends days from now is neither waited for (every run would quietly do nothing) nor
    broken (its holder may be at work): it is `StateUnreadable`, which is loud and leaves the choice
    to a person.
    """
    if last is not None and last.until > now + LEASE_MAX:
        raise StateUnreadable(
            "store",
            f"taking the lease of shard {shard}",
            f"Run {last.holder} holds it until {last.until.isoformat()}: no right clock would have "
            "written that.",
            "Compare this machine's clock with that run's. When that run is over, delete the "
            "document of the lease.",
        )
    if last is not None and last.until > now and not comes_after(holder, last.holder):
        raise LeaseHeld(shard, last.holder, last.until)
    return Lease(
        shard=shard, holder=holder, fence=1 if last is None else last.fence + 1, until=until
    )


def holds(kept: Lease | None, ours: Lease) -> bool:
    """Whether the lease that is kept is still ours. Its end is the caller's business, who has the
    clock.
    """
    return kept is not None and (kept.fence, kept.holder) == (ours.fence, ours.holder)


def confirm(kept: Lease | None, ours: Lease) -> Lease:
    """The lease that is kept, when it is still ours. Raises `LeaseLost`."""
    if kept is None:
        lost(ours, happened="The lease is gone from the store.")
    if not holds(kept, ours):
        taker = f"run {kept.holder}" if kept.holder else "another run, which has ended,"
        lost(
            ours,
            happened=f"It was given back or ran out, and {taker} has fence {kept.fence} "
            f"(ours: {ours.fence}).",
        )
    return kept


def released(lease: Lease) -> Lease:
    """What stays of a lease that was given back: its fence, so that the next one is higher."""
    return replace(lease, holder="", until=EPOCH)


def follow(new: Intent, standing: Intent | None, *, lease: Lease) -> None:
    """Raises `LeaseLost` unless the new intent follows the one that stands.

    Only the holder of the lease writes intents, so one that this run does not know of was written
    by another holder.
    """
    found = None if standing is None else standing.attempt
    if found != new.follows:
        wanted = f"follows {new.follows}" if new.follows else "is the first"
        lost(
            lease,
            happened=f"Our intent for issue {new.issue_id} {wanted}, but {found or 'none'} is in "
            "the store.",
        )


def lost(lease: Lease, *, happened: str) -> NoReturn:
    doing = f"writing under the lease of shard {lease.shard}"
    raise LeaseLost("store", doing, happened, "The next run takes it from there.")


class Spent(Counter[str]):
    """Operations on documents by kind, as Firestore bills them; counted alike by every store, each
    operation once.

    What a retry after a lost answer may add to the bill is not known and not in here.
    """

    def read(self, documents: int) -> None:
        """A query that finds nothing, and a document that is not there, are billed like one that
        is.
        """
        self["read"] += max(1, documents)

    def listed(self, documents: int) -> None:
        """A listing read to its end in pages: when the last page is full, only an empty one after
        it tells the end.
        """
        self.read(documents)
        self["read"] += bool(documents) and documents % PAGE == 0

    def count(self, entries: int) -> None:
        """A count is billed as one read for each thousand index entries."""
        self["read"] += max(1, -(-entries // 1000))

    def took_lease(self) -> None:
        self["read"] += 1
        self["write"] += 1

    def noted(self) -> None:
        """A note, under no lease."""
        self["write"] += 1

    def forgot(self, notes: int) -> None:
        """Each is read once more before it is dropped, for it may be another by then."""
        self["read"] += notes
        self["delete"] += notes

    def changed_quota(self) -> None:
        """One document, under no lease."""
        self["write"] += 1

    def wrote(self, writes: Sequence[Write], *, following: Collection[Intent]) -> None:
        """A commit: its documents, the lease's own, and a read for each intent that follows
        another.
        """
        dropped = sum(write.document is None for write in writes)
        self["read"] += len(following)
        self["write"] += len(writes) - dropped + 1
        self["delete"] += dropped
