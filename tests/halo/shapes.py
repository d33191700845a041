"""Halo's bodies in the shapes that were captured or described in public, with values of our own."""

from typing import Any

BASE = "https://api.cloudpassage.com"
SCAN, FINDING = "d4e1a06ca0c711eb9b2f5d0c86a1e4f7", "d55c3f18a0c711eb9b2f5d0c86a1e4f7"
OLD_SCAN, OLD_FINDING = "3c2b1d9a9b4411eb8c1e41f0a2b7d963", "3c9f40e29b4411eb8c1e41f0a2b7d963"
FINDING_URL = f"{BASE}/v1/scans/{SCAN}/findings/{FINDING}"
EVENT_URL = f"{BASE}/v1/events/{FINDING}"
SERVER_URL = f"{BASE}/v1/servers/6e0d9b149b3f11eb91f73bd20c7a5e68"


def row(**over: Any) -> dict[str, Any]:
    """A csm issue as GET /v3/issues lists it. A value of `...` takes its key away."""
    issue_id = over.get("id", "3d1f6a80-9b44-11eb-8c1e-41f0a2b7d963")
    body = {
        "id": issue_id,
        "url": f"{BASE}/v3/issues/{issue_id}",
        "rule_key": "csm::5120033::1.4.2 Ensure a bootloader password",
        "name": "1.4.2 Ensure a bootloader password",
        "rule_name": "1.4.2 Ensure a bootloader password",
        "type": "csm",
        "status": "active",
        "critical": False,
        "source": "server_secure",
        "created_at": "2021-04-12T06:31:08.204417Z",
        "updated_at": "2021-04-19T06:33:51.780216Z",
        "first_seen_at": "2021-04-12T06:31:08.202905Z",
        "last_seen_at": "2021-04-19T06:33:51.77941Z",
        "policy_id": "1b7e0f52-9b40-11eb-a6d3-0be1c95f2284",
        "policy_name": "Golden image",
        "findings": [
            f"{OLD_SCAN}::{OLD_FINDING}::active::2021-04-12T06:31:08.176Z",
            {
                "status": "active",
                "scan_id": SCAN,
                "created_at": "2021-04-19T06:33:51.752Z",
                "finding_id": FINDING,
            },
        ],
        "last_finding_urls": [FINDING_URL],
        "extended_attributes": {"name": "1.4.2 Ensure a bootloader password", "os_type": "linux"},
        "asset_id": "6e0d9b14-9b3f-11eb-91f7-3bd20c7a5e68",
        "asset_url": SERVER_URL,
        "asset_type": "server",
        "asset_name": "ip-10-4-1-22",
        "group_id": "52a8f6be-9b3e-11eb-8f42-c9d07e163b5a",
        "group_name": "Payments",
        "group_path": "Acme/Prod/Payments",
        "csp_account_id": "210987654321",
        "csp_region": "eu-west-1",
        "os_type": "linux",
    }
    return {key: value for key, value in (body | over).items() if value is not ...}


RESOLVED: dict[str, Any] = {
    "status": "resolved",
    "resolved_at": "2021-04-20T02:10:05.00042Z",
    "resolved_by": "system",
    "resolution_comment": "Halo detected that the issue has been remediated.",
    "comment": "Halo detected that the issue has been remediated.",
    "time_to_resolution": 675537,
}
SVA: dict[str, Any] = {
    "type": "sva",
    "name": "Vulnerable package: sudo.x86_64",
    "rule_key": "sva::::sudo.x86_64",
    "policy_id": "null_value",
    "policy_name": None,
    "package_name": "sudo.x86_64",
    "package_version": "1.8.23-9.el7",
    "cve_ids": ["CVE-2021-3156"],
    "max_cvss": 7.8,
    "remotely_exploitable": False,
    "extended_attributes": {"cve_info": [{"id": "CVE-2021-3156", "score": 7.8, "cvss_version": 3}]},
}
CLOUD: dict[str, Any] = {
    "source": "cloud_secure",
    "cp_rule_id": "CP:S3:7",
    "findings": [],
    "last_finding_urls": ...,
    "extended_attributes": None,
    "asset_url": f"{BASE}/v1/csp_resources/9c1e77ab-6f0d-4d55-9a30-f0b4c2e81d17",
    "asset_type": "bucket",
    "csp_account_type": "aws",
    "csp_account_name": "acme-prod",
    "csp_service_type": "S3",
    "csp_resource_id": "acme-invoices",
}
IMAGE: dict[str, Any] = SVA | {
    "type": "image_sva",
    "source": "container_secure",
    "asset_url": f"{BASE}/v2/container_images/0f4a3d68-51c2-4b77-8d0e-6e2b9c4417aa",
    "asset_type": "image",
    "registry_name": "acme-ecr",
    "repository_name": "acme/api",
}

CSM_FINDING: dict[str, Any] = {
    "id": FINDING,
    "url": FINDING_URL,
    "status": "bad",
    "critical": True,
    "rule_name": "5.2.8 Root must not log in",
    "rule_operator": "AND",
    "rule_description": "Root must not log in over SSH.\\nSet PermitRootLogin no.",
    "reference_identifiers": [],
    "details": [
        {
            "type": "file_regex",
            "target": "/etc/ssh/sshd_config",
            "status": "bad",
            "scan_status": "ok",
            "expected": True,
            "actual": False,
            "check_id": 6120044,
            "pattern": "^PermitRootLogin no",
        },
        {
            "type": "config_file",
            "target": "/etc/login.defs",
            "config_key": "UMASK",
            "expected": "027",
            "actual": None,
        },
    ],
}
FIM_FILE: dict[str, Any] = {
    "file": "/etc/nginx/nginx.conf",
    "status": "changed",
    "detail": {
        "status": ["changed"],
        "sha256": "9b" * 32,
        "meta": {
            "type": "regular",
            "mode": "rw-r--r--",
            "size": 1490,
            "user": "root",
            "group": "wheel",
            "uid": 0,
        },
        "expected": [
            {"baseline_id": "70aa", "sha256": "41" * 32, "meta": {"type": "regular", "size": 1472}}
        ],
    },
}
FIM_FINDING: dict[str, Any] = {
    "id": FINDING,
    "url": FINDING_URL,
    "status": "bad",
    "rule": {
        "target": "/etc/nginx\r",
        "description": "Nginx\\nconfiguration",
        "critical": False,
        "recurse": True,
    },
    "counts": {"added": 0, "changed": 1, "missing": 1, "ok": 38},
    "per_page": 100,
    "starting_at": f"{FINDING_URL}?per_page=100",
    "next": "",
    "findings": [FIM_FILE, {"file": "/etc/nginx/gone.conf", "status": "missing"}],
}
SVA_FINDING: dict[str, Any] = {
    "id": FINDING,
    "url": FINDING_URL,
    "status": "bad",
    "critical": True,
    "package_name": "sudo.x86_64",
    "package_version": "1.8.23-9.el7",
    "cpe": "not_found",
    "cve_entries": [
        {"cve_entry": "CVE-2021-3156", "cvss_score": 7.8, "suppressed": False},
        {"cve_entry": "CVE-2019-14287", "cvss_score": None, "suppressed": True},
    ],
}
EVENT: dict[str, Any] = {
    "id": FINDING,
    "type": "lids_rule_failed",
    "name": "Log-based intrusion detection rule matched",
    "rule_name": "Sudo authentication failed",
    "critical": False,
    "created_at": "2020-03-02T11:40:03.19Z",
    "message": "Rule Sudo authentication failed matched "
    "on Linux server ip-10-4-1-22 (203.0.113.9).",
    "original_log_entry": "Mar  2 11:40:01 sudo: authentication failure; user=DOMAIN\\nora",
    "tag": None,
}
SERVER: dict[str, Any] = {
    "id": "6e0d9b149b3f11eb91f73bd20c7a5e68",
    "url": "https://portal.cloudpassage.com/v1/servers/6e0d9b149b3f11eb91f73bd20c7a5e68",
    "hostname": "ip-10-4-1-22",
    "server_label": None,
    "primary_ip_address": "10.4.1.22",
    "connecting_ip_address": "203.0.113.9",
    "state": "active",
    "platform": "debian",
    "group_name": "Payments",
    "firewall_policy": None,
    "csp_provider": "aws_ec2",
    "csp_account_id": "210987654321",
    "csp_instance_id": "i-0f00ba4c0ffee0001",
}
