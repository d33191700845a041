"""Keeps in memory what a run holds, what it was granted, and what it took of the limits.

Promises: pieces come before the quota that makes them count, and go before what was not used is
given back: so a run that is killed in between has been granted too little and never too much; no
generation of a shard's held set is given twice.
Does not do: saying what is held or let through (`gate.py`).
"""

from collections.abc import Collection, Iterable, Iterator
from datetime import datetime

import structlog
from msgspec import Struct
from msgspec.structs import replace

from job.batches import batches
from job.core import pieces
from job.core.held import Entry, HeldSet, Kind, Piece, Quota, Standing, Used, joint_set
from job.core.ledger import Ledger
from job.core.memory import Broken, Changes, Watermark
from job.core.model import OutcomeKind
from job.core.pieces import Known
from job.core.weigh import Weighed
from job.events import Event
from job.flow.approval import ROUNDS_MAX, change
from job.flow.lease import HeldLease
from job.flow.setup import Setup

log = structlog.get_logger()

PIECES_A_COMMIT = 100
"""Of up to 500 lines each: some 3 MB, of which a commit takes 10."""


class Passage(Struct, frozen=True, kw_only=True):
    """A plan that is within its limits, and what memory is to be told of it."""

    weighed: Weighed
    entries: tuple[Entry, ...]
    """What the shard holds now."""
    approved: frozenset[str]
    generation: int
    digest: str
    live_links: int

    @property
    def counted(self) -> Iterator[str]:
        """The lines of closes that count for the day."""
        return (shelved.line for shelved in self.weighed.counted.get(Kind.CLOSE, ()))


class Closing(Struct, frozen=True, kw_only=True):
    """What of the pieces is left when a run ends."""

    pieces: tuple[Piece, ...] = ()
    dropped: tuple[str, ...] = ()
    holds: bool = False
    unused: int = 0
    """How many closes were counted and are certainly not done."""


class Holding:
    """What one run has to do with it."""

    def __init__(self, setup: Setup, *, started_at: datetime) -> None:
        self.known = Known()
        self.quota = Quota()
        """As it was read at the beginning, if there was anything to be read."""
        self._setup = setup
        self._started_at = started_at
        self._passage: Passage | None = None
        """What was noted of the plan."""
        self._granted: tuple[Piece, ...] = ()
        """What this run was granted."""

    # --- Before the looking -------------------------------------------------------------------

    async def recall(self, mark: Watermark) -> None:
        """Reads what is held and was granted, if there is anything. A piece that cannot be used is
        told, and what it held is weighed anew: that lets nothing through.
        """
        if not mark.holds:
            return
        store, shard, broken = self._setup.ports.store, self._setup.shard, Broken()
        self.quota = await store.quota()
        found = await store.pieces(broken=broken)
        self.known = pieces.known_of(found, quota=self.quota, shard=shard, now=self._started_at)
        for why in broken.values():
            log.warning(Event.MEMORY_UNREADABLE, error=why)

    # --- What memory is told ------------------------------------------------------------------

    async def note(
        self, passage: Passage, *, quota: Quota, mark: Watermark, lease: HeldLease
    ) -> Watermark:
        """Writes the pieces and what digests name. Until the quota says so they mean nothing."""
        shard, now = self._setup.shard.name, self._started_at
        written, dropped = pieces.repacked(self.known.pieces, shard=shard, entries=passage.entries)
        granted = pieces.granting(
            list(passage.counted),
            shard=shard,
            run=self._setup.run_id,
            after=self.known.granted_pieces,
            now=now,
        )
        stale = {piece.name for piece in self._granted} - {piece.name for piece in granted}
        before = quota.standing.get(shard)
        same = passage.digest == (before.digest if before else "")
        told = () if same else tuple(self._held_sets(passage, quota=quota))
        known = self.known
        holds = bool(passage.entries or granted or known.granted_pieces or known.inherited)
        noted = replace(mark, generation=passage.generation, holds=holds)
        changes = Changes(
            pieces=written + (granted if granted != self._granted else ()),
            dropped=(*dropped, *sorted(stale)),
            held_sets=told,
            watermark=noted if noted != mark else None,
        )
        for part in commits(changes):
            await self._setup.ports.store.commit(await lease.hold(), part)
        kept = {piece.name: piece for piece in self.known.pieces} | {
            piece.name: piece for piece in written
        }
        own = tuple(piece for name, piece in kept.items() if name not in dropped)
        self.known = replace(self.known, pieces=own)
        self._granted = granted
        self._passage = passage
        return noted

    def _held_sets(self, passage: Passage, *, quota: Quota) -> Iterator[HeldSet]:
        """What the digest of this shard names, and what that of all shards does."""
        if not passage.digest:
            return
        shard, now = self._setup.shard.name, self._started_at
        generations = {shard: passage.generation}
        own = HeldSet(digest=passage.digest, generations=generations, at=now)
        joint = joint_set(self._standing(passage, quota=quota), at=now)
        yield own
        if joint.digest != own.digest:
            yield joint

    def _standing(self, passage: Passage, *, quota: Quota) -> dict[str, Standing]:
        """What each shard holds; shards that are cut no more hold nothing."""
        shard = self._setup.shard
        standing = {
            name: held
            for name, held in quota.standing.items()
            if not shard.cuts_differently(name) and name != shard.name
        }
        if passage.digest:
            generation = passage.generation
            standing[shard.name] = Standing(digest=passage.digest, generation=generation)
        return standing

    def taking(self, passage: Passage, *, quota: Quota) -> Quota:
        setup, shard = self._setup, self._setup.shard
        mine = {
            kind: Used(
                kind=kind,
                shard=shard.name,
                at=self._started_at,
                many=len(counted),
                live=passage.live_links,
                run=setup.run_id,
                execution=setup.execution,
            )
            for kind, counted in passage.weighed.counted.items()
            if kind is Kind.CLOSE or shard.count > 1
        }
        standing = self._standing(passage, quota=quota)
        open_runs = {piece.run for piece in self.known.granted_pieces}
        kept = replace(quota, standing=standing)
        if not mine:
            return kept
        return pieces.taking(
            kept, mine=mine, shard=shard, open_runs=open_runs, now=self._started_at
        )

    # --- When the plan is carried out ---------------------------------------------------------

    def settle(self, ledger: Ledger) -> Closing:
        """What memory keeps of it: what was approved and is not done, and what was granted to a
        write whose fate is unknown.
        """
        passage = self._passage
        if passage is None:
            return Closing()
        going = [shelved for shelved in passage.weighed.plan.decisions.shelved if shelved.kind]
        open_kinds = {OutcomeKind.DEFERRED, OutcomeKind.UNKNOWN}
        ended = {one.line for one in going if ledger.left.get(one.issue_id) not in open_kinds}
        written, dropped = pieces.repacked(
            self.known.pieces,
            shard=self._setup.shard.name,
            entries=[entry for entry in passage.entries if entry.line not in ended],
        )
        unknown = {
            one.line for one in going if ledger.left.get(one.issue_id) is OutcomeKind.UNKNOWN
        }
        kept, gone = _only(unknown, among=(*self.known.granted_pieces, *self._granted))
        counted = self.known.granted.union(passage.counted)
        unused = {OutcomeKind.DEFERRED, OutcomeKind.FAILED}
        lines = {one.line for one in going if ledger.left.get(one.issue_id) in unused}
        return Closing(
            pieces=(*written, *kept),
            dropped=(*dropped, *gone),
            holds=bool(kept or self.known.inherited)
            or any(entry.line not in ended for entry in passage.entries),
            unused=len(lines & counted),
        )


async def give_back(closing: Closing, *, setup: Setup) -> None:
    """Only now, when memory no longer knows them as granted: else a run could use them twice. A
    refusal of Jira is no close.
    """
    store, shard = setup.ports.store, setup.shard.name
    for _ in range(ROUNDS_MAX if closing.unused else 0):
        quota = await store.quota()
        given = pieces.giving_back(quota, shard=shard, many=closing.unused)
        if given == quota or await change(quota, becomes=given, store=store):
            return


def commits(changes: Changes) -> Iterator[Changes]:
    """The same in commits that stay small. The watermark is in the first, so that no generation is
    given twice; what digests name is in the last, for it must not be approved before all of it is
    there. So is the record of a run, and with it its watermark.
    """
    parts = [*batches(changes.pieces, size=PIECES_A_COMMIT)]
    drops = [*batches(changes.dropped, size=PIECES_A_COMMIT)]
    many = max(len(parts), len(drops), 1)
    for place in range(many):
        is_first, is_last = place == 0, place == many - 1
        with_mark = is_last if changes.run else is_first
        part = Changes(
            watermark=changes.watermark if with_mark else None,
            pieces=parts[place] if place < len(parts) else (),
            dropped=drops[place] if place < len(drops) else (),
            held_sets=changes.held_sets if is_last else (),
            run=changes.run if is_last else None,
        )
        if part:
            yield part


def _only(
    lines: Collection[str], *, among: Iterable[Piece]
) -> tuple[tuple[Piece, ...], tuple[str, ...]]:
    """Pieces that hold nothing but these lines, where they are others now; and the names of those
    that would be empty.
    """
    left = [(piece, tuple(text for text in piece.texts if text in lines)) for piece in among]
    kept = tuple(replace(piece, texts=texts) for piece, texts in left if texts)
    return kept, tuple(piece.name for piece, texts in left if not texts)
