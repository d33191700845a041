"""Documents are the model's values, whole and checked, whatever way a store keeps instants."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from job.core.backlog import Backlog
from job.core.memory import Intent, Lease, Link, Parked, RunRecord, Watermark
from job.core.taken import Taken
from job.errors import StateUnreadable
from job.state import records
from job.state.records import Record
from tests.state.values import (
    NOW,
    backlog,
    held_set,
    intent,
    issue_id,
    link,
    parked,
    piece,
    quota,
    run,
    taken,
    watermark,
)

LEASE = Lease(shard="0", holder="run-1", fence=3, until=NOW)
EVERY: tuple[Record, ...] = (
    link(1),
    intent(1),
    parked(1),
    backlog(1),
    taken(1),
    LEASE,
    watermark(),
    run(1),
    piece(1, run="run-1"),
    held_set(),
    quota(),
)


def name_of(record: Record) -> str:
    return (
        f"test-things/{issue_id(1)}"
        if isinstance(record, Link | Intent | Parked | Backlog | Taken)
        else "test-things/other"
    )


def as_json(document: dict[str, Any]) -> Any:
    return json.loads(json.dumps(document, default=datetime.isoformat))


@pytest.mark.parametrize("record", EVERY, ids=lambda record: type(record).__name__)
@pytest.mark.parametrize("kept", [dict, as_json])
def test_a_record_survives_being_a_document(record: Record, kept: Callable[[Any], Any]) -> None:
    assert (
        records.read(type(record), kept(records.document(record)), name=name_of(record)) == record
    )


@pytest.mark.parametrize("record", EVERY, ids=lambda record: type(record).__name__)
def test_every_document_carries_the_schema_and_every_field(record: Record) -> None:
    assert set(records.document(record)) == {
        "schema",
        *(part.name for part in msgspec.structs.fields(record)),
    }
    assert records.document(record)["schema"] == 1


@given(
    at=st.datetimes(timezones=st.timezones()),
    keys=st.dictionaries(st.text(min_size=1), st.integers()),
    swept=st.booleans(),
)
def test_any_instant_of_any_time_zone_is_kept_as_the_same_instant_in_utc(
    at: datetime, keys: dict[str, int], swept: bool
) -> None:
    try:
        utc = at.astimezone(UTC)
    except OverflowError:
        return
    mark = Watermark(at=at, swept_at=at if swept else None, highest_keys=keys)
    found = records.read(Watermark, as_json(records.document(mark)), name="c/w")
    assert (found.at, found.at.tzinfo, found.highest_keys) == (utc, UTC, keys)


@pytest.mark.parametrize("record", EVERY, ids=lambda record: type(record).__name__)
def test_a_document_of_a_newer_program_is_not_read(record: Record) -> None:
    newer = records.document(record) | {"schema": 2}
    with pytest.raises(
        StateUnreadable, match=r"test-things/.*newer version.*schema 2.*Run the newer version"
    ):
        records.read(type(record), newer, name=name_of(record))


@pytest.mark.parametrize("record", EVERY, ids=lambda record: type(record).__name__)
def test_no_field_may_hold_a_value_of_another_kind(record: Record) -> None:
    for part in msgspec.structs.fields(record):
        spoiled = records.document(record) | {part.name: 1.5}
        with pytest.raises(StateUnreadable, match=rf"test-things/.*{part.name}"):
            records.read(type(record), spoiled, name=name_of(record))


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        ({"schema": None}, "schema"),
        ({"schema": "1"}, "schema"),
        ({"schema": True}, "schema"),
        ({"misses": True}, r"Expected `int`, got `bool` - at `\$.misses`"),
        ({"misses": None}, r"Expected `int`, got `null` - at `\$.misses`"),
        ({"live": 1}, r"Expected `bool`, got `int` - at `\$.live`"),
        ({"updated_at": "2026-03-01T12:00:00"}, r"a timezone component - at `\$.updated_at`"),
        ({"updated_at": datetime(2026, 3, 1)}, "names no time zone"),  # noqa: DTZ001 - the point of it
        ({"updated_at": "soon"}, r"datetime - at `\$.updated_at`"),
        ({"issue_id": "another"}, "about another issue"),
    ],
)
def test_what_is_wrong_with_a_document_is_said_by_field(spoil: dict[str, Any], says: str) -> None:
    with pytest.raises(StateUnreadable, match=says):
        records.read(Link, records.document(link(1)) | spoil, name=name_of(link(1)))


def test_a_missing_field_is_not_guessed_unless_the_model_has_a_default_for_it() -> None:
    whole = records.document(link(1))
    for name in ("ticket_id", "version", "live"):
        with pytest.raises(StateUnreadable, match=f"missing required field `{name}`"):
            records.read(
                Link,
                {key: value for key, value in whole.items() if key != name},
                name=name_of(link(1)),
            )
    found = records.read(
        Link, {key: value for key, value in whole.items() if key != "misses"}, name=name_of(link(1))
    )
    assert found.misses == 0
    older = records.document(watermark())
    del older["reading_from"], older["sweep_owed"]
    mark = records.read(Watermark, older, name="control/watermark-0")
    assert (mark.reading_from, mark.sweep_owed) == (None, False), "it owes nothing"


def test_a_word_outside_the_vocabulary_is_told() -> None:
    with pytest.raises(StateUnreadable, match=r"'delete' - at `\$.kind`"):
        records.read(
            Intent, records.document(intent(1)) | {"kind": "delete"}, name=name_of(intent(1))
        )


@pytest.mark.parametrize("found", [None, [], "text", 3])
def test_what_is_no_document_is_said_to_be_none(found: object) -> None:
    with pytest.raises(StateUnreadable, match="not a document"):
        records.read(RunRecord, found, name="runs/1")


def test_an_instant_without_a_time_zone_is_never_written() -> None:
    with pytest.raises(ValueError, match="no time zone"):
        records.document(Watermark(at=datetime(2026, 3, 1)))  # noqa: DTZ001 - the point of it


def test_an_instant_of_another_zone_is_written_in_utc() -> None:
    tokyo = NOW.astimezone(timezone(timedelta(hours=9)))
    assert records.document(Watermark(at=tokyo))["at"].isoformat() == NOW.isoformat()


def test_a_halo_id_names_its_document_itself() -> None:
    assert records.document_id(issue_id(7)) == issue_id(7)


@given(st.text(), st.text())
def test_names_of_documents_are_legal_everywhere_and_differ_when_the_ids_do(
    one: str, other: str
) -> None:
    name = records.document_id(one)
    assert "/" not in name
    assert name not in ("", ".", "..")
    assert not name.startswith("__")
    assert len(name.encode()) <= 200
    assert (name == records.document_id(other)) == (one == other)
