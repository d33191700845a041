"""Rules of the original's version 3 become routes that send each issue where the rules did."""

import random
from datetime import UTC, datetime
from typing import Any

import pytest
import yaml

from job.core.ids import IssueId
from job.core.issues import Issue, IssueStatus
from job.core.routes import SKIP
from job.settings import routing
from job.settings.older_routes import carry

BEYOND = "left out"
RULES: dict[str, str] = {
    "01-critical-sva": "filters: {issue: {critical: true, type: sva, os_type: null}}",
    "02-several-types": "filters: {issue: {type: [csm, fim], critical: no}}",
    "03-cvss": "filters: {issue: {max_cvss_gte: 7.0, type: image_sva}}",
    "04-group": "filters: {issue: {group_name: web, source: server_secure}}",
    "05-tag-table": "filters: {issue: {csp_tags: {environment: production}}}",
    "06-tag-pairs": "filters: {issue: {csp_tags: [{key: team, value: pay}]}}",
    "07-tag-words": 'filters: {issue: {csp_tags: ["stage:live", "team:ops"]}}',
    "08-cve": "filters: {issue: {cve_id: [CVE-2021-1, CVE-2021-2]}}",
    "09-region": "filters: {issue: {csp_region: [eu-1, eu-2], csp_account_type: aws}}",
    "10-asset": "filters: {issue: {asset_type: image}, asset: {state: active}}",
    "11-policy": "filters: {issue: {policy_name: \"CIS #1: 'base'\"}}\ngroupby: [csp_resource_id]",
    "12-registry": "filters: {issue: {registry_name: hub, repository_name: shop}}",
    "13-time": "filters: {issue: {type: lids, last_seen_at: 2021-01-01}}",
    "14-pattern": 'filters: {issue: {name: "sudo*"}}',
    "15-unknown": "filters: {issue: {type: lids, rule_key: x}}",
    "16-shadowed": "filters: {issue: {type: csm, critical: false, group_name: db}}",
    "17-anchor": "filters: &all {issue: {type: lids}}",
    "18-no-project": "filters: {issue: {type: lids}}\njira_config: {}",
    "19-lowercase-os": "filters: {issue: {os_type: windows, critical: false}}",
    "20-service": "filters: {issue: {csp_service_type: s3}}",
}
OUT = {name for name in RULES if name[:2] in {"13", "14", "15", "16", "17", "18"}}
CONFIG = "\njira_config: {{project_keys: [{key}], jira_issue_type: Bug}}\n"


def files() -> list[tuple[str, str]]:
    """Each rule as the original read it, one a file."""
    made = []
    for place, (name, words) in enumerate(RULES.items()):
        config = "" if "jira_config" in words else CONFIG.format(key=f"P{place:02}")
        made.append((f"{name}.yaml", words + config))
    return made


# --- The original's matching, from what is known of it: each filter is Halo's own -----------------


def lists(rule: dict[str, Any], *, issue: dict[str, Any]) -> bool:
    """Whether Halo would have listed this issue for this rule."""
    filters = rule["filters"]["issue"]
    return all(meets(issue, key, wanted) for key, wanted in filters.items() if wanted is not None)


def meets(issue: dict[str, Any], key: str, wanted: Any) -> bool:
    if key == "max_cvss_gte":
        return issue["max_cvss"] is not None and issue["max_cvss"] >= wanted
    if key == "csp_tags":
        return all(issue["csp_tags"].get(name) == value for name, value in tags(wanted))
    among = wanted if isinstance(wanted, list) else [wanted]
    if key == "cve_id":
        return any(cve in among for cve in issue["cve_id"])
    return issue[key] in among


def tags(wanted: Any) -> list[tuple[str, str]]:
    if isinstance(wanted, dict):
        return list(wanted.items())
    return [
        (tag["key"], tag["value"]) if isinstance(tag, dict) else tuple(tag.split(":"))
        for tag in wanted
    ]


POOLS: dict[str, list[Any]] = {
    "critical": [True, False],
    "type": ["sva", "csm", "fim", "lids", "image_sva"],
    "max_cvss": [None, 0.0, 6.9, 7.0, 9.8],
    "group_name": ["web", "webs", "db", ""],
    "source": ["server_secure", "cloud_secure"],
    "csp_region": ["eu-1", "eu-2", "us-1", ""],
    "csp_account_type": ["aws", "azure", ""],
    "asset_type": ["server", "image"],
    "policy_name": ["CIS #1: 'base'", "CIS", ""],
    "registry_name": ["hub", ""],
    "repository_name": ["shop", "web"],
    "os_type": ["linux", "windows"],
    "csp_service_type": ["s3", "ec2", ""],
}


def generated(seed: int) -> dict[str, Any]:
    chance = random.Random(seed)
    issue = {name: chance.choice(pool) for name, pool in POOLS.items()}
    pairs = (("environment", "production"), ("team", "pay"), ("team", "ops"), ("stage", "live"))
    issue["csp_tags"] = dict(chance.sample(pairs, chance.randrange(3)))
    issue["cve_id"] = chance.sample(["CVE-2021-1", "CVE-2021-2", "CVE-2021-3"], chance.randrange(3))
    return issue


def ours(issue: dict[str, Any]) -> Issue:
    plain = {name: issue[name] for name in POOLS}
    return Issue(
        id=IssueId("00000000-0000-0000-0000-000000000000"),
        status=IssueStatus.ACTIVE,
        name="",
        first_seen_at=datetime(2021, 1, 1, tzinfo=UTC),
        tags=tuple(issue["csp_tags"].items()),
        cves=tuple(issue["cve_id"]),
        **plain,
    )


def test_each_of_a_thousand_issues_goes_where_the_first_rule_of_the_original_sent_it() -> None:
    book = routing.rulebook(carry(files()).text)
    rules = {name: yaml.safe_load(words) for name, words in RULES.items() if name not in OUT}
    ways: set[str] = set()
    for seed in range(1_000):
        issue = generated(seed)
        wanted = next((name for name, rule in rules.items() if lists(rule, issue=issue)), SKIP)
        assert book.way(ours(issue)) == wanted, f"seed {seed}: {issue}"
        ways.add(wanted)
    assert ways == {*rules, SKIP}


def test_a_rule_that_cannot_be_carried_is_left_out_and_told_with_its_line() -> None:
    carried = carry(files())
    told = {remark.file: remark for remark in carried.remarks if BEYOND in remark.says}
    assert told.keys() == {f"{name}.yaml" for name in OUT}
    assert set(carried.names) == RULES.keys() - OUT
    assert "filter of time" in told["13-time.yaml"].says
    assert "02-several-types.yaml takes all its issues" in told["16-shadowed.yaml"].says
    assert told["18-no-project.yaml"].line == 1


def test_every_remark_stands_in_the_comments_of_the_file() -> None:
    carried = carry(files())
    comments = [line for line in carried.text.splitlines() if line.startswith("# - ")]
    assert comments == [f"# - {remark}" for remark in carried.remarks]


def test_two_rules_that_may_list_one_issue_are_told_to_overlap_and_others_are_not() -> None:
    carried = carry([
        ("a.yaml", RULES["01-critical-sva"] + CONFIG.format(key="AA")),
        ("b.yaml", RULES["02-several-types"] + CONFIG.format(key="BB")),
        ("c.yaml", RULES["20-service"] + CONFIG.format(key="CC")),
    ])  # fmt: skip
    [remark] = carried.remarks
    assert remark.file == "c.yaml"
    assert "may overlap with a.yaml, b.yaml" in remark.says


WHOLE = """
filters:
  issue: {type: sva}
  asset:
    state: active
groupby: [csp_resource_id]
fields:
  mapping:
    issue.critical: Critical
    asset.name: Host
    issue.nonsense: Odd
  static:
    duedate: 30
    priority: High
    team: "{braces}"
jira_config:
  project_keys:
    [PROD, SEC]
  jira_issue_id_field: halo_jira_id
  jira_issue_type: Bug
  issue_status_active: To Do
  issue_status_closed: Done
  issue_status_reopened: To Do
"""


def test_fields_due_date_project_and_workflow_are_carried() -> None:
    [rule] = routing.rulebook(carry([("prod.yaml", WHOLE)]).text).rules
    assert (rule.name, rule.project, rule.ticket_type) == ("prod", "PROD", "Bug")
    assert rule.fields == (("Critical", "{critical}"), ("priority", "High"))
    assert [step.then for step in rule.due] == ["30d"]
    assert (rule.workflow.close, rule.workflow.closed) == ("Done", ("Done",))
    assert rule.workflow.reopen == "To Do"


def test_all_that_is_not_carried_of_a_rule_is_told_with_the_line_it_stands_in() -> None:
    told = {remark.line: remark.says for remark in carry([("prod.yaml", WHOLE)]).remarks}
    assert told.keys() == {5, 6, 10, 11, 15, 18, 19}
    assert "none to SEC" in told[18]
    assert "never read it" in told[5]
    assert 'JIRA_ISSUE_ID_FIELD to "halo_jira_id"' in told[19]


@pytest.mark.parametrize(
    "filters",
    [
        "{type: []}",
        "{type: 'sva,csm'}",
        "{critical: perhaps}",
        "{max_cvss_gte: high}",
        "{group_name: '> 7'}",
        "{csp_tags: [environment]}",
        "{csp_tags: {}}",
        "{csp_tags: [{}]}",
        "{csp_tags: ['a:1', 'a:2']}",
        "{created_at_gte: 2021-01-01}",
        "[type, sva]",
    ],
)
def test_a_filter_that_is_not_understood_widens_no_route(filters: str) -> None:
    words = f"filters: {{issue: {filters}}}" + CONFIG.format(key="AA")
    carried = carry([("a.yaml", words)])
    assert not carried.names
    assert BEYOND in carried.remarks[0].says
    book = routing.rulebook(carried.text)
    assert book.way(ours(generated(1))) == SKIP


def test_two_rules_of_one_project_say_its_workflow_once() -> None:
    other = WHOLE.replace("type: sva", "type: fim").replace("closed: Done", "closed: Resolved")
    carried = carry([("a.yaml", WHOLE), ("b.yaml", other)])
    first, second = routing.rulebook(carried.text).rules
    assert (first.workflow.close, second.workflow.close) == ("Done", None)
    assert any(it.file == "b.yaml" and "one workflow" in it.says for it in carried.remarks)
