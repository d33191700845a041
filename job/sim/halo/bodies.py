"""How Halo writes its world down as JSON: issues, findings, events and assets.

Promises: shapes as seen in captured answers (cloudpassage/jira_halo_issues_sync test/fixture, the
Halo SDK and its connectors): hyphenated ids in v3 and bare ones in v1, fractions of a second with
their trailing zeros cut, findings as text and as objects in one list, optional values absent, null,
"" or "null_value" as the issue's shape says. Does not do: deciding what is listed or found.
"""

from datetime import datetime, timedelta
from random import Random
from typing import Any, Final

from job.sim.halo.estate import Asset, Finding, HaloEstate, HaloIssue, bare
from job.sim.halo.texts import BASE, CSM_DESCRIPTION

_NO_KEY: Final = object()
_FINDINGS_KEPT: Final = 6
_FIM_FILES: Final = 104
FIM_PAGE: Final = 100


def stamp(at: datetime) -> str:
    """UTC with Z; trailing zeros of the fraction are cut, and with them the point."""
    text = at.replace(tzinfo=None).isoformat(timespec="microseconds")
    return f"{text.rstrip('0').rstrip('.')}Z"


def _absent(body: dict[str, Any], *, key: str, draw: Random, also: tuple[Any, ...] = ()) -> None:
    """Say that there is no value the way Halo does today: no key, null, "" or what `also` offers."""
    nothing = draw.choice((_NO_KEY, None, "", *also))
    if nothing is not _NO_KEY:
        body[key] = nothing


def finding_url(issue: HaloIssue, *, finding: Finding) -> str:
    if issue.type == "lids":
        return f"{BASE}/v1/events/{finding.finding_id}"
    return f"{BASE}/v1/scans/{finding.scan_id}/findings/{finding.finding_id}"


def issue_body(estate: HaloEstate, *, issue: HaloIssue) -> dict[str, Any]:
    draw = Random(issue.shape)
    body: dict[str, Any] = {
        "id": issue.id,
        "url": f"{BASE}/v3/issues/{issue.id}",
        "rule_key": issue.rule_key,
        "name": issue.name,
        "type": issue.type,
        "status": issue.status,
        "critical": issue.critical,
        "source": issue.source,
        "created_at": stamp(issue.created_at),
        "updated_at": stamp(issue.updated_at),
        "first_seen_at": stamp(issue.first_seen_at),
        "last_seen_at": stamp(issue.last_seen_at),
    }
    if draw.random() < 0.5:
        body["category"] = issue.type
    _write_resolution(body, issue=issue, draw=draw)
    _write_policy(body, issue=issue, draw=draw)
    _write_evidence(body, estate=estate, issue=issue, draw=draw)
    _write_asset(body, asset=issue.asset, draw=draw)
    return {**body, **issue.over}


def _write_resolution(body: dict[str, Any], *, issue: HaloIssue, draw: Random) -> None:
    if issue.resolved_at is None:
        for key in ("resolved_at", "resolved_by", "resolution_comment", "comment"):
            _absent(body, key=key, draw=draw)
        return
    if issue.type == "lids" and issue.shape % 3 == 0:
        body["last_seen_at"] = None  # seen on a resolved lids issue
    body["resolved_at"] = stamp(issue.resolved_at)
    body["resolved_by"] = issue.resolved_by
    body["resolution_comment"] = body["comment"] = issue.comment
    body["time_to_resolution"] = (issue.resolved_at - issue.created_at) // timedelta(seconds=1)


def _write_policy(body: dict[str, Any], *, issue: HaloIssue, draw: Random) -> None:
    if issue.type in ("sva", "image_sva", "lids"):
        _absent(body, key="policy_name", draw=draw)
        _absent(body, key="policy_id", draw=draw, also=("null_value",))
    else:
        body["policy_name"] = (
            "CIS AWS Foundations v1.2" if issue.source == "cloud_secure" else "Golden AMI baseline"
        )
        body["rule_name"] = issue.name
    if issue.source == "cloud_secure":
        body["cp_rule_id"] = f"CP:S3:{issue.shape % 40}"


def _write_evidence(
    body: dict[str, Any], *, estate: HaloEstate, issue: HaloIssue, draw: Random
) -> None:
    latest = issue.findings[-1]
    if issue.type.endswith("sva"):
        cves = estate.cves_of(issue, revision=latest.revision)
        body["package_name"] = issue.name.removeprefix("Vulnerable package: ")
        body["package_version"] = "1.8.23-9.el7"
        body["cve_ids"], body["max_cvss"], body["remotely_exploitable"] = (
            cves,
            7.8,
            bool(issue.shape % 2),
        )
        body["extended_attributes"] = {
            "cve_info": [{"id": cve, "score": 7.8, "cvss_version": 3} for cve in cves]
        }
    elif issue.source == "cloud_secure":
        body["extended_attributes"] = draw.choice(({}, None, {"revision": latest.revision}))
    else:
        body["extended_attributes"] = {"name": issue.name, "os_type": "linux"}
    if issue.source == "cloud_secure":
        _absent(body, key="findings", draw=draw, also=([],))
        _absent(body, key="last_finding_urls", draw=draw, also=([],))
        return
    kept = issue.findings[-_FINDINGS_KEPT:]
    body["findings"] = [_old_finding(finding) for finding in kept[:-1]] + [_new_finding(kept[-1])]
    if draw.random() < 0.9:
        body["last_finding_urls"] = [finding_url(issue, finding=finding) for finding in kept[-2:]]


def _old_finding(finding: Finding) -> str:
    return f"{finding.scan_id}::{finding.finding_id}::active::{stamp(finding.created_at)}"


def _new_finding(finding: Finding) -> dict[str, str]:
    return {
        "status": "active",
        "scan_id": finding.scan_id,
        "created_at": stamp(finding.created_at),
        "finding_id": finding.finding_id,
    }


def asset_url(asset: Asset) -> str:
    if asset.kind == "server":
        return f"{BASE}/v1/servers/{bare(asset.id)}"
    return f"{BASE}/{'v2/container_images' if asset.kind == 'image' else 'v1/csp_resources'}/{asset.id}"


def _write_asset(body: dict[str, Any], *, asset: Asset, draw: Random) -> None:
    body |= {
        "asset_id": asset.id,
        "asset_url": asset_url(asset),
        "asset_type": asset.kind,
        "asset_name": asset.name,
        "group_id": "52a8f6be-9b3e-11eb-8f42-c9d07e163b5a",
        "group_name": asset.group,
        "group_path": f"Acme/Prod/{asset.group}",
    }
    if asset.kind == "image":
        body |= {"registry_name": "acme-ecr", "repository_name": "acme/api"}
        return
    body |= {"csp_account_id": "210987654321", "csp_region": "eu-west-1"}
    if asset.kind == "server":
        body |= {"os_type": "linux", "csp_tags": [{"key": "environment", "value": "prod"}]}
        if draw.random() < 0.5:
            body |= {"csp_resource_id": f"i-{bare(asset.id)[:17]}", "csp_account_type": "aws"}
        else:
            _absent(body, key="csp_account_type", draw=draw, also=("null_value",))
    else:
        body |= {
            "csp_account_type": "aws",
            "csp_account_name": "acme-prod",
            "csp_service_type": "S3",
        }
        body |= {"csp_resource_id": asset.name, "csp_resource_uri": f"arn:aws:s3:::{asset.name}"}


def finding_body(
    estate: HaloEstate, *, issue: HaloIssue, finding: Finding, page: int
) -> dict[str, Any]:
    body: dict[str, Any] = {
        "id": finding.finding_id,
        "url": finding_url(issue, finding=finding),
        "status": "bad",
        "critical": issue.critical,
    }
    if issue.type == "fim":
        return body | _fim_part(issue, finding=finding, page=page)
    if issue.type.endswith("sva"):
        return body | _sva_part(estate, issue=issue, finding=finding)
    return body | {
        "rule_name": issue.name,
        "rule_operator": "AND",
        "rule_description": CSM_DESCRIPTION,
        "reference_identifiers": [],
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


def _sva_part(estate: HaloEstate, *, issue: HaloIssue, finding: Finding) -> dict[str, Any]:
    cves = estate.cves_of(issue, revision=finding.revision)
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
    return {
        "file": f"{issue.name.strip()}/{number}.conf",
        "status": "changed",
        "detail": {
            "status": ["changed"],
            "sha256": f"{issue.shape:032x}{finding.revision:032x}",
            "meta": meta,
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
        "original_log_entry": f"Mar  2 11:40:01 sudo: authentication failure no. {finding.revision}; user=deploy",
        "tag": None,
        "server_id": bare(issue.asset.id),
        "server_hostname": host,
        "server_label": None,
        "server_platform": "Linux",
        "server_group_name": issue.asset.group,
        "server_group_path": f"Acme/Prod/{issue.asset.group}",
    }


def asset_body(asset: Asset) -> dict[str, Any]:
    """Wrapped in the singular of its collection; a server's bare id, a portal host in its url."""
    if asset.kind == "image":
        return {
            "container_image": {
                "id": asset.id,
                "name": asset.name,
                "registry": {"name": "acme-ecr"},
            }
        }
    if asset.kind != "server":
        return {
            "csp_resource": {
                "id": asset.id,
                "csp_resource_id": asset.name,
                "csp_account_type": "AWS",
            }
        }
    server: dict[str, Any] = {
        "id": bare(asset.id),
        "url": f"https://portal.cloudpassage.com/v1/servers/{bare(asset.id)}",
        "hostname": asset.name,
        "server_label": None,
        "reported_fqdn": f"{asset.name}.eu-west-1.compute.internal",
        "primary_ip_address": "10.4.1.22",
        "connecting_ip_address": "203.0.113.9",
        "state": asset.state,
        "platform": "debian",
        "group_id": "52a8f6be9b3e11eb8f42c9d07e163b5a",
        "group_name": asset.group,
        "firewall_policy": None,
        "interfaces": [],
    }
    if int(bare(asset.id)[:4], 16) % 4:
        server["group_path"] = f"Acme/Prod/{asset.group}"
        server |= {"csp_provider": "aws_ec2", "csp_account_id": "210987654321"}
        server |= {"csp_instance_id": f"i-{bare(asset.id)[:17]}", "csp_region": "eu-west-1"}
    return {"server": server}
