"""Routes as people write them: what they mean, and how wrong ones are refused with their lines."""

from datetime import timedelta
from typing import Any

import pytest

from job.core.conditions import Comparison, Condition, Sign, When, Word
from job.core.routes import CommentRule, CommentWhen, Destination
from job.core.shape import TicketSettings
from job.settings.destinations import routed
from job.settings.parse import Unfit
from job.settings.routing import rulebook
from tests.kit.builders import destination, issue

EXAMPLE = """
routes:
  - name: payments
    when: {group_path: "Acme/Prod/Payments/*", type: [sva, image_sva], cvss: ">= 7", tags.env: prod}
    to: {project: PAY, type: Bug, fields: {components: Platform}, labels: [halo, "{issue_type}"],
         assignee: 712020:1}
    priority: {critical: Highest, default: High}
    due: {critical: 7d, default: 30d}
    comments: {when: never}
    workflow: {close: Done, reopen: Reopen, closed: [Done], hard_closed: []}
  - name: noise
    when: {type: lids, critical: false}
    skip: "Handled in the SIEM."
  - name: accounts
    when: {csp_account_id: 0123, not: {csp_region: [us-*, NO]}}
    to: {project: OPS}
tests:
  - issue: {type: sva, group_path: acme/prod/payments/web, max_cvss: 9.8, tags: {env: prod}}
    goes_to: payments
  - {issue: {type: sva, group_path: Acme/Prod/Payments/web, max_cvss: 6.9, tags: {env: prod}},
     goes_to: default}
  - {issue: {type: lids, critical: false}, goes_to: noise}
  - {issue: {type: lids, critical: false}, goes_to: skip}
  - {issue: {type: lids, critical: true}, goes_to: default}
  - {issue: {type: csm, csp_account_id: 0123, csp_region: eu-west-1}, goes_to: accounts}
  - {issue: {type: csm, csp_account_id: 0123, csp_region: US-east-1}, goes_to: default}
  - {issue: {type: csm, csp_account_id: 0123, csp_region: NO}, goes_to: default}
  - {issue: {type: csm, csp_account_id: 123}, goes_to: default}
"""
HOME = destination(
    tickets=TicketSettings(
        project_key="SEC",
        ticket_type="Task",
        id_field="Halo Issue ID",
        mapping=(("issue_type", "Components"), ("os_type", "OS")),
        static=(("priority", "Low"), ("Team", "x")),
    )
)


def wrong(text: str) -> str:
    with pytest.raises(Unfit) as refused:
        rulebook(text)
    return str(refused.value)


def test_the_example_is_read_and_its_tests_hold() -> None:
    book = rulebook(EXAMPLE)
    assert [rule.name for rule in book.rules] == ["payments", "noise", "accounts"]
    assert len(book.tests) == 9


def test_an_issue_of_a_test_is_critical_unless_it_says_otherwise() -> None:
    book = rulebook(
        "routes: [{name: a, when: {critical: true}, to: {project: OPS}}]\n"
        "tests:\n"
        "- {issue: {type: sva}, goes_to: a}\n"
        "- {issue: {type: sva, critical: false}, goes_to: default}\n"
    )
    assert [test.issue.critical for test in book.tests] == [True, False]


def test_every_scalar_stays_the_text_that_people_wrote() -> None:
    (rule,) = rulebook(
        "routes: [{name: on, when: {csp_account_id: [0123, 1.10, NO]}, to: {project: OPS}}]"
    ).rules
    words = (Word("0123"), Word("1.10"), Word("NO"))
    assert rule.name == "on"
    assert rule.when == When(each=(Condition("csp_account_id", words),))


def test_a_comparison_is_of_numbers() -> None:
    (rule,) = rulebook('routes: [{name: a, when: {cvss: ">= 7"}, to: {project: OPS}}]').rules
    assert rule.when.each == (Condition("max_cvss", (Comparison(Sign.AT_LEAST, 7.0),)),)
    assert [rule.when.holds(issue(max_cvss=score)) for score in (None, 6.9, 7.0, 10.0)] == [
        False,
        False,
        True,
        True,
    ]


# --- What becomes of it ---------------------------------------------------------------------------


def where(**over: Any) -> Destination:
    return routed(HOME, book=rulebook(EXAMPLE)).to(issue(**over))


def test_a_route_says_what_it_says_and_the_plain_settings_say_the_rest() -> None:
    to = where(type="sva", group_path="Acme/Prod/Payments/a", max_cvss=8.0, tags=(("env", "prod"),))
    assert (to.name, to.project, to.tickets.ticket_type) == ("payments", "PAY", "Bug")
    assert to.tickets.id_field == HOME.tickets.id_field
    assert to.tickets.mapping == (("os_type", "OS"),)
    assert to.tickets.static == (
        ("Team", "x"),
        ("components", "Platform"),
        ("assignee", "712020:1"),
    )
    assert to.tickets.labels == ("halo", "{issue_type}")
    assert [step.then for step in to.tickets.priority] == ["Highest", "High"]
    assert [step.then for step in to.tickets.due] == ["7d", "30d"]
    assert not to.comments
    assert (to.workflow.close.transition, to.workflow.close.statuses) == ("Done", ("Done",))
    assert to.tickets.said_in == 'ROUTES, line 3, route "payments"'


def test_without_routes_everything_goes_where_the_plain_settings_say() -> None:
    assert routed(HOME, book=None).to(issue()) == HOME
    assert routed(HOME, book=None).destinations == (HOME,)


def test_default_skip_leaves_out_whatever_no_route_is_for() -> None:
    book = rulebook(
        "routes: [{name: a, when: {type: sva}, to: {project: OPS}}]\ndefault: skip\n"
        "tests: [{issue: {type: csm}, goes_to: skip}]"
    )
    assert routed(HOME, book=book).skipped(issue(type="csm"))
    assert routed(HOME, book=book).skipped(issue(type="sva")) == ""


def test_of_several_routes_that_match_the_first_counts() -> None:
    book = rulebook(
        "routes:\n"
        "- {name: urgent, when: {type: sva, critical: true}, to: {project: PAY}}\n"
        "- {name: packages, when: {type: sva}, to: {project: OPS}}\n"
    )
    routes = routed(HOME, book=book)
    found = [routes.to(issue(type="sva", critical=critical)).name for critical in (True, False)]
    assert found == ["urgent", "packages"]
    assert [book.way(issue(type="sva", critical=critical)) for critical in (True, False)] == found


def test_the_workflow_of_a_project_needs_saying_once() -> None:
    book = rulebook(
        "routes:\n"
        "- {name: a, when: {type: sva}, to: {project: OPS}}\n"
        "- {name: b, when: {type: csm}, to: {project: OPS}, workflow: {close: Over}}\n"
    )
    routes = routed(HOME, book=book)
    closes = {routes.to(issue(type=kind)).workflow.close.transition for kind in ("sva", "csm")}
    assert closes == {"Over"}
    assert routes.at("OPS").workflow.close.transition == "Over"
    assert routes.at("SEC") == HOME


# --- Refusals -------------------------------------------------------------------------------------

TO = "to: {project: OPS}"
RULE = f"routes:\n- {{name: a, when: {{type: a}}, {TO}"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "line 1: It is empty"),
        ("routes: [", "line 1:"),
        ("- a", "line 1: The file must be a table"),
        ("rules: []", 'line 1: The file knows no key "rules". Perhaps routes is meant.'),
        ("default: skip", "no list of routes"),
        ("routes: []\ndefault: drop", 'line 2: "drop" is no default; it is one of skip'),
        ("routes: a", "line 1: routes must be a list"),
        (f"routes:\n- {{name: a, {TO}}}", 'line 2: A route needs "when"'),
        ("routes:\n- {name: a, when: {type: sva}}", 'line 2: A route needs "to"'),
        (f"{RULE}, move: x}}", 'knows no key "move"'),
        (f"{RULE}, parent: {{by: [group_name]}}}}", 'knows no key "parent"'),
        (f"routes:\n- {{name: a, when: {{typ: a}}, {TO}}}", 'line 2: Halo has no field "typ"'),
        (f"routes:\n- {{name: a, when: {{server_state: a}}, {TO}}}", "from the asset alone"),
        (f"routes:\n- {{name: a, when: {{critical: yes}}, {TO}}}", 'true or false, and not "yes"'),
        (f"routes:\n- {{name: a, when: {{cvss: high}}, {TO}}}", '"high" is not a number'),
        (f'routes:\n- {{name: a, when: {{cvss: ">= x"}}, {TO}}}', '"x" is not a number'),
        (f'routes:\n- {{name: a, when: {{critical: "> 1"}}, {TO}}}', "only numbers are compared"),
        (f"routes:\n- {{name: a, when: {{type: []}}, {TO}}}", "can never match"),
        (f"routes:\n- {{name: skip, when: {{type: a}}, {TO}}}", "no route may be called 'skip'"),
        ("routes:\n- {name: a, when: {type: a}, to: {project: ops}}", "'ops' is not a project key"),
        ("routes:\n- {name: a, when: {type: a}, to: {projekt: A}}", 'knows no key "projekt"'),
        ("routes:\n- {name: a, when: {type: a}, to: {labels: ['{x}']}}", 'has no field "x"'),
        ("routes:\n- {name: a, when: {type: a}, to: {fields: {a: '{x}'}}}", 'has no field "x"'),
        (f"{RULE}, skip: no}}", "takes no to"),
        (f"{RULE}, due: {{default: 7}}}}", "7d, or 5wd"),
        (
            f"{RULE}, priority: {{default: A, critical: B}}}}",
            "no other step has its turn",
        ),
        (
            f"{RULE}, comments: {{when: often}}}}",
            "change, update, never",
        ),
        (
            f"{RULE}, workflow: {{closed: A, hard_closed: a}}}}",
            "closed and hard-closed",
        ),
        (
            f"{RULE}, workflow: {{closed: A, new: a}}}}",
            "new tickets stay open",
        ),
        ("routes: []\ntests:\n- {issue: {type: a}, goes_to: b}", 'there is no route "b"'),
        ("routes: []\ntests:\n- {issue: {tags.env: a}, goes_to: skip}", "tags: {NAME: VALUE}"),
        (
            "routes: []\ntests:\n- {issue: {type: a}, goes_to: skip}",
            'line 3: type: a goes to "default", and not to "skip"',
        ),
    ],
)
def test_what_is_wrong_is_refused_with_its_line(text: str, words: str) -> None:
    assert words in wrong(text)


def test_all_that_is_wrong_is_told_at_once() -> None:
    told = wrong(
        "routes:\n- {name: a, when: {typ: a}, skip: x}\n- {name: b, when: {x: a}, skip: x}\n"
        "tests:\n- {issue: {y: a}, goes_to: skip}"
    )
    assert [f"line {line}:" in told for line in (2, 3, 5)] == [True] * 3


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("{}", "{type: sva}"),
        ("{type: sva}", "{type: SVA, critical: true}"),
        ("{type: [sva, csm]}", "{type: csm}"),
        ('{group_path: "acme/*"}', '{group_path: "Acme/Prod/*"}'),
        ('{group_path: "acme/*"}', "{group_path: Acme/Prod}"),
        ('{cvss: ">= 7"}', '{cvss: "> 7"}'),
        ('{cvss: ">= 7"}', '{cvss: "9.8"}'),
        ('{cvss: "<= 7"}', '{cvss: "< 7"}'),
        ("{not: {type: lids}}", "{type: [sva, csm]}"),
        ("{not: {type: lids}}", "{not: {type: [lids, csm]}}"),
    ],
)
def test_a_rule_that_never_has_its_turn_is_refused(first: str, second: str) -> None:
    told = wrong(
        f"routes:\n- {{name: a, when: {first}, skip: x}}\n- {{name: b, when: {second}, skip: x}}"
    )
    assert 'line 3: route "b" can never match' in told
    assert '"a" (line 2)' in told


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("{type: sva}", "{}"),
        ("{type: sva, critical: true}", "{type: sva}"),
        ('{group_path: "acme/prod/*"}', '{group_path: "acme/*"}'),
        ('{group_path: "acme/?"}', '{group_path: "acme/*"}'),
        ('{cvss: "> 7"}', '{cvss: ">= 7"}'),
        ("{not: {type: [lids, csm]}}", "{not: {type: lids}}"),
        ("{not: {cve_ids: CVE-1}}", "{cve_ids: CVE-2}"),
    ],
)
def test_a_rule_that_may_have_its_turn_is_not_refused(first: str, second: str) -> None:
    rulebook(
        f"routes:\n- {{name: a, when: {first}, skip: x}}\n- {{name: b, when: {second}, skip: x}}"
    )


def test_two_rules_that_leave_nothing_between_them_shadow_a_third() -> None:
    told = wrong(
        "routes:\n"
        "- {name: a, when: {critical: true}, skip: x}\n"
        "- {name: b, when: {critical: false}, skip: x}\n"
        "- {name: c, when: {type: sva}, skip: x}\n"
    )
    assert '"a" (line 2), "b" (line 3)' in told


def test_a_rule_whose_exception_covers_it_is_refused() -> None:
    told = wrong("routes:\n- {name: a, when: {type: sva, not: {type: sv*}}, skip: x}")
    assert 'line 2: route "a" matches nothing' in told


def test_two_workflows_of_one_project_are_refused() -> None:
    told = wrong(
        "routes:\n"
        "- {name: a, when: {type: sva}, to: {project: OPS}, workflow: {close: A}}\n"
        "- {name: b, when: {type: csm}, to: {project: OPS}, workflow: {close: B}}\n"
    )
    assert 'line 3: route "b" has another workflow for the same project as route "a"' in told


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: &x 1\nb: *x", "line 1: Anchors"),
        ("a: !!python/object:os.system {}", "line 1: Tags"),
        ("a: 1\nb: 2\na: 3", 'line 3: "a" stands twice'),
        ("a: 1\n---\nb: 1", "line 2: A second document"),
        ("[" * 30 + "]" * 30, "levels are nested"),
        ("a: \x07", "characters that YAML does not allow"),
    ],
)
def test_yaml_that_is_more_than_texts_lists_and_tables_is_refused(text: str, words: str) -> None:
    assert words in wrong(text)


@pytest.mark.parametrize(
    ("words", "rule"),
    [
        ("{when: change, every: 12h}", CommentRule(every=timedelta(hours=12))),
        ("{when: change}", CommentRule()),
        ("{when: update}", CommentRule(when=CommentWhen.UPDATE, every=timedelta())),
        ("{when: never}", CommentRule(when=CommentWhen.NEVER)),
    ],
)
def test_a_route_says_when_its_tickets_are_talked_at(words: str, rule: CommentRule) -> None:
    book = f"routes:\n- {{name: a, when: {{type: a}}, to: {{project: OPS}}, comments: {words}}}"
    routes = routed(destination(every=timedelta(hours=24)), book=rulebook(book))
    assert routes.rules[0].to is not None
    assert routes.rules[0].to.comment_rule == rule
