"""What a comment says: what is new, why a ticket is closed, why it is open again.

Promises: an update names what changed and shows nothing else; a close carries Halo's own word that
it is over; each kind of comment has one name for each version of its issue.
Does not do: deciding whether anything is said (`noise.py`), or sending it.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from hashlib import sha256
from typing import Final

from msgspec import Struct

from job.core import adf
from job.core.adf import Document, Inline, Node, link, paragraph, strong
from job.core.evidence import fingerprint, told
from job.core.findings import Gone, Unreadable
from job.core.ids import Fingerprint, Marker
from job.core.issues import Evidence, Issue, IssueStatus
from job.core.kinds import unpublished
from job.core.kinds.told import counted
from job.core.news import News, flapping
from job.core.noise import Weighed
from job.core.phrases import dated, in_words, listed, phrase, spell
from job.core.portal import address
from job.core.recollection import recollection, written
from job.core.sightings import focused, sighting

_NAMES_MAX: Final = 20


class Comment(Struct, frozen=True, kw_only=True):
    """A comment that is ready to be added, and the marker by which it can be found again."""

    body: Document
    marker: Marker
    fingerprint: Fingerprint
    outline: Fingerprint = Fingerprint("")
    """The part of it that holds whatever the finding shows."""
    recalls: str = ""
    """What memory keeps of it; "" leaves that as it is."""
    public: bool = False
    """Whether customers of a service project see it."""


def update_comment(evidence: Evidence, *, weighed: Weighed, halo_link: str) -> Comment:
    """What is new, or all of it where nobody knows what the ticket was told last."""
    issue = evidence.issue
    if weighed.found is None:
        blocks = [_latest(issue, halo_link=halo_link), *told(evidence).proof]
    else:
        blocks = list(_news(evidence, weighed=weighed, found=weighed.found))
        blocks.append(_seen(issue, halo_link=halo_link))
    return _comment(
        evidence, kind="update", blocks=blocks, halo_link=halo_link, recalls=weighed.recalls
    )


def close_comment(evidence: Evidence, *, halo_link: str) -> Comment:
    """Who resolved the issue, when, why, and how long it was open; or that Halo no longer knows it.
    Raises `ValueError` for one that is neither.
    """
    issue = evidence.issue
    if issue.gone:
        return _comment(evidence, kind="close", blocks=[_oblivion(issue)], halo_link=halo_link)
    if issue.status is not IssueStatus.RESOLVED:
        raise ValueError(f"Issue {issue.id} is not resolved, so its ticket is not closed.")
    blocks = [resolution(issue), paragraph(named(issue, halo_link=halo_link))]
    return _comment(evidence, kind="close", blocks=blocks, halo_link=halo_link)


def reopen_comment(
    evidence: Evidence,
    *,
    because: str,
    halo_link: str,
    accepted: Iterable[str] = (),
    times: int = 0,
) -> Comment:
    """Why the ticket is open again, what is there now, and how a risk is accepted if that was
    meant: by one of the statuses that count as accepted. `times` says how often it was reopened
    before, for each time is told.
    """
    said, issue = told(evidence), evidence.issue
    seen = dated(", last seen", at=issue.last_seen_at)
    since = dated("It has been known since", at=_first_seen(issue))
    box = adf.panel(
        "warning", paragraph(strong("Reopened. "), phrase(because)), paragraph(said.headline)
    )
    blocks = [
        box,
        paragraph(f"{since}{seen}. " if since else "", named(evidence.issue, halo_link=halo_link)),
    ]
    if names := sorted(accepted):
        words = " or ".join(phrase(name) for name in names)
        blocks.append(
            paragraph(
                f"If the risk is to be accepted, move the ticket to {words}: it then stays there."
            )
        )
    blocks += said.proof
    recalls = written(recollection(sighting(evidence), before=None))
    kind = _reopening(times)
    return _comment(evidence, kind=kind, blocks=blocks, halo_link=halo_link, recalls=recalls)


def aside(issue: Issue, *, words: str) -> Comment:
    """A word for a transition that wants one, where the ticket says everything already."""
    blocks = [paragraph(words)]
    return _comment(Evidence(issue=issue), kind="aside", blocks=blocks, halo_link="")


def tells_reopening(said: Marker | None, *, issue: Issue, times: int) -> bool:
    """Whether this told the reopening after so many others, whatever version it spoke of."""
    return said is not None and said.startswith(f"{_owner(issue)}:{_reopening(times)}:")


def _reopening(times: int) -> str:
    return f"reopen-{times}" if times else "reopen"


def _owner(issue: Issue) -> str:
    return issue.id[:200]


def marker(issue: Issue, *, kind: str) -> Marker:
    """The name of the one comment of this kind for this version of the issue: `update`, `close`,
    `reopen`, and `reopen-1` for the second reopening.
    """
    return Marker(f"{_owner(issue)}:{kind}:{sha256(issue.version.encode()).hexdigest()[:12]}")


def _comment(
    evidence: Evidence, *, kind: str, blocks: Iterable[Node], halo_link: str, recalls: str = ""
) -> Comment:
    issue = evidence.issue
    return Comment(
        body=document(issue, blocks=blocks, halo_link=halo_link),
        marker=marker(issue, kind=kind),
        fingerprint=fingerprint(evidence),
        outline=fingerprint(Evidence(issue=issue)),
        recalls=recalls,
    )


# --- Pieces that tickets use as well --------------------------------------------------------------


def document(issue: Issue, *, blocks: Iterable[Node], halo_link: str) -> Document:
    """Blocks as one document; where it is cut, a link leads on if there is one."""
    href = address(issue, template=halo_link)
    return adf.document(blocks, rest=link("All of it is in Halo.", href=href) if href else "")


def named(issue: Issue, *, halo_link: str) -> Inline:
    """The issue by its id, as a link where there is one."""
    return link(f"Halo issue {phrase(issue.id)}", href=address(issue, template=halo_link))


def linked_id(issue: Issue, *, halo_link: str) -> Inline:
    """The bare id, as a link where there is one."""
    return link(phrase(issue.id), href=address(issue, template=halo_link))


def resolution(issue: Issue) -> Node:
    """Halo's own word that it is over: the positive evidence without which no ticket is closed."""
    by = "Halo itself" if issue.resolved_by == "system" else phrase(issue.resolved_by)
    who = f" by {by}" if by else ""
    head = paragraph(strong("Resolved in Halo"), f"{dated(' on', at=issue.resolved_at)}{who}.")
    reason = adf.prose(issue.resolution) or [paragraph("Halo gives no reason.")]
    return adf.panel("success", head, *reason, *_lasted(issue))


def _oblivion(issue: Issue) -> Node:
    """What closes a ticket where the settings say so, although nobody resolved the issue."""
    head = paragraph(strong("Halo no longer knows the issue"), f" {phrase(issue.id)}.")
    why = "It and its asset were probably deleted. The settings say to close its ticket then."
    return adf.panel("note", head, paragraph(why))


def _lasted(issue: Issue) -> Iterator[Node]:
    began = _first_seen(issue)
    if began and issue.resolved_at and issue.resolved_at >= began:
        lasted = spell(issue.resolved_at - began)
        yield paragraph(f"It was open for {lasted}, since {in_words(began)}.")


def _first_seen(issue: Issue) -> datetime | None:
    return issue.first_seen_at or issue.created_at


# --- Updates --------------------------------------------------------------------------------------


def _latest(issue: Issue, *, halo_link: str) -> Node:
    seen = dated(", last seen on", at=issue.last_seen_at)
    rank = "Critical" if issue.critical else "Not critical"
    return paragraph(f"Latest findings{seen}. {rank}. ", named(issue, halo_link=halo_link))


def _seen(issue: Issue, *, halo_link: str) -> Node:
    seen = dated("Last seen on", at=issue.last_seen_at)
    return paragraph(f"{seen}. " if seen else "", named(issue, halo_link=halo_link))


def _news(evidence: Evidence, *, weighed: Weighed, found: News) -> Iterator[Node]:
    """The heading with its counts, what is there and new, and what is there no more."""
    kind = sighting(evidence).kind
    events = weighed.moves.count if weighed.moves and kind == "lids" else 0
    facts = list(_facts(found.facts))
    counts = list(_counts(found, kind=kind, events=events))
    back = flapping(weighed.moves)
    heading = listed(*facts, *counts)
    if not heading:
        heading = "as it was before" if back else "seen again, and nothing is new"
    yield paragraph(strong(f"{heading[:1].upper()}{heading[1:]}."))
    if weighed.moves and weighed.moves.count > 1:
        many = counted(weighed.moves.count, one="change", many="changes")
        what = counted(events, one="event", many="events") if events else many
        shown = ", the newest shown" if events else ", told together"
        since = in_words(datetime.fromisoformat(weighed.moves.since))
        yield paragraph(f"{what} since {since}{shown}.")
    if isinstance(evidence.finding, Gone | Unreadable):
        yield from unpublished.proof(evidence.issue, finding=evidence.finding)
    elif found.shown:
        yield from told(focused(evidence, names=found.shown)).proof
    yield from _gone(found, kind=kind)
    if back:
        yield paragraph(strong("Flapping: "), _listed_names(back, many=len(back)))


def _facts(facts: Mapping[str, tuple[str, str]]) -> Iterator[str]:
    for name, (before, now) in facts.items():
        match name:
            case "critical":
                yield "critical now" if now == "yes" else "no longer critical"
            case _:
                yield f"package version {before} to {now}" if before and now else "another version"


_WORDS: Final = {
    "sva": ("new vulnerability", "new vulnerabilities", "gone", "worse", "better", "changed"),
    "cves": ("new vulnerability", "new vulnerabilities", "gone", "worse", "better", "changed"),
    "csm": (
        "more check fails",
        "more checks fail",
        "fails no more",
        "worse",
        "better",
        "failing in another way",
    ),
    "fim": (
        "more file differs",
        "more files differ",
        "as in the baseline again",
        "worse",
        "better",
        "changed again",
    ),
    "lids": ("new event", "new events", "", "", "", ""),
    "other": ("new value", "new values", "gone", "worse", "better", "changed"),
}
"""By the kind of rows: one new, several new, gone, worse, better, changed."""
_OVER: Final = {"csm": "No longer failing", "fim": "As in the baseline again"}
"""By the kind of rows: under which words those stand that are gone. A file is not gone then."""


def _counts(found: News, *, kind: str, events: int) -> Iterator[str]:
    one, many, gone, worse, better, changed = _WORDS.get(kind, _WORDS["other"])
    new = max(len(found.new), events) if found.new else 0
    if new and found.first:
        yield "the evidence can be read now"
    elif new:
        yield counted(new, one=one, many=many)
    for names, word in ((found.worse, worse), (found.changed, changed), (found.better, better)):
        if names:
            yield f"{len(names):,} {word}"
    if left := len(found.gone) + found.gone_unnamed:
        yield f"{left:,} {gone}"


def _gone(found: News, *, kind: str) -> Iterator[Node]:
    """What is there no more, by name as far as memory has names."""
    many = len(found.gone) + found.gone_unnamed
    if many and kind != "lids":
        heading = _OVER.get(kind, "Gone")
        yield paragraph(strong(f"{heading}: "), _listed_names(found.gone, many=many))


def _listed_names(names: Iterable[str], *, many: int) -> str:
    shown = list(names)[:_NAMES_MAX]
    words = ", ".join(
        phrase(name.removeprefix("*").replace("_", " ") if name.startswith("*") else name)
        for name in shown
    )
    left = many - len(shown)
    if not shown:
        return f"{left:,}."
    return f"{words} and {left:,} more." if left > 0 else f"{words}."
