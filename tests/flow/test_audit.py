"""`prove` finds each counterexample to the promises, and calls nothing one that has a reason."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest
from msgspec.structs import replace

from job.core.audit import Breach, Excuse
from job.core.ids import IssueId, TicketId, TicketKey
from job.core.memory import Changes, Link
from job.core.shards import Shard
from job.flow.audit import Audit, audit
from job.flow.inquiry import Seen, inquire
from job.sim.jira.search import no_lag
from tests.kit.quarter import at_once, done
from tests.kit.timeless import play
from tests.kit.tube import QUIET, Fuse, Tube


async def commit(tube: Tube, changes: Changes) -> None:
    now = tube.clock.now()
    until = now + timedelta(minutes=1)
    lease = await tube.store.take_lease("0-of-1", holder="test", now=now, until=until)
    await tube.store.commit(lease, changes)
    await tube.store.release_lease(lease)


async def later(tube: Tube) -> None:
    """So much later that the watermark passes all that there is."""
    await asyncio.sleep(1200)
    await done(tube)


async def settled(many: int = 3) -> tuple[Tube, list[str]]:
    """A world in which all is told and the watermark has passed it."""
    tube = Tube(policy=QUIET)
    tube.jira.search.lag = no_lag
    issues = [tube.halo.estate.open_issue(type="csm") for _ in range(many)]
    await done(tube)
    await later(tube)
    return tube, issues


async def looked(tube: Tube) -> Audit:
    before = [repr(ticket) for ticket in tube.jira.people.tickets()]
    seen = await audit(tube.setup(Fuse(), shard=Shard()))
    assert [repr(ticket) for ticket in tube.jira.people.tickets()] == before
    return seen


async def link_of(tube: Tube, issue: str) -> Link:
    (link,) = [
        link async for piece in tube.store.live_links() for link in piece if link.issue_id == issue
    ]
    return link


async def two_tickets(tube: Tube, issue: str) -> None:
    copy = tube.jira.people.clone_ticket((await link_of(tube, issue)).ticket_key)
    tube.jira.people.edit(copy, customfield_10010=issue)


async def strange_link(tube: Tube, issue: str) -> None:
    link = await link_of(tube, issue)
    copy = tube.jira.people.clone_ticket(link.ticket_key)
    tube.jira.people.edit(copy, customfield_10010="somebody else's")
    number = str(tube.jira.people.ticket(copy).id)
    changed = replace(link, ticket_id=TicketId(number), ticket_key=TicketKey(copy))
    await commit(tube, Changes(links=(changed,)))


async def no_ticket(tube: Tube, issue: str) -> None:
    tube.jira.people.delete_ticket((await link_of(tube, issue)).ticket_key)
    del tube.store._links[IssueId(issue)]


async def left_open(tube: Tube, issue: str) -> None:
    tube.halo.estate.resolve(issue)
    await asyncio.sleep(1200)
    mark = await tube.store.watermark("0-of-1")
    assert mark
    await commit(tube, Changes(watermark=replace(mark, at=tube.clock.now())))


async def not_seen_closed(tube: Tube, issue: str) -> None:
    open_link = await link_of(tube, issue)
    tube.halo.estate.resolve(issue)
    await later(tube)
    closed = (await tube.store.links([open_link.issue_id]))[open_link.issue_id]
    tube.jira.people.transition_by_person(closed.ticket_key, status="To Do")
    await commit(tube, Changes(links=(replace(closed, status_seen="To Do"),)))


BREAKS: dict[Breach, Callable[[Tube, str], Awaitable[None]]] = {
    Breach.TWO_TICKETS: two_tickets,
    Breach.LINK_STRANGE: strange_link,
    Breach.NO_TICKET: no_ticket,
    Breach.LEFT_OPEN: left_open,
    Breach.NOT_SEEN_CLOSED: not_seen_closed,
}


def test_every_breach_has_its_world() -> None:
    assert set(BREAKS) == set(Breach)


@pytest.mark.parametrize("breach", BREAKS)
def test_each_counterexample_is_found_and_nothing_else(breach: Breach) -> None:
    async def story() -> None:
        tube, issues = await settled()
        assert (await looked(tube)).found == ()
        await BREAKS[breach](tube, issues[1])
        (found,) = (await looked(tube)).found
        assert (found.breach, found.issue_id) == (breach, issues[1])
        assert all(key in found.words for key in found.tickets)

    play(story())


def test_what_it_looked_at_is_counted() -> None:
    async def story() -> None:
        tube, _ = await settled(120)
        seen = await looked(tube)
        assert (seen.issues, seen.tickets, seen.links) == (120, 120, 120)
        assert (seen.found, seen.excused, seen.under_a_run) == ((), {}, False)

    play(story())


def test_what_a_person_opened_again_after_our_close_is_no_counterexample() -> None:
    async def story() -> None:
        tube, issues = await settled()
        link = await link_of(tube, issues[0])
        tube.halo.estate.resolve(issues[0])
        await later(tube)
        tube.jira.people.transition_by_person(link.ticket_key, status="To Do")
        assert (await looked(tube)).found == ()

    play(story())


def test_what_is_new_parked_or_under_a_run_is_no_counterexample() -> None:
    async def story() -> None:
        tube, _ = await settled()
        bad = tube.halo.estate.open_issue(type="csm")
        finding = tube.halo.estate.issues[bad].findings[-1].finding_id
        tube.halo.quirks.broken[finding] = 400
        assert (await looked(tube)).excused == {Excuse.NOT_READ: 1}
        await done(tube)
        now = tube.clock.now()
        until = now + timedelta(minutes=1)
        await tube.store.take_lease("0-of-1", holder="run-x", now=now, until=until)
        seen = await looked(tube)
        assert (seen.found, seen.excused) == ((), {Excuse.PARKED: 1})
        assert seen.under_a_run

    play(story())


# --- One issue ------------------------------------------------------------------------------------


async def asked_about(tube: Tube, about: str) -> Seen:
    seen = await inquire(tube.setup(Fuse(), shard=Shard()), about=about)
    assert seen
    return seen


def test_the_next_run_looks_at_what_is_new_and_not_at_what_is_settled() -> None:
    async def story() -> None:
        tube, issues = await settled()
        assert not (await asked_about(tube, issues[0])).looks
        new = tube.halo.estate.open_issue(type="csm")
        assert (await asked_about(tube, new)).looks
        await at_once(tube)
        assert not (await asked_about(tube, new)).looks, "it is read again and settled"
        key = (await link_of(tube, new)).ticket_key
        tube.jira.people.delete_ticket(key)
        assert (await asked_about(tube, key)).case.issue.id == new

    play(story())


def test_what_is_held_is_seen_as_held() -> None:
    async def story() -> None:
        tube, issues = await settled()
        tube.limits = replace(tube.limits, create_max=1)
        new = [tube.halo.estate.open_issue(type="csm") for _ in range(3)]
        await tube.run()
        held = await asked_about(tube, new[0])
        assert held.held is not None
        assert not held.approved
        assert (await asked_about(tube, issues[0])).held is None

    play(story())
