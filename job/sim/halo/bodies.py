"""How Halo writes its world down as JSON: issues and assets.

Promises: shapes as seen in captured answers (cloudpassage/jira_halo_issues_sync test/fixture, the
Halo SDK and its connectors): hyphenated ids in v3 and bare ones in v1, fractions of a second with
their trailing zeros cut, findings as text and as objects in one list, optional values absent, null,
"" or "null_value" as the issue's shape says.
Does not do: findings and events (`evidence.py`), or deciding what is listed or found.
"""

from datetime import datetime, timedelta
from random import Random
from typing import Any, Final

from job.sim.halo.estate import Asset, HaloIssue, cves_of
from job.sim.halo.scans import Finding, bare
from job.sim.halo.texts import BASE

_NO_KEY: Final = object()
_FINDINGS_KEPT: Final = 6


def stamp(at: datetime) -> str:
    """UTC with Z; trailing zeros of the fraction are cut, and with them the point."""
    text = at.replace(tzinfo=None).isoformat(timespec="microseconds")
    return f"{text.rstrip('0').rstrip('.')}Z"


def _absent(body: dict[str, Any], *, key: str, draw: Random, also: tuple[Any, ...] = ()) -> None:
    """Says that there is no value the way Halo does today: no key, null, "" or what `also`
    offers.
    """
    nothing = draw.choice((_NO_KEY, None, "", *also))
    if nothing is not _NO_KEY:
        body[key] = nothing


def finding_url(issue: HaloIssue, *, finding: Finding) -> str:
    if issue.type == "lids":
        return f"{BASE}/v1/events/{finding.finding_id}"
    return f"{BASE}/v1/scans/{finding.scan_id}/findings/{finding.finding_id}"


def issue_body(issue: HaloIssue) -> dict[str, Any]:
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
    _write_evidence(body, issue=issue, draw=draw)
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


def _write_evidence(body: dict[str, Any], *, issue: HaloIssue, draw: Random) -> None:
    latest = issue.findings[-1]
    if issue.type.endswith("sva"):
        cves = cves_of(issue, revision=latest.revision)
        body["package_name"] = issue.name.removeprefix("Vulnerable package: ")
        body["package_version"] = "1.8.23-9.el7"
        body["cve_ids"] = cves
        body["max_cvss"] = 7.8
        body["remotely_exploitable"] = bool(issue.shape % 2)
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
    place = "v2/container_images" if asset.kind == "image" else "v1/csp_resources"
    return f"{BASE}/{place}/{asset.id}"


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
