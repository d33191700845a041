"""What happened in Halo and among people, noted by whoever drives the worlds, where the vendors
keep no record of it themselves.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime


@dataclass
class Diary:
    """What happened when."""

    said: dict[str, list[tuple[datetime, bool]]] = field(default_factory=lambda: defaultdict(list))
    """Issue -> (instant, whether Halo called it resolved from then on)."""
    news: dict[str, datetime] = field(default_factory=dict)
    """Issue -> when its evidence last changed while it was active."""
    evidence: dict[str, int] = field(default_factory=dict)
    """Issue -> the revision of its newest evidence, where it has any that a ticket can show."""
    deleted: dict[int, datetime] = field(default_factory=dict)
    """Ticket -> when a person deleted it."""
    blurred: set[str] = field(default_factory=set)
    """Issues of which memory cannot know what was told, for it was bent or the vendor has made two
    tickets of one request: what the other ticket shows may be told once more.
    """
    alone: set[str] = field(default_factory=set)
    """Issues that were old before the first run looked, and shall have no ticket so far."""
    bent: set[str] = field(default_factory=set)
    """Issues whose link was bent to a stranger's ticket: what memory knew of the issue's own went
    with it, so the last word may be said there once more.
    """
    first_status: str = ""
    """The status that every new ticket shall get; "" where it keeps the one that it starts in."""

    def note(self, issue_id: str, *, at: datetime, resolved: bool) -> None:
        self.said[issue_id].append((at, resolved))

    def was_resolved_by(self, issue_id: str, *, at: datetime) -> bool:
        """Whether Halo had said `resolved` some time before, so that a close then had evidence."""
        return self.resolves_by(issue_id, at=at) > 0

    def resolves_by(self, issue_id: str, *, at: datetime) -> int:
        """How often the issue had gone over to `resolved` by then."""
        spoken = [resolved for when, resolved in self.said[issue_id] if when <= at]
        before = [False, *spoken]
        return sum(now and not then for then, now in zip(before, spoken, strict=False))
