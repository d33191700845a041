"""Runs that meet tickets which are not what memory or an answer says that they are.

Each story is one that was seen, or could be, on a site of somebody else's making.
"""

from typing import Any

import pytest
from msgspec.structs import replace
from structlog.testing import LogCapture

from job.core.ids import TicketId
from job.sim.call import LOST, Answer, Call
from job.sim.jira.site import ANNA
from job.sim.jira.tickets import Ticket
from tests.kit.builders import policy
from tests.kit.quarter import done
from tests.kit.timeless import play
from tests.kit.tube import POLICY, QUIET, Tube

ID_FIELD = "customfield_10010"
TWENTY_MINUTES_S = 1_200.0


def tube_with(many: int) -> tuple[Tube, list[str]]:
    tube = Tube(policy=QUIET)
    return tube, [tube.halo.estate.open_issue(type="csm") for _ in range(many)]


def buy_milk(tube: Tube, **fields: Any) -> Ticket:
    """A ticket of somebody else's."""
    return tube.jira.store.create(
        project=tube.jira.site.projects[0],
        issue_type=tube.jira.site.issue_types[0],
        fields={"summary": "Buy milk", **fields},
        author=ANNA,
    )


def swap_ticket(tube: Tube, key: str, *, fields: dict[str, Any]) -> str:
    """Somebody else's ticket, to which memory's link is turned."""
    ticket = buy_milk(tube, **fields)
    for issue_id, link in list(tube.store._links.items()):
        if link.ticket_key == key:
            tube.store._links[issue_id] = replace(link, ticket_id=TicketId(str(ticket.id)))
    return ticket.key


@pytest.mark.parametrize("names_another", [False, True])
def test_a_linked_ticket_that_does_not_name_the_issue_is_never_written_to(
    names_another: bool, said: LogCapture
) -> None:
    async def story() -> None:
        tube, issues = tube_with(3)
        await done(tube)
        fields = {ID_FIELD: "11111111-2222-3333-4444-555555555555"} if names_another else {}
        stranger = swap_ticket(tube, "SEC-1", fields=fields)
        tube.jira.people.delete_ticket("SEC-1")
        for issue_id in issues:
            tube.halo.estate.resolve(issue_id)
        first = await done(tube)
        assert first.parked_total == 1
        assert any(entry["event"] == "link.strange" for entry in said.entries)
        for _ in range(3):
            await done(tube)
        left_alone = tube.jira.people.ticket(stranger)
        assert (left_alone.status, left_alone.comments) == ("To Do", ())
        ours = [ticket for ticket in tube.jira.people.tickets() if ticket.ours]
        assert [ticket.status for ticket in ours] == ["Done"] * 3, "one was made anew, once"

    play(story())


def test_a_link_to_a_stranger_is_turned_to_the_own_ticket_where_there_is_one() -> None:
    async def story() -> None:
        tube, issues = tube_with(1)
        await done(tube)
        stranger = swap_ticket(tube, "SEC-1", fields={})
        tube.halo.estate.resolve(issues[0])
        await done(tube)
        assert tube.jira.people.ticket("SEC-1").status == "Done"
        assert tube.jira.people.ticket(stranger).comments == ()
        assert len(tube.jira.people.tickets()) == 2

    play(story())


@pytest.mark.parametrize("change", ["upper", "bare", "blanks"])
def test_an_id_that_differs_only_in_case_hyphens_or_blanks_is_ours(change: str) -> None:
    async def story() -> None:
        tube, issues = tube_with(1)
        await done(tube)
        ticket = tube.jira.people.ticket("SEC-1")
        written = str(ticket.fields[ID_FIELD])
        changed = {
            "upper": written.upper(),
            "bare": written.replace("-", ""),
            "blanks": f" {written} ",
        }[change]
        tube.jira.people.edit("SEC-1", customfield_10010=changed)
        tube.jira.store.update(tube.jira.store.find("SEC-1"), properties={})  # type: ignore[arg-type]
        tube.halo.estate.resolve(issues[0])
        assert (await done(tube)).exit_code == 0
        assert tube.jira.people.ticket("SEC-1").status == "Done"

    play(story())


def test_a_ticket_that_moved_to_a_project_without_the_id_field_is_still_ours() -> None:
    async def story() -> None:
        tube, issues = tube_with(1)
        await done(tube)
        key = tube.jira.people.move_ticket("SEC-1", project="OPS")
        tube.jira.people.edit(key, customfield_10010=None)
        tube.halo.estate.resolve(issues[0])
        await done(tube)
        assert tube.jira.people.ticket(key).status == "Done"

    play(story())


def test_a_persons_ticket_with_two_ids_is_nobodys() -> None:
    async def story() -> None:
        by_label = replace(QUIET.routes.default.tickets, id_field="labels")
        tube = Tube(policy=policy(tickets=by_label))
        issues = [tube.halo.estate.open_issue(type="csm") for _ in range(2)]
        collected = buy_milk(tube, labels=list(issues))
        await done(tube)
        tube.halo.estate.resolve(issues[0])
        await done(tube)
        assert tube.jira.people.ticket(collected.key).comments == ()
        assert tube.jira.people.ticket(collected.key).status == "To Do"
        assert len([ticket for ticket in tube.jira.people.tickets() if ticket.ours]) == 2

    play(story())


def hide_what_is_created(tube: Tube) -> None:
    """A default security level hides new tickets from their maker."""

    def hide(call: Call, side: str) -> Answer | None:
        if side == "after" and call.path.endswith("/issue/bulk"):
            for ticket in tube.jira.people.tickets():
                if ticket.ours:
                    tube.jira.people.hide_ticket(ticket.key)
        return None

    tube.jira.faults.hook = hide


def test_what_jira_confirmed_and_does_not_show_is_created_once_and_told_in_every_run(
    said: LogCapture,
) -> None:
    async def story() -> None:
        tube, _ = tube_with(2)
        hide_what_is_created(tube)
        assert (await done(tube)).counts["create"] == {"failed": 2}
        for number in range(1, 12):
            said.entries.clear()
            record = await done(tube)
            assert len(tube.jira.people.tickets()) == 2, f"in run {number}"
            assert record.parked_total == 2
            told = [entry for entry in said.entries if entry["event"] == "ticket.unconfirmed"]
            assert len(told) == 2
            assert all("SEC-" in entry["error"] for entry in told)

    play(story())


def test_a_ticket_that_is_shown_later_goes_on_as_if_it_had_been_all_along() -> None:
    async def story() -> None:
        tube, issues = tube_with(2)
        tube.policy = POLICY
        hide_what_is_created(tube)
        await done(tube)
        tube.jira.faults.quiet()
        for ticket in tube.jira.people.tickets():
            tube.jira.people.show_ticket(ticket.key)
        for _ in range(8):
            await done(tube)
        statuses = {ticket.status for ticket in tube.jira.people.tickets()}
        assert statuses == {"In Progress"}, "the first status, which no run could give them before"
        for issue_id in issues:
            tube.halo.estate.resolve(issue_id)
        await done(tube)
        tickets = tube.jira.people.tickets()
        assert [ticket.status for ticket in tickets] == ["Done", "Done"]
        assert (await done(tube)).parked_total == 0

    play(story())


def test_a_rule_that_clears_the_id_field_makes_no_second_ticket() -> None:
    async def story() -> None:
        tube, issues = tube_with(1)

        def clear(call: Call, side: str) -> Answer | None:
            if side == "after" and call.path.endswith("/issue/bulk"):
                tube.jira.people.edit("SEC-1", customfield_10010=None)
            return None

        tube.jira.faults.hook = clear
        for _ in range(5):
            assert (await done(tube)).exit_code == 0
        tube.halo.estate.resolve(issues[0])
        await done(tube)
        [ticket] = tube.jira.people.tickets()
        assert ticket.status == "Done"

    play(story())


def test_no_issue_gets_a_third_ticket_by_itself() -> None:
    """Each create takes effect, is hidden from us, and its answer is lost as well. The keys that
    are missing below those of other people's tickets tell.
    """

    async def story() -> None:
        tube, _ = tube_with(1)

        def lose_and_hide(call: Call, side: str) -> Answer | None:
            if side == "after" and call.path.endswith("/issue/bulk"):
                for ticket in tube.jira.people.tickets():
                    if ticket.ours:
                        tube.jira.people.hide_ticket(ticket.key)
                return LOST
            return None

        tube.jira.faults.hook = lose_and_hide
        for _ in range(12):
            await done(tube)
            buy_milk(tube)
        assert len([ticket for ticket in tube.jira.people.tickets() if ticket.ours]) == 2
        assert (await done(tube)).parked_total == 1

    play(story())


def test_creates_that_certainly_had_no_effect_do_not_count() -> None:
    async def story() -> None:
        tube, _ = tube_with(1)
        tube.jira.faults.hook = lambda call, side: (
            LOST if side == "before" and call.path.endswith("/issue/bulk") else None
        )
        for _ in range(10):
            await done(tube)
        assert tube.jira.people.tickets() == []
        tube.jira.faults.quiet()
        for _ in range(3):
            await done(tube)
        assert len(tube.jira.people.tickets()) == 1

    play(story())


def test_a_ticket_that_vanishes_again_and_again_is_made_anew_once() -> None:
    async def story() -> None:
        tube, _ = tube_with(1)
        buy_milk(tube)
        for _ in range(40):
            await done(tube)
            for ticket in tube.jira.people.tickets():
                if ticket.ours:
                    tube.jira.people.hide_ticket(ticket.key)
            for issue_id in list(tube.halo.estate.issues):
                tube.halo.estate.rescan(issue_id)
        assert len([ticket for ticket in tube.jira.people.tickets() if ticket.ours]) == 2

    play(story())
