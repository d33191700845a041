"""What a new ticket says about an issue, and what the ticket's id field holds.

Promises: a person can act on a ticket without opening Halo: it says what was found, why that
matters, how to fix it, where it is and whose, and what proves it; the value of the id field follows
from the id of the issue alone, whether the field is a text, a URL or labels.
Does not do: words for one kind of finding (`kinds/`), comments (`comments.py`), or sending.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from msgspec import Struct

from job.core import adf, comments, fields, follow
from job.core.adf import Node, paragraph, strong
from job.core.evidence import fingerprint, told
from job.core.fields import Filled
from job.core.ids import Fingerprint, IssueId
from job.core.issues import Evidence, Issue, IssueStatus
from job.core.phrases import dated, in_words, listed
from job.core.recollection import recollection, written
from job.core.routes import Destination
from job.core.shape import CreateScreen, FieldSpec, TicketSettings
from job.core.sightings import sighting
from job.core.summary import summary
from job.core.where import books, where

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
    recalls: str = ""
    """What memory keeps of what it says."""
    wrote: str = ""
    """What memory keeps of the values of its fields."""
    left_out: tuple[str, ...] = ()
    """A sentence for each field that could not take its value; the ticket says them too."""


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
    ours: dict[str, Any] = {
        "project": {"key": screen.project_key},
        "issuetype": {"id": screen.type_id},
        "summary": summary(issue),
        screen.id_field.id: id_value(issue.id, spec=screen.id_field, settings=settings),
    }
    if "description" in screen.fields:
        blocks = description(evidence, filled=filled, halo_link=settings.halo_link, made_at=made_at)
        ours["description"] = comments.document(issue, blocks=blocks, halo_link=settings.halo_link)
    values = filled.fields | ours
    wrote = follow.first_written(
        values, evidence=evidence, settings=settings, screen=screen, made_at=made_at
    )
    return Draft(
        issue_id=issue.id,
        fields=values,
        properties=({"key": PROPERTY, "value": {"v": 1, "issue": issue.id} | destination.mark},),
        fingerprint=fingerprint(evidence),
        outline=fingerprint(Evidence(issue=issue)),
        recalls=written(recollection(sighting(evidence), before=None)),
        wrote=wrote.text,
        left_out=filled.left_out,
    )


def description(
    evidence: Evidence, *, filled: Filled, halo_link: str, made_at: datetime
) -> Iterator[Node]:
    """All that a ticket says, block by block."""
    issue, said = evidence.issue, told(evidence)
    due = str(filled.fields.get(fields.DUE, ""))
    if issue.status is IssueStatus.RESOLVED:
        yield comments.resolution(issue)
    yield paragraph(strong(said.headline))
    yield paragraph(f"{_urgency(issue, due=due)}.")
    yield from _under("Why it matters", blocks=said.why)
    yield from _under("How to fix", blocks=said.fix)
    if places := where(evidence):
        yield from _under("Where", blocks=[adf.facts(places)])
    yield from _under("Evidence", blocks=said.proof)
    yield adf.heading("In Halo")
    yield adf.facts(
        [*books(issue, due=due), ("Halo issue", comments.linked_id(issue, halo_link=halo_link))]
    )
    yield paragraph(
        f"As it was on {in_words(made_at)}. "
        "What changes later stands in comments, not in this text."
    )
    if filled.closing_words:
        yield paragraph(filled.closing_words)


def _under(heading: str, *, blocks: Sequence[Node]) -> Iterator[Node]:
    if blocks:
        yield adf.heading(heading)
        yield from blocks


def _urgency(issue: Issue, *, due: str) -> str:
    """How urgent it is, in one sentence."""
    return listed(
        "Critical" if issue.critical else "Not critical",
        dated("first seen on", at=issue.first_seen_at or issue.created_at),
        due and f"due on {due}",
    )
