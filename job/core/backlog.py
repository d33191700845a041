"""Which issues were old before the first run looked, and what becomes of them (`BACKLOG`).

Promises: what the first run looked at is no backlog, nor is what somebody asked for by a time; an
issue is left alone only on Halo's own timestamps or on a note of it. Memory of older programs
knows no beginning, and so no backlog.
Does not do: reading or writing notes (`flow/gather.py`, `flow/run.py`), or what else is decided.
"""

from datetime import datetime
from enum import StrEnum
from typing import assert_never

from msgspec import Struct
from msgspec.structs import replace

from job.core.ids import EPOCH, Instant, IssueId
from job.core.issues import Issue, IssueStatus


class BacklogMode(StrEnum):
    """What becomes of an issue that nobody has touched since before the first run looked."""

    TOUCHED = "touched"
    """A ticket when Halo next touches it."""
    ALL = "all"
    """A ticket in the first run."""
    CRITICAL = "critical"
    """A ticket in the first run if it is critical, else as with `none`."""
    NONE = "none"
    """Left alone until it comes back, becomes critical, or somebody asks for it."""

    @property
    def at_once(self) -> bool:
        """Whether the first run looks at the whole backlog."""
        return self is not BacklogMode.TOUCHED

    @property
    def keeps_notes(self) -> bool:
        """Whether Halo's touch is not enough, so that memory must know which issues are old."""
        return self in {BacklogMode.CRITICAL, BacklogMode.NONE}

    @property
    def means(self) -> str:
        """What becomes of the backlog, for whoever reads how large it is."""
        match self:
            case BacklogMode.TOUCHED:
                said = "they come as Halo scans them"
            case BacklogMode.ALL:
                said = "the first run makes their tickets, as far as MAX_CREATE allows"
            case BacklogMode.CRITICAL:
                said = "the critical ones come at once, the others never by themselves"
            case BacklogMode.NONE:
                said = "they never come by themselves"
            case _:
                assert_never(self)
        return said


class Backlog(Struct, frozen=True, kw_only=True):
    """A note of an issue that was old before the first run looked, and is left alone."""

    issue_id: IssueId
    critical: bool
    """Whether it was critical when it was noted."""
    resolved: bool = False
    """Whether it was seen resolved since: then it is no longer old when it comes back."""
    over: bool = False
    """Whether it is left alone no more: it came back, became critical, or was asked for."""
    at: Instant = EPOCH


class Size(Struct, frozen=True, kw_only=True):
    """How many active issues are older than the look-back, as Halo counts them."""

    issues: int
    critical: int | None
    """How many of them are critical; `None` where Halo does not tell them apart."""


class Beginning(Struct, frozen=True, kw_only=True):
    """Where memory of a deployment begins, and what the settings say of all that is older."""

    mode: BacklogMode = BacklogMode.TOUCHED
    begun_from: datetime | None = None
    """From when on the first run looked; `None` where memory does not know it."""
    told: bool = False
    """Whether a run has looked at the whole backlog under these settings."""
    asked_from: datetime | None = None
    """From when on somebody asked to look; `None` when nobody did."""

    def is_old(self, issue: Issue) -> bool:
        """Whether Halo has not touched it since before the first run looked."""
        if self.begun_from is None or issue.gone or issue.unreadable:
            return False
        is_asked_for = self.asked_from is not None and issue.touched_at >= self.asked_from
        return issue.touched_at < self.begun_from and not is_asked_for

    def passes_over(self, issue: Issue) -> bool:
        """Whether it needs no look at all, neither into memory nor into Jira: it is as old as when
        it was told apart. A critical one may have become so.
        """
        if not self.told or issue.status is IssueStatus.RESOLVED or not self.is_old(issue):
            return False
        return self.mode is BacklogMode.TOUCHED or (self.mode.keeps_notes and not issue.critical)

    def sets_apart(self, issue: Issue) -> bool:
        """Whether it must be looked at to be noted as old, whatever else the settings say of it."""
        return self.mode.keeps_notes and not self.told and self.is_old(issue)

    def may_have_note(self, issue: Issue) -> bool:
        """Whether memory must be asked for a note of it, if it has no ticket."""
        if self.begun_from is None or not self.mode.keeps_notes or not issue.has_id:
            return False
        if issue.created_at is not None and issue.created_at >= self.begun_from:
            return False
        return not self.passes_over(issue) and (self.told or not self.is_old(issue))

    def leaves_alone(self, issue: Issue, *, note: Backlog | None) -> bool:
        """Whether no ticket is made of an issue that has none, and no record of its resolving."""
        if note is not None and self.mode.keeps_notes and self.begun_from is not None:
            return not self._wants(issue, note=note)
        if not self.is_old(issue):
            return False
        if issue.status is IssueStatus.RESOLVED:
            return True
        match self.mode:
            case BacklogMode.TOUCHED | BacklogMode.NONE:
                return True
            case BacklogMode.ALL:
                return False
            case BacklogMode.CRITICAL:
                return not issue.critical
        assert_never(self.mode)

    def note_after(
        self, issue: Issue, *, note: Backlog | None, alone: bool, now: datetime
    ) -> Backlog | None:
        """What memory is to be told of it; `None` when that is nothing new."""
        is_resolved = issue.status is IssueStatus.RESOLVED
        if not self.mode.keeps_notes or (note is None and (is_resolved or not alone)):
            return None
        kept = note or Backlog(issue_id=issue.id, critical=issue.critical, at=now)
        becomes = replace(kept, resolved=kept.resolved or is_resolved, over=not alone)
        return None if becomes == note else becomes

    def _wants(self, issue: Issue, *, note: Backlog) -> bool:
        """Whether an issue that was noted is left alone no more."""
        if note.over:
            return True
        if self.asked_from is not None and issue.touched_at >= self.asked_from:
            return True
        if issue.status is IssueStatus.RESOLVED:
            return False
        became_critical = issue.critical and not note.critical
        return note.resolved or became_critical or self._is_wanted_critical(issue)

    def _is_wanted_critical(self, issue: Issue) -> bool:
        return self.mode is BacklogMode.CRITICAL and issue.critical


def told(size: Size | None, *, mode: BacklogMode) -> str:
    """How large the backlog is and what becomes of it, as a sentence."""
    if size is None:
        said = "Halo does not let us count the active issues that are older than the look-back"
    elif size.issues == 0:
        return "No active issue is older than the look-back."
    else:
        many = "1 active issue is" if size.issues == 1 else f"{size.issues:,} active issues are"
        critical = "" if size.critical is None else f", {size.critical:,} critical"
        said = f"{many} older than the look-back{critical}"
    return f"{said}; BACKLOG={mode}: {mode.means}."
