"""What a ticket or a comment says about an issue, and what the ticket's id field holds.

Promises: a person can act on a ticket without opening Halo; the value of the id field follows from
the id of the issue alone, whether the field is a text, a URL or labels; a comment has one name for
each version of its issue.
Does not do: deciding whether anything is to be said, telling what a scan saw and whether that is
news (`evidence.py`), or sending anything.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from hashlib import sha256
from typing import Any, Final, assert_never

from msgspec import Struct

from job.core import adf, fields
from job.core.adf import Document, Inline, Node, link, paragraph, strong
from job.core.evidence import fingerprint, shown
from job.core.fields import Filled
from job.core.ids import Fingerprint, IssueId, Marker
from job.core.issues import Asset, Evidence, Gone, Issue, IssueStatus, Unreadable
from job.core.phrases import dated, in_words, joined, listed, phrase, subject
from job.core.routes import Destination
from job.core.shape import CreateScreen, FieldSpec, TicketSettings

PROPERTY: Final = "halo.sync"
"""The key under which every ticket of ours carries the id of its issue, unseen by people."""


class Draft(Struct, frozen=True, kw_only=True):
    """A ticket that is ready to be created: values by Jira's field ids, and the properties beside
    them.
    """

    issue_id: IssueId
    fields: Mapping[str, Any]
    properties: tuple[Mapping[str, Any], ...]
    fingerprint: Fingerprint
    outline: Fingerprint = Fingerprint("")
    """The part of it that holds whatever the finding shows."""
    left_out: tuple[str, ...] = ()
    """A sentence for each field that could not take its value; the ticket says them too."""


class Comment(Struct, frozen=True, kw_only=True):
    """A comment that is ready to be added, and the marker by which it can be found again."""

    body: Document
    marker: Marker
    fingerprint: Fingerprint
    outline: Fingerprint = Fingerprint("")
    """The part of it that holds whatever the finding shows."""


# --- The id field ---------------------------------------------------------------------------------


def id_value(issue_id: IssueId, *, spec: FieldSpec, settings: TicketSettings) -> str | list[str]:
    """What the id field of an issue's ticket holds. It follows from the id alone, so that it can be
    searched for.
    """
    if spec.kind == "url":
        return f"{settings.issues_url.rstrip('/')}/{issue_id}"
    return [issue_id] if spec.kind == "array of string" else issue_id


def ids_held(value: object) -> tuple[IssueId, ...]:
    """Every id that an id field may hold: a text, the end of an address, or each of several labels.

    To be compared for equality: a search by text also finds what merely looks alike.
    """
    return tuple(IssueId(text.rpartition("/")[2]) for text in texts_held(value))


def texts_held(value: object) -> tuple[str, ...]:
    """Every text that an id field holds: one, or each of several labels."""
    texts = value if isinstance(value, list) else [value]
    return tuple(text for text in texts if isinstance(text, str) and text)


# --- A new ticket ---------------------------------------------------------------------------------


def draft(
    evidence: Evidence,
    *,
    destination: Destination,
    screen: CreateScreen,
    made_at: datetime,
    people: fields.People = fields.NOBODY,
) -> Draft:
    """The new ticket of an issue. Raises `UnusableValue` when a required field cannot take its
    value.
    """
    issue, settings = evidence.issue, destination.tickets
    filled = fields.filled(
        evidence, settings=settings, screen=screen, made_at=made_at, people=people
    )
    ours = {
        "project": {"key": screen.project_key},
        "issuetype": {"id": screen.type_id},
        "summary": summary(issue),
        "description": _document(issue, blocks=_description(evidence, filled=filled)),
        screen.id_field.id: id_value(issue.id, spec=screen.id_field, settings=settings),
    }
    return Draft(
        issue_id=issue.id,
        fields=filled.fields | ours,
        properties=({"key": PROPERTY, "value": {"v": 1, "issue": issue.id} | destination.mark},),
        fingerprint=fingerprint(evidence),
        outline=fingerprint(Evidence(issue=issue)),
        left_out=filled.left_out,
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


def _description(evidence: Evidence, *, filled: Filled) -> Iterator[Node]:
    issue = evidence.issue
    if issue.status is IssueStatus.RESOLVED:
        yield _resolution(issue)
    since = dated(", first seen on", at=issue.first_seen_at or issue.created_at)
    yield paragraph(strong(f"{subject(issue)}: {_name(issue)}"))
    yield paragraph(f"{_rank(issue)}{since}.")
    yield adf.facts(_facts(evidence))
    if seen := list(shown(evidence)):
        yield adf.heading("Evidence")
        yield from seen
    if filled.closing_words:
        yield paragraph(filled.closing_words)


def _facts(evidence: Evidence) -> list[tuple[str, Inline]]:
    """Where it is and what it breaks. What Halo does not say has no row."""
    issue = evidence.issue
    account_name = issue.csp_account_name and f"({issue.csp_account_name})"
    score = "" if issue.max_cvss is None else f"CVSS {issue.max_cvss:g}"
    rows = {
        "Asset": _asset(evidence),
        "Group": issue.group_path or issue.group_name,
        "Cloud account": listed(
            joined(issue.csp_account_type, issue.csp_account_id, account_name), issue.csp_region
        ),
        "Cloud resource": joined(issue.csp_service_type, issue.csp_resource_id),
        "Image": joined(issue.repository_name, issue.registry_name and f"in {issue.registry_name}"),
        "Package": joined(issue.package_name, issue.package_version),
        "Severity": listed(
            score, "exploitable from the network" if issue.remotely_exploitable else ""
        ),
        "Policy": issue.policy_name,
        "Rule": listed(issue.cp_rule_id, issue.rule_key or issue.rule_name),
        "Last seen": in_words(issue.last_seen_at),
    }
    return [
        *((name, value) for name, value in rows.items() if value),
        ("Halo issue", _link(issue, words=phrase(issue.id))),
    ]


def _asset(evidence: Evidence) -> str:
    issue, asset = evidence.issue, evidence.asset
    known = listed(_place(issue), issue.asset_type, issue.os_type)
    match asset:
        case Asset():
            return listed(known or asset.hostname or asset.name, asset.ip_address, asset.state)
        case Gone():
            return listed(known, "no longer in Halo")
        case Unreadable():
            return listed(known, "what Halo says of it cannot be read")
        case None:
            return known
    assert_never(asset)


# --- Comments -------------------------------------------------------------------------------------


def update_comment(evidence: Evidence) -> Comment:
    """The latest findings."""
    return _comment(evidence, kind="update", blocks=[_lead(evidence.issue), *shown(evidence)])


def close_comment(evidence: Evidence) -> Comment:
    """Who resolved the issue, when and why; or that Halo no longer knows it. Raises `ValueError`
    for one that is neither.
    """
    issue = evidence.issue
    if issue.gone:
        return _comment(evidence, kind="close", blocks=[_oblivion(issue)])
    if issue.status is not IssueStatus.RESOLVED:
        raise ValueError(f"Issue {issue.id} is not resolved, so its ticket is not closed.")
    link_to_issue = paragraph(_link(issue, words=f"Halo issue {phrase(issue.id)}"))
    return _comment(evidence, kind="close", blocks=[_resolution(issue), link_to_issue])


def reopen_comment(evidence: Evidence, *, because: str, times: int = 0) -> Comment:
    """Why the ticket is open again, and the latest findings. `times` says how often it was reopened
    before, for each time is told.
    """
    box = adf.panel("warning", paragraph(strong("Reopened")), *adf.prose(because))
    kind = f"reopen-{times}" if times else "reopen"
    return _comment(evidence, kind=kind, blocks=[box, _lead(evidence.issue), *shown(evidence)])


def marker(issue: Issue, *, kind: str) -> Marker:
    """The name of the one comment of this kind for this version of the issue: `update`, `close`,
    `reopen`, and `reopen-1` for the second reopening.
    """
    return Marker(f"{issue.id[:200]}:{kind}:{sha256(issue.version.encode()).hexdigest()[:12]}")


def _comment(evidence: Evidence, *, kind: str, blocks: Iterable[Node]) -> Comment:
    issue = evidence.issue
    return Comment(
        body=_document(issue, blocks=blocks),
        marker=marker(issue, kind=kind),
        fingerprint=fingerprint(evidence),
        outline=fingerprint(Evidence(issue=issue)),
    )


def _lead(issue: Issue) -> Node:
    seen = dated(", last seen on", at=issue.last_seen_at)
    return paragraph(
        f"Latest findings{seen}. {_rank(issue)}. ",
        _link(issue, words=f"Halo issue {phrase(issue.id)}"),
    )


def _resolution(issue: Issue) -> Node:
    """Halo's own word that it is over: the positive evidence without which no ticket is closed."""
    who = f" by {phrase(issue.resolved_by)}" if issue.resolved_by else ""
    head = paragraph(strong("Resolved in Halo"), f"{dated(' on', at=issue.resolved_at)}{who}.")
    reason = adf.prose(issue.resolution) or [paragraph("Halo gives no reason.")]
    return adf.panel("success", head, *reason)


def _oblivion(issue: Issue) -> Node:
    """What closes a ticket where the settings say so, although nobody resolved the issue."""
    head = paragraph(strong("Halo no longer knows the issue"), f" {phrase(issue.id)}.")
    why = "It and its asset were probably deleted. The settings say to close its ticket then."
    return adf.panel("note", head, paragraph(why))


# --- Words ----------------------------------------------------------------------------------------


def _document(issue: Issue, *, blocks: Iterable[Node]) -> Document:
    return adf.document(blocks, rest=_link(issue, words="All of it is in Halo."))


def _link(issue: Issue, *, words: str) -> Node:
    return link(words, href=issue.url)


def _name(issue: Issue) -> str:
    """Halo's names of vulnerabilities say what `subject` says already."""
    name = issue.package_name or issue.name.removeprefix("Vulnerable package: ") or issue.rule_key
    return phrase(name) or "unnamed"


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
