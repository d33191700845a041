"""Memory is lost, and its links are made again from Jira: nothing is created or said twice."""

import pytest

from job.core.ids import IssueId
from job.core.shards import Shard
from job.errors import MalformedAnswer
from job.flow.mend import mending
from job.flow.rebuild import Rebuilt, rebuild
from job.flow.setup import ALL_TIME, Order
from job.sim.jira.search import no_lag
from job.state.memory import MemoryStore
from tests.kit.quarter import done
from tests.kit.timeless import play
from tests.kit.tube import QUIET, Fuse, Tube


async def told(many: int) -> tuple[Tube, list[str]]:
    """A world of which all is told."""
    tube = Tube(policy=QUIET)
    tube.jira.search.lag = no_lag
    issues = [tube.halo.estate.open_issue(type="csm") for _ in range(many)]
    await done(tube)
    return tube, issues


async def rebuilt(tube: Tube) -> Rebuilt:
    setup = tube.setup(Fuse(), shard=Shard())
    found = await rebuild(setup)
    async with mending(setup.ports.store, clock=tube.clock) as hand:
        await hand.link(found.links)
    return found


def words(tube: Tube) -> list[tuple[str, int]]:
    return [(ticket.key, len(ticket.comments)) for ticket in tube.jira.people.tickets()]


@pytest.mark.parametrize(("many", "rescanned"), [(120, False), (2000, True)])
def test_after_the_loss_of_the_whole_store_nothing_is_created_or_said_again(
    many: int,
    *,
    rescanned: bool,
) -> None:
    async def story() -> None:
        tube, issues = await told(many)
        before = words(tube)
        tube.store = MemoryStore()
        found = await rebuilt(tube)
        assert (len(found.links), found.doubles, found.nameless) == (many, (), 0)
        for issue in issues if rescanned else ():
            tube.halo.estate.rescan(issue)
        record = await done(tube, Order(since=ALL_TIME))
        assert record.counts.get("create", {}).get("done", 0) == 0
        assert record.counts["comment"] == {"unchanged": many}
        assert words(tube) == before
        assert not (await done(tube)).counts.get("comment")

    play(story())


def test_what_is_new_after_the_rebuild_is_told_and_what_is_resolved_is_closed() -> None:
    async def story() -> None:
        tube, issues = await told(3)
        tube.store = MemoryStore()
        await rebuilt(tube)
        tube.halo.estate.resolve(issues[0])
        await done(tube, Order(since=ALL_TIME))
        tube.halo.estate.rescan(issues[1], changed=True)
        await done(tube, after_s=90_000)
        standing = {
            ticket.fields["customfield_10010"]: (ticket.status, len(ticket.comments))
            for ticket in tube.jira.people.tickets()
        }
        assert standing == {
            issues[0]: ("Done", 1),
            issues[1]: ("To Do", 1),
            issues[2]: ("To Do", 0),
        }

    play(story())


def test_links_that_are_there_stay_as_they_are_and_doubles_are_reported() -> None:
    async def story() -> None:
        tube, issues = await told(3)
        ids = [IssueId(issue) for issue in issues]
        before = await tube.store.links(ids)
        copy = tube.jira.people.clone_ticket(before[ids[1]].ticket_key)
        tube.jira.people.edit(copy, customfield_10010=issues[1])
        found = await rebuilt(tube)
        assert await tube.store.links(ids) == before
        (double,) = found.doubles
        assert double.issue_id == issues[1]
        assert {double.kept.key, *(other.key for other in double.others)} == {
            copy,
            before[ids[1]].ticket_key,
        }

    play(story())


def test_a_blind_search_makes_no_links() -> None:
    async def story() -> None:
        tube, _ = await told(3)
        tube.store = MemoryStore()
        tube.jira.site.blind_searches = {"phrase", "words"}
        with pytest.raises(MalformedAnswer):
            await rebuilt(tube)
        assert await tube.store.live_count() == 0

    play(story())
