"""What one scan saw, as part of a ticket or a comment, and the fingerprint of it.

Promises: evidence that is gone or cannot be read is said to be so; two scans which found the same
have the same fingerprint, so that nothing is said twice; what is not listed is counted.
Does not do: deciding whether anything is to be said.
"""

import json
import re
from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256
from operator import attrgetter
from typing import Any, Final, assert_never

from job.core import adf
from job.core.adf import Inline, Node, code, link, paragraph
from job.core.ids import Fingerprint
from job.core.issues import (
    Check,
    CsmFinding,
    Evidence,
    FileChange,
    FimFinding,
    Finding,
    Gone,
    Issue,
    LidsEvent,
    SvaFinding,
    Unreadable,
)
from job.core.phrases import in_words, joined, phrase

_ROWS_MAX: Final = 50


def shown(evidence: Evidence) -> Iterator[Node]:
    """What the newest scan or event shows, in the form that suits its type."""
    issue = evidence.issue
    match evidence.finding:
        case CsmFinding() as finding:
            yield from _configuration(finding)
        case FimFinding() as finding:
            yield from _files(finding)
        case SvaFinding(cves=()):
            yield from issue_alone(issue)
        case SvaFinding() as finding:
            yield from _vulnerabilities(finding)
        case LidsEvent() as event:
            yield from _event(event)
        case Gone(url=url, early=True):
            words = "The evidence is not readable yet, as happens while an issue is new. It is at "
            yield adf.panel("note", paragraph(words, link(phrase(url), href=url), "."))
            yield from issue_alone(issue)
        case Gone() as gone:
            words = "Halo no longer has the evidence, usually because the server was deleted. "
            words += "It was at "
            yield adf.panel("note", paragraph(words, link(phrase(gone.url), href=gone.url), "."))
            yield from issue_alone(issue)
        case Unreadable(url=url, why=why):
            words = "What Halo has as evidence cannot be read, so the issue itself speaks for it. "
            words += f"{phrase(why)} It is at "
            yield adf.panel("note", paragraph(words, link(phrase(url), href=url), "."))
            yield from issue_alone(issue)
        case None:
            yield from issue_alone(issue)
        case _:
            assert_never(evidence.finding)


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
        "Files that differ from the baseline of ", code(phrase(finding.target)), f": {total}"
    )
    rows = [
        (
            code(file.path),
            file.status,
            joined(file.owner, file.mode),
            code(file.expected_sha256),
            code(file.sha256),
        )
        for file in finding.files
    ]
    head = ("File", "Change", "Owner and mode", "SHA-256 in the baseline", "SHA-256 found")
    yield from _table(rows, head=head, total=total)


def _vulnerabilities(finding: SvaFinding) -> Iterator[Node]:
    """The worst first."""
    package = phrase(joined(finding.package_name, finding.package_version))
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
        yield paragraph(f"Logged on {in_words(event.created_at)}:")
    if event.log_entry:
        yield adf.code_block(event.log_entry)


def issue_alone(issue: Issue) -> Iterator[Node]:
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


def fingerprint(evidence: Evidence) -> Fingerprint:
    """The hash of the substance: what is wrong, how badly, and what proves it.

    Scan ids, times, scores and the wording of rules are left out, or every scan would seem to bring
    news.
    """
    issue = evidence.issue
    package = (issue.package_name, issue.package_version, sorted(issue.cves))
    said = (issue.status, issue.critical, package, _substance(evidence.finding))
    return Fingerprint(sha256(json.dumps(said).encode()).hexdigest())


def _substance(finding: Finding | Gone | Unreadable | None) -> tuple[Any, ...]:
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
        case Gone() | Unreadable():
            return (type(finding).__name__.lower(),)  # whatever is wrong with it is told once
        case None:
            return ()
    assert_never(finding)


def _values(kind: type[Check] | type[FileChange]) -> Callable[[Any], tuple[str, ...]]:
    return attrgetter(*kind.__struct_fields__)


_CHECK, _FILE = _values(Check), _values(FileChange)
