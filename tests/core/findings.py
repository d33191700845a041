"""An issue full of words, a finding of each kind, and any others that Halo may send."""

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st
from msgspec.structs import fields, replace

from job.core.findings import (
    Check,
    CsmFinding,
    Cve,
    CveDetails,
    FileChange,
    FileState,
    FimFinding,
    Finding,
    Gone,
    LidsEvent,
    OtherFinding,
    SvaFinding,
    Unreadable,
)
from job.core.ids import IssueId
from job.core.issues import Asset, Evidence, Issue, IssueStatus
from tests.core.documents import long_words, words
from tests.kit.builders import issue

AT = datetime(2021, 4, 12, 6, 31, 8, 204_417, tzinfo=UTC)
ISSUE = issue(
    id=IssueId("42b7c0ee-9b44-11eb-8c1e-41f0a2b7d963"),
    type="sva",
    critical=True,
    name="Vulnerable package: sudo.x86_64",
    url="https://api.cloudpassage.com/v3/issues/42b7c0ee-9b44-11eb-8c1e-41f0a2b7d963",
    rule_key="sva::::sudo.x86_64",
    policy_name="Golden AMI baseline",
    first_seen_at=AT,
    last_seen_at=AT + timedelta(days=7),
    asset_id="6e0d9b14-9b3f-11eb-91f7-3bd20c7a5e68",
    asset_type="server",
    asset_name="ip-10-4-1-22",
    group_path="Acme/Prod/Payments",
    os_type="linux",
    finding_url="https://api.cloudpassage.com/v1/scans/d4e1/findings/d55c",
    package_name="sudo.x86_64",
    package_version="1.8.23-9.el7",
    cves=("CVE-2021-3156",),
    max_cvss=7.8,
    csp_account_type="aws",
    csp_account_id="210987654321",
    csp_account_name="acme-prod",
    csp_region="eu-west-1",
    csp_service_type="EC2",
    csp_resource_id="i-0f00ba4c0ffee0001",
    registry_name="acme-ecr",
    repository_name="acme/api",
)
RESOLVED = replace(
    ISSUE,
    status=IssueStatus.RESOLVED,
    resolved_at=AT + timedelta(days=8),
    resolved_by="anna@example.com",
    resolution="Halo detected that the issue has been remediated.",
)
CSM = CsmFinding(
    description="Root must not log in over SSH.",
    checks=(
        Check(
            type="file_regex",
            target="/etc/ssh/sshd_config",
            expected="no",
            actual="yes",
            status="bad",
            pattern="^PermitRootLogin no",
        ),
        Check(type="file_owner", target="/etc/ssh", expected="root", actual="root", status="good"),
    ),
)
FIM = FimFinding(
    target="/etc/nginx",
    description="Nginx configuration",
    files=(
        FileChange(
            path="/etc/nginx/a.conf",
            status="changed",
            found=FileState(sha256="9b1c" * 16, owner="root:root", mode="rw-r--r--", size=1490),
            expected=FileState(sha256="41fe" * 16, owner="root:root", mode="rw-r--r--", size=1472),
        ),
        FileChange(
            path="/etc/nginx/b.conf", status="missing", expected=FileState(sha256="77aa" * 16)
        ),
    ),
    total=120,
)
SVA = SvaFinding(
    package_name="sudo.x86_64",
    package_version="1.8.23-9.el7",
    cves=(Cve(id="CVE-2019-14287", score=8.8), Cve(id="CVE-2021-3156", score=9.8, suppressed=True)),
)
LIDS = LidsEvent(
    message="Rule matched.", log_entry="Mar  2 sudo: authentication failure", created_at=AT
)
UNREADABLE = Unreadable(
    url="https://api.cloudpassage.com/v1/csp_findings/d55c",
    why="The csm finding d55c has no `details`.",
)
OTHER = OtherFinding(
    rows=(("subject.name", "Agent is out of date"), ("scan_id", "d4e1"), ("state", "level 1"))
)
GONE = Gone(url="https://api.cloudpassage.com/v1/scans/d4e1/findings/d55c")
FINDINGS = (CSM, FIM, SVA, LIDS, OTHER, GONE, UNREADABLE, None)


def of_any(kind: type[Any], **more: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """A value of a noun whose every text is anything."""
    texts = {field.name: words for field in fields(kind) if field.type is str}
    return st.builds(kind, **(texts | more))


instants = st.none() | st.datetimes(timezones=st.just(UTC))
prose = words | long_words
scores = st.none() | st.floats(0, 10)
issues = of_any(
    Issue,
    id=words,
    status=st.sampled_from(IssueStatus),
    critical=st.booleans(),
    type=words | st.sampled_from(["csm", "sva", "fim", "lids"]),
    resolution=prose,
    first_seen_at=instants,
    last_seen_at=instants,
    resolved_at=instants,
    cves=st.lists(words, max_size=60).map(tuple),
    tags=st.lists(st.tuples(words, words), max_size=3).map(tuple),
    max_cvss=scores,
)
findings: st.SearchStrategy[Finding | Gone | Unreadable | None] = st.one_of(
    st.none(),
    of_any(Gone),
    of_any(Unreadable),
    of_any(CsmFinding, description=prose, checks=st.lists(of_any(Check), max_size=3).map(tuple)),
    of_any(
        FimFinding,
        files=st.lists(
            of_any(FileChange, found=of_any(FileState), expected=of_any(FileState)), max_size=3
        ).map(tuple),
        total=st.integers(0, 500),
    ),
    of_any(SvaFinding, cves=st.lists(of_any(Cve, score=scores), max_size=3).map(tuple)),
    of_any(OtherFinding, rows=st.lists(st.tuples(words, prose), max_size=3).map(tuple)),
    of_any(LidsEvent, message=prose, log_entry=prose, created_at=instants),
)
evidences = st.builds(
    Evidence,
    issue=issues,
    finding=findings,
    cves=st.dictionaries(words, of_any(CveDetails, summary=prose, score=scores), max_size=3),
    asset=st.none() | of_any(Asset) | of_any(Gone) | of_any(Unreadable),
)
