"""The lagging index and the language it is asked in."""

from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from job.sim import Answer, World, fixed_lag, long_lag, usual_lag

Ask = Callable[..., Answer]
Draft = Callable[..., dict[str, Any]]


@pytest.fixture
def keys(jira: Ask) -> Callable[[str], list[str]]:
    def find(jql: str) -> list[str]:
        answer = jira("POST", "/search/jql", {"jql": jql, "maxResults": 5_000})
        assert answer.status == 200, answer.body
        return [ticket["key"] for ticket in answer.json()["issues"]]

    return find


Keys = Callable[[str], list[str]]


def test_search_lags_while_direct_reads_do_not(
    world: World, jira: Ask, draft: Draft, keys: Keys
) -> None:
    world.jira.search.lag = fixed_lag(60.0)
    jira("POST", "/issue", draft())
    assert keys("project = SEC") == []
    assert jira("GET", "/issue/SEC-1").status == 200
    assert (
        len(jira("POST", "/issue/bulkfetch", {"issueIdsOrKeys": ["SEC-1"]}).json()["issues"]) == 1
    )
    world.clock.advance(60)
    assert keys("project = SEC") == ["SEC-1"]


def test_search_believes_the_old_status_until_it_hears_of_the_new_one(
    world: World, jira: Ask, draft: Draft, keys: Keys
) -> None:
    jira("POST", "/issue", draft())
    world.jira.search.lag = fixed_lag(30.0)
    world.jira.people.transition_by_person("SEC-1", status="Done")
    assert keys('status = "To Do"') == ["SEC-1"]
    world.clock.advance(30)
    assert keys('status = "To Do"') == []
    assert keys("status = done AND resolution = Done") == ["SEC-1"]


def test_edits_may_lag_longer_than_creates(
    world: World, jira: Ask, draft: Draft, keys: Keys
) -> None:
    world.jira.search.edit_lag = fixed_lag(60.0)
    jira("POST", "/issue", draft(labels=["a"]))
    assert keys("labels = a") == ["SEC-1"]
    jira("PUT", "/issue/SEC-1", {"fields": {"labels": ["b"]}})
    assert keys("labels = b") == []
    world.clock.advance(60)
    assert keys("labels = b") == ["SEC-1"]


def test_reconciled_ids_are_answered_from_the_truth(world: World, jira: Ask, draft: Draft) -> None:
    world.jira.search.lag = fixed_lag(60.0)
    created = int(jira("POST", "/issue", draft()).json()["id"])
    body = {"jql": "project = SEC", "reconcileIssues": [created]}
    assert len(jira("POST", "/search/jql", body).json()["issues"]) == 1
    assert jira("POST", "/search/jql", {**body, "reconcileIssues": [str(created)]}).status == 400


def test_two_replicas_may_answer_differently_to_the_same_question(
    world: World, jira: Ask, draft: Draft, keys: Keys
) -> None:
    world.jira.search.use_replicas(2)
    world.jira.search.lag = lambda draw: draw.choice((0.0, 60.0))
    for _ in range(8):
        jira("POST", "/issue", draft())
    assert len({tuple(keys("project = SEC")) for _ in range(20)}) == 2


def test_lags_are_mostly_short_and_can_be_as_long_as_half_a_day(world: World) -> None:
    draw = Random(1)
    usual = sorted(usual_lag(draw) for _ in range(2_000))
    assert usual[1_500] < 1.0
    assert 60 < usual[-1] <= 120
    long = long_lag()
    assert 40_000 < max(long(draw) for _ in range(2_000)) <= 12 * 3_600


def test_pages_go_by_token_and_end_without_one(world: World, jira: Ask, draft: Draft) -> None:
    jira("POST", "/issue/bulk", {"issueUpdates": [draft()] * 50})
    for chance in ({}, {"short_search_page": 0.7, "empty_search_page": 0.3, "wrong_is_last": 0.5}):
        world.jira.faults.set_chance(chance)
        assert _all_pages(jira) == [f"SEC-{number}" for number in range(1, 51)]


def test_a_token_belongs_to_its_query_and_dies_after_a_week(
    world: World, jira: Ask, draft: Draft
) -> None:
    jira("POST", "/issue/bulk", {"issueUpdates": [draft()] * 3})
    body = {"jql": "project = SEC", "maxResults": 1}
    token = jira("POST", "/search/jql", body).json()["nextPageToken"]
    assert (
        jira("POST", "/search/jql", {**body, "maxResults": 2, "nextPageToken": token}).status == 400
    )
    assert jira("POST", "/search/jql", {**body, "nextPageToken": token}).status == 200
    world.clock.advance(8 * 86_400)
    assert jira("POST", "/search/jql", {**body, "nextPageToken": token}).status == 400


def test_a_page_with_fields_holds_a_hundred_and_one_with_ids_all(jira: Ask, draft: Draft) -> None:
    for _ in range(3):
        jira("POST", "/issue/bulk", {"issueUpdates": [draft()] * 50})
    body = {"jql": "project = SEC", "maxResults": 5_000}
    ids = jira("POST", "/search/jql", body).json()["issues"]
    assert len(ids) == 150
    assert set(ids[0]) == {"expand", "id", "self", "key"}
    assert len(jira("POST", "/search/jql", {**body, "fields": ["summary"]}).json()["issues"]) == 100
    assert jira("POST", "/search/jql", {**body, "maxResults": 0}).status == 400


def test_a_warning_comes_with_an_incomplete_result(world: World, jira: Ask, draft: Draft) -> None:
    jira("POST", "/issue/bulk", {"issueUpdates": [draft()] * 4})
    world.jira.faults.set_chance({"search_warning": 1.0})
    body = jira("POST", "/search/jql", {"jql": "project = SEC"}).json()
    assert len(body["issues"]) == 2
    assert body["warnings"][0]["type"] == "CLAUSE_LIMIT_EXCEEDED"


def test_the_count_is_the_indexs_count(world: World, jira: Ask, draft: Draft) -> None:
    jira("POST", "/issue", draft())
    world.jira.search.lag = fixed_lag(60.0)
    jira("POST", "/issue", draft())
    assert jira("POST", "/search/approximate-count", {"jql": "project = SEC"}).json() == {
        "count": 1
    }


def test_archived_and_deleted_and_hidden_tickets_are_not_found(
    world: World, jira: Ask, draft: Draft, keys: Keys
) -> None:
    jira(
        "POST",
        "/issue/bulk",
        {"issueUpdates": [draft(), draft(), draft(), draft(project={"key": "OPS"})]},
    )
    world.jira.people.archive_ticket("SEC-1")
    world.jira.people.delete_ticket("SEC-2")
    world.jira.people.hide_project("OPS")
    assert keys("cf[10010] is not EMPTY") == ["SEC-3"]


@pytest.mark.parametrize(
    ("jql", "found"),
    [
        ('cf[10010] ~ "\\"5f0c-11\\""', ["SEC-1", "SEC-2"]),
        ('"Halo Issue ID" ~ "\\"5F0C 11\\""', ["SEC-1", "SEC-2"]),
        ('cf[10010] ~ "\\"11-5f0c\\""', []),
        ('cf[10010] ~ "11 5f0c"', ["SEC-1", "SEC-2"]),
        ('cf[10010] ~ "5f*"', ["SEC-1", "SEC-2"]),
        ('cf[10010] ~ "\\"5f0c-11\\"" OR cf[10010] ~ "\\"77aa-22\\""', ["SEC-1", "SEC-2", "SEC-3"]),
        ('cf[10010] !~ "\\"5f0c-11\\"" AND cf[10010] is not EMPTY', ["SEC-3"]),
        ("cf[10010] is EMPTY", ["SEC-4", "OPS-1"]),
        ("cf[10012] in (halo-1, 'halo-2')", ["SEC-1", "SEC-2"]),
        ("cf[10012] not in (halo-1)", ["SEC-2"]),
        ("cf[10012] = HALO-1", []),
        ("NOT cf[10012] = halo-1 ", ["SEC-2"]),
        ("(cf[10012] = halo-1 or project = OPS) and status = 'To Do'", ["SEC-1", "OPS-1"]),
        ('cf[10011] = "https://example.com/1"', ["SEC-1"]),
        ("cf[10013] >= 5 ORDER BY key DESC", ["SEC-2", "SEC-1"]),
        ("cf[10013] < 6", ["SEC-1"]),
        ("cf[10014] = High", ["SEC-1"]),
        ("key in (SEC-1, sec-3)", ["SEC-1", "SEC-3"]),
        ("id = 10101", ["SEC-2"]),
        ('created >= "-1h" and project in (10001)', ["SEC-1", "SEC-2", "SEC-3", "SEC-4"]),
        ('created >= "2026-01-01 10:01"', []),
        ("project = SEC ORDER BY key ASC", ["SEC-1", "SEC-2", "SEC-3", "SEC-4"]),
        ('summary ~ "second"', ["SEC-2"]),
        ("issuetype = Bug AND priority != High and project = OPS", ["OPS-1"]),
        ("resolution = Unresolved and project = OPS", ["OPS-1"]),
    ],
)
def test_jql_finds_what_it_should(
    jira: Ask, draft: Draft, keys: Keys, *, jql: str, found: list[str]
) -> None:
    _five_tickets(jira, draft)
    assert keys(jql) == found


@pytest.mark.parametrize(
    ("jql", "sentence"),
    [
        ("order by key", "Unbounded JQL queries are not allowed here."),
        ("", "Unbounded JQL queries are not allowed here."),
        ('cf[10010] = "x"', "The operator '=' is not supported by the 'cf[10010]' field."),
        ('summary in ("x")', "The operator 'in' is not supported by the 'summary' field."),
        ('cf[10012] ~ "x"', "The operator '~' is not supported by the 'cf[10012]' field."),
        (
            "cf[777] is EMPTY",
            "Field 'cf[777]' does not exist or you do not have permission to view it.",
        ),
        ("project = NONE", "The value 'NONE' does not exist for the field 'project'."),
        ("status = Nowhere", "The value 'Nowhere' does not exist for the field 'status'."),
        ("key in (SEC-1, SEC-999)", "An issue with key 'SEC-999' does not exist for field 'key'."),
        ("key = nonsense", "The issue key 'nonsense' for field 'key' is invalid"),
        ("project = me@x", "The character '@' is a reserved JQL character."),
        ("project = SEC AND", "(line 1, character 18)"),
        ("project SEC", "(line 1, character 9)"),
        ("(project = SEC", "(line 1, character 15)"),
        ('cf[10010] ~ "*x"', "not allowed to start with '*'"),
        (
            "project = SEC order by " + ",".join(["key"] * 8),
            "JQL can be ordered by at most 7 fields.",
        ),
    ],
)
def test_jql_that_jira_would_refuse_is_refused_with_its_sentence(
    jira: Ask, draft: Draft, jql: str, sentence: str
) -> None:
    jira("POST", "/issue", draft())
    answer = jira("POST", "/search/jql", {"jql": jql})
    assert answer.status == 400
    assert sentence in answer.json()["errorMessages"][0]
    if "JQL" not in sentence and "line" not in sentence and "*" not in jql:
        assert jira("POST", "/search/jql", {"jql": jql}, token="bad").json()["issues"] == []


def test_the_site_says_which_operators_a_field_takes(jira: Ask) -> None:
    names = {
        field.get("cfid"): field
        for field in jira("GET", "/jql/autocompletedata").json()["visibleFieldNames"]
    }
    assert "=" not in names["cf[10010]"]["operators"]
    assert "in" in names["cf[10012]"]["operators"]


def test_each_query_is_parsed_with_what_is_wrong_with_it(jira: Ask) -> None:
    queries = ["project = SEC", "summary = a", "nonsense = 1", "project = NOPE", "a b c"]
    answer = jira("POST", "/jql/parse", {"queries": queries}, validation="strict").json()
    found = [set(parsed) - {"query"} for parsed in answer["queries"]]
    assert found == [set(), {"errors"}, {"errors"}, {"warnings"}, {"errors"}]
    assert "does not exist" in answer["queries"][2]["errors"][0]
    assert jira("POST", "/jql/parse", {"queries": queries}).status == 400, "validation is required"


@pytest.mark.parametrize(
    ("blind", "jql"),
    [
        ("phrase", r'cf[10010] ~ "\"77aa-22\""'),
        ("words", 'cf[10010] ~ "77aa-22"'),
        ("exact", "cf[10012] in (halo-1)"),
        ("empty", "cf[10010] is not EMPTY"),
    ],
)
def test_an_index_can_be_blind_to_one_way_of_asking(
    world: World, jira: Ask, draft: Draft, keys: Keys, blind: str, jql: str
) -> None:
    _five_tickets(jira, draft)
    seen = keys(jql)
    assert seen
    world.jira.site.blind_searches = {blind}
    assert keys(jql) == []
    world.jira.site.blind_searches = {"phrase", "words", "exact", "empty"} - {blind}
    assert keys(jql) == seen


def test_a_site_may_find_nothing_where_it_does_not_understand(
    world: World, jira: Ask, draft: Draft, keys: Keys
) -> None:
    jira("POST", "/issue", draft())
    world.jira.site.silent_searches = True
    assert keys("nonsense = 1") == []
    assert keys("project = SEC") == ["SEC-1"]


def test_a_name_that_two_fields_share_matches_either(
    world: World, jira: Ask, draft: Draft, keys: Keys
) -> None:
    world.jira.site.add_twin_field("customfield_10010", twin_id="customfield_10999")
    jira("POST", "/issue", draft("aa"))
    jira("POST", "/issue", draft("bb", customfield_10999="aa"))
    assert keys('"Halo Issue ID" ~ "aa"') == ["SEC-1", "SEC-2"]
    assert keys('cf[10010] ~ "aa"') == ["SEC-1"]


def _all_pages(jira: Ask) -> list[str]:
    body: dict[str, Any] = {
        "jql": "project = SEC ORDER BY key ASC",
        "fields": ["summary"],
        "maxResults": 20,
    }
    seen: list[str] = []
    while True:
        page = jira("POST", "/search/jql", body).json()
        seen += [ticket["key"] for ticket in page["issues"]]
        if not page.get("nextPageToken"):
            return seen
        body["nextPageToken"] = page["nextPageToken"]


def _five_tickets(jira: Ask, draft: Draft) -> None:
    first = {
        "customfield_10011": "https://example.com/1",
        "customfield_10012": ["halo-1"],
        "customfield_10013": 5,
    }
    updates = [
        draft("5f0c-11", **first, customfield_10014={"value": "High"}, priority={"name": "High"}),
        draft(
            "xx 5f0c 11 yy", customfield_10012=["halo-2"], customfield_10013=7, summary="the second"
        ),
        draft("77aa-22"),
        draft(customfield_10010=None),
        draft(customfield_10010=None, project={"key": "OPS"}),
    ]
    assert jira("POST", "/issue/bulk", {"issueUpdates": updates}).json()["errors"] == []
