"""What Jira's answers mean, as tables: every shape that is documented or was seen, and what we
make of it.
"""

import io
import tokenize
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec import Raw

import job.jira.wire
from job.core.ids import IssueId, Marker, TicketId, canonical
from job.core.routes import Goal
from job.core.shape import FieldSpec, TicketSettings
from job.errors import (
    BadSettings,
    FateUnknown,
    MalformedAnswer,
    NoTransition,
    RemoteRefused,
    TicketRejected,
)
from job.http.message import Response
from job.jira.wire import comments, exchange, metadata, search, tickets, transitions
from job.jira.wire.access import Door, SignIn
from job.jira.wire.exchange import Site
from job.jira.wire.search import Form, IdClause
from tests.jira.site import ID_FIELD, TICKET, draft, issue_ids, page_of_html, response

SITE = Site(Door(base_url="https://acme.atlassian.net"))
GATEWAY = "https://api.atlassian.com/ex/jira/cloud-1"
GATE = Site(Door(base_url=GATEWAY))
SERVICE = Site(Door(base_url=GATEWAY, sign_in=SignIn.SERVICE_ACCOUNT))
A, B = issue_ids(2)


def raw_ticket(number: int, *, holds: Any = None, **changes: Any) -> dict[str, Any]:
    fields = {
        "status": {"name": "To Do"},
        "project": {"key": "SEC"},
        "issuetype": {"id": "10004"},
        "created": "2026-09-01T20:20:30.123+1000",
        ID_FIELD: holds,
    }
    return {"id": str(number), "key": f"SEC-{number}", "fields": fields | changes}


# --- Requests -------------------------------------------------------------------------------------


def test_every_request_asks_for_english_and_leaves_the_credentials_to_who_signs_it() -> None:
    headers = tickets.fetch(SITE, ["1"], wanted=("status",)).headers
    assert "Authorization" not in headers
    assert (headers["X-Force-Accept-Language"], headers["Accept-Language"]) == ("true", "en")


def test_ids_are_quoted_in_paths_and_the_name_keeps_its_places() -> None:
    request = metadata.screen_request(SITE, "A B/C", type_id="1", start=200)
    assert request.url.endswith("/createmeta/A%20B%2FC/issuetypes/1?startAt=200&maxResults=200")
    assert request.name == "GET /rest/api/3/issue/createmeta/{project}/issuetypes/{type}"


def test_only_the_writes_that_would_happen_twice_are_not_repeatable() -> None:
    chosen = transitions.choose(
        transitions.transitions(LISTING), ticket=TICKET, goal=Goal(transition="Start")
    )
    once = [
        tickets.create(SITE, [draft(A)]),
        comments.comment(SITE, TICKET.id, body=Raw(b"{}"), marker=Marker("m"), public=False),
        transitions.take(SITE, TICKET, chosen=chosen),
    ]
    assert [request.repeatable for request in once] == [False, False, False]
    assert all(request.deadline_s >= 60 for request in once)
    assert tickets.fetch(SITE, ["1"], wanted=("status",)).repeatable
    assert search.search(SITE, "x").repeatable


# --- Trust ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (
            response(200, {"issues": []}, headers={"x-seraph-loginreason": "AUTHENTICATED_FAILED"}),
            "not accepted",
        ),
        (
            response(404, {}, headers={"x-seraph-loginreason": "OUT, AUTHENTICATED_FAILED"}),
            "not accepted",
        ),
        (
            response(403, {}, headers={"x-seraph-loginreason": "AUTHENTICATION_DENIED"}),
            "not accepted",
        ),
        (response(401, {"message": "Unauthorized; scope does not match"}), "scope does not match"),
        (response(401, b""), "not accepted"),
        (response(200, {}, headers={"x-aaccountid": "somebody-else"}), "somebody-else"),
        (
            response(410, {"errorMessages": ["The requested API has been removed."]}),
            "has been removed",
        ),
    ],
)
def test_an_answer_to_a_stranger_or_from_a_removed_endpoint_stops_the_run(
    answer: Response, words: str
) -> None:
    with pytest.raises(RemoteRefused, match=words):
        SITE.trust(answer, doing="reading", account_id="me")


@pytest.mark.parametrize("headers", [{"x-aaccountid": "me"}, {}, {"x-seraph-loginreason": "OK"}])
def test_an_answer_to_us_is_passed_on(headers: dict[str, str]) -> None:
    answer = response(200, {}, headers=headers)
    assert SITE.trust(answer, doing="reading", account_id="me") is answer


@pytest.mark.parametrize("sent", ["712020:5b10-ac8d", "712020%3A5b10-ac8d", "712020%3a5b10-ac8d"])
def test_the_account_of_an_answer_may_come_percent_encoded(sent: str) -> None:
    answer = response(200, {}, headers={"x-aaccountid": sent})
    assert SITE.trust(answer, doing="reading", account_id="712020:5b10-ac8d") is answer
    with pytest.raises(RemoteRefused, match="712020:5b10-ac8d, not for 712020:other"):
        SITE.trust(answer, doing="reading", account_id="712020:other")


MISMATCH = {"x-failure-category": "FAILURE_CLIENT_AUTH_MISMATCH"}
SCOPE_CHECK = {"x-failure-category": "FAILURE_CLIENT_SCOPE_CHECK"}


@pytest.mark.parametrize(
    ("site", "answer", "advice"),
    [
        (SITE, response(401, b""), "JIRA_API_USER and JIRA_API_TOKEN"),
        (SITE, response(401, b"", headers=MISMATCH), "the account that made JIRA_API_TOKEN"),
        (GATE, response(401, b""), "without scopes works only with the site's own address"),
        (GATE, response(401, b"", headers=SCOPE_CHECK), "JIRA_API_TOKEN needs the scopes read:"),
        (
            GATE,
            response(401, {"message": "Unauthorized; scope does not match"}),
            "needs the scopes",
        ),
        (SERVICE, response(401, b""), "JIRA_CLIENT_ID and JIRA_CLIENT_SECRET"),
        (SERVICE, response(401, b"", headers=SCOPE_CHECK), "JIRA_CLIENT_ID needs the scopes"),
        (
            SITE,
            response(403, b"", headers={"x-seraph-loginreason": "AUTHENTICATION_DENIED"}),
            "in a browser",
        ),
    ],
)
def test_the_advice_names_the_cause_and_the_setting(
    site: Site, answer: Response, advice: str
) -> None:
    with pytest.raises(RemoteRefused, match=advice):
        site.trust(answer, doing="reading", account_id=None)


# --- Bodies ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (
            response(400, {"errorMessages": ["Bad."], "errors": {"summary": "Too long."}}),
            "Bad. summary: Too long.",
        ),
        (response(400, {"errors": [{"message": "No such task."}]}), "No such task."),
        (response(401, {"code": 401, "message": "Unauthorized"}), "Unauthorized"),
        (response(404, {"title": "Not Found", "detail": "No endpoint."}), "Not Found No endpoint."),
        (page_of_html(502), "It sent a web page."),
        (response(400, b""), "It gave no reason."),
        (response(400, ["?"]), "It gave no reason."),
        (response(400, b"plain\n words"), "plain words"),
        (response(400, {"errorMessages": ["x" * 1000]}), "x" * 299 + "…"),
        (
            response(400, {"errorMessages": "odd", "errors": 3, "message": None}),
            "It gave no reason.",
        ),
    ],
)
def test_the_words_of_an_error_are_found_in_every_shape(answer: Response, says: str) -> None:
    assert exchange.complaint(answer) == says


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (page_of_html(200), RemoteRefused),
        (response(200, b"  <html>"), RemoteRefused),
        (response(302, b""), RemoteRefused),
        (response(400, {"errorMessages": ["The value 'X' does not exist."]}), RemoteRefused),
        (response(403, b""), RemoteRefused),
        (response(200, b'{"issues": ['), MalformedAnswer),
        (response(200, b""), MalformedAnswer),
        (response(200, b"\xff\xfe"), MalformedAnswer),
    ],
)
def test_a_read_never_takes_something_else_for_its_answer(
    answer: Response, error: type[Exception]
) -> None:
    with pytest.raises(error):
        SITE.answer(answer, doing="reading")


@pytest.mark.parametrize(
    "answer",
    [
        page_of_html(200),
        page_of_html(201),
        response(201, b'{"id"'),
        response(201, b""),
        response(201, b"[]"),
        response(201, {"self": "https://acme.atlassian.net/rest/api/3/issue/10001/comment/7"}),
        response(302, b""),
    ],
)
def test_an_unreadable_answer_to_a_write_leaves_its_fate_unknown(answer: Response) -> None:
    with pytest.raises(FateUnknown):
        comments.commented(answer)
    with pytest.raises(FateUnknown):
        tickets.created(answer, drafts=[draft(A)])


# --- Tickets --------------------------------------------------------------------------------------


def test_a_ticket_is_read_as_the_database_has_it() -> None:
    ticket = tickets.ticket(raw_ticket(7, holds=A), id_field=ID_FIELD)
    assert (
        ticket.id,
        ticket.key,
        ticket.project,
        ticket.status,
        ticket.type_id,
        ticket.names,
    ) == (("7", "SEC-7", "SEC", "To Do", "10004", frozenset({canonical(A)})))


@pytest.mark.parametrize(
    ("holds", "named"),
    [
        (None, []),
        ("", []),
        ([], []),
        (A, [A]),
        (A.upper(), [A]),
        (f" {A.replace('-', '')} ", [A]),
        (f"https://api.example/v3/issues/{A}", [A]),
        ([A], [A]),
        (["halo", A], [A]),
        ([A, B], []),
        ({"odd": 1}, []),
    ],
)
def test_a_ticket_names_the_one_issue_whose_id_its_field_holds(
    holds: Any, named: list[IssueId]
) -> None:
    ticket = tickets.ticket(raw_ticket(7, holds=holds), id_field=ID_FIELD)
    assert ticket.names == set(map(canonical, named)), "two ids on one ticket are nobody's"


@pytest.mark.parametrize("holds", [None, B, [A, B]])
def test_our_property_says_more_than_the_id_field(holds: Any) -> None:
    raw = raw_ticket(7, holds=holds) | {"properties": {"halo.sync": {"v": 1, "issue": A}}}
    ticket = tickets.ticket(raw, id_field=ID_FIELD)
    assert ticket.is_of(A)
    assert not ticket.is_of(B)


@pytest.mark.parametrize("odd", [None, [], {}, {"halo.sync": None}, {"halo.sync": {"issue": 5}}])
def test_without_a_readable_property_the_id_field_counts(odd: Any) -> None:
    ticket = tickets.ticket(raw_ticket(7, holds=A) | {"properties": odd}, id_field=ID_FIELD)
    assert ticket.is_of(A)


@pytest.mark.parametrize(
    "broken", [{}, {"id": "1"}, {"id": "1", "key": "S-1", "fields": None}, 5, None]
)
def test_a_ticket_with_missing_parts_is_malformed(broken: Any) -> None:
    with pytest.raises(MalformedAnswer):
        tickets.ticket(broken, id_field=None)


@pytest.mark.parametrize("changes", [{"status": "To Do"}, {"project": None}, {"issuetype": {}}])
def test_a_ticket_with_odd_fields_is_malformed(changes: dict[str, Any]) -> None:
    with pytest.raises(MalformedAnswer):
        tickets.ticket(raw_ticket(1, **changes), id_field=None)


def test_tickets_are_recognised_by_equality_and_not_by_likeness() -> None:
    likes = ["", f"{A}0", f"x {A}", [f"{A}x"], None]
    raws = [
        raw_ticket(n, holds=holds) for n, holds in enumerate([*likes, A, ["other", A], B], start=1)
    ]
    read = [tickets.ticket(raw, id_field=ID_FIELD) for raw in [*raws, raws[5]]]
    found = tickets.by_issue_id(read, wanted={A})
    assert {issue_id: [one.id for one in ones] for issue_id, ones in found.items()} == {
        A: ["6", "7"]
    }


def test_older_tickets_come_first() -> None:
    assert sorted(map(TicketId, ["100", "99", "9", "1000"]), key=tickets.age_order) == [
        "9",
        "99",
        "100",
        "1000",
    ]


@pytest.mark.parametrize("body", [{}, {"issues": [], "issueErrors": [{}]}, [], {"issues": None}])
def test_a_malformed_fetch_is_no_empty_fetch(body: Any) -> None:
    with pytest.raises(MalformedAnswer):
        tickets.fetched(body)


# --- Creating -------------------------------------------------------------------------------------


def element(
    place: int, *, general: tuple[str, ...] = (), status: int = 400, **fields: str
) -> dict[str, Any]:
    words = {"errorMessages": list(general), "errors": fields}
    return {"status": status, "elementErrors": words, "failedElementNumber": place}


def test_errors_of_single_drafts_are_read_from_both_places() -> None:
    body = {
        "issues": [{"id": "5", "key": "SEC-5"}],
        "errors": [element(0, general=("No.",)), element(2, summary="Too long.")],
    }
    three = [draft(issue_id) for issue_id in issue_ids(3)]
    sent = tickets.created(response(201, body), drafts=three)
    assert [made.id for made in sent.created] == ["5"]
    assert {issue_id: str(error) for issue_id, error in sent.errors.items()} == {
        three[0].issue_id: "Jira refused creating the ticket (400): No.",
        three[2].issue_id: "Jira refused creating the ticket (400): summary: Too long.",
    }


def test_a_refusal_of_every_draft_is_read_draft_by_draft() -> None:
    answer = response(
        400, {"issues": [], "errors": [element(0, project="valid project is required")]}
    )
    sent = tickets.created(answer, drafts=[draft(A)])
    error = sent.errors[A]
    assert isinstance(error, TicketRejected)
    assert (sent.created, error.status, error.fields) == (
        (),
        400,
        {"project": "valid project is required"},
    )


@pytest.mark.parametrize("status", [400, 403, 404, 413, 422])
@pytest.mark.parametrize(
    "body", [{"errorMessages": ["Invalid request payload."], "errors": {}}, b"<html>", b""]
)
def test_a_refused_body_refuses_the_whole_block(status: int, body: object) -> None:
    with pytest.raises(TicketRejected) as caught:
        tickets.created(response(status, body), drafts=[draft(A)])
    assert caught.value.status == status


@pytest.mark.parametrize(
    "body",
    [
        {"issues": [{}], "errors": []},
        {"issues": []},
        {"errors": []},
        [],
        {"issues": [], "errors": [{}]},
        {"issues": [], "errors": [element(9)]},
        {"issues": [], "errors": [element(0) | {"status": "?"}]},
    ],
)
def test_a_201_that_contradicts_itself_leaves_the_fate_unknown(body: Any) -> None:
    with pytest.raises(FateUnknown):
        tickets.created(response(201, body), drafts=[draft(A)])


def test_a_draft_that_broke_jira_itself_is_unknown_and_not_rejected() -> None:
    sent = tickets.created(
        response(201, {"issues": [], "errors": [element(0, status=500)]}), drafts=[draft(A)]
    )
    (creation,) = tickets.creations([draft(A)], sent=sent, shown={})
    assert isinstance(creation.error, FateUnknown)


@pytest.mark.parametrize("status", [400, 403, 404, 413, 422])
def test_a_refused_comment_keeps_jiras_words_by_field(status: int) -> None:
    with pytest.raises(TicketRejected, match="not valid") as caught:
        comments.commented(
            response(
                status, {"errorMessages": [], "errors": {"comment": "Comment body is not valid!"}}
            )
        )
    assert (caught.value.status, caught.value.fields) == (
        status,
        {"comment": "Comment body is not valid!"},
    )


@pytest.mark.parametrize(
    ("properties", "markers"),
    [
        (None, set()),
        ([], set()),
        ([{"key": "other", "value": {"marker": "m"}}], set()),
        ([{"key": "halo.sync", "value": "odd"}], set()),
        ([{"key": "halo.sync", "value": {}}], set()),
        ([{"key": "halo.sync", "value": {"marker": "m"}}], {"m"}),
    ],
)
def test_only_our_own_property_names_a_comment(properties: Any, markers: set[str]) -> None:
    comment = {"created": "2026-09-01T10:00:00.000+0000", "properties": properties}
    assert comments.comments_page({"comments": [comment], "total": 1}, start=0).markers == markers


@pytest.mark.parametrize(
    ("count", "start", "total", "after"),
    [(2, 0, 2, None), (2, 0, 5, 2), (0, 0, 0, None), (1, 4, 5, None)],
)
def test_a_listing_goes_on_until_its_total(
    count: int, start: int, total: int, after: int | None
) -> None:
    page = exchange.page(
        {"rows": [1] * count, "total": total}, key="rows", start=start, doing="listing"
    )
    assert page.next_start == after


@pytest.mark.parametrize(
    "body", [{"rows": [], "total": 3}, {"rows": []}, {"total": 0}, {"rows": 1, "total": 1}, []]
)
def test_a_listing_that_ends_early_is_malformed(body: Any) -> None:
    with pytest.raises(MalformedAnswer):
        exchange.page(body, key="rows", start=0, doing="listing")


# --- Search ---------------------------------------------------------------------------------------

PHRASE, WORDS = (IdClause(name="cf[10010]", form=form) for form in (Form.PHRASE, Form.WORDS))
EXACT = IdClause(name="labels", form=Form.EXACT)


@pytest.mark.parametrize(
    ("clause", "ids", "jql"),
    [
        (PHRASE, ["a-1"], r'cf[10010] ~ "\"a-1\"" ORDER BY key ASC'),
        (WORDS, ["a-1", "b"], 'cf[10010] ~ "a-1" OR cf[10010] ~ "b" ORDER BY key ASC'),
        (PHRASE, ["a", "b"], r'cf[10010] ~ "\"a\"" OR cf[10010] ~ "\"b\"" ORDER BY key ASC'),
        (EXACT, ["a", "b"], 'labels in ("a", "b") ORDER BY key ASC'),
        (EXACT, ['a"b\\c\nd'], r'labels in ("a\"b\\c\nd") ORDER BY key ASC'),
        (PHRASE, ['a"b\\c'], r'cf[10010] ~ "\"a\\\"b\\\\c\"" ORDER BY key ASC'),
    ],
)
def test_values_are_quoted_for_jql_and_phrases_for_the_text_search_within(
    clause: IdClause, ids: list[IssueId], jql: str
) -> None:
    assert list(search.queries([(text,) for text in ids], clause=clause)) == [jql]


@pytest.mark.parametrize(("custom", "many"), [("textfield", 2), ("url", 1), ("labels", 2)])
def test_an_address_field_is_not_asked_for_what_it_cannot_hold(custom: str, many: int) -> None:
    spec = FieldSpec(id=ID_FIELD, name="Halo", type="string", custom=f"x:{custom}")
    issue_id = IssueId("0a1b2c3d-0000-4000-8000-00000000abcd")
    settings = TicketSettings(project_key="SEC", ticket_type="Bug", id_field="Halo")
    written = search.writings(issue_id, spec=spec, settings=settings)
    assert len(written) == many
    assert written[0] == search.value(issue_id, spec=spec, settings=settings)


@pytest.mark.parametrize("clause", [PHRASE, WORDS, EXACT])
def test_no_query_asks_for_more_than_50_ids_or_8000_characters(clause: IdClause) -> None:
    short = list(search.queries([(text,) for text in issue_ids(120)], clause=clause))
    assert [query.count("0000-4000") for query in short] == [50, 50, 20]
    long = [IssueId("x" * 3000 + str(n)) for n in range(5)]
    assert all(
        len(query) < 8_100 for query in search.queries([(text,) for text in long], clause=clause)
    )
    assert (
        sum(
            query.count("x" * 3000)
            for query in search.queries([(text,) for text in long], clause=clause)
        )
        == 5
    )


@pytest.mark.parametrize("clause", [PHRASE, WORDS, EXACT])
def test_each_id_is_quoted_once_however_many_share_its_query(
    clause: IdClause, monkeypatch: pytest.MonkeyPatch
) -> None:
    quoted: list[str] = []

    def noting(text: str, quote: Callable[[str], str] = search.literal) -> str:
        quoted.append(text)
        return quote(text)

    monkeypatch.setattr(search, "literal", noting)
    assert len(list(search.queries([(text,) for text in issue_ids(300)], clause=clause))) == 6
    assert len(quoted) == 300


@pytest.mark.parametrize(
    ("entry", "forms"),
    [
        (
            {"value": "Halo Issue ID", "cfid": "cf[10010]", "operators": ["~", "!~", "is"]},
            [Form.PHRASE, Form.WORDS],
        ),
        (
            {"value": "Halo Issue ID", "cfid": "cf[10010]", "operators": ["=", "in", "not in"]},
            [Form.EXACT],
        ),
        (
            {"value": "cf[10010]", "operators": ["~", "in"]},
            [Form.EXACT, Form.PHRASE, Form.WORDS],
        ),
    ],
)
def test_the_site_says_how_its_id_field_is_searched(
    entry: dict[str, Any], forms: list[Form]
) -> None:
    spec = FieldSpec(id=ID_FIELD, name="Halo Issue ID", type="string", custom="x:textfield")
    other = {"value": "Other", "cfid": "cf[1]", "operators": ["="]}
    clauses = search.id_clauses({"visibleFieldNames": [other, entry]}, spec=spec)
    assert clauses == [IdClause(name="cf[10010]", form=form) for form in forms]


def test_a_field_that_cannot_be_searched_is_a_wrong_setting() -> None:
    spec = FieldSpec(id=ID_FIELD, name="Halo Issue ID", type="string", custom="x:textfield")
    with pytest.raises(BadSettings, match="cannot be searched"):
        search.id_clauses({"visibleFieldNames": []}, spec=spec)


def test_what_jira_says_of_each_query_is_told_apart() -> None:
    body = {"queries": [{"query": "a"}, {"query": "b", "errors": ["No field b."]}]}
    assert search.complaints(body) == ["", "No field b."]
    with pytest.raises(MalformedAnswer):
        search.complaints({"queries": None})


@pytest.mark.parametrize(
    "body",
    [
        {"issues": [], "warnings": [{"type": "CLAUSE_LIMIT_EXCEEDED"}]},
        {"isLast": True},
        [],
        {"issues": 1},
    ],
)
def test_an_incomplete_search_result_is_an_error(body: Any) -> None:
    with pytest.raises(MalformedAnswer):
        search.hits(body)


@pytest.mark.parametrize(
    ("body", "token"),
    [
        ({"issues": [], "isLast": False}, None),
        ({"issues": [], "nextPageToken": None}, None),
        ({"issues": [], "nextPageToken": "t", "isLast": True, "warnings": []}, "t"),
    ],
)
def test_only_the_token_tells_whether_a_search_goes_on(body: Any, token: str | None) -> None:
    assert search.hits(body).next_token == token


# --- Metadata -------------------------------------------------------------------------------------

TYPES = [{"id": "10004", "name": "Bug"}, {"id": "10005", "name": "Task"}]


def raw_field(
    field_id: str, name: str, *, kind: str = "textfield", schema: str = "string"
) -> dict[str, Any]:
    return {
        "fieldId": field_id,
        "name": name,
        "required": False,
        "schema": {"type": schema, "custom": f"x:{kind}"},
    }


@pytest.mark.parametrize(
    ("wanted", "chosen"), [("bug", "10004"), ("10005", "10005"), ("Task", "10005")]
)
def test_a_ticket_type_goes_by_name_or_id(wanted: str, chosen: str) -> None:
    settings = TicketSettings(project_key="SEC", ticket_type=wanted, id_field="x")
    assert metadata.chosen_type(TYPES, settings=settings).id == chosen


@pytest.mark.parametrize(
    ("fields", "wanted", "words"),
    [
        ([raw_field("customfield_1", "Halo ID")], "Halo", r"Halo ID \(customfield_1\)"),
        (
            [raw_field("customfield_1", "X"), raw_field("customfield_2", "x")],
            "X",
            "customfield_1, customfield_2",
        ),
        ([raw_field("customfield_1", "X", kind="float", schema="number")], "X", "none"),
        ([raw_field("customfield_1", "X", kind="textarea")], "X", "none"),
    ],
)
def test_an_unusable_id_field_is_refused_with_the_usable_ones(
    fields: list[Any], wanted: str, words: str
) -> None:
    settings = TicketSettings(project_key="SEC", ticket_type="Bug", id_field=wanted)
    chosen = metadata.chosen_type(TYPES, settings=settings)
    with pytest.raises(BadSettings, match=words):
        metadata.create_screen(fields, settings=settings, chosen=chosen)


@pytest.mark.parametrize("odd", [{}, {"schema": None}, {"schema": {}}, {"required": False}])
def test_a_field_without_a_schema_is_no_reason_to_read_no_screen(odd: dict[str, Any]) -> None:
    settings = TicketSettings(project_key="SEC", ticket_type="Bug", id_field="Halo ID")
    screen = metadata.create_screen(
        [{"fieldId": "customfield_9", **odd}, raw_field("customfield_1", "Halo ID")],
        settings=settings,
        chosen=metadata.chosen_type(TYPES, settings=settings),
    )
    assert screen.id_field.id == "customfield_1"
    assert (screen.fields["customfield_9"].type, screen.fields["customfield_9"].required) == (
        "",
        False,
    )


@pytest.mark.parametrize(
    ("id_field", "known"),
    [("customfield_7", "customfield_7"), ("labels", "labels"), ("Halo Issue ID", None)],
)
def test_an_id_field_given_by_its_id_needs_no_question(id_field: str, known: str | None) -> None:
    assert (
        metadata.certain_id(TicketSettings(project_key="SEC", ticket_type="Bug", id_field=id_field))
        == known
    )


def test_allowed_values_are_named_by_value_or_by_name() -> None:
    named = list(
        metadata.allowed(
            [{"id": "1", "value": "High"}, {"id": "2", "name": "Low"}, {"key": "SEC", "id": 3}]
        )
    )
    assert [(one.id, one.name) for one in named] == [("1", "High"), ("2", "Low"), ("3", "")]


# --- Transitions ----------------------------------------------------------------------------------


def way(
    transition_id: str, name: str, to: str, *, available: bool = True, **fields: Any
) -> dict[str, Any]:
    return {
        "id": transition_id,
        "name": name,
        "to": {"name": to},
        "isAvailable": available,
        "fields": fields,
    }


def asks(
    name: str, *values: str, required: bool = True, has_default: bool = False
) -> dict[str, Any]:
    allowed = [{"id": f"r{n}", "name": value} for n, value in enumerate(values)]
    return {
        "name": name,
        "required": required,
        "hasDefaultValue": has_default,
        "allowedValues": allowed,
    }


RESOLUTION = asks("Resolution", "Fixed", "Done")
LISTING = {
    "transitions": [
        way("9", "Start", "In Progress"),
        way("11", "Start", "Blocked"),
        way("21", "Close", "Done", resolution=RESOLUTION),
        way("100", "Close fast", "Closed"),
        way("30", "Shut", "Closed", available=False),
        way("40", "Sign off", "Signed", customfield_1=asks("Approver")),
        way("50", "Tick off", "Ticked", customfield_1=asks("Approver", has_default=True)),
        way("51", "Shelve", "Shelved", customfield_1=asks("Approver", required=False)),
        way("60", "Void", "Void", resolution=asks("Resolution")),
        way("61", "Reject", "Rejected", resolution=asks("Resolution", "Invalid", "Duplicate")),
        way("70", "Sign off", "Archived"),
    ]
}


@pytest.mark.parametrize(
    ("goal", "transition_id", "fields"),
    [
        (Goal(transition="start"), "9", {}),
        (Goal(transition="Start", statuses=("blocked",)), "11", {}),
        (
            Goal(transition="Nothing like it", statuses=("DONE",)),
            "21",
            {"resolution": {"id": "r1"}},
        ),
        (Goal(transition="", statuses=("Closed",)), "100", {}),
        (Goal(transition="Close fast", statuses=("Done",)), "100", {}),
        (Goal(transition="Close", resolution="fixed"), "21", {"resolution": {"id": "r0"}}),
        (Goal(transition="Close", resolution="r0"), "21", {"resolution": {"id": "r0"}}),
        (Goal(transition="Tick off"), "50", {}),
        (Goal(transition="Shelve"), "51", {}),
        (Goal(transition="", statuses=("Signed",)), "40", {}),
        (Goal(transition="Reject"), "61", {"resolution": {"id": "r0"}}),
        (Goal(transition="Sign off"), "70", {}),
    ],
)
def test_a_transition_is_chosen_by_name_then_status_then_ease(
    goal: Goal, transition_id: str, fields: Any
) -> None:
    chosen = transitions.choose(transitions.transitions(LISTING), ticket=TICKET, goal=goal)
    assert (chosen.id, chosen.fields) == (transition_id, fields)


@pytest.mark.parametrize(
    ("goal", "words"),
    [
        (
            Goal(transition="Fly", statuses=("Gone",)),
            "Fly or a way to Gone: no transition fits.*Close → Done",
        ),
        (Goal(transition="Void"), "allowed: none"),
        (Goal(transition="Close", resolution="Maybe"), "Maybe is not allowed.*Fixed, Done"),
    ],
)
def test_no_way_names_what_is_missing_and_the_ways_there_are(goal: Goal, words: str) -> None:
    with pytest.raises(NoTransition, match=words):
        transitions.choose(transitions.transitions(LISTING), ticket=TICKET, goal=goal)


@pytest.mark.parametrize(
    "body", [{}, {"transitions": [{}]}, {"transitions": [{"id": "1", "name": "x", "to": None}]}]
)
def test_a_malformed_list_of_transitions_is_no_empty_list(body: Any) -> None:
    with pytest.raises(MalformedAnswer):
        transitions.transitions(body)


# --- The house ------------------------------------------------------------------------------------


def test_the_wire_says_issue_only_inside_quotes() -> None:
    allowed = {"IssueId", "issue_id", "by_issue_id"}
    folder = Path(job.jira.wire.__file__).parent
    said = {
        (path.name, token.string)
        for path in folder.glob("*.py")
        for token in tokenize.generate_tokens(io.StringIO(path.read_text()).readline)
        if token.type in {tokenize.NAME, tokenize.COMMENT} and "issue" in token.string.lower()
    }
    assert {word for word in said if word[1] not in allowed} == set()
