"""What one scan saw, as part of a ticket or a comment, and the fingerprint of it."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from job.core import adf, evidence
from job.core.evidence import fingerprint
from job.core.issues import (
    Asset,
    CsmFinding,
    Evidence,
    FimFinding,
    Finding,
    Gone,
    Issue,
    IssueStatus,
    LidsEvent,
    SvaFinding,
    Unreadable,
)
from tests.core.documents import opened, plain
from tests.core.findings import AT, CSM, FIM, FINDINGS, GONE, ISSUE, LIDS, SVA, UNREADABLE


def shown(finding: Finding | Gone | Unreadable | None, issue: Issue = ISSUE) -> list[str]:
    content = evidence.shown(Evidence(issue=issue, finding=finding))
    return plain(opened(adf.document(content))).splitlines()


def test_a_configuration_finding_shows_its_rule_and_each_check() -> None:
    assert shown(CSM) == [
        "Root must not log in over SSH.",
        *("Check", "Target", "Expected", "Found", "Result"),
        *("file_regex", "/etc/ssh/sshd_config", "no", "yes", "bad"),
        *("file_owner", "/etc/ssh", "root", "root", "good"),
    ]


def test_a_file_finding_shows_the_files_and_how_many_more_there_are() -> None:
    assert shown(FIM) == [
        "Nginx configuration",
        "Files that differ from the baseline of /etc/nginx: 120",
        *("File", "Change", "Owner and mode", "SHA-256 in the baseline", "SHA-256 found"),
        *("/etc/nginx/a.conf", "changed", "root", "41fe", "9b1c"),
        *("/etc/nginx/b.conf", "missing", "77aa"),
        "118 more in Halo.",
    ]


def test_a_package_finding_shows_the_worst_vulnerability_first() -> None:
    assert shown(SVA) == [
        "Known vulnerabilities of sudo.x86_64 1.8.23-9.el7: 2",
        *("Vulnerability", "CVSS", "Excepted in Halo"),
        *("CVE-2021-3156", "9.8", "yes"),
        *("CVE-2019-14287", "8.8", "no"),
    ]


def test_an_event_shows_the_line_of_the_log_as_it_was_written() -> None:
    content = list(evidence.shown(Evidence(issue=ISSUE, finding=LIDS)))
    assert content[-1] == adf.code_block("Mar  2 sudo: authentication failure")
    assert shown(LIDS)[:2] == ["Rule matched.", "Logged on 2021-04-12 06:31 UTC:"]


def test_evidence_that_is_gone_is_said_to_be_gone_and_the_issue_speaks_instead() -> None:
    assert shown(GONE) == [
        "Halo no longer has the evidence, usually because the server was deleted. "
        f"It was at {GONE.url}.",
        "Known vulnerabilities: 1",
        "CVE-2021-3156",
    ]


def test_evidence_that_cannot_be_read_is_said_to_be_so_and_the_issue_speaks_instead() -> None:
    assert shown(UNREADABLE) == [
        "What Halo has as evidence cannot be read, so the issue itself speaks for it. "
        f"{UNREADABLE.why} It is at {UNREADABLE.url}.",
        "Known vulnerabilities: 1",
        "CVE-2021-3156",
    ]


def test_an_endless_address_does_not_push_the_rest_out() -> None:
    endless = "https://halo.example/" + "x" * 40_000
    assert shown(Gone(url=endless))[-1] == "CVE-2021-3156"


def test_long_lists_end_with_how_many_more_there_are() -> None:
    many = replace(CSM, checks=CSM.checks * 40)
    assert shown(many)[-1] == "30 more in Halo."
    assert shown(many).count("file_regex") == shown(many).count("file_owner") == 25
    assert (
        shown(None, replace(ISSUE, cves=tuple(f"CVE-2021-{n}" for n in range(1000, 1060))))[-1]
        == "10 more in Halo."
    )


# --- Fingerprint ----------------------------------------------------------------------------------

LATER: dict[str, Any] = {
    "last_seen_at": AT + timedelta(days=30),
    "updated_at": AT + timedelta(days=30),
    "finding_url": "https://x/2",
}


@pytest.mark.parametrize("finding", FINDINGS)
def test_a_scan_that_finds_the_same_has_the_same_fingerprint(
    finding: Finding | Gone | Unreadable | None,
) -> None:
    again: dict[type, Callable[[Any], Any]] = {
        CsmFinding: lambda seen: replace(seen, checks=seen.checks[::-1], description="Reworded."),
        FimFinding: lambda seen: replace(seen, files=seen.files[::-1]),
        SvaFinding: lambda seen: replace(
            seen, cves=tuple(replace(cve, score=1.0) for cve in seen.cves[::-1])
        ),
        LidsEvent: lambda seen: replace(
            seen, created_at=AT + timedelta(days=30), message="From another address."
        ),
        Gone: lambda _: Gone(url="https://x/2"),
        Unreadable: lambda _: Unreadable(url="https://x/2", why="It is no JSON."),
        type(None): lambda _: None,
    }
    rescanned = Evidence(
        issue=replace(ISSUE, **LATER), finding=again[type(finding)](finding), asset=Asset(id="1")
    )
    assert fingerprint(rescanned) == fingerprint(Evidence(issue=ISSUE, finding=finding))


NEWS: list[tuple[dict[str, Any], Finding | Gone | Unreadable | None]] = [
    ({}, SVA),
    ({"critical": False}, SVA),
    ({"status": IssueStatus.RESOLVED}, SVA),
    ({"package_version": "1.9"}, SVA),
    ({"cves": ()}, SVA),
    ({}, replace(SVA, package_version="1.9")),
    ({}, replace(SVA, cves=SVA.cves[:1])),
    ({}, replace(SVA, cves=tuple(replace(cve, suppressed=True) for cve in SVA.cves))),
    ({}, CSM),
    ({}, replace(CSM, checks=(replace(CSM.checks[0], actual="without-password"), CSM.checks[1]))),
    ({}, FIM),
    ({}, replace(FIM, total=121)),
    ({}, replace(FIM, files=(replace(FIM.files[0], sha256="ffff"), FIM.files[1]))),
    ({}, LIDS),
    ({}, replace(LIDS, log_entry="Mar  3 sudo: authentication failure")),
    ({}, replace(LIDS, log_entry="")),
    ({}, replace(LIDS, log_entry="", message="Another rule matched.")),
    ({}, GONE),
    ({}, UNREADABLE),
    ({}, None),
]


def test_every_change_of_substance_changes_the_fingerprint() -> None:
    prints = {
        fingerprint(Evidence(issue=replace(ISSUE, **changes), finding=finding))
        for changes, finding in NEWS
    }
    assert len(prints) == len(NEWS)
