"""Which fields of a ticket follow Halo, and whose each value is: ours, or a person's for good.

Promises: a value that we cannot know we wrote is a person's; whatever a person changed stays as it
is; labels come and go by name, and one of ours that a person took away stays away; a ticket is
edited only where something that Halo says of its fields has changed.
Does not do: sending an edit (`flow/edit.py`), or filling new tickets (`fields.py`).
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from hashlib import sha256
from itertools import chain
from typing import Any, Final

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from job.core import fields, ladders, templates
from job.core.issues import Evidence
from job.core.memory import Link
from job.core.present import Form, Holding, form
from job.core.shape import CreateScreen, FieldSpec, TicketSettings
from job.core.summary import summary

FIELDS_MAX: Final = 60
"""Fields of one ticket that are remembered. What is beyond is a person's."""
WORDS_MAX: Final = 8_000
"""Characters of labels that are remembered for one field."""
SUMMARY: Final = "summary"
ALL: Final = ("all",)
"""The setting under which every field follows that Halo fills."""


class Labels(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Labels in one field. What is in none of these is a person's."""

    ours: tuple[str, ...] = ()
    away: tuple[str, ...] = ()
    """Of ours, taken away by a person."""
    moving: tuple[str, ...] = ()
    """About to be added or removed by an edit whose end is not known."""


class Wrote(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What we wrote into the fields of one ticket."""

    source: str
    """Stands for all that Halo said of these fields when they were looked at last."""
    forms: dict[str, tuple[Form, ...]] = msgspec.field(default_factory=dict)
    """By Jira's id of the field: the value that is ours, and one that an edit of unknown end was to
    write. None at all for a field that is a person's.
    """
    labels: dict[str, Labels] = msgspec.field(default_factory=dict)
    due: str = ""
    """The day that the rule gave, which may have been over by then."""

    @property
    def text(self) -> str:
        return msgspec.json.encode(self).decode()

    @property
    def watched(self) -> frozenset[str]:
        """The fields whose present value must be known before any of them is written."""
        ours = (field_id for field_id, forms in self.forms.items() if forms)
        return frozenset((*ours, *self.labels))


class Edit(Struct, frozen=True, kw_only=True):
    """One edit of a ticket: values by field id, and labels to add and remove."""

    fields: Mapping[str, Any]
    labels: Mapping[str, tuple[Mapping[str, str], ...]]
    pending: str
    """What memory holds while its end is not known."""
    done: Wrote
    """What memory holds once it is certain."""
    before: Wrote
    """What memory holds where Jira took nothing of it."""

    @property
    def touched(self) -> frozenset[str]:
        return frozenset((*self.fields, *self.labels))

    def without(self, refused: Iterable[str]) -> "Edit":
        """The same without fields that Jira refuses; they stay as they are."""
        gone = self.touched.intersection(refused)
        kept_forms = {name: self.before.forms[name] for name in gone & self.before.forms.keys()}
        kept_labels = {name: self.before.labels[name] for name in gone & self.before.labels.keys()}
        return replace(
            self,
            fields={name: value for name, value in self.fields.items() if name not in gone},
            labels={name: steps for name, steps in self.labels.items() if name not in gone},
            done=replace(
                self.done,
                forms=self.done.forms | kept_forms,
                labels=self.done.labels | kept_labels,
            ),
        )


def remembered(text: str) -> Wrote | None:
    """What such a text says; `None` for "" and for one that another version wrote."""
    try:
        return msgspec.json.decode(text, type=Wrote) if text else None
    except msgspec.DecodeError:
        return None


def watched(links: Iterable[Link]) -> frozenset[str]:
    """The fields whose present value must be known before any of them is written."""
    kept = (remembered(link.wrote) for link in links)
    return frozenset(chain.from_iterable(wrote.watched for wrote in kept if wrote))


def source_of(evidence: Evidence, *, settings: TicketSettings, now: datetime) -> str:
    """Stands for all that Halo says of the fields of a ticket, without asking Jira for anything."""
    issue = evidence.issue
    said: list[object] = [summary(issue)]
    said += [templates.parse_mapped(halo).filled(evidence) for halo, _ in settings.mapping]
    said += [
        templates.filled_list(label, evidence=evidence)
        for label in settings.labels
        if templates.is_template(label)
    ]
    said += [ladders.first(settings.priority, issue=issue), _rule_day(evidence, settings, now)]
    return sha256(repr(said).encode(errors="surrogatepass")).hexdigest()[:12]


def _rule_day(evidence: Evidence, settings: TicketSettings, now: datetime) -> str:
    due = ladders.due(settings.due, issue=evidence.issue, made_at=now)
    return (due.overdue_since or due.on).isoformat() if due else ""


# --- A new ticket ---------------------------------------------------------------------------------


def first_written(
    values: Mapping[str, Any],
    *,
    evidence: Evidence,
    settings: TicketSettings,
    screen: CreateScreen,
    made_at: datetime,
) -> Wrote:
    """What is remembered of the values of a new ticket. A field that Halo may fill and does not yet
    counts as written empty.
    """
    forms: dict[str, tuple[Form, ...]] = {}
    labels: dict[str, Labels] = {}
    for spec in followers(settings, screen=screen)[:FIELDS_MAX]:
        value = values.get(spec.id)
        if _is_labels(spec):
            labels[spec.id] = Labels(ours=_bounded(value or ()))
        else:
            forms[spec.id] = (form(value),)
    return Wrote(
        source=source_of(evidence, settings=settings, now=made_at),
        forms=forms,
        labels=labels,
        due=_rule_day(evidence, settings, made_at),
    )


def followers(settings: TicketSettings, *, screen: CreateScreen) -> list[FieldSpec]:
    """The fields that Halo fills. One that only a setting fills, and the one that holds the issue's
    id, follow nothing.
    """
    names = [SUMMARY, *(name for _, name in settings.mapping)]
    names += [fields.LABELS] if settings.labels else []
    names += [fields.PRIORITY] if settings.priority else []
    names += [fields.DUE] if settings.due else []
    specs = {spec.id: spec for name in names for spec in screen.matching(name)}
    fixed = {spec.id for name, _ in settings.static for spec in screen.matching(name)}
    return [
        spec
        for spec in specs.values()
        if spec.id != screen.id_field.id and (spec.id not in fixed or _is_labels(spec))
    ]


def _is_labels(spec: FieldSpec) -> bool:
    return spec.kind == "array of string"


def _bounded(words: Iterable[str]) -> tuple[str, ...]:
    """As many as memory has room for. One that is not remembered is never taken away."""
    kept, room = [], WORDS_MAX
    for word in words:
        room -= len(word) + 4
        if room < 0:
            break
        kept.append(word)
    return tuple(kept)


def does_follow(spec: FieldSpec, *, settings: TicketSettings) -> bool:
    """Whether the settings want this field to follow."""
    if settings.follow == ALL:
        return True
    named = {name.casefold() for name in settings.follow}
    return spec.id.casefold() in named or spec.name.casefold() in named


def edit(
    evidence: Evidence,
    *,
    wrote: Wrote,
    holds: Mapping[str, Holding],
    settings: TicketSettings,
    screen: CreateScreen,
    now: datetime,
    people: fields.People = fields.NOBODY,
) -> Edit:
    """What is to be written into the ticket, perhaps nothing. `holds` is what its fields hold now,
    by id. Raises `UnusableValue` where a required field cannot have its value.
    """
    filled = fields.filled(
        evidence, settings=settings, screen=screen, made_at=now, people=people
    ).fields
    wanted = {SUMMARY: summary(evidence.issue)} | filled
    day = _rule_day(evidence, settings, now)
    following = {
        spec.id: spec
        for spec in followers(settings, screen=screen)
        if does_follow(spec, settings=settings)
    }
    if day == wrote.due:
        following.pop(fields.DUE, None)
    before = _seen(wrote, holds=holds)
    values: dict[str, Any] = {}
    for field_id in following.keys() & before.forms.keys() & holds.keys() & wanted.keys():
        if before.forms[field_id] and before.forms[field_id] != (form(wanted[field_id]),):
            values[field_id] = wanted[field_id]
    moves = {
        field_id: _label_moves(
            before.labels[field_id], holds=holds[field_id], wanted=wanted.get(field_id, ())
        )
        for field_id in following.keys() & before.labels.keys() & holds.keys()
    }
    return _edit_of(
        values,
        moves={field_id: steps for field_id, steps in moves.items() if steps},
        before=before,
        source=source_of(evidence, settings=settings, now=now),
        day=day,
    )


def _seen(wrote: Wrote, *, holds: Mapping[str, Holding]) -> Wrote:
    """What is ours by what the ticket holds now."""
    forms = dict(wrote.forms)
    labels = dict(wrote.labels)
    for field_id, held in holds.items():
        if field_id in forms:
            forms[field_id] = (held.form,) if held.form in forms[field_id] else ()
        elif field_id in labels:
            known, there = labels[field_id], set(held.words)
            ours = dict.fromkeys((*known.ours, *known.moving))
            gone = (word for word in known.ours if word not in there)
            labels[field_id] = Labels(
                ours=tuple(word for word in ours if word in there),
                away=_bounded(dict.fromkeys((*known.away, *gone))),
            )
    return replace(wrote, forms=forms, labels=labels)


def _label_moves(
    known: Labels, *, holds: Holding, wanted: Iterable[str]
) -> tuple[Mapping[str, str], ...]:
    """Steps by name, so that nobody's label is in the way."""
    keep, there = set(wanted), set(holds.words)
    removed = [{"remove": word} for word in known.ours if word not in keep]
    added = [{"add": word} for word in wanted if word not in there and word not in known.away]
    return (*removed, *added)


def _edit_of(
    values: Mapping[str, Any],
    *,
    moves: Mapping[str, tuple[Mapping[str, str], ...]],
    before: Wrote,
    source: str,
    day: str,
) -> Edit:
    new = {field_id: form(value) for field_id, value in values.items()}
    done_labels, pending_labels = dict(before.labels), dict(before.labels)
    for field_id, steps in moves.items():
        known = before.labels[field_id]
        removed = [step["remove"] for step in steps if "remove" in step]
        added = [step["add"] for step in steps if "add" in step]
        stay = tuple(word for word in known.ours if word not in removed)
        done_labels[field_id] = replace(known, ours=_bounded((*stay, *added)))
        pending_labels[field_id] = replace(known, ours=stay, moving=_bounded((*removed, *added)))
    both = {field_id: (*before.forms[field_id], written) for field_id, written in new.items()}
    only = {field_id: (written,) for field_id, written in new.items()}
    # Whether Halo says what it said before tells nothing while it is not known what stands there.
    pending = Wrote(source="", forms=before.forms | both, labels=pending_labels)
    done = Wrote(source=source, forms=before.forms | only, labels=done_labels, due=day)
    return Edit(fields=values, labels=moves, pending=pending.text, done=done, before=before)
