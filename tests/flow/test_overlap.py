"""What does not wait for what: the stages of a run overlap, and the order of its calls shows it."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from job.core.memory import RunRecord
from job.http import lanes
from job.sim.call import Answer, Call
from tests.kit.builders import policy
from tests.kit.timeless import play
from tests.kit.tube import POLICY, Tube

PAGE = 100
HOUR_S = 3_600.0


class Diary:
    """Every call of both vendors, in the order in which they arrived."""

    def __init__(self, tube: Tube) -> None:
        self.calls: list[Call] = []
        self.times: list[float] = []
        vendors: tuple[Any, Any] = (tube.halo, tube.jira)
        for vendor in vendors:
            vendor.answer = self._noting(vendor.answer)

    def _noting(self, answer: Callable[[Call], Answer]) -> Callable[[Call], Answer]:
        def noting(call: Call) -> Answer:
            self.calls.append(call)
            self.times.append(asyncio.get_running_loop().time())
            return answer(call)

        return noting

    def places(self, path: str, **query: str) -> list[int]:
        """Where calls whose path ends so, with this in their query, stand in the order of all."""
        return [
            place
            for place, call in enumerate(self.calls)
            if call.path.endswith(path) and query.items() <= dict(call.query).items()
        ]


async def known(tube: Tube, many: int) -> list[str]:
    """So many issues with tickets, settled an hour ago."""
    issues = [tube.halo.estate.open_issue(type="csm") for _ in range(many)]
    for _ in range(2):
        await asyncio.sleep(HOUR_S)
        assert isinstance(await tube.run(), RunRecord)
    await asyncio.sleep(HOUR_S)
    return issues


async def watched_run(tube: Tube) -> Diary:
    diary = Diary(tube)
    record = await tube.run()
    assert isinstance(record, RunRecord), record
    assert record.exit_code == 0
    return diary


def tell(story: Callable[[Tube], Coroutine[Any, Any, None]], **choices: bool) -> None:
    """Plays a story; what its policy leaves out is work that says nothing about the order."""

    async def whole() -> None:
        workflow = POLICY.routes.default.workflow
        words = {name: getattr(workflow, name) for name in workflow.__struct_fields__}
        await story(Tube(policy=policy(**words | choices)))

    play(whole())


def test_both_credentials_are_proven_at_the_same_time() -> None:
    async def story(tube: Tube) -> None:
        diary = await watched_run(tube)
        assert {call.path.rpartition("/")[2] for call in diary.calls[:2]} == {
            "myself",
            "access_token",
        }
        assert diary.times[0] == diary.times[1]

    tell(story)


def test_both_listings_are_read_at_the_same_time() -> None:
    async def story(tube: Tube) -> None:
        tube.look_back = timedelta(
            hours=1
        )  # else this first run is a sweep, whose list comes later
        issues = [tube.halo.estate.open_issue(type="csm", critical=False) for _ in range(15 * PAGE)]
        for issue_id in issues[12 * PAGE :]:
            tube.halo.estate.resolve(issue_id)
        diary = await watched_run(tube)
        assert (
            diary.places("/v3/issues", status="resolved")[0]
            < diary.places("/v3/issues", status="active")[-1]
        )

    tell(story, critical_only=True)


def test_jira_is_asked_about_what_fills_a_call_while_halo_lists_the_rest() -> None:
    async def story(tube: Tube) -> None:
        for issue_id in await known(tube, 9 * PAGE):
            tube.halo.estate.rescan(issue_id, changed=True)
        diary = await watched_run(tube)
        assert diary.places("/issue/bulkfetch")[0] < diary.places("/v3/issues", status="active")[-1]

    tell(story, comments=False)


def test_halo_lists_on_while_a_look_up_takes_long() -> None:
    async def story(tube: Tube) -> None:
        for issue_id in await known(tube, 13 * PAGE):  # which come in three pieces
            tube.halo.estate.rescan(issue_id, changed=True)
        answer = tube.jira.answer

        def slowly(call: Call) -> Answer:
            return replace(
                answer(call), delay_s=20.0 if call.path.endswith("/issue/bulkfetch") else 0.0
            )

        tube.jira.answer = slowly  # type: ignore[method-assign]
        diary = await watched_run(tube)
        looked_up, listed = (
            diary.places("/issue/bulkfetch")[0],
            diary.places("/v3/issues", status="active")[11],
        )
        assert diary.times[listed] < diary.times[looked_up] + 20.0

    tell(story, comments=False)


def test_closes_begin_while_halo_is_asked_about_new_issues() -> None:
    async def story(tube: Tube) -> None:
        for issue_id in await known(tube, 60):
            tube.halo.estate.resolve(issue_id)
        for _ in range(200):
            tube.halo.estate.open_issue(type="csm")
        diary = await watched_run(tube)
        findings = [place for place, call in enumerate(diary.calls) if "/findings/" in call.path]
        assert diary.places("/comment")[0] < findings[len(findings) // 4]

    tell(story)


def test_tickets_are_created_while_halo_is_asked_about_the_next_issues(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        lanes, "TOGETHER", 0.0
    )  # a simulated bulk call takes no longer than one wait of a crowd

    async def story(tube: Tube) -> None:
        for _ in range(400):
            tube.halo.estate.open_issue(type="csm")
        diary = await watched_run(tube)
        findings = [place for place, call in enumerate(diary.calls) if "/findings/" in call.path]
        (sent, *_), (confirmed, *_) = diary.places("/issue/bulk"), diary.places("/issue/bulkfetch")
        assert any(sent < place < confirmed for place in findings)

    tell(story)
