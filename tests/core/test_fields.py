"""Mapped and static fields: read from the right place, refused before Jira refuses them."""

import re
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from msgspec.structs import replace

from job.core import fields, halo_names
from job.core.field_checks import check
from job.core.fields import PEOPLE, parse_pairs
from job.core.findings import Gone
from job.core.halo_names import HALO_FIELDS, Value
from job.core.issues import Asset, Evidence, Issue
from job.core.ladders import Step, parse_step
from job.core.shape import Allowed, CreateScreen, FieldSpec, TicketSettings
from job.core.values import unescaped
from job.errors import UnusableValue
from tests.core.jira_fields import (
    BOXES,
    CHOICE,
    ID_FIELD,
    LABELS,
    MAPPABLE,
    NUMBER,
    SCREEN,
    TEXT,
    URL,
    screen,
)
from tests.kit.builders import issue

AT = datetime(2026, 12, 1, 11, 29, 29, 908_123, tzinfo=timezone(timedelta(hours=1)))
ISSUE = issue(name="Ensure bootloader password is set")


def settings(*, mapping: str = "", static: str = "") -> TicketSettings:
    return TicketSettings(
        project_key="SEC",
        ticket_type="Bug",
        id_field="Halo Issue ID",
        mapping=tuple(parse_pairs(mapping)),
        static=tuple(parse_pairs(static)),
    )


# --- Halo's fields --------------------------------------------------------------------------------


def test_halo_fields_are_read_from_places_that_exist() -> None:
    places = {place for some in HALO_FIELDS.values() for place in some}
    known = {
        f"{kind.__name__.lower()}.{name}"
        for kind in (Issue, Asset)
        for name in kind.__struct_fields__
    }
    assert places <= known


@pytest.mark.parametrize(
    ("halo_field", "changes", "asset", "value"),
    [
        ("issue_critical", {}, None, False),
        ("issue_created_at", {"first_seen_at": AT}, None, AT),
        (
            "asset_group_path",
            {"group_path": "Acme/Prod"},
            Asset(id="1", group_path="Other"),
            "Acme/Prod",
        ),
        ("server_hostname", {"asset_name": "ip-10-4-1-22"}, None, "ip-10-4-1-22"),
        (
            "server_hostname",
            {"asset_name": "web", "asset_hostname": "ip-10-4-1-22"},
            None,
            "ip-10-4-1-22",
        ),
        ("server_csp_instance_id", {}, Asset(id="1", csp_instance_id="i-0f00"), "i-0f00"),
        (
            "server_csp_provider",
            {"csp_account_type": "aws"},
            Asset(id="1", csp_provider="aws_ec2"),
            "aws_ec2",
        ),
        (
            "server_csp_provider",
            {"csp_account_type": "aws"},
            Gone(url="https://halo.example/1"),
            "aws",
        ),
        ("server_state", {}, Asset(id="1", state="missing"), "missing"),
        ("server_state", {}, Gone(url="https://halo.example/1"), None),
        ("issue_policy_name", {}, None, None),
    ],
)
def test_a_halo_field_comes_from_the_first_place_that_has_a_value(
    halo_field: str, changes: dict[str, Any], asset: Asset | Gone | None, value: Value | None
) -> None:
    evidence = Evidence(issue=replace(ISSUE, **changes), asset=asset)
    assert halo_names.read(halo_names.plain_name(halo_field) or "", evidence=evidence) == value


@pytest.mark.parametrize(
    ("mapping", "changes", "needed"),
    [
        ("", {}, False),
        ("issue_id:Text;server_id:Text;issue_policy_name:Text", {}, False),
        ("server_state:Text", {}, True),
        ("server_csp_provider:Text", {"csp_account_type": "aws"}, True),
        ("server_hostname:Text", {"asset_name": "ip-10-4-1-22"}, False),
        ("server_hostname:Text", {}, True),
        ("server_csp_instance_id:Text", {"csp_resource_id": "i-0f00"}, False),
        ("server_csp_instance_id:Text", {}, True),
    ],
)
def test_the_asset_is_needed_only_where_the_issue_cannot_tell(
    mapping: str, changes: dict[str, Any], needed: bool
) -> None:
    assert fields.needs_asset(settings(mapping=mapping), issue=replace(ISSUE, **changes)) is needed


# --- Mapped and static fields together ------------------------------------------------------------


def test_fields_are_filled_by_jira_id_and_what_halo_does_not_say_is_left_out() -> None:
    wanted = settings(
        mapping="issue_critical:critical;issue_created_at:customfield_9;issue_policy_name:Text",
        static="Labels:halo, web shop;Priority:high;Link:https://wiki.example/halo",
    )
    evidence = Evidence(issue=replace(ISSUE, created_at=AT))
    assert fields.filled(evidence, settings=wanted, screen=screen(), made_at=AT).fields == {
        "customfield_7": {"id": "2"},
        "customfield_9": "2026-12-01T10:29:29.908+0000",
        "labels": ["halo", "web_shop"],
        "priority": {"id": "2"},
        "customfield_3": "https://wiki.example/halo",
    }


def test_a_required_field_for_which_halo_has_nothing_is_refused_in_our_words() -> None:
    required = replace(TEXT, required=True)
    with pytest.raises(
        UnusableValue, match=r'Jira requires "Text" \(customfield_1\).*issue_policy_name'
    ):
        fields.filled(
            Evidence(issue=ISSUE),
            settings=settings(mapping="issue_policy_name:Text"),
            screen=screen(required),
            made_at=AT,
        )


# --- Checking the configuration -------------------------------------------------------------------


def problems(settings: TicketSettings, screen: CreateScreen) -> list[str]:
    return [str(problem) for problem in check(settings, screen=screen)]


def test_a_sound_configuration_has_no_problem() -> None:
    wanted = settings(
        mapping="issue_critical:Critical;issue_created_at:Due date;asset_group_path:Labels",
        static="Severity:High;Modules:low,high;Contact:5b10ac8d",
    )
    assert problems(wanted, screen()) == []


@pytest.mark.parametrize(
    ("wanted", "variable", "words"),
    [
        (settings(mapping="issue_type:Tex"), "JIRA_FIELD_MAPPING", "Allowed: Text"),
        (
            settings(mapping="issue_type:Severity;asset_type:severity"),
            "JIRA_FIELD_MAPPING",
            "already filled",
        ),
        (
            settings(mapping="issue_type:Severity", static="Severity:High"),
            "JIRA_FIELD_STATIC",
            "already filled",
        ),
        (settings(mapping="issue_type:summary"), "JIRA_FIELD_MAPPING", "the program itself"),
        (settings(static="Project:OPS"), "JIRA_FIELD_STATIC", "the program itself"),
        (settings(mapping="issue_id:Halo Issue ID"), "JIRA_FIELD_MAPPING", "the program itself"),
        (settings(static="Team:Platform"), "JIRA_FIELD_STATIC", "the id of a team"),
        (settings(mapping="issue_critical:Severity"), "JIRA_FIELD_MAPPING", "High, Low"),
        (settings(mapping="issue_created_at:Score"), "JIRA_FIELD_MAPPING", "a number"),
        (settings(static="Severity:Medium"), "JIRA_FIELD_STATIC", "High, Low"),
        (settings(static="Modules:High,Medium"), "JIRA_FIELD_STATIC", '"Medium" does not fit'),
    ],
)
def test_each_mistake_is_one_problem_that_names_its_variable(
    wanted: TicketSettings, variable: str, words: str
) -> None:
    (problem,) = check(wanted, screen=screen())
    assert problem.variable == variable
    assert words in str(problem)


def test_all_mistakes_are_listed_together() -> None:
    assert (
        len(
            problems(
                settings(mapping="issue_type:nowhere", static="Score:many;Due date:now"),
                screen(),
            )
        )
        == 3
    )


def test_a_name_of_several_fields_is_a_problem_that_lists_their_ids() -> None:
    (problem,) = check(
        settings(mapping="issue_type:Text"), screen=screen(replace(TEXT, id="customfield_99"))
    )
    assert "customfield_1, customfield_99" in problem.allowed


def test_a_required_field_must_be_filled_by_somebody() -> None:
    required = replace(CHOICE, required=True)
    (problem,) = check(settings(), screen=screen(required))
    assert (problem.variable, problem.allowed) == ("JIRA_FIELD_STATIC", "High, Low")
    assert problems(settings(static="Severity:Low"), screen(required)) == []
    assert problems(settings(), screen(replace(required, has_default=True))) == []


def test_the_id_field_must_be_on_the_screen_and_able_to_hold_an_id() -> None:
    (missing,) = check(settings(), screen=screen(id_field=replace(ID_FIELD, id="customfield_98")))
    (unfit,) = check(settings(), screen=screen(id_field=NUMBER))
    (ours,) = check(settings(), screen=screen(id_field=SCREEN[2]))
    assert missing.variable == unfit.variable == ours.variable == "JIRA_ISSUE_ID_FIELD"
    assert [problems(settings(), screen(id_field=field)) for field in (TEXT, URL, LABELS)] == [
        [],
        [],
        [],
    ]


def test_a_screen_without_a_summary_is_a_problem_of_the_ticket_type() -> None:
    bare = {field.id: field for field in SCREEN if field.id != "summary"}
    (problem,) = check(settings(), screen=screen(fields=bare))
    assert problem.variable == "JIRA_ISSUE_TYPE"


def test_a_screen_without_a_description_is_survived() -> None:
    bare = {field.id: field for field in SCREEN if field.id != "description"}
    assert check(settings(), screen=screen(fields=bare)) == []


FITTING = st.sampled_from(
    ("High", "no", "3.5", "2026-12-01", "https://halo.example/v3/issues/1", "712020:5b10-ac8d")
)
"""Each field of the screen takes at least one of these, but for the team, which takes nothing."""


@given(
    st.sampled_from(MAPPABLE),
    st.text(min_size=1) | st.lists(FITTING, min_size=1, max_size=3).map(",".join),
)
def test_a_static_value_is_refused_by_the_check_or_never(field: FieldSpec, text: str) -> None:
    assume(field.kind not in PEOPLE or "@" not in text)  # an address is proven by asking Jira
    wanted = replace(settings(), static=((field.id, text),))
    made = fields.filled(Evidence(issue=ISSUE), settings=wanted, screen=screen(), made_at=AT)
    if check(wanted, screen=screen()):
        assert field.id not in made.fields
        assert len(made.left_out) == 1
    else:
        assert field.id in made.fields
        assert made.left_out == ()


def test_a_date_may_be_so_long_after_the_ticket_is_made() -> None:
    day = datetime(2026, 12, 4, 23, tzinfo=timezone(timedelta(hours=-2)))
    wanted = settings(static="Due date:+30d;Created in Halo:+1wd")
    assert check(wanted, screen=screen()) == []
    made = fields.filled(Evidence(issue=ISSUE), settings=wanted, screen=screen(), made_at=day)
    assert made.fields["duedate"] == "2027-01-04"
    assert made.fields["customfield_9"].startswith("2026-12-07T")
    assert problems(settings(static="Due date:+soon"), screen())


def test_every_field_of_an_issue_can_be_mapped_by_its_own_and_by_older_names() -> None:
    evidence = Evidence(
        issue=replace(
            ISSUE,
            type="sva",
            cves=("CVE-1", "CVE-2"),
            max_cvss=9.8,
            csp_region="eu-west-1",
            tags=(("env", "prod"), ("Team", "web")),
        )
    )
    for mapping, value in {
        "cve_ids:Labels": ["CVE-1", "CVE-2"],
        "max_cvss:Text": "9.8",
        "cvss:Score": 9.8,
        "issue_csp_region:Text": "eu-west-1",
        "issue.type:Text": "sva",
        "issue_name:Text": ISSUE.name,
        "tags.team:Text": "web",
        "csp_tags:Labels": ["env=prod", "Team=web"],
        "{issue_type},{tags.env},{os_type},halo:Labels": ["sva", "prod", "halo"],
        "{type} in {csp_region}:Text": "sva in eu-west-1",
    }.items():
        wanted = settings(mapping=mapping.replace(":Labels", ":labels"))
        made = fields.filled(evidence, settings=wanted, screen=screen(), made_at=AT)
        assert list(made.fields.values()) == [value], mapping


def test_server_container_and_csp_asset_fit_an_asset_type_that_has_those_options() -> None:
    options = (Allowed("1", "Server"), Allowed("2", "Container"), Allowed("3", "CSP Asset"))
    kinds = replace(CHOICE, allowed=options)
    found = []
    for asset_type in ("server", "container", "ami", "image", "Server"):
        made = fields.filled(
            Evidence(issue=replace(ISSUE, asset_type=asset_type)),
            settings=settings(mapping="asset_type:Severity"),
            screen=screen(kinds),
            made_at=AT,
        )
        found.append(made.fields.get(kinds.id, {}).get("id"))
    assert found == ["1", "2", "3", "2", "1"]


def test_a_priority_and_a_due_date_fill_their_fields_or_are_refused() -> None:
    steps = (Step(parse_step("critical"), "High"),)
    wanted = replace(settings(), priority=steps, due=(Step(parse_step("default"), "7d"),))
    evidence = Evidence(issue=replace(ISSUE, critical=True, first_seen_at=AT))
    made = fields.filled(evidence, settings=wanted, screen=screen(), made_at=AT)
    assert made.fields == {"priority": {"id": "2"}, "duedate": "2026-12-08"}
    late = fields.filled(
        evidence, settings=wanted, screen=screen(), made_at=AT + timedelta(days=30)
    )
    assert late.fields["duedate"] == "2026-12-31"
    assert "It was due on 2026-12-08" in late.closing_words
    (problem,) = check(
        replace(settings(), priority=(Step(parse_step("critical"), "Urgent"),)), screen=screen()
    )
    assert problem.variable == "PRIORITY_MAP"


# --- Pairs ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "pairs"),
    [
        ("", []),
        (" ; ;", []),
        ("a:b;c:d", [("a", "b"), ("c", "d")]),
        (" a : b ;", [("a", "b")]),
        ("Link:https://x.example:8080/y", [("Link", "https://x.example:8080/y")]),
        (r"a\:b:c\;d", [("a:b", "c;d")]),
        (r"a\\:b", [("a\\", "b")]),
        (r"Path:C:\temp\\new", [("Path", r"C:\temp\\new")]),
        (r"A\, B:x\, y,z", [("A, B", r"x\, y,z")]),
    ],
)
def test_pairs_are_separated_by_semicolons_and_by_the_first_colon(
    text: str, pairs: list[tuple[str, str]]
) -> None:
    assert parse_pairs(text) == pairs


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("a:b;c", '"c" has no colon'),
        (r"a\:b", "has no colon"),
        (":b", "nothing before its colon"),
        ("a: ", "nothing after its colon"),
    ],
)
def test_a_pair_that_is_none_is_refused_with_a_sentence(text: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        parse_pairs(text)


def escaped(text: str) -> str:
    return re.sub(r"[\\;:,]", r"\\\g<0>", text)


part = st.text(min_size=1).filter(lambda text: text == text.strip())


@given(st.lists(st.tuples(part, part)))
def test_any_escaped_pairs_are_read_back(pairs: list[tuple[str, str]]) -> None:
    read = parse_pairs(";".join(f"{escaped(name)}:{escaped(value)}" for name, value in pairs))
    assert [(name, unescaped(value)) for name, value in read] == pairs


def test_an_option_with_a_comma_in_its_name_can_be_set_alone_and_among_others() -> None:
    options = (Allowed("20", "Prod, EU"), Allowed("21", "Test"))
    one, several = replace(CHOICE, allowed=options), replace(BOXES, allowed=options)
    wanted = settings(static=r"Severity:Prod\, EU;Modules:Prod\, EU, Test;Labels:a\,b,c")
    there = screen(one, several)
    assert not check(wanted, screen=there)
    assert fields.filled(
        Evidence(issue=ISSUE), settings=wanted, screen=there, made_at=AT
    ).fields == {
        one.id: {"id": "20"},
        several.id: [{"id": "20"}, {"id": "21"}],
        LABELS.id: ["a,b", "c"],
    }
