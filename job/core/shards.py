"""Which issues each of several tasks looks after, and where it begins when their number changes.

Promises: for any number of tasks each issue belongs to exactly one; a new number of tasks begins no
later than the time up to which an older number had settled *all* issues, and owes what any of them
owed; a run knows whether it is another attempt of the one before it.
Does not do: reading leases or watermarks, which are brought here.
"""

import re
from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime, timedelta
from hashlib import sha256

from msgspec import Struct

from job.core.ids import IssueId
from job.core.memory import Watermark


class Shard(Struct, frozen=True, kw_only=True):
    """The part of all issues that one of several tasks looks after: a stable hash of the issue_id
    decides.
    """

    index: int = 0
    count: int = 1

    def __contains__(self, issue_id: IssueId) -> bool:
        return (
            self.count == 1
            or int.from_bytes(sha256(issue_id.encode()).digest()[:8]) % self.count == self.index
        )

    @property
    def name(self) -> str:
        return f"{self.index}-of-{self.count}"

    def share_of(self, total: int) -> int:
        """How many of so many belong to this shard at most: the mean and three standard deviations
        of the hash.
        """
        mean = total / self.count
        return total if self.count == 1 else min(total, int(mean + 3 * mean**0.5))

    def cuts_differently(self, name: str) -> bool:
        """Whether the shard of this name belongs to another number of tasks, so that it shares
        issues with us.
        """
        return count_of(name) != self.count


def run_name(*, execution: str, attempt: int, began_at: datetime, salt: str) -> str:
    """The name of a run, by which it also holds its lease: no other run has it, not even another
    attempt of the same task. The salt is hexadecimal.
    """
    of = f"{execution}-{_ATTEMPT}{attempt}" if execution else "local"
    return f"{of}-{began_at:%Y%m%dT%H%M%S}-{salt}"


def comes_after(name: str, earlier: str) -> bool:
    """Whether the run of this name is a later attempt of the same execution than that one.

    Cloud Run tries a task again only when its attempt before is over, whatever that one left
    behind. Both hold the same lease, so they are attempts of the same task.
    """
    ours, theirs = _OF_EXECUTION.fullmatch(name), _OF_EXECUTION.fullmatch(earlier)
    if ours is None or theirs is None:
        return False
    same = ours["execution"] == theirs["execution"]
    return same and int(ours["attempt"]) > int(theirs["attempt"])


_ATTEMPT = "attempt"
_OF_EXECUTION = re.compile(
    rf"(?P<execution>.+)-{_ATTEMPT}(?P<attempt>[0-9]+)-[0-9]{{8}}T[0-9]{{6}}-[0-9a-f]+"
)


def count_of(name: str) -> int:
    """The number of tasks among which the shard of this name was one."""
    return int(name.rpartition("-of-")[2])


def inherited(
    watermarks: Mapping[str, Watermark], *, look_back_to: datetime, overlap: timedelta
) -> Watermark:
    """Where a shard without a watermark of its own begins.

    The lowest watermark of one number of tasks holds for every issue, but only if each of its
    shards has left one; of several such numbers the latest counts. Where none is whole, nothing is
    settled for certain: the reading begins with the look-back, or with the lowest watermark there
    is if that is earlier. A first run also reads the overlap before it, so that only what is older
    is backlog; memory of older programs knows of none, and stays so.
    """
    begins = Watermark(at=look_back_to, swept_at=look_back_to, begun_from=look_back_to - overlap)
    marks = defaultdict[int, list[Watermark]](list)
    for name, mark in watermarks.items():
        marks[count_of(name)].append(mark)
    whole = [found for count, found in marks.items() if len(found) == count]
    if whole:
        latest = max(whole, key=lambda marks: min(mark.at for mark in marks))
    else:
        latest = [*watermarks.values(), begins]
    swept = [mark.swept_at for mark in latest]
    begun = [mark.begun_from for mark in latest]
    seen_as = {mark.backlog_as for mark in latest}
    highest: dict[str, int] = {}
    for mark in watermarks.values():
        for project, number in mark.highest_keys.items():
            highest[project] = max(number, highest.get(project, 0))
    owed = [mark.reading_from for mark in latest if mark.reading_from is not None]
    return Watermark(
        at=min(mark.at for mark in latest),
        swept_at=None if None in swept else min(at for at in swept if at is not None),
        highest_keys=highest,
        owner=next((mark.owner for mark in watermarks.values() if mark.owner), None),
        reading_from=min(owed, default=None),
        begun_from=None if None in begun else min(at for at in begun if at is not None),
        backlog_as=seen_as.pop() if len(seen_as) == 1 else "",
        sweep_owed=any(mark.sweep_owed for mark in latest),
        canary=next((mark.canary for mark in watermarks.values() if mark.canary), IssueId("")),
        holds=any(mark.holds for mark in watermarks.values()),
    )
