"""The life of one issue of each type, as Halo's API tells it at each moment: rows and findings.

Shapes are those that were captured or described in public; names and numbers are our own. A type
whose findings nobody has published has one of keys that are made up.
"""

from typing import Any

from msgspec import Struct

from job.core.issues import Evidence
from job.halo.saved import saved

BASE = "https://api.cloudpassage.com"
SCAN, FINDING = "d4e1a06ca0c711eb9b2f5d0c86a1e4f7", "d55c3f18a0c711eb9b2f5d0c86a1e4f7"
Body = dict[str, Any]

SERVER: Body = {
    "source": "server_secure",
    "asset_id": "6e0d9b14-9b3f-11eb-91f7-3bd20c7a5e68",
    "asset_url": f"{BASE}/v1/servers/6e0d9b149b3f11eb91f73bd20c7a5e68",
    "asset_type": "server",
    "asset_name": "ip-10-4-1-22",
    "asset_hostname": "pay-web-1.acme.example",
    "group_name": "Payments",
    "group_path": "Acme/Prod/Payments",
    "os_type": "linux",
    "csp_account_type": "aws",
    "csp_account_id": "210987654321",
    "csp_account_name": "acme-prod",
    "csp_region": "eu-west-1",
    "csp_resource_id": "i-0f00ba4c0ffee0001",
    "csp_service_type": "EC2",
    "csp_image_id": "ami-0aa11bb22cc33dd44",
    "csp_tags": [
        {"key": "env", "value": "prod"},
        {"key": "owner", "value": "payments"},
        {"key": "cost-centre", "value": "4711"},
    ],
}
IMAGE: Body = {
    "source": "container_secure",
    "asset_id": "0f4a3d68-51c2-4b77-8d0e-6e2b9c4417aa",
    "asset_url": f"{BASE}/v2/container_images/0f4a3d68-51c2-4b77-8d0e-6e2b9c4417aa",
    "asset_type": "image",
    "asset_name": "acme/api:1.4.2",
    "group_name": "Payments",
    "group_path": "Acme/Prod/Payments",
    "os_type": "linux",
    "registry_name": "acme-ecr",
    "repository_name": "acme/api",
    "image_sha": "sha256:77aab3c2d19e4f50617283940a5b6c7d8e9f00112233445566778899aabbccdd",
}
BUCKET: Body = {
    "source": "cloud_secure",
    "cp_rule_id": "CP:S3:7",
    "asset_id": "9c1e77ab-6f0d-4d55-9a30-f0b4c2e81d17",
    "asset_url": f"{BASE}/v1/csp_resources/9c1e77ab-6f0d-4d55-9a30-f0b4c2e81d17",
    "asset_type": "bucket",
    "asset_name": "acme-invoices",
    "group_name": "Payments",
    "group_path": "Acme/Prod/Payments",
    "csp_account_type": "aws",
    "csp_account_id": "210987654321",
    "csp_account_name": "acme-prod",
    "csp_region": "eu-west-1",
    "csp_service_type": "S3",
    "csp_resource_id": "acme-invoices",
    "csp_resource_uri": "arn:aws:s3:::acme-invoices",
    "csp_tags": [{"key": "env", "value": "prod"}],
}
RESOLVED: Body = {
    "status": "resolved",
    "resolved_at": "2021-04-20T02:10:05.00042Z",
    "resolved_by": "system",
    "resolution_comment": "Halo detected that the issue has been remediated.",
}


class Story(Struct, frozen=True, kw_only=True):
    """One issue at four moments; `None` for a finding is one that Halo no longer has."""

    first: Body
    later: Body
    worse: Body

    def at_first(self) -> Evidence:
        return saved(self.first).now

    def updated(self) -> Evidence:
        return saved(self.later).now

    def worsened(self) -> Evidence:
        return saved(self.worse).now

    def gone(self) -> Evidence:
        """Worse, and its evidence was deleted."""
        return saved(self.worse | {"finding": None}).now

    def resolved(self) -> Evidence:
        return saved(self.later | {"issue": self.later["issue"] | RESOLVED}).now


def row(kind: str, *, number: int, name: str, at: Body, **over: Any) -> Body:
    """A row of GET /v3/issues."""
    issue_id = f"{number:08x}-9b44-11eb-8c1e-41f0a2b7d963"
    address = f"{BASE}/v1/scans/{SCAN}/findings/{FINDING}"
    body: Body = {
        "id": issue_id,
        "url": f"{BASE}/v3/issues/{issue_id}",
        "type": kind,
        "status": "active",
        "critical": False,
        "name": name,
        "rule_name": name,
        "rule_key": f"{kind}::5120033::{name}",
        "policy_name": "Golden AMI baseline",
        "created_at": "2021-04-12T06:31:08.204417Z",
        "first_seen_at": "2021-04-12T06:31:08.202905Z",
        "last_seen_at": "2021-04-12T06:31:08.202905Z",
        "last_finding_urls": [address],
    }
    return body | at | over


LATER: Body = {"last_seen_at": "2021-04-15T06:33:51.77941Z"}
"""What a row says after the next scan."""
WORSE: Body = {"last_seen_at": "2021-04-19T06:33:51.77941Z", "critical": True}


def story(issue: Body, *, first: Body, later: Body, worse: Body, **more: Any) -> Story:
    """One issue with three findings; the last of them comes with its being critical."""
    over: Body = more.pop("worse_row", {})
    return Story(
        first={"issue": issue, "finding": first} | more,
        later={"issue": issue | LATER, "finding": later} | more,
        worse={"issue": issue | WORSE | over, "finding": worse} | more,
    )


# --- Configuration --------------------------------------------------------------------------------

CSM_TEXT = (
    "The PermitRootLogin parameter specifies if the root user can log in using ssh.\\n\\n"
    "Rationale:\\nDisallowing root logins over SSH requires system administrators to authenticate "
    "using their own account, then escalating to root via sudo. This limits the opportunity for "
    "non-repudiation and leaves a clear trail in the event of a security incident.\\n\\n"
    "Remediation:\\nEdit the /etc/ssh/sshd_config file to set the parameter as follows:\\n"
    "PermitRootLogin no\\nThen reload the service: systemctl reload sshd"
)


def csm(*actual: str) -> Body:
    targets = ("PermitRootLogin", "PermitEmptyPasswords")
    return {
        "id": FINDING,
        "rule_operator": "AND",
        "rule_description": CSM_TEXT,
        "reference_identifiers": ["CIS 5.2.8", "PCI DSS 2.2.4"],
        "details": [
            {
                "type": "config_file",
                "target": "/etc/ssh/sshd_config",
                "config_key": key,
                "status": "good" if found == "no" else "bad",
                "expected": "no",
                "actual": found,
                "pattern": "" if key == "PermitRootLogin" else "^PermitEmptyPasswords no",
            }
            for key, found in zip(targets, actual, strict=False)
        ],
    }


def cloud(*buckets: str) -> Body:
    return {
        "id": FINDING,
        "rule_operator": "",
        "rule_description": "Anybody may read what is in a bucket that allows public read.\\n"
        "Remediation: Turn on Block Public Access for the account, and take AllUsers out of the "
        "bucket's policy.",
        "reference_identifiers": ["CIS AWS 2.1.5"],
        "details": [
            {
                "type": "csp_attribute",
                "target": name,
                "status": "bad",
                "expected": "false",
                "actual": "true",
            }
            for name in buckets
        ],
    }


# --- Packages -------------------------------------------------------------------------------------


def sva(package: str, version: str, **scores: float) -> Body:
    return {
        "id": FINDING,
        "package_name": package,
        "package_version": version,
        "cve_entries": [
            {"cve_entry": name.replace("_", "-"), "cvss_score": abs(score), "suppressed": score < 0}
            for name, score in scores.items()
        ],
    }


DETAILS: Body = {
    "CVE-2021-3156": {
        "CVE": "CVE-2021-3156",
        "summary": "Sudo before 1.9.5p2 contains an off-by-one error that can result in a "
        'heap-based buffer overflow, which allows privilege escalation to root via "sudoedit -s" '
        "and a command-line argument that ends with a single backslash character.",
        "CVSS v3 Metrics": {
            "attack_vector": "LOCAL",
            "attack_complexity": "LOW",
            "privileges_required": "LOW",
            "user_interaction": "NONE",
            "base_severity": "HIGH",
        },
    },
    "CVE-2022-37434": {
        "CVE": "CVE-2022-37434",
        "summary": "zlib through 1.2.12 has a heap-based buffer over-read or buffer overflow in "
        "inflate in inflate.c via a large gzip header extra field.",
        "CVSS v3 Metrics": {
            "attack_vector": "NETWORK",
            "attack_complexity": "LOW",
            "privileges_required": "NONE",
            "user_interaction": "NONE",
            "base_severity": "CRITICAL",
        },
    },
}


# --- Files and logs -------------------------------------------------------------------------------


def changed(path: str, *, digit: str, **meta: Any) -> Body:
    plain = {"mode": "rw-r--r--", "size": 1472, "user": "root", "group": "root"}
    expected = {"sha256": "41fe" * 16, "meta": plain, "baseline_server_node_name": "gold-01"}
    now = {"sha256": digit * 64, "meta": plain | meta, "expected": [expected]}
    return {"file": path, "status": "changed", "detail": now}


def added(path: str) -> Body:
    meta = {"mode": "rwxr-xr-x", "size": 8812, "user": "www-data", "group": "www-data"}
    return {"file": path, "status": "added", "detail": {"sha256": "c0" * 32, "meta": meta}}


def fim(*files: Body) -> Body:
    count = {"added": 0, "changed": len(files), "missing": 0}
    rule = {"target": "/etc/nginx", "description": "Configuration of the web server"}
    return {"id": FINDING, "rule": rule, "counts": count, "next": "", "findings": list(files)}


def lids(line: str, *, day: int) -> Body:
    return {
        "id": FINDING,
        "type": "lids_rule_failed",
        "created_at": f"2021-04-{day}T06:30:59Z",
        "message": "Rule New local user added matched on Linux server pay-web-1 (203.0.113.9).",
        "original_log_entry": f"Apr {day} 06:30:59 pay-web-1 {line}",
    }


# --- Whatever is published nowhere ----------------------------------------------------------------


def unpublished(state: str, **more: Any) -> Body:
    return {
        "id": FINDING,
        "subject": {"name": "deploy", "state": state},
        "scan_id": SCAN,
        "observed": [{"what": "version", "value": "4.2.6"}, {"what": "wanted", "value": "4.3.0"}],
    } | more


def of_unknown_shape(kind: str, *, number: int, name: str) -> Story:
    return story(
        row(kind, number=number, name=name, at=SERVER),
        first=unpublished("stale"),
        later=unpublished("stale", home="/home/deploy"),
        worse=unpublished("failing", home="/home/deploy"),
    )


FILES = (
    changed("/etc/nginx/nginx.conf", digit="9", size=1490),
    changed("/etc/nginx/mime.types", digit="a"),
    added("/etc/nginx/conf.d/x.conf"),
)
STORIES: dict[str, Story] = {
    "csm": story(
        row(
            "csm",
            number=1,
            name="5.2.8 Ensure SSH root login is disabled",
            at=SERVER,
        ),
        first=csm("yes"),
        later=csm("yes", "yes"),
        worse=csm("without-password", "yes"),
    ),
    "cloud": story(
        row("csm", number=2, name="Ensure bucket does not allow public read", at=BUCKET)
        | {"policy_name": "CIS AWS Foundations v1.2"},
        first=cloud("acme-invoices/policy"),
        later=cloud("acme-invoices/policy", "acme-invoices/acl"),
        worse=cloud("acme-invoices/acl"),
    ),
    "sva": story(
        row(
            "sva",
            number=3,
            name="Vulnerable package: sudo.x86_64",
            at=SERVER,
            rule_key="sva::::sudo.x86_64",
            policy_name=None,
            package_name="sudo.x86_64",
            package_version="1.8.23-9.el7",
            cve_ids=["CVE-2021-3156", "CVE-2019-14287"],
            max_cvss=7.8,
            remotely_exploitable=False,
        ),
        first=sva("sudo.x86_64", "1.8.23-9.el7", CVE_2021_3156=7.8, CVE_2019_14287=-8.8),
        later=sva(
            "sudo.x86_64",
            "1.8.23-9.el7",
            CVE_2021_3156=7.8,
            CVE_2019_14287=-8.8,
            CVE_2023_22809=6.4,
        ),
        worse=sva("sudo.x86_64", "1.8.23-9.el7", CVE_2021_3156=9.8, CVE_2019_14287=-8.8),
        worse_row={"max_cvss": 9.8},
        cve_details=DETAILS,
    ),
    "image_sva": story(
        row(
            "image_sva",
            number=4,
            name="Vulnerable package: zlib1g",
            at=IMAGE,
            rule_key="image_sva::::zlib1g",
            policy_name=None,
            package_name="zlib1g",
            package_version="1:1.2.11.dfsg-1",
            cve_ids=["CVE-2018-25032"],
            max_cvss=7.5,
            remotely_exploitable=True,
        ),
        first=sva("zlib1g", "1:1.2.11.dfsg-1", CVE_2018_25032=7.5),
        later=sva("zlib1g", "1:1.2.11.dfsg-1", CVE_2018_25032=7.5, CVE_2023_45853=6.9),
        worse=sva("zlib1g", "1:1.2.11.dfsg-1", CVE_2018_25032=7.5, CVE_2022_37434=9.8),
        worse_row={"max_cvss": 9.8},
        cve_details=DETAILS,
    ),
    "fim": story(
        row("fim", number=5, name="/etc/nginx", at=SERVER, policy_name="Web servers"),
        first=fim(*FILES[:2]),
        later=fim(*FILES),
        worse=fim(changed("/etc/nginx/nginx.conf", digit="9", size=1490, user="www-data")),
    ),
    "lids": story(
        row(
            "lids",
            number=6,
            name="New local user added",
            at=SERVER,
            policy_name="Auth logs (Linux) v2",
            last_finding_urls=[f"{BASE}/v1/events/{FINDING}"],
        ),
        first=lids("useradd[2211]: new user: name=deploy2, UID=1003", day=12),
        later=lids("useradd[4410]: new user: name=deploy3, UID=1004", day=15),
        worse=lids("useradd[5102]: new user: name=toor, UID=0, GID=0", day=19),
    ),
    "sam": of_unknown_shape("sam", number=7, name="Account without a password"),
    "fw": of_unknown_shape("fw", number=8, name="Firewall was changed by hand"),
    "agent": of_unknown_shape("agent", number=9, name="Agent is out of date"),
    "unknown": of_unknown_shape("netflow", number=10, name="Traffic to a strange network"),
}
