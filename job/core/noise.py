"""Whether news is told now, later or never: no ticket is talked at more often than its rule says.

Promises: within the interval after a comment, news is gathered and then told together; what became
critical, and a new vulnerability of CVSS 9 or more, is told at once; what was seen before is never
news.
Does not do: finding words (`comments.py`), or remembering (`steps.py`).
"""

from datetime import datetime
from enum import StrEnum

from msgspec import Struct

from job.core.evidence import fingerprint
from job.core.findings import Gone, Unreadable
from job.core.issues import Evidence
from job.core.memory import Link
from job.core.news import News, flapping, is_urgent, moved, news
from job.core.recollection import Moves, moves_remembered, recollection, remembered, written
from job.core.routes import CommentRule, CommentWhen
from job.core.sightings import sighting
from job.core.unread import gathered


class Telling(StrEnum):
    """What is done with what was seen."""

    SILENT = "silent"
    GATHER = "gather"
    TELL = "tell"


class Weighed(Struct, frozen=True, kw_only=True):
    """The answer, and what there is to tell. `found` is `None` where memory does not know what was
    told last: then all is told.
    """

    telling: Telling
    found: News | None = None
    moves: Moves | None = None
    tell_at: datetime | None = None
    """When what is gathered is due."""
    recalls: str = ""
    """What memory keeps, once this is told; where nothing is told, what it keeps as it is."""


def weigh(evidence: Evidence, *, link: Link | None, rule: CommentRule, now: datetime) -> Weighed:
    """What to do about an update. `link` is what memory knows of the ticket."""
    seen = sighting(evidence)
    told = remembered(link.recalls) if link else None
    recalls = written(recollection(seen, before=told))
    if link is None or told is None:
        silent = link is not None and _says_as_much(link, evidence=evidence)
        told_anyway = rule.when is CommentWhen.UPDATE and not (link and link.relearns)
        telling = Telling.SILENT if silent and not told_anyway else Telling.TELL
        return Weighed(telling=telling, recalls=recalls)
    found = news(told, seen=seen)
    moves = moved(
        gathered(moves_remembered(link.gathered)), told=told, seen=seen, found=found, at=now
    )
    worth = bool(found) or bool(flapping(moves)) or rule.when is CommentWhen.UPDATE
    due_at = link.commented_at + rule.every if link.commented_at else now
    if worth and (is_urgent(found, seen=seen) or due_at <= now):
        return Weighed(telling=Telling.TELL, found=found, moves=moves, recalls=recalls)
    if moves is None or due_at <= now:
        better_known = not found and bool(seen.rows) and seen.kind != told.kind
        return Weighed(telling=Telling.SILENT, recalls=recalls if better_known else link.recalls)
    return Weighed(
        telling=Telling.GATHER, found=found, moves=moves, tell_at=due_at, recalls=link.recalls
    )


def _says_as_much(link: Link, *, evidence: Evidence) -> bool:
    """Whether the ticket says what was seen, as far as a link without rows can tell."""
    if link.relearns or link.fingerprint == fingerprint(evidence):
        return True
    silent = isinstance(evidence.finding, Gone | Unreadable)
    return silent and link.outline == fingerprint(Evidence(issue=evidence.issue))
