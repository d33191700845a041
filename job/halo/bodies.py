"""Reads Halo's JSON bodies into our nouns: issues and assets.

Promises: a body that lacks what makes it an issue or an asset is a `MalformedAnswer` that names
what is missing, and a row of a listing an issue that says so; anything else in it that is odd is
nothing.
Does not do: single values (`values.py`), findings (`findings.py`), asking anybody, or looking at
the host of a URL.

The shapes come from captured answers and calling code in public repositories; `FACTS.md` names them
one by one.
"""

from datetime import datetime
from functools import lru_cache
from hashlib import sha256
from typing import Any, TypeVar

from msgspec.structs import replace

from job.core.ids import IssueId
from job.core.issues import Asset, Issue, IssueStatus
from job.errors import MalformedAnswer
from job.halo.values import (
    Body,
    instant,
    kind_of,
    malformed,
    number,
    shared,
    some_list,
    some_objects,
    text,
    truth,
)

T = TypeVar("T")
STATUSES = {status.value: status for status in IssueStatus}


def unwrap(body: Any, *, doing: str) -> Body:
    """The object itself, bare or wrapped in its kind, as {"issue": …} or {"server": …}.

    Halo's own clients meet both forms, so the one object inside counts, whatever its key is called.
    """
    if isinstance(body, dict) and "id" not in body and len(body) == 1:
        (body,) = body.values()
    if not isinstance(body, dict):
        raise malformed(doing, f"Halo sent {kind_of(body)} where an object was due.")
    return body


# --- Issues ---------------------------------------------------------------------------------------


def issue(row: Any) -> Issue:
    """One entry of GET /v3/issues, or the object of GET /v3/issues/{id}: they have the same keys.

    Words that many issues share are interned: a sweep holds a hundred thousand issues at once.
    """
    issue_id, status = _id_and_status(row)
    get = row.get
    name, rule_name, rule_key = (shared(get(key)) for key in ("name", "rule_name", "rule_key"))
    return Issue(
        id=issue_id,
        type=shared(get("type")) or shared(get("category")),
        source=shared(get("source")),
        status=status,
        critical=get("critical") is True,
        name=name or rule_name or rule_key,
        url=text(get("url")),
        rule_key=rule_key,
        rule_name=rule_name,
        cp_rule_id=_cp_rule_id(row),
        policy_id=shared(get("policy_id")),
        policy_name=shared(get("policy_name")),
        created_at=instant(get("created_at")),
        first_seen_at=instant(get("first_seen_at")),
        last_seen_at=instant(get("last_seen_at")),
        updated_at=instant(get("updated_at")),
        resolved_at=instant(get("resolved_at")),
        resolved_by=shared(get("resolved_by")),
        resolution=shared(get("resolution_comment")) or shared(get("comment")),
        asset_id=shared(get("asset_id")),
        asset_url=shared(get("asset_url")),
        asset_type=shared(get("asset_type")),
        asset_name=shared(get("asset_name")),
        asset_hostname=shared(get("asset_hostname")),
        asset_fqdn=shared(get("asset_fqdn")),
        group_id=shared(get("group_id")),
        group_name=shared(get("group_name")),
        group_path=shared(get("group_path")),
        tags=_tags(row),
        os_type=shared(get("os_type")),
        finding_url=finding_url(row),
        package_name=shared(get("package_name")),
        package_version=shared(get("package_version")),
        cves=_cves(row),
        max_cvss=number(get("max_cvss")),
        remotely_exploitable=truth(get("remotely_exploitable")),
        csp_account_type=shared(get("csp_account_type")),
        csp_account_id=shared(get("csp_account_id")),
        csp_account_name=shared(get("csp_account_name")),
        csp_region=shared(get("csp_region")),
        csp_service_type=shared(get("csp_service_type")),
        csp_resource_id=shared(get("csp_resource_id")),
        csp_resource_uri=shared(get("csp_resource_uri")),
        csp_image_id=shared(get("csp_image_id")),
        registry_id=shared(get("registry_id")),
        registry_name=shared(get("registry_name")),
        repository_id=shared(get("repository_id")),
        repository_name=shared(get("repository_name")),
        image_sha=shared(get("image_sha")),
        external_issue_source=shared(get("external_issue_source")),
    )


def listed_issue(row: Any) -> Issue:
    """A row of a listing, whatever it is: one that is no issue becomes one that says why. Without
    an id it goes by what stands in it.
    """
    try:
        return issue(row)
    except MalformedAnswer as error:
        why = error.happened
    if not isinstance(row, dict) or not text(row.get("id")):
        digest = sha256(repr(row).encode(errors="replace")).hexdigest()
        unnamed = Issue.unnamed(digest[:16], why=why)
        return unnamed if not isinstance(row, dict) else _with_facts(unnamed, row=row)
    return _with_facts(Issue.illegible(IssueId(text(row["id"])), why=why), row=row)


def _with_facts(unreadable: Issue, *, row: Body) -> Issue:
    """What places it in its listing, and by what the settings may exclude it."""
    get = row.get
    return replace(
        unreadable,
        type=shared(get("type")) or shared(get("category")),
        source=shared(get("source")),
        critical=get("critical") is not False,
        created_at=instant(get("created_at")),
        last_seen_at=instant(get("last_seen_at")),
        resolved_at=instant(get("resolved_at")),
    )


def _id_and_status(row: Any) -> tuple[IssueId, IssueStatus]:
    """Without these two it is no issue."""
    if not isinstance(row, dict):
        raise malformed("reading an issue", f"Halo sent {kind_of(row)} where an issue was due.")
    issue_id = text(row.get("id"))
    status = STATUSES.get(text(row.get("status")))
    if not issue_id or status is None:
        raise malformed(
            "reading an issue",
            f"Issue {issue_id or 'without id'} has the status {row.get('status')!r:.60}.",
        )
    return IssueId(issue_id), status


def finding_url(row: Body) -> str:
    """Where the newest evidence is: the last of `last_finding_urls`, else built from the newest of
    `findings`.
    """
    for url in reversed(some_list(row, "last_finding_urls")):
        if url := text(url):
            return url
    newest = max(filter(None, map(_scanned, some_list(row, "findings"))), default=None)
    if newest is None:
        return ""
    _, scan_id, finding_id = newest
    root = text(row.get("url")).partition("/v3/")[0]
    is_event = text(row.get("type")) == "lids"
    return (
        f"{root}/v1/events/{finding_id}"
        if is_event
        else f"{root}/v1/scans/{scan_id}/findings/{finding_id}"
    )


def _scanned(entry: Any) -> tuple[datetime, str, str] | None:
    """When, scan and finding of one entry of `findings`: an object, or in older ones
    `scan::finding::status::when`.
    """
    if isinstance(entry, dict):
        scan_id, finding_id, when = (
            entry.get(key) for key in ("scan_id", "finding_id", "created_at")
        )
    else:
        scan_id, finding_id, _, when = (*text(entry).split("::"), "", "", "", "")[:4]
    at = instant(when)
    return (at, text(scan_id), text(finding_id)) if at and text(finding_id) else None


def _cves(row: Body) -> tuple[str, ...]:
    more = row.get("extended_attributes")
    ids = some_list(row, "cve_ids")
    if not ids and isinstance(more, dict):
        ids = [entry.get("id") for entry in some_objects(more, "cve_info")]
    return _same(tuple(shared(cve) for cve in ids if text(cve)))


def _cp_rule_id(row: Body) -> str:
    """Its name in older clients was csp_rule_id (cloudpassage/jira_halo_issues_sync 2.0.0)."""
    return shared(row.get("cp_rule_id")) or shared(row.get("csp_rule_id"))


def _tags(row: Body) -> tuple[tuple[str, str], ...]:
    """A list of objects with `key` and `value` (fixtures of cloudpassage/jira_halo_issues_sync)."""
    tags = some_objects(row, "csp_tags")
    return _same(
        tuple((shared(tag.get("key")), shared(tag.get("value"))) for tag in tags if tag.get("key"))
    )


@lru_cache(maxsize=10_000)
def _same(words: tuple[T, ...]) -> tuple[T, ...]:
    """One tuple for all issues of one package or asset, not one for each."""
    return words


# --- Assets ---------------------------------------------------------------------------------------


def asset(body: Body) -> Asset:
    """A server, or whatever else an issue's `asset_url` leads to; servers alone have all of these
    keys.
    """
    get = body.get
    asset_id = text(get("id"))
    if not asset_id:
        raise malformed(
            "reading an asset", f"It has no `id`, only {', '.join(sorted(body))!s:.200}."
        )
    hostname = text(get("hostname"))
    return Asset(
        id=asset_id,
        name=text(get("server_label")) or text(get("name")) or hostname,
        hostname=hostname,
        state=text(get("state")),
        ip_address=text(get("primary_ip_address")) or text(get("connecting_ip_address")),
        group_name=text(get("group_name")),
        group_path=text(get("group_path")),
        csp_provider=text(get("csp_provider")) or text(get("csp_account_type")),
        csp_account_id=text(get("csp_account_id")),
        csp_instance_id=text(get("csp_instance_id")) or text(get("csp_resource_id")),
    )
