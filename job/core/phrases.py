"""Small pieces of text as tickets and comments say them: phrases, lists of words, instants.

Promises: a phrase is one line and short enough to stand in a paragraph; an instant is told in UTC,
to the minute.
Does not do: sentences (`tickets.py`, `evidence.py`).
"""

from datetime import UTC, datetime
from typing import Final, assert_never

from job.core import adf
from job.core.issues import Issue, IssueKind

_PHRASE_MAX: Final = 300


def phrase(words: str) -> str:
    """Words that are short enough to stand inside a paragraph, which is never cut."""
    return adf.cut(adf.one_line(words), units_max=_PHRASE_MAX)


def joined(*words: str) -> str:
    return " ".join(filter(None, words))


def listed(*words: str) -> str:
    return ", ".join(filter(None, words))


def in_words(at: datetime | None) -> str:
    return f"{at.astimezone(UTC).replace(tzinfo=None).isoformat(' ', 'minutes')} UTC" if at else ""


def dated(words: str, *, at: datetime | None) -> str:
    return f"{words} {in_words(at)}" if at else ""


def subject(issue: Issue) -> str:
    """What an issue is about, in a word or two."""
    match issue.kind:
        case IssueKind.AGENT:
            words = "Agent"
        case IssueKind.CSM:
            words = "Configuration"
        case IssueKind.FIM:
            words = "File integrity"
        case IssueKind.FW:
            words = "Firewall"
        case IssueKind.LIDS:
            words = "Log event"
        case IssueKind.SAM:
            words = "Server account"
        case IssueKind.SVA | IssueKind.IMAGE_SVA:
            words = "Vulnerable package"
        case IssueKind.OTHER:
            words = phrase(issue.type) or "Issue"
        case _:
            assert_never(issue.kind)
    return words
