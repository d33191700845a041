"""Whole runs on a Jira that cannot load one ticket: its issue waits, the others go on."""

import pytest

from job.core.ids import IssueId
from tests.kit.quarter import done
from tests.kit.timeless import play
from tests.kit.tube import QUIET, Tube


def closed(tube: Tube) -> int:
    return [ticket.status for ticket in tube.jira.people.tickets()].count("Done")


@pytest.mark.parametrize("runs", [1, 3])
def test_a_ticket_that_jira_cannot_load_parks_its_issue_and_nobody_else(runs: int) -> None:
    async def story() -> None:
        tube = Tube(policy=QUIET)
        issues = [IssueId(tube.halo.estate.open_issue(type="csm")) for _ in range(20)]
        await done(tube)
        links = await tube.store.links(issues)
        bad = issues[7]
        tube.jira.site.never_loaded.add(links[bad].ticket_key)
        for issue_id in issues:
            tube.halo.estate.resolve(issue_id)
        for _ in range(runs):
            record = await done(tube)
            assert (closed(tube), record.parked_total) == (19, 1)
        (parked,) = await tube.store.parked()
        assert (parked.issue_id, parked.error_class) == (bad, "ticket_not_loaded")
        assert links[bad].ticket_key in parked.message
        link = (await tube.store.links([bad]))[bad]
        assert (link.live, link.misses) == (True, 0), "what cannot be loaded is not missing"
        tube.jira.site.never_loaded.clear()
        for _ in range(3):
            await done(tube)
        assert (closed(tube), await tube.store.parked()) == (20, [])
        assert len(tube.jira.people.tickets()) == 20

    play(story())


def test_a_new_ticket_that_jira_cannot_load_is_linked_and_not_made_again() -> None:
    async def story() -> None:
        tube = Tube(policy=QUIET)
        tube.jira.site.never_loaded.add("SEC-2")
        for _ in range(3):
            tube.halo.estate.open_issue(type="csm")
        record = await done(tube)
        assert record.parked_total == 1
        for _ in range(3):
            await done(tube)
        tube.jira.site.never_loaded.clear()
        for _ in range(3):
            await done(tube)
        assert len(tube.jira.people.tickets()) == 3
        assert await tube.store.parked() == []

    play(story())
