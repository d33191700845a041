"""Notes in memory what somebody approved by its digest, for this run or whichever comes first.

Promises: an approval is noted before the lease is asked for, so that it is not lost while another
run is at work; one approval serves all tasks; a digest that names nothing, or nothing any more, is
told and approves nothing.
Does not do: letting anything through (`gate.py`).
"""

from datetime import datetime
from typing import assert_never

import structlog
from msgspec.structs import replace

from job.core.held import FORGOTTEN_AFTER, Approval, HeldSet, Quota, approving, joint_set
from job.errors import RemoteDown
from job.events import Event
from job.stores import Store

log = structlog.get_logger()

ROUNDS_MAX = 50
"""So often the quota may change under us: as often as there are tasks that begin together."""


async def approve(digest: str | None, *, store: Store, now: datetime) -> Approval:
    """Notes the approval of what this digest names. `None` approves nothing."""
    if digest is None:
        return Approval.NONE
    held_set = await _named(digest, store=store, now=now)
    if held_set is None:
        approval = Approval.UNKNOWN
    elif now - held_set.at >= FORGOTTEN_AFTER:
        approval = Approval.OLD
    else:
        await _note(held_set, store=store)
        approval = Approval.NOTED
    if words := words_about(approval, digest=digest):
        log.warning(Event.APPROVAL_IDLE, digest=digest, message=words)
    else:
        log.info(Event.APPROVAL_NOTED, digest=digest)
    return approval


def words_about(approval: Approval, *, digest: str | None) -> str:
    """What is wrong with the digest that was given; "" when nothing is."""
    match approval:
        case Approval.NONE | Approval.NOTED:
            return ""
        case Approval.OLD:
            words = (
                f"{digest} was held more than {FORGOTTEN_AFTER.days} days ago and is forgotten: "
            )
            return words + "it approves nothing any more."
        case Approval.UNKNOWN:
            words = f"{digest} names nothing that was held lately and approves nothing: "
            return words + "is it mistyped?"
    assert_never(approval)


async def _named(digest: str, *, store: Store, now: datetime) -> HeldSet | None:
    found = await store.held_set(digest)
    if found is None:
        joint = joint_set((await store.quota()).standing, at=now)
        found = joint if digest and joint.digest == digest else None
    return found


async def _note(held_set: HeldSet, *, store: Store) -> None:
    for _ in range(ROUNDS_MAX):
        quota = await store.quota()
        changed = approving(quota, held_set)
        if changed == quota or await change(quota, becomes=changed, store=store):
            return
    raise contended()


async def change(quota: Quota, *, becomes: Quota, store: Store) -> bool:
    """Whether the quota that was read is now this one."""
    return await store.change_quota(replace(becomes, revision=quota.revision + 1))


def contended() -> RemoteDown:
    """What ends a run that never has its turn."""
    return RemoteDown(
        "store",
        "sharing the limits",
        f"The quota changed under us {ROUNDS_MAX} times on end.",
        "Nothing, if the next run goes well: it begins anew.",
    )
