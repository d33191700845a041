"""Finding tickets by search: JQL, and Jira's answers to it.

Promises: a query stays within the sizes that Jira is known to take; every value is quoted; an
incomplete answer is an error.
Does not do: believing the answer. The index runs behind the database by seconds, at times by hours,
so what is found has to be read by id, and what is not found may exist (developer.atlassian.com,
"Search and reconcile").
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from enum import StrEnum
from typing import Any, assert_never

from msgspec import Struct

from job.core.ids import IssueId
from job.core.older import old_writing
from job.core.shape import FieldSpec, TicketSettings
from job.core.tickets import id_value, ids_held, texts_held
from job.errors import BadSettings, MalformedAnswer, Problem
from job.http.message import Request
from job.jira.wire.exchange import REMOTE, Site, readable, shorten

IDS_MAX = 50
JQL_MAX = 8_000
"""Jira names no limit; queries of several thousand operands fail
(jira.atlassian.com/browse/JRACLOUD-84010).
"""
PAGE_MAX = 100
PAGES_MAX = 100
SEARCHING = "searching tickets"
PARSING = "asking whether our searches are understood"
KEYS = ("key",)


class Form(StrEnum):
    """The forms in which a value of the id field is asked for. Where a site takes several, the
    first that is seen to find something is used.
    """

    EXACT = "exact"
    """The very value; many in one list."""
    PHRASE = "phrase"
    """Its words beside each other. To phrases the index of some sites was blind for weeks
    (canonical/gh-jira-sync-bot#100 to #103).
    """
    WORDS = "words"
    """Its words, wherever they stand."""


class IdClause(Struct, frozen=True, kw_only=True):
    """How JQL asks for the id field: by its number, and in which form."""

    name: str
    form: Form


class Hits(Struct, frozen=True, kw_only=True):
    """One page of a search."""

    raws: list[Any]
    next_token: str | None


def operators(site: Site) -> Request:
    """Jira Cloud REST v3, GET "jql/autocompletedata": what each field can be searched by on this
    site.
    """
    return site.request("GET /rest/api/3/jql/autocompletedata")


def id_clauses(body: Any, *, spec: FieldSpec) -> list[IdClause]:
    """How the id field can be asked for, the best first. Text fields know only `~`; URL and label
    fields take `in`.
    """
    # `cf[N]` survives renaming and is unique, names are not.
    name = f"cf[{spec.id.removeprefix('customfield_')}]" if spec.custom else spec.id
    with readable("asking how fields are searched"):
        known = [
            field
            for field in body["visibleFieldNames"]
            if name in (field.get("cfid"), field["value"])
        ]
        signs = {sign for field in known for sign in field["operators"]}
    exact = [Form.EXACT] if "in" in signs else []
    by_text = [Form.PHRASE, Form.WORDS] if "~" in signs else []
    if not exact + by_text:
        raise BadSettings(
            [
                Problem(
                    "JIRA_ISSUE_ID_FIELD",
                    f"the field {spec.name!r} cannot be searched on this site.",
                )
            ]
        )
    return [IdClause(name=name, form=form) for form in exact + by_text]


def value(issue_id: IssueId, *, spec: FieldSpec, settings: TicketSettings) -> str:
    """What the id field holds for this id, as one text."""
    held = id_value(issue_id, spec=spec, settings=settings)
    return held if isinstance(held, str) else held[0]


def writings(issue_id: IssueId, *, spec: FieldSpec, settings: TicketSettings) -> tuple[str, ...]:
    """All that the id field may hold for this id: what we write, and what older programs wrote. A
    URL field holds addresses alone, and a site may refuse to search it for anything else.
    """
    ours = value(issue_id, spec=spec, settings=settings)
    old = "" if spec.kind == "url" else old_writing(issue_id)
    return (ours, old) if old else (ours,)


def queries(values: Iterable[Sequence[str]], *, clause: IdClause) -> Iterator[str]:
    """One query for at most 50 ids, each in all its writings, and 8,000 characters."""
    batch: list[str] = []
    ids = 0
    for writings in values:
        terms = [_term(value, clause=clause) for value in writings]
        if ids == IDS_MAX or len(_query([*batch, *terms], clause=clause)) > JQL_MAX:
            yield _query(batch, clause=clause)
            batch, ids = [], 0
        batch += terms
        ids += 1
    if batch:
        yield _query(batch, clause=clause)


def filled(clause: IdClause, *, projects: Collection[str] = ()) -> str:
    """All tickets whose id field holds anything, of these projects or of all, the newest first."""
    there = f"project in ({', '.join(map(literal, sorted(projects)))}) AND " if projects else ""
    return f"{there}{clause.name} is not EMPTY ORDER BY created DESC"


def unfilled(clause: IdClause, *, projects: Collection[str]) -> str:
    """All tickets of these projects whose id field is empty, the newest first."""
    there = ", ".join(map(literal, sorted(projects)))
    return f"project in ({there}) AND {clause.name} is EMPTY ORDER BY created DESC"


def newest(project: str) -> str:
    """All tickets of a project, the highest key first."""
    return f"project = {literal(project)} ORDER BY key DESC"


def search(
    site: Site,
    jql: str,
    *,
    fields: Sequence[str] = KEYS,
    token: str | None = None,
    size: int = PAGE_MAX,
) -> Request:
    """Jira Cloud REST v3, POST "search/jql": ids and keys come back, and the fields that are asked
    for.
    """
    body = {"jql": jql, "fields": fields, "maxResults": size} | (
        {"nextPageToken": token} if token else {}
    )
    return site.request("POST /rest/api/3/search/jql", body=body)


class Holding(Struct, frozen=True, kw_only=True):
    """One text that a ticket holds in the id field, and the Halo id that it may mean."""

    key: str
    project: str
    text: str
    issue_id: IssueId


def holdings(raws: Iterable[Any], *, id_field: str) -> list[Holding]:
    """What tickets hold in the id field, as the index shows them."""
    with readable(SEARCHING):
        return [
            Holding(
                key=raw["key"],
                project=raw["fields"]["project"]["key"],
                text=text,
                issue_id=issue_id,
            )
            for raw in raws
            for text in texts_held(raw["fields"].get(id_field))
            for issue_id in ids_held(text)
        ]


def parse(site: Site, queries: Sequence[str]) -> Request:
    """Jira Cloud REST v3, POST "jql/parse": what is wrong with each query. A search with a clause
    that Jira cannot run may find nothing instead of saying so (CHANGE-3131).
    """
    return site.request(
        "POST /rest/api/3/jql/parse", query={"validation": "strict"}, body={"queries": queries}
    )


def complaints(body: Any) -> list[str]:
    """Jira's errors about each of the queries, "" where there is none."""
    with readable(PARSING):
        return [" ".join(map(str, parsed.get("errors") or ())) for parsed in body["queries"]]


def hits(body: Any) -> Hits:
    """One page. Only a missing token is an end: pages may be short or empty, and `isLast` has been
    seen wrong.
    """
    with readable(SEARCHING):
        warnings = body.get("warnings") or ()
        page = Hits(raws=list(body["issues"]), next_token=body.get("nextPageToken"))
    if warnings:
        raise MalformedAnswer(
            REMOTE, SEARCHING, f"the result is incomplete: {shorten(str(warnings))}"
        )
    return page


def literal(text: str) -> str:
    """A quoted JQL value."""
    return '"' + _escaped(text).replace("\n", "\\n") + '"'


def _term(value: str, *, clause: IdClause) -> str:
    """One value as a query asks for it. A phrase is a quoted text inside a quoted value, so it is
    escaped for both.
    """
    match clause.form:
        case Form.EXACT:
            return literal(value)
        case Form.PHRASE:
            phrase = f'"{_escaped(value)}"'
            return f"{clause.name} ~ {literal(phrase)}"
        case Form.WORDS:
            return f"{clause.name} ~ {literal(value)}"
    assert_never(clause.form)


def _query(terms: Sequence[str], *, clause: IdClause) -> str:
    listed = f"{clause.name} in ({', '.join(terms)})"
    asked = listed if clause.form is Form.EXACT else " OR ".join(terms)
    return f"{asked} ORDER BY key ASC"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
