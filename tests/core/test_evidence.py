"""What one scan saw, told by kind, and the fingerprint of it."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from job.core import adf
from job.core.evidence import fingerprint, told
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
from job.core.issues import Asset, Evidence, Issue, IssueStatus
from job.core.kinds.packages import update_command
from job.core.phrases import stated
from tests.core.documents import opened, plain
from tests.core.findings import AT, CSM, FIM, FINDINGS, GONE, ISSUE, LIDS, OTHER, SVA, UNREADABLE

DETAILS = CveDetails(
    id="CVE-2019-14287",
    summary="A crafted user id runs commands as root.",
    severity="HIGH",
    attack_vector="NETWORK",
    complexity="LOW",
    privileges="NONE",
    interaction="REQUIRED",
)


def lines(blocks: Any) -> list[str]:
    return plain(opened(adf.document(blocks))).splitlines()


def proof(finding: Finding | Gone | Unreadable | None, issue: Issue = ISSUE) -> list[str]:
    return lines(told(Evidence(issue=issue, finding=finding)).proof)


def bare(**over: Any) -> Issue:
    return replace(ISSUE, cves=(), package_name="", **over)


# --- Configuration --------------------------------------------------------------------------------


def test_a_configuration_finding_shows_each_check_with_what_was_looked_for() -> None:
    assert proof(replace(CSM, operator="AND", references=("CIS 5.2.8", "PCI 2.2"))) == [
        "All of these must pass (AND).",
        *("Check", "Where", "Looked for", "Expected", "Found", "Result"),
        *("file_regex", "/etc/ssh/sshd_config", "^PermitRootLogin no", "no", "yes", "fails"),
        *("file_owner", "/etc/ssh", "root", "root", "passes"),
        "References: CIS 5.2.8, PCI 2.2",
    ]


def test_the_pattern_of_a_single_check_is_shown() -> None:
    check = Check(
        type="file_regex",
        target="/etc/fstab",
        expected="true",
        actual="false",
        status="bad",
        pattern=r"\s/var/log\s",
    )
    assert r"\s/var/log\s" in proof(CsmFinding(description="", checks=(check,)))


def test_one_of_several_checks_may_be_enough_and_those_that_fail_come_first() -> None:
    said = proof(replace(CSM, operator="OR", checks=CSM.checks[::-1]))
    assert said[0] == "One of these is enough (OR)."
    assert said.index("fails") < said.index("passes")


def test_a_rule_is_split_at_its_own_headings() -> None:
    rule = CsmFinding(
        description="Root must not log in.\n\nRationale: Nobody knows who it was.\n"
        "Remediation:\nSet PermitRootLogin no.\nRestart sshd.\nDefault Value: yes"
    )
    said = told(Evidence(issue=bare(type="csm"), finding=rule))
    assert lines(said.why) == ["Root must not log in.", "Nobody knows who it was."]
    assert lines(said.fix)[:2] == ["Set PermitRootLogin no.", "Restart sshd."]
    assert lines(said.proof) == ["Default value: yes"]


def test_a_rule_without_a_remedy_says_so() -> None:
    assert "tells no remedy" in lines(told(Evidence(issue=bare(), finding=CSM)).fix)[0]


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("5.2.8 Ensure SSH root login is disabled", "SSH root login is not disabled"),
        ("1.4.2 Ensure bootloader password is set", "Bootloader password is not set"),
        ("Ensure rsh client is not installed", "Rsh client is installed"),
        (
            "6.1.10 Ensure no world writable files exist",
            "Not met: ensure no world writable files exist",
        ),
        (
            "5.4.1 Ensure password expiration is 365 days or less",
            "Password expiration is not 365 days or less",
        ),
        ("Ensure cron is enabled and running", "Not met: ensure cron is enabled and running"),
        ("Bucket allows public read", "Bucket allows public read"),
        ("10 days", "10 days"),
        ("", "Unnamed"),
    ],
)
def test_a_rule_is_told_as_what_is_the_case(rule: str, words: str) -> None:
    assert stated(rule) == words


# --- Files ----------------------------------------------------------------------------------------


def test_a_file_finding_says_what_changed_about_each_file_and_how_many_more_there_are() -> None:
    assert proof(FIM) == [
        *("File", "What changed"),
        "/etc/nginx/a.conf",
        "content (SHA-256 41fe41fe41fe to 9b1c9b1c9b1c), size 1472 to 1490 bytes",
        *("/etc/nginx/b.conf", "missing"),
        "118 more are not listed here.",
    ]


def test_owner_and_mode_of_a_file_are_told_only_where_they_changed() -> None:
    file = FileChange(
        path="/bin/su",
        status="changed",
        found=FileState(owner="mallory:root", mode="rwsr-xr-x"),
        expected=FileState(owner="root:root", mode="rwsr-xr-x"),
    )
    assert proof(replace(FIM, files=(file,), total=1))[-1] == "owner root:root to mallory:root"


def test_hashes_stand_whole_only_where_nothing_else_differs() -> None:
    was, now = FileState(sha256="a" * 64, size=7), FileState(sha256="b" * 64, size=7)
    file = FileChange(path="/bin/su", status="changed", found=now, expected=was)
    said = told(Evidence(issue=ISSUE, finding=replace(FIM, files=(file,), total=1))).proof
    assert said[-1] == adf.code_block(f"/bin/su\n  was {'a' * 64}\n  is  {'b' * 64}")
    assert "a" * 64 not in "\n".join(proof(FIM))
    assert "41fe" * 16 not in "\n".join(proof(FIM))


# --- Packages -------------------------------------------------------------------------------------


def test_a_package_finding_shows_the_worst_first_and_what_is_excepted_apart() -> None:
    worse = (Cve(id="CVE-2022-0778", score=5.5), *SVA.cves)
    assert proof(replace(SVA, cves=worse)) == [
        *("Vulnerability", "CVSS"),
        *("CVE-2019-14287", "8.8"),
        *("CVE-2022-0778", "5.5"),
        "Excepted in Halo, not counted: CVE-2021-3156.",
    ]
    said = told(Evidence(issue=ISSUE, finding=SVA))
    assert "has 1 known vulnerability, of CVSS 8.8" in said.headline


def test_a_vulnerability_is_told_in_words_where_halo_knows_it() -> None:
    said = told(Evidence(issue=ISSUE, finding=SVA, cves={DETAILS.id: DETAILS}))
    needs = "access over the network, no privileges, a user's help"
    assert lines(said.why) == [
        f"To use CVE-2019-14287 takes {needs}.",
        "A crafted user id runs commands as root.",
    ]
    assert lines(said.proof)[:8] == [
        *("Vulnerability", "CVSS", "Needs", "What it is"),
        *("CVE-2019-14287", "8.8 high", needs, "A crafted user id runs commands as root."),
    ]


@pytest.mark.parametrize(
    ("name", "command"),
    [
        ("sudo.x86_64", "sudo yum update sudo"),
        (
            "openssl:amd64",
            "sudo apt-get update && sudo apt-get install --only-upgrade openssl",
        ),
        ("openssl", ""),
        ("x; rm -rf /.x86_64", ""),
        ("$(reboot):amd64", ""),
        ("-y.noarch", ""),
    ],
)
def test_a_command_is_shown_only_for_a_name_that_can_do_no_harm(name: str, command: str) -> None:
    assert update_command(name) == command


def test_an_image_is_to_be_rebuilt_and_not_updated() -> None:
    image = replace(ISSUE, type="image_sva", package_name="zlib1g:amd64")
    said = lines(told(Evidence(issue=image, finding=replace(SVA, package_name="zlib1g:amd64"))).fix)
    assert said[0].startswith("Rebuild the image")
    assert not any("apt-get" in line for line in said)


# --- Events, and what has no words ----------------------------------------------------------------


def test_an_event_shows_the_line_of_the_log_as_it_was_written() -> None:
    said = told(Evidence(issue=bare(), finding=LIDS))
    assert said.proof[-1] == adf.code_block("Mar  2 sudo: authentication failure")
    assert lines(said.proof)[0] == "Logged on 2021-04-12 06:31 UTC:"
    assert "resolve the issue in Halo" in lines(said.fix)[-1]


@pytest.mark.parametrize("kind", ["sam", "fw", "agent", "netflow"])
def test_a_finding_that_nobody_has_published_is_shown_by_its_own_keys_and_values(kind: str) -> None:
    assert proof(OTHER, bare(type=kind)) == [
        f"What a finding of the type {kind} means is published nowhere. Its keys and values, as "
        "they came:",
        *("Key", "Value"),
        *("subject.name", "Agent is out of date"),
        *("scan_id", "d4e1"),
        *("state", "level 1"),
    ]


def test_a_finding_of_another_shape_than_its_types_says_what_is_missing() -> None:
    odd = replace(OTHER, why="The csm finding d55c has no `details`.")
    assert proof(odd, bare(type="csm"))[0].startswith(
        "The finding has not the shape of its type. The csm finding d55c has no `details`."
    )


def test_evidence_that_is_gone_is_said_to_be_gone_and_the_issue_speaks_instead() -> None:
    assert proof(GONE) == [
        "Halo no longer has the evidence, usually because the server was deleted. "
        f"It was at {GONE.url}.",
        "Vulnerability",
        "CVE-2021-3156",
    ]


def test_evidence_that_cannot_be_read_is_said_to_be_so_and_the_issue_speaks_instead() -> None:
    assert proof(UNREADABLE) == [
        "What Halo has as evidence cannot be read, so the issue itself speaks for it. "
        f"{UNREADABLE.why} It is at {UNREADABLE.url}.",
        "Vulnerability",
        "CVE-2021-3156",
    ]


def test_no_finding_is_said_only_where_none_is_named() -> None:
    said = "Halo names no finding for this issue"
    assert proof(None, bare())[0].startswith(said)
    assert not any(
        said in line for finding in (GONE, UNREADABLE) for line in proof(finding, bare())
    )


def test_an_endless_address_does_not_push_the_rest_out() -> None:
    endless = "https://halo.example/" + "x" * 40_000
    assert proof(Gone(url=endless))[-1] == "CVE-2021-3156"


def test_long_lists_end_with_how_many_more_there_are() -> None:
    many = replace(CSM, checks=CSM.checks * 40)
    assert proof(many)[-1] == "30 more are not listed here."
    cves = tuple(f"CVE-2021-{number}" for number in range(1000, 1051))
    assert proof(None, replace(ISSUE, cves=cves))[-1] == "1 more is not listed here."


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
        OtherFinding: lambda seen: replace(
            seen, rows=(*(row for row in seen.rows if row[0] != "scan_id"), ("scan_id", "ffff"))
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
    ({}, replace(FIM, files=(replace(FIM.files[0], status="odd"), FIM.files[1]))),
    ({}, LIDS),
    ({}, replace(LIDS, log_entry="Mar  3 sudo: authentication failure")),
    ({}, replace(LIDS, log_entry="")),
    ({}, replace(LIDS, log_entry="", message="Another rule matched.")),
    ({}, OTHER),
    ({}, OtherFinding(rows=(*OTHER.rows[:2], ("state", "level 2")))),
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
