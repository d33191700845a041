"""What a run believes when a search finds nothing, and what a first run finds already there.

Each story begins with memory that knows less than Jira does.
"""

import asyncio
from collections.abc import Callable

import pytest
from msgspec.structs import replace

from job.core.memory import RunRecord
from job.errors import MalformedAnswer, RemoteRefused
from job.flow.setup import ALL_TIME, Order
from job.sim.call import Answer, Call
from job.sim.jira.api import JiraSim
from job.sim.jira.site import ANNA
from job.state.memory import MemoryStore
from tests.kit.builders import policy
from tests.kit.quarter import QUARTER_HOUR_S, done
from tests.kit.timeless import play
from tests.kit.tube import QUIET, Tube, writes

ID_FIELD = "customfield_10010"
ALL = Order(since=ALL_TIME)


async def with_tickets(many: int = 5) -> tuple[Tube, list[str]]:
    tube = Tube(policy=QUIET)
    issues = [tube.halo.estate.open_issue(type="csm") for _ in range(many)]
    await done(tube)
    return tube, issues


def lose_memory(tube: Tube) -> None:
    tube.store = MemoryStore()


def lose_links(tube: Tube) -> None:
    """Somebody restored a backup, or a collection was deleted: the watermark says nothing of it."""
    tube.store._links.clear()


def file_ticket(tube: Tube, text: object, *, project: int = 0, field: str = ID_FIELD) -> None:
    """Somebody's ticket that holds this in a field."""
    site = tube.jira.site
    tube.jira.store.create(
        project=site.projects[project],
        issue_type=site.issue_types[0],
        fields={"summary": "Found by a person", field: text},
        author=ANNA,
    )


@pytest.mark.parametrize("lose", [lose_memory, lose_links])
def test_lost_memory_finds_its_tickets_although_phrases_find_nothing(
    lose: Callable[[Tube], None],
) -> None:
    async def story() -> None:
        tube, _ = await with_tickets()
        lose(tube)
        tube.jira.site.blind_searches = {"phrase"}
        assert (await done(tube, ALL)).counts["adopt"].get("done", 0) <= 5
        await done(tube)
        assert len(tube.jira.people.tickets()) == 5
        assert len(tube.store._links) == 5

    play(story())


@pytest.mark.parametrize("lose", [lose_memory, lose_links])
def test_lost_memory_creates_nothing_where_no_search_finds_what_is_there(
    lose: Callable[[Tube], None],
) -> None:
    async def story() -> None:
        tube, _ = await with_tickets()
        lose(tube)
        await asyncio.sleep(QUARTER_HOUR_S)
        tube.jira.site.blind_searches = {"phrase", "words"}
        before = writes(tube.jira.calls)
        error = await tube.run(order=ALL)
        assert isinstance(error, MalformedAnswer)
        assert "SEC-" in str(error)
        assert writes(tube.jira.calls) == before
        tube.jira.site.blind_searches = set()
        await done(tube, ALL)
        assert len(tube.jira.people.tickets()) == 5

    play(story())


def test_adopted_memory_creates_nothing_where_no_search_finds_what_is_there() -> None:
    async def story() -> None:
        tube, issues = await with_tickets(2)
        tube.jira = JiraSim(tube.clock, seed=5, keep=0)
        tube.jira.site.cloud_id = "another-site"
        file_ticket(tube, issues[0])
        tube.owner = replace(tube.owner, jira_url="http://other-jira")
        tube.jira.site.blind_searches = {"phrase", "words"}
        tube.halo.estate.open_issue(type="csm")
        await asyncio.sleep(QUARTER_HOUR_S)
        order = Order(adopt_memory=True)
        assert isinstance(await tube.run(order=order), MalformedAnswer)
        assert isinstance(await tube.run(), MalformedAnswer), "it is not forgotten by the next run"
        assert len(tube.jira.people.tickets()) == 1

    play(story())


def test_a_search_that_jira_does_not_understand_is_no_proof_that_there_is_nothing() -> None:
    async def story() -> None:
        tube, _ = await with_tickets()
        lose_memory(tube)
        site, answer = tube.jira.site, tube.jira.answer
        site.silent_searches, kept = True, site.fields

        def hides_the_field_from_searches(call: Call) -> Answer:
            if call.path.endswith(("/jql/parse", "/search/jql")):
                site.fields = [field for field in kept if field.id != ID_FIELD]
            try:
                return answer(call)
            finally:
                site.fields = kept

        tube.jira.answer = hides_the_field_from_searches  # type: ignore[method-assign]
        error = await tube.run(order=ALL)
        assert isinstance(error, RemoteRefused), error
        assert len(tube.jira.people.tickets()) == 5

    play(story())


def test_the_first_run_of_another_account_waits_for_an_approval_before_it_creates() -> None:
    async def story() -> None:
        tube, issues = await with_tickets(30)
        lose_memory(tube)
        for issue_id in issues:
            tube.halo.estate.forget(issue_id)
        tube.halo.estate.open_issue(type="csm")
        await asyncio.sleep(QUARTER_HOUR_S)
        before = tube.halo.calls["GET /v3/issues/{id}"]
        refused = await tube.run(order=ALL)
        assert isinstance(refused, RunRecord), refused
        assert refused.exit_code == 4
        assert tube.halo.calls["GET /v3/issues/{id}"] - before == 20, "a sample tells"
        assert len(tube.jira.people.tickets()) == 30
        assert "Halo knows none of these" in refused.held[0]
        again = await tube.run(order=ALL)
        assert isinstance(again, RunRecord)
        assert again.exit_code == 4, "in every run until somebody says"
        await done(tube, Order(since=ALL_TIME, approved=refused.digest))
        assert len(tube.jira.people.tickets()) == 31
        tube.halo.estate.open_issue(type="csm")
        await done(tube)
        assert len(tube.jira.people.tickets()) == 32, "and it is asked no more"

    play(story())


@pytest.mark.parametrize("held", ["1234", "another program's id", "https://example.com/browse/77"])
def test_a_field_that_others_use_otherwise_waits_for_an_approval_too(held: str) -> None:
    async def story() -> None:
        tube = Tube(policy=QUIET)
        file_ticket(tube, held)
        tube.halo.estate.open_issue(type="csm")
        await asyncio.sleep(QUARTER_HOUR_S)
        refused = await tube.run()
        assert isinstance(refused, RunRecord), refused
        assert refused.exit_code == 4
        await done(tube, Order(approved=refused.digest))
        assert len(tube.jira.people.tickets()) == 2

    play(story())


def test_one_id_that_halo_knows_is_enough_however_old_its_issue_is() -> None:
    async def story() -> None:
        tube, issues = await with_tickets(12)
        for issue_id in issues[1:]:
            tube.halo.estate.forget(issue_id)
        tube.halo.estate.resolve(issues[0])
        await asyncio.sleep(90 * 86_400.0)
        lose_memory(tube)
        tube.halo.estate.open_issue(type="csm")
        await done(tube)
        assert len(tube.jira.people.tickets()) == 13

    play(story())


def test_what_other_projects_hold_needs_no_approval() -> None:
    async def story() -> None:
        tube = Tube(policy=QUIET)
        file_ticket(tube, "11111111-2222-3333-4444-555555555555", project=1)
        tube.halo.estate.open_issue(type="csm")
        await done(tube)
        assert len(tube.jira.people.tickets()) == 2

    play(story())


def test_a_first_run_with_nothing_to_create_needs_no_approval() -> None:
    async def story() -> None:
        tube = Tube(policy=policy(no_sva=True))
        file_ticket(tube, "11111111-2222-3333-4444-555555555555")
        tube.halo.estate.open_issue(type="sva")
        assert (await done(tube)).exit_code == 0

    play(story())


def test_a_site_whose_canary_is_gone_goes_on_with_another() -> None:
    async def story() -> None:
        tube, _ = await with_tickets(2)
        tube.jira.people.delete_ticket("SEC-1")
        for _ in range(3):
            tube.halo.estate.open_issue(type="csm")
            await done(tube)
        searched = tube.jira.calls["POST /search/jql"]
        tube.halo.estate.open_issue(type="csm")
        await done(tube)
        assert tube.jira.calls["POST /search/jql"] - searched == 2, "the other one is remembered"
        assert len(tube.jira.people.tickets()) == 5

    play(story())


def test_a_site_that_rewrites_our_ids_is_no_site_of_strangers_once_we_have_made_a_ticket() -> None:
    async def story() -> None:
        tube = Tube(policy=QUIET)
        tube.jira.rewrite_new_tickets(lambda fields: {ID_FIELD: "(see the description)"})
        tube.halo.estate.open_issue(type="csm")
        await done(tube)
        tube.halo.estate.open_issue(type="csm")
        record = await done(tube)
        assert record.counts["create"].get("held") is None
        assert len(tube.jira.people.tickets()) == 2

    play(story())
