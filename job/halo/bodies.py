"""Reads Halo's JSON bodies into our nouns: issues, findings, assets.

Promises: every way in which Halo says "nothing" (no key, null, "", the text `null_value`) comes out
as `None` or ""; every instant is aware UTC; a body that lacks what makes it an issue, a finding or
an asset is a `MalformedAnswer` that names what is missing. It asks nothing of anybody and never
looks at the host of a URL.

The shapes come from captured answers and calling code in public repositories; `FACTS.md` names them
one by one.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from math import isfinite
from sys import intern
from typing import Any

from job.core.ids import IssueId
from job.core.issues import (
    Asset,
    Check,
    CsmFinding,
    Cve,
    FileChange,
    FimFinding,
    Finding,
    Issue,
    IssueStatus,
    LidsEvent,
    SvaFinding,
)
from job.errors import MalformedAnswer

Body = Mapping[str, Any]
STATUSES = {status.value: status for status in IssueStatus}


def malformed(doing: str, happened: str, *, advice: str = "") -> MalformedAnswer:
    return MalformedAnswer("halo", doing, happened, advice)


def unwrap(body: Any, *, doing: str) -> Body:
    """The object itself, bare or wrapped in its kind: {"issue": …}, {"server": …}, {"csp_resource":
    …}, {"event": …}.

    Halo's own clients meet both forms, so the one object inside counts, whatever its key is called.
    """
    if isinstance(body, dict) and "id" not in body and len(body) == 1:
        (body,) = body.values()
    if not isinstance(body, dict):
        raise malformed(doing, f"Halo sent {_kind(body)} where an object was due.")
    return body


# --- Issues ---------------------------------------------------------------------------------------


def issue(row: Any) -> Issue:
    """One entry of GET /v3/issues, or the object of GET /v3/issues/{id}: they have the same keys.

    Words that many issues share are interned: a sweep holds a hundred thousand issues at once.
    """
    if not isinstance(row, dict):
        raise malformed("reading an issue", f"Halo sent {_kind(row)} where an issue was due.")
    get = row.get
    issue_id = text(get("id"))
    status = STATUSES.get(text(get("status")))
    if not issue_id or status is None:
        raise malformed(
            "reading an issue",
            f"Issue {issue_id or 'without id'} has the status {get('status')!r:.60}.",
        )
    name, rule_name, rule_key = (
        _shared(get("name")),
        _shared(get("rule_name")),
        _shared(get("rule_key")),
    )
    return Issue(
        id=IssueId(issue_id),
        type=_shared(get("type")) or _shared(get("category")),
        source=_shared(get("source")),
        status=status,
        critical=get("critical") is True,
        name=name or rule_name or rule_key,
        url=text(get("url")),
        rule_key=rule_key,
        rule_name=rule_name,
        # Its name in older clients was csp_rule_id (cloudpassage/jira_halo_issues_sync 2.0.0).
        cp_rule_id=_shared(get("cp_rule_id")) or _shared(get("csp_rule_id")),
        policy_name=_shared(get("policy_name")),
        created_at=instant(get("created_at")),
        first_seen_at=instant(get("first_seen_at")),
        last_seen_at=instant(get("last_seen_at")),
        updated_at=instant(get("updated_at")),
        resolved_at=instant(get("resolved_at")),
        resolved_by=_shared(get("resolved_by")),
        resolution=_shared(get("resolution_comment")) or _shared(get("comment")),
        asset_id=_shared(get("asset_id")),
        asset_url=_shared(get("asset_url")),
        asset_type=_shared(get("asset_type")),
        asset_name=_shared(get("asset_name")),
        asset_hostname=_shared(get("asset_hostname")),
        group_name=_shared(get("group_name")),
        group_path=_shared(get("group_path")),
        os_type=_shared(get("os_type")),
        finding_url=finding_url(row),
        package_name=_shared(get("package_name")),
        package_version=_shared(get("package_version")),
        cves=_cves(row),
        max_cvss=number(get("max_cvss")),
        remotely_exploitable=_truth(get("remotely_exploitable")),
        csp_account_type=_shared(get("csp_account_type")),
        csp_account_id=_shared(get("csp_account_id")),
        csp_account_name=_shared(get("csp_account_name")),
        csp_region=_shared(get("csp_region")),
        csp_service_type=_shared(get("csp_service_type")),
        csp_resource_id=_shared(get("csp_resource_id")),
        registry_name=_shared(get("registry_name")),
        repository_name=_shared(get("repository_name")),
    )


def finding_url(row: Body) -> str:
    """Where the newest evidence is: the last of `last_finding_urls`, else built from the newest of
    `findings`.
    """
    for url in reversed(_list(row, "last_finding_urls")):
        if url := text(url):
            return url
    newest = max(filter(None, map(_scanned, _list(row, "findings"))), default=None)
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
    ids = _list(row, "cve_ids") or [
        entry.get("id") for entry in _rows(_object(row, "extended_attributes"), "cve_info")
    ]
    return _same(tuple(_shared(cve) for cve in ids if text(cve)))


@lru_cache(maxsize=10_000)
def _same(cves: tuple[str, ...]) -> tuple[str, ...]:
    """One tuple for all issues of one package, not one for each."""
    return cves


# --- Findings -------------------------------------------------------------------------------------


def finding(kind: str, bodies: Sequence[Body]) -> Finding:
    """The evidence behind an issue of the type `kind` (a key of `FINDINGS`); only a fim finding has
    several pages.
    """
    return FINDINGS[kind](bodies)


def _csm(bodies: Sequence[Body]) -> CsmFinding:
    (body,) = bodies
    checks = _rows(_with(body, "details", kind="csm"), "details")
    return CsmFinding(
        description=_prose(body.get("rule_description")), checks=tuple(map(_check, checks))
    )


def _check(check: Body) -> Check:
    """`config_key` narrows the target, such as one option of a configuration file."""
    return Check(
        type=text(check.get("type")),
        target=" ".join(filter(None, (text(check.get("target")), text(check.get("config_key"))))),
        expected=text(check.get("expected")),
        actual=text(check.get("actual")),
        status=text(check.get("status")),
    )


def _fim(bodies: Sequence[Body]) -> FimFinding:
    rule = _object(_with(bodies[0], "rule", kind="fim"), "rule")
    rows = [
        row for body in bodies for row in _rows(_with(body, "findings", kind="fim"), "findings")
    ]
    counts = _object(bodies[0], "counts")
    changed = sum(int(number(counts.get(key)) or 0) for key in ("added", "changed", "missing"))
    return FimFinding(
        target=text(rule.get("target")),
        description=_prose(rule.get("description")),
        files=tuple(map(_file, rows)),
        total=max(changed, len(rows)),
    )


def _file(row: Body) -> FileChange:
    detail = _object(row, "detail")
    meta = _object(detail, "meta")
    expected = _rows(detail, "expected")
    user, group = text(meta.get("user")), text(meta.get("group"))
    return FileChange(
        path=text(row.get("file")),
        status=text(row.get("status")),
        sha256=text(detail.get("sha256")),
        expected_sha256=text(expected[0].get("sha256")) if expected else "",
        owner=f"{user}:{group}" if user and group else user or group,
        mode=text(meta.get("mode")),
    )


def more_files(body: Body) -> str:
    """The next page of a fim finding's files; "" at the end."""
    return text(body.get("next"))


def _sva(bodies: Sequence[Body]) -> SvaFinding:
    (body,) = bodies
    entries = _rows(_with(body, "cve_entries", kind="sva"), "cve_entries")
    return SvaFinding(
        package_name=text(body.get("package_name")),
        package_version=text(body.get("package_version")),
        cves=tuple(_cve(entry) for entry in entries if text(entry.get("cve_entry"))),
    )


def _cve(entry: Body) -> Cve:
    score, suppressed = number(entry.get("cvss_score")), entry.get("suppressed") is True
    return Cve(id=text(entry.get("cve_entry")), score=score, suppressed=suppressed)


def _lids(bodies: Sequence[Body]) -> LidsEvent:
    (body,) = bodies
    message, log_entry = text(body.get("message")), text(body.get("original_log_entry"))
    if not message and not log_entry:
        raise malformed(
            "reading a finding", "A lids event has neither `message` nor `original_log_entry`."
        )
    return LidsEvent(
        message=message, log_entry=log_entry, created_at=instant(body.get("created_at"))
    )


FINDINGS: Mapping[str, Callable[[Sequence[Body]], Finding]] = {
    "csm": _csm,
    "fim": _fim,
    "sva": _sva,
    "image_sva": _sva,
    "lids": _lids,
}
"""The issue types whose evidence has a known shape. Of sam, fw and agent nobody has published one.
"""


def _with(body: Body, key: str, *, kind: str) -> Body:
    """The body, if it has the key that makes it a finding of this kind."""
    if body.get(key) is None:
        raise malformed(
            "reading a finding", f"The {kind} finding {text(body.get('id'))} has no `{key}`."
        )
    return body


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


# --- Values ---------------------------------------------------------------------------------------


def text(value: Any) -> str:
    """A value as words; "" for nothing. Names are known to carry carriage returns, which no ticket
    should.
    """
    if type(value) is str:
        return "" if value == "null_value" else value.replace("\r", "") if "\r" in value else value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return ", ".join(map(text, value)) if isinstance(value, list) else str(value)


def _list(body: Body, key: str) -> list[Any]:
    value = body.get(key)
    if isinstance(value, list):
        return value
    if text(value):
        raise malformed(
            "reading an answer", f"Halo sent {_kind(value)} as `{key}`, where a list was due."
        )
    return []


def _rows(body: Body, key: str) -> list[Body]:
    rows = _list(body, key)
    for row in rows:
        if not isinstance(row, dict):
            raise malformed(
                "reading an answer", f"Halo sent something in `{key}` that is no object."
            )
    return rows


def _object(body: Body, key: str) -> Body:
    value = body.get(key)
    if isinstance(value, dict):
        return value
    if text(value):
        raise malformed(
            "reading an answer", f"Halo sent {_kind(value)} as `{key}`, where an object was due."
        )
    return {}


def _shared(value: Any) -> str:
    return intern(text(value))


def _prose(value: Any) -> str:
    """Descriptions arrive with a backslash and an n where a line ends."""
    return text(value).replace("\\n", "\n")


def instant(value: Any) -> datetime | None:
    """`…Z` or `…+0000`, with no fraction or one of any length; `None` for nothing."""
    return _instant(words) if (words := text(value)) else None


@lru_cache(maxsize=1_000)
def _instant(words: str) -> datetime:
    """One value for all that happened at this instant, as most of what an issue has gone through
    did.
    """
    try:
        at = datetime.fromisoformat(words)
        return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise malformed(
            "reading a time", f"Halo sent {words!r:.60}, which is no ISO 8601 instant."
        ) from None


def number(value: Any) -> float | None:
    """A finite number, also one sent as text; `None` for anything else."""
    try:
        found = float("nan" if isinstance(value, bool) else value)
    except (TypeError, ValueError, OverflowError):
        return None
    return found if isfinite(found) else None


def _truth(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None


def _kind(value: Any) -> str:
    return "missing" if value is None else f"a {type(value).__name__}"
