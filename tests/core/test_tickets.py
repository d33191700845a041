"""What new tickets say: everything a person needs, whatever Halo sends."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from msgspec.structs import replace

from job.core import adf, fields, tickets
from job.core.evidence import fingerprint
from job.core.findings import Finding, Gone, Unreadable
from job.core.ids import IssueId
from job.core.issues import Asset, Evidence, Issue
from job.core.portal import address
from job.core.shape import CreateScreen, FieldSpec, TicketSettings
from job.core.summary import summary
from job.core.tickets import draft, ids_held
from job.errors import UnusableValue
from job.http.message import as_json
from tests.core.documents import opened, plain, schema, utf16_units
from tests.core.findings import AT, GONE, ISSUE, LIDS, RESOLVED, SVA, evidences
from tests.kit.builders import destination, issue

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
TEXTAREA = FieldSpec(id="description", name="Description", type="string", system="description")
BOOK = CreateScreen(
    project_key="SEC",
    type_id="10001",
    type_name="Bug",
    id_field=TEXT,
    fields={"customfield_1": TEXT, GROUP.id: GROUP, "description": TEXTAREA},
)


HOME = destination(tickets=SHAPE)


def described(
    issue: Issue = ISSUE,
    finding: Finding | Gone | Unreadable | None = SVA,
    asset: Asset | Gone | Unreadable | None = None,
) -> str:
    evidence = Evidence(issue=issue, finding=finding, asset=asset)
    return plain(
        opened(draft(evidence, destination=HOME, screen=BOOK, made_at=AT).fields["description"])
    )


# --- Whatever Halo sends --------------------------------------------------------------------------


@settings(max_examples=60)
@given(evidences)
def test_whatever_halo_sends_becomes_a_description_that_jira_takes(evidence: Evidence) -> None:
    body = opened(draft(evidence, destination=HOME, screen=BOOK, made_at=AT).fields["description"])
    schema().validate(body)
    assert 0 < utf16_units(body) <= adf.TEXT_MAX


@given(evidences)
def test_a_summary_is_one_line_of_at_most_255_units(evidence: Evidence) -> None:
    said = summary(evidence.issue)
    assert said.strip()
    assert len(said.splitlines()) == 1
    assert len(said.encode("utf-16-le")) <= 2 * 255


# --- A new ticket ---------------------------------------------------------------------------------


def test_a_draft_has_project_type_id_configured_fields_and_the_hidden_property() -> None:
    new = draft(Evidence(issue=ISSUE, finding=SVA), destination=HOME, screen=BOOK, made_at=AT)
    assert {name: value for name, value in new.fields.items() if name != "description"} == {
        "project": {"key": "SEC"},
        "issuetype": {"id": "10001"},
        "summary": "[Critical] Vulnerable package sudo 1.8.23-9.el7 (1 CVE, CVSS 7.8) on "
        "ip-10-4-1-22",
        "customfield_1": ISSUE.id,
        "customfield_3": "halo",
    }
    assert new.properties == ({"key": "halo.sync", "value": {"v": 1, "issue": ISSUE.id}},)
    assert new.issue_id == ISSUE.id
    assert new.fingerprint == fingerprint(Evidence(issue=ISSUE, finding=SVA))
    as_json([dict(new.fields), *new.properties])


BARE: dict[str, Any] = {"package_name": "", "critical": False, "asset_hostname": "web-1"}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"critical": False, "package_name": "openssl:amd64", "package_version": "1.0.2k"},
            "Vulnerable package openssl 1.0.2k (1 CVE, CVSS 7.8) on ip-10-4-1-22",
        ),
        ({"cves": (), "max_cvss": None}, "[Critical] Vulnerable package sudo 1.8.23-9.el7 on"),
        (
            {"type": "image_sva", "asset_name": "acme/api:1.4", "critical": False},
            "Vulnerable package sudo 1.8.23-9.el7 (1 CVE, CVSS 7.8) in image acme/api:1.4",
        ),
        (
            BARE | {"type": "csm", "name": "5.2.8 Ensure SSH root login is disabled"},
            "SSH root login is not disabled on web-1",
        ),
        (BARE | {"type": "fim", "name": "/etc/nginx\r"}, "Files changed in /etc/nginx on web-1"),
        (BARE | {"type": "lids", "name": "New user"}, "Log event: New user on web-1"),
        (BARE | {"type": "sam", "name": "No password"}, "Server account: No password on web-1"),
        (BARE | {"type": "fw", "name": "By hand"}, "Firewall: By hand on web-1"),
        (BARE | {"type": "agent", "name": "Too old"}, "Halo agent: Too old on web-1"),
        (BARE | {"type": "agent", "name": "Agent is too old"}, "Agent is too old on web-1"),
        (BARE | {"type": "netflow", "name": "Odd"}, "netflow: Odd on web-1"),
        (
            BARE | {"type": "csm", "name": "", "rule_key": "", "asset_hostname": "x"},
            "Unnamed on x",
        ),
    ],
)
def test_a_summary_says_what_and_where_in_words(changes: dict[str, Any], words: str) -> None:
    assert summary(replace(ISSUE, **changes)).startswith(words)


def test_a_long_name_gives_way_so_that_numbers_and_place_stay_in_sight() -> None:
    said = summary(replace(ISSUE, package_name="x" * 300))
    assert len(said) == 255
    assert said.endswith("x… (1 CVE, CVSS 7.8) on ip-10-4-1-22")


def test_a_description_says_why_how_to_fix_it_where_and_since_when() -> None:
    rich = replace(
        ISSUE,
        tags=(("owner", "payments"), ("env", "prod")),
        csp_resource_uri="arn:aws:ec2:i-0f00",
        image_sha="sha256:77aa",
    )
    said = described(rich).splitlines()
    headings = ["Why it matters", "How to fix", "Where", "Evidence", "In Halo"]
    assert [line for line in said if line in headings] == headings
    for part in (
        "Critical, first seen on 2021-04-12 06:31 UTC.",
        "sudo yum update sudo",
        "ip-10-4-1-22, server, linux",
        "Acme/Prod/Payments",
        "aws 210987654321 (acme-prod)",
        "eu-west-1",
        "EC2 i-0f00ba4c0ffee0001",
        "arn:aws:ec2:i-0f00",
        "acme/api in acme-ecr",
        "sha256:77aa",
        "owner: payments, env: prod",
        "sudo.x86_64 1.8.23-9.el7",
        "Critical, CVSS 7.8",
        "Golden AMI baseline",
        "sva::::sudo.x86_64",
        "2021-04-19 06:31 UTC",
        ISSUE.id,
        "As it was on 2021-04-12 06:31 UTC. What changes later stands in comments, not in this "
        "text.",
    ):
        assert part in said


def test_a_description_says_when_it_is_due_where_a_field_says_so() -> None:
    due = FieldSpec(id="duedate", name="Due date", type="date", system="duedate")
    wanted = replace(SHAPE, static=(("Due date", "2021-05-01"),))
    screen = replace(BOOK, fields=dict(BOOK.fields) | {due.id: due})
    new = draft(
        Evidence(issue=ISSUE, finding=SVA),
        destination=destination(tickets=wanted),
        screen=screen,
        made_at=AT,
    )
    said = plain(opened(new.fields["description"]))
    assert "Critical, first seen on 2021-04-12 06:31 UTC, due on 2021-05-01." in said


LINK = "https://portal.example/issues/{issue_id}?of={asset_id}"


def test_a_link_leads_where_the_template_says_and_nowhere_without_one() -> None:
    evidence = Evidence(issue=replace(ISSUE, asset_id="a/b"), finding=SVA)
    linked = draft(
        evidence,
        destination=destination(tickets=replace(SHAPE, halo_link=LINK)),
        screen=BOOK,
        made_at=AT,
    )
    body = bytes(linked.fields["description"]).decode()
    assert f"https://portal.example/issues/{ISSUE.id}?of=a%2Fb" in body
    plain_text = bytes(
        draft(evidence, destination=HOME, screen=BOOK, made_at=AT).fields["description"]
    )
    assert b"api.cloudpassage.com" not in plain_text
    assert ISSUE.id.encode() in plain_text


def test_an_id_that_no_address_can_hold_leads_nowhere_and_costs_nothing() -> None:
    odd = replace(ISSUE, asset_id="a\ud800")
    assert address(odd, template=LINK) == f"https://portal.example/issues/{ISSUE.id}?of=a%3F"


def test_an_issue_that_lacks_what_the_template_names_has_no_link() -> None:
    lacking = replace(ISSUE, asset_id="")
    assert address(lacking, template=LINK) == ""


def test_what_halo_does_not_say_has_no_row() -> None:
    bare = issue(id=ISSUE.id, type="agent", source="", name="Agent is old")
    assert described(bare, finding=None).splitlines() == [
        "Agent is old.",
        "Not critical.",
        "How to fix",
        "Halo's API tells no remedy for this. The rule and the policy named below say what is "
        "wanted.",
        "Once Halo calls the issue resolved, this ticket is closed by itself.",
        "Evidence",
        "Halo names no finding for this issue, so what the issue itself says is all that is known "
        "here.",
        "In Halo",
        *("Severity", "Not critical"),
        *("Halo issue", ISSUE.id),
        "As it was on 2021-04-12 06:31 UTC. What changes later stands in comments, not in this "
        "text.",
    ]


def test_a_value_that_does_not_fit_an_optional_field_is_left_out_and_named() -> None:
    number = FieldSpec(id="customfield_9", name="Score", type="number", custom=f"{CUSTOM}float")
    wanted = replace(SHAPE, mapping=(("issue_type", "Score"),))
    screen = replace(BOOK, fields=dict(BOOK.fields) | {number.id: number})
    new = draft(
        Evidence(issue=ISSUE, finding=SVA),
        destination=destination(tickets=wanted),
        screen=screen,
        made_at=AT,
    )
    assert "customfield_9" not in new.fields
    said = plain(opened(new.fields["description"])).splitlines()[-1]
    assert said.startswith("Left out: ")
    assert '"Score"' in said
    assert len(new.left_out) == 1


def test_a_value_that_does_not_fit_a_required_field_costs_the_ticket() -> None:
    number = FieldSpec(
        id="customfield_9", name="Score", type="number", custom=f"{CUSTOM}float", required=True
    )
    wanted = replace(SHAPE, mapping=(("issue_type", "Score"),))
    screen = replace(BOOK, fields=dict(BOOK.fields) | {number.id: number})
    with pytest.raises(UnusableValue):
        draft(
            Evidence(issue=ISSUE, finding=SVA),
            destination=destination(tickets=wanted),
            screen=screen,
            made_at=AT,
        )


def test_a_screen_without_description_gets_a_ticket_without_one() -> None:
    screen = replace(BOOK, fields={"customfield_1": TEXT, GROUP.id: GROUP})
    new = draft(Evidence(issue=ISSUE, finding=SVA), destination=HOME, screen=screen, made_at=AT)
    assert "description" not in new.fields
    assert new.fields["summary"]


def test_an_asset_that_was_read_adds_its_address_and_state() -> None:
    assert "linux, 10.4.1.22, missing" in described(
        asset=Asset(id="1", ip_address="10.4.1.22", state="missing")
    )


def test_an_asset_that_is_gone_is_said_to_be_gone() -> None:
    assert "ip-10-4-1-22, server, linux, no longer in Halo" in described(asset=GONE)


def test_a_ticket_for_a_resolved_issue_says_first_who_resolved_it_when_and_why() -> None:
    assert described(RESOLVED).splitlines()[:3] == [
        "Resolved in Halo on 2021-04-20 06:31 UTC by anna@example.com.",
        "Halo detected that the issue has been remediated.",
        "It was open for 8 days, since 2021-04-12 06:31 UTC.",
    ]


def test_an_asset_that_cannot_be_read_is_named_from_the_issue() -> None:
    unreadable = Unreadable(url="https://x/1", why="It is no JSON.")
    assert "what Halo says of it cannot be read" in described(ISSUE, asset=unreadable)


def test_an_endless_address_or_name_does_not_push_the_rest_out() -> None:
    endless = "https://halo.example/" + "x" * 40_000
    assert "CVE-2021-3156" in described(finding=Gone(url=endless))
    assert "Acme/Prod/Payments" in described(
        replace(ISSUE, name=endless, package_name="", id=IssueId(endless))
    )


def test_an_endless_log_entry_is_shortened_with_a_link_to_halo_where_there_is_one() -> None:
    evidence = Evidence(
        issue=ISSUE, finding=replace(LIDS, log_entry="x" * 80 + "\n" + "line\n" * 20_000)
    )
    linked = replace(SHAPE, halo_link="https://portal.example/{issue_id}")
    body = opened(
        draft(evidence, destination=destination(tickets=linked), screen=BOOK, made_at=AT).fields[
            "description"
        ]
    )
    assert plain(body["content"][-1]) == "Shortened to fit into Jira. All of it is in Halo."
    assert f"https://portal.example/{ISSUE.id}" in json.dumps(body["content"][-1])
    assert body["content"][-2]["content"][0]["text"].endswith("\nline")
    bare = opened(draft(evidence, destination=HOME, screen=BOOK, made_at=AT).fields["description"])
    assert plain(bare["content"][-1]) == "Shortened to fit into Jira. "


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
