"""What the simulated Jira answers: identity, metadata, creates, edits, comments, transitions,
reads.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import unquote

import pytest

from job.sim import Answer, Call, Limits, Status, Transition, Workflow, World
from job.sim.jira.workflow import SIMPLIFIED

Ask = Callable[..., Answer]
Draft = Callable[..., dict[str, Any]]
Doc = Callable[[str], dict[str, Any]]

DONE = {"resolution": {"name": "Done"}}


# --- Identity -------------------------------------------------------------------------------------


def test_a_bad_token_looks_like_an_empty_site(jira: Ask, draft: Draft) -> None:
    jira("POST", "/issue", draft())
    found = jira("POST", "/search/jql", {"jql": "project = SEC"}, token="expired")
    assert (found.status, found.json()["issues"]) == (200, [])
    assert found.headers["x-seraph-loginreason"] == "AUTHENTICATED_FAILED"
    assert "X-AAccountId" not in found.headers
    assert (
        jira("POST", "/issue/bulkfetch", {"issueIdsOrKeys": ["SEC-1"]}, token="expired").json()[
            "issues"
        ]
        == []
    )
    assert jira("GET", "/issue/SEC-1", token="expired").status == 404
    assert jira("POST", "/issue", draft(), token="expired").status == 400


def test_a_bad_token_gets_401_only_where_members_are_asked_for(jira: Ask) -> None:
    assert jira("GET", "/myself", token="expired").status == 401
    assert jira("GET", "/serverInfo", token="expired").status == 200


def test_a_token_that_expires_in_the_middle_turns_us_into_a_stranger(
    world: World, jira: Ask
) -> None:
    world.jira.reception.tokens_end_at = world.clock() + timedelta(minutes=1)
    encoded = jira("GET", "/myself").headers["X-AAccountId"]
    assert "%3A" in encoded, "as live sites send it"
    assert unquote(encoded) == jira("GET", "/myself").json()["accountId"]
    world.clock.advance(60)
    assert jira("GET", "/myself").status == 401


def test_a_scoped_token_works_through_the_gateway_and_not_on_the_site(
    world: World, jira: Ask
) -> None:
    site = world.jira.site
    gateway = f"/ex/jira/{site.cloud_id}/rest/api/3/myself"
    assert jira("GET", gateway, token=site.scoped_token).status == 200
    assert jira("GET", "/field", token=site.scoped_token).status == 401
    assert jira("GET", gateway).status == 401
    assert jira("GET", "/ex/jira/other/rest/api/3/myself", token=site.scoped_token).status == 404


def test_unknown_paths_answer_in_problem_json_and_the_old_search_is_gone(jira: Ask) -> None:
    unknown = jira("GET", "/nothing/here")
    assert (unknown.status, unknown.headers["content-type"]) == (404, "application/problem+json")
    assert jira("POST", "/search", {"jql": "project = SEC"}).status == 410


def test_sentences_come_in_the_users_language_unless_english_is_forced(
    world: World, jira: Ask
) -> None:
    world.jira.site.language = "de"
    assert "existiert nicht" in jira("GET", "/issue/SEC-1").json()["errorMessages"][0]
    headers = {"x-force-accept-language": "true", "accept-language": "en"}
    forced = world.jira.answer(Call("GET", "/rest/api/3/issue/SEC-1", (), headers))
    assert "does not exist" in forced.json()["errorMessages"][0]


# --- Create ---------------------------------------------------------------------------------------


def test_a_created_ticket_is_read_back_at_once_with_all_it_was_given(
    jira: Ask, draft: Draft, doc: Doc
) -> None:
    fields = {
        "description": doc("words"),
        "labels": ["halo"],
        "customfield_10011": "https://example.com/x",
        "customfield_10013": 3.5,
        "customfield_10014": {"value": "High"},
        "customfield_10015": [{"id": "10030"}, {"value": "cloud_secure"}],
        "customfield_10016": "2026-02-03",
        "customfield_10017": "2026-02-03T04:05:06Z",
        "customfield_10018": {"accountId": "5b10ac8d82e05b22cc7d4ef5"},
        "priority": {"name": "High"},
    }
    body = draft(**fields) | {"properties": [{"key": "halo.sync", "value": {"v": 1}}]}
    created = jira("POST", "/issue", body)
    assert created.status == 201
    read = jira("GET", f"/issue/{created.json()['id']}", properties="halo.sync").json()
    assert read["properties"] == {"halo.sync": {"v": 1}}
    got = read["fields"]
    assert got["description"] == fields["description"]
    assert got["customfield_10014"]["id"] == "10020"
    assert [option["value"] for option in got["customfield_10015"]] == [
        "server_secure",
        "cloud_secure",
    ]
    assert got["customfield_10017"] == "2026-02-03T14:05:06.000+1000"
    assert got["priority"]["id"] == "2"
    assert got["status"]["name"] == "To Do"


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("description", "words", "Operation value must be an Atlassian Document"),
        ("summary", "a\nb", "newline"),
        ("summary", "", "You must specify a summary of the issue."),
        ("summary", "x" * 256, "Summary must be less than 255 characters."),
        ("customfield_10010", "x" * 256, "exceeds the allowed limit of 255 characters"),
        ("customfield_10010", 5, "Operation value must be a string"),
        ("customfield_10011", "example.com", "absolute"),
        ("customfield_10013", "3", "number"),
        ("customfield_10013", True, "number"),
        ("customfield_10014", "High", "expected Object"),
        ("customfield_10014", {"value": "Low"}, "Option value 'Low' is not valid"),
        ("customfield_10015", {"value": "cloud_secure"}, "not an array"),
        ("customfield_10016", "03.02.2026", "Date value"),
        ("customfield_10017", "2026-02-03T04:05:06", "Date value"),
        ("customfield_10018", {"name": "anna"}, "User"),
        ("labels", ["a b"], "The label 'a b' contains spaces which is invalid."),
        ("labels", "halo", "not an array"),
        ("priority", "High", "Specify a valid 'id' or 'name' for priority"),
        ("status", {"name": "Done"}, "It is not on the appropriate screen, or unknown."),
        ("customfield_99999", "x", "It is not on the appropriate screen, or unknown."),
        ("project", {"key": "NONE"}, "Specify a valid project ID or key"),
        ("issuetype", {"name": "Story"}, "Specify a valid issue type"),
    ],
)
def test_a_value_of_the_wrong_kind_is_refused_under_its_field(
    world: World, jira: Ask, draft: Draft, *, field: str, value: object, sentence: str
) -> None:
    refused = jira("POST", "/issue", draft(**{field: value}))
    assert refused.status == 400
    assert sentence in refused.json()["errors"][field]
    assert world.jira.people.tickets() == []


def test_one_refusal_names_every_field_that_was_wrong(jira: Ask, draft: Draft) -> None:
    refused = jira("POST", "/issue", draft(labels=["a b"], customfield_10013="x"))
    assert set(refused.json()["errors"]) == {"labels", "customfield_10013"}


def test_a_required_field_must_be_given(world: World, jira: Ask, draft: Draft) -> None:
    world.jira.site.change_field("customfield_10013", required=True)
    assert jira("POST", "/issue", draft()).json()["errors"] == {
        "customfield_10013": "Halo Score is required."
    }
    assert jira("POST", "/issue", draft(customfield_10013=1)).status == 201


def test_text_is_measured_as_text_and_not_as_json(jira: Ask, draft: Draft, doc: Doc) -> None:
    assert jira("POST", "/issue", draft(description=doc("x" * 32_767))).status == 201
    assert jira("POST", "/issue", draft(description=doc("x" * 32_768))).status == 400
    assert jira("POST", "/issue", draft(description=doc("\N{BUG}" * 16_384))).status == 400


def test_a_bulk_create_makes_what_it_can_and_says_the_place_of_the_rest(
    world: World, jira: Ask, draft: Draft
) -> None:
    updates = [draft("a"), draft("b", labels=["x y"]), {"wrong": 1}, draft("d")]
    answer = jira("POST", "/issue/bulk", {"issueUpdates": updates})
    assert answer.status == 201
    assert [made["key"] for made in answer.json()["issues"]] == ["SEC-1", "SEC-2"]
    first, second = answer.json()["errors"]
    assert (first["failedElementNumber"], second["failedElementNumber"]) == (1, 2)
    assert "labels" in first["elementErrors"]["errors"]
    assert "Invalid request payload" in second["elementErrors"]["errorMessages"][0]
    assert [ticket.fields["customfield_10010"] for ticket in world.jira.people.tickets()] == [
        "a",
        "d",
    ]


def test_a_bulk_create_where_all_fail_is_400_in_the_same_shape(jira: Ask, draft: Draft) -> None:
    answer = jira("POST", "/issue/bulk", {"issueUpdates": [draft(summary=None)]})
    assert answer.status == 400
    assert answer.json()["issues"] == []
    assert answer.json()["errors"][0]["failedElementNumber"] == 0


def test_fifty_creates_at_once_are_the_most(world: World, jira: Ask, draft: Draft) -> None:
    assert jira("POST", "/issue/bulk", {"issueUpdates": [draft()] * 51}).status == 400
    assert world.jira.people.tickets() == []
    assert len(jira("POST", "/issue/bulk", {"issueUpdates": [draft()] * 50}).json()["issues"]) == 50


def test_a_bulk_create_that_breaks_leaves_a_prefix_and_no_answer(
    world: World, jira: Ask, draft: Draft
) -> None:
    world.jira.faults.set_chance({"bulk_prefix": 1.0})
    answer = jira(
        "POST", "/issue/bulk", {"issueUpdates": [draft(str(number)) for number in range(10)]}
    )
    assert answer.lost
    made = [ticket.fields["customfield_10010"] for ticket in world.jira.people.tickets()]
    assert made == [str(number) for number in range(len(made))]
    assert len(made) < 10


def test_successes_may_come_in_another_order_than_they_were_sent(
    world: World, jira: Ask, draft: Draft
) -> None:
    world.jira.faults.set_chance({"shuffled_successes": 1.0})
    answer = jira("POST", "/issue/bulk", {"issueUpdates": [draft()] * 20})
    ids = [int(made["id"]) for made in answer.json()["issues"]]
    assert ids != sorted(ids)


def test_unknown_properties_of_a_body_are_refused(jira: Ask, draft: Draft) -> None:
    assert jira("POST", "/issue", draft() | {"field": {}}).status == 400
    assert jira("POST", "/search/jql", {"jql": "project = SEC", "startAt": 0}).status == 400
    assert (
        jira("POST", "/issue/bulkfetch", {"issueIdsOrKeys": ["1"], "expand": "names"}).status == 400
    )


# --- Read -----------------------------------------------------------------------------------------


def test_bulkfetch_answers_in_ascending_id_and_leaves_out_what_is_gone(
    world: World, jira: Ask, draft: Draft
) -> None:
    for _ in range(4):
        jira("POST", "/issue", draft())
    world.jira.people.delete_ticket("SEC-2")
    body = jira(
        "POST", "/issue/bulkfetch", {"issueIdsOrKeys": ["SEC-4", "sec-1", "SEC-2", "99", "10102"]}
    ).json()
    assert [ticket["key"] for ticket in body["issues"]] == ["SEC-1", "SEC-3", "SEC-4"]
    assert body["issueErrors"] == []


def test_bulkfetch_takes_a_thousand_only_with_a_narrow_field_list(jira: Ask) -> None:
    many = [str(number) for number in range(10_100, 10_300)]
    assert jira("POST", "/issue/bulkfetch", {"issueIdsOrKeys": many}).status == 400
    assert (
        jira("POST", "/issue/bulkfetch", {"issueIdsOrKeys": many, "fields": ["*all"]}).status == 400
    )
    assert (
        jira("POST", "/issue/bulkfetch", {"issueIdsOrKeys": many, "fields": ["status"]}).status
        == 200
    )
    assert (
        jira("POST", "/issue/bulkfetch", {"issueIdsOrKeys": many * 6, "fields": ["status"]}).status
        == 400
    )


def test_a_moved_ticket_keeps_its_id_and_answers_to_its_old_key(
    world: World, jira: Ask, draft: Draft
) -> None:
    created = jira("POST", "/issue", draft()).json()
    assert world.jira.people.move_ticket("SEC-1", project="OPS") == "OPS-1"
    for name in ("SEC-1", "OPS-1", created["id"]):
        read = jira("GET", f"/issue/{name}").json()
        assert (read["id"], read["key"]) == (created["id"], "OPS-1")


def test_a_hidden_project_looks_like_deleted_tickets(world: World, jira: Ask, draft: Draft) -> None:
    jira("POST", "/issue", draft())
    world.jira.people.hide_project("SEC")
    assert jira("GET", "/issue/SEC-1").status == 404
    assert jira("POST", "/issue/bulkfetch", {"issueIdsOrKeys": ["SEC-1"]}).json()["issues"] == []
    assert (
        jira("GET", "/mypermissions", projectKey="SEC", permissions="BROWSE_PROJECTS").status == 404
    )
    world.jira.people.show_project("SEC")
    assert jira("GET", "/issue/SEC-1").status == 200


def test_create_metadata_promises_what_a_create_takes(
    world: World, jira: Ask, draft: Draft
) -> None:
    types = jira("GET", "/issue/createmeta/SEC/issuetypes").json()["issueTypes"]
    path = f"/issue/createmeta/SEC/issuetypes/{types[0]['id']}"
    page = jira("GET", path, maxResults="200").json()
    fields = {field["fieldId"]: field for field in page["fields"]}
    assert page["total"] == len(fields)
    assert fields["customfield_10010"]["schema"]["custom"].endswith(":textfield")
    for option in fields["customfield_10014"]["allowedValues"]:
        assert jira("POST", "/issue", draft(customfield_10014={"id": option["id"]})).status == 201
    assert "status" not in fields
    assert jira("GET", path, maxResults="201").status == 400


def test_create_metadata_is_empty_without_the_right_to_create(world: World, jira: Ask) -> None:
    world.jira.site.refused_permissions.add("CREATE_ISSUES")
    assert jira("GET", "/issue/createmeta/SEC/issuetypes").json()["issueTypes"] == []
    held = jira(
        "GET", "/mypermissions", projectKey="SEC", permissions="CREATE_ISSUES,EDIT_ISSUES"
    ).json()["permissions"]
    assert {key: permission["havePermission"] for key, permission in held.items()} == {
        "CREATE_ISSUES": False,
        "EDIT_ISSUES": True,
    }
    assert jira("GET", "/mypermissions", projectKey="SEC").status == 400


def test_two_fields_may_share_a_name(world: World, jira: Ask) -> None:
    world.jira.site.add_twin_field("customfield_10010", twin_id="customfield_10999")
    names = [
        field["id"] for field in jira("GET", "/field").json() if field["name"] == "Halo Issue ID"
    ]
    assert names == ["customfield_10010", "customfield_10999"]


def test_instants_carry_an_offset_without_a_colon_in_a_zone_that_is_not_utc(
    jira: Ask, draft: Draft
) -> None:
    jira("POST", "/issue", draft())
    assert jira("GET", "/issue/SEC-1").json()["fields"]["created"] == "2026-01-01T10:00:00.000+1000"


# --- Comments -------------------------------------------------------------------------------------


def test_comments_come_newest_first_when_asked_with_their_properties_and_a_hundred_at_a_time(
    jira: Ask, draft: Draft, doc: Doc
) -> None:
    jira("POST", "/issue", draft())
    for number in range(120):
        properties = [{"key": "halo.sync", "value": {"event": number}}]
        assert (
            jira(
                "POST", "/issue/SEC-1/comment", {"body": doc(str(number)), "properties": properties}
            ).status
            == 201
        )
    page = jira(
        "GET", "/issue/SEC-1/comment", orderBy="-created", expand="properties", maxResults="500"
    ).json()
    assert (len(page["comments"]), page["total"], page["maxResults"]) == (100, 120, 100)
    assert page["comments"][0]["properties"] == [{"key": "halo.sync", "value": {"event": 119}}]
    assert "properties" not in jira("GET", "/issue/SEC-1/comment").json()["comments"][0]
    oldest = int(page["comments"][-1]["id"])
    listed = jira("POST", "/comment/list", {"ids": [oldest]}, expand="properties").json()["values"]
    assert listed[0]["properties"][0]["value"] == {"event": 20}


def test_a_comment_that_is_no_document_is_refused(world: World, jira: Ask, draft: Draft) -> None:
    jira("POST", "/issue", draft())
    refused = jira("POST", "/issue/SEC-1/comment", {"body": "words"})
    assert (refused.status, refused.json()["errors"]) == (
        400,
        {"comment": "Comment body is not valid!"},
    )
    assert world.jira.people.ticket("SEC-1").comments == ()


def test_beyond_its_limit_of_comments_a_ticket_answers_413(
    world: World, jira: Ask, draft: Draft, doc: Doc
) -> None:
    world.jira.limit_comments(2)
    jira("POST", "/issue", draft())
    statuses = [jira("POST", "/issue/SEC-1/comment", {"body": doc("x")}).status for _ in range(3)]
    assert statuses == [201, 201, 413]


# --- Transitions ----------------------------------------------------------------------------------


def test_a_transition_needs_its_screen_filled_and_then_changes_the_status(
    world: World, jira: Ask, draft: Draft
) -> None:
    jira("POST", "/issue", draft())
    listed = jira("GET", "/issue/SEC-1/transitions", expand="transitions.fields").json()[
        "transitions"
    ]
    resolve = next(way for way in listed if way["name"] == "Resolve")
    assert resolve["fields"]["resolution"]["required"]
    refused = jira("POST", "/issue/SEC-1/transitions", {"transition": {"id": resolve["id"]}})
    assert (refused.status, refused.json()["errors"]) == (
        400,
        {"resolution": "Resolution is required."},
    )
    body = {"transition": {"id": resolve["id"]}, "fields": DONE}
    assert jira("POST", "/issue/SEC-1/transitions", body).status == 204
    ticket = world.jira.people.ticket("SEC-1")
    assert (ticket.status, ticket.status_category, ticket.fields["resolution"]["name"]) == (
        "Done",
        "done",
        "Done",
    )
    assert [
        (change.what, change.before, change.after, change.ours) for change in ticket.history
    ] == [("status", "To Do", "Done", True)]


def test_a_transition_that_does_not_start_here_is_not_valid(jira: Ask, draft: Draft) -> None:
    jira("POST", "/issue", draft())
    refused = jira("POST", "/issue/SEC-1/transitions", {"transition": {"id": "41"}})
    assert refused.json()["errorMessages"] == ["Transition id '41' is not valid for this issue."]


def test_a_field_that_is_not_on_the_screen_is_refused_with_the_transition(
    world: World, jira: Ask, draft: Draft
) -> None:
    jira("POST", "/issue", draft())
    assert (
        jira(
            "POST", "/issue/SEC-1/transitions", {"transition": {"id": "11"}, "fields": DONE}
        ).status
        == 400
    )
    assert world.jira.people.ticket("SEC-1").status == "To Do"


def test_reopening_clears_the_resolution(world: World, jira: Ask, draft: Draft) -> None:
    jira("POST", "/issue", draft())
    jira("POST", "/issue/SEC-1/transitions", {"transition": {"id": "31"}, "fields": DONE})
    assert jira("POST", "/issue/SEC-1/transitions", {"transition": {"id": "41"}}).status == 204
    ticket = world.jira.people.ticket("SEC-1")
    assert (ticket.status, ticket.fields["resolution"]) == ("To Do", None)


def test_a_simplified_workflow_takes_the_same_transition_again_and_again(
    world: World, jira: Ask, draft: Draft
) -> None:
    world.jira.site.workflows["", ""] = SIMPLIFIED
    jira("POST", "/issue", draft())
    assert [
        jira("POST", "/issue/SEC-1/transitions", {"transition": {"id": "31"}}).status
        for _ in range(2)
    ] == [
        204,
        204,
    ]
    assert len(world.jira.people.ticket("SEC-1").history) == 2


def test_a_test_may_bring_its_own_workflow_for_one_issue_type(
    world: World, jira: Ask, draft: Draft
) -> None:
    odd = Workflow(
        (Status("1", "New", "new"), Status("2", "Gone", "done")), (Transition("9", "Bury", "Gone"),)
    )
    world.jira.site.workflows["SEC", "Task"] = odd
    jira("POST", "/issue", draft(issuetype={"name": "Task"}))
    jira("POST", "/issue", draft())
    assert [
        way["name"] for way in jira("GET", "/issue/SEC-1/transitions").json()["transitions"]
    ] == ["Bury"]
    assert world.jira.people.ticket("SEC-2").status == "To Do"


def test_without_the_permission_there_are_no_transitions(
    world: World, jira: Ask, draft: Draft
) -> None:
    jira("POST", "/issue", draft())
    world.jira.site.refused_permissions.add("TRANSITION_ISSUES")
    assert jira("GET", "/issue/SEC-1/transitions").json()["transitions"] == []


# --- Edits, properties, limits --------------------------------------------------------------------


def test_an_edit_adds_and_removes_labels_and_leaves_a_history(
    world: World, jira: Ask, draft: Draft
) -> None:
    jira("POST", "/issue", draft(labels=["a", "b"]))
    edit = {"update": {"labels": [{"add": "c"}, {"remove": "a"}]}, "fields": {"summary": "y"}}
    assert jira("PUT", "/issue/SEC-1", edit).status == 204
    ticket = world.jira.people.ticket("SEC-1")
    assert ticket.fields["labels"] == ["b", "c"]
    assert {change.what for change in ticket.history} == {"labels", "summary"}
    assert (
        jira(
            "PUT",
            "/issue/SEC-1",
            {"fields": {"summary": "z"}, "update": {"summary": [{"set": "w"}]}},
        ).status
        == 400
    )


def test_a_conflict_leaves_the_ticket_as_it_was(world: World, jira: Ask, draft: Draft) -> None:
    jira("POST", "/issue", draft())
    world.jira.faults.set_chance({"conflict": 1.0})
    assert jira("PUT", "/issue/SEC-1", {"fields": {"summary": "y"}}).status == 409
    assert world.jira.people.ticket("SEC-1").fields["summary"] == "x"


def test_properties_are_kept_read_and_never_touch_updated(
    world: World, jira: Ask, draft: Draft
) -> None:
    jira("POST", "/issue", draft())
    before = world.jira.people.ticket("SEC-1").updated_at
    world.clock.advance(5)
    assert [jira("PUT", "/issue/SEC-1/properties/halo", {"v": 1}).status for _ in range(2)] == [
        201,
        200,
    ]
    assert jira("GET", "/issue/SEC-1/properties/halo").json() == {"key": "halo", "value": {"v": 1}}
    assert jira("GET", "/issue/SEC-1/properties/none").status == 404
    away = [jira("DELETE", "/issue/SEC-1/properties/halo").status for _ in range(2)]
    assert away == [204, 404]
    assert world.jira.people.ticket("SEC-1").updated_at == before


def test_too_many_writes_on_one_ticket_are_refused_before_their_effect(
    world: World, jira: Ask, draft: Draft, doc: Doc
) -> None:
    world.jira.limit_rates(Limits(world.clock))
    jira("POST", "/issue", draft())
    answers = [jira("POST", "/issue/SEC-1/comment", {"body": doc("x")}) for _ in range(25)]
    assert [answer.status for answer in answers] == [201] * 20 + [429] * 5
    assert {answer.headers["RateLimit-Reason"] for answer in answers[20:]} == {
        "jira-per-issue-on-write"
    }
    assert len(world.jira.people.ticket("SEC-1").comments) == 20
    world.clock.advance(2)
    assert jira("POST", "/issue/SEC-1/comment", {"body": doc("x")}).status == 201


def test_a_burst_is_warned_and_then_refused_with_and_without_retry_after(
    world: World, jira: Ask
) -> None:
    world.jira.limit_rates(Limits(world.clock))
    answers = [jira("GET", "/myself") for _ in range(400)]
    refused = [answer for answer in answers if answer.status == 429]
    assert len(refused) == 50
    assert {"Retry-After" in answer.headers for answer in refused} == {True, False}
    assert "X-RateLimit-NearLimit" in answers[349].headers
    assert "X-RateLimit-NearLimit" not in answers[0].headers
