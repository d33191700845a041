"""How a plan looks at a terminal of eighty columns."""

import io
from datetime import timedelta

from msgspec.structs import replace
from rich.console import Console as RichConsole

from job.console.screen import Screen
from job.core.model import Action, Case, Decision, Reason
from job.core.plan import Plan, make_plan
from job.core.shelf import Row, Shelved
from tests.kit.builders import NOW, destination, issue, ticket


def planned(number: int, *, critical: bool = False, reason: Reason = Reason.NEW) -> Decision:
    found = issue(number, critical=critical, last_seen_at=NOW - timedelta(hours=number))
    return Decision(
        case=Case(issue=replace(found, asset_hostname=f"web-{number}")),
        destination=destination(),
        action=Action.CREATE,
        reason=reason,
        because="New in Halo.",
    )


def shown(plan: Plan, *, in_full: bool = False) -> str:
    paper = io.StringIO()
    screen = Screen(
        RichConsole(file=paper, width=80, highlight=False),
        redact=lambda text: text.replace("hunter2", "***"),
    )
    with screen.watching(carries_out=False, in_full=in_full) as watcher:
        watcher.planned(plan)
    assert all(len(line) <= 80 for line in paper.getvalue().splitlines())
    return paper.getvalue()


def plan_of(*decisions: Decision) -> Plan:
    return make_plan(map(Shelved.of, decisions))


def test_forty_nine_new_tickets_are_one_group_of_which_the_worst_are_shown() -> None:
    said = shown(plan_of(*(planned(number, critical=number == 40) for number in range(1, 50))))
    assert "create: 49 tickets in SEC\n" in said
    assert said.count("New in Halo.") == 1
    lines = [line for line in said.splitlines() if "web-" in line]
    assert len(lines) == 5
    assert "critical" in lines[0]
    assert "web-40" in lines[0]
    assert "and 44 more; `plan --all` shows all" in said
    assert "49 create." in said


def test_all_of_them_are_shown_when_somebody_asks() -> None:
    said = shown(plan_of(*(planned(number) for number in range(1, 50))), in_full=True)
    assert sum("web-" in line for line in said.splitlines()) == 49
    assert "more;" not in said


def test_what_waits_and_what_is_held_stand_apart_with_their_reasons() -> None:
    now, later, held = (Shelved.of(planned(number)) for number in (1, 2, 3))
    plan = Plan(decisions=Row((now,)), deferred=Row((later,)), held=Row((held,)), digest="abc")
    titles = [line.strip() for line in shown(plan).splitlines() if "ticket in" in line]
    assert titles == [
        "create: 1 ticket in SEC",
        "create: 1 ticket in SEC, in a later run",
        "create: 1 ticket in SEC, held",
    ]


def test_other_reasons_and_projects_are_other_groups_and_routes_are_named() -> None:
    again = planned(2, reason=Reason.TICKET_GONE)
    routed = replace(planned(3), destination=replace(destination(), name="payments"))
    said = shown(plan_of(planned(1), again, routed))
    titles = [line.strip() for line in said.splitlines() if "ticket in" in line]
    assert sorted(titles) == [
        "create: 1 ticket in SEC by route default",
        "create: 1 ticket in SEC by route default",
        "create: 1 ticket in SEC by route payments",
    ]


def test_a_ticket_that_is_there_is_named_and_what_is_special_about_it_is_said() -> None:
    told = Decision(
        case=Case(issue=issue(1), ticket=ticket(7)),
        destination=destination(),
        action=Action.COMMENT,
        reason=Reason.UPDATED,
        because="Updated in Halo.",
        aside="Its route leads elsewhere now; it stays.",
    )
    said = shown(plan_of(told))
    assert f"{ticket(7).key}: Its route leads elsewhere now; it stays." in said


def test_no_markup_and_no_secret_of_halo_reaches_the_terminal() -> None:
    bad = planned(1)
    bad = replace(
        bad,
        because="hunter2 [red]is new[/]",
        case=replace(bad.case, issue=replace(bad.case.issue, name="hunter2 [bold]x[/]")),
    )
    said = shown(plan_of(bad))
    assert "hunter2" not in said
    assert "[red]is new[/]" in said
