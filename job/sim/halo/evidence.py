"""How Halo writes down what is behind an issue: findings of scans, and events.

Promises: shapes as seen in captured answers (cloudpassage/jira_halo_issues_sync test/fixture); what
a finding says changes with its revision, and with nothing else.
Does not do: deciding whether a finding is found, or writing issues (`bodies.py`).
"""

from typing import Any, Final

from job.sim.halo.bodies import finding_url, stamp
from job.sim.halo.estate import HaloIssue, cves_of
from job.sim.halo.scans import Finding, bare
from job.sim.halo.texts import CSM_DESCRIPTION

_FIM_FILES: Final = 104
FIM_PAGE: Final = 100


def finding_body(issue: HaloIssue, *, finding: Finding, page: int) -> dict[str, Any]:
    body: dict[str, Any] = {
        "id": finding.finding_id,
        "url": finding_url(issue, finding=finding),
        "status": "bad",
        "critical": issue.critical,
    }
    if issue.type == "fim":
        return body | _fim_part(issue, finding=finding, page=page)
    if issue.type.endswith("sva"):
        return body | _sva_part(issue, finding=finding)
    if issue.type in {"sam", "fw", "agent"}:
        return body | _unpublished_part(issue, finding=finding)
    return body | {
        "rule_name": issue.name,
        "rule_operator": "AND",
        "rule_description": CSM_DESCRIPTION,
        "reference_identifiers": ["CIS 5.2.8"] if issue.shape % 2 else [],
        "details": [_csm_check(number) for number in range(1, finding.revision + 1)],
    }


def _csm_check(number: int) -> dict[str, Any]:
    return {
        "type": "file_regex",
        "target": f"/etc/ssh/sshd_config.d/{number}.conf",
        "status": "bad",
        "scan_status": "ok",
        "expected": True,
        "actual": False,
        "check_id": 6120044 + number,
        "pattern": "^PermitRootLogin no",
    }


def _unpublished_part(issue: HaloIssue, *, finding: Finding) -> dict[str, Any]:
    """Nobody has published what these look like: any keys, nested, some of them times and ids."""
    return {
        "subject": {"name": issue.name, "state": f"level {finding.revision}"},
        "scan_id": finding.scan_id,
        "checked_at": stamp(finding.created_at),
        "observed": [{"what": "version", "value": "4.2.6"}, {"what": "wanted", "value": "4.3.0"}],
        "nothing": None,
    }


def _sva_part(issue: HaloIssue, *, finding: Finding) -> dict[str, Any]:
    cves = cves_of(issue, revision=finding.revision)
    return {
        "package_name": issue.name.removeprefix("Vulnerable package: "),
        "package_version": "1.8.23-9.el7",
        "cpe": "not_found",
        "cve_entries": [{"cve_entry": cve, "cvss_score": 7.8, "suppressed": False} for cve in cves],
    }


def _fim_part(issue: HaloIssue, *, finding: Finding, page: int) -> dict[str, Any]:
    """A finding with its own paging: `next` is "" at the end. One issue in four has more files than
    a page holds.
    """
    url = finding_url(issue, finding=finding)
    total = _FIM_FILES if issue.shape % 4 == 0 else finding.revision
    start = (page - 1) * FIM_PAGE
    files = range(start, min(start + FIM_PAGE, total))
    more = start + FIM_PAGE < total
    return {
        "reference_identifiers": [],
        "rule": {
            "target": issue.name,
            "description": "Watched files",
            "critical": issue.critical,
            "recurse": True,
        },
        "counts": {"added": 0, "changed": total, "missing": 0, "ok": 38},
        "per_page": FIM_PAGE,
        "starting_at": f"{url}?per_page={FIM_PAGE}",
        "next": f"{url}?page={page + 1}&per_page={FIM_PAGE}" if more else "",
        "findings": [_fim_file(issue, finding=finding, number=number) for number in files],
    }


def _fim_file(issue: HaloIssue, *, finding: Finding, number: int) -> dict[str, Any]:
    meta = {
        "type": "regular",
        "mode": "rw-r--r--",
        "size": 1490,
        "user": "root",
        "group": "root",
        "mtime": 1583142800,
    }
    found = meta | {"size": 1502, "user": "deploy"} if number % 2 else meta
    return {
        "file": f"{issue.name.strip()}/{number}.conf",
        "status": "changed",
        "detail": {
            "status": ["changed"],
            "sha256": f"{issue.shape:032x}{finding.revision:032x}",
            "meta": found,
            "expected": [
                {
                    "baseline_server_node_name": "gold-01",
                    "sha256": f"{issue.shape:064x}",
                    "meta": meta,
                }
            ],
        },
    }


def event_body(issue: HaloIssue, *, finding: Finding) -> dict[str, Any]:
    host = issue.asset.name
    return {
        "id": finding.finding_id,
        "type": "lids_rule_failed",
        "name": "Log-based intrusion detection rule matched",
        "rule_name": issue.name,
        "policy_name": "Auth logs (Linux) v2",
        "critical": issue.critical,
        "created_at": stamp(finding.created_at),
        "message": f"Rule {issue.name} matched on Linux server {host} (203.0.113.9).",
        "original_log_entry": "Mar  2 11:40:01 sudo: authentication failure "
        f"no. {finding.revision}; user=deploy",
        "tag": None,
        "server_id": bare(issue.asset.id),
        "server_hostname": host,
        "server_label": None,
        "server_platform": "Linux",
        "server_group_name": issue.asset.group,
        "server_group_path": f"Acme/Prod/{issue.asset.group}",
    }
