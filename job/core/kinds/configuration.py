"""A configuration rule that is not kept: its text by its own headings, and each of its checks.

Promises: nothing of a rule's text is lost, for what stands under no heading that we know stands
where it stood; checks that fail come first.
Does not do: judging checks.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from job.core import adf
from job.core.adf import Node, code, paragraph, strong
from job.core.findings import Check, CsmFinding
from job.core.issues import Evidence
from job.core.kinds.told import SCANNED_AGAIN, Told, listed_rows
from job.core.phrases import phrase, place_of, stated

_HEADINGS: Final = {
    "description": "what",
    "rationale": "why",
    "rationale statement": "why",
    "impact": "why",
    "impact statement": "why",
    "remediation": "fix",
    "remediation procedure": "fix",
    "fix": "fix",
    "solution": "fix",
    "audit": "proof",
    "audit procedure": "proof",
    "default value": "proof",
    "references": "proof",
    "reference": "proof",
    "note": "proof",
    "notes": "proof",
    "additional information": "proof",
}
_HEADING: Final = re.compile(
    rf"\s*({'|'.join(sorted(_HEADINGS, key=len, reverse=True))})\s*(?::\s*(.*)|)", re.IGNORECASE
)


_RESULTS: Final = {"good": "passes", "bad": "fails"}
"""Halo's words for a result, in ours."""


def told(evidence: Evidence, *, finding: CsmFinding) -> Told:
    issue = evidence.issue
    parts = split(finding.description)
    where = f" on {place}" if (place := phrase(place_of(issue))) else ""
    why = [*adf.prose(parts["what"]), *adf.prose(parts["why"])]
    return Told(
        headline=f"{stated(issue.name)}{where}.",
        why=why,
        fix=list(_fix(parts["fix"], checks=finding.checks)),
        proof=[*_checks(finding), *_references(finding), *adf.prose(parts["proof"])],
    )


def split(description: str) -> dict[str, str]:
    """The text of a rule as `what`, `why`, `fix` and `proof`, by headings that begin its lines."""
    parts: dict[str, list[str]] = {"what": [], "why": [], "fix": [], "proof": []}
    part = "what"
    for line in description.splitlines():
        found = _HEADING.fullmatch(line)
        if found is None:
            parts[part].append(line)
            continue
        name, rest = found[1].lower(), found[2] or ""
        part = _HEADINGS[name]
        keeps_name = part == "proof" or name.startswith("impact")
        parts[part].append(f"{found[1].capitalize()}: {rest}" if keeps_name else rest)
    return {name: "\n".join(lines).strip() for name, lines in parts.items()}


def fails(check: Check) -> bool:
    """Whether a check did not pass, as far as Halo says."""
    return check.status.lower() not in {"good", "ok", "pass", "passed"}


def _fix(words: str, *, checks: Sequence[Check]) -> Iterator[Node]:
    if words:
        yield from adf.prose(words)
    elif any(map(fails, checks)):
        yield paragraph(
            "The rule itself tells no remedy. Make the checks below pass: what is expected stands "
            "beside what was found."
        )
    yield paragraph(SCANNED_AGAIN)


def _checks(finding: CsmFinding) -> Iterator[Node]:
    if len(finding.checks) > 1 and finding.operator in {"AND", "OR"}:
        together = "All of these must pass (AND)." if finding.operator == "AND" else ""
        yield paragraph(together or "One of these is enough (OR).")
    rows = [
        (
            phrase(check.type),
            check.target,
            code(check.pattern),
            check.expected,
            check.actual,
            _RESULTS.get(check.status.lower(), phrase(check.status)),
        )
        for check in sorted(finding.checks, key=lambda check: not fails(check))
    ]
    used = [
        place for place in range(6) if place != 2 or any(check.pattern for check in finding.checks)
    ]
    head = ("Check", "Where", "Looked for", "Expected", "Found", "Result")
    yield from listed_rows(
        [[row[place] for place in used] for row in rows], head=[head[place] for place in used]
    )


def _references(finding: CsmFinding) -> Iterator[Node]:
    if finding.references:
        names = ", ".join(phrase(name) for name in finding.references[:30])
        yield paragraph(strong("References: "), names)
