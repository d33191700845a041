"""Tickets that version 1 of jira_halo_issues_sync made hold the id without its hyphens: they are
found, and believed where they name asset and rule as well.
"""

import asyncio
from typing import Any

import pytest
from structlog.testing import LogCapture

from job.flow.rebuild import rebuild
from job.flow.setup import ALL_TIME, Order
from job.sim.call import LOST, Answer, Call
from job.sim.jira.search import fixed_lag
from job.sim.jira.site import ANNA
from tests.kit.quarter import QUARTER_HOUR_S, done
from tests.kit.timeless import play
from tests.kit.tube import QUIET, Fuse, Tube

ID_FIELD = "customfield_10010"


def lose_creates(call: Call, side: str) -> Answer | None:
    """No create ever arrives, and nobody says so."""
    return LOST if side == "before" and call.path.endswith("/issue/bulk") else None


ALL = Order(since=ALL_TIME)


def old_ticket(tube: Tube, issue_id: str, **over: Any) -> str:
    """The ticket that version 1 would have made for this issue; its key."""
    issue, site = tube.halo.estate.issues[issue_id], tube.jira.site
    fields = {
        "summary": f"Halo detected issue in server {issue.asset.name} ({issue.type}): {issue.name}",
        ID_FIELD: issue_id.replace("-", ""),
    }
    made = tube.jira.store.create(
        project=site.projects[0],
        issue_type=site.issue_types[0],
        fields=fields | over,
        author=ANNA,
    )
    return str(made.key)


async def town(**over: Any) -> tuple[Tube, str, str]:
    """One issue and its old ticket, which the index knows."""
    tube = Tube(policy=QUIET)
    issue_id = tube.halo.estate.open_issue(type="csm", name="Root login over SSH is allowed")
    key = old_ticket(tube, issue_id, **over)
    await asyncio.sleep(QUARTER_HOUR_S)
    return tube, issue_id, key


@pytest.mark.parametrize("blind", [set(), {"phrase"}])
def test_the_ticket_of_an_older_program_is_found_and_no_other_is_made(blind: set[str]) -> None:
    async def story() -> None:
        tube, issue_id, key = await town()
        tube.jira.site.blind_searches = blind
        record = await done(tube, ALL)
        assert [ticket.key for ticket in tube.jira.people.tickets()] == [key]
        assert record.counts["create"] == {}
        tube.halo.estate.resolve(issue_id)
        await done(tube)
        assert tube.jira.people.ticket(key).status == "Done"
        held = tube.jira.people.ticket(key).fields[ID_FIELD]
        assert held == issue_id.replace("-", ""), "what another program wrote stays as it is"

    play(story())


@pytest.mark.parametrize(
    "other",
    [
        {"summary": "Halo detected issue in server db-9 (csm): Root login over SSH is allowed"},
        {"summary": "Something else altogether"},
    ],
)
def test_a_ticket_that_names_another_asset_is_doubtful_and_its_issue_waits(
    other: dict[str, Any], said: LogCapture
) -> None:
    async def story() -> None:
        tube, issue_id, key = await town(**other)
        before = tube.jira.people.ticket(key)
        for _ in range(3):
            await done(tube, ALL)
        assert [ticket.key for ticket in tube.jira.people.tickets()] == [key]
        assert tube.jira.people.ticket(key) == before
        [parked] = await tube.store.parked()
        assert (parked.issue_id, parked.error_class) == (issue_id, "ticket_doubtful")
        assert f"{key} holds this id as version 1" in parked.message
        assert issue_id in parked.message

    play(story())


def test_words_in_the_description_speak_for_a_ticket_as_well() -> None:
    async def story() -> None:
        tube = Tube(policy=QUIET)
        issue_id = tube.halo.estate.open_issue(type="csm", name="Root login over SSH is allowed")
        host = tube.halo.estate.issues[issue_id].asset.name
        words = {
            "type": "text",
            "text": f"Found on {host.upper()}: root login over  SSH is allowed.",
        }
        said = {"type": "doc", "version": 1, "content": [{"type": "paragraph", "content": [words]}]}
        key = old_ticket(tube, issue_id, summary="Renamed by a person", description=said)
        await asyncio.sleep(QUARTER_HOUR_S)
        await done(tube, ALL)
        assert [ticket.key for ticket in tube.jira.people.tickets()] == [key]
        assert len(tube.store._links) == 1

    play(story())


@pytest.mark.parametrize("is_its_ticket", [True, False])
def test_what_a_person_says_of_a_doubtful_ticket_counts_in_the_next_runs(
    is_its_ticket: bool,
) -> None:
    async def story() -> None:
        tube, issue_id, key = await town(summary="Something else altogether")
        await done(tube, ALL)
        says: dict[str, Any] = {ID_FIELD: issue_id if is_its_ticket else None}
        tube.jira.people.edit(key, **says)
        for _ in range(3):
            await done(tube, after_s=3_600.0)
        made = [ticket.key for ticket in tube.jira.people.tickets() if ticket.ours]
        assert len(made) == (not is_its_ticket)
        assert not await tube.store.parked()

    play(story())


def test_what_an_older_program_made_while_a_create_was_lost_is_no_less_doubtful() -> None:
    async def story() -> None:
        tube = Tube(policy=QUIET)
        tube.jira.search.lag = fixed_lag(43_200.0)
        issue_id = tube.halo.estate.open_issue(type="csm")
        tube.jira.faults.hook = lose_creates
        assert (await done(tube)).counts["create"] == {"unknown": 1}
        tube.jira.faults.quiet()
        key = old_ticket(tube, issue_id, summary="Something else altogether")
        for _ in range(3):
            await done(tube)
        assert not [ticket for ticket in tube.jira.people.tickets() if ticket.ours]
        assert str(tube.jira.people.ticket(key).id) not in {
            link.ticket_id for link in tube.store._links.values()
        }

    play(story())


def test_fifty_ids_in_all_their_writings_are_one_search() -> None:
    async def story() -> None:
        tube = Tube(policy=QUIET)
        issues = [tube.halo.estate.open_issue(type="csm", name=f"Rule {n}") for n in range(50)]
        for issue_id in issues:
            old_ticket(tube, issue_id)
        await asyncio.sleep(QUARTER_HOUR_S)
        before = tube.jira.calls["POST /search/jql"]
        await done(tube, ALL)
        assert len(tube.jira.people.tickets()) == 50
        in_use, canary = 1, 1
        assert tube.jira.calls["POST /search/jql"] - before == 1 + in_use + canary

    play(story())


def test_links_are_not_made_again_from_tickets_of_an_older_program_by_their_ids_alone() -> None:
    async def story() -> None:
        tube, issue_id, _ = await town()
        ours = tube.halo.estate.open_issue(type="csm")
        await done(tube)
        assert set(tube.store._links) == {ours, issue_id}
        await asyncio.sleep(QUARTER_HOUR_S)
        found = await rebuild(tube.setup(Fuse(), shard=tube.shard))
        assert [link.issue_id for link in found.links] == [ours]
        assert (found.older, found.nameless) == (1, 0)

    play(story())
