"""What Halo's JSON means, as tables over the shapes that are known."""

import json
import tracemalloc
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from job.core.findings import (
    Check,
    CsmFinding,
    Cve,
    FileChange,
    FileState,
    FimFinding,
    Finding,
    LidsEvent,
    OtherFinding,
    SvaFinding,
)
from job.core.issues import Asset, IssueKind, IssueStatus
from job.errors import MalformedAnswer
from job.halo import bodies, findings, values
from job.halo.values import Body
from tests.halo import shapes
from tests.halo.shapes import row

NOTHING = [..., None, "", "null_value"]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)


def read(kind: IssueKind, pages: Sequence[Body]) -> Finding:
    """The finding that a reader of this kind makes of its pages."""
    reader = findings.reader(kind)
    assert reader is not None
    return reader(pages)


def test_a_listed_issue_is_read_whole() -> None:
    issue = bodies.issue(row(critical=True))
    assert (issue.id, issue.type, issue.source) == (
        "3d1f6a80-9b44-11eb-8c1e-41f0a2b7d963",
        "csm",
        "server_secure",
    )
    assert (issue.status, issue.critical) == (IssueStatus.ACTIVE, True)
    assert issue.last_seen_at == datetime(2021, 4, 19, 6, 33, 51, 779410, tzinfo=UTC)
    assert (issue.asset_name, issue.asset_url, issue.group_path) == (
        "ip-10-4-1-22",
        shapes.SERVER_URL,
        "Acme/Prod/Payments",
    )
    assert issue.resolved_at is None
    assert issue.resolution == ""


def test_a_resolved_issue_says_when_by_whom_and_why() -> None:
    issue = bodies.issue(row(**shapes.RESOLVED))
    assert issue.status is IssueStatus.RESOLVED
    assert issue.resolved_at == datetime(2021, 4, 20, 2, 10, 5, 420, tzinfo=UTC)
    assert (issue.resolved_by, issue.resolution) == (
        "system",
        "Halo detected that the issue has been remediated.",
    )


def test_the_reason_of_a_resolution_is_also_found_under_its_older_name() -> None:
    assert (
        bodies.issue(row(status="resolved", comment="Server retired.")).resolution
        == "Server retired."
    )


def test_a_package_issue_names_package_and_vulnerabilities() -> None:
    issue = bodies.issue(row(**shapes.SVA))
    assert (issue.package_name, issue.package_version) == ("sudo.x86_64", "1.8.23-9.el7")
    assert (issue.cves, issue.max_cvss, issue.remotely_exploitable) == (
        ("CVE-2021-3156",),
        7.8,
        False,
    )
    assert issue.policy_name == ""


def test_vulnerabilities_are_also_found_among_the_extended_attributes() -> None:
    assert bodies.issue(row(**shapes.SVA | {"cve_ids": None})).cves == ("CVE-2021-3156",)


def test_a_cloud_issue_has_no_finding() -> None:
    issue = bodies.issue(row(**shapes.CLOUD))
    assert issue.finding_url == ""
    assert (issue.cp_rule_id, issue.csp_account_type, issue.csp_service_type) == (
        "CP:S3:7",
        "aws",
        "S3",
    )


def test_an_image_issue_names_its_registry() -> None:
    issue = bodies.issue(row(**shapes.IMAGE))
    assert (issue.type, issue.registry_name, issue.repository_name) == (
        "image_sva",
        "acme-ecr",
        "acme/api",
    )


@pytest.mark.parametrize("nothing", NOTHING)
@pytest.mark.parametrize("key", sorted(set(row(**shapes.SVA | shapes.RESOLVED)) - {"id", "status"}))
def test_nothing_is_nothing_however_halo_says_it(key: str, nothing: Any) -> None:
    said = bodies.issue(row(**shapes.SVA | shapes.RESOLVED | {key: nothing}))
    unsaid = bodies.issue(row(**shapes.SVA | shapes.RESOLVED | {key: ...}))
    assert said == unsaid
    assert "null_value" not in repr(said)


@pytest.mark.parametrize(
    ("written", "microsecond"),
    [
        ("", 0),
        (".8", 800_000),
        (".86", 860_000),
        (".685", 685_000),
        (".6855", 685_500),
        (".00087", 870),
        (".261379", 261_379),
        (".2613790000", 261_379),
    ],
)
@pytest.mark.parametrize("zone", ["Z", "+0000", "+00:00"])
def test_a_fraction_may_have_any_number_of_digits(
    written: str, microsecond: int, zone: str
) -> None:
    at = values.instant(f"2020-03-02T10:14:18{written}{zone}")
    assert at == datetime(2020, 3, 2, 10, 14, 18, microsecond, tzinfo=UTC)


def test_instants_are_compared_as_instants_although_their_texts_sort_otherwise() -> None:
    earlier, later = "2020-03-02T10:14:18.86Z", "2020-03-02T10:14:18.861Z"
    assert earlier > later
    assert values.instant(earlier) < values.instant(later)  # type: ignore[operator]


@given(at=st.datetimes(timezones=st.timezones()), digits=st.integers(0, 6))
def test_every_instant_halo_could_write_is_read_to_its_last_digit(
    at: datetime, digits: int
) -> None:
    if not datetime(1971, 1, 2, tzinfo=UTC) < at < datetime(2999, 12, 31, tzinfo=UTC):
        return
    at = at.astimezone(UTC)
    fraction = f".{at.microsecond:06d}"[: digits + 1] if digits else ""
    cut = at - timedelta(microseconds=at.microsecond % 10 ** (6 - digits))
    assert values.instant(f"{at:%Y-%m-%dT%H:%M:%S}".rjust(19, "0") + fraction + "Z") == cut


@pytest.mark.parametrize(
    "odd",
    [
        *("yesterday", "n/a", "0000-00-00", "2021-13-01T00:00:00Z", 20210419, 1_618_813_911.5),
        *("9999-12-31T23:59:59Z", "9999-12-31T23:59:59-01:00", "0001-01-01T00:00:00Z"),
        *("1970-01-01T00:00:00Z", True, [], ["2021-04-19T06:33:51Z"], {"at": 1}),
    ],
)
def test_an_instant_that_is_none_is_nothing(odd: Any) -> None:
    assert values.instant(odd) is None
    assert bodies.issue(row(last_seen_at=odd)) == bodies.issue(row(last_seen_at=None))


@pytest.mark.parametrize("key", ["last_finding_urls", "findings", "cve_ids"])
@pytest.mark.parametrize("odd", ["text", 7, {"a": 1}, True])
def test_what_is_no_list_where_one_is_due_is_nothing(key: str, odd: Any) -> None:
    sva = shapes.SVA | {"extended_attributes": "text"}
    assert bodies.issue(row(**sva | {key: odd})) == bodies.issue(row(**sva | {key: None}))


@pytest.mark.parametrize("key", ["name", "rule_name", "rule_key", "package_name", "asset_name"])
def test_carriage_returns_are_taken_out_of_names(key: str) -> None:
    assert getattr(bodies.issue(row(**{key: "a\rb\r"})), key) == "ab"


def test_an_issue_without_a_name_goes_by_its_rule() -> None:
    assert bodies.issue(row(name=None)).name == "1.4.2 Ensure a bootloader password"


@pytest.mark.parametrize(
    ("broken", "named"),
    [({"id": ...}, "without id"), ({"status": "open"}, "'open'"), ({"status": None}, "3d1f6a80")],
)
def test_a_row_that_is_no_issue_is_malformed_and_says_why(
    broken: dict[str, Any], named: str
) -> None:
    with pytest.raises(MalformedAnswer, match=named):
        bodies.issue(row(**broken))


@given(key=st.sampled_from(sorted(row(**shapes.SVA | shapes.RESOLVED))), value=JSON)
def test_whatever_stands_in_a_field_it_is_read_or_malformed_and_never_a_crash(
    key: str, value: Any
) -> None:
    try:
        issue = bodies.issue(row(**shapes.SVA | shapes.RESOLVED | {key: value}))
    except MalformedAnswer:
        return
    assert isinstance(hash(issue), int)


@given(
    kind=st.sampled_from(
        [("csm", shapes.CSM_FINDING), ("fim", shapes.FIM_FINDING), ("sva", shapes.SVA_FINDING)]
    ),
    data=st.data(),
)
def test_whatever_stands_in_a_finding_it_is_read_or_malformed_and_never_a_crash(
    kind: tuple[str, dict[str, Any]], data: st.DataObject
) -> None:
    key = data.draw(st.sampled_from(sorted(kind[1])))
    try:
        found = read(IssueKind(kind[0]), [kind[1] | {key: data.draw(JSON)}])
    except MalformedAnswer:
        return
    assert isinstance(hash(found), int)


# --- Where the newest finding is ------------------------------------------------------------------


@pytest.mark.parametrize("nothing", [..., None, "", [], [None, ""]])
def test_without_ready_urls_the_newest_finding_is_built_from_text_or_object(nothing: Any) -> None:
    assert bodies.finding_url(row(last_finding_urls=nothing)) == shapes.FINDING_URL
    text_is_newer = [
        {"scan_id": shapes.SCAN, "finding_id": "0ld", "created_at": "2021-04-19T06:33:51.86Z"},
        "ab12::cd34::active::2021-04-19T06:33:51.861Z",
    ]
    url = bodies.finding_url(row(last_finding_urls=nothing, findings=text_is_newer))
    assert url == f"{shapes.BASE}/v1/scans/ab12/findings/cd34"


def test_the_last_of_the_ready_urls_is_the_newest() -> None:
    assert (
        bodies.finding_url(row(last_finding_urls=["https://x/old", shapes.EVENT_URL]))
        == shapes.EVENT_URL
    )


def test_a_log_issue_points_at_an_event() -> None:
    assert bodies.finding_url(row(type="lids", last_finding_urls=...)) == shapes.EVENT_URL


@pytest.mark.parametrize("findings", [None, [], ["", None, "a::b"], [{"scan_id": "a"}]])
def test_findings_that_name_nothing_give_no_url(findings: Any) -> None:
    assert bodies.finding_url(row(last_finding_urls=[], findings=findings)) == ""


# --- Findings and assets --------------------------------------------------------------------------


def test_a_configuration_finding_is_prose_and_checks() -> None:
    assert read(IssueKind("csm"), [shapes.CSM_FINDING]) == CsmFinding(
        description="Root must not log in over SSH.\nSet PermitRootLogin no.",
        checks=(
            Check(
                type="file_regex",
                target="/etc/ssh/sshd_config",
                expected="true",
                actual="false",
                status="bad",
                pattern="^PermitRootLogin no",
            ),
            Check(
                type="config_file",
                target="/etc/login.defs UMASK",
                expected="027",
                actual="",
                status="",
            ),
        ),
        operator="AND",
    )


@pytest.mark.parametrize(
    ("entry", "said"), [("CIS 5.2.8", "CIS 5.2.8"), ({"type": "PCI", "id": "2.2"}, "PCI 2.2")]
)
def test_a_reference_of_a_rule_is_read_in_each_likely_form(entry: object, said: str) -> None:
    body = shapes.CSM_FINDING | {"reference_identifiers": [entry]}
    found = read(IssueKind("csm"), [body])
    assert isinstance(found, CsmFinding)
    assert found.references == (said,)


@pytest.mark.parametrize("kind", ["sam", "fw", "agent", ""])
def test_a_finding_that_nobody_has_published_is_its_own_keys_and_values(kind: str) -> None:
    body = {
        "id": "f1",
        "rule": {"name": "old agent", "nothing": None},
        "tags": ["a", "b"],
        "users": [{"name": "x"}, {"name": "y", "shell": ""}],
        "deep": {"a": {"b": {"c": {"d": {"e": {"f": 1}}}}}},
    }
    found = read(IssueKind(kind), [body])
    assert isinstance(found, OtherFinding)
    assert found.rows[:5] == (
        ("id", "f1"),
        ("rule.name", "old agent"),
        ("tags", "a, b"),
        ("users[1].name", "x"),
        ("users[2].name", "y"),
    )
    assert len(found.rows) == 6


def test_of_a_finding_without_end_the_first_values_are_kept_and_the_rest_is_counted() -> None:
    found = read(IssueKind("agent"), [{str(at): "x" * 9_000 for at in range(1_000)}])
    assert isinstance(found, OtherFinding)
    assert (len(found.rows), found.more) == (200, 800)
    assert max(len(value) for _, value in found.rows) == 4_000


def test_what_the_owner_wrote_on_an_asset_is_read() -> None:
    tags = [{"key": "owner", "value": "payments"}, {"key": "", "value": "x"}, "odd", {"key": "k"}]
    assert bodies.issue(shapes.row(csp_tags=tags)).tags == (("owner", "payments"), ("k", ""))
    assert bodies.issue(shapes.row(csp_tags="odd")).tags == ()


def test_a_file_finding_lists_files_with_both_hashes() -> None:
    assert read(IssueKind("fim"), [shapes.FIM_FINDING]) == FimFinding(
        target="/etc/nginx",
        description="Nginx\nconfiguration",
        total=2,
        files=(
            FileChange(
                path="/etc/nginx/nginx.conf",
                status="changed",
                found=FileState(sha256="9b" * 32, owner="root:wheel", mode="rw-r--r--", size=1490),
                expected=FileState(sha256="41" * 32, size=1472),
            ),
            FileChange(path="/etc/nginx/gone.conf", status="missing"),
        ),
    )


@pytest.mark.parametrize("kind", ["sva", "image_sva"])
def test_a_package_finding_lists_vulnerabilities_and_what_is_excepted(kind: str) -> None:
    assert read(IssueKind(kind), [shapes.SVA_FINDING]) == SvaFinding(
        package_name="sudo.x86_64",
        package_version="1.8.23-9.el7",
        cves=(Cve(id="CVE-2021-3156", score=7.8), Cve(id="CVE-2019-14287", suppressed=True)),
    )


def test_a_log_line_is_kept_letter_by_letter() -> None:
    assert read(IssueKind("lids"), [shapes.EVENT]) == LidsEvent(
        message=shapes.EVENT["message"],
        log_entry="Mar  2 11:40:01 sudo: authentication failure; user=DOMAIN\\nora",
        created_at=datetime(2020, 3, 2, 11, 40, 3, 190_000, tzinfo=UTC),
    )


@pytest.mark.parametrize(
    ("kind", "body", "missing"),
    [
        ("csm", shapes.CSM_FINDING, "details"),
        ("fim", shapes.FIM_FINDING, "rule"),
        ("fim", shapes.FIM_FINDING, "findings"),
        ("sva", shapes.SVA_FINDING, "cve_entries"),
    ],
)
def test_a_finding_of_another_shape_is_malformed_and_names_what_is_missing(
    kind: str, body: dict[str, Any], missing: str
) -> None:
    with pytest.raises(MalformedAnswer, match=f"no `{missing}`"):
        read(IssueKind(kind), [{key: value for key, value in body.items() if key != missing}])


@pytest.mark.parametrize("odd", [None, 0, "text", []])
def test_a_list_with_something_else_than_objects_is_malformed(odd: Any) -> None:
    with pytest.raises(MalformedAnswer, match="details"):
        read(IssueKind("csm"), [shapes.CSM_FINDING | {"details": [odd]}])


def test_an_event_without_words_is_malformed() -> None:
    with pytest.raises(MalformedAnswer, match="original_log_entry"):
        read(IssueKind("lids"), [{"id": "e1", "message": None}])


@pytest.mark.parametrize(
    "wrapper",
    [
        None,
        "server",
        "csp_resource",
        "container_image",
        "container",
        "image",
        "csp_account",
        "registry",
    ],
)
def test_an_asset_is_read_bare_or_wrapped_in_its_kind(wrapper: str | None) -> None:
    body = shapes.SERVER if wrapper is None else {wrapper: shapes.SERVER}
    assert bodies.asset(bodies.unwrap(body, doing="reading")) == Asset(
        id="6e0d9b149b3f11eb91f73bd20c7a5e68",
        name="ip-10-4-1-22",
        hostname="ip-10-4-1-22",
        state="active",
        ip_address="10.4.1.22",
        group_name="Payments",
        csp_provider="aws_ec2",
        csp_account_id="210987654321",
        csp_instance_id="i-0f00ba4c0ffee0001",
    )


def test_a_cloud_resource_brings_what_it_has() -> None:
    body = {"id": "9c1e77ab", "csp_resource_id": "acme-invoices", "csp_account_type": "AWS"}
    assert bodies.asset(body) == Asset(
        id="9c1e77ab", csp_provider="AWS", csp_instance_id="acme-invoices"
    )


def test_an_asset_without_an_id_is_malformed_and_says_what_came_instead() -> None:
    with pytest.raises(MalformedAnswer, match="hostname"):
        bodies.asset({"hostname": "x"})


@pytest.mark.parametrize("odd", [[], "text", 3, None, {"server": None}])
def test_something_that_is_no_object_is_malformed(odd: Any) -> None:
    with pytest.raises(MalformedAnswer, match="object"):
        bodies.unwrap(odd, doing="reading")


def test_an_issue_in_memory_takes_little_more_than_a_kilobyte() -> None:
    """So that a sweep over 200,000 of them fits into the smallest container."""
    texts = [
        json.dumps(row(**shapes.SVA | {"id": f"3d1f6a80-9b44-11eb-8c1e-{n:012x}"}))
        for n in range(2_000)
    ]
    tracemalloc.start()
    issues = [bodies.issue(json.loads(text)) for text in texts]
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept / len(issues) < 1_150


def test_words_that_issues_share_are_kept_once() -> None:
    one, other = (bodies.issue(json.loads(json.dumps(row(**shapes.SVA)))) for _ in range(2))
    for field in (
        "type",
        "name",
        "group_path",
        "asset_url",
        "asset_name",
        "package_version",
        "cves",
    ):
        assert getattr(one, field) is getattr(other, field)
