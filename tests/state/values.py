"""Values with every field filled, for stores must give back all of them.

Does not do: building them anew; they are those of `tests/kit/builders.py` with the rest filled in.
"""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import datetime, timedelta
from typing import Any

from job.core.backlog import Backlog
from job.core.held import HeldSet, Kind, Piece, Quota, Standing, Used
from job.core.ids import Fingerprint, Marker, TicketId, TicketKey, Version
from job.core.memory import (
    Intent,
    IntentKind,
    Link,
    Noted,
    Parked,
    RunRecord,
    Verdict,
    Watermark,
)
from job.core.taken import Taken
from job.state.urls import CountingStore
from tests.kit import builders
from tests.kit.builders import issue_id

__all__ = [
    "NOW",
    "SOON",
    "World",
    "backlog",
    "held_set",
    "intent",
    "issue_id",
    "link",
    "noted",
    "parked",
    "piece",
    "quota",
    "run",
    "taken",
    "watermark",
]

World = Callable[[], AbstractAsyncContextManager[CountingStore]]
"""Opens a store on one memory, a new one each time, as processes do."""

NOW = builders.NOW.replace(microsecond=123_456)
SOON = NOW + timedelta(minutes=5)


def link(number: int, *, status: str = "To Do", **over: Any) -> Link:
    filled = {
        "version": Version("active|critical|2026-03-01T12:00:00.000000+00:00|-"),
        "fingerprint": Fingerprint("f" * 64),
        "said": Marker("said-1"),
        "status_seen": status,
        "status_owed": "Triage",
        "misses": 2,
        "updated_at": NOW,
    }
    return builders.link(number, **filled | over)


def intent(number: int, **over: Any) -> Intent:
    filled = {
        "kind": IntentKind.COMMENT,
        "attempt": "run-1/1",
        "at": NOW,
        "ticket_id": TicketId("10001"),
        "ticket_key": TicketKey("SEC-1"),
        "above_key": 7,
        "status_owed": "Triage",
    }
    return builders.intent(number, **filled | over)


def noted(number: int, **over: Any) -> Noted:
    filled: dict[str, Any] = {
        "ticket_id": TicketId(f"{10_000 + number}"),
        "issue_id": issue_id(number),
        "deleted": False,
        "delivery": "d-1",
        "at": NOW,
    }
    return Noted(**filled | over)


def parked(number: int, **over: Any) -> Parked:
    filled = {
        "message": "Jira said: „summary“ is too long.",
        "first_at": NOW,
        "next_at": SOON,
        "tried": "close",
    }
    return builders.parked(number, **filled | over)


def backlog(number: int) -> Backlog:
    return Backlog(issue_id=issue_id(number), critical=True, resolved=True, over=True, at=NOW)


def taken(number: int, *, begun: bool = True) -> Taken:
    return Taken(
        issue_id=issue_id(number),
        ticket_id=TicketId(str(10_000 + number)),
        ticket_key=TicketKey(f"SEC-{number}"),
        digest="0123456789abcdef",
        links=True,
        marks=True,
        fills=True,
        begun=begun,
        at=NOW,
    )


def piece(number: int, *, run: str = "") -> Piece:
    texts = ("1 1772366400 close a 10001 SEC", "2 1772366460 close b 10002 SEC")
    return Piece(shard="0-of-1", number=number, texts=texts, at=NOW, run=run)


def held_set(digest: str = "0123456789abcdef") -> HeldSet:
    return HeldSet(digest=digest, generations={"0-of-2": 3, "1-of-2": 1}, at=NOW)


def quota(revision: int = 1) -> Quota:
    used = Used(
        kind=Kind.CLOSE, shard="0-of-2", at=NOW, many=7, live=90, run="run-1", execution="e-1"
    )
    return Quota(
        revision=revision,
        used=(used,),
        standing={"0-of-2": Standing(digest="0123456789abcdef", generation=3)},
        approved={"0-of-2": 2},
    )


def watermark(minutes: int = 0) -> Watermark:
    at = NOW + timedelta(minutes=minutes)
    return Watermark(
        at=at,
        swept_at=NOW,
        highest_keys={"SEC": 12, "OPS.X": 3},
        reading_from=NOW - timedelta(days=9),
        sweep_owed=True,
        begun_from=NOW - timedelta(days=30),
        backlog_as="none",
        began_at=NOW,
        generation=4,
        holds=True,
    )


def run(number: int, *, started_at: datetime = NOW) -> RunRecord:
    return RunRecord(
        run_id=f"run-{number}",
        shard="0",
        started_at=started_at,
        finished_at=started_at + timedelta(seconds=30),
        verdict=Verdict.DONE,
        exit_code=0,
        counts={"create": {"done": 3, "failed": 1}},
        calls={"halo": {"GET /v3/issues": 2}, "jira": {}},
        watermark_at=NOW,
        parked_total=1,
        digest="abc",
        errors=("one", "two"),
    )
