"""Our memory between runs: what every store keeps, and what one commit changes.

Promises: every value is frozen; one commit is one `Changes`.
Does not do: knowing how a value is kept (`state/`).
"""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import assert_never

from msgspec import Struct, field

from job.core.backlog import Backlog
from job.core.held import HeldSet, Piece
from job.core.ids import EPOCH, Fingerprint, Instant, IssueId, Marker, TicketId, TicketKey, Version
from job.core.taken import Taken

Broken = dict[IssueId, str]
"""Why the documents of single issues cannot be used, by issue, as sentences."""


class Link(Struct, frozen=True, kw_only=True):
    """Our memory that this issue has that ticket, what we last told it and how it looked then."""

    issue_id: IssueId
    ticket_id: TicketId
    ticket_key: TicketKey
    version: Version
    """The version of the issue that is fully applied; "" when none is."""
    fingerprint: Fingerprint
    """Of what we last said on the ticket."""
    live: bool
    """Whether the issue was active when we last applied it. Only live links are swept."""
    said: Marker | None = None
    """The last comment that is known to be on the ticket."""
    status_seen: str = ""
    status_owed: str = ""
    """A status that the ticket should still get after its creation; "" when none."""
    misses: int = 0
    """In how many runs on end Jira did not show the ticket."""
    unconfirmed: bool = False
    """Whether Jira confirmed the create and never showed us the ticket with our id since."""
    creates: int = 1
    """The how manieth create of ours for this issue made the ticket, as far as we know."""
    reopens: int = 0
    """How often we have reopened the ticket."""
    missed_at: Instant | None = None
    """When Halo first answered 404 for the issue, since it knew it last; `None` while it does."""
    outline: Fingerprint = Fingerprint("")
    """The part of what we last said that holds whatever the finding shows; "" where that was not
    kept apart.
    """
    accepted_at: Instant | None = None
    """When the ticket was first seen where people put a risk that they accept; `None` while it
    stands elsewhere.
    """
    accepted_critical: bool = False
    """Whether the issue was critical then."""
    accepted_cvss_tenths: int | None = None
    """The issue's highest CVSS then, in tenths of a point."""
    recalls: str = ""
    """What the ticket was told last, row by row (`core/recollection.py`); "" when that is not
    known.
    """
    commented_at: Instant | None = None
    """When it was commented last, as far as we know."""
    gathered: str = ""
    """What has moved and is not told, or since when evidence is unread; "" for neither."""
    tell_at: Instant | None = None
    """When its issue is looked at again, whether Halo has touched it or not."""
    wrote: str = ""
    """What we wrote into its fields (`core/follow.py`); "" when that is not known."""
    relearns: bool = False
    """Whether memory was lost: where `recalls` is "", what is seen next counts as told."""
    updated_at: Instant = EPOCH

    def is_due(self, now: datetime) -> bool:
        """Whether something was gathered for the ticket that is to be told by now."""
        return self.tell_at is not None and self.tell_at <= now


class IntentKind(StrEnum):
    """The two writes that Jira would do twice if they were sent twice."""

    CREATE = "create"
    COMMENT = "comment"


class Intent(Struct, frozen=True, kw_only=True):
    """Our note, made before a write that cannot be repeated blindly. While it stands, the write's
    fate is unknown.
    """

    issue_id: IssueId
    kind: IntentKind
    attempt: str
    """Names this try: run id and number. A try that follows another names the one it follows."""
    version: Version
    fingerprint: Fingerprint
    marker: Marker
    at: Instant
    ticket_id: TicketId | None = None
    """The ticket to comment; `None` for a create."""
    ticket_key: TicketKey | None = None
    project: str = ""
    above_key: int = 0
    """The highest key number known in the project before the create was sent; a lost ticket has a
    higher one.
    """
    status_owed: str = ""
    follows: str | None = None
    creates: int = 1
    """The how manieth create for the issue this is; of a comment it says nothing."""
    outline: Fingerprint = Fingerprint("")
    """As in the link that this write will leave behind."""
    recalls: str = ""
    """What the ticket will have been told; "" when that stays as it is."""
    wrote: str = ""
    """What a create will have written into its fields."""


class Parked(Struct, frozen=True, kw_only=True):
    """An issue set aside after failing, with its error. It holds no watermark and is tried again at
    `next_at`.
    """

    issue_id: IssueId
    version: Version
    error_class: str
    message: str
    attempts: int
    first_at: Instant
    next_at: Instant
    settings_digest: str
    """Of the settings it failed under. Other settings, or another version of the issue, release it
    at once.
    """
    tried: str = ""
    """The action that was tried and failed; "" when none was. Tried again, it counts for no limit
    a second time.
    """


class Noted(Struct, frozen=True, kw_only=True):
    """That Jira spoke of a ticket of ours between runs: the next run looks at it. Nothing else of
    what Jira said is believed.
    """

    ticket_id: TicketId
    issue_id: IssueId
    """Whose ticket it is, as memory had it then."""
    deleted: bool
    """Whether Jira said that the ticket was deleted."""
    delivery: str
    """What Jira calls the delivery, whichever try of it came through."""
    at: Instant


class Owner(Struct, frozen=True, kw_only=True):
    """Whose memory it is: one Jira site, one Halo account, one id field."""

    jira_url: str
    cloud_id: str = ""
    """Jira's immutable id of the site, which it keeps when it is renamed."""
    halo_url: str
    halo_key_id: str
    """The id of the API key, which is no secret."""
    id_field: str
    """As the settings name it."""


class Watermark(Struct, frozen=True, kw_only=True):
    """The time up to which everything is settled, and the highest ticket key number known in each
    project by then.
    """

    at: Instant
    swept_at: Instant | None = None
    highest_keys: Mapping[str, int] = field(default_factory=dict)
    owner: Owner | None = None
    """`None` until a run has asked."""
    reading_from: Instant | None = None
    """From when on a back-fill reads that was begun and is not over (`EPOCH`: from the beginning);
    `None` when none is owed.
    """
    sweep_owed: bool = False
    """Whether a sweep was begun that is not over, though none may be due."""
    begun_from: Instant | None = None
    """From when on the very first run looked, or somebody asked to look: what Halo touched last
    before that is the backlog. `None` in memory of older programs, which knew none.
    """
    backlog_as: str = ""
    """What the settings said of the backlog when a run last looked at all of it; "" before that."""
    began_at: Instant | None = None
    """When the last run began that moved this mark."""
    generation: int = 0
    """How many sets of this shard were held so far."""
    holds: bool = False
    """Whether there are pieces of what is held or was granted to be read."""
    canary: IssueId = IssueId("")
    """An issue whose ticket is known to hold its id: a search must find it before its silence about
    others is believed. "" while none is known.
    """


class Lease(Struct, frozen=True, kw_only=True):
    """The right to write, held by one run until `until`. The fence rises with each lease ever given
    for the shard.
    """

    shard: str
    holder: str
    fence: int
    until: Instant


class Changes(Struct, frozen=True, kw_only=True):
    """What one commit writes to the store, all of it or nothing."""

    intents: tuple[Intent, ...] = ()
    """New ones. One whose `follows` is `None` must not exist yet for its issue."""
    links: tuple[Link, ...] = ()
    settled: tuple[IssueId, ...] = ()
    """Issues whose intent is to be dropped."""
    parked: tuple[Parked, ...] = ()
    released: tuple[IssueId, ...] = ()
    """Issues that are no longer parked."""
    forgotten: tuple[IssueId, ...] = ()
    """Issues whose link is to be dropped."""
    backlog: tuple[Backlog, ...] = ()
    taken: tuple[Taken, ...] = ()
    untaken: tuple[IssueId, ...] = ()  # whose note of a takeover is to be dropped
    pieces: tuple[Piece, ...] = ()
    """Of what is held, or was granted."""
    dropped: tuple[str, ...] = ()
    """The names of pieces that are no longer needed."""
    held_sets: tuple[HeldSet, ...] = ()
    watermark: Watermark | None = None
    run: "RunRecord | None" = None
    past_runs: "tuple[RunRecord, ...]" = ()
    """Records that come from other memory."""

    def __bool__(self) -> bool:
        return any(getattr(self, name) for name in self.__struct_fields__)


class Verdict(StrEnum):
    """How a run ended."""

    DONE = "done"
    FAILURES = "failures"
    """Some issues failed, or the fate of some writes is unknown."""
    REFUSED = "refused"
    """A kind of action was over its limit and is held; all else was done."""
    STOPPED = "stopped"
    """Something stopped it before the next write."""

    @property
    def exit_code(self) -> int:
        """What the process ends with."""
        match self:
            case Verdict.DONE:
                return 0
            case Verdict.FAILURES:
                return 5
            case Verdict.REFUSED:
                return 4
            case Verdict.STOPPED:
                return 3
        assert_never(self)


class RunRecord(Struct, frozen=True, kw_only=True):
    """The record of one run: counts, calls spent, times and a few errors. Kept for 90 days."""

    run_id: str
    shard: str
    started_at: Instant
    finished_at: Instant
    verdict: Verdict
    exit_code: int
    counts: Mapping[str, Mapping[str, int]]
    """Action -> outcome -> how many."""
    calls: Mapping[str, Mapping[str, int]]
    """Remote -> request -> how many."""
    watermark_at: Instant | None = None
    parked_total: int | None = None
    """How many issues are parked; `None` when the run ended before it knew."""
    accepted: int = 0
    """How many issues were left alone because people accept their risk, of those looked at."""
    lag_s: int | None = None
    """How long before the end of the run all was settled, without the overlap, which is read again
    anyway; of a run that ended early it is what it found. `None` when it found none.
    """
    digest: str = ""
    """Names what is held; "" when nothing is."""
    held: tuple[str, ...] = ()
    """A sentence for each limit that was passed, with its name and the counts."""
    errors: tuple[str, ...] = ()
