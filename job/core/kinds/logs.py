"""A line of a log that matched a rule: the line as it was written, and how such an issue ends.

Promises: the line stands in a code block, so that nothing in it becomes markup.
Does not do: other lines; an issue's newest event is all that is read.
"""

from collections.abc import Iterator

from job.core import adf
from job.core.adf import Node, paragraph
from job.core.findings import LidsEvent
from job.core.issues import Evidence
from job.core.kinds.told import Told
from job.core.phrases import in_words, phrase, place_of


def told(evidence: Evidence, *, finding: LidsEvent) -> Told:
    issue = evidence.issue
    where = f" on {place}" if (place := phrase(place_of(issue))) else ""
    policy = f' of the policy "{phrase(issue.policy_name)}"' if issue.policy_name else ""
    rule = f'"{phrase(issue.name)}"' if issue.name.strip() else "of its policy"
    return Told(
        headline=f"A line of a log{where} matched the rule {rule}.",
        why=[
            *adf.prose(finding.message),
            paragraph(f"The rule{policy} watches for lines that somebody should look at."),
        ],
        fix=[
            paragraph(
                "Find out whether what the line tells of was meant. If it was not, treat it as an "
                "incident. If it was and will come again, narrow the rule in Halo."
            ),
            paragraph(
                "No scan can pass over a line that was written: resolve the issue in Halo once it "
                "is dealt with, and this ticket is closed by itself."
            ),
        ],
        proof=list(proof(finding)),
    )


def proof(event: LidsEvent) -> Iterator[Node]:
    """The line, and when it was logged."""
    if event.created_at:
        yield paragraph(f"Logged on {in_words(event.created_at)}:")
    if event.log_entry:
        yield adf.code_block(event.log_entry)
