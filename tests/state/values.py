"""Values with every field filled, for the stores' tests."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from job.core.ids import Fingerprint, IssueId, Marker, TicketId, TicketKey, Version
from job.core.memory import Intent, IntentKind, Link, Parked, RunRecord, Watermark

NOW = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)
SOON = NOW + timedelta(minutes=5)


def issue(number: int) -> IssueId:
    return IssueId(str(UUID(int=number)))


def link(number: int, *, live: bool = True, status: str = "To Do") -> Link:
    return Link(
        issue_id=issue(number),
        ticket_id=TicketId(str(10000 + number)),
        ticket_key=TicketKey(f"SEC-{number}"),
        version=Version("active|critical|2026-03-01T12:00:00.000000+00:00|-"),
        fingerprint=Fingerprint("f" * 64),
        live=live,
        said=Marker("said-1"),
        status_seen=status,
        status_set="Open",
        status_owed="Triage",
        misses=2,
        updated_at=NOW,
    )


def intent(number: int, *, attempt: str = "run-1/1", follows: str | None = None) -> Intent:
    return Intent(
        issue_id=issue(number),
        kind=IntentKind.COMMENT,
        attempt=attempt,
        version=Version("v1"),
        fingerprint=Fingerprint("f"),
        marker=Marker("m"),
        at=NOW,
        ticket_id=TicketId("10001"),
        ticket_key=TicketKey("SEC-1"),
        project="SEC",
        above_key=7,
        status_owed="Triage",
        follows=follows,
    )


def parked(number: int, *, attempts: int = 1) -> Parked:
    return Parked(
        issue_id=issue(number),
        version=Version("v1"),
        error_class="ticket_rejected",
        message="Jira said: „summary“ is too long.",
        attempts=attempts,
        first_at=NOW,
        next_at=SOON,
        settings_digest="d",
        issue_touched_at=NOW,
    )


def watermark(minutes: int = 0) -> Watermark:
    return Watermark(
        at=NOW + timedelta(minutes=minutes), swept_at=NOW, highest_keys={"SEC": 12, "OPS.X": 3}
    )


def run(number: int, *, started_at: datetime = NOW) -> RunRecord:
    return RunRecord(
        run_id=f"run-{number}",
        shard="0",
        started_at=started_at,
        finished_at=started_at + timedelta(seconds=30),
        verdict="done",
        exit_code=0,
        counts={"create": {"done": 3, "failed": 1}},
        calls={"halo": {"GET /v3/issues": 2}, "jira": {}},
        watermark_at=NOW,
        parked_total=1,
        digest="abc",
        errors=("one", "two"),
    )
