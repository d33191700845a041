"""One sight of an issue as a set of rows that can be compared with an earlier one.

Promises: two sights of the same have the same rows; a row has a name that people know it by, a rank
that is higher where it is worse, and a mark that differs where its substance does. A score that
moves within its band (under 7, under 9, 9 and more) moves nothing.
Does not do: comparing (`news.py`), or remembering (`recollection.py`).
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from hashlib import sha256
from typing import Final, TypeVar, assert_never

from msgspec import Struct, field
from msgspec.structs import replace

from job.core.adf import one_line
from job.core.evidence import lasts
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
from job.core.issues import Evidence, Issue
from job.core.kinds import configuration

EXCEPTED, LOW, HIGH, GRAVE = -1, 0, 1, 2
"""Ranks of vulnerabilities: excepted in Halo, under 7, under 9, 9 and more."""
T = TypeVar("T")
_NAME_MAX: Final = 100
_MARK_MAX: Final = 32


class Row(Struct, frozen=True, array_like=True):
    """How bad one thing is, and what else of it counts."""

    rank: int = 0
    mark: str = ""


class Sighting(Struct, frozen=True, kw_only=True):
    """What was seen. `rows` is `None` where the evidence could not be seen this time."""

    kind: str
    facts: dict[str, str] = field(default_factory=dict)
    rows: dict[str, Row] | None = None


def sighting(evidence: Evidence) -> Sighting:
    issue, finding = evidence.issue, evidence.finding
    facts = {
        "critical": "yes" if issue.critical else "no",
        "package_version": _short(issue.package_version, at_most=_MARK_MAX),
    }
    match finding:
        case Gone() | Unreadable():
            # It says nothing of what was told before. Else what comes and goes with each scan would
            # be news at each.
            return Sighting(kind="", facts=facts)
        case CsmFinding() | FimFinding() | SvaFinding() | LidsEvent() | OtherFinding() | None:
            kind, named = _rows(issue, finding=finding)
            return Sighting(kind=kind, facts=facts, rows=dict(named))
    assert_never(finding)


def focused(evidence: Evidence, *, names: frozenset[str]) -> Evidence:
    """The same with only the rows of these names in its finding, so that they alone are shown."""
    finding = evidence.finding
    match finding:
        case CsmFinding(checks=checks):
            shown = _among(names, check_names(checks), checks)
            return replace(evidence, finding=replace(finding, checks=shown))
        case FimFinding(files=files):
            chosen = _among(names, file_names(files), files)
            kept = replace(finding, files=chosen, total=len(chosen))
            return replace(evidence, finding=kept)
        case SvaFinding(cves=cves):
            chosen_cves = _among(names, cve_names(cves), cves)
            return replace(evidence, finding=replace(finding, cves=chosen_cves))
        case OtherFinding(rows=rows):
            chosen_rows = _among(names, (_name(key) for key, _ in rows), rows)
            return replace(evidence, finding=replace(finding, rows=chosen_rows, more=0))
        case LidsEvent() | Gone() | Unreadable():
            return evidence
        case None:
            ids = tuple(cve_id for cve_id in evidence.issue.cves if _name(cve_id) in names)
            return replace(evidence, issue=replace(evidence.issue, cves=ids))
    assert_never(finding)


def _among(names: frozenset[str], of: Iterable[str], things: tuple[T, ...]) -> tuple[T, ...]:
    return tuple(thing for name, thing in zip(of, things, strict=True) if name in names)


def _rows(issue: Issue, *, finding: Finding | None) -> tuple[str, Iterator[tuple[str, Row]]]:
    """The kind of the rows, and each with its name."""
    match finding:
        case CsmFinding(checks=checks):
            failing = ((n, c) for n, c in zip(check_names(checks), checks, strict=True))
            return "csm", (
                (n, Row(1, _mark(c.actual))) for n, c in failing if configuration.fails(c)
            )
        case FimFinding(files=files):
            return "fim", zip(file_names(files), map(_file_row, files), strict=True)
        case SvaFinding(cves=cves) if cves:
            return "sva", zip(cve_names(cves), map(_cve_row, cves), strict=True)
        case LidsEvent():
            return "lids", iter([(_name(finding.log_entry or finding.message), Row())])
        case OtherFinding(rows=rows):
            return "other", (
                (_name(key), Row(0, _mark(value))) for key, value in rows if lasts(key)
            )
        case SvaFinding() | None:
            return "cves", ((_name(cve), Row()) for cve in issue.cves)
    assert_never(finding)


def check_names(checks: Iterable[Check]) -> Iterator[str]:
    """By what is looked at and for; checks of which that is the same are numbered."""
    words = (" ".join(filter(None, (c.type, c.target, c.pattern))) for c in checks)
    return _numbered(words)


def file_names(files: Iterable[FileChange]) -> Iterator[str]:
    return _numbered(file.path for file in files)


def cve_names(cves: Iterable[Cve]) -> Iterator[str]:
    return _numbered(cve.id for cve in cves)


def _numbered(words: Iterable[str]) -> Iterator[str]:
    met: Counter[str] = Counter()
    for name in map(_name, words):
        met[name] += 1
        yield name if met[name] == 1 else f"{name} ({met[name]})"


def _file_row(file: FileChange) -> Row:
    found = file.found
    return Row(0, _mark("|".join((file.status, found.sha256, found.owner, found.mode))))


def _cve_row(cve: Cve) -> Row:
    if cve.suppressed:
        return Row(EXCEPTED)
    return Row(band(cve.score))


def band(score: float | None) -> int:
    """Under 7, under 9, or 9 and more; nothing is known to be bad that has no score."""
    if score is None or score < 7:
        return LOW
    return HIGH if score < 9 else GRAVE


def _name(words: str) -> str:
    return _short(one_line(words), at_most=_NAME_MAX)


def _mark(words: str) -> str:
    return _short(words, at_most=_MARK_MAX)


def _short(words: str, *, at_most: int) -> str:
    """The words, or their beginning and a hash: as short in JSON as they are here."""
    if len(words) <= at_most and words.isascii() and words.isprintable():
        return words
    start = "".join(char for char in words[: at_most - 13] if char.isascii() and char.isprintable())
    digest = sha256(words.encode(errors="surrogatepass")).hexdigest()[:12]
    return f"{start}~{digest}"
