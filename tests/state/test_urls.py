"""STATE_URL: what it may say, and what is said when it says anything else."""

import subprocess
import sys
from pathlib import Path

import pytest

from job.errors import BadSettings, RemoteRefused
from job.state.urls import FirestorePlace, SqlitePlace, open_store, parse_url
from tests.state.values import NOW, SOON


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("sqlite:////var/lib/state.db", SqlitePlace(path=Path("/var/lib/state.db"))),
        ("sqlite:////tmp/a%20b.db", SqlitePlace(path=Path("/tmp/a b.db"))),  # noqa: S108 - only parsed
        (
            "firestore://p",
            FirestorePlace(project="p", database="(default)", prefix="halo-jira-sync"),
        ),
        (
            "firestore://p/",
            FirestorePlace(project="p", database="(default)", prefix="halo-jira-sync"),
        ),
        (
            "firestore://p/(default)",
            FirestorePlace(project="p", database="(default)", prefix="halo-jira-sync"),
        ),
        (
            "firestore://p/state?prefix=a-b_1",
            FirestorePlace(project="p", database="state", prefix="a-b_1"),
        ),
        (
            "firestore://corp.com:p/d",
            FirestorePlace(project="corp.com:p", database="d", prefix="halo-jira-sync"),
        ),
        (
            "firestore://",
            FirestorePlace(project=None, database="(default)", prefix="halo-jira-sync"),
        ),
    ],
)
def test_a_good_url_names_a_place(url: str, place: object) -> None:
    assert parse_url(url) == place


@pytest.mark.parametrize(
    "url",
    [
        "",
        "state.db",
        "postgres://x",
        "sqlite://state.db",
        "sqlite:///state.db",
        "sqlite:////a?mode=ro",
        "sqlite://",
        "firestore://p/d/e",
        "firestore://p/d?prefx=x",
        "firestore://p/d?prefix=",
        "firestore://p/d?prefix=a/b",
        "firestore://[p/d",
    ],
)
def test_any_other_url_is_a_problem_of_state_url_that_tells_what_is_allowed(url: str) -> None:
    with pytest.raises(BadSettings) as bad:
        parse_url(url)
    (problem,) = bad.value.problems
    assert problem.variable == "STATE_URL"
    assert "sqlite:////" in problem.allowed


async def test_a_store_without_any_identity_says_how_to_get_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("FIRESTORE_EMULATOR_HOST", "GOOGLE_CLOUD_PROJECT", "GCLOUD_PROJECT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "missing.json"))
    with pytest.raises(RemoteRefused, match="gcloud auth application-default login"):
        async with open_store("firestore://p"):
            pass


async def test_opening_a_file_by_its_url_keeps_what_is_written(tmp_path: Path) -> None:
    async with open_store(f"sqlite:///{tmp_path}/state.db") as store:
        await store.take_lease("0", holder="run-1", now=NOW, until=SOON)
    async with open_store(f"sqlite:///{tmp_path}/state.db") as store:
        assert (await store.take_lease("0", holder="run-2", now=SOON, until=SOON)).fence == 2


def test_an_sqlite_store_does_not_import_googles_libraries(tmp_path: Path) -> None:
    program = f"""
import asyncio, sys
from job.state.urls import open_store
async def main():
    async with open_store("sqlite:///{tmp_path}/state.db") as store:
        await store.live_count()
asyncio.run(main())
googles = ("google.cloud.firestore", "google.api_core", "grpc")
print([name for name in sys.modules if name.startswith(googles)])
"""
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
