"""What Halo has, as values: issues, and the assets that they are about.

Promises: every value is frozen and every instant is an aware UTC `datetime`. What Halo left out is
`None` or `""` here.
Does not do: what a scan saw behind an issue (`findings.py`), or how a value was read
(`halo/bodies.py`).
"""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from functools import cached_property

from msgspec import Struct
from msgspec.structs import replace

from job.core.findings import CveDetails, Finding, Gone, Unreadable
from job.core.ids import EPOCH, IssueId, Version


class IssueStatus(StrEnum):
    """Halo's two words. An issue that came back is active again under the same id."""

    ACTIVE = "active"
    RESOLVED = "resolved"


class IssueKind(StrEnum):
    """What Halo calls an issue's type (CloudPassage API, `type` of an issue)."""

    CSM = "csm"
    FIM = "fim"
    LIDS = "lids"
    SVA = "sva"
    SAM = "sam"
    FW = "fw"
    AGENT = "agent"
    IMAGE_SVA = "image_sva"
    OTHER = ""
    """A word that Halo has added since; `Issue.type` has it."""


class Issue(Struct, frozen=True, kw_only=True, dict=True):
    """One Halo issue as the list of issues gives it (GET /v3/issues; list entries are as full as a
    description).
    """

    id: IssueId
    type: str
    """In Halo's own word, known to us or not."""
    source: str
    """server_secure, cloud_secure or container_secure; "" when Halo does not say."""
    status: IssueStatus
    critical: bool
    name: str
    url: str = ""
    rule_key: str = ""
    rule_name: str = ""
    cp_rule_id: str = ""
    policy_id: str = ""
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
    asset_fqdn: str = ""
    group_id: str = ""
    group_name: str = ""
    group_path: str = ""
    os_type: str = ""
    tags: tuple[tuple[str, str], ...] = ()
    """What its owners wrote on the asset at the cloud provider (`csp_tags`): names and values."""
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
    csp_resource_uri: str = ""
    csp_image_id: str = ""
    registry_id: str = ""
    registry_name: str = ""
    repository_id: str = ""
    repository_name: str = ""
    image_sha: str = ""
    external_issue_source: str = ""
    """Who reported it to Halo, where that was not Halo itself."""
    gone: bool = False
    """Whether Halo answered 404 for it: then nothing but its id is known, and it is neither active
    nor resolved.
    """
    unreadable: str = ""
    """Why it cannot be told what Halo says of it, as a sentence; "" for nearly all. Then its status
    means nothing, and other fields hold what could be read.
    """

    @property
    def kind(self) -> IssueKind:
        """The type as far as this program knows it."""
        return _KINDS.get(self.type, IssueKind.OTHER)

    @cached_property
    def version(self) -> Version:
        """Changes whenever Halo touched the issue: on each scan that sees it again, on resolve, on
        reopen.
        """
        if self.gone:
            return Version("gone")
        if self.unreadable:
            return Version("unreadable")
        stamps = (
            self.last_seen_at,
            self.resolved_at if self.status is IssueStatus.RESOLVED else None,
        )
        words = ("-" if at is None else at.isoformat(timespec="microseconds") for at in stamps)
        return Version("|".join((self.status, "critical" if self.critical else "normal", *words)))

    @property
    def has_id(self) -> bool:
        """Whether Halo named it. What it did not name can be told of, but not be remembered."""
        return not self.id.startswith(_WITHOUT_ID)

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

    @classmethod
    def illegible(cls, issue_id: IssueId, *, why: str) -> "Issue":
        """One of which Halo's answer says nothing that can be used. It may be critical."""
        return cls(
            id=issue_id,
            type="",
            source="",
            status=IssueStatus.ACTIVE,
            critical=True,
            name="",
            unreadable=why,
        )

    @classmethod
    def unnamed(cls, place: str, *, why: str, at: datetime | None = None) -> "Issue":
        """What stands for issues whose ids nobody told. `place` tells one such from another."""
        issue = cls.illegible(IssueId(_WITHOUT_ID + place), why=why)
        return replace(issue, last_seen_at=at)


_WITHOUT_ID = "?"
"""Begins what stands in the place of an id; ids are UUIDs."""
_KINDS = {kind.value: kind for kind in IssueKind}


class Asset(Struct, frozen=True, kw_only=True):
    """The server, container, image or cloud resource that an issue is about, as its own endpoint
    describes it.
    """

    id: str
    name: str = ""
    hostname: str = ""
    state: str = ""
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
    finding: Finding | Gone | Unreadable | None = None
    asset: Asset | Gone | Unreadable | None = None
    cves: Mapping[str, CveDetails] = {}
    """What Halo tells of single vulnerabilities, by their ids; of most nobody asked."""
