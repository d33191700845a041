"""The steps of cloudbuild.yaml: their shell run here, with a docker that only notes what it is
told.

Promises: each step's own text is what runs. The release step's real gcloud is in
test_operations.py.
"""

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.infra.run_api import BuildApi, serve
from tests.infra.tools import PROJECT, machine_program

pytestmark = pytest.mark.infra

DIGEST = "europe-west1-docker.pkg.dev/acme-sec/halo-jira-sync/job@sha256:" + "a" * 64
DOCKER = f"""#!/bin/sh
echo "$*" >> "$TOLD"
case "$*" in
  inspect*python:3.13-slim) echo python@sha256:{"b" * 64} ;;
  inspect*) echo {DIGEST} ;;
esac
"""


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """cloudbuild.yaml as data; terraform reads YAML, so that no library has to."""
    command = [machine_program("terraform"), "console"]
    question = f'jsonencode(yamldecode(file("{PROJECT / "cloudbuild.yaml"}")))'
    folder = tmp_path_factory.mktemp("console")
    done = subprocess.run(
        command, cwd=folder, input=question, check=True, capture_output=True, text=True
    )
    return dict(json.loads(json.loads(done.stdout)))


def step(build: dict[str, Any], name: str) -> dict[str, Any]:
    """One step by its id."""
    return dict(next(step for step in build["steps"] if step["id"] == name))


def run(
    step: dict[str, Any], *, folder: Path, env: dict[str, str]
) -> subprocess.CompletedProcess[str]:
    """A step's script, as Cloud Build runs it: a file with its own first line."""
    (folder / "bin").mkdir()
    (folder / "bin" / "docker").write_text(DOCKER)
    (folder / "bin" / "docker").chmod(0o755)
    (folder / "step").write_text(step["script"])
    (folder / "step").chmod(0o755)
    given = {"PATH": f"{folder / 'bin'}:/usr/bin:/bin", "TOLD": str(folder / "told"), **env}
    return subprocess.run(
        [str(folder / "step")], cwd=folder, env=given, check=False, capture_output=True, text=True
    )


def test_gcloud_submits_this_build_as_the_builder_with_its_commit(
    build: dict[str, Any], tmp_path: Path
) -> None:
    options = [
        "--project=acme-sec",
        "--region=europe-west1",
        "--config=cloudbuild.yaml",
        "--no-source",
        "--async",
    ]
    account = "projects/acme-sec/serviceAccounts/builder@acme-sec.iam.gserviceaccount.com"
    given = {
        "COMMIT_SHA": "c0ffee",
        **dict.fromkeys(["_REGION", "_REPOSITORY", "_JOB", "_CANDIDATE", "_BUCKET"], "x"),
    }
    pairs = ",".join(f"{name}={value}" for name, value in given.items())
    with serve(BuildApi()) as api:
        env = {
            **os.environ,
            "CLOUDSDK_CONFIG": str(tmp_path),
            "CLOUDSDK_API_ENDPOINT_OVERRIDES_CLOUDBUILD": f"http://127.0.0.1:{api.port}/",
            "CLOUDSDK_AUTH_DISABLE_CREDENTIALS": "True",
            "CLOUDSDK_CORE_DISABLE_PROMPTS": "1",
        }
        command = [
            machine_program("gcloud"),
            "builds",
            "submit",
            *options,
            f"--service-account={account}",
        ]
        done = subprocess.run(
            [*command, f"--substitutions={pairs}"],
            cwd=PROJECT,
            env=env,
            check=False,
            capture_output=True,
            text=True,
        )
    assert done.returncode == 0, done.stderr
    (submitted,) = api.submitted
    assert submitted["steps"] == build["steps"]
    assert submitted["serviceAccount"] == account
    assert submitted["substitutions"] == {**given, **build["substitutions"]}


def test_nothing_is_pushed_before_tests_and_audit_have_passed(build: dict[str, Any]) -> None:
    assert set(step(build, "push")["waitFor"]) == {"test", "audit", "build"}
    assert step(build, "release")["waitFor"] == ["push"]


def test_the_builder_needs_no_log_bucket(build: dict[str, Any]) -> None:
    assert build["options"]["logging"] == "CLOUD_LOGGING_ONLY"


def test_every_substitution_is_one_that_terraform_hands_over(build: dict[str, Any]) -> None:
    used = set(re.findall(r"\$(_[A-Z]+)", json.dumps({**build, "substitutions": {}})))
    handed = set(
        re.findall(
            r"^\s+(_[A-Z]+)\s+=", (PROJECT / "infra/build/main.tf").read_text(), re.MULTILINE
        )
    )
    assert used == handed | set(build["substitutions"])


def test_no_script_reads_a_variable_that_its_step_does_not_set(build: dict[str, Any]) -> None:
    for one in build["steps"]:
        given = {line.split("=")[0] for line in one.get("env", [])}
        used = set(re.findall(r"\$\{?([A-Z][A-Z_]+)", one.get("script", "")))
        assert used - given == set(), one["id"]


def test_the_image_is_built_on_a_base_named_by_digest_and_says_its_commit(
    build: dict[str, Any], tmp_path: Path
) -> None:
    done = run(
        step(build, "build"),
        folder=tmp_path,
        env={"TAG": "r/job:c0ffee", "COMMIT": "c0ffee", "PARTS": "runtime"},
    )
    assert done.returncode == 0, done.stderr
    told = (tmp_path / "told").read_text()
    assert f"--build-arg BASE=python@sha256:{'b' * 64}" in told
    assert "--tag r/job:c0ffee" in told
    assert "--build-arg REVISION=c0ffee" in told
    assert re.search(r"CREATED=\d{4}-\d\d-\d\dT", told)


def test_a_build_by_hand_without_its_commit_is_refused(
    build: dict[str, Any], tmp_path: Path
) -> None:
    done = run(
        step(build, "build"),
        folder=tmp_path,
        env={"TAG": "r/job:", "COMMIT": "", "PARTS": "runtime"},
    )
    assert done.returncode == 1
    assert "COMMIT_SHA is empty" in done.stderr
    assert not (tmp_path / "told").exists()


def test_what_was_pushed_is_handed_on_by_digest(build: dict[str, Any], tmp_path: Path) -> None:
    done = run(step(build, "push"), folder=tmp_path, env={"TAG": "r/job:c0ffee"})
    assert done.returncode == 0, done.stderr
    assert "push --quiet r/job:c0ffee" in (tmp_path / "told").read_text()
    assert (tmp_path / "image.txt").read_text().strip() == DIGEST


def test_the_audit_looks_at_everything_that_ships_and_nothing_else(
    build: dict[str, Any], tmp_path: Path
) -> None:
    (line,) = [
        line for line in step(build, "audit")["script"].splitlines() if line.startswith("awk")
    ]
    command = line.replace("$tools", str(tmp_path))
    subprocess.run(["bash", "-c", command], cwd=PROJECT, check=True)
    shipped = (tmp_path / "shipped.txt").read_text()
    assert "google-cloud-firestore==" in shipped
    assert "functions-framework==" in shipped
    assert "pytest==" not in shipped
