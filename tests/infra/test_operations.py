"""The commands that operate the deployment, run by the real gcloud against a Cloud Run API on
loopback.

Promises: what infra/README.md tells people to type is what is tried here, word for word but for
names.
"""

import os
import re
import shlex
import signal
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
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
    """One command, as a person at the project's root would run it; all of it ends in time, also
    the gcloud that a script has started, which would keep its output open.
    """
    with subprocess.Popen(
        words,
        cwd=PROJECT,
        env=api.environment(place),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            out, err = process.communicate(timeout=480)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            raise
    return subprocess.CompletedProcess(words, process.returncode, out, err)


def release(
    image: str, api: RunApi, place: Path, *, patience_s: int = 240
) -> subprocess.CompletedProcess[str]:
    """The roll-out as the release trigger runs it."""
    told = {
        "REGION": "europe-west1",
        "JOB": JOB,
        "CANDIDATE": CANDIDATE,
        "IMAGE": image,
        "TURN": "gs://b/turn/release",
        "BUILD": f"build-of-{image[-4:]}",
        "PATIENCE_S": str(patience_s),
        "PAUSE_S": "1",
    }
    words = ["env", *(f"{name}={value}" for name, value in told.items())]
    return run([*words, "infra/build/release.sh"], api, place)


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


def test_the_way_back_is_a_release_of_an_earlier_image(api: RunApi, tmp_path: Path) -> None:
    text = (PROJECT / "infra" / "README.md").read_text()
    asks = "gcloud pubsub topics publish halo-jira-sync-release --project=acme-sec "
    assert asks + "--attribute=image=IMAGES/job@sha256:DIGEST" in text
    api.images.update({JOB: GOOD, CANDIDATE: GOOD})
    assert release(OLD, api, tmp_path).returncode == 0
    assert api.images == {JOB: OLD, CANDIDATE: OLD}
    assert api.registry.tags["previous"] == f"sha256:{'a' * 64}"


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
    assert list(api.ran.values()) == [(GOOD, "check"), (GOOD, "plan")]
    assert {name for name, _ in api.executions()} == {CANDIDATE}
    assert api.registry.tags == {"live": f"sha256:{'a' * 64}", "previous": f"sha256:{'c' * 64}"}
    assert api.storage.objects == {}


@pytest.mark.parametrize("command", ["check", "plan"])
def test_a_release_whose_proof_fails_leaves_the_schedule_alone_and_the_candidate_as_it_was(
    command: str, api: RunApi, tmp_path: Path
) -> None:
    api.bad_commands = {command}
    done = release(GOOD, api, tmp_path)
    assert done.returncode == 1
    assert f"The schedule goes on with {OLD}." in done.stderr
    assert api.images == {JOB: OLD, CANDIDATE: OLD}
    assert api.registry.tags == {}
    assert api.storage.objects == {}


def test_an_image_that_another_put_there_meanwhile_proves_nothing(
    api: RunApi, tmp_path: Path
) -> None:
    api.swap = OLD
    done = release(GOOD, api, tmp_path)
    assert done.returncode == 1
    assert f"ran {OLD}: somebody else set the candidate's image" in done.stderr
    assert api.images == {JOB: OLD, CANDIDATE: OLD}


def test_releases_at_the_same_time_take_turns(api: RunApi, tmp_path: Path) -> None:
    with ThreadPoolExecutor(2) as pool:
        bad = pool.submit(release, BAD, api, tmp_path / "1")
        good = pool.submit(release, GOOD, api, tmp_path / "2")
    assert good.result().returncode == 0, good.result().stderr
    assert bad.result().returncode == 1
    assert api.images[JOB] == GOOD
    assert {image for image, command in api.ran.values() if command == "plan"} == {GOOD}
    assert len(api.storage.made) == 2
    written = [path.rsplit("/", 1)[1] for method, path, _ in api.requests if method == "PUT"]
    assert written.count(JOB) == 1


def test_a_turn_that_nobody_ends_is_told_with_the_way_out(api: RunApi, tmp_path: Path) -> None:
    api.storage.objects["turn/release"] = b"build-of-yesterday"
    done = release(GOOD, api, tmp_path, patience_s=1)
    assert done.returncode == 1
    assert "still the turn of build-of-yesterday" in done.stderr
    assert "gcloud storage rm gs://b/turn/release" in done.stderr
    assert api.requests == []
    assert api.storage.objects["turn/release"] == b"build-of-yesterday"


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
