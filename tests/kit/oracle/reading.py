"""What a ticket or a comment says: which issue it is of, what kind of word it is, and which
revision of the evidence it tells of.

The revision stands in the words of the simulated scans (`job/sim/halo/evidence.py`): so many checks
of a configuration, so many vulnerabilities, a number in a log entry or in a file's hash.
"""

import re
from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

from job.sim.jira.adf import plain_text
from job.sim.jira.people import Snapshot
from job.sim.jira.tickets import Comment

ID_FIELD = "customfield_10010"
CLOSED = {"Done", "Closed"}
HARD_CLOSED = "Closed"
ACCEPTED = "Accepted Risk"
UNNAMED = "Rejected"
"""Where work is over by Jira's own category, and which no setting names."""

_CHECK = re.compile(r"/etc/ssh/sshd_config\.d/(\d+)\.conf")
_FILE = re.compile(r"\b0{24}(?!0{8})[0-9a-f]{8}([0-9a-f]{32})\b")
_EVENT = re.compile(r"authentication failure no\. (\d+);")
_ADVISORY = re.compile(r"CVE-\d{4}-\d+")
_ISSUE = re.compile(r"Halo issue\s+([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})")
_NO_EVIDENCE = ("not readable yet", "Halo no longer has the evidence", "cannot be read")


class Word(StrEnum):
    """What a comment of ours is for."""

    UPDATE = "update"
    CLOSE = "close"
    REOPEN = "reopen"


def word_of(text: str) -> Word:
    """Its first words say what a comment is for."""
    if "Reopened" in text[:40]:
        return Word.REOPEN
    return Word.CLOSE if "Resolved in Halo" in text[:40] else Word.UPDATE


def revision_in(text: str) -> int | None:
    """The revision of the evidence that is told; `None` where a text tells of none."""
    if numbers := [int(number) for number in (*_CHECK.findall(text), *_EVENT.findall(text))]:
        return max(numbers)
    if hashes := _FILE.findall(text):
        return max(int(revision, 16) for revision in hashes)
    return len(set(_ADVISORY.findall(text))) or None


def revision_after(texts: Sequence[str]) -> int | None:
    """The revision that somebody knows who has read all of these, the last of which tells of
    evidence. Of vulnerabilities a comment names only those that are new.
    """
    if _ADVISORY.search(texts[-1]) and not (_CHECK.search(texts[-1]) or _EVENT.search(texts[-1])):
        return len({advisory for text in texts for advisory in _ADVISORY.findall(text)})
    return revision_in(texts[-1])


def tells_evidence(text: str) -> bool:
    """Whether it tells of evidence, or that there is none to be had."""
    return revision_in(text) is not None or lacks_evidence(text)


def lacks_evidence(text: str) -> bool:
    """Whether it says that there is no evidence to be had."""
    return any(words in text for words in _NO_EVIDENCE)


def issues_in(text: str) -> set[str]:
    """The issues that a comment speaks of."""
    return set(_ISSUE.findall(text))


def description_of(ticket: Snapshot) -> str:
    """The words that a ticket began with, whatever language they are kept in."""
    return plain_text(ticket.fields.get("description"))


def own_comments(ticket: Snapshot) -> list[tuple[Comment, str]]:
    """What we said on a ticket, each with its words; what the vendor repeated is left out."""
    return [
        (comment, plain_text(comment.body))
        for comment in ticket.comments
        if comment.ours and not comment.again
    ]


def issue_of(ticket: Snapshot) -> str:
    """The issue of a ticket: by the mark that it was born with, else by its id field, in whatever
    case a rule of the site writes it. "" for none at all.
    """
    marked = ticket.properties.get("halo.sync", {}).get("issue")
    return str(marked or ticket.fields.get(ID_FIELD) or "").lower()


def names_ever(ticket: Snapshot) -> set[str]:
    """Every issue that a ticket named at some time."""
    edits = [change for change in ticket.history if change.what == ID_FIELD]
    fields = {str(value) for edit in edits for value in (edit.before, edit.after) if value}
    return fields | ({issue_of(ticket)} - {""})


def status_at(ticket: Snapshot, *, at: datetime) -> str | None:
    """Its status then; `None` for the one that it started in."""
    past = [change.after for change in ticket.history if change.what == "status"]
    when = [change.at for change in ticket.history if change.what == "status"]
    reached = [after for after, moment in zip(past, when, strict=True) if moment <= at]
    return str(reached[-1]) if reached else None
