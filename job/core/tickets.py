"""What a ticket or a comment says: what is wrong, where, since when, and what Halo saw.

It promises that a person can act on a ticket without opening Halo, that evidence which is gone is
said to be gone, and that two scans which found the same have the same fingerprint, so that nothing
is said twice. It does not decide whether anything is to be said, and sends nothing.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from operator import attrgetter
from typing import Any, Final

from msgspec import Struct

from job.core import adf, fields
from job.core.adf import Document, Inline, Node, code, link, paragraph, strong
from job.core.fields import FieldBook, FieldSpec, Shape
from job.core.model import (
    Asset,
    Check,
    CsmFinding,
    Evidence,
    FileChange,
    FimFinding,
    Finding,
    Fingerprint,
    Gone,
    Issue,
    IssueId,
    IssueStatus,
    LidsEvent,
    Marker,
    SvaFinding,
)

PROPERTY: Final = "halo.sync"
"""The key under which every ticket of ours carries the id of its issue, unseen by people."""

_ROWS_MAX: Final = 50
_PHRASE_MAX: Final = 300
_SUBJECTS: Final[Mapping[str, str]] = {
    "agent": "Agent",
    "csm": "Configuration",
    "fim": "File integrity",
    "fw": "Firewall",
    "image_sva": "Vulnerable package",
    "lids": "Log event",
    "sam": "Server account",
    "sva": "Vulnerable package",
}


class Draft(Struct, frozen=True, kw_only=True):
    """A ticket that is ready to be created: values by Jira's field ids, and the properties beside
    them.
    """

    issue_id: IssueId
    fields: Mapping[str, Any]
    properties: tuple[Mapping[str, Any], ...]
    fingerprint: Fingerprint


class Comment(Struct, frozen=True, kw_only=True):
    """A comment that is ready to be added, and the marker by which it can be found again."""

    body: Document
    marker: Marker
    fingerprint: Fingerprint


# --- The id field ---------------------------------------------------------------------------------


def id_value(issue_id: IssueId, *, spec: FieldSpec, shape: Shape) -> str | list[str]:
    """What the id field of an issue's ticket holds. It follows from the id alone, so that it can be
    searched for.
    """
    if spec.kind == "url":
        return f"{shape.issues_url.rstrip('/')}/{issue_id}"
    return [issue_id] if spec.kind == "array of string" else issue_id


def ids_held(value: object) -> tuple[IssueId, ...]:
    """Every id that an id field may hold: a text, the end of an address, or each of several labels.

    To be compared for equality: a search by text also finds what merely looks alike.
    """
    texts = value if isinstance(value, list) else [value]
    return tuple(
        IssueId(text.rpartition("/")[2]) for text in texts if isinstance(text, str) and text
    )


# --- A new ticket ---------------------------------------------------------------------------------


def wants_asset(shape: Shape, *, issue: Issue) -> bool:
    """Whether a draft needs the issue's asset. A mapped field may; our own words use one only where
    it is there.
    """
    return fields.needs_asset(shape, issue=issue)


def draft(evidence: Evidence, *, shape: Shape, book: FieldBook) -> Draft:
    """The new ticket of an issue. Raises `UnusableValue` when a configured field cannot take its
    value.
    """
    issue = evidence.issue
    ours = {
        "project": {"id": book.project_id} if book.project_id else {"key": book.project_key},
        "issuetype": {"id": book.type_id},
        "summary": summary(issue),
        "description": _document(issue, blocks=_description(evidence)),
        book.id_field.id: id_value(issue.id, spec=book.id_field, shape=shape),
    }
    return Draft(
        issue_id=issue.id,
        fields=fields.filled(evidence, shape=shape, book=book) | ours,
        properties=({"key": PROPERTY, "value": {"v": 1, "issue": issue.id}},),
        fingerprint=fingerprint(evidence),
    )


def summary(issue: Issue) -> str:
    """Such as `[Critical] sva: openssl on ip-10-4-1-22`. A long name gives way, so that the place
    stays in sight.
    """
    rank = "[Critical] " if issue.critical else ""
    place = adf.cut(adf.one_line(_place(issue)), units_max=100)
    start = rank + (adf.cut(adf.one_line(issue.type), units_max=40) or "issue") + ": "
    end = f" on {place}" if place else ""
    return start + adf.cut(_name(issue), units_max=adf.LINE_MAX - adf.units(start + end)) + end


def _description(evidence: Evidence) -> Iterator[Node]:
    issue = evidence.issue
    if issue.status is IssueStatus.RESOLVED:
        yield _resolution(issue)
    since = _dated(", first seen on", at=issue.first_seen_at or issue.created_at)
    yield paragraph(strong(f"{_subject(issue)}: {_name(issue)}"))
    yield paragraph(f"{_rank(issue)}{since}.")
    yield adf.facts(_facts(evidence))
    if shown := list(_evidence(evidence)):
        yield adf.heading("Evidence")
        yield from shown


def _facts(evidence: Evidence) -> list[tuple[str, Inline]]:
    """Where it is and what it breaks. What Halo does not say has no row."""
    issue = evidence.issue
    account_name = issue.csp_account_name and f"({issue.csp_account_name})"
    score = "" if issue.max_cvss is None else f"CVSS {issue.max_cvss:g}"
    rows = {
        "Asset": _asset(evidence),
        "Group": issue.group_path or issue.group_name,
        "Cloud account": _listed(
            _joined(issue.csp_account_type, issue.csp_account_id, account_name), issue.csp_region
        ),
        "Cloud resource": _joined(issue.csp_service_type, issue.csp_resource_id),
        "Image": _joined(
            issue.repository_name, issue.registry_name and f"in {issue.registry_name}"
        ),
        "Package": _joined(issue.package_name, issue.package_version),
        "Severity": _listed(
            score, "exploitable from the network" if issue.remotely_exploitable else ""
        ),
        "Policy": issue.policy_name,
        "Rule": _listed(issue.cp_rule_id, issue.rule_key or issue.rule_name),
        "Last seen": _time(issue.last_seen_at),
    }
    return [
        *((name, value) for name, value in rows.items() if value),
        ("Halo issue", _link(issue, words=_phrase(issue.id))),
    ]


def _asset(evidence: Evidence) -> str:
    issue, asset = evidence.issue, evidence.asset
    known = _listed(_place(issue), issue.asset_type, issue.os_type)
    match asset:
        case Asset():
            return _listed(known or asset.hostname or asset.name, asset.ip_address, asset.state)
        case Gone():
            return _listed(known, "no longer in Halo")
        case None:
            return known


# --- Comments -------------------------------------------------------------------------------------


def update_comment(evidence: Evidence) -> Comment:
    """The latest findings."""
    return _comment(evidence, kind="update", blocks=[_lead(evidence.issue), *_evidence(evidence)])


def close_comment(evidence: Evidence, *, because: str = "") -> Comment:
    """Who resolved the issue, when and why. Where Halo does not call it resolved, `because` must
    say what is known.
    """
    issue = evidence.issue
    reason = adf.prose(because)
    if issue.status is IssueStatus.RESOLVED:
        box = _resolution(issue)
    elif reason:
        box = adf.panel("note", *reason)
    else:
        raise ValueError(
            f"Issue {issue.id} is not resolved, and no other reason to close its ticket is given."
        )
    return _comment(
        evidence,
        kind="close",
        blocks=[box, paragraph(_link(issue, words=f"Halo issue {_phrase(issue.id)}"))],
    )


def reopen_comment(evidence: Evidence, *, because: str) -> Comment:
    """Why the ticket is open again, and the latest findings."""
    box = adf.panel("warning", paragraph(strong("Reopened")), *adf.prose(because))
    return _comment(
        evidence, kind="reopen", blocks=[box, _lead(evidence.issue), *_evidence(evidence)]
    )


def marker(issue: Issue, *, kind: str) -> Marker:
    """The name of the one comment of this kind for this version of the issue: `update`, `close` or
    `reopen`.
    """
    return Marker(f"{issue.id[:200]}:{kind}:{sha256(issue.version.encode()).hexdigest()[:12]}")


def _comment(evidence: Evidence, *, kind: str, blocks: Iterable[Node]) -> Comment:
    issue = evidence.issue
    return Comment(
        body=_document(issue, blocks=blocks),
        marker=marker(issue, kind=kind),
        fingerprint=fingerprint(evidence),
    )


def _lead(issue: Issue) -> Node:
    seen = _dated(", last seen on", at=issue.last_seen_at)
    return paragraph(
        f"Latest findings{seen}. {_rank(issue)}. ",
        _link(issue, words=f"Halo issue {_phrase(issue.id)}"),
    )


def _resolution(issue: Issue) -> Node:
    """Halo's own word that it is over: the positive evidence without which no ticket is closed."""
    who = f" by {_phrase(issue.resolved_by)}" if issue.resolved_by else ""
    head = paragraph(strong("Resolved in Halo"), f"{_dated(' on', at=issue.resolved_at)}{who}.")
    reason = adf.prose(issue.resolution) or [paragraph("Halo gives no reason.")]
    return adf.panel("success", head, *reason)


# --- Evidence -------------------------------------------------------------------------------------


def _evidence(evidence: Evidence) -> Iterator[Node]:
    """What the newest scan or event shows, in the form that suits its type."""
    issue = evidence.issue
    match evidence.finding:
        case CsmFinding() as finding:
            yield from _configuration(finding)
        case FimFinding() as finding:
            yield from _files(finding)
        case SvaFinding(cves=()):
            yield from _issue_alone(issue)
        case SvaFinding() as finding:
            yield from _vulnerabilities(finding)
        case LidsEvent() as event:
            yield from _event(event)
        case Gone() as gone:
            words = "Halo no longer has the evidence, usually because the server was deleted. It was at "
            yield adf.panel("note", paragraph(words, link(_phrase(gone.url), href=gone.url), "."))
            yield from _issue_alone(issue)
        case None:
            yield from _issue_alone(issue)


def _configuration(finding: CsmFinding) -> Iterator[Node]:
    yield from adf.prose(finding.description)
    rows = [
        (check.type, check.target, check.expected, check.actual, check.status)
        for check in finding.checks
    ]
    yield from _table(rows, head=("Check", "Target", "Expected", "Found", "Result"))


def _files(finding: FimFinding) -> Iterator[Node]:
    yield from adf.prose(finding.description)
    total = max(finding.total, len(finding.files))
    yield paragraph(
        "Files that differ from the baseline of ", code(_phrase(finding.target)), f": {total}"
    )
    rows = [
        (
            code(file.path),
            file.status,
            _joined(file.owner, file.mode),
            code(file.expected_sha256),
            code(file.sha256),
        )
        for file in finding.files
    ]
    head = ("File", "Change", "Owner and mode", "SHA-256 in the baseline", "SHA-256 found")
    yield from _table(rows, head=head, total=total)


def _vulnerabilities(finding: SvaFinding) -> Iterator[Node]:
    """The worst first."""
    package = _phrase(_joined(finding.package_name, finding.package_version))
    yield paragraph("Known vulnerabilities of ", code(package), f": {len(finding.cves)}")
    rows = [
        (
            _advisory(cve.id),
            "" if cve.score is None else f"{cve.score:g}",
            "yes" if cve.suppressed else "no",
        )
        for cve in sorted(finding.cves, key=lambda cve: (-(cve.score or 0), cve.id))
    ]
    yield from _table(rows, head=("Vulnerability", "CVSS", "Excepted in Halo"))


def _event(event: LidsEvent) -> Iterator[Node]:
    yield from adf.prose(event.message)
    if event.created_at:
        yield paragraph(f"Logged on {_time(event.created_at)}:")
    if event.log_entry:
        yield adf.code_block(event.log_entry)


def _issue_alone(issue: Issue) -> Iterator[Node]:
    """What the issue itself tells where no finding can be read."""
    if issue.cves:
        yield paragraph(f"Known vulnerabilities: {len(issue.cves)}")
        yield adf.bullets([_advisory(cve_id) for cve_id in issue.cves[:_ROWS_MAX]])
        yield from _more(len(issue.cves) - _ROWS_MAX)
    elif not issue.finding_url:
        yield paragraph("Halo keeps no finding for this issue.")


def _advisory(cve_id: str) -> Inline:
    is_cve = re.fullmatch(r"CVE-[0-9]{4}-[0-9]{4,}", cve_id)
    return link(cve_id, href=f"https://nvd.nist.gov/vuln/detail/{cve_id}") if is_cve else cve_id


def _table(
    rows: Sequence[Sequence[Inline]], *, head: Sequence[str], total: int = 0
) -> Iterator[Node]:
    if rows:
        yield adf.table(rows[:_ROWS_MAX], head=head)
    yield from _more(max(total, len(rows)) - min(len(rows), _ROWS_MAX))


def _more(left: int) -> Iterator[Node]:
    """How many are not listed: a ticket is no place for thousands."""
    if left > 0:
        yield paragraph(f"{left} more in Halo.")


# --- Fingerprint ----------------------------------------------------------------------------------


def fingerprint(evidence: Evidence) -> Fingerprint:
    """The hash of the substance: what is wrong, how badly, and what proves it.

    Scan ids, times, scores and the wording of rules are left out, or every scan would seem to bring
    news.
    """
    issue = evidence.issue
    package = (issue.package_name, issue.package_version, sorted(issue.cves))
    said = (issue.status, issue.critical, package, _substance(evidence.finding))
    return Fingerprint(sha256(json.dumps(said).encode()).hexdigest())


def _substance(finding: Finding | Gone | None) -> tuple[Any, ...]:
    match finding:
        case CsmFinding():
            return ("csm", sorted(map(_CHECK, finding.checks)))
        case FimFinding():
            return ("fim", finding.target, finding.total, sorted(map(_FILE, finding.files)))
        case SvaFinding():
            cves = sorted((cve.id, cve.suppressed) for cve in finding.cves)
            return ("sva", finding.package_name, finding.package_version, cves)
        case LidsEvent():
            return ("lids", finding.log_entry or finding.message)
        case Gone():
            return ("gone",)
        case None:
            return ()


def _values(kind: type[Check] | type[FileChange]) -> Callable[[Any], tuple[str, ...]]:
    return attrgetter(*kind.__struct_fields__)


_CHECK, _FILE = _values(Check), _values(FileChange)


# --- Words ----------------------------------------------------------------------------------------


def _document(issue: Issue, *, blocks: Iterable[Node]) -> Document:
    return adf.document(blocks, rest=_link(issue, words="All of it is in Halo."))


def _link(issue: Issue, *, words: str) -> Node:
    return link(words, href=issue.url)


def _name(issue: Issue) -> str:
    """Halo's names of vulnerabilities say what `_subject` says already."""
    name = issue.package_name or issue.name.removeprefix("Vulnerable package: ") or issue.rule_key
    return _phrase(name) or "unnamed"


def _place(issue: Issue) -> str:
    return (
        issue.asset_hostname
        or issue.asset_name
        or issue.csp_resource_id
        or issue.repository_name
        or issue.asset_id
    )


def _rank(issue: Issue) -> str:
    return "Critical" if issue.critical else "Not critical"


def _subject(issue: Issue) -> str:
    return _SUBJECTS.get(issue.type) or _phrase(issue.type) or "Issue"


def _phrase(words: str) -> str:
    """Words that are short enough to stand inside a paragraph, which is never cut."""
    return adf.cut(adf.one_line(words), units_max=_PHRASE_MAX)


def _joined(*words: str) -> str:
    return " ".join(filter(None, words))


def _listed(*words: str) -> str:
    return ", ".join(filter(None, words))


def _time(at: datetime | None) -> str:
    return f"{at.astimezone(UTC).replace(tzinfo=None).isoformat(' ', 'minutes')} UTC" if at else ""


def _dated(words: str, *, at: datetime | None) -> str:
    return f"{words} {_time(at)}" if at else ""
