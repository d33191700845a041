"""An issue that somebody saved as a file: in each form in which it may lie there."""

from typing import Any

import pytest

from job.core.findings import CsmFinding, FimFinding, Gone, OtherFinding, Unreadable
from job.core.issues import Asset, IssueStatus
from job.errors import MalformedAnswer
from job.halo.saved import saved
from tests.halo import shapes


def test_a_row_of_the_list_and_the_answer_of_one_issue_are_read_alike() -> None:
    bare, wrapped = saved(shapes.row()), saved({"issue": shapes.row()})
    assert bare == wrapped
    assert bare.now.issue.name == "1.4.2 Ensure a bootloader password"


def test_a_finding_that_was_not_saved_is_said_not_to_be_there_and_not_to_be_gone() -> None:
    finding = saved(shapes.row()).now.finding
    assert finding == Unreadable(url=shapes.FINDING_URL, why="It was not saved with the issue.")
    assert saved(shapes.row(findings=[], last_finding_urls=...)).now.finding is None


def test_a_finding_of_null_is_gone() -> None:
    now = saved({"issue": shapes.row(), "finding": None, "asset": None}).now
    assert now.finding == Gone(url=shapes.FINDING_URL)
    assert now.asset == Gone(url="")


def test_finding_asset_and_vulnerabilities_are_read_as_in_a_run() -> None:
    body: dict[str, Any] = {
        "issue": shapes.row(),
        "finding": shapes.CSM_FINDING,
        "asset": {"server": {"id": "1", "hostname": "web-1"}},
        "cve_details": {"CVE-2021-3156": {"summary": "Bad."}},
    }
    now = saved(body).now
    assert isinstance(now.finding, CsmFinding)
    assert now.asset == Asset(id="1", name="web-1", hostname="web-1")
    assert now.cves["CVE-2021-3156"].summary == "Bad."


def test_the_pages_of_a_finding_of_files_are_one_finding() -> None:
    page = {"rule": {"target": "/etc"}, "findings": [shapes.FIM_FILE]}
    now = saved({"issue": shapes.row(type="fim"), "finding": [page, page]}).now
    assert isinstance(now.finding, FimFinding)
    assert len(now.finding.files) == 2


def test_a_finding_of_another_shape_is_shown_as_it_comes() -> None:
    now = saved({"issue": shapes.row(), "finding": {"a": 1}}).now
    assert isinstance(now.finding, OtherFinding)
    assert "has no `details`" in now.finding.why


def test_an_issue_may_stand_beside_what_it_was_before() -> None:
    body = {"issue": shapes.row(**shapes.RESOLVED), "before": {"issue": shapes.row()}}
    both = saved(body)
    assert both.now.issue.status is IssueStatus.RESOLVED
    assert both.before is not None
    assert both.before.issue.status is IssueStatus.ACTIVE


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ([], "a list where an object"),
        ({"issue": 7}, "where an issue was due"),
        ({"id": "1"}, "has the status None"),
        ({"issue": shapes.row(), "findings": {}}, "the key 'findings'"),
        ({"issue": shapes.row(), "finding": 7}, "finding is a int"),
        ({"issue": shapes.row(), "finding": [{}, {}]}, "several pages"),
        ({"issue": shapes.row(), "cve_details": [1]}, "cve_details"),
        ({"issue": shapes.row(), "before": {}}, "without id"),
    ],
)
def test_what_is_no_saved_issue_is_refused_and_named(body: Any, words: str) -> None:
    with pytest.raises(MalformedAnswer) as caught:
        saved(body)
    assert words in caught.value.happened
