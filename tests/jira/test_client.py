"""Jira's client against the simulated site over loopback HTTP: what it learns, what it does, and
in how many calls.
"""

import asyncio
import dataclasses
import json
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace
from structlog.testing import capture_logs

from job.core.ids import IssueId, Marker, TicketId
from job.core.model import Ticket
from job.core.routes import Goal
from job.core.shape import TicketSettings
from job.errors import (
    BadSettings,
    FateUnknown,
    MalformedAnswer,
    NoTransition,
    RemoteDown,
    RemoteRefused,
    TicketRejected,
    Unconfirmed,
    Withheld,
)
from job.jira.ways import IN_VAIN_MAX
from job.ports import Creation
from job.sim.call import Answer, Call, json_answer
from job.sim.jira.search import fixed_lag
from job.sim.jira.workflow import DEFAULT, SIMPLIFIED, Transition
from job.sim.world import World
from tests.jira.site import ID_FIELD, Desk, at_desk, draft, issue_ids, new_world, paragraph

CLOSE = Goal(transition="Resolve", statuses=("Done", "Closed"))
REOPEN = Goal(transition="Reopen")
MARKER = Marker("marker-1")


@pytest.fixture
def world() -> World:
    return new_world()


@pytest.fixture
async def desk(world: World) -> AsyncIterator[Desk]:
    async with at_desk(world) as desk:
        yield desk


def add_tickets(
    world: World, ids: list[IssueId], *, field: str = ID_FIELD, as_label: bool = False
) -> list[TicketId]:
    """Tickets that were there before."""
    store, site = world.jira.store, world.jira.site
    return [
        TicketId(
            str(
                store.create(
                    project=site.projects[0],
                    issue_type=site.issue_types[0],
                    fields={"summary": "Old", field: [issue_id, "halo"] if as_label else issue_id},
                    author=site.me,
                ).id
            )
        )
        for issue_id in ids
    ]


async def first_ticket(desk: Desk) -> Ticket:
    """A ticket in To Do, as the client reads it."""
    (ticket_id,) = add_tickets(desk.world, issue_ids(1))
    ticket = (await desk.jira.read([ticket_id]))[ticket_id]
    desk.forget_spending()
    return ticket


class Trouble:
    """Answers calls with this end of a path itself, one after the other, before or after their
    effect.
    """

    def __init__(
        self, world: World, *, path: str, answers: list[Answer | None], moment: str = "before"
    ) -> None:
        self._path, self._answers, self._moment = path, iter(answers), moment
        world.jira.faults.hook = self

    def __call__(self, call: Call, moment: str) -> Answer | None:
        if moment != self._moment or not call.path.endswith(self._path):
            return None
        return next(self._answers, None)


LOST = Answer(0, lost=True)


def html(status: int) -> Answer:
    return Answer(status, {"content-type": "text/html"}, b"<!DOCTYPE html><p>Log in</p>")


def halo_ids(world: World) -> Counter[Any]:
    return Counter(ticket.fields.get(ID_FIELD) for ticket in world.jira.people.tickets())


# --- Who we are -----------------------------------------------------------------------------------


async def test_we_learn_who_we_are_through_the_site_and_through_the_gateway(world: World) -> None:
    async with at_desk(world) as desk:
        identity = await desk.jira.myself()
    async with at_desk(world, gateway=True, token=world.jira.site.scoped_token) as desk:
        again = await desk.jira.myself()
    assert again.server_time
    assert identity.server_time
    assert again.server_time >= identity.server_time, "a second may have begun in between"
    assert replace(again, server_time=identity.server_time) == identity
    assert identity.account_id == world.jira.site.me.account_id


@pytest.mark.parametrize("gateway", [False, True])
async def test_a_bad_token_is_refused_and_never_an_empty_site(world: World, gateway: bool) -> None:
    add_tickets(world, issue_ids(1))
    async with at_desk(world, token="expired", gateway=gateway) as desk:
        for question in (
            desk.jira.myself(),
            desk.jira.read([TicketId("10001")]),
            desk.jira.find(issue_ids(1)),
            desk.jira.highest_key("SEC"),
            desk.jira.visible("SEC"),
            desk.jira.create_screen(desk.home),
            desk.jira.create([draft(issue_ids(1)[0])]),
            desk.jira.comment(TicketId("10001"), body=paragraph("x"), marker=MARKER),
        ):
            with pytest.raises(RemoteRefused):
                await question


async def test_a_wrong_cloud_id_is_refused_with_the_setting_to_check(world: World) -> None:
    async with at_desk(world, gateway=True, token=world.jira.site.scoped_token) as desk:
        world.jira.site.cloud_id = "another"
        with pytest.raises(RemoteRefused, match="Check JIRA_API_URL"):
            await desk.jira.myself()


async def test_a_token_that_expires_on_the_way_is_noticed_at_the_next_answer(desk: Desk) -> None:
    await desk.jira.myself()
    desk.world.jira.reception.tokens_end_at = desk.world.clock()
    with pytest.raises(RemoteRefused, match="AUTHENTICATED_FAILED"):
        await desk.jira.read([TicketId("10001")])


async def test_a_site_tells_what_names_it_for_good(desk: Desk) -> None:
    assert await desk.jira.cloud_id() == desk.world.jira.site.cloud_id
    assert desk.recorder.requests[-1].url.endswith("/_edge/tenant_info")


async def test_the_gateways_address_carries_the_name_of_the_site(world: World) -> None:
    async with at_desk(world, gateway=True) as desk:
        assert await desk.jira.cloud_id() == world.jira.site.cloud_id
        assert desk.spent == {}


@pytest.mark.parametrize(
    "told", [json_answer({}, status=404), json_answer([]), Answer(200, body=b"<html>")]
)
async def test_a_site_that_does_not_tell_goes_by_its_base_address(desk: Desk, told: Answer) -> None:
    desk.world.jira.faults.hook = lambda call, moment: (
        told if moment == "before" and call.path.startswith("/_edge/") else None
    )
    assert await desk.jira.cloud_id() == desk.world.jira.site.base_url


async def test_an_answer_for_another_account_is_refused(desk: Desk) -> None:
    await desk.jira.myself()
    desk.world.jira.site.me = desk.world.jira.site.people[1]
    with pytest.raises(RemoteRefused, match="not for"):
        await desk.jira.read([TicketId("10001")])


async def test_a_log_in_page_is_refused_for_a_read(desk: Desk) -> None:
    Trouble(desk.world, path="/issue/bulkfetch", answers=[html(200)])
    with pytest.raises(RemoteRefused, match="web page"):
        await desk.jira.read([TicketId("10001")])


# --- Metadata -------------------------------------------------------------------------------------


async def test_the_field_book_is_read_once_however_many_ask(desk: Desk) -> None:
    books = await asyncio.gather(*(desk.jira.create_screen(desk.home) for _ in range(5)))
    assert {book.id_field.id for book in books} == {ID_FIELD}
    assert (books[0].type_id, books[0].type_name, books[0].fields["priority"].allowed[1].name) == (
        "10004",
        "Bug",
        "High",
    )
    assert desk.spent == {
        "issue/createmeta/{project}/issuetypes": 1,
        "issue/createmeta/{project}/issuetypes/{type}": 1,
    }


async def test_a_book_that_could_not_be_read_is_read_again(desk: Desk) -> None:
    Trouble(desk.world, path="/issuetypes", answers=[html(200)])
    with pytest.raises(RemoteRefused):
        await desk.jira.create_screen(desk.home)
    assert (await desk.jira.create_screen(desk.home)).type_id == "10004"


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (
            TicketSettings(project_key="NOPE", ticket_type="Bug", id_field="Halo Issue ID"),
            "JIRA_PROJECT_KEY: .*'NOPE'.*SEC, OPS",
        ),
        (
            TicketSettings(project_key="SEC", ticket_type="Epos", id_field="Halo Issue ID"),
            "JIRA_ISSUE_TYPE: .*Bug, Task",
        ),
        (
            TicketSettings(project_key="SEC", ticket_type="Bug", id_field="Nope"),
            "JIRA_ISSUE_ID_FIELD: .*Halo Issue ID",
        ),
        (
            TicketSettings(project_key="SEC", ticket_type="Bug", id_field="Halo Score"),
            "JIRA_ISSUE_ID_FIELD: .*Halo Link",
        ),
    ],
)
async def test_settings_that_name_nothing_in_jira_are_refused_with_what_there_is(
    world: World, settings: TicketSettings, words: str
) -> None:
    async with at_desk(world, settings=settings) as desk:
        with pytest.raises(BadSettings, match=words):
            await desk.jira.create_screen(desk.home)


async def test_a_name_that_two_fields_share_is_refused_with_their_ids(desk: Desk) -> None:
    desk.world.jira.site.add_twin_field(ID_FIELD, twin_id="customfield_10099")
    with pytest.raises(BadSettings, match="customfield_10010, customfield_10099"):
        await desk.jira.create_screen(desk.home)


# --- Reading --------------------------------------------------------------------------------------


async def test_reading_250_tickets_takes_three_calls(desk: Desk) -> None:
    ids = add_tickets(desk.world, issue_ids(250))
    desk.world.jira.people.delete_ticket("SEC-7")
    await desk.jira.create_screen(desk.home)
    desk.forget_spending()
    found = await desk.jira.read(ids)
    assert set(found) == {*ids[:6], *ids[7:]}
    assert desk.spent == {"issue/bulkfetch": 3}


async def test_reading_nothing_takes_no_call(desk: Desk) -> None:
    assert await desk.jira.read([]) == {}
    assert await desk.jira.find([]) == {}
    assert await desk.jira.create([]) == []
    assert "issue/bulkfetch" not in desk.spent


async def test_a_moved_ticket_is_read_by_its_id_under_its_new_key(desk: Desk) -> None:
    (ticket_id,) = add_tickets(desk.world, issue_ids(1))
    new_key = desk.world.jira.people.move_ticket("SEC-1", project="OPS")
    ticket = (await desk.jira.read([ticket_id]))[ticket_id]
    assert (ticket.key, ticket.project) == (new_key, "OPS")


async def test_a_ticket_without_our_property_is_known_by_its_id_field(world: World) -> None:
    issue_id = issue_ids(1)[0]
    (ticket_id,) = add_tickets(world, [issue_id])
    async with at_desk(world) as desk:
        assert (await desk.jira.read([ticket_id]))[ticket_id].is_of(issue_id)
        assert desk.spent["issue/bulkfetch"] == 2, "once more, when the field's id was known"
    by_id = TicketSettings(project_key="SEC", ticket_type="Bug", id_field=ID_FIELD)
    async with at_desk(world, settings=by_id) as desk:
        assert (await desk.jira.read([ticket_id]))[ticket_id].is_of(issue_id)
        assert desk.spent == {"issue/bulkfetch": 1}


async def test_a_ticket_with_our_property_is_known_without_a_question(desk: Desk) -> None:
    (creation,) = await desk.jira.create([draft(issue_ids(1)[0])])
    assert creation.ticket is not None
    desk.forget_spending()
    read = await desk.jira.read([creation.ticket.id])
    assert read[creation.ticket.id].is_of(issue_ids(1)[0])
    assert desk.spent == {"issue/bulkfetch": 1}


async def test_tickets_that_jira_could_not_load_are_asked_for_again(desk: Desk) -> None:
    ids = add_tickets(desk.world, issue_ids(3))
    await desk.jira.create_screen(desk.home)
    desk.forget_spending()
    desk.world.jira.faults.at = {2: "retriable_issue_errors"}
    assert set(await desk.jira.read(ids)) == set(ids)
    assert desk.spent == {"issue/bulkfetch": 2}


async def test_tickets_that_jira_never_loads_are_an_error_and_not_missing(desk: Desk) -> None:
    ids = add_tickets(desk.world, issue_ids(3))
    desk.world.jira.faults.set_chance({"retriable_issue_errors": 1.0})
    with pytest.raises(MalformedAnswer, match="could not be loaded"):
        await desk.jira.read(ids)
    assert desk.spent == {"issue/bulkfetch": 3}


@pytest.mark.parametrize("many", [1, 4])
async def test_a_few_tickets_that_jira_never_loads_are_named(desk: Desk, many: int) -> None:
    ids = add_tickets(desk.world, issue_ids(many))
    desk.world.jira.faults.set_chance({"retriable_issue_errors": 1.0})
    not_loaded: set[TicketId] = set()
    assert await desk.jira.read(ids, not_loaded=not_loaded) == {}
    assert not_loaded == set(ids)


async def test_many_tickets_that_jira_never_loads_are_no_trouble_of_their_own(desk: Desk) -> None:
    ids = add_tickets(desk.world, issue_ids(5))
    desk.world.jira.faults.set_chance({"retriable_issue_errors": 1.0})
    with pytest.raises(MalformedAnswer, match="5 tickets could not be loaded"):
        await desk.jira.read(ids, not_loaded=set())


async def test_the_highest_key_is_a_number_and_zero_for_an_empty_project(desk: Desk) -> None:
    add_tickets(desk.world, issue_ids(11))
    assert await desk.jira.highest_key("SEC") == 11
    assert await desk.jira.highest_key("OPS") == 0
    assert desk.spent == {"search/jql": 2}


async def test_an_empty_page_before_the_first_ticket_is_passed_over(desk: Desk) -> None:
    add_tickets(desk.world, issue_ids(2))
    desk.world.jira.faults.at = {0: "empty_search_page"}
    assert await desk.jira.highest_key("SEC") == 2


async def test_a_project_is_visible_when_it_may_be_browsed_and_shows_a_ticket(desk: Desk) -> None:
    assert not await desk.jira.visible("SEC")
    add_tickets(desk.world, issue_ids(1))
    desk.forget_spending()
    assert await desk.jira.visible("SEC")
    assert desk.spent == {"mypermissions": 1, "search/jql": 1, "issue/bulkfetch": 1}
    assert not await desk.jira.visible("NOPE")
    desk.world.jira.site.refused_permissions.add("BROWSE_PROJECTS")
    assert not await desk.jira.visible("SEC")


async def test_a_project_whose_tickets_only_the_index_remembers_is_not_visible(desk: Desk) -> None:
    add_tickets(desk.world, issue_ids(1))
    desk.world.jira.search.lag = fixed_lag(3600.0)
    desk.world.jira.people.move_ticket("SEC-1", project="OPS")
    assert not await desk.jira.visible("SEC")


# --- Finding --------------------------------------------------------------------------------------

FIELDS = [
    ("Halo Issue ID", ID_FIELD, False),
    ("Halo Tags", "customfield_10012", True),
    ("labels", "labels", True),
]


@pytest.mark.parametrize(("name", "field", "as_label"), FIELDS)
async def test_tickets_are_found_by_text_and_by_label_fields(
    world: World, name: str, field: str, as_label: bool
) -> None:
    ids = issue_ids(120)
    add_tickets(world, ids[:110], field=field, as_label=as_label)
    add_tickets(world, ids[:1], field=field, as_label=as_label)
    async with at_desk(
        world, settings=TicketSettings(project_key="SEC", ticket_type="Bug", id_field=name)
    ) as desk:
        await desk.jira.create_screen(desk.home)
        desk.forget_spending()
        found = await desk.jira.find(ids)
    assert set(found) == set(ids[:110])
    assert [ticket.key for ticket in found[ids[0]]] == ["SEC-1", "SEC-111"]
    assert all(ticket.is_of(issue_id) for issue_id, tickets in found.items() for ticket in tickets)
    assert desk.spent == {
        "jql/autocompletedata": 1,
        "jql/parse": 1,
        "search/jql": 3,
        "issue/bulkfetch": 2,
    }


async def test_each_id_is_searched_for_and_the_way_is_asked_once(desk: Desk) -> None:
    await desk.jira.create_screen(desk.home)
    desk.forget_spending()
    for _ in range(2):
        assert await desk.jira.find(issue_ids(120)) == {}
    assert desk.spent == {"jql/autocompletedata": 1, "jql/parse": 1, "search/jql": 6}


async def test_an_incomplete_answer_does_not_mean_that_no_ticket_has_an_id(desk: Desk) -> None:
    desk.world.jira.faults.set_chance({"search_warning": 1.0})
    with pytest.raises(MalformedAnswer, match="incomplete"):
        await desk.jira.prove_search(canary=IssueId(""))


async def test_what_is_not_found_is_not_read(desk: Desk) -> None:
    assert await desk.jira.find(issue_ids(3)) == {}
    assert "issue/bulkfetch" not in desk.spent


async def test_a_ticket_with_a_similar_id_is_not_found(desk: Desk) -> None:
    wanted = issue_ids(1)[0]
    add_tickets(desk.world, [IssueId(f"see {wanted}"), IssueId(f"{wanted}0")])
    assert await desk.jira.find([wanted]) == {}


async def test_a_found_ticket_is_as_the_database_has_it_and_not_as_the_index_remembers(
    desk: Desk,
) -> None:
    kept, emptied, deleted = issue_ids(3)
    add_tickets(desk.world, [kept, emptied, deleted])
    assert len(await desk.jira.find([kept, emptied, deleted])) == 3
    desk.world.jira.search.lag = fixed_lag(3600.0)
    people = desk.world.jira.people
    people.transition_by_person("SEC-1", status="Done")
    people.move_ticket("SEC-1", project="OPS")
    people.edit("SEC-2", customfield_10010=None)
    found = await desk.jira.find([kept, emptied, deleted])
    assert {
        issue_id: [(one.status, one.project) for one in ones] for issue_id, ones in found.items()
    } == {
        kept: [("Done", "OPS")],
        deleted: [("To Do", "SEC")],
    }


async def test_short_and_empty_pages_and_a_lying_is_last_lose_nothing(desk: Desk) -> None:
    ids = issue_ids(40)
    add_tickets(desk.world, ids)
    desk.world.jira.faults.set_chance(
        {"short_search_page": 0.5, "empty_search_page": 0.2, "wrong_is_last": 0.5}
    )
    assert set(await desk.jira.find(ids)) == set(ids)


async def test_a_warning_makes_a_search_an_error(desk: Desk) -> None:
    add_tickets(desk.world, issue_ids(2))
    desk.world.jira.faults.set_chance({"search_warning": 1.0})
    with pytest.raises(MalformedAnswer, match="incomplete"):
        await desk.jira.find(issue_ids(2))


async def test_a_page_that_comes_twice_and_a_search_without_end_are_errors(desk: Desk) -> None:
    same = Answer(200, {}, b'{"issues": [], "nextPageToken": "again"}')
    Trouble(desk.world, path="/search/jql", answers=[same, same])
    with pytest.raises(MalformedAnswer, match="twice"):
        await desk.jira.highest_key("SEC")

    def endless() -> Iterator[Answer]:
        for n in range(1_000):
            yield Answer(200, {}, b'{"issues": [], "nextPageToken": "%d"}' % n)

    Trouble(desk.world, path="/search/jql", answers=list(endless()))
    with pytest.raises(MalformedAnswer, match="more than 100 pages"):
        await desk.jira.highest_key("SEC")


async def test_a_probe_finds_what_search_does_not_show_yet(desk: Desk) -> None:
    ids = issue_ids(150)
    desk.world.jira.search.lag = fixed_lag(43_200.0)
    add_tickets(desk.world, ids)
    desk.world.jira.people.move_ticket("SEC-149", project="OPS")
    await desk.jira.create_screen(desk.home)
    desk.forget_spending()
    assert await desk.jira.find(ids) == {}
    probe = await desk.jira.probe("SEC", above=20, wanted=[ids[19], ids[20], ids[30], ids[148]])
    assert {issue_id: [one.key for one in ones] for issue_id, ones in probe.found.items()} == {
        ids[20]: ["SEC-21"],
        ids[30]: ["SEC-31"],
        ids[148]: ["OPS-1"],
    }
    assert desk.spent["issue/bulkfetch"] == 4
    assert probe.complete, "each key from 21 to 150 is a ticket that we see"


async def test_a_probe_walks_over_any_hole_below_the_newest_key(desk: Desk) -> None:
    ids = issue_ids(399)
    add_tickets(desk.world, ids)
    for number in range(1, 399):
        desk.world.jira.people.delete_ticket(f"SEC-{number}")
    for above in (0, 60, 300):
        probe = await desk.jira.probe("SEC", above=above, wanted=ids)
        assert set(probe.found) == {ids[398]}
        assert not probe.complete, "a ticket may be hidden among the missing keys"


async def test_a_probe_looks_beyond_the_newest_key_that_search_knows(desk: Desk) -> None:
    ids = issue_ids(150)
    add_tickets(desk.world, ids[:10])
    desk.world.clock.advance(60.0)
    desk.world.jira.search.lag = fixed_lag(43_200.0)
    add_tickets(desk.world, ids[10:])
    for number in range(11, 115):
        desk.world.jira.people.delete_ticket(f"SEC-{number}")
    assert set((await desk.jira.probe("SEC", above=10, wanted=ids)).found) == set(ids[114:])


async def test_a_probe_is_bounded_says_so_and_looks_near_the_newest_key_as_well(desk: Desk) -> None:
    ids = issue_ids(3_600)
    add_tickets(desk.world, ids)
    desk.world.clock.advance(3_600.0)
    await desk.jira.create_screen(desk.home)
    desk.forget_spending()
    with capture_logs() as logs:
        probe = await desk.jira.probe("SEC", above=0, wanted=[ids[1_999], ids[2_100], ids[3_599]])
    assert probe.found.keys() == {ids[1_999], ids[3_599]}
    assert not probe.complete
    assert desk.spent["issue/bulkfetch"] == 20 + 12
    assert [line["event"] for line in logs] == ["probe.bounded"]


# --- Creating -------------------------------------------------------------------------------------


async def test_a_hundred_tickets_take_two_creates_and_one_confirmation(desk: Desk) -> None:
    ids = issue_ids(100)
    await desk.jira.create_screen(desk.home)
    desk.forget_spending()
    creations = await desk.jira.create([draft(issue_id) for issue_id in ids])
    assert desk.spent == {"issue/bulk": 2, "issue/bulkfetch": 1}
    assert all(made.ticket and made.ticket.is_of(made.draft.issue_id) for made in creations)
    assert halo_ids(desk.world) == Counter(ids)
    for ticket in desk.world.jira.people.tickets():
        assert ticket.properties["halo.sync"] == {"v": 1, "issue": ticket.fields[ID_FIELD]}


async def test_results_are_matched_by_the_halo_id_and_not_by_place(desk: Desk) -> None:
    ids = issue_ids(30)
    desk.world.jira.faults.set_chance({"shuffled_successes": 1.0})
    for creation in await desk.jira.create([draft(issue_id) for issue_id in ids]):
        assert creation.ticket is not None
        assert (
            desk.world.jira.people.ticket(creation.ticket.key).fields[ID_FIELD]
            == creation.draft.issue_id
        )


async def test_a_rejected_draft_says_why_and_does_not_stop_the_others(desk: Desk) -> None:
    good, long, wrong = issue_ids(3)
    drafts = [
        draft(long, summary="x" * 300),
        draft(good),
        draft(wrong, customfield_10014={"value": "Purple"}),
    ]
    first, second, third = await desk.jira.create(drafts)
    assert isinstance(first.error, TicketRejected)
    assert "255" in first.error.fields["summary"]
    assert second.ticket is not None
    assert isinstance(third.error, TicketRejected)
    assert "customfield_10014" in third.error.fields
    assert halo_ids(desk.world) == Counter([good])


async def test_when_every_draft_is_rejected_nothing_is_confirmed(desk: Desk) -> None:
    await desk.jira.create_screen(desk.home)
    desk.forget_spending()
    (creation,) = await desk.jira.create([draft(issue_ids(1)[0], summary="")])
    assert isinstance(creation.error, TicketRejected)
    assert desk.spent == {"issue/bulk": 1}


async def test_a_draft_that_spoils_the_whole_call_is_found_by_halving(desk: Desk) -> None:
    ids = issue_ids(20)

    def spoil(call: Call, moment: str) -> Answer | None:
        if (
            moment == "before"
            and call.path.endswith("/issue/bulk")
            and ids[13].encode() in call.body
        ):
            return Answer(400, {}, b'{"errorMessages": ["Invalid request payload."], "errors": {}}')
        return None

    desk.world.jira.faults.hook = spoil
    creations = await desk.jira.create([draft(issue_id) for issue_id in ids])
    assert [one.draft.issue_id for one in creations if one.error] == [ids[13]]
    assert isinstance(creations[13].error, TicketRejected)
    assert halo_ids(desk.world) == Counter(set(ids) - {ids[13]})


async def test_a_refusal_that_no_smaller_block_can_escape_is_not_halved(desk: Desk) -> None:
    Trouble(
        desk.world, path="/issue/bulk", answers=[Answer(403, {}, b'{"errorMessages": ["No."]}')]
    )
    creations = await desk.jira.create([draft(issue_id) for issue_id in issue_ids(4)])
    assert [str(one.error) for one in creations] == ["Jira refused creating tickets (403): No."] * 4
    assert desk.spent["issue/bulk"] == 1
    assert desk.world.jira.people.tickets() == []


@pytest.mark.parametrize(
    ("answer", "moment"),
    [
        (LOST, "before"),
        (LOST, "after"),
        (Answer(500), "after"),
        (html(201), "after"),
        (html(200), "after"),
    ],
)
async def test_a_block_whose_answer_is_lost_is_unknown_and_never_sent_again(
    desk: Desk, answer: Answer, moment: str
) -> None:
    ids = issue_ids(3)
    Trouble(desk.world, path="/issue/bulk", answers=[answer], moment=moment)
    creations = await desk.jira.create([draft(issue_id) for issue_id in ids])
    assert [type(one.error) for one in creations] == [FateUnknown] * 3
    assert desk.spent["issue/bulk"] == 1
    assert halo_ids(desk.world) == Counter(ids if moment == "after" else [])


async def test_a_create_that_was_throttled_was_not_looked_at_and_is_sent_again(desk: Desk) -> None:
    Trouble(desk.world, path="/issue/bulk", answers=[Answer(429, {"Retry-After": "3"})])
    (creation,) = await desk.jira.create([draft(issue_ids(1)[0])])
    assert creation.ticket is not None
    assert desk.clock.slept_s >= 3


def block_sizes(desk: Desk) -> list[int]:
    bulks = [request for request in desk.recorder.requests if request.url.endswith("/issue/bulk")]
    return [request.body.count(b'"summary"') for request in bulks if request.body]


async def create_many(desk: Desk, ids: list[IssueId]) -> list[Creation]:
    desk.recorder.requests.clear()
    return await desk.jira.create([draft(issue_id) for issue_id in ids])


async def test_blocks_shrink_after_an_unknown_fate_and_stay_small(desk: Desk) -> None:
    ids = issue_ids(93)
    Trouble(desk.world, path="/issue/bulk", answers=[LOST], moment="after")
    await create_many(desk, ids[:50])
    await create_many(desk, ids[50:70])
    assert block_sizes(desk) == [10, 10]
    Trouble(desk.world, path="/issue/bulk", answers=[LOST], moment="after")
    await create_many(desk, ids[70:80])
    await create_many(desk, ids[80:83])
    assert block_sizes(desk) == [1, 1, 1]


async def test_one_lost_block_of_two_leaves_the_other_confirmed(desk: Desk) -> None:
    ids = issue_ids(100)
    Trouble(desk.world, path="/issue/bulk", answers=[LOST], moment="after")
    creations = await create_many(desk, ids)
    assert Counter(type(one.error) for one in creations) == {FateUnknown: 50, type(None): 50}
    assert halo_ids(desk.world) == Counter(ids)


async def test_a_created_ticket_whose_id_field_was_rewritten_is_known_by_its_property(
    desk: Desk,
) -> None:
    kept, rewritten = issue_ids(2)

    def lose_a_field(call: Call, moment: str) -> Answer | None:
        if moment == "after" and call.path.endswith("/issue/bulk"):
            desk.world.jira.people.edit("SEC-2", customfield_10010=None)
        return None

    desk.world.jira.faults.hook = lose_a_field
    creations = await desk.jira.create([draft(kept), draft(rewritten)])
    assert [made.ticket and made.ticket.key for made in creations] == ["SEC-1", "SEC-2"]


async def test_a_created_ticket_that_jira_does_not_show_is_named_and_never_unknown(
    desk: Desk,
) -> None:
    shown, hidden = issue_ids(2)

    def hide(call: Call, moment: str) -> Answer | None:
        if moment == "after" and call.path.endswith("/issue/bulk"):
            desk.world.jira.people.hide_ticket("SEC-2")
        return None

    desk.world.jira.faults.hook = hide
    first, second = await desk.jira.create([draft(shown), draft(hidden)])
    assert first.ticket is not None
    assert isinstance(second.error, Unconfirmed)
    assert second.error.ticket_key == "SEC-2"
    assert "security level" in str(second.error)


async def test_a_token_that_expires_before_a_create_creates_nothing(desk: Desk) -> None:
    await desk.jira.create_screen(desk.home)
    desk.world.jira.reception.tokens_end_at = desk.world.clock()
    with pytest.raises(RemoteRefused):
        await desk.jira.create([draft(issue_ids(1)[0])])
    assert desk.world.jira.people.tickets() == []


# --- Comments -------------------------------------------------------------------------------------


async def test_a_comment_can_be_found_again_by_its_marker(desk: Desk) -> None:
    ticket = await first_ticket(desk)
    await desk.jira.comment(ticket.id, body=paragraph("Seen again"), marker=MARKER)
    now = desk.clock.now()
    assert desk.spent == {"issue/{id}/comment": 1}
    assert await desk.jira.has_comment(ticket.id, marker=MARKER, since=now)
    assert not await desk.jira.has_comment(ticket.id, marker=Marker("other"), since=now)
    assert desk.world.jira.people.ticket("SEC-1").texts == ("Seen again",)


async def test_a_comment_is_looked_for_no_further_back_than_asked(desk: Desk) -> None:
    ticket = await first_ticket(desk)
    people, clock = desk.world.jira.people, desk.world.clock
    await desk.jira.comment(ticket.id, body=paragraph("Old"), marker=MARKER)
    for number in range(250):
        clock.advance(3600)
        people.comment_by_person("SEC-1", text=str(number))
    desk.forget_spending()
    assert not await desk.jira.has_comment(ticket.id, marker=MARKER, since=clock())
    assert desk.spent == {"issue/{id}/comment": 1}
    assert await desk.jira.has_comment(ticket.id, marker=MARKER, since=clock() - timedelta(days=12))
    assert desk.spent == {"issue/{id}/comment": 4}


async def test_clocks_that_differ_by_hours_hide_no_comment(desk: Desk) -> None:
    ticket = await first_ticket(desk)
    await desk.jira.comment(ticket.id, body=paragraph("Ours"), marker=MARKER)
    for number in range(120):
        desk.world.clock.advance(600)
        desk.world.jira.people.comment_by_person("SEC-1", text=str(number))
    assert await desk.jira.has_comment(ticket.id, marker=MARKER, since=desk.world.clock())


async def test_a_ticket_that_is_gone_has_no_comment_and_takes_none(desk: Desk) -> None:
    ticket = await first_ticket(desk)
    desk.world.jira.people.delete_ticket("SEC-1")
    assert not await desk.jira.has_comment(ticket.id, marker=MARKER, since=desk.clock.now())
    with pytest.raises(TicketRejected, match="404"):
        await desk.jira.comment(ticket.id, body=paragraph("x"), marker=MARKER)


async def test_a_refused_comment_says_why(desk: Desk) -> None:
    ticket = await first_ticket(desk)
    with pytest.raises(TicketRejected, match="32,767"):
        await desk.jira.comment(ticket.id, body=paragraph("x" * 33_000), marker=MARKER)
    desk.world.jira.limit_comments(0)
    with pytest.raises(TicketRejected, match="413"):
        await desk.jira.comment(ticket.id, body=paragraph("x"), marker=MARKER)


@pytest.mark.parametrize("answer", [LOST, Answer(503), html(200), Answer(201)])
async def test_a_comment_whose_answer_is_lost_is_sent_once(desk: Desk, answer: Answer) -> None:
    ticket = await first_ticket(desk)
    Trouble(desk.world, path="/comment", answers=[answer], moment="after")
    with pytest.raises(FateUnknown):
        await desk.jira.comment(ticket.id, body=paragraph("Once"), marker=MARKER)
    assert desk.world.jira.people.ticket("SEC-1").texts == ("Once",)
    assert await desk.jira.has_comment(ticket.id, marker=MARKER, since=desk.clock.now())


# --- Moving ---------------------------------------------------------------------------------------


async def read_all(desk: Desk, ids: list[TicketId]) -> list[Ticket]:
    found = await desk.jira.read(ids)
    desk.forget_spending()
    return [found[ticket_id] for ticket_id in ids]


async def test_closing_many_lists_the_transitions_once_and_sets_the_resolution(desk: Desk) -> None:
    tickets = await read_all(desk, add_tickets(desk.world, issue_ids(8)))
    ended = await asyncio.gather(*(desk.jira.move(ticket, goal=CLOSE) for ticket in tickets))
    assert {moved.ticket.status for moved in ended} == {"Done"}
    assert desk.caller.spent == {
        "GET /rest/api/3/issue/{id}/transitions": 1,
        "POST /rest/api/3/issue/{id}/transitions": 8,
    }
    assert {ticket.fields["resolution"]["name"] for ticket in desk.world.jira.people.tickets()} == {
        "Done"
    }


async def test_a_ticket_is_closed_reopened_and_closed_with_another_resolution(desk: Desk) -> None:
    ticket = (await desk.jira.move(await first_ticket(desk), goal=CLOSE)).ticket
    ticket = (await desk.jira.move(ticket, goal=REOPEN)).ticket
    assert desk.world.jira.people.ticket("SEC-1").status == ticket.status == "To Do"
    await desk.jira.move(ticket, goal=replace(CLOSE, resolution="Duplicate"))
    assert desk.world.jira.people.ticket("SEC-1").fields["resolution"]["name"] == "Duplicate"


async def test_two_workflows_are_listed_apart(desk: Desk) -> None:
    desk.world.jira.site.workflows[("OPS", "")] = SIMPLIFIED
    ids = add_tickets(desk.world, issue_ids(2))
    desk.world.jira.people.move_ticket("SEC-2", project="OPS")
    for ticket in await read_all(desk, ids):
        await desk.jira.move(ticket, goal=CLOSE)
    assert [ticket.status for ticket in desk.world.jira.people.tickets()] == ["Done", "Done"]


async def test_a_ticket_that_a_person_closed_first_is_left_as_it_is(desk: Desk) -> None:
    ticket = await first_ticket(desk)
    desk.world.jira.people.transition_by_person("SEC-1", status="Closed")
    assert (await desk.jira.move(ticket, goal=CLOSE)).ticket.status == "Closed"
    assert len(desk.world.jira.people.ticket("SEC-1").history) == 1


async def test_ways_that_were_listed_for_a_ticket_moved_meanwhile_do_not_mislead_the_next(
    desk: Desk,
) -> None:
    first, second = await read_all(desk, add_tickets(desk.world, issue_ids(2)))
    desk.world.jira.people.transition_by_person(first.key, status="Closed")
    with pytest.raises(NoTransition):
        await desk.jira.choose_transition(first, CLOSE)
    assert [(await desk.jira.move(one, goal=CLOSE)).ticket.status for one in (second, first)] == [
        "Done",
        "Closed",
    ]


async def test_a_way_that_no_ticket_has_is_not_looked_for_at_each_of_them(desk: Desk) -> None:
    there = await read_all(desk, add_tickets(desk.world, issue_ids(IN_VAIN_MAX + 20)))
    desk.forget_spending()
    nowhere = Goal(transition="Vanish", statuses=("Nowhere",))
    ended = await asyncio.gather(
        *(desk.jira.choose_transition(one, nowhere) for one in there), return_exceptions=True
    )
    assert Counter(type(one) for one in ended) == {NoTransition: IN_VAIN_MAX, Withheld: 20}
    assert desk.spent["issue/{id}/transitions"] == IN_VAIN_MAX


async def test_only_keys_are_asked_for_where_they_are_all_that_is_needed(desk: Desk) -> None:
    [issue_id] = issue_ids(1)
    await read_all(desk, add_tickets(desk.world, [issue_id]))
    await desk.jira.highest_key("SEC")
    await desk.jira.visible("SEC")
    await desk.jira.prove_search(canary=IssueId(""))
    await desk.jira.find([issue_id])
    bodies = [
        (request.url.rpartition("/")[2], json.loads(request.body or b"{}").get("fields"))
        for request in desk.recorder.requests
    ]
    known = ["status", "project", "issuetype"]
    searched = [fields for name, fields in bodies if name == "jql"]
    assert searched == [
        ["key"],
        ["key"],
        ["project", ID_FIELD],
        [ID_FIELD],
        [*known, ID_FIELD],
    ]  # the last compares what the field holds
    words = {"summary", "description"}  # of what was found: an older program may have written it
    read = [set(fields) - {*known, ID_FIELD} for name, fields in bodies if name == "bulkfetch"]
    assert [fields for fields in read if fields] == [words]


async def test_a_ticket_that_a_person_moved_elsewhere_is_moved_from_there(desk: Desk) -> None:
    desk.world.jira.site.workflows[("OPS", "")] = SIMPLIFIED
    ticket = await first_ticket(desk)
    desk.world.jira.people.move_ticket("SEC-1", project="OPS")
    goal = replace(CLOSE, transition="Close forever", statuses=("Done",))
    assert (await desk.jira.move(ticket, goal=goal)).ticket.status == "Done"


async def test_a_conflict_is_tried_again_and_given_up_after_three(desk: Desk) -> None:
    ticket = await first_ticket(desk)
    conflict = Answer(409, {}, b'{"errorMessages": ["Conflict."]}')
    Trouble(desk.world, path="/transitions", answers=[None, conflict])
    assert (await desk.jira.move(ticket, goal=CLOSE)).ticket.status == "Done"
    reopened = (await desk.jira.move(replace(ticket, status="Done"), goal=REOPEN)).ticket
    desk.world.jira.faults.hook = lambda call, moment: (
        conflict if _takes(call) and moment == "before" else None
    )
    desk.forget_spending()
    with pytest.raises(TicketRejected, match="Conflict"):
        await desk.jira.move(reopened, goal=CLOSE)
    assert (
        sum(_takes_request(request.method, request.url) for request in desk.recorder.requests)
        == 3 + 3
    )
    assert desk.world.jira.people.ticket("SEC-1").status == "To Do"


def _takes(call: Call) -> bool:
    return _takes_request(call.method, call.path)


def _takes_request(method: str, path: str) -> bool:
    return method == "POST" and path.endswith("/transitions")


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("answer", [LOST, Answer(500), html(200)])
async def test_a_move_whose_answer_is_lost_is_looked_at_and_repeated_only_if_needed(
    desk: Desk, answer: Answer, moment: str
) -> None:
    ticket = await first_ticket(desk)
    troubles = iter([answer])

    def trouble(call: Call, now: str) -> Answer | None:
        return next(troubles, None) if _takes(call) and now == moment else None

    desk.world.jira.faults.hook = trouble
    assert (await desk.jira.move(ticket, goal=CLOSE)).ticket.status == "Done"
    assert [change.after for change in desk.world.jira.people.ticket("SEC-1").history] == ["Done"]


async def test_a_move_that_cannot_be_looked_at_is_unknown(desk: Desk) -> None:
    ticket = await first_ticket(desk)

    def silence(call: Call, moment: str) -> Answer | None:
        return (
            LOST
            if moment == "after" and (_takes(call) or call.path.endswith("/bulkfetch"))
            else None
        )

    desk.world.jira.faults.hook = silence
    with pytest.raises(FateUnknown):
        await desk.jira.move(ticket, goal=CLOSE)


@pytest.mark.parametrize("listed", [True, False])
async def test_a_ticket_that_vanished_cannot_be_moved_and_stops_nobody(
    desk: Desk, listed: bool
) -> None:
    ticket = await first_ticket(desk)
    if listed:
        await desk.jira.choose_transition(ticket, CLOSE)
    desk.world.jira.people.delete_ticket("SEC-1")
    with pytest.raises(TicketRejected, match="404"):
        await desk.jira.move(ticket, goal=CLOSE)


async def test_a_screen_with_a_field_we_cannot_fill_is_an_error_that_names_it(desk: Desk) -> None:
    workflow = dataclasses.replace(
        SIMPLIFIED,
        transitions=(
            Transition("7", "Resolve", "Done", required=("assignee",)),
            *SIMPLIFIED.transitions[:1],
        ),
    )
    desk.world.jira.site.workflows[("", "")] = workflow
    ticket = await first_ticket(desk)
    with pytest.raises(NoTransition, match=r"SEC-1 is asked for Assignee.*CLOSE_FIELDS"):
        await desk.jira.move(ticket, goal=CLOSE)
    assert desk.spent == {"issue/{id}/transitions": 1, "issue/{id}": 1, "issue/bulkfetch": 1}


async def test_a_workflow_that_changes_during_the_run_is_listed_anew(desk: Desk) -> None:
    ticket = await first_ticket(desk)
    await desk.jira.choose_transition(ticket, CLOSE)
    renumbered = tuple(dataclasses.replace(one, id=f"9{one.id}") for one in DEFAULT.transitions)
    desk.world.jira.site.workflows[("", "")] = dataclasses.replace(DEFAULT, transitions=renumbered)
    assert (await desk.jira.move(ticket, goal=CLOSE)).ticket.status == "Done"


async def test_without_the_right_to_transition_no_way_is_seen(desk: Desk) -> None:
    ticket = await first_ticket(desk)
    desk.world.jira.site.refused_permissions.add("TRANSITION_ISSUES")
    with pytest.raises(NoTransition, match="none"):
        await desk.jira.choose_transition(ticket, CLOSE)


async def test_a_site_that_is_down_is_remote_down_for_reads(desk: Desk) -> None:
    desk.world.jira.faults.hook = lambda call, moment: Answer(503)
    with pytest.raises(RemoteDown):
        await desk.jira.myself()
