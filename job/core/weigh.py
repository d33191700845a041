"""What a plan has more of than its limits allow, and what is let through all the same.

Promises: of a kind that is over its limit nothing new goes through, and everything else does; what
was approved, or counted before, is not counted again; what failed before is tried again within what
is left of the limit, whoever else is held; the closes of a day count together, so that a mass close
does not come in slices, and so do those that wait behind the cap of a run.
Does not do: remembering any of it (`pieces.py`), or asking anybody for it (`flow/gate.py`).
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import assert_never

from msgspec import Struct, field
from msgspec.structs import replace

from job.core.held import DAY, HOUR, Kind, Quota, Used
from job.core.plan import Limits, Plan
from job.core.shards import Shard
from job.core.shelf import Row, Shelved, Weight

CLOSE_FLOOR = 10
STRANGERS_SHOWN = 3


class Allowance(Struct, frozen=True, kw_only=True):
    """How much of one kind may be done now, by this task."""

    most: int
    used: int
    words: str
    """What a sentence about it begins with."""
    barred: str = ""
    """Why none at all may be done unapproved, as a sentence; "" where some may."""
    slice: int | None = None
    """How many a slice of this task has; `None` where nothing goes in slices."""

    @property
    def left(self) -> int:
        return max(0, self.most - self.used)


class Past(Struct, frozen=True, kw_only=True):
    """What was let through before: by a person, or by a limit of a run that died since."""

    approved: Collection[str] = ()
    granted: Collection[str] = ()


class Weighed(Struct, frozen=True, kw_only=True):
    """A plan within its limits, and what it takes of them."""

    plan: Plan
    counted: Mapping[Kind, Sequence[Shelved]] = field(default_factory=dict)
    """What of the plan's own counts for a limit and did not before."""


def allowances(
    limits: Limits,
    *,
    quota: Quota,
    shard: Shard,
    run: str,
    execution: str,
    live_links: int,
    strangers: Sequence[str],
    now: datetime,
) -> dict[Kind, Allowance]:
    """The kinds that are limited at all. `execution` names the one of which this run is a task.
    `strangers` are what tickets hold in the id field already, where a run knows of no ticket that
    was ever made and Halo knows none of it: no ticket is made beside them unapproved.
    """
    others = [used for used in quota.used if used.run != run]
    found: dict[Kind, Allowance] = {}
    for kind in Kind:
        match kind:
            case Kind.CLOSE:
                if limits.close_percent_max < 100:
                    found[kind] = _closes(limits, others, live_links=live_links, now=now)
            case Kind.CREATE:
                if strangers:
                    found[kind] = Allowance(most=0, used=0, words="", barred=_strange(strangers))
                elif limits.create_max:
                    used = _in_round(others, kind=kind, shard=shard, execution=execution, now=now)
                    words = f"MAX_CREATE allows {limits.create_max} new tickets in a run"
                    allowed = _by_all(limits.create_max, used=used, words=words)
                    share = _share(limits.create_max, shard=shard) if limits.slices else None
                    found[kind] = replace(allowed, slice=share)
            case Kind.REOPEN:
                if limits.reopen_max:
                    used = _in_round(others, kind=kind, shard=shard, execution=execution, now=now)
                    words = f"MAX_REOPEN allows {limits.reopen_max} reopened tickets in a run"
                    found[kind] = _by_all(limits.reopen_max, used=used, words=words)
            case _:
                assert_never(kind)
    return found


def _strange(held: Sequence[str]) -> str:
    shown = ", ".join(f'"{text}"' for text in held[:STRANGERS_SHOWN])
    return (
        f"This run knows of no ticket that was ever made, but tickets are there that hold {shown} "
        "in the id field, and Halo knows none of these as an issue. They may be tickets of another "
        "Halo account or of another program: then every issue gets a second ticket."
    )


def _closes(limits: Limits, others: Iterable[Used], *, live_links: int, now: datetime) -> Allowance:
    """The closes of the last day count against the live links there were at their start."""
    today = sorted(_of_day(others, now=now), key=lambda used: used.at)
    live = max(live_links, today[0].live if today else 0)
    most = max(CLOSE_FLOOR, live * limits.close_percent_max // 100)
    used = sum(used.many for used in today)
    words = f"MAX_CLOSE_PERCENT allows {most} closed tickets in 24 hours ("
    words += f"{limits.close_percent_max} % of {live} open links, at least {CLOSE_FLOOR})"
    if used:
        words += f", and {used} were closed"
    return Allowance(most=most, used=used, words=words)


def _of_day(used: Iterable[Used], *, now: datetime) -> Iterator[Used]:
    return (taken for taken in used if taken.kind is Kind.CLOSE and now - taken.at < DAY)


def _in_round(
    others: Iterable[Used], *, kind: Kind, shard: Shard, execution: str, now: datetime
) -> int:
    """What other tasks of the same execution took. Where executions have no name, what other tasks
    took within the hour.
    """
    if shard.count == 1:
        return 0
    return sum(
        taken.many
        for taken in others
        if taken.kind is kind
        and taken.shard != shard.name
        and (taken.execution == execution if execution else now - taken.at < HOUR)
    )


def _by_all(most: int, *, used: int, words: str) -> Allowance:
    if used:
        words += f", and other tasks have made {used} of them"
    return Allowance(most=most, used=used, words=words)


def _share(total: int, *, shard: Shard) -> int:
    """What a slice of one task has of the total: an even part, and at least one."""
    return max(1, total // shard.count + (shard.index < total % shard.count))


def within_limits(
    plan: Plan, *, allowed: Mapping[Kind, Allowance], past: Past, at_most: int = 0
) -> Weighed:
    """The plan as far as its limits and the cap of a run let it through."""
    verdicts = [
        _weigh_kind(kind, plan, allowance=allowance, past=past)
        for kind, allowance in allowed.items()
    ]
    held = {id(shelved) for verdict in verdicts for shelved in verdict.held}
    waiting = {id(shelved) for verdict in verdicts for shelved in verdict.waits}
    going = [one for one in plan.decisions.shelved if id(one) not in held | waiting]
    cut = at_most or len(going)
    ordered = plan.decisions.shelved
    late = {id(one) for one in going[cut:]}
    lets_through = replace(
        plan,
        decisions=Row(tuple(going[:cut])),
        deferred=Row(tuple(one for one in ordered if id(one) in waiting | late)),
        held=Row(tuple(one for one in ordered if id(one) in held)),
        over=tuple(verdict.over for verdict in verdicts if verdict.over),
        sliced=sum(verdict.sliced for verdict in verdicts),
    )
    counted: dict[Kind, list[Shelved]] = {}
    for shelved in going[:cut]:
        kind = shelved.kind
        if kind is not None and kind in allowed and _counts(shelved, past=past):
            counted.setdefault(kind, []).append(shelved)
    return Weighed(plan=lets_through, counted=counted)


class _Verdict(Struct, frozen=True, kw_only=True):
    """What becomes of one kind."""

    held: Sequence[Shelved] = ()
    waits: Sequence[Shelved] = ()
    over: str = ""
    sliced: int = 0


def _counts(shelved: Shelved, *, past: Past) -> bool:
    if shelved.weight is Weight.NOTHING:
        return False
    return shelved.line not in past.approved and shelved.line not in past.granted


def _weigh_kind(kind: Kind, plan: Plan, *, allowance: Allowance, past: Past) -> _Verdict:
    counting = [
        shelved
        for shelved in plan.decisions.shelved
        if shelved.kind is kind and _counts(shelved, past=past)
    ]
    if allowance.slice is not None:
        worst = sorted(counting, key=lambda shelved: shelved.urgency)
        waits = worst[min(allowance.slice, allowance.left) :]
        return _Verdict(waits=waits, sliced=len(waits))
    if allowance.barred and counting:
        return _Verdict(held=counting, over=allowance.barred)
    new = [shelved for shelved in counting if shelved.weight is Weight.NEW]
    tried = [shelved for shelved in counting if shelved.weight is Weight.ONCE_TRIED]
    if len(new) <= allowance.left:
        return _Verdict(waits=tried[allowance.left - len(new) :])
    over = f"{allowance.words}; the plan has {len(new)}."
    return _Verdict(held=new, waits=tried[allowance.left :], over=over)
