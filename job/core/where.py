"""Where an issue is and what it is by Halo's books: the two tables of facts in a ticket.

Promises: what Halo does not say has no row; a value that came from the asset is told only where the
asset was read.
Does not do: fetching the asset, which only a mapped field may need (`flow/prepare.py`).
"""

from typing import assert_never

from job.core.adf import Inline
from job.core.findings import Gone, Unreadable
from job.core.issues import Asset, Evidence, Issue
from job.core.phrases import in_words, joined, listed, phrase, place_of

_TAGS_MAX = 40
Row = tuple[str, Inline]


def where(evidence: Evidence) -> list[Row]:
    """The asset and whose it is."""
    issue = evidence.issue
    account_name = issue.csp_account_name and f"({issue.csp_account_name})"
    rows = {
        "Asset": _asset(evidence),
        "Group": issue.group_path or issue.group_name,
        "Cloud account": joined(issue.csp_account_type, issue.csp_account_id, account_name),
        "Region": issue.csp_region,
        "Cloud resource": joined(issue.csp_service_type, issue.csp_resource_id),
        "ARN": issue.csp_resource_uri,
        "Machine image": issue.csp_image_id,
        "Image": joined(issue.repository_name, issue.registry_name and f"in {issue.registry_name}"),
        "Image digest": issue.image_sha,
        "Tags": _tags(issue),
    }
    return [(name, value) for name, value in rows.items() if value]


def books(issue: Issue, *, due: str) -> list[Row]:
    """Rank, times, policy and rule. `due` is a day, or ""."""
    score = "" if issue.max_cvss is None else f"CVSS {issue.max_cvss:g}"
    remote = "exploitable from the network" if issue.remotely_exploitable else ""
    rows = {
        "Severity": listed("Critical" if issue.critical else "Not critical", score, remote),
        "Due": due,
        "First seen": in_words(issue.first_seen_at or issue.created_at),
        "Last seen": in_words(issue.last_seen_at),
        "Package": joined(issue.package_name, issue.package_version),
        "Policy": issue.policy_name,
        "Rule": listed(issue.cp_rule_id, issue.rule_key or issue.rule_name),
    }
    return [(name, value) for name, value in rows.items() if value]


def _tags(issue: Issue) -> str:
    """Names and values, as people at the cloud provider wrote them."""
    tags = [f"{name}: {value}" if value else name for name, value in issue.tags[:_TAGS_MAX]]
    left = len(issue.tags) - _TAGS_MAX
    return listed(*map(phrase, tags), f"and {left} more" if left > 0 else "")


def _asset(evidence: Evidence) -> str:
    issue, asset = evidence.issue, evidence.asset
    known = listed(place_of(issue), issue.asset_type, issue.os_type)
    match asset:
        case Asset():
            return listed(known or asset.hostname or asset.name, asset.ip_address, asset.state)
        case Gone():
            return listed(known, "no longer in Halo")
        case Unreadable():
            return listed(known, "what Halo says of it cannot be read")
        case None:
            return known
    assert_never(asset)
