"""What happens in a world between two runs: in Halo, among people, and to single objects.

Every happening takes the world, finds something that it can happen to, and tells the diary. In a
world without sweeps, Halo's next scan follows what a person did: nothing else would ever show it.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from msgspec.structs import replace

from job.core.backlog import BacklogMode
from job.core.ids import IssueId, TicketId
from job.sim.jira.people import Snapshot
from tests.kit.oracle import ACCEPTED, HARD_CLOSED, ID_FIELD
from tests.kit.oracle.reading import UNNAMED, issue_of
from tests.kit.workflows import RESOLVE
from tests.simulation.world import World

TYPES = ("csm", "fim", "sva", "lids", "image_sva")
ISSUES_MAX = 7
TWO_DAYS_S = 172_800.0
IN_THE_INDEX = timedelta(minutes=10)
"""By then every search finds a ticket where the lag is the usual one."""


def happen(world: World) -> None:
    """Something happens."""
    world.rng.choice(HAPPENINGS)(world)


# --- Halo's part ----------------------------------------------------------------------------------


def say(world: World, issue_id: str, *, resolved: bool = False, news: bool = False) -> None:
    now = world.tube.clock()
    world.diary.note(issue_id, at=now, resolved=resolved)
    if news:
        world.diary.news[issue_id] = now


def open_issue(world: World) -> None:
    if len(world.tube.halo.estate.issues) < ISSUES_MAX:
        kind, critical = world.rng.choice(TYPES), world.rng.random() < 0.3
        say(world, world.tube.halo.estate.open_issue(type=kind, critical=critical), news=True)


async def open_old_issues(world: World) -> None:
    """Older than the first run looks back: `BACKLOG` says what becomes of them."""
    mode = world.climate.policy.backlog
    if not world.climate.old_issues:
        return
    for _ in range(world.climate.old_issues):
        open_issue(world)
    for issue in world.tube.halo.estate.issues.values():
        if mode is BacklogMode.ALL or (mode is BacklogMode.CRITICAL and issue.critical):
            continue
        for kept in (world.old, world.free, world.diary.alone):
            kept.add(issue.id)
    await world.sleep(TWO_DAYS_S)
    world.tube.look_back = timedelta(days=1)


def touch(world: World, issue_id: str, *, changed: bool = False) -> None:
    """Halo sees an issue again, which may be critical by now."""
    issue = world.tube.halo.estate.issues[issue_id]
    if issue_id in world.diary.alone and world.climate.aside.random() < 0.2:
        issue.critical = True
    if changed:
        world.diary.news[issue_id] = world.tube.clock()
    world.tube.halo.estate.rescan(issue_id, changed=changed)
    say(world, issue_id)
    wake(world, issue_id)


def wake(world: World, issue_id: str) -> None:
    """Something happened to an issue: now it wants a ticket, however old it is, unless memory has
    noted it as one to be left alone.
    """
    if issue_id not in world.old:
        world.free.discard(issue_id)
    elif world.climate.policy.backlog is BacklogMode.TOUCHED:
        _want(world, issue_id)
    elif not is_left_alone(world, issue_id):
        world.diary.alone.discard(issue_id)  # nobody can say yet when a run will know


def _want(world: World, issue_id: str) -> None:
    for kept in (world.old, world.free, world.diary.alone):
        kept.discard(issue_id)


def is_left_alone(world: World, issue_id: str) -> bool:
    """Whether memory has noted it as old, and it has neither come back nor become critical."""
    note = world.tube.store._backlog.get(IssueId(issue_id))
    issue = world.tube.halo.estate.issues[issue_id]
    if note is None or note.over:
        return False
    is_worse = issue.critical and not note.critical
    return issue.status == "resolved" or not (note.resolved or is_worse)


def want_what_rose(world: World) -> None:
    """By now every run knows which of the old issues came back or became critical."""
    for issue_id in sorted(world.old):
        note = world.tube.store._backlog.get(IssueId(issue_id))
        issue = world.tube.halo.estate.issues[issue_id]
        if note and issue.status == "active" and not is_left_alone(world, issue_id):
            _want(world, issue_id)


def rescan(world: World) -> None:
    if issue_id := world.some_issue("active"):
        touch(world, issue_id, changed=world.rng.random() < 0.5)


def resolve(world: World) -> None:
    if issue_id := world.some_issue("active"):
        world.tube.halo.estate.resolve(issue_id)
        world.diary.news.pop(issue_id, None)
        say(world, issue_id, resolved=True)
        wake(world, issue_id)


def reopen(world: World) -> None:
    if issue_id := world.some_issue("resolved"):
        world.tube.halo.estate.reopen(issue_id)
        say(world, issue_id, news=True)
        wake(world, issue_id)
        world.diary.alone.discard(issue_id)  # both may lie between two runs, for nobody to see


def forget(world: World) -> None:
    if world.rng.random() < 0.2 and (issue_id := world.some_issue("active")):
        world.tube.halo.estate.forget(issue_id)


# --- What breaks in Halo --------------------------------------------------------------------------


def refuse_object(world: World) -> None:
    """From now on Halo refuses one finding, one asset, or one issue that is asked for by its id."""
    if issue_id := world.some_issue("active"):
        status = world.rng.choice([400, 403, 410, 418, 422, 500])
        world.tube.halo.quirks.broken[_part_of(world, issue_id)] = status
        world.broken.add(issue_id)


def garble_object(world: World) -> None:
    """What Halo says of a finding has a shape that nobody has published."""
    if issue_id := world.some_issue("active"):
        finding = world.tube.halo.estate.issues[issue_id].findings[-1]
        odd: list[Any] = [[], {}, {"details": "none"}, b"<html>", {"cve_entries": [7]}, None]
        world.tube.halo.quirks.details[finding.finding_id] = world.rng.choice(odd)
        world.broken.add(issue_id)


def garble_row(world: World) -> None:
    """Until the faults stop, the lists have something else in the place of one issue."""
    if issue_id := world.some_issue("active"):
        odd: list[Any] = [{"id": issue_id}, {"id": issue_id, "status": "sleeping"}]
        if world.climate.sweeps:  # a row without an id can be told of, and is not waited for
            odd += ["n/a", 17, None, {"id": None, "status": "active"}]
        world.tube.halo.quirks.rows[issue_id] = world.rng.choice(odd)


def garble_values(world: World) -> None:
    """What is of no importance in one issue is of no type that anybody has published."""
    if issue_id := world.some_issue("active"):
        odd = {"resolved_by": 17, "updated_at": "9999-99-99", "max_cvss": "n/a", "csp_region": []}
        world.tube.halo.estate.issues[issue_id].over |= odd


def _part_of(world: World, issue_id: str) -> str:
    issue = world.tube.halo.estate.issues[issue_id]
    return world.rng.choice([issue.findings[-1].finding_id, issue.id])


# --- People's part --------------------------------------------------------------------------------


def seen_by_halo(world: World, ticket: Snapshot) -> None:
    """In a world without sweeps, a scan follows what a person did."""
    issue = world.tube.halo.estate.issues.get(issue_of(ticket))
    if not world.climate.sweeps and issue and issue.status == "active" and not issue.forgotten:
        touch(world, issue.id)


def close_early(world: World) -> None:
    if ticket := world.some_ticket(closed=False):
        status = world.rng.choice(["Done", HARD_CLOSED])
        if ticket.status not in {ACCEPTED, UNNAMED} and world.climate.aside.random() < 0.2:
            status = UNNAMED
        world.tube.jira.people.transition_by_person(ticket.key, status=status)
        seen_by_halo(world, ticket)


def start_work(world: World) -> None:
    if ticket := world.some_ticket(closed=False):
        other = "In Progress" if ticket.status == "To Do" else "To Do"
        if ticket.status != ACCEPTED and world.climate.aside.random() < 0.5:
            other = ACCEPTED
        elif ticket.status != UNNAMED and world.climate.aside.random() < 0.3:
            other = UNNAMED
        world.tube.jira.people.transition_by_person(ticket.key, status=other)
        issue = world.tube.halo.estate.issues.get(issue_of(ticket))
        if ticket.status == UNNAMED and issue and issue.status == "resolved":
            world.free.add(issue.id)  # work was over, and this person has begun it again


def open_again(world: World) -> None:
    """A person reopens a closed ticket. If Halo calls the issue resolved, we leave it to that
    person.
    """
    ticket = world.some_ticket(closed=True)
    if ticket and ticket.status != HARD_CLOSED:
        world.tube.jira.people.transition_by_person(ticket.key, status="To Do")
        issue_id = issue_of(ticket)
        if world.tube.halo.estate.issues[issue_id].status == "resolved":
            world.free.add(issue_id)


def move(world: World) -> None:
    if ticket := world.some_ticket(closed=world.rng.random() < 0.5):
        project = world.rng.choice(["SEC", "OPS"])
        world.tube.jira.people.move_ticket(ticket.key, project=project)


def delete(world: World) -> None:
    """Once an issue: what takes away two tickets would take a third."""
    ticket = world.some_ticket(closed=world.rng.random() < 0.5)
    if world.rng.random() < 0.3 and ticket and issue_of(ticket) not in bereaved(world):
        world.tube.jira.people.delete_ticket(ticket.key)
        world.diary.deleted[ticket.id] = world.tube.clock()
        seen_by_halo(world, ticket)
        _forgive_the_twin(world, issue_of(ticket))


def _forgive_the_twin(world: World, issue_id: str) -> None:
    """Where a vendor has made two tickets of one request, and a person deletes the one that is kept
    when its issue is resolved, only a sweep can see that the other is to be closed now.
    """
    twins = [one for one in world.tube.jira.people.tickets() if issue_of(one) == issue_id]
    issue = world.tube.halo.estate.issues.get(issue_id)
    if twins and issue and issue.status == "resolved" and not world.climate.sweeps:
        world.free.add(issue_id)


def bereaved(world: World) -> set[str]:
    """Issues that have lost a ticket."""
    every = world.tube.jira.people.tickets(deleted=True)
    return {issue_of(ticket) for ticket in every if ticket.deleted}


def write_comment(world: World) -> None:
    if ticket := world.some_ticket(closed=False):
        world.tube.jira.people.comment_by_person(ticket.key, text="Looking into it.")
        if world.climate.aside.random() < 0.5:  # until the world calms down it may not be closed
            world.tube.jira.site.hidden_ways.add((ticket.key, RESOLVE))


def clone(world: World) -> None:
    """The copy carries the id as well: whichever of the two the job keeps is right, as long as it
    makes no third.
    """
    if world.rng.random() < 0.2 and (ticket := world.some_ticket(closed=False)):
        world.tube.jira.people.clone_ticket(ticket.key)
        world.cloned.add(issue_of(ticket))


def bend_memory(world: World) -> None:
    """Memory links an issue to a ticket of another one, or of none: whatever bent it. Where the id
    field is another's as well, nothing is left that leads to the ticket.
    """
    ticket = world.some_ticket(closed=False)
    if not world.climate.strangers or ticket is None or ticket.id in world.renamed:
        return
    if world.tube.clock() - ticket.created_at < IN_THE_INDEX:
        return
    others = [other for other in world.tube.jira.people.tickets() if other.id != ticket.id]
    others = [other for other in others if issue_of(other) != issue_of(ticket)]
    links = world.tube.store._links
    for issue_id, link in list(links.items()):
        if link.ticket_id == str(ticket.id):
            stranger = world.rng.choice(others)
            world.diary.blurred.add(issue_id)
            world.diary.bent.add(issue_id)
            links[issue_id] = replace(link, ticket_id=TicketId(str(stranger.id)))
    seen_by_halo(world, ticket)


def rename(world: World) -> None:
    """A person writes another issue's id into the id field; the ticket still bears our mark."""
    other, ticket = world.some_issue("active"), world.some_ticket(closed=False)
    if world.climate.strangers and other and ticket and issue_of(ticket) not in world.diary.bent:
        renamed: dict[str, Any] = {ID_FIELD: other}
        world.renamed.add(ticket.id)
        world.tube.jira.people.edit(ticket.key, **renamed)


HAPPENINGS: tuple[Callable[[World], None], ...] = (
    *(open_issue,) * 8,
    *(rescan,) * 6,
    *(resolve,) * 4,
    *(reopen,) * 2,
    *(forget,) * 2,
    *(close_early,) * 2,
    *(open_again,) * 2,
    *(move,) * 2,
    *(delete,) * 2,
    *(clone,) * 2,
    write_comment,
    start_work,
    refuse_object,
    garble_object,
    garble_row,
    garble_values,
    bend_memory,
    rename,
)
