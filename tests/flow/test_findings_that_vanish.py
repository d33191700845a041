"""Evidence that Halo gives at one scan and not at the next: what comes and goes is no news."""

import asyncio
from datetime import timedelta

from job.core.ids import IssueId
from job.core.memory import RunRecord
from job.core.routes import CommentWhen
from job.sim.call import Answer, Call, json_answer
from tests.kit.builders import policy
from tests.kit.timeless import play
from tests.kit.tube import QUIET, Tube

QUARTER_HOUR_S = 900.0
HOUR_S = 3_600.0


async def done(tube: Tube, *, evidence: bool = True) -> RunRecord:
    def hide(call: Call, side: str) -> Answer | None:
        gone = side == "before" and "/findings/" in call.path and not evidence
        return json_answer({"message": "Not found"}, status=404) if gone else None

    tube.halo.faults.hook = hide
    await asyncio.sleep(QUARTER_HOUR_S)
    record = await tube.run()
    assert isinstance(record, RunRecord), record
    return record


def test_a_finding_that_answers_404_at_every_second_scan_is_no_news_at_any() -> None:
    async def story() -> None:
        tube = Tube(policy=QUIET)
        issue_id = tube.halo.estate.open_issue(type="csm")
        await done(tube)
        for scan in range(6):
            await asyncio.sleep(HOUR_S)
            tube.halo.estate.rescan(issue_id)
            assert (await done(tube, evidence=bool(scan % 2))).counts["comment"] == {"unchanged": 1}
        (ticket,) = tube.jira.people.tickets()
        assert ticket.comments == ()
        tube.halo.estate.rescan(issue_id, changed=True)
        await done(tube)
        assert len(tube.jira.people.ticket(ticket.key).comments) == 1

    play(story())


def test_what_else_changes_is_told_although_the_finding_is_gone() -> None:
    async def story() -> None:
        tube = Tube(policy=QUIET)
        issue_id = tube.halo.estate.open_issue(type="csm")
        await done(tube)
        await asyncio.sleep(HOUR_S)
        critical = tube.halo.estate.issues[issue_id].critical
        tube.halo.estate.edit_issue(issue_id, critical=not critical)
        tube.halo.estate.rescan(issue_id)
        assert (await done(tube, evidence=False)).counts["comment"] == {"done": 1}
        for evidence in (False, False):
            tube.halo.estate.rescan(issue_id)
            await done(tube, evidence=evidence)
        (ticket,) = tube.jira.people.tickets()
        assert len(ticket.comments) == 1
        assert "ritical" in ticket.texts[0]

    play(story())


def test_a_finding_that_is_not_there_minutes_after_its_issue_is_not_readable_yet() -> None:
    async def story() -> None:
        tube = Tube(policy=QUIET)
        issue_id = tube.halo.estate.open_issue(type="csm")
        await done(tube, evidence=False)
        (ticket,) = tube.jira.people.tickets()
        assert "not readable yet" in str(ticket.fields["description"])
        assert "deleted" not in str(ticket.fields["description"])
        await asyncio.sleep(HOUR_S)
        tube.halo.estate.rescan(issue_id)
        await done(tube)
        assert len(tube.jira.people.ticket(ticket.key).comments) == 1, "now there is something"

    play(story())


def test_evidence_that_could_not_be_read_is_asked_for_again_though_halo_is_silent() -> None:
    async def story() -> None:
        tube = Tube(policy=QUIET)
        tube.sweep_every = timedelta(0)
        issue_id = tube.halo.estate.open_issue(type="csm")
        await done(tube)
        await asyncio.sleep(HOUR_S)
        tube.halo.estate.rescan(issue_id, changed=True)
        assert (await done(tube, evidence=False)).counts["comment"] == {"unchanged": 1}
        assert (await done(tube)).counts["comment"] == {"done": 1}
        (ticket,) = tube.jira.people.tickets()
        assert "more check fails" in ticket.texts[0]

    play(story())


def test_a_new_ticket_gets_its_evidence_as_soon_as_it_can_be_read() -> None:
    async def story() -> None:
        tube = Tube(policy=QUIET)
        tube.halo.estate.open_issue(type="csm")
        await done(tube, evidence=False)
        await done(tube)
        (ticket,) = tube.jira.people.tickets()
        assert "The evidence can be read now." in ticket.texts[0]
        assert (await done(tube)).counts["comment"] == {}, "it was told, and that is over"

    play(story())


def test_evidence_that_stays_away_is_asked_for_a_few_times_and_then_no_more() -> None:
    async def story() -> None:
        tube = Tube(policy=QUIET)
        tube.sweep_every = timedelta(0)
        tube.halo.estate.open_issue(type="csm")
        await done(tube, evidence=False)
        runs = [await done(tube, evidence=False) for _ in range(200)]
        asked = [place for place, record in enumerate(runs, start=1) if record.counts["comment"]]
        assert asked == [1, 3, 7, 15, 31, 63, 127], "a quarter of an hour apart"

    play(story())


def test_nobody_asks_again_where_nothing_is_told() -> None:
    async def story() -> None:
        tube = Tube(policy=policy(when=CommentWhen.NEVER))
        issue_id = tube.halo.estate.open_issue(type="csm")
        await done(tube, evidence=False)
        link = (await tube.store.links([IssueId(issue_id)]))[IssueId(issue_id)]
        assert link.tell_at is None

    play(story())
