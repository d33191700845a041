"""The nouns: what an issue, a finding, an asset, a ticket and our memory of them are.

Every value is frozen, every instant is an aware UTC `datetime`, every id has a type of its own.
What a vendor left out is `None` or `""` here, never the vendor's way of saying so. Nothing in this
file knows how a value was read or is kept.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from functools import cached_property
from typing import Annotated, NewType

from msgspec import Meta, Struct, field

IssueId = NewType("IssueId", str)
"""Halo's id of an issue, exactly as Halo writes it (v3: a UUID with hyphens)."""
TicketId = NewType("TicketId", str)
"""Jira's immutable id of a ticket: digits. It survives moves and renamed projects."""
TicketKey = NewType("TicketKey", str)
"""Jira's key of a ticket as last seen, such as `SEC-12`. It changes when the ticket moves."""
Version = NewType("Version", str)
"""The cheap sign that an issue changed: its status and Halo's timestamps, as text. Compared for
equality only.
"""
Fingerprint = NewType("Fingerprint", str)
"""The hash of what we would say about an issue. Equal fingerprints mean that there is nothing new
to say.
"""
Marker = NewType("Marker", str)
"""The name of one comment, kept as its property in Jira, so that it can be looked for after a lost
answer.
"""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
Instant = Annotated[datetime, Meta(tz=True)]
"""An instant of our memory: what a store gives back without its time zone is refused."""


class IssueStatus(StrEnum):
    """Halo's two words. An issue that came back is active again under the same id."""

    ACTIVE = "active"
    RESOLVED = "resolved"


class Issue(Struct, frozen=True, kw_only=True, dict=True):
    """One Halo issue as the list of issues gives it (GET /v3/issues; list entries are as full as a
    description).
    """

    id: IssueId
    type: str
    """csm, fim, lids, sva, sam, fw, agent, image_sva, or a word that Halo adds later."""
    source: str
    """server_secure, cloud_secure or container_secure; "" when Halo does not say."""
    status: IssueStatus
    critical: bool
    name: str
    url: str = ""
    rule_key: str = ""
    rule_name: str = ""
    cp_rule_id: str = ""
    policy_name: str = ""
    created_at: datetime | None = None
    first_seen_at: datetime | None = None
    last_seen_at: datetime | None = None
    updated_at: datetime | None = None
    resolved_at: datetime | None = None
    resolved_by: str = ""
    resolution: str = ""
    """Why it was resolved, in Halo's or a person's words; "" when nobody gave a reason."""
    asset_id: str = ""
    asset_url: str = ""
    asset_type: str = ""
    asset_name: str = ""
    asset_hostname: str = ""
    group_name: str = ""
    group_path: str = ""
    os_type: str = ""
    finding_url: str = ""
    """The newest finding or event behind the issue; "" where Halo has no such endpoint (cloud
    issues).
    """
    package_name: str = ""
    package_version: str = ""
    cves: tuple[str, ...] = ()
    max_cvss: float | None = None
    remotely_exploitable: bool | None = None
    csp_account_type: str = ""
    csp_account_id: str = ""
    csp_account_name: str = ""
    csp_region: str = ""
    csp_service_type: str = ""
    csp_resource_id: str = ""
    registry_name: str = ""
    repository_name: str = ""
    gone: bool = False
    """Whether Halo answered 404 for it: then nothing but its id is known, and it is neither active
    nor resolved.
    """

    @cached_property
    def version(self) -> Version:
        """Changes whenever Halo touched the issue: on each scan that sees it again, on resolve, on
        reopen.
        """
        if self.gone:
            return Version("gone")
        stamps = (
            self.last_seen_at,
            self.resolved_at if self.status is IssueStatus.RESOLVED else None,
        )
        words = ("-" if at is None else at.isoformat(timespec="microseconds") for at in stamps)
        return Version("|".join((self.status, "critical" if self.critical else "normal", *words)))

    @property
    def touched_at(self) -> datetime:
        """The instant that places the issue on the watermark's line: what Halo's list was filtered
        by.
        """
        own = self.resolved_at if self.status is IssueStatus.RESOLVED else self.last_seen_at
        return own or self.updated_at or self.last_seen_at or self.created_at or EPOCH

    @classmethod
    def forgotten(cls, issue_id: IssueId, *, at: datetime) -> "Issue":
        """What is left of an issue for which Halo answered 404 at this instant."""
        return cls(
            id=issue_id,
            type="",
            source="",
            status=IssueStatus.RESOLVED,
            critical=False,
            name="",
            resolved_at=at,
            resolution="Halo no longer knows this issue; it and its asset were probably deleted.",
            gone=True,
        )


# --- Findings: one scan's evidence behind an issue ------------------------------------------------


class Check(Struct, frozen=True, kw_only=True):
    """One configuration check of a rule: what was looked at, what was wanted, what was found."""

    type: str
    target: str
    expected: str
    actual: str
    status: str


class CsmFinding(Struct, frozen=True, kw_only=True):
    """Configuration: the rule in prose and its checks."""

    description: str
    checks: tuple[Check, ...] = ()


class FileChange(Struct, frozen=True, kw_only=True):
    """One file that differs from its baseline. Hashes are hex SHA-256, "" where Halo has none."""

    path: str
    status: str
    sha256: str = ""
    expected_sha256: str = ""
    owner: str = ""
    mode: str = ""


class FimFinding(Struct, frozen=True, kw_only=True):
    """File integrity: the watched target and the files that changed (`total` may exceed the files
    listed).
    """

    target: str
    description: str
    files: tuple[FileChange, ...] = ()
    total: int = 0


class Cve(Struct, frozen=True, kw_only=True):
    """One vulnerability of a package. `suppressed` when an exception in Halo covers it."""

    id: str
    score: float | None = None
    suppressed: bool = False


class SvaFinding(Struct, frozen=True, kw_only=True):
    """A vulnerable package and its vulnerabilities."""

    package_name: str
    package_version: str
    cves: tuple[Cve, ...] = ()


class LidsEvent(Struct, frozen=True, kw_only=True):
    """A line of a log that matched a rule."""

    message: str
    log_entry: str
    created_at: datetime | None = None


class Gone(Struct, frozen=True, kw_only=True):
    """Halo answered 404: the evidence was deleted, usually together with its server. The ticket
    says so and goes on.
    """

    url: str


Finding = CsmFinding | FimFinding | SvaFinding | LidsEvent


class Asset(Struct, frozen=True, kw_only=True):
    """The server, container, image or cloud resource that an issue is about, as its own endpoint
    describes it.
    """

    id: str
    name: str = ""
    hostname: str = ""
    state: str = ""
    platform: str = ""
    ip_address: str = ""
    group_name: str = ""
    group_path: str = ""
    csp_provider: str = ""
    csp_account_id: str = ""
    csp_instance_id: str = ""


class Evidence(Struct, frozen=True, kw_only=True):
    """An issue with the details a ticket speaks of. `None`: Halo has no such thing, or nobody
    needed it.
    """

    issue: Issue
    finding: Finding | Gone | None = None
    asset: Asset | Gone | None = None


# --- Jira's side ----------------------------------------------------------------------------------


class Ticket(Struct, frozen=True, kw_only=True):
    """A ticket as Jira's database has it now, not as its search index remembers it."""

    id: TicketId
    key: TicketKey
    project: str
    status: str
    type_id: str = ""
    issue_id: IssueId | None = None
    """What its id field holds; `None` when the field was not asked for or is empty."""
    created_at: datetime | None = None


# --- Our memory -----------------------------------------------------------------------------------


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
    status_set: str = ""
    status_owed: str = ""
    """A status that the ticket should still get after its creation; "" when none."""
    misses: int = 0
    """In how many runs on end Jira did not show the ticket."""
    updated_at: Instant = EPOCH


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
    issue_touched_at: Instant = EPOCH


class Watermark(Struct, frozen=True, kw_only=True):
    """The time up to which everything is settled, and the highest ticket key number known in each
    project by then.
    """

    at: Instant
    swept_at: Instant | None = None
    highest_keys: Mapping[str, int] = field(default_factory=dict)


class Lease(Struct, frozen=True, kw_only=True):
    """The right to write, held by one run until `until`. The fence rises with each lease ever given
    for the shard.
    """

    shard: str
    holder: str
    fence: int
    until: Instant


# --- Deciding and doing ---------------------------------------------------------------------------


class Case(Struct, frozen=True, kw_only=True):
    """Everything known about one issue when deciding."""

    issue: Issue
    link: Link | None = None
    intent: Intent | None = None
    ticket: Ticket | None = None
    """The ticket we keep for the issue: the linked one, else the best of those found by the id
    field.
    """
    others: tuple[Ticket, ...] = ()
    """Further tickets with the same Halo id; reported, never touched."""
    parked: Parked | None = None
    linked: bool = False
    """Whether memory holds a link to this very ticket; `link` may also be drawn up from the intent
    of a lost create.
    """
    ticket_gone: bool = False
    """Whether the ticket was missing in an earlier run too, and Jira shows us other tickets of its
    project now.
    """


class Action(StrEnum):
    """What a run can do for an issue, in the order in which a plan lists it."""

    CREATE = "create"
    CREATE_AND_CLOSE = "create-and-close"
    REOPEN = "reopen"
    COMMENT = "comment"
    CLOSE = "close"
    ADOPT = "adopt"


class Afterwards(StrEnum):
    """What becomes of an issue for which nothing is done now."""

    REMEMBER = "remember"
    """Its version counts as applied."""
    WAIT = "wait"
    """It stays unsettled and holds the watermark."""
    PARK = "park"
    """It is set aside and looked at again later."""


class Decision(Struct, frozen=True, kw_only=True):
    """The answer for one case: the rule that gave it, in a word and in a sentence, and an action or
    none.
    """

    case: Case
    reason: str
    because: str
    action: Action | None = None
    afterwards: Afterwards = Afterwards.REMEMBER
    """For decisions without an action; an action's outcome says it for the others."""


class OutcomeKind(StrEnum):
    """How a planned action ended. Every planned action ends in exactly one of these."""

    DONE = "done"
    UNCHANGED = "unchanged"
    FAILED = "failed"
    UNKNOWN = "unknown"
    DEFERRED = "deferred"


class Outcome(Struct, frozen=True, kw_only=True):
    """How one planned action ended, and what is to be remembered of it."""

    decision: Decision
    kind: OutcomeKind
    link: Link | None = None
    """The link to remember; `None` leaves memory as it is."""
    error_class: str = ""
    message: str = ""
    ticket_key: TicketKey | None = None


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
    watermark: Watermark | None = None
    run: "RunRecord | None" = None

    def __bool__(self) -> bool:
        return any(
            (
                self.intents,
                self.links,
                self.settled,
                self.parked,
                self.released,
                self.watermark,
                self.run,
            )
        )


class RunRecord(Struct, frozen=True, kw_only=True):
    """The record of one run: counts, calls spent, times and a few errors. Kept for 90 days."""

    run_id: str
    shard: str
    started_at: Instant
    finished_at: Instant
    verdict: str
    """done, failures, refused or stopped."""
    exit_code: int
    counts: Mapping[str, Mapping[str, int]]
    """Action -> outcome -> how many."""
    calls: Mapping[str, Mapping[str, int]]
    """Remote -> request -> how many."""
    watermark_at: Instant | None = None
    parked_total: int | None = None
    """How many issues are parked; `None` when the run ended before it knew."""
    digest: str = ""
    errors: tuple[str, ...] = ()
