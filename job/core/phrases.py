"""Small pieces of text as tickets and comments say them: phrases, lists of words, instants, names.

Promises: a phrase is one line and short enough to stand in a paragraph; an instant is told in UTC,
to the minute; the name of a rule is told as what is the case, where that can be done without harm.
Does not do: whole tickets and comments (`tickets.py`, `comments.py`).
"""

import re
from datetime import UTC, datetime, timedelta
from typing import Final

from job.core import adf
from job.core.issues import Issue

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


def spell(lasted: timedelta) -> str:
    """A length of time in its largest unit, as `8 days`."""
    hours = int(lasted / timedelta(hours=1))
    for unit, many in (("day", hours // 24), ("hour", hours)):
        if many:
            return f"{many:,} {unit}" if many == 1 else f"{many:,} {unit}s"
    return "less than an hour"


def place_of(issue: Issue) -> str:
    """Where the issue is, in the word that people know best."""
    return (
        issue.asset_hostname
        or issue.asset_name
        or issue.csp_resource_id
        or issue.repository_name
        or issue.asset_id
    )


_NUMBER: Final = re.compile(r"(?:\(?[A-Z]{0,5}[-. ]?\d+(?:\.\d+)+\)?|\d+\.)[\s:.)-]+(?=\S)")
_WANTED: Final = re.compile(r"ensure (?:that )?(.+?) (is|are) (?!not\b)(.+)", re.IGNORECASE)
_UNWANTED: Final = re.compile(r"ensure (?:that )?(.+?) (is|are) not (.+)", re.IGNORECASE)
_SEVERAL: Final = re.compile(r"\b(and|or|if|unless|only|no)\b(?! (less|more|greater|fewer|higher))")


def stated(rule: str) -> str:
    """The name of a rule as what is the case: `SSH root login is not disabled` for `5.2.8 Ensure
    SSH root login is disabled`. One that cannot be turned round safely stands as it is.
    """
    words = phrase(rule)
    plain = _NUMBER.sub("", words, count=1) if _NUMBER.match(words) else words
    if not plain:
        return "Unnamed"
    if _SEVERAL.search(plain.lower()):
        turned = re.sub(r"^ensure\b", "Not met: ensure", plain, flags=re.IGNORECASE)
    elif found := _UNWANTED.fullmatch(plain):
        turned = f"{found[1]} {found[2]} {found[3]}"
    elif found := _WANTED.fullmatch(plain):
        turned = f"{found[1]} {found[2]} not {found[3]}"
    else:
        turned = re.sub(r"^ensure\b", "Not met: ensure", plain, flags=re.IGNORECASE)
    return turned[:1].upper() + turned[1:]
