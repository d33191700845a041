"""What tickets and comments say: everything a person needs, nothing twice, whatever Halo sends."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import fields, replace

from job.core import adf, tickets
from job.core.evidence import fingerprint
from job.core.ids import IssueId
from job.core.issues import (
    Asset,
    Check,
    CsmFinding,
    Cve,
    Evidence,
    FileChange,
    FimFinding,
    Finding,
    Gone,
    Issue,
    IssueStatus,
    LidsEvent,
    SvaFinding,
    Unreadable,
)
from job.core.shape import CreateScreen, FieldSpec, TicketSettings
from job.core.tickets import close_comment, draft, ids_held, reopen_comment, update_comment
from job.http.message import as_json
from tests.core.test_adf import long_words, opened, plain, schema, utf16_units, words
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
            sha256="9b1c",
            expected_sha256="41fe",
            owner="root",
        ),
        FileChange(path="/etc/nginx/b.conf", status="missing", expected_sha256="77aa"),
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
GONE = Gone(url="https://api.cloudpassage.com/v1/scans/d4e1/findings/d55c")
FINDINGS = (CSM, FIM, SVA, LIDS, GONE, UNREADABLE, None)

CUSTOM = "com.atlassian.jira.plugin.system.customfieldtypes:"
TEXT = FieldSpec(
    id="customfield_1", name="Halo Issue ID", type="string", custom=f"{CUSTOM}textfield"
)
URL = FieldSpec(id="customfield_2", name="Halo Link", type="string", custom=f"{CUSTOM}url")
LABELS = FieldSpec(id="labels", name="Labels", type="array", items="string", system="labels")
SHAPE = TicketSettings(
    project_key="SEC", ticket_type="Bug", id_field="Halo Issue ID", static=(("Group", "halo"),)
)
GROUP = FieldSpec(id="customfield_3", name="Group", type="string", custom=f"{CUSTOM}textfield")
BOOK = CreateScreen(
    project_key="SEC",
    type_id="10001",
    type_name="Bug",
    id_field=TEXT,
    fields={"customfield_1": TEXT, GROUP.id: GROUP},
)


def described(
    issue: Issue = ISSUE,
    finding: Finding | Gone | Unreadable | None = SVA,
    asset: Asset | Gone | Unreadable | None = None,
) -> str:
    evidence = Evidence(issue=issue, finding=finding, asset=asset)
    return plain(opened(draft(evidence, settings=SHAPE, screen=BOOK).fields["description"]))


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
    max_cvss=scores,
)
findings: st.SearchStrategy[Finding | Gone | Unreadable | None] = st.one_of(
    st.none(),
    of_any(Gone),
    of_any(Unreadable),
    of_any(CsmFinding, description=prose, checks=st.lists(of_any(Check), max_size=3).map(tuple)),
    of_any(
        FimFinding,
        files=st.lists(of_any(FileChange), max_size=3).map(tuple),
        total=st.integers(0, 500),
    ),
    of_any(SvaFinding, cves=st.lists(of_any(Cve, score=scores), max_size=3).map(tuple)),
    of_any(LidsEvent, message=prose, log_entry=prose, created_at=instants),
)
evidences = st.builds(
    Evidence,
    issue=issues,
    finding=findings,
    asset=st.none() | of_any(Asset) | of_any(Gone) | of_any(Unreadable),
)


# --- Whatever Halo sends --------------------------------------------------------------------------


def resolved(evidence: Evidence) -> Evidence:
    """The same, once Halo says that it is over."""
    return replace(evidence, issue=replace(evidence.issue, status=IssueStatus.RESOLVED))


@settings(max_examples=60)
@given(evidences, words)
def test_whatever_halo_sends_becomes_documents_that_jira_takes(
    evidence: Evidence, because: str
) -> None:
    bodies = [
        draft(evidence, settings=SHAPE, screen=BOOK).fields["description"],
        update_comment(evidence).body,
        reopen_comment(evidence, because=because).body,
        close_comment(resolved(evidence)).body,
    ]
    for body in map(opened, bodies):
        schema().validate(body)
        assert 0 < utf16_units(body) <= adf.TEXT_MAX


@given(evidences)
def test_a_summary_is_one_line_of_at_most_255_units(evidence: Evidence) -> None:
    summary = tickets.summary(evidence.issue)
    assert summary.strip()
    assert len(summary.splitlines()) == 1
    assert len(summary.encode("utf-16-le")) <= 2 * 255


@given(evidences)
def test_a_marker_fits_into_the_key_of_a_property(evidence: Evidence) -> None:
    assert len(update_comment(evidence).marker) <= 255


@given(evidences)
def test_a_draft_and_the_comments_on_the_same_evidence_have_one_fingerprint(
    evidence: Evidence,
) -> None:
    said = {
        draft(evidence, settings=SHAPE, screen=BOOK).fingerprint,
        update_comment(evidence).fingerprint,
        reopen_comment(evidence, because="it is back").fingerprint,
    }
    assert said == {fingerprint(evidence)}


# --- A new ticket ---------------------------------------------------------------------------------


def test_a_draft_has_the_project_the_type_the_id_the_configured_fields_and_the_hidden_property() -> (
    None
):
    new = draft(Evidence(issue=ISSUE, finding=SVA), settings=SHAPE, screen=BOOK)
    assert {name: value for name, value in new.fields.items() if name != "description"} == {
        "project": {"key": "SEC"},
        "issuetype": {"id": "10001"},
        "summary": "[Critical] sva: sudo.x86_64 on ip-10-4-1-22",
        "customfield_1": ISSUE.id,
        "customfield_3": "halo",
    }
    assert new.properties == ({"key": "halo.sync", "value": {"v": 1, "issue": ISSUE.id}},)
    assert new.issue_id == ISSUE.id
    as_json([dict(new.fields), *new.properties])


@pytest.mark.parametrize(
    ("changes", "summary"),
    [
        ({"critical": False}, "sva: sudo.x86_64 on ip-10-4-1-22"),
        ({"package_name": "", "critical": False}, "sva: sudo.x86_64 on ip-10-4-1-22"),
        (
            {"package_name": "", "type": "fim", "name": "/etc/nginx\r"},
            "[Critical] fim: /etc/nginx on ip-10-4-1-22",
        ),
        ({"asset_hostname": "web-1"}, "[Critical] sva: sudo.x86_64 on web-1"),
        (
            {"package_name": "", "name": "", "rule_key": "", "asset_name": ""},
            "[Critical] sva: unnamed on i-0f00ba4c0ffee0001",
        ),
        ({"package_name": "x" * 300}, f"[Critical] sva: {'x' * 222}… on ip-10-4-1-22"),
    ],
)
def test_a_summary_says_how_bad_what_and_where(changes: dict[str, Any], summary: str) -> None:
    assert tickets.summary(replace(ISSUE, **changes)) == summary


def test_a_description_says_what_where_and_since_when() -> None:
    for part in (
        "Vulnerable package: sudo.x86_64",
        "Critical, first seen on 2021-04-12 06:31 UTC.",
        "ip-10-4-1-22, server, linux",
        "Acme/Prod/Payments",
        "aws 210987654321 (acme-prod), eu-west-1",
        "EC2 i-0f00ba4c0ffee0001",
        "acme/api in acme-ecr",
        "sudo.x86_64 1.8.23-9.el7",
        "CVSS 7.8",
        "Golden AMI baseline",
        "sva::::sudo.x86_64",
        "2021-04-19 06:31 UTC",
        ISSUE.id,
    ):
        assert part in described()


def test_a_description_links_to_the_issue_in_halo() -> None:
    assert ISSUE.url.encode() in bytes(
        draft(Evidence(issue=ISSUE), settings=SHAPE, screen=BOOK).fields["description"]
    )


def test_what_halo_does_not_say_has_no_row() -> None:
    bare = issue(id=ISSUE.id, type="agent", source="", name="Agent is old")
    assert described(bare, finding=None).splitlines() == [
        "Agent: Agent is old",
        "Not critical.",
        "Halo issue",
        ISSUE.id,
        "Evidence",
        "Halo keeps no finding for this issue.",
    ]


def test_an_asset_that_was_read_adds_its_address_and_state() -> None:
    assert "linux, 10.4.1.22, missing" in described(
        asset=Asset(id="1", ip_address="10.4.1.22", state="missing")
    )


def test_an_asset_that_is_gone_is_said_to_be_gone() -> None:
    assert "ip-10-4-1-22, server, linux, no longer in Halo" in described(asset=GONE)


def test_a_ticket_for_a_resolved_issue_says_first_who_resolved_it_when_and_why() -> None:
    assert described(RESOLVED).splitlines()[:2] == [
        "Resolved in Halo on 2021-04-20 06:31 UTC by anna@example.com.",
        "Halo detected that the issue has been remediated.",
    ]


# --- Evidence by type -----------------------------------------------------------------------------


def shown(finding: Finding | Gone | Unreadable | None, issue: Issue = ISSUE) -> list[str]:
    return plain(opened(update_comment(Evidence(issue=issue, finding=finding)).body)).splitlines()[
        1:
    ]


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
    body = opened(update_comment(Evidence(issue=ISSUE, finding=LIDS)).body)
    assert body["content"][-1] == adf.code_block("Mar  2 sudo: authentication failure")
    assert shown(LIDS)[:2] == ["Rule matched.", "Logged on 2021-04-12 06:31 UTC:"]


def test_evidence_that_is_gone_is_said_to_be_gone_and_the_issue_speaks_instead() -> None:
    assert shown(GONE) == [
        f"Halo no longer has the evidence, usually because the server was deleted. It was at {GONE.url}.",
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


def test_an_asset_that_cannot_be_read_is_named_from_the_issue() -> None:
    assert "what Halo says of it cannot be read" in described(ISSUE, asset=UNREADABLE)


def test_an_endless_address_or_name_does_not_push_the_rest_out() -> None:
    endless = "https://halo.example/" + "x" * 40_000
    assert shown(Gone(url=endless))[-1] == "CVE-2021-3156"
    assert "Acme/Prod/Payments" in described(
        replace(ISSUE, name=endless, package_name="", id=IssueId(endless))
    )


def test_long_lists_end_with_how_many_more_there_are() -> None:
    many = replace(CSM, checks=CSM.checks * 40)
    assert shown(many)[-1] == "30 more in Halo."
    assert shown(many).count("file_regex") == shown(many).count("file_owner") == 25
    assert (
        shown(None, replace(ISSUE, cves=tuple(f"CVE-2021-{n}" for n in range(1000, 1060))))[-1]
        == "10 more in Halo."
    )


def test_an_endless_log_entry_is_shortened_with_a_link_to_halo() -> None:
    evidence = Evidence(
        issue=ISSUE, finding=replace(LIDS, log_entry="x" * 80 + "\n" + "line\n" * 20_000)
    )
    body = opened(draft(evidence, settings=SHAPE, screen=BOOK).fields["description"])
    assert plain(body["content"][-1]) == "Shortened to fit into Jira. All of it is in Halo."
    assert ISSUE.url in json.dumps(body["content"][-1])
    assert body["content"][-2]["content"][0]["text"].endswith("\nline")


# --- Comments -------------------------------------------------------------------------------------


def test_an_update_says_when_halo_saw_it_last_and_how_bad_it_is() -> None:
    lead = plain(opened(update_comment(Evidence(issue=ISSUE, finding=SVA)).body)).splitlines()[0]
    assert (
        lead
        == f"Latest findings, last seen on 2021-04-19 06:31 UTC. Critical. Halo issue {ISSUE.id}"
    )


def test_a_close_says_who_resolved_it_when_and_why() -> None:
    assert plain(opened(close_comment(Evidence(issue=RESOLVED)).body)).splitlines() == [
        "Resolved in Halo on 2021-04-20 06:31 UTC by anna@example.com.",
        "Halo detected that the issue has been remediated.",
        f"Halo issue {ISSUE.id}",
    ]


def test_a_close_without_a_reason_from_halo_says_so() -> None:
    silent = replace(RESOLVED, resolution="", resolved_by="", resolved_at=None)
    assert plain(opened(close_comment(Evidence(issue=silent)).body)).startswith(
        "Resolved in Halo.\nHalo gives no reason."
    )


def test_a_ticket_is_never_closed_without_halos_word() -> None:
    with pytest.raises(ValueError, match="is not resolved"):
        close_comment(Evidence(issue=ISSUE))


def test_a_reopening_says_why_and_shows_the_latest_findings() -> None:
    lines = plain(
        opened(
            reopen_comment(Evidence(issue=ISSUE, finding=SVA), because="Halo still sees it.").body
        )
    ).splitlines()
    assert lines[:2] == ["Reopened", "Halo still sees it."]
    assert "CVE-2021-3156" in lines


def test_each_kind_of_comment_has_a_marker_for_each_version_of_the_issue() -> None:
    later = replace(ISSUE, last_seen_at=AT + timedelta(days=9))
    markers = [
        marker
        for issue in (ISSUE, later)
        for marker in (
            update_comment(Evidence(issue=issue)).marker,
            reopen_comment(Evidence(issue=issue), because="it is back").marker,
            close_comment(Evidence(issue=replace(issue, status=IssueStatus.RESOLVED))).marker,
        )
    ]
    assert len(set(markers)) == 6
    assert markers[0].startswith(f"{ISSUE.id}:update:")
    assert update_comment(Evidence(issue=ISSUE, finding=SVA)).marker == markers[0]


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
        CsmFinding: lambda one: replace(one, checks=one.checks[::-1], description="Reworded."),
        FimFinding: lambda one: replace(one, files=one.files[::-1]),
        SvaFinding: lambda one: replace(
            one, cves=tuple(replace(cve, score=1.0) for cve in one.cves[::-1])
        ),
        LidsEvent: lambda one: replace(
            one, created_at=AT + timedelta(days=30), message="From another address."
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


# --- The id field ---------------------------------------------------------------------------------


@pytest.mark.parametrize("spec", [TEXT, URL, LABELS])
def test_the_id_is_read_back_from_each_kind_of_id_field(spec: FieldSpec) -> None:
    assert ids_held(tickets.id_value(ISSUE.id, spec=spec, settings=SHAPE)) == (ISSUE.id,)


def test_a_url_field_holds_the_address_of_the_issue() -> None:
    private = replace(SHAPE, issues_url="https://api.acme.cloudpassage.com/v3/issues/")
    assert tickets.id_value(ISSUE.id, spec=URL, settings=SHAPE) == ISSUE.url
    assert (
        tickets.id_value(ISSUE.id, spec=URL, settings=private)
        == f"https://api.acme.cloudpassage.com/v3/issues/{ISSUE.id}"
    )


def test_an_id_is_compared_whole_and_among_all_labels() -> None:
    assert ids_held(["urgent", ISSUE.id]) == ("urgent", ISSUE.id)
    assert ISSUE.id not in ids_held(f"{ISSUE.id}-2")
    assert ids_held(None) == ids_held("") == ids_held([]) == ()


def test_a_draft_wants_the_asset_only_for_a_mapped_field() -> None:
    assert not tickets.wants_asset(SHAPE, issue=ISSUE)
    assert tickets.wants_asset(replace(SHAPE, mapping=(("server_state", "Group"),)), issue=ISSUE)
