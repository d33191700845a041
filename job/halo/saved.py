"""Reads an issue that somebody saved from Halo's API as a file: with its finding, if that is there.

Promises: a row of GET /v3/issues, the answer of GET /v3/issues/{id}, and an object that holds such
a row beside its finding are all read as a run reads them; what was not saved is said to be so.
Does not do: asking Halo for anything.

The object's keys: `issue`; `finding`, an object, a list of its pages, or null for one that is gone;
`asset`; `cve_details`, by the ids of vulnerabilities; `before`, the same object as it was earlier.
"""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from job.core.findings import CveDetails, Finding, Gone, Unreadable
from job.core.issues import Asset, Evidence, Issue, IssueKind
from job.errors import MalformedAnswer
from job.halo import bodies, cves, findings
from job.halo.values import kind_of, malformed

_DOING = "reading the saved issue"
_OURS = frozenset({"issue", "finding", "asset", "cve_details", "before"})


class Saved(Struct, frozen=True, kw_only=True):
    """What a file holds: an issue as it is, and perhaps as it was."""

    now: Evidence
    before: Evidence | None = None


def saved(body: Any) -> Saved:
    """All that was saved. Raises `MalformedAnswer` for what is no issue."""
    before = body.get("before") if isinstance(body, dict) else None
    return Saved(now=_evidence(body), before=None if before is None else _evidence(before))


def _evidence(body: Any) -> Evidence:
    if not isinstance(body, dict):
        raise malformed(_DOING, f"It is {kind_of(body)} where an object is due.")
    whole = body if "issue" in body else {"issue": body}
    if strange := sorted(whole.keys() - _OURS):
        known = ", ".join(sorted(_OURS))
        raise malformed(_DOING, f"It has the key {strange[0]!r:.60}; known are {known}.")
    issue = bodies.issue(whole["issue"])
    return Evidence(
        issue=issue,
        finding=_finding(whole, issue=issue),
        asset=_asset(whole),
        cves=_details(whole.get("cve_details")),
    )


def _finding(whole: Mapping[str, Any], *, issue: Issue) -> Finding | Gone | Unreadable | None:
    """One of another shape than its type's is shown as it comes, as in a run."""
    url = issue.finding_url
    if "finding" not in whole:
        why = "It was not saved with the issue."
        return Unreadable(url=url, why=why) if url else None
    pages = whole["finding"] if isinstance(whole["finding"], list) else [whole["finding"]]
    if pages in ([], [None]):
        return Gone(url=url)
    for page in pages:
        if not isinstance(page, dict):
            raise malformed(_DOING, f"Its finding is {kind_of(page)} where an object is due.")
    if len(pages) > 1 and issue.kind is not IssueKind.FIM:
        raise malformed(_DOING, "Its finding has several pages, as only one of fim may.")
    try:
        return findings.reader(issue.kind)(pages)
    except MalformedAnswer as error:
        return findings.other(pages, why=error.happened)


def _asset(whole: Mapping[str, Any]) -> Asset | Gone | None:
    if "asset" not in whole:
        return None
    body = whole["asset"]
    return Gone(url="") if body is None else bodies.asset(bodies.unwrap(body, doing=_DOING))


def _details(told: Any) -> dict[str, CveDetails]:
    if told is None:
        return {}
    if not isinstance(told, dict) or not all(isinstance(of, dict) for of in told.values()):
        raise malformed(_DOING, "Its cve_details are no object of objects, by the ids of CVEs.")
    return {cve_id: cves.read(of, cve_id=cve_id) for cve_id, of in told.items()}
