"""What tickets and comments say: everything a person needs, nothing twice, whatever Halo sends."""

import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from msgspec.structs import replace

from job.core import adf, fields, tickets
from job.core.evidence import fingerprint
from job.core.ids import IssueId
from job.core.issues import (
    Asset,
    Evidence,
    Finding,
    Gone,
    Issue,
    IssueStatus,
    Unreadable,
)
from job.core.shape import CreateScreen, FieldSpec, TicketSettings
from job.core.tickets import close_comment, draft, ids_held, reopen_comment, update_comment
from job.http.message import as_json
from tests.core.documents import opened, plain, schema, utf16_units, words
from tests.core.findings import AT, GONE, ISSUE, LIDS, RESOLVED, SVA, evidences
from tests.kit.builders import NOW, destination, issue

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


HOME = destination(tickets=SHAPE)


def described(
    issue: Issue = ISSUE,
    finding: Finding | Gone | Unreadable | None = SVA,
    asset: Asset | Gone | Unreadable | None = None,
) -> str:
    evidence = Evidence(issue=issue, finding=finding, asset=asset)
    return plain(
        opened(draft(evidence, destination=HOME, screen=BOOK, made_at=NOW).fields["description"])
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
        draft(evidence, destination=HOME, screen=BOOK, made_at=NOW).fields["description"],
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
        draft(evidence, destination=HOME, screen=BOOK, made_at=NOW).fingerprint,
        update_comment(evidence).fingerprint,
        reopen_comment(evidence, because="it is back").fingerprint,
    }
    assert said == {fingerprint(evidence)}


# --- A new ticket ---------------------------------------------------------------------------------


def test_a_draft_has_project_type_id_configured_fields_and_the_hidden_property() -> None:
    new = draft(Evidence(issue=ISSUE, finding=SVA), destination=HOME, screen=BOOK, made_at=NOW)
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
        draft(Evidence(issue=ISSUE), destination=HOME, screen=BOOK, made_at=NOW).fields[
            "description"
        ]
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


def test_an_asset_that_cannot_be_read_is_named_from_the_issue() -> None:
    unreadable = Unreadable(url="https://x/1", why="It is no JSON.")
    assert "what Halo says of it cannot be read" in described(ISSUE, asset=unreadable)


def test_an_endless_address_or_name_does_not_push_the_rest_out() -> None:
    endless = "https://halo.example/" + "x" * 40_000
    assert described(finding=Gone(url=endless)).endswith("CVE-2021-3156")
    assert "Acme/Prod/Payments" in described(
        replace(ISSUE, name=endless, package_name="", id=IssueId(endless))
    )


def test_an_endless_log_entry_is_shortened_with_a_link_to_halo() -> None:
    evidence = Evidence(
        issue=ISSUE, finding=replace(LIDS, log_entry="x" * 80 + "\n" + "line\n" * 20_000)
    )
    body = opened(draft(evidence, destination=HOME, screen=BOOK, made_at=NOW).fields["description"])
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
    assert not fields.needs_asset(SHAPE, issue=ISSUE)
    assert fields.needs_asset(replace(SHAPE, mapping=(("server_state", "Group"),)), issue=ISSUE)
