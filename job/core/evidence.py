"""What one scan saw, told by the kind of its finding, and the fingerprint of it.

Promises: each kind of finding is told by its own file in `kinds/`; evidence that is gone or cannot
be read is said to be so; two scans which found the same have the same fingerprint, so that nothing
is said twice.
Does not do: deciding whether anything is to be said (`news.py`).
"""

import json
import re
from collections.abc import Sequence
from hashlib import sha256
from typing import Any, Final, assert_never

from msgspec.structs import replace

from job.core.adf import Node
from job.core.findings import (
    Check,
    CsmFinding,
    Cve,
    FileChange,
    FimFinding,
    Finding,
    Gone,
    LidsEvent,
    OtherFinding,
    SvaFinding,
    Unreadable,
)
from job.core.ids import Fingerprint
from job.core.issues import Evidence
from job.core.kinds import configuration, files, logs, packages, unpublished
from job.core.kinds.told import Told


def told(evidence: Evidence) -> Told:
    """The newest finding or event, in the words that suit its kind. Where there is none that can be
    read, the issue speaks for itself, and the ticket says so.
    """
    match evidence.finding:
        case CsmFinding() as finding:
            return configuration.told(evidence, finding=finding)
        case FimFinding() as finding:
            return files.told(evidence, finding=finding)
        case SvaFinding() as finding:
            return packages.told(evidence, finding=finding)
        case LidsEvent() as finding:
            return logs.told(evidence, finding=finding)
        case OtherFinding() | Gone() | Unreadable() | None as finding:
            return _without_words(evidence, finding=finding)
        case _:
            assert_never(evidence.finding)


def _without_words(evidence: Evidence, *, finding: OtherFinding | Gone | Unreadable | None) -> Told:
    """An issue that names vulnerabilities tells more than what stands in place of evidence."""
    if not evidence.issue.cves:
        return unpublished.told(evidence, finding=finding)
    said = packages.told(evidence, finding=None)
    before: Sequence[Node] = ()
    if finding is not None:
        before = list(unpublished.proof(evidence.issue, finding=finding))
    return replace(said, proof=[*before, *said.proof])


def vulnerabilities(evidence: Evidence) -> list[Cve]:
    """Those that count, the worst first: what the finding lists, else what the issue names."""
    found = evidence.finding.cves if isinstance(evidence.finding, SvaFinding) else ()
    known = found or tuple(Cve(id=cve_id) for cve_id in evidence.issue.cves)
    return packages.worst_first(cve for cve in known if not cve.suppressed)


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


def _substance(finding: Finding | Gone | Unreadable | None) -> tuple[Any, ...]:
    substance: tuple[Any, ...]
    match finding:
        case CsmFinding():
            substance = ("csm", sorted(map(_check, finding.checks)))
        case FimFinding():
            files = sorted(map(_file, finding.files))
            substance = ("fim", finding.target, finding.total, files)
        case SvaFinding():
            cves = sorted((cve.id, cve.suppressed) for cve in finding.cves)
            substance = ("sva", finding.package_name, finding.package_version, cves)
        case LidsEvent():
            substance = ("lids", finding.log_entry or finding.message)
        case OtherFinding():
            substance = ("other", sorted(row for row in finding.rows if lasts(row[0])))
        case Gone() | Unreadable():
            substance = (type(finding).__name__.lower(),)  # whatever is wrong with it is told once
        case None:
            substance = ()
        case _:
            assert_never(finding)
    return substance


def _check(check: Check) -> tuple[str, ...]:
    return (check.type, check.target, check.expected, check.actual, check.status)


def _file(file: FileChange) -> tuple[str, ...]:
    found, expected = file.found, file.expected
    return (file.path, file.status, found.sha256, expected.sha256, found.owner, found.mode)


_PASSING: Final = re.compile(r"(^|[._\]])(\w+_)?(ids?|urls?|at|time|date|timestamp)$")


def lasts(key: str) -> bool:
    """Whether a value of this name stays the same from scan to scan, as ids and times do not."""
    return not _PASSING.search(key.lower())
