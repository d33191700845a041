"""Whatever stands in Halo's answers, what people read of it is words: whole tickets, every comment.

Answers are made up as JSON and read as in a run. Of the texts in them each may be markup of some
kind, a command, an address that runs, a document of Jira's own, endless, or nothing at all.
"""

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import Raw
from msgspec.structs import replace

from job.core import adf
from job.core.comments import close_comment, reopen_comment, update_comment
from job.core.evidence import fingerprint
from job.core.issues import Evidence, IssueStatus
from job.core.markup import page
from job.core.noise import Telling, weigh
from job.core.reading import columns, lines, words_of
from job.core.recollection import recollection, written
from job.core.routes import CommentRule
from job.core.shape import FieldSpec, TicketSettings
from job.core.sheets import Sheet, comment_sheet, ticket_sheet
from job.core.sightings import sighting
from job.core.tickets import draft
from job.halo.saved import saved
from tests.core.documents import opened, schema
from tests.core.jira_fields import CUSTOM, screen
from tests.kit.builders import NOW, destination, link

EVIL: Final = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "</pre></td></table><h1>x",
    "&lt;b&gt;&#60;",
    "[click|javascript:alert(1)] {color:red}x{color} h1. x ||a||",
    "**bold** [x](javascript:alert(1)) `code` # head",
    "javascript:alert(document.cookie)",
    "data:text/html;base64,PHNjcmlwdD4=",
    "https://evil.example/?a=<b>&c=\"d\"'e'",
    '{"type":"doc","version":1,"content":[{"type":"rule"}]}',
    '"}]}],"marks":[{"type":"link","attrs":{"href":"javascript:x"}}]',
    "$(rm -rf /); `id` | sh # \\",
    "{issue_id} {tags.env} %s {0} {{x}}",
    "\u202egnp.exe\u202c \u2066\u05e9\u05dc\u05d5\u05dd\u2069 \u0645\u0631\u062d\u0628\u0627",
    "\x00\x07\x1b[31mred\x1b[0m\r\nnext\x7f\x85\u2028end\ud800",
    "\n\n\n\t \n",
    "e\u0301\u0301\u0301" * 50 + "\U0001f468\u200d\U0001f469\u200d\U0001f467" * 50,
    "",
    "null_value",
)
ENDLESS: Final = (
    "A" * 100_000,
    "line of a log with words in it\n" * 2_000,
    "\U0001f600" * 20_000,
    "x\n" * 17_000,
)
IDS: Final = tuple(words for words in EVIL if words.strip() and words != "null_value")
"""What Halo says for nothing is no id."""
texts = st.sampled_from((*EVIL, *ENDLESS)) | st.text(max_size=60)
values = st.none() | texts | st.integers() | st.booleans() | st.lists(texts, max_size=3)
NAMES: Final = (
    *("name", "rule_name", "rule_key", "policy_name", "cp_rule_id", "source"),
    *("resolved_by", "resolution_comment", "asset_id", "asset_type", "asset_name", "os_type"),
    *("asset_hostname", "group_id", "group_name", "group_path", "package_name", "package_version"),
    *("csp_account_type", "csp_account_id", "csp_account_name", "csp_region", "csp_service_type"),
    *("csp_resource_id", "csp_resource_uri", "csp_image_id", "registry_name", "repository_name"),
    *("image_sha", "first_seen_at", "last_seen_at", "resolved_at"),
)
KINDS: Final = ("csm", "sva", "image_sva", "fim", "lids", "sam", "fw", "agent")


def objects(*keys: str, of: st.SearchStrategy[Any] = values, **more: Any) -> Any:
    """An object that may have any of these keys, and has those of `more`."""
    return st.fixed_dictionaries(more, optional=dict.fromkeys(keys, of))


many_cves = st.integers(1, 5_000).map(
    lambda many: [{"cve_entry": f"CVE-2021-{n}", "cvss_score": n % 11} for n in range(many)]
)
cve_entries = st.lists(objects("cvss_score", "suppressed", cve_entry=texts), max_size=4) | many_cves
states = objects("sha256", meta=objects("user", "group", "mode", "size"))
found = st.one_of(
    st.none(),
    objects(
        *("rule_description", "rule_operator"),
        reference_identifiers=st.lists(values, max_size=100),
        details=st.lists(
            objects("type", "target", "config_key", "expected", "actual", "status", "pattern"),
            max_size=60,
        ),
    ),
    objects("package_name", "package_version", cve_entries=cve_entries),
    objects(
        rule=objects("target", "description"),
        findings=st.lists(objects("file", "status", detail=states), max_size=60),
    ),
    objects("created_at", message=texts, original_log_entry=texts),
    st.dictionaries(texts, values | objects("a", "b"), max_size=30),
)
rows = st.builds(
    lambda row, stamp: row | ({} if stamp is None else {"last_seen_at": stamp}),
    objects(
        *NAMES,
        id=st.sampled_from(IDS) | st.uuids().map(str),
        type=st.sampled_from(KINDS) | texts,
        status=st.just("active"),
        critical=st.booleans(),
        cve_ids=st.lists(texts, max_size=5)
        | many_cves.map(lambda of: [c["cve_entry"] for c in of]),
        max_cvss=st.none() | st.floats(0, 10) | texts,
        remotely_exploitable=values,
        csp_tags=st.lists(objects("value", key=texts), max_size=60),
        last_finding_urls=st.lists(texts, max_size=2),
    ),
    st.none() | st.just("2021-04-19T06:33:51Z"),
)
details = st.dictionaries(
    st.sampled_from(["CVE-2021-0", "CVE-2021-9", *EVIL[:3]]),
    objects("summary", **{"CVSS v3 Metrics": objects("base_severity", "attack_vector")}),
    max_size=2,
)
answers = st.fixed_dictionaries(
    {"issue": rows, "cve_details": details}, optional={"finding": found}
)

PORTAL: Final = "https://portal.example/{issue_id}"
LONG = FieldSpec(id="customfield_77", name="Long", type="string", custom=f"{CUSTOM}textarea")
SCREEN = screen(LONG)
HOME = destination(
    tickets=TicketSettings(
        project_key="SEC",
        ticket_type="Bug",
        id_field="Halo Issue ID",
        mapping=(
            ("group_path", "Text"),
            ("issue_type", "labels"),
            ("{issue_name} of {tags.env}", "Long"),
        ),
        halo_link=PORTAL,
    )
)
NODES: Final = frozenset(
    {
        *("doc", "paragraph", "text", "heading", "panel", "codeBlock", "bulletList", "listItem"),
        *("table", "tableRow", "tableHeader", "tableCell"),
    }
)
HREF: Final = re.compile(
    r"https://nvd\.nist\.gov/vuln/detail/CVE-\d{4}-\d{4,}|https://portal\.example/[\w.~%-]+"
)
UNSEEN: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def said(first: Evidence, later: Evidence) -> Iterator[Sheet]:
    """All that is ever said of an issue: its ticket, and each kind of comment."""
    new = draft(first, destination=HOME, screen=SCREEN, made_at=NOW)
    yield ticket_sheet(new, screen=SCREEN, title="New")
    over = replace(later.issue, status=IssueStatus.RESOLVED)
    for comment in (
        close_comment(replace(later, issue=over), halo_link=PORTAL),
        reopen_comment(later, because=later.issue.name, halo_link=PORTAL, accepted=["Accepted"]),
        update_comment(
            later,
            weighed=weigh(later, link=None, rule=CommentRule(), now=NOW),
            halo_link=PORTAL,
        ),
    ):
        yield comment_sheet(comment, title="Comment")
    recalls = written(recollection(sighting(first), before=None))
    told = link(recalls=recalls, fingerprint=fingerprint(first))
    weighed = weigh(later, link=told, rule=CommentRule(every=timedelta()), now=NOW)
    if weighed.telling is Telling.TELL:
        yield comment_sheet(
            update_comment(later, weighed=weighed, halo_link=PORTAL), title="Update"
        )


def nodes(node: Any) -> Iterator[Any]:
    yield node
    for inner in node.get("content", ()):
        yield from nodes(inner)


def must_be_words(sheet: Sheet) -> None:
    """Holds whatever is said against what Jira takes, and against what Halo may have a say in."""
    if sheet.document is None:
        raise AssertionError("a screen that takes a description got none")
    whole = opened(sheet.document)
    schema().validate(whole)
    assert len(bytes(sheet.document)) <= 1_048_576
    assert {node["type"] for node in nodes(whole)} <= NODES
    units = 0
    for node in nodes(whole):
        units += 1 + adf.units(node.get("text", ""))
        assert not UNSEEN.search(node.get("text", ""))
        for mark in node.get("marks", ()):
            assert mark["type"] in {"strong", "code", "link"}
            if mark["type"] == "link":
                assert HREF.fullmatch(mark["attrs"]["href"])
    assert units <= 32_767
    assert adf.units(sheet.summary) <= 255
    assert sheet.summary.splitlines() in ([], [sheet.summary])
    assert all(columns(words_of(line)) <= 80 for line in lines(sheet))
    for href in re.findall(r'href="([^"]*)"', page([sheet], title="T")):
        assert HREF.fullmatch(href)


SLOW = (HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example)


@settings(max_examples=60, deadline=None, suppress_health_check=SLOW)
@given(answers, answers)
def test_whatever_halo_answers_its_tickets_and_comments_are_words_that_jira_takes(
    first: dict[str, Any], later: dict[str, Any]
) -> None:
    later["issue"]["id"] = first["issue"]["id"]
    for sheet in said(saved(first).now, saved(later).now):
        must_be_words(sheet)


@settings(max_examples=60, deadline=None, suppress_health_check=SLOW)
@given(answers)
def test_whatever_halo_answers_the_fields_of_its_ticket_are_within_what_they_take(
    answer: dict[str, Any],
) -> None:
    new = draft(saved(answer).now, destination=HOME, screen=SCREEN, made_at=NOW)
    values = dict(new.fields)
    assert 0 < adf.units(values["summary"]) <= 255
    for label in values.get("labels", ()):
        assert not re.search(r"\s", label)
        assert 0 < adf.units(label) <= 255
    if "customfield_77" in values:
        long = values["customfield_77"]
        schema().validate(json.loads(bytes(long)) if isinstance(long, Raw) else long)
    json.dumps([value for value in values.values() if not isinstance(value, Raw)]).encode()


@pytest.mark.parametrize(
    ("kind", "words"),
    [(kind, words) for kind in KINDS for words in EVIL]
    + [("csm", words) for words in ENDLESS]
    + [("lids", "A line of a megabyte. " * 50_000)],
    ids=lambda value: value if value in KINDS else value[:12].encode(errors="replace").hex(),
)
def test_each_evil_text_in_every_place_of_every_type_is_no_more_than_words(
    kind: str, words: str
) -> None:
    row = dict.fromkeys(NAMES, words) | {
        "id": "1",
        "status": "active",
        "type": kind,
        "critical": True,
        "csp_tags": [{"key": words or "k", "value": words}],
        "cve_ids": [words],
        "last_finding_urls": [words],
    }
    finding = {
        "rule_description": words,
        "reference_identifiers": [words],
        "details": [dict.fromkeys(("type", "target", "expected", "actual", "pattern"), words)],
        "package_name": words,
        "package_version": words,
        "cve_entries": [{"cve_entry": words, "cvss_score": words}],
        "rule": {"target": words, "description": words},
        "findings": [{"file": words, "status": words, "detail": {"sha256": words}}],
        "message": words,
        "original_log_entry": words,
        "created_at": words,
    }
    about = {words: {"summary": words, "CVSS v3 Metrics": {"attack_vector": words}}}
    first = {"issue": row, "finding": finding, "cve_details": about}
    later = {"issue": row | {"critical": False}, "finding": {"other": words}}
    for sheet in said(saved(first).now, saved(later).now):
        must_be_words(sheet)


def test_five_thousand_vulnerabilities_are_counted_and_the_worst_are_shown() -> None:
    entries = [{"cve_entry": f"CVE-2021-{n}", "cvss_score": n % 10} for n in range(1000, 6000)]
    row = {"id": "1", "status": "active", "type": "sva", "package_name": "x"}
    first = {"issue": row, "finding": {"cve_entries": entries[:-1]}}
    later = {"issue": row, "finding": {"cve_entries": entries}}
    sheets = list(said(saved(first).now, saved(later).now))
    for sheet in sheets:
        must_be_words(sheet)
    ticket, update = (" ".join(map(words_of, lines(sheet))) for sheet in (sheets[0], sheets[-1]))
    assert "4,999 known vulnerabilities, the worst of CVSS 9" in ticket
    assert "4949 more are not listed here." in ticket
    assert update.count("CVE-2021-") == 2  # in the table, and where its link leads
    assert "CVE-2021-5999" in update


def test_an_issue_of_which_halo_says_nothing_at_all_has_a_ticket_that_reads_well() -> None:
    bare = saved({"id": "1", "status": "active"}).now
    sheets = list(said(bare, bare))
    for sheet in sheets:
        must_be_words(sheet)
    text = [words_of(line) for line in lines(sheets[0])]
    assert sheets[0].summary == "Issue: Unnamed"
    assert "Unnamed." in text
    assert "Not critical." in text
