"""The scope of a failure: one issue is parked, one project left alone for a while, bad
credentials stop everything.
"""

import asyncio
from datetime import timedelta

import pytest
from structlog.testing import LogCapture

from job.errors import MalformedAnswer, RemoteDown, RemoteRefused
from job.sim.call import Answer, Call, json_answer
from tests.kit.quarter import QUARTER_HOUR_S, done
from tests.kit.timeless import play
from tests.kit.tube import QUIET, Onlooker, Tube, writes
from tests.kit.workflows import NOBODY_MAY


def refuse_texts_with(word: str, *, saying: str = "The word is not allowed."):  # type: ignore[no-untyped-def]
    """Jira says no to every ticket whose text holds a word, and yes to the others: in bulk, item
    by item.
    """

    def hook(call: Call, side: str) -> Answer | None:
        if side == "before" and call.path.endswith("/issue/bulk") and word.encode() in call.body:
            return json_answer({"errorMessages": [saying], "errors": {}}, status=400)
        return None

    return hook


def test_one_rejected_issue_is_parked_and_stops_nobody_else() -> None:
    async def story() -> None:
        tube = Tube()
        bad = tube.halo.estate.open_issue(type="csm", name="forbidden word")
        good = [tube.halo.estate.open_issue(type="csm") for _ in range(3)]
        tube.jira.faults.hook = refuse_texts_with("forbidden word")
        record = await done(tube)
        assert (record.exit_code, record.parked_total) == (5, 1)
        assert record.counts["create"] == {"done": 3, "failed": 1}
        assert len(tube.jira.people.tickets()) == len(good)
        (parked,) = await tube.store.parked()
        assert (parked.issue_id, parked.error_class) == (bad, "ticket_rejected")
        assert "The word is not allowed." in parked.message
        mark = await tube.store.watermark("0-of-1")
        assert mark is not None
        assert mark.at == record.started_at - timedelta(minutes=5), (
            "a parked issue does not hold the watermark"
        )

    play(story())


def test_half_an_emoji_in_a_refusal_does_not_reach_the_store() -> None:
    async def story() -> None:
        tube = Tube()
        tube.halo.estate.open_issue(type="csm", name="forbidden word")
        tube.jira.faults.hook = refuse_texts_with("forbidden word", saying="Not allowed: \ud83d")
        record = await done(tube)
        (parked,) = await tube.store.parked()
        for kept in (parked.message, *record.errors):
            assert "Not allowed:" in kept
            kept.encode()  # as SQLite and Firestore do, and a half of a pair would raise

    play(story())


def test_a_parked_issue_is_left_alone_until_its_time_has_come_and_then_tried_again() -> None:
    async def story() -> None:
        tube = Tube()
        tube.halo.estate.open_issue(type="csm", name="forbidden word")
        tube.jira.faults.hook = refuse_texts_with("forbidden word")
        await done(tube)
        asked = tube.jira.calls["POST /issue/bulk"]
        await done(tube, after_s=60.0)
        assert tube.jira.calls["POST /issue/bulk"] == asked
        tube.jira.faults.quiet()
        record = await done(tube)
        assert (record.exit_code, record.parked_total) == (0, 0)
        assert len(tube.jira.people.tickets()) == 1

    play(story())


@pytest.mark.parametrize("cause", ["a new version", "other settings"])
def test_a_new_version_or_other_settings_release_a_parked_issue_at_once(cause: str) -> None:
    async def story() -> None:
        tube = Tube()
        issue_id = tube.halo.estate.open_issue(type="csm", name="forbidden word")
        tube.jira.faults.hook = refuse_texts_with("forbidden word")
        await done(tube)
        tube.jira.faults.quiet()
        if cause == "a new version":
            tube.halo.estate.rescan(issue_id)
        else:
            tube.settings_digest = "other"
        await done(tube, after_s=60.0)
        assert len(tube.jira.people.tickets()) == 1
        assert await tube.store.parked() == []

    play(story())


def test_what_is_parked_for_too_long_is_shouted_about_and_still_tried(said: LogCapture) -> None:
    async def story() -> None:
        tube = Tube()
        tube.halo.estate.open_issue(type="csm", name="forbidden word")
        tube.jira.faults.hook = refuse_texts_with("forbidden word")
        for _ in range(9):
            await done(tube, after_s=86_400.0)
        shouts = [entry for entry in said.entries if entry["event"] == "issue.park_expired"]
        assert shouts
        assert {entry["log_level"] for entry in shouts} == {"error"}
        tube.jira.faults.quiet()
        await done(tube, after_s=86_400.0)
        assert len(tube.jira.people.tickets()) == 1

    play(story())


def test_a_project_that_fails_the_same_way_again_and_again_is_left_alone_for_the_run(
    said: LogCapture,
) -> None:
    """Jira refuses the very transition that it lists."""

    async def story() -> None:
        tube = Tube(policy=QUIET)
        issues = [tube.halo.estate.open_issue(type="csm") for _ in range(300)]
        await done(tube)
        tube.jira.site.workflows["", ""] = NOBODY_MAY
        for issue_id in issues:
            tube.halo.estate.resolve(issue_id)
        record = await done(tube)
        closes = record.counts["close"]
        assert record.exit_code == 5
        assert closes["failed"] + closes.get("deferred", 0) == 300
        assert closes["deferred"] > 0
        assert any(entry["event"] == "circuit.opened" for entry in said.entries)

    play(story())


def test_bad_credentials_in_the_middle_of_a_run_stop_it_before_the_next_write() -> None:
    async def story() -> None:
        tube, onlooker = Tube(), Onlooker()
        issues = [tube.halo.estate.open_issue(type="csm") for _ in range(150)]
        await done(tube)
        for issue_id in issues:
            tube.halo.estate.rescan(issue_id, changed=True)
        sent = 0

        def expire(call: Call, side: str) -> Answer | None:
            nonlocal sent
            sent += call.path.endswith("/comment") and side == "after"
            if sent == 20 and tube.jira.reception.tokens_end_at is None:
                tube.jira.reception.tokens_end_at = tube.clock()
            return None

        tube.jira.faults.hook = expire
        await asyncio.sleep(QUARTER_HOUR_S)
        error = await tube.run(watcher=onlooker)
        assert isinstance(error, RemoteRefused)
        comments = sum(len(ticket.comments) for ticket in tube.jira.people.tickets())
        assert 20 <= comments < 60
        assert len(onlooker.outcomes) == 150, "every planned action has an outcome all the same"
        tube.jira.faults.quiet()
        tube.jira.reception.tokens_end_at = None
        await done(tube)
        assert all(len(ticket.comments) == 1 for ticket in tube.jira.people.tickets())

    play(story())


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("html_body", MalformedAnswer),
        ("truncated_json", MalformedAnswer),
        ("503_refused", RemoteDown),
    ],
)
def test_a_listing_that_cannot_be_read_stops_the_run_and_moves_nothing(
    fault: str, error: type[Exception]
) -> None:
    async def story() -> None:
        tube = Tube()
        issue_id = tube.halo.estate.open_issue(type="csm")
        await done(tube)
        before, mark = writes(tube.jira.calls), await tube.store.watermark("0-of-1")
        tube.halo.estate.resolve(issue_id)
        tube.halo.faults.hook = lambda call, side: (
            _spoilt(fault) if side == "after" and "issues" in call.path else None
        )
        await asyncio.sleep(QUARTER_HOUR_S)
        assert isinstance(await tube.run(), error)
        assert writes(tube.jira.calls) == before
        assert await tube.store.watermark("0-of-1") == mark
        (newest, *_) = await tube.store.runs(limit=1)
        assert (newest.verdict, newest.exit_code) == ("stopped", 3)

    play(story())


def _spoilt(fault: str) -> Answer:
    return {
        "html_body": Answer(200, {"content-type": "text/html"}, b"<html>We will be back.</html>"),
        "truncated_json": Answer(
            200, {"content-type": "application/json"}, b'{"issues": [{"id": "'
        ),
        "503_refused": Answer(503, {}, b""),
    }[fault]
