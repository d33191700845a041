"""Before the silence of a search is believed: a ticket that is known to hold an id must be found,
and Jira must say that it understands what it is asked.
"""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from job.core.ids import IssueId, TicketId
from job.core.model import SearchProof
from job.core.shape import TicketSettings
from job.errors import MalformedAnswer, RemoteRefused
from job.sim.call import Call
from job.sim.jira.search import fixed_lag
from job.sim.world import World
from tests.jira.site import ID_FIELD, Desk, at_desk, issue_ids, new_world

NOBODY = IssueId("")
SEC = {"SEC"}
WITH_METADATA = {"jql/autocompletedata": 1, "jql/parse": 1}


@pytest.fixture
def world() -> World:
    return new_world()


@pytest.fixture
async def desk(world: World) -> AsyncIterator[Desk]:
    async with at_desk(world) as desk:
        await desk.jira.create_screen(desk.home)
        desk.forget_spending()
        yield desk


def add(world: World, *texts: Any, field: str = ID_FIELD, project: int = 0) -> list[TicketId]:
    """Tickets that hold these in a field."""
    store, site = world.jira.store, world.jira.site
    made = []
    for text in texts:
        world.clock.advance(1)
        ticket = store.create(
            project=site.projects[project],
            issue_type=site.issue_types[0],
            fields={"summary": "Old", field: text},
            author=site.me,
        )
        made.append(TicketId(str(ticket.id)))
    return made


async def test_a_known_canary_is_asked_for_once(desk: Desk) -> None:
    ids = issue_ids(3)
    add(desk.world, *ids)
    assert await desk.jira.prove_search(canary=ids[1]) == SearchProof(in_use=True, canary=ids[1])
    assert desk.spent == {**WITH_METADATA, "search/jql": 1}


async def test_where_nothing_holds_an_id_that_is_asked_once(desk: Desk) -> None:
    add(desk.world, "", None)
    assert await desk.jira.prove_search(canary=NOBODY, first_in=SEC) == SearchProof(in_use=False)
    assert desk.spent == {**WITH_METADATA, "search/jql": 1}


async def test_an_unknown_canary_is_taken_from_what_tickets_hold(desk: Desk) -> None:
    ids = issue_ids(2)
    add(desk.world, "n/a", *ids)
    proof = await desk.jira.prove_search(canary=NOBODY, first_in=SEC)
    assert proof == SearchProof(in_use=True, canary=ids[1], held=(ids[1], ids[0], "a"))
    assert desk.spent == {**WITH_METADATA, "search/jql": 2}


async def test_a_canary_that_was_deleted_gives_way_to_another(desk: Desk) -> None:
    ids = issue_ids(2)
    add(desk.world, *ids)
    desk.world.jira.people.delete_ticket("SEC-1")
    assert (await desk.jira.prove_search(canary=ids[0])).canary == ids[1]


@pytest.mark.parametrize("known", [False, True])
async def test_where_phrases_find_nothing_the_bare_words_are_searched_for(
    desk: Desk, known: bool
) -> None:
    ids = issue_ids(60)
    add(desk.world, *ids)
    desk.world.jira.site.blind_searches = {"phrase"}
    proof = await desk.jira.prove_search(canary=ids[0] if known else NOBODY)
    assert proof.canary in ids
    assert set(await desk.jira.find(ids)) == set(ids)


@pytest.mark.parametrize(
    ("field", "name", "blind"),
    [
        (ID_FIELD, "Halo Issue ID", {"phrase", "words"}),
        ("customfield_10012", "Halo Tags", {"exact"}),
    ],
)
@pytest.mark.parametrize("known", [False, True])
async def test_an_index_that_finds_no_ticket_by_its_id_stops_the_run(
    world: World, field: str, name: str, blind: set[str], *, known: bool
) -> None:
    (issue_id,) = issue_ids(1)
    add(world, [issue_id] if blind == {"exact"} else issue_id, field=field)
    world.jira.site.blind_searches = blind
    settings = TicketSettings(project_key="SEC", ticket_type="Bug", id_field=name)
    async with at_desk(world, settings=settings) as desk:
        with pytest.raises(MalformedAnswer, match=f'SEC-1 holds "{issue_id}"'):
            await desk.jira.prove_search(canary=issue_id if known else NOBODY)


async def test_ids_in_a_writing_that_we_do_not_search_for_prove_nothing_in_a_first_run(
    desk: Desk,
) -> None:
    """Hyphens at other places make other words, which a search for the id misses."""
    digits = issue_ids(1)[0].replace("-", "")
    add(desk.world, f"{digits[:16]}-{digits[16:]}")
    with pytest.raises(MalformedAnswer, match="does not find it"):
        await desk.jira.prove_search(canary=NOBODY, first_in=SEC)
    assert (await desk.jira.prove_search(canary=NOBODY)).in_use, "later, memory knows our tickets"


async def test_digits_alone_as_an_older_program_wrote_them_prove_that_a_search_finds(
    desk: Desk,
) -> None:
    add(desk.world, issue_ids(1)[0].replace("-", ""))
    assert (await desk.jira.prove_search(canary=NOBODY, first_in=SEC)).canary


async def test_addresses_of_a_host_that_has_changed_still_prove_that_a_search_finds(
    world: World,
) -> None:
    (issue_id,) = issue_ids(1)
    add(world, f"https://old.example/v3/issues/{issue_id}", field="customfield_10011")
    settings = TicketSettings(project_key="SEC", ticket_type="Bug", id_field="Halo Link")
    async with at_desk(world, settings=settings) as desk:
        assert (await desk.jira.prove_search(canary=issue_id)).canary == issue_id


async def test_a_query_that_jira_does_not_understand_is_no_empty_answer(desk: Desk) -> None:
    add(desk.world, *issue_ids(1))
    site = desk.world.jira.site
    site.silent_searches, kept = True, site.fields

    def hide_the_field_from_searches(call: Call, moment: str) -> None:
        hides = moment == "before" and call.path.endswith(("/jql/parse", "/search/jql"))
        site.fields = [field for field in kept if not hides or field.id != ID_FIELD]

    desk.world.jira.faults.hook = hide_the_field_from_searches
    with pytest.raises(RemoteRefused, match="does not exist or you do not have permission"):
        await desk.jira.prove_search(canary=NOBODY, first_in=SEC)


async def test_ids_of_our_project_are_asked_for_where_another_fills_the_first_page(
    desk: Desk,
) -> None:
    ids = issue_ids(130)
    add(desk.world, *ids[:3])
    add(desk.world, *ids[3:], project=1)
    proof = await desk.jira.prove_search(canary=NOBODY, first_in=SEC)
    assert proof.held == (ids[2], ids[1], ids[0])
    assert desk.spent["search/jql"] == 3


async def test_ids_of_other_projects_are_nobodys_business(desk: Desk) -> None:
    ids = issue_ids(2)
    add(desk.world, *ids, project=1)
    proof = await desk.jira.prove_search(canary=NOBODY, first_in=SEC)
    assert (proof.in_use, proof.held) == (True, ())


async def test_two_copies_of_the_index_that_disagree_stop_nobody(world: World) -> None:
    world.jira.search.use_replicas(2)
    world.jira.search.lag = fixed_lag(0.0)
    (issue_id,) = issue_ids(1)
    add(world, issue_id)
    world.jira.search.lag = lambda draw: draw.choice((0.0, 10_000.0))
    world.jira.people.transition_by_person("SEC-1", status="Done")
    async with at_desk(world) as desk:
        for _ in range(10):
            assert (await desk.jira.prove_search(canary=NOBODY)).canary == issue_id
