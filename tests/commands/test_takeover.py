"""Coming from jira_halo_issues_sync: `takeover` as people start it, on sites as it left them."""

from collections import Counter
from typing import Any

import pytest

from job.sim.jira.search import no_lag
from job.sim.jira.site import ANNA
from job.sim.world import World
from tests.kit.leftovers import ID_FIELD, Leftovers
from tests.kit.program import Program, Spoken

HEX = "0123456789abcdef" * 2


@pytest.fixture
def world() -> World:
    world = World.make(seed=3)
    world.jira.search.lag = no_lag
    return world


@pytest.fixture
def old(world: World) -> Leftovers:
    return Leftovers(world.halo, world.jira)


def issues(world: World, *, many: int) -> list[str]:
    """Active issues, each with a name of its own."""
    estate = world.halo.estate
    return [estate.open_issue(type="csm", name=f"Rule number {n} holds") for n in range(many)]


def seen(world: World) -> dict[str, tuple[Any, ...]]:
    """All that `takeover` could change of tickets, and more."""
    return {
        ticket.key: (
            {name: value for name, value in ticket.fields.items() if value is not None},
            dict(world.jira.store.find(ticket.key).properties),  # type: ignore[union-attr]
            ticket.status,
            len(ticket.comments),
        )
        for ticket in world.jira.people.tickets()
    }


def planned(program: Program) -> dict[str, Any]:
    spoken = program("takeover", "plan")
    assert spoken.exit_code == 0, spoken.stdout
    return spoken.only("takeover.planned")


def applied(program: Program, *more: str) -> Spoken:
    return program("takeover", "apply", planned(program)["digest"], "--yes", *more)


def created(program: Program) -> int:
    """By three runs, the first of which looks at all there is."""
    total = 0
    for args in (("--since", "all"), ("--since", "all"), ("--sweep",)):
        spoken = program("run", *args)
        assert spoken.exit_code in {0, 5}, spoken.stdout
        total += spoken.only("run.finished")["created"]
    return total


def mixed(world: World, old: Leftovers) -> dict[str, str]:
    """A ticket of each class, by the class's name."""
    ids = issues(world, many=8)
    made = {
        "hex": old.v1(ids[0]),
        "hyphenated": old.v2(ids[1]),
        "hyphenated of 3.x": old.v3(ids[2]),
        "orphan": old.v1(ids[3], **{ID_FIELD: None}),
        "orphan of 2.0.0": old.v2(ids[4], **{ID_FIELD: None}),
        "hex_doubtful": old.v1(ids[5], summary="Something else altogether"),
        "epic": old.epic("i-0abc"),
        "not_ours": old.v3(ids[6], **{ID_FIELD: "see the wiki"}),
        "one_of_several": old.v3(ids[7]),
        "kept": old.v3(ids[7]),
    }
    made["stranger's"] = Leftovers(world.halo, world.jira, author=ANNA).v1(
        ids[6], **{ID_FIELD: None}
    )
    return made


def test_a_plan_classes_every_ticket_and_writes_to_neither_side(
    program: Program, world: World, old: Leftovers
) -> None:
    made = mixed(world, old)
    before = seen(world)
    spoken = program("takeover", "plan", "--all", "--json")
    assert spoken.exit_code == 0, spoken.stdout
    line = spoken.only("takeover.planned")
    assert Counter(line["counts"]) == Counter(
        hex=1,
        hyphenated=3,
        orphan=2,
        hex_doubtful=1,
        epic=1,
        not_ours=1,
        one_of_several=1,
        orphan_unsure=1,
        ours=0,
    )
    assert sum(line["counts"].values()) == line["tickets"] == len(made)
    told = [row["cells"] for row in spoken.lines if row.get("table") == "Looked at"]
    rows = {row["ticket"]: row for row in told}
    assert rows.keys() == set(made.values())
    assert rows[made["one_of_several"]]["because"].startswith(f"{made['kept']} (To Do) is kept")
    assert rows[made["stranger's"]]["because"] == "Another account made it."
    assert rows[made["orphan"]]["is written"] == "link, property, id field"
    assert rows[made["hex"]]["is written"] == "link, property"
    assert seen(world) == before
    assert planned(program)["digest"] == line["digest"], "the same site has the same digest"


def test_what_is_applied_is_the_link_the_property_and_the_id_of_orphans_alone(
    program: Program, world: World, old: Leftovers
) -> None:
    made = mixed(world, old)
    before = seen(world)
    refused = program("takeover", "apply", planned(program)["digest"])
    assert (refused.exit_code, "--yes" in refused.stdout) == (3, True)
    assert seen(world) == before
    line = applied(program).only("takeover.ended")
    assert (line["links"], line["properties"], line["ids"], line["left"]) == (6, 6, 2, 0)
    after = seen(world)
    for name in ("hex", "hyphenated", "hyphenated of 3.x", "kept"):
        fields, properties, *others = after[made[name]]
        assert (fields, *others) == (before[made[name]][0], *before[made[name]][2:])
        assert properties["halo.sync"]["v"] == 1
    for name in ("orphan", "orphan of 2.0.0"):
        fields, properties, *_ = after[made[name]]
        assert fields == before[made[name]][0] | {ID_FIELD: properties["halo.sync"]["issue"]}
    for name in ("hex_doubtful", "epic", "not_ours", "one_of_several", "stranger's"):
        assert after[made[name]] == before[made[name]]
    assert planned(program)["to_write"] == 0


def test_undo_takes_back_exactly_what_was_written(
    program: Program, world: World, old: Leftovers
) -> None:
    mixed(world, old)
    before = seen(world)
    assert applied(program).exit_code == 0
    assert seen(world) != before
    assert program("takeover", "undo").exit_code == 3, "nobody said yes"
    line = program("takeover", "undo", "--yes").only("takeover.ended")
    assert (line["links"], line["properties"], line["ids"], line["left"]) == (6, 6, 2, 0)
    assert seen(world) == before
    again = planned(program)
    assert again["to_write"] == 6, "memory has no link of any of them"


def test_a_person_who_changed_an_id_since_keeps_it_when_it_is_undone(
    program: Program, world: World, old: Leftovers
) -> None:
    made = mixed(world, old)
    assert applied(program).exit_code == 0
    world.jira.people.edit(made["orphan"], customfield_10010="mine")
    line = program("takeover", "undo", "--yes").only("takeover.ended")
    assert (line["properties"], line["ids"]) == (6, 1)
    fields, properties, *_ = seen(world)[made["orphan"]]
    assert (fields[ID_FIELD], properties) == ("mine", {})


def test_a_site_that_changed_gets_what_is_unchanged_and_the_rest_is_told(
    program: Program, world: World, old: Leftovers
) -> None:
    first, second, third, fourth = issues(world, many=4)
    kept, gone, rivalled = old.v1(first), old.v1(second), old.v1(fourth)
    digest = planned(program)["digest"]
    world.jira.people.edit(gone, summary="Rewritten by a person")
    late, _ = old.v1(third), old.v1(fourth)
    spoken = program("takeover", "apply", digest, "--yes")
    assert spoken.exit_code == 5
    left = {
        line["ticket"]: line["message"] for line in spoken.lines if line["event"] == "takeover.left"
    }
    assert left.keys() == {gone, late, rivalled}, "a newer ticket of the fourth would be kept"
    assert spoken.only("takeover.ended")["links"] == 1
    assert [key for key, (_, properties, *_) in seen(world).items() if properties] == [kept]


def test_an_unknown_digest_is_refused(program: Program, world: World, old: Leftovers) -> None:
    old.v1(*issues(world, many=1))
    planned(program)
    spoken = program("takeover", "apply", "0123456789abcdef", "--yes")
    assert (spoken.exit_code, "takeover plan" in spoken.stdout) == (2, True)


@pytest.mark.parametrize("version", ["v1", "v2", "v3"])
def test_after_a_takeover_three_runs_make_no_ticket_of_a_known_issue(
    program: Program, world: World, old: Leftovers, version: str
) -> None:
    make = getattr(old, version)
    ids = issues(world, many=40)
    keys = [make(issue_id) for issue_id in ids]
    doubles = [make(issue_id) for issue_id in ids[10:12]]
    for issue_id in ids[12:20]:
        world.halo.estate.resolve(issue_id)
    if version != "v3":
        for issue_id in ids[20:25]:
            world.jira.people.edit(keys[ids.index(issue_id)], customfield_10010=None)
    for key in keys[:6]:
        world.jira.people.transition_by_person(key, status="Done")
    world.jira.people.move_ticket(keys[6], project="OPS")
    line = planned(program)
    assert sum(line["counts"].values()) == len(keys) + len(doubles), "each is in one class"
    assert line["to_write"] == len(ids)
    assert applied(program).exit_code == 0
    before = set(seen(world))
    assert created(program) == 0
    assert set(seen(world)) == before
