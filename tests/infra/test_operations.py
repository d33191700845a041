"""The commands that operate the deployment, run by the real gcloud against a Cloud Run API on
loopback.

Promises: what infra/README.md tells people to type is what is tried here, word for word but for
names.
"""

import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.infra.run_api import PLACEHOLDER, RunApi, serve
from tests.infra.tools import PROJECT, machine_program

pytestmark = pytest.mark.infra

JOB, CANDIDATE = "halo-jira-sync", "halo-jira-sync-candidate"
IMAGES = "europe-west1-docker.pkg.dev/acme-sec/halo-jira-sync/job"
GOOD, BAD, OLD = (f"{IMAGES}@sha256:{letter * 64}" for letter in "abc")


@pytest.fixture
def api() -> Iterator[RunApi]:
    """Two jobs that run an older image, and an API where one other image fails."""
    machine_program("gcloud")
    with serve(RunApi({JOB: OLD, CANDIDATE: OLD}, bad_images={BAD})) as served:
        yield served


def run(words: list[str], api: RunApi, place: Path) -> subprocess.CompletedProcess[str]:
    """One command, as a person at the project's root would run it."""
    return subprocess.run(
        words,
        cwd=PROJECT,
        env=api.environment(place),
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )


def release(image: str, api: RunApi, place: Path) -> subprocess.CompletedProcess[str]:
    """The roll-out as cloudbuild.yaml calls it."""
    return run(["infra/build/release.sh", "europe-west1", JOB, CANDIDATE, image], api, place)


def commands() -> list[str]:
    """Every command about the job in infra/README.md, with its names filled in."""
    text = (PROJECT / "infra" / "README.md").read_text().replace("\\\n", " ")
    found = re.findall(r"^gcloud run jobs (?:execute|update) .*$", text, re.MULTILINE)
    return [
        command.replace("REGION", "europe-west1").replace("IMAGES/job@sha256:DIGEST", GOOD)
        for command in found
    ]


def asked(words: str) -> list[str]:
    """The arguments of the first documented command that holds these words."""
    return shlex.split(next(command for command in commands() if words in command))


def overrides(api: RunApi) -> dict[str, object]:
    """What the one execution was asked to do differently."""
    ((name, body),) = api.executions()
    assert name == JOB
    (container,) = body["overrides"]["containerOverrides"]
    return dict(container)


@pytest.mark.parametrize(
    ("words", "args"),
    [
        ("--args=plan", ["plan"]),
        ("--args=run,--sweep", ["run", "--sweep"]),
        ("--args=run,--approve,", ["run", "--approve", "DIGEST"]),
        ("--args=run,--since,", ["run", "--since", "2026-11-01T00:00:00Z"]),
        ("--args=check", ["check"]),
    ],
)
def test_a_documented_command_asks_for_exactly_that_run(
    words: str, args: list[str], api: RunApi, tmp_path: Path
) -> None:
    done = run(asked(words), api, tmp_path)
    assert done.returncode == 0, done.stderr
    assert overrides(api)["args"] == args


def test_a_run_by_hand_needs_no_override(api: RunApi, tmp_path: Path) -> None:
    command = next(
        command for command in commands() if "--args" not in command and "execute" in command
    )
    done = run(shlex.split(command), api, tmp_path)
    assert done.returncode == 0, done.stderr
    assert [name for name, _ in api.executions()] == [JOB]
    assert "overrides" not in (api.executions()[0][1] or {})


def test_a_setting_can_be_changed_for_one_run(api: RunApi, tmp_path: Path) -> None:
    done = run(asked("--update-env-vars"), api, tmp_path)
    assert done.returncode == 0, done.stderr
    assert overrides(api)["env"] == [{"name": "MAX_CREATE", "value": "500"}]


def test_a_failed_execution_fails_the_command_that_waits_for_it(
    api: RunApi, tmp_path: Path
) -> None:
    api.images[JOB] = BAD
    assert run(asked("--args=check"), api, tmp_path).returncode != 0


def test_the_roll_back_command_puts_the_earlier_image_back(api: RunApi, tmp_path: Path) -> None:
    done = run(asked("gcloud run jobs update"), api, tmp_path)
    assert done.returncode == 0, done.stderr
    assert api.images == {JOB: GOOD, CANDIDATE: OLD}


def test_a_release_tries_the_candidate_before_the_schedule_may_use_the_image(
    api: RunApi, tmp_path: Path
) -> None:
    done = release(GOOD, api, tmp_path)
    assert done.returncode == 0, done.stderr
    assert api.images == {JOB: GOOD, CANDIDATE: GOOD}
    started = next(
        number
        for number, (_, path, _) in enumerate(api.requests)
        if path.endswith(f"{CANDIDATE}:run")
    )
    changed = next(
        number
        for number, (method, path, _) in enumerate(api.requests)
        if method == "PUT" and path.endswith(JOB)
    )
    assert started < changed
    ((name, body),) = api.executions()
    assert (name, body["overrides"]["containerOverrides"][0]["args"]) == (CANDIDATE, ["check"])


def test_a_release_whose_check_fails_leaves_the_schedule_alone_and_the_candidate_as_it_was(
    api: RunApi, tmp_path: Path
) -> None:
    done = release(BAD, api, tmp_path)
    assert done.returncode == 1
    assert f"The schedule goes on with {OLD}." in done.stderr
    assert api.images == {JOB: OLD, CANDIDATE: OLD}
    assert {path.rsplit("/", 1)[1] for method, path, _ in api.requests if method == "PUT"} == {
        CANDIDATE
    }


def test_the_very_first_release_replaces_the_placeholder(api: RunApi, tmp_path: Path) -> None:
    api.images.update({JOB: PLACEHOLDER, CANDIDATE: PLACEHOLDER})
    assert release(GOOD, api, tmp_path).returncode == 0
    assert set(api.images.values()) == {GOOD}


def test_a_release_of_a_tag_is_refused_before_anything_is_asked(
    api: RunApi, tmp_path: Path
) -> None:
    done = release(f"{IMAGES}:latest", api, tmp_path)
    assert done.returncode == 2
    assert api.requests == []


def test_a_release_to_a_job_that_terraform_has_not_made_changes_nothing(
    api: RunApi, tmp_path: Path
) -> None:
    del api.images[JOB]
    assert release(GOOD, api, tmp_path).returncode != 0
    assert api.images == {CANDIDATE: OLD}
