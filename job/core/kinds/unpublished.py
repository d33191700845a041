"""Whatever has no known shape, or no finding at all: what there is, and what is not known.

Promises: a finding's own keys and values are shown as they came; that Halo has no finding is said
only where its answer names none.
Does not do: guessing what a key means.
"""

from collections.abc import Iterator

from job.core import adf
from job.core.adf import Node, code, paragraph
from job.core.findings import Gone, OtherFinding, Unreadable
from job.core.issues import Evidence, Issue, IssueKind
from job.core.kinds.told import Told, listed_rows
from job.core.phrases import phrase, place_of, stated


def told(evidence: Evidence, *, finding: OtherFinding | Gone | Unreadable | None) -> Told:
    issue = evidence.issue
    where = f" on {place}" if (place := phrase(place_of(issue))) else ""
    return Told(
        headline=f"{stated(issue.name)}{where}.",
        fix=[
            paragraph(
                "Halo's API tells no remedy for this. The rule and the policy named below say what "
                "is wanted."
            ),
            paragraph("Once Halo calls the issue resolved, this ticket is closed by itself."),
        ],
        proof=list(proof(issue, finding=finding)),
    )


def proof(issue: Issue, *, finding: OtherFinding | Gone | Unreadable | None) -> Iterator[Node]:
    """What there is in the place of evidence that could be told in words."""
    match finding:
        case OtherFinding():
            yield from _as_it_came(issue, finding=finding)
        case Gone(url=url, early=True):
            words = "The evidence is not readable yet, as happens while an issue is new. It is at "
            yield adf.panel("note", paragraph(words, code(phrase(url)), "."))
        case Gone(url=url):
            yield adf.panel(
                "note",
                paragraph(
                    "Halo no longer has the evidence, usually because the server was deleted. It "
                    "was at ",
                    code(phrase(url)),
                    ".",
                ),
            )
        case Unreadable(url=url, why=why):
            yield adf.panel(
                "note",
                paragraph(
                    "What Halo has as evidence cannot be read, so the issue itself speaks for it. "
                    f"{phrase(why)} It is at ",
                    code(phrase(url)),
                    ".",
                ),
            )
        case None:
            yield paragraph(
                "Halo names no finding for this issue, so what the issue itself says is all that "
                "is known here."
            )


def _as_it_came(issue: Issue, *, finding: OtherFinding) -> Iterator[Node]:
    if finding.why:
        shape = f"The finding has not the shape of its type. {phrase(finding.why)} "
    else:
        kind = phrase(issue.type) if issue.kind is IssueKind.OTHER else issue.kind.value
        shape = (
            f"What a finding of the type {kind or 'that Halo does not name'} means is published "
        )
        shape += "nowhere. "
    yield paragraph(f"{shape}Its keys and values, as they came:")
    if not finding.rows:
        yield paragraph("It has none.")
    rows = [(code(phrase(key)), value) for key, value in finding.rows]
    yield from listed_rows(rows, head=("Key", "Value"), total=len(finding.rows) + finding.more)
