"""Tickets as Jira's database has them: reading by id or key, and creating in bulk.

Promises: a ticket is recognised by what it names, in our property or else in its id
field, and never by its number or its place in an answer; a ticket that Jira confirms and does not
show is `Unconfirmed`, and whatever else an answer to a create leaves open is `FateUnknown`.
Does not do: search (`search.py`), comments (`comments.py`), moving through a workflow
(`transitions.py`).
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct, field

from job.core import present
from job.core.ids import IssueId, TicketId, TicketKey, as_halo_writes, canonical
from job.core.model import Ticket
from job.core.statuses import Status
from job.core.tickets import PROPERTY, Draft, ids_held
from job.errors import FateUnknown, SyncError, Unconfirmed
from job.http.message import Request, Response
from job.jira.wire.exchange import (
    REJECTED,
    REMOTE,
    Site,
    readable,
    rejected,
    rejection,
    words_of,
    written,
)
from job.jira.wire.older import older_words
from job.ports import Creation, Identity

FETCH_MAX = 100
"""Jira Cloud REST v3, POST "issue/bulkfetch": 100 in one call, whatever else is asked for."""
CREATE_MAX = 50
"""Jira Cloud REST v3, POST "issue/bulk": up to 50 in one call."""
STATE_FIELDS = ("status", "project", "issuetype")

IDENTIFYING = "asking who we are"
READING, CREATING = "reading tickets", "creating tickets"


def identity(body: Any, *, server_time: datetime | None) -> Identity:
    """Jira Cloud REST v3, GET "myself". Raises `MalformedAnswer`."""
    with readable(IDENTIFYING):
        account_id, name = body["accountId"], body["displayName"]
        if not isinstance(account_id, str) or not account_id or not isinstance(name, str):
            raise TypeError("an account id and a name are texts")
        return Identity(
            account_id=account_id,
            display_name=name,
            server_time=server_time,
            locale=str(body.get("locale") or ""),
        )


# --- Reading --------------------------------------------------------------------------------------


def fetch(site: Site, names: Sequence[str], *, wanted: Collection[str]) -> Request:
    """Up to 100 tickets by id or key, with these fields."""
    body = {"issueIdsOrKeys": list(names), "fields": list(wanted), "properties": [PROPERTY]}
    return site.request("POST /rest/api/3/issue/bulkfetch", body=body)


def fields(id_field: str | None) -> list[str]:
    """What we want to know of a ticket."""
    return [*STATE_FIELDS, *([id_field] if id_field else [])]


def fetched(body: Any) -> tuple[list[Any], list[str]]:
    """The tickets of an answer as Jira wrote them, and the ids that are worth asking for again.

    Deleted and invisible tickets are in neither list (Jira Cloud REST v3, POST "issue/bulkfetch").
    """
    with readable(READING):
        again = [str(error["id"]) for error in body.get("issueErrors") or ()]
        return list(body["issues"]), again


def ticket(raw: Any, *, id_field: str | None, holding: Collection[str] = ()) -> Ticket:
    """One ticket, what it names, and what these fields hold."""
    with readable(READING):
        fields = raw["fields"]
        return Ticket(
            id=TicketId(str(raw["id"])),
            key=TicketKey(raw["key"]),
            project=fields["project"]["key"],
            status="",
            type_id=str(fields["issuetype"]["id"]),
            names=_names(raw, id_field=id_field),
            older_words=older_words(raw, id_field=id_field),
            holds={name: present.holding(fields[name]) for name in holding if name in fields},
        ).at(status(fields["status"]))


def status(raw: Any) -> Status:
    """Jira Cloud REST v3, `StatusDetails`. `untranslatedName` is not in its description and comes
    with some answers (observed); ids and the keys of categories are never translated.
    """
    return Status(
        name=raw["name"],
        id=str(raw.get("id") or ""),
        untranslated=raw.get("untranslatedName") or "",
        category=(raw.get("statusCategory") or {}).get("key") or "",
    )


def by_issue_id(
    tickets: Iterable[Ticket], *, wanted: Collection[IssueId]
) -> dict[IssueId, tuple[Ticket, ...]]:
    """Those tickets that name one of the wanted ids; each once, in the order given."""
    by_name = {canonical(issue_id): issue_id for issue_id in wanted}
    found: dict[IssueId, dict[TicketId, Ticket]] = {}
    for known in tickets:
        for name in known.names & by_name.keys():
            found.setdefault(by_name[name], {})[known.id] = known
    return {issue_id: tuple(seen.values()) for issue_id, seen in found.items()}


def candidates(raws: Iterable[Any], *, id_field: str, wanted: Collection[IssueId]) -> set[TicketId]:
    """Which tickets may name one of the wanted ids, by what the search index says of their id
    field.
    """
    names = {canonical(issue_id) for issue_id in wanted}
    with readable(READING):
        return {
            id_of(raw)
            for raw in raws
            if not names.isdisjoint(map(canonical, ids_held(raw["fields"].get(id_field))))
        }


def _names(raw: Any, *, id_field: str | None) -> frozenset[str]:
    """What our property says, which people do not see and clones do not inherit; without it, what
    the id field holds. Several ids there (labels that somebody collected) are nobody's.
    """
    ours = (raw.get("properties") or {}).get(PROPERTY)
    if isinstance(ours, dict) and isinstance(ours.get("issue"), str):
        return frozenset({canonical(ours["issue"])})
    if id_field is None:
        return frozenset()
    value = raw["fields"].get(id_field)
    held = {canonical(issue_id) for issue_id in ids_held(value)}
    if isinstance(value, list):
        held = {name for name in held if as_halo_writes(name)}
    return frozenset(held) if len(held) == 1 else frozenset()


def id_of(raw: Any) -> TicketId:
    """The id of a ticket of which nothing else need be known."""
    with readable(READING):
        return TicketId(str(raw["id"]))


def key_number(raw: Any) -> int:
    """The number in a ticket's key, such as 12 in `SEC-12`."""
    with readable(READING):
        return int(raw["key"].rpartition("-")[2])


def age_order(ticket_id: TicketId) -> tuple[int, str]:
    """Ids are digits and grow, so the shorter one is the older."""
    return len(ticket_id), ticket_id


# --- Creating -------------------------------------------------------------------------------------


class Made(Struct, frozen=True):
    """A ticket that Jira says it has created."""

    id: TicketId
    key: TicketKey


class Sent(Struct, frozen=True):
    """What became of one bulk call, as far as its answer tells."""

    created: tuple[Made, ...] = ()
    errors: Mapping[IssueId, SyncError] = field(default_factory=dict)

    def __add__(self, other: "Sent") -> "Sent":
        return Sent(self.created + other.created, {**self.errors, **other.errors})


def create(site: Site, drafts: Sequence[Draft]) -> Request:
    """The Halo id rides in the create itself, in the id field and in a property. Jira makes the
    tickets one by one.
    """
    updates = [
        {"fields": dict(draft.fields), "properties": list(draft.properties)} for draft in drafts
    ]
    return site.request(
        "POST /rest/api/3/issue/bulk",
        body={"issueUpdates": updates},
        repeatable=False,
        deadline_s=60.0 + len(drafts),
    )


def created(response: Response, *, drafts: Sequence[Draft]) -> Sent:
    """The new ids, and the errors of single drafts. Raises `TicketRejected` for all, `FateUnknown`
    when unreadable.

    201 when at least one was created, 400 of the same shape when none was; a body that Jira could
    not take is a plain 400 (Jira Cloud REST v3, POST "issue/bulk").
    """
    if response.status in REJECTED:
        body = _itemised(response)
        if body is None:
            raise rejection(response, doing=CREATING)
    else:
        body = written(response, doing=CREATING)
    try:
        made = tuple(
            Made(TicketId(str(raw["id"])), TicketKey(raw["key"])) for raw in body["issues"]
        )
        return Sent(made, dict(_refused(body["errors"], drafts=drafts)))
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        what = f"the answer cannot be read ({type(error).__name__}: {error})."
        raise FateUnknown(REMOTE, CREATING, what) from error


def _itemised(response: Response) -> Any:
    """The body of a refusal that speaks of single drafts; `None` for one that speaks of the whole
    call.
    """
    try:
        body = response.json()
    except ValueError:
        return None
    errors = body.get("errors") if isinstance(body, dict) else None
    return body if isinstance(errors, list) and "issues" in body else None


def _refused(
    errors: Iterable[Any], *, drafts: Sequence[Draft]
) -> Iterable[tuple[IssueId, SyncError]]:
    """Jira's words for a draft stand in two places, `errorMessages` and `errors`;
    `failedElementNumber` is 0-based.
    """
    for error in errors:
        status = int(error.get("status") or 400)
        if status < 500:
            words = words_of(error["elementErrors"])
            draft = drafts[error["failedElementNumber"]]
            yield draft.issue_id, rejected(words, doing="creating the ticket", status=status)


def creations(
    drafts: Sequence[Draft], *, sent: Sent, shown: Mapping[TicketId, Ticket]
) -> list[Creation]:
    """How each draft ended. A ticket that was read back outweighs whatever the answer said; `shown`
    are the new tickets that Jira shows us.
    """
    found = by_issue_id(shown.values(), wanted=[draft.issue_id for draft in drafts])
    missing = _unaccounted(drafts, sent=sent, found=found)
    ended: list[Creation] = []
    for draft in drafts:
        if draft.issue_id in found:
            ended.append(Creation(draft=draft, ticket=found[draft.issue_id][0]))
            continue
        error: SyncError | None = sent.errors.get(draft.issue_id)
        if draft.issue_id in missing:
            made = missing[draft.issue_id]
            error = _unconfirmed(made, is_shown=made.id in shown)
        silence = "no new ticket that can be read holds the Halo id."
        ended.append(Creation(draft=draft, error=error or FateUnknown(REMOTE, CREATING, silence)))
    return ended


def _unaccounted(
    drafts: Sequence[Draft], *, sent: Sent, found: Mapping[IssueId, Sequence[Ticket]]
) -> dict[IssueId, Made]:
    """The drafts that became tickets which name none of the ids, each with one of these. Which
    it is, nobody knows where there are several; whoever sees them later finds his own by search.
    """
    known = {ticket.id for tickets in found.values() for ticket in tickets}
    made = [ticket for ticket in sent.created if ticket.id not in known]
    silent = [
        draft.issue_id
        for draft in drafts
        if draft.issue_id not in found and draft.issue_id not in sent.errors
    ]
    return dict(zip(silent, made, strict=True)) if len(silent) == len(made) else {}


def _unconfirmed(made: Made, *, is_shown: bool) -> Unconfirmed:
    why = "it does not show it to us: look at its security level and at our right to browse"
    if is_shown:
        why = "it does not name its issue: a rule of the site may have rewritten it"
    return Unconfirmed(
        f"Jira created {made.key} ({made.id}), but {why}. It is not created again.",
        ticket_id=made.id,
        ticket_key=made.key,
    )
