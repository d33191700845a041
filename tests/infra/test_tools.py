"""What linters and published schemas say about the deployment's files.

Promises: each is asked offline, and shown to refuse a file with a fault in it.
"""

import re
import subprocess
from pathlib import Path

import pytest

from tests.infra.tools import PROJECT, python_tool

pytestmark = pytest.mark.infra


def ask(*words: str) -> subprocess.CompletedProcess[str]:
    """One command at the project's root."""
    return subprocess.run(words, cwd=PROJECT, check=False, capture_output=True, text=True)


def checkov(*places: str) -> subprocess.CompletedProcess[str]:
    """Checkov on Terraform files or folders, without a call to anyone."""
    where = [
        word
        for place in places
        for word in ("--file" if place.endswith(".tf") else "--directory", place)
    ]
    return ask(
        python_tool("checkov"),
        "--framework",
        "terraform",
        "--skip-download",
        "--compact",
        "--quiet",
        *where,
    )


def test_checkov_finds_nothing_that_has_no_reason() -> None:
    done = checkov("infra")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Failed checks: 0" in done.stdout


def test_checkov_would_find_a_basic_role(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.tf"
    wrong.write_text(
        'resource "google_project_iam_member" "x" {\n'
        '  project = "p"\n  role = "roles/editor"\n  member = "m"\n}\n'
    )
    assert checkov(str(wrong)).returncode == 1


def test_every_skipped_check_gives_a_reason() -> None:
    skips = [
        line
        for path in (PROJECT / "infra").rglob("*.tf")
        for line in path.read_text().splitlines()
        if "checkov:skip" in line
    ]
    assert skips
    assert [line for line in skips if not re.search(r"checkov:skip=CKV2?_\w+:.{20,}", line)] == []


def test_hadolint_finds_nothing_in_the_dockerfile(tmp_path: Path) -> None:
    done = ask(python_tool("hadolint"), "Dockerfile")
    assert done.returncode == 0, done.stdout
    (tmp_path / "Dockerfile").write_text("FROM python\nRUN cd /tmp\n")
    assert ask(python_tool("hadolint"), str(tmp_path / "Dockerfile")).returncode != 0


def test_the_build_is_valid_by_the_published_schema(tmp_path: Path) -> None:
    command = [python_tool("check-jsonschema"), "--builtin-schema", "vendor.cloudbuild"]
    done = ask(*command, "cloudbuild.yaml")
    assert done.returncode == 0, done.stdout
    (tmp_path / "cloudbuild.yaml").write_text(
        (PROJECT / "cloudbuild.yaml").read_text().replace("script:", "skript:")
    )
    assert ask(*command, str(tmp_path / "cloudbuild.yaml")).returncode != 0
