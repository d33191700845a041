"""The steps of cloudbuild.yaml: their shell run here, with a docker that only notes what it is
told.

Promises: each step's own text is what runs. The release step's real gcloud is in
test_operations.py.
"""

import json
import os
import re
import shutil
import subprocess
from datetime import date
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.infra.run_api import BuildApi, serve
from tests.infra.tools import PROJECT, machine_program, python_tool

pytestmark = pytest.mark.infra

DIGEST = "europe-west1-docker.pkg.dev/acme-sec/halo-jira-sync/job@sha256:" + "a" * 64
DOCKER = f"""#!/bin/sh
echo "$*" >> "$TOLD"
case "$*" in
  inspect*python:3.13-slim) echo python@sha256:{"b" * 64} ;;
  inspect*) echo {DIGEST} ;;
  create*) echo c1 ;;
  export*) cd "$(dirname "$TOLD")/inside" && tar --create etc usr var opt ;;
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
    (folder / "job").mkdir()
    shutil.copy(PROJECT / "job/__init__.py", folder / "job")
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
        **dict.fromkeys(["_REPOSITORY", "_BUCKET", "_TOPIC", "_PARTS"], "x"),
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
    assert submitted["substitutions"] == {**build["substitutions"], **given}


def test_nothing_is_pushed_before_tests_and_audit_have_passed(build: dict[str, Any]) -> None:
    assert set(step(build, "push")["waitFor"]) == {"test", "audit", "build"}
    assert step(build, "bill")["waitFor"] == ["push"]
    assert step(build, "ask")["waitFor"] == ["bill"]


def test_nothing_is_skipped_and_the_deployment_is_tested_too(build: dict[str, Any]) -> None:
    test = step(build, "test")
    assert test["env"] == ["CI=true"]
    assert "make lint test terraform-test" in test["script"]
    assert build["substitutions"][test["name"].removeprefix("$")].endswith(":emulators")


def test_no_step_of_a_build_rolls_anything_out(build: dict[str, Any]) -> None:
    assert not re.search(r"gcloud run|jobs (update|execute)|release\.sh", json.dumps(build))


def test_what_is_pushed_has_provenance_and_a_build_without_it_fails(build: dict[str, Any]) -> None:
    assert build["images"] == ["$_REPOSITORY/job:$COMMIT_SHA"]
    assert build["options"]["requestedVerifyOption"] == "VERIFIED"
    assert step(build, "push")["env"] == ["TAG=$_REPOSITORY/job:$COMMIT_SHA"]


def test_every_image_that_a_step_runs_in_can_be_named_by_digest(build: dict[str, Any]) -> None:
    names = {step["name"] for step in build["steps"]}
    assert names == {"$_TERRAFORM", "$_GCLOUD", "$_PYTHON", "$_DOCKER"}
    assert {name.removeprefix("$") for name in names} <= set(build["substitutions"])


def test_every_tool_of_a_build_is_pinned_with_its_hashes(build: dict[str, Any]) -> None:
    installed = [line for one in build["steps"] for line in one.get("script", "").splitlines()]
    pip = [line for line in installed if "pip install" in line]
    assert len(pip) == 2
    assert all("--require-hashes --requirement .ci/tools.lock" in line for line in pip)
    lock = (PROJECT / ".ci/tools.lock").read_text()
    assert len(re.findall(r"^\S+==\S+ \\\n    --hash=", lock, re.M)) > 20
    assert re.findall(r"^--.*", lock, re.M) == []  # where it was made is nobody else's matter


def test_the_builder_needs_no_log_bucket(build: dict[str, Any]) -> None:
    assert build["options"]["logging"] == "CLOUD_LOGGING_ONLY"


def test_every_substitution_is_one_that_terraform_hands_over(build: dict[str, Any]) -> None:
    used = set(re.findall(r"\$(_[A-Z]+)", json.dumps({**build, "substitutions": {}})))
    module = (PROJECT / "infra/build/main.tf").read_text()
    handed = set(re.findall(r"^    (_[A-Z]+)\s+= ", module, re.MULTILINE)) - {"_IMAGE"}
    assert used == handed | set(build["substitutions"])


def test_no_script_reads_a_variable_that_its_step_does_not_set(build: dict[str, Any]) -> None:
    for one in build["steps"]:
        given = {line.split("=")[0] for line in one.get("env", [])}
        used = set(re.findall(r"\$\{?([A-Z][A-Z_]+)", one.get("script", "")))
        assert used - given - {"PATH"} == set(), one["id"]


def test_the_image_is_built_on_a_base_named_by_digest_and_says_its_commit(
    build: dict[str, Any], tmp_path: Path
) -> None:
    done = run(
        step(build, "build"),
        folder=tmp_path,
        env={
            "TAG": "r/job:c0ffee",
            "COMMIT": "c0ffee",
            "PARTS": "runtime",
            "BASE": "python:3.13-slim",
            "SOURCE": "acme/sync",
        },
    )
    assert done.returncode == 0, done.stderr
    told = (tmp_path / "told").read_text()
    assert f"--build-arg BASE=python@sha256:{'b' * 64}" in told
    assert "--tag r/job:c0ffee" in told
    assert "--build-arg REVISION=c0ffee" in told
    assert "--build-arg SOURCE=acme/sync" in told
    assert re.search(r"--build-arg VERSION=\d+\.\d+", told)
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
    read = ("etc/os-release", "usr/lib/os-release", "var/lib/dpkg/status")
    for path in (*read, "usr/share/doc/bash/copyright", "opt/venv/pyvenv.cfg", "etc/shadow"):
        (tmp_path / "inside" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "inside" / path).touch()
    done = run(step(build, "push"), folder=tmp_path, env={"TAG": "r/job:c0ffee"})
    assert all((tmp_path / "root" / path).exists() for path in read)
    assert not (tmp_path / "root/etc/shadow").exists()
    assert done.returncode == 0, done.stderr
    assert "push --quiet r/job:c0ffee" in (tmp_path / "told").read_text()
    assert (tmp_path / "image.txt").read_text().strip() == DIGEST


def ci(name: str) -> ModuleType:
    """A file of .ci as a module."""
    spec = spec_from_file_location(name, PROJECT / ".ci" / f"{name}.py")
    assert spec
    assert spec.loader
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_audit_looks_at_everything_that_ships_and_nothing_else() -> None:
    audit = ci("audit")
    lock = (PROJECT / "requirements.lock").read_text()
    job, http = audit.shipped(lock, parts=["runtime"]), audit.shipped(lock, parts=["http"])
    assert "google-cloud-firestore==" in job
    assert "functions-framework==" not in job
    assert "functions-framework==" in http
    assert "pytest==" not in job + http
    with pytest.raises(ValueError, match="no part web"):
        audit.shipped(lock, parts=["web"])


def test_an_exception_from_the_audit_has_an_end_and_a_reason() -> None:
    audit = ci("audit")
    today = date(2026, 12, 1)
    good = "# why\nGHSA-aaaa-bbbb-cccc 2026-12-01 the affected function is never called\n"
    assert list(audit.ignored(good, today=today)) == ["GHSA-aaaa-bbbb-cccc"]
    with pytest.raises(ValueError, match="ended on 2026-12-01"):
        list(audit.ignored(good, today=date(2026, 12, 2)))
    with pytest.raises(ValueError, match="a last day and a reason"):
        list(audit.ignored("GHSA-aaaa-bbbb-cccc 2026-12-01 soon\n", today=today))
    recorded = (PROJECT / ".ci" / "exceptions.txt").read_text()
    assert list(audit.ignored(recorded, today=today)) == []


def commit_in(folder: Path) -> Path:
    """A small project with one commit and the script that submits it."""
    shutil.copytree(PROJECT / "infra/build", folder / "infra/build")
    (folder / "cloudbuild.yaml").write_text("steps: []\n")
    (folder / ".gitignore").write_text("*.log\n")
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b.example"]
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "one"]):
        subprocess.run([*git, *words], cwd=folder, check=True)
    return folder


def submitted(folder: Path, place: Path) -> tuple[subprocess.CompletedProcess[str], str]:
    """What the script says, and what it told a gcloud that lists what it was sent."""
    place.mkdir()
    (place / "gcloud").write_text(
        '#!/bin/sh\necho "$*" > "$TOLD"\ntar --list --gzip --file "$3" >> "$TOLD"\n'
    )
    (place / "gcloud").chmod(0o755)
    told = place / "told"
    env = {"PATH": f"{place}:{os.environ['PATH']}", "TOLD": str(told)}
    words = ["infra/build/submit.sh", "--region=r", "--substitutions=_BUCKET=b"]
    done = subprocess.run(words, cwd=folder, env=env, check=False, capture_output=True, text=True)
    return done, told.read_text() if told.exists() else ""


def test_what_is_sent_is_the_commit_and_nothing_that_lies_beside_it(tmp_path: Path) -> None:
    folder = commit_in(tmp_path / "project")
    (folder / "secret.log").write_text("not for others")
    done, told = submitted(folder, tmp_path / "bin")
    assert done.returncode == 0, done.stderr
    head = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=folder, check=True, capture_output=True, text=True
    )
    assert f"--substitutions=_BUCKET=b,COMMIT_SHA={head.stdout.strip()}" in told
    assert "cloudbuild.yaml" in told
    assert "secret.log" not in told


@pytest.mark.parametrize("change", ["cloudbuild.yaml", "new.tf"])
def test_a_tree_with_changes_is_not_released(change: str, tmp_path: Path) -> None:
    folder = commit_in(tmp_path / "project")
    (folder / change).write_text("steps: [changed]\n")
    done, told = submitted(folder, tmp_path / "bin")
    assert done.returncode == 1
    assert change in done.stderr
    assert told == ""


INSTALLED = """Package: bash
Status: install ok installed
Architecture: amd64
Version: 5.2.37-2

Package: gone
Status: deinstall ok config-files
Architecture: amd64
Version: 1.0
"""
INSIDE = {
    "etc/os-release": "ID=debian\nVERSION_CODENAME=trixie\n",
    "var/lib/dpkg/status": INSTALLED,
    "usr/share/doc/bash/copyright": "Files: *\nLicense: GPL-3+\n",
    "opt/venv/lib/python3.13/site-packages/click-8.5.1.dist-info/METADATA": (
        "Metadata-Version: 2.4\nName: click\nVersion: 8.5.1\nLicense-Expression: BSD-3-Clause\n"
    ),
}


def test_the_bill_lists_what_is_installed_and_names_its_image_by_digest(tmp_path: Path) -> None:
    for name, text in INSIDE.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    python = Path(python_tool("pip-audit")).with_name("python")
    words = [str(python), str(PROJECT / ".ci" / "bill.py"), str(tmp_path), DIGEST]
    done = subprocess.run(words, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["bomFormat"], told["specVersion"]) == ("CycloneDX", "1.6")
    assert told["metadata"]["component"]["bom-ref"] == DIGEST
    assert {
        (listed["purl"], listed["licenses"][0]["license"]["name"]) for listed in told["components"]
    } == {
        ("pkg:deb/debian/bash@5.2.37-2?arch=amd64&distro=debian-trixie", "GPL-3+"),
        ("pkg:pypi/click@8.5.1", "BSD-3-Clause"),
    }
