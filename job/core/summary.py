"""The summary of a ticket: what and where, in words, on one line.

Promises: it follows from the issue alone, so that it can follow the issue; at most 255 UTF-16
units, and a long name gives way, so that the numbers and the place stay in sight.
Does not do: descriptions (`tickets.py`).
"""

from typing import assert_never

from job.core import adf
from job.core.issues import Issue, IssueKind
from job.core.kinds.packages import bare
from job.core.kinds.told import counted
from job.core.phrases import joined, listed, phrase, place_of, stated


def summary(issue: Issue) -> str:
    """Such as `[Critical] Vulnerable package sudo 1.8.23 (4 CVEs, CVSS 9.8) on web-1`."""
    rank = "[Critical] " if issue.critical else ""
    start, name, end = _parts(issue)
    place = adf.cut(adf.one_line(place_of(issue)), units_max=100)
    where = "in image" if issue.kind is IssueKind.IMAGE_SVA else "on"
    start, end = rank + start, end + (f" {where} {place}" if place else "")
    return start + adf.cut(name, units_max=adf.LINE_MAX - adf.units(start + end)) + end


def _parts(issue: Issue) -> tuple[str, str, str]:
    """What stands before the name, the name, and what stands behind it."""
    name = stated(issue.name or issue.rule_key)
    match issue.kind:
        case IssueKind.SVA | IssueKind.IMAGE_SVA:
            parts = ("Vulnerable package ", package_of(issue), _numbers(issue))
        case IssueKind.CSM:
            parts = ("", name, "")
        case IssueKind.FIM:
            parts = ("Files changed in ", phrase(issue.name) or "a watched place", "")
        case IssueKind.LIDS:
            parts = ("Log event: ", name, "")
        case IssueKind.SAM:
            parts = (_before("Server account", name=name), name, "")
        case IssueKind.FW:
            parts = (_before("Firewall", name=name), name, "")
        case IssueKind.AGENT:
            parts = (_before("Halo agent", name=name), name, "")
        case IssueKind.OTHER:
            word = adf.cut(adf.one_line(issue.type), units_max=40) or "Issue"
            parts = (f"{word}: ", name, "")
        case _:
            assert_never(issue.kind)
    return parts


def _before(kind: str, *, name: str) -> str:
    """What kind of thing it is about, where its name does not begin with that word."""
    word = kind.rpartition(" ")[2].lower()
    return "" if name.lower().startswith(word) else f"{kind}: "


def package_of(issue: Issue) -> str:
    """Name and version, without the machine that the package was built for."""
    name = issue.package_name or issue.name.removeprefix("Vulnerable package: ")
    return phrase(joined(bare(adf.one_line(name)), issue.package_version)) or "without a name"


def _numbers(issue: Issue) -> str:
    cves = counted(len(issue.cves), one="CVE", many="CVEs") if issue.cves else ""
    score = "" if issue.max_cvss is None else f"CVSS {issue.max_cvss:g}"
    numbers = listed(cves, score)
    return f" ({numbers})" if numbers else ""
