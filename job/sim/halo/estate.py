"""Halo's world: assets and issues, and what happens to them. Tests and the story change it here.

Promises: everything is drawn from one seed; instants are real datetimes and become text only in
bodies.py. An issue keeps its id from open to resolve to reopen.
Does not do: HTTP, listing or faults.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any, Final

from job.sim.halo.scans import Finding, Ids, Scans
from job.sim.halo.texts import CVES, GROUPS, RULES

SOURCES: Final = {"image_sva": "container_secure"}


@dataclass(slots=True)
class Asset:
    """A server, an image or a cloud resource. `state` means something for servers only."""

    id: str
    kind: str
    name: str
    group: str
    state: str = "active"
    forgotten: bool = False


@dataclass(slots=True)
class HaloIssue:
    """One issue as Halo knows it. `shape` seeds which optional keys are absent, null or empty in
    its body.
    """

    id: str
    type: str
    source: str
    critical: bool
    name: str
    rule_key: str
    asset: Asset
    created_at: datetime
    first_seen_at: datetime
    last_seen_at: datetime
    updated_at: datetime
    shape: int
    status: str = "active"
    resolved_at: datetime | None = None
    resolved_by: str | None = None
    comment: str | None = None
    findings: list[Finding] = field(default_factory=list)
    over: dict[str, Any] = field(default_factory=dict)
    forgotten: bool = False
    version: int = 0


class HaloEstate:
    """All of Halo's data and the verbs that change it. `version` rises with every change, so that
    lists can be kept.
    """

    def __init__(self, now: Callable[[], datetime], *, seed: int = 0) -> None:
        self.now = now
        self.issues: dict[str, HaloIssue] = {}
        self.assets: dict[str, Asset] = {}
        self.version = 0
        self._random = Random(seed)
        self._ids = Ids(now, draw=self._random)
        self.scans: Scans[HaloIssue] = Scans(self._ids)

    def open_issue(
        self,
        *,
        type: str = "csm",  # noqa: A002 (Halo's own word)
        source: str | None = None,
        critical: bool = False,
        name: str | None = None,
        asset: str | None = None,
        **over: Any,
    ) -> str:
        """A new active issue with one finding. `over` replaces keys of the body that Halo would
        answer.
        """
        source = source or SOURCES.get(type, "server_secure")
        now = self.now()
        name = name or self._random.choice(RULES["cloud" if source == "cloud_secure" else type])
        issue = HaloIssue(
            id=self._ids.new(),
            type=type,
            source=source,
            critical=critical,
            name=f"Vulnerable package: {name}" if type.endswith("sva") else name,
            rule_key=_rule_key(type, name=name, draw=self._random),
            asset=self.assets[asset] if asset else self._some_asset(source),
            created_at=now,
            first_seen_at=now - timedelta(microseconds=self._random.randrange(2_000)),
            last_seen_at=now,
            updated_at=now + timedelta(microseconds=self._random.randrange(500, 1_100)),
            shape=self._random.getrandbits(32),
            over=over,
        )
        self.issues[issue.id] = issue
        self._add_finding(issue, revision=1)
        self._changed(issue)
        return issue.id

    def rescan(self, issue_id: str, *, changed: bool = False) -> None:
        """The scanner saw it again: a new finding and a new last_seen_at. `changed` means the
        evidence differs.
        """
        issue = self.issues[issue_id]
        revision = issue.findings[-1].revision if issue.findings else 0
        issue.last_seen_at = self._later_than(issue.last_seen_at)
        issue.updated_at = issue.last_seen_at + timedelta(
            microseconds=self._random.randrange(500, 1_100)
        )
        self._add_finding(issue, revision=revision + 1 if changed else revision)
        self._changed(issue)

    def resolve(
        self,
        issue_id: str,
        *,
        by: str = "system",
        comment: str = "Halo detected that the issue has been remediated.",
    ) -> None:
        issue = self.issues[issue_id]
        issue.status, issue.resolved_by, issue.comment = "resolved", by, comment
        issue.resolved_at = self._later_than(issue.resolved_at)
        self._changed(issue)

    def reopen(self, issue_id: str) -> None:
        """The scanner found it again after it was resolved: same id, resolution gone."""
        issue = self.issues[issue_id]
        issue.status = "active"
        issue.resolved_at = issue.resolved_by = issue.comment = None
        self.rescan(issue_id, changed=True)

    def forget(self, issue_id: str) -> None:
        """Halo answers 404 for it from now on and lists it no more."""
        self.issues[issue_id].forgotten = True
        self._changed(self.issues[issue_id])

    def recall(self, issue_id: str) -> None:
        """Halo knows it again, as it has become meanwhile."""
        self.issues[issue_id].forgotten = False
        self._changed(self.issues[issue_id])

    def forget_asset(self, asset_id: str) -> None:
        """A deleted server takes its scans along: asset and finding answer 404, its issues stay
        listed.
        """
        self.assets[asset_id].forgotten = True

    def retire_asset(self, asset_id: str) -> None:
        """All of the asset's issues are resolved by the system, as thirty days after a server went
        away.
        """
        self.assets[asset_id].state = "retired"
        for issue in list(self.issues.values()):
            if issue.asset.id == asset_id and issue.status == "active":
                self.resolve(issue.id, comment="Server retired.")
        self.version += 1  # a list asks for the state of assets too

    def edit_issue(self, issue_id: str, *, critical: bool | None = None, **over: Any) -> None:
        """Halo changed its mind about an issue; this counts as seen again."""
        issue = self.issues[issue_id]
        issue.critical = issue.critical if critical is None else critical
        issue.over = {**issue.over, **over}
        self.rescan(issue_id)

    def add_asset(
        self, *, kind: str = "server", name: str | None = None, group: str | None = None
    ) -> str:
        asset_id = self._ids.new() if kind == "server" else self._ids.unordered()
        name = name or f"ip-10-4-{self._random.randrange(256)}-{self._random.randrange(256)}"
        self.assets[asset_id] = Asset(asset_id, kind, name, group or self._random.choice(GROUPS))
        return asset_id

    def _some_asset(self, source: str) -> Asset:
        kind = {"server_secure": "server", "container_secure": "image"}.get(source, "bucket")
        mine = [
            asset for asset in self.assets.values() if asset.kind == kind and not asset.forgotten
        ]
        if mine and self._random.random() < 0.5:
            return self._random.choice(mine)
        return self.assets[self.add_asset(kind=kind)]

    def _add_finding(self, issue: HaloIssue, *, revision: int) -> None:
        """Cloud issues have no finding of their own in the API."""
        at = issue.last_seen_at
        if issue.source == "cloud_secure":
            issue.findings = [Finding("", "", at, revision, is_event=False)]
            return
        is_event = issue.type == "lids"
        issue.findings.append(self.scans.add(issue, at=at, revision=revision, is_event=is_event))

    def _changed(self, issue: HaloIssue) -> None:
        self.version += 1
        issue.version = self.version

    def _later_than(self, before: datetime | None) -> datetime:
        """Two events of one issue never share an instant, even while the clock stands still."""
        now = self.now()
        return now if before is None or now > before else before + timedelta(microseconds=1)


def _rule_key(kind: str, *, name: str, draw: Random) -> str:
    number = "" if kind.endswith("sva") else str(draw.randrange(10**5, 10**7))
    if kind == "fim":
        return f"fim::{number}::Watched files::{name}"
    return f"{kind}::{number}::{name}"


def cves_of(issue: HaloIssue, *, revision: int) -> list[str]:
    """The CVEs of a package: one more for every revision, so that changed evidence is visible."""
    start = issue.shape % len(CVES)
    return [CVES[(start + step) % len(CVES)] for step in range(min(revision, len(CVES)))]
