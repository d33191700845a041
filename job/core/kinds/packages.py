"""A vulnerable package: its vulnerabilities, worst first, what they allow, and what to update.

Promises: what Halo excepts stands apart and does not count; nothing is said about a vulnerability
that Halo did not say; a command is shown only for a name that can do no harm in a shell.
Does not do: looking up details (`flow/prepare.py`).
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from job.core import adf
from job.core.adf import Inline, Node, code, link, paragraph, strong
from job.core.findings import Cve, CveDetails, SvaFinding
from job.core.issues import Evidence, Issue, IssueKind
from job.core.kinds.told import SCANNED_AGAIN, Told, counted, listed_rows
from job.core.phrases import joined, listed, phrase, place_of

DETAILED_MAX: Final = 10
"""Vulnerabilities of one ticket or comment that are looked up, the worst first."""

_RPM: Final = re.compile(r"(.+)\.(x86_64|noarch|i[3-6]86|aarch64|ppc64le|s390x)")
_DEB: Final = re.compile(r"(.+):(amd64|all|i386|arm64|armhf|ppc64el|s390x)")
_HARMLESS: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+_-]*")
_CVE: Final = re.compile(r"CVE-[0-9]{4}-[0-9]{4,}")


def told(evidence: Evidence, *, finding: SvaFinding | None) -> Told:
    """`finding` is `None` where the issue itself is all there is."""
    issue = evidence.issue
    cves = finding.cves if finding else ()
    known = worst_first(cves or (Cve(id=cve_id) for cve_id in issue.cves))
    counting = [cve for cve in known if not cve.suppressed]
    excepted = [cve for cve in known if cve.suppressed]
    name = (finding and finding.package_name) or issue.package_name
    version = (finding and finding.package_version) or issue.package_version
    return Told(
        headline=_headline(issue, package=joined(bare(name), version), cves=counting, known=known),
        why=list(_why(issue, cves=counting, details=evidence.cves)),
        fix=list(_fix(issue, name=name)),
        proof=list(proof(counting, excepted=excepted, details=evidence.cves)),
    )


def worst_first(cves: "Sequence[Cve] | Iterator[Cve]") -> list[Cve]:
    return sorted(cves, key=lambda cve: (-(cve.score or 0), cve.id))


def bare(name: str) -> str:
    """A package's name without the machine it was built for, as `sudo` for `sudo.x86_64`."""
    built = _RPM.fullmatch(name) or _DEB.fullmatch(name)
    return built[1] if built else name


def _headline(issue: Issue, *, package: str, cves: Sequence[Cve], known: Sequence[Cve]) -> str:
    at = "in image" if issue.kind is IssueKind.IMAGE_SVA else "on"
    where = f" {at} {place}" if (place := phrase(place_of(issue))) else ""
    start = f"{phrase(package) or 'A package'}{where}"
    if cves:
        score = _worst_score(issue, cves=cves)
        ranked = "of" if len(cves) == 1 else "the worst of"
        worst = f", {ranked} CVSS {score:g}" if score is not None else ""
        many = counted(len(cves), one="known vulnerability", many="known vulnerabilities")
        return f"{start} has {many}{worst}."
    if known:
        return f"{start}: all of its known vulnerabilities are excepted in Halo."
    return f"{start} is vulnerable, and Halo does not name by what."


def _worst_score(issue: Issue, *, cves: Sequence[Cve]) -> float | None:
    """Of those that count; where the finding gives no scores, the issue's own."""
    return max((cve.score for cve in cves if cve.score is not None), default=issue.max_cvss)


def _why(issue: Issue, *, cves: Sequence[Cve], details: Mapping[str, CveDetails]) -> Iterator[Node]:
    worst = next((cve for cve in cves if cve.id in details), None)
    if worst is not None:
        known = details[worst.id]
        yield _worst(worst, among=cves, needs=vector(known))
        yield from adf.prose(adf.cut(known.summary, units_max=1_500))
    if issue.remotely_exploitable and not (worst and "network" in vector(details[worst.id])):
        yield paragraph("Halo calls it exploitable from the network.")
    if worst is None and cves:
        what = "What it allows" if len(cves) == 1 else "What each of them allows"
        yield paragraph(f"{what} is told by its advisory, linked below.")


def _worst(worst: Cve, *, among: Sequence[Cve], needs: str) -> Node:
    """Which one it is, and what an attacker needs."""
    named = advisory(worst.id)
    if len(among) == 1 and needs:
        return paragraph("To use ", named, f" takes {needs}.")
    start = "The worst" if worst is among[0] else "The worst that Halo describes"
    if len(among) == 1:
        start = "This"
    return paragraph(f"{start} is ", named, f": to use it takes {needs}." if needs else ".")


def _fix(issue: Issue, *, name: str) -> Iterator[Node]:
    package = code(phrase(bare(name))) if name else "the package"
    if issue.kind is IssueKind.IMAGE_SVA:
        yield paragraph(
            "Rebuild the image with a version of ",
            package,
            " that its vendor has repaired, such "
            "as from a newer base image, and replace the containers that run it.",
        )
    else:
        yield paragraph(
            "Update ",
            package,
            " to a version that its vendor has repaired, and restart what uses "
            "it. Halo does not say which version that is; the advisories do.",
        )
        if command := update_command(name):
            yield adf.code_block(command)
    yield paragraph(SCANNED_AGAIN)


def update_command(name: str) -> str:
    """What updates a package whose name tells its system; "" where it does not, or may harm."""
    if not _HARMLESS.fullmatch(bare(name)):
        return ""
    if _RPM.fullmatch(name):
        return f"sudo yum update {bare(name)}"
    if _DEB.fullmatch(name):
        return f"sudo apt-get update && sudo apt-get install --only-upgrade {bare(name)}"
    return ""


def proof(
    cves: Sequence[Cve], *, excepted: Sequence[Cve], details: Mapping[str, CveDetails]
) -> Iterator[Node]:
    """The table, and what is excepted beneath it. A column without a value is left out."""
    rows = [_row(cve, known=details.get(cve.id)) for cve in cves]
    columns = [place for place in range(4) if any(row[place] for row in rows)]
    head = ("Vulnerability", "CVSS", "Needs", "What it is")
    yield from listed_rows(
        [[row[place] for place in columns] for row in rows], head=[head[at] for at in columns]
    )
    if excepted:
        names = ", ".join(phrase(cve.id) for cve in excepted[:20])
        left = len(excepted) - 20
        others = f" and {left} more" if left > 0 else ""
        yield paragraph(strong("Excepted in Halo, not counted: "), f"{names}{others}.")


def _row(cve: Cve, *, known: CveDetails | None) -> tuple[Inline, str, str, str]:
    score = known.score if cve.score is None and known else cve.score
    rank = known.severity.lower() if known else ""
    return (
        advisory(cve.id),
        joined("" if score is None else f"{score:g}", rank),
        vector(known) if known else "",
        phrase(known.summary) if known else "",
    )


def advisory(cve_id: str) -> Inline:
    """A link to its public description, where it has one."""
    href = f"https://nvd.nist.gov/vuln/detail/{cve_id}"
    return link(cve_id, href=href) if _CVE.fullmatch(cve_id) else phrase(cve_id)


_PLACES: Final = {
    "NETWORK": "access over the network",
    "ADJACENT": "access to the same network",
    "ADJACENT_NETWORK": "access to the same network",
    "LOCAL": "local access",
    "PHYSICAL": "the machine at hand",
}
_RIGHTS: Final = {
    "NONE": "no privileges",
    "LOW": "low privileges",
    "SINGLE": "low privileges",
    "MULTIPLE": "high privileges",
    "HIGH": "high privileges",
}
_OTHERS: Final = {"NONE": "no user's help", "REQUIRED": "a user's help"}


def vector(known: CveDetails) -> str:
    """A CVSS vector in words: what an attacker needs."""
    return listed(
        _PLACES.get(known.attack_vector, ""),
        _RIGHTS.get(known.privileges, ""),
        _OTHERS.get(known.interaction, ""),
        "rare circumstances" if known.complexity == "HIGH" else "",
    )
