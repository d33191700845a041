"""The container image, built and run the way Cloud Run runs it.

Promises: the program inside meets real protocols: the simulated vendors over HTTP on loopback and
the Firestore emulator.
"""

import json
import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.image.container import PROJECT, Image, built, require_builder

pytestmark = pytest.mark.image

CANARY = "canary-4f1c9d"
OURS = ("Dockerfile", ".dockerignore", "requirements.lock", "job")


@pytest.fixture(scope="session")
def image(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Image]:
    """The image of this project, built from a folder and an environment that hold secrets which
    must not get in.
    """
    require_builder()
    folder = tmp_path_factory.mktemp("image")
    for name in OURS:
        source = PROJECT / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, folder / name)
    for name in (".env", "terraform.tfvars", "terraform.tfstate", "job.json", "key.pem"):
        (folder / name).write_text(CANARY)
    with built(folder, env={"HALO_API_SECRET_KEY": CANARY, "JIRA_API_TOKEN": CANARY}) as image:
        yield image


@pytest.fixture
def vendors() -> Iterator[dict[str, Any]]:
    """Both simulated vendors with a story's first act behind them, as a process of their own."""
    command = [sys.executable, "-m", "job.sim", "--story", "--lag", "none"]
    with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield json.loads(process.stdout.readline())
        finally:
            process.terminate()


def settings(vendors: dict[str, Any], **more: str) -> dict[str, str]:
    """The environment of a job that talks to these vendors."""
    return {
        **vendors["settings"],
        "CLOUD_RUN_JOB": "halo-jira-sync",
        "CLOUD_RUN_EXECUTION": "halo-jira-sync-x1",
        **more,
    }


def test_the_image_is_smaller_than_190_megabytes(image: Image) -> None:
    assert 50 < image.size_mb < 190


def test_it_runs_without_arguments_as_a_numeric_user(image: Image) -> None:
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", image.config["User"])
    assert image.config["Entrypoint"] == ["python", "-m", "job"]
    assert not image.config.get("Cmd")


def test_it_says_what_it_is(image: Image) -> None:
    labels = {
        name.removeprefix("org.opencontainers.image."): text
        for name, text in image.config["Labels"].items()
    }
    assert labels["title"] == "halo-jira-sync"
    assert {"description", "licenses", "revision", "created"} <= set(labels)


def test_nothing_inside_belongs_to_the_user_or_can_be_changed_by_it(image: Image) -> None:
    uid = int(image.config["User"].split(":")[0])
    writable = []
    for folder, _, files in os.walk(image.root):
        for path in [Path(folder), *(Path(folder) / name for name in files)]:
            seen = path.lstat()
            open_to_all = (
                seen.st_mode & stat.S_IWOTH
                and not stat.S_ISLNK(seen.st_mode)
                and not seen.st_mode & stat.S_ISVTX
            )
            if seen.st_uid == uid or open_to_all:
                writable.append(path)
    assert [path for path in writable if "dev" not in path.relative_to(image.root).parts[:1]] == []


def test_no_build_tool_package_manager_or_cache_is_inside(image: Image) -> None:
    names = {
        path.name
        for folder in ("usr/bin", "usr/sbin", "usr/local/bin", "opt/venv/bin")
        for path in (image.root / folder).glob("*")
    }
    assert "sh" in names
    assert (
        names & {"gcc", "cc", "g++", "make", "ld", "pip", "pip3", "apt", "apt-get", "dpkg", "perl"}
        == set()
    )
    assert list((image.root / "opt/venv").rglob("pip")) == []
    assert [
        path
        for path in ("root/.cache", "var/cache", "var/lib/apt", "build")
        if (image.root / path).exists()
    ] == []


def test_everything_is_compiled(image: Image) -> None:
    for place in ("app", "opt/venv/lib"):
        sources = list((image.root / place).rglob("*.py"))
        bare = [
            path
            for path in sources
            if not list((path.parent / "__pycache__").glob(f"{path.stem}.*.pyc"))
        ]
        assert len(sources) > 20
        assert bare == []


def test_only_the_program_and_no_tests_or_documents_are_under_app(image: Image) -> None:
    assert {path.name for path in (image.root / "app").iterdir()} == {"job"}
    assert list((image.root / "app").rglob("*.md")) == []


def test_no_secret_is_in_its_layers_or_its_description(image: Image) -> None:
    assert CANARY not in json.dumps(image.described)
    found = subprocess.run(
        ["grep", "-rlF", CANARY, str(image.root)], check=False, capture_output=True, text=True
    )
    assert found.stdout == ""
    suspicious = re.compile(r"(?i)token|secret|password|api_key")
    assert [line for line in image.config["Env"] if suspicious.search(line)] == []


def test_no_simulated_vendor_is_inside_and_the_demo_says_where_it_is_played(image: Image) -> None:
    assert not (image.root / "app" / "job" / "sim").exists()
    done = image.run("demo", env={})
    assert done.returncode == 2
    assert "Play the demo with `make demo`" in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_its_root_cannot_be_written_and_its_user_is_nobody(image: Image) -> None:
    probe = "import os; print(os.getpid(), os.getuid()); "
    probe += "open('/tmp/x', 'w').close(); open('/app/x', 'w')"
    done = image.run("-c", probe, env={}, entrypoint=["python"])
    assert done.stdout.split() == ["1", image.config["User"].split(":")[0]]
    assert "Read-only file system" in done.stderr


def test_a_run_keeps_jira_in_step_with_firestore_as_its_memory(
    image: Image, vendors: dict[str, Any], firestore_emulator: str
) -> None:
    project = f"image-{time.time_ns()}"
    env = settings(
        vendors,
        STATE_URL=f"firestore://{project}/memory",
        FIRESTORE_EMULATOR_HOST=firestore_emulator,
    )
    first, second = image.run(env=env), image.run(env=env)
    assert (first.returncode, second.returncode) == (0, 0), (
        first.stdout + first.stderr + second.stdout
    )
    lines = [json.loads(line) for line in first.stdout.splitlines()]
    assert {"severity", "message", "time", "event"} <= set.intersection(
        *(set(line) for line in lines)
    )
    finished = [json.loads(done.stdout.splitlines()[-1]) for done in (first, second)]
    assert [line["event"] for line in finished] == ["run.finished", "run.finished"]
    with urllib.request.urlopen(f"{vendors['control']}/jira/tickets", timeout=5) as answer:  # noqa: S310 -- loopback
        assert len(json.load(answer)) == finished[0]["created"] > 0
    assert finished[1]["created"] == 0


def test_its_last_line_has_every_figure_that_is_watched(
    image: Image, vendors: dict[str, Any], firestore_emulator: str
) -> None:
    watched = (
        (PROJECT / "infra" / "watch" / "main.tf").read_text().split("figures = {")[1].split("}")[0]
    )
    env = settings(
        vendors,
        STATE_URL=f"firestore://figures-{time.time_ns()}/m",
        FIRESTORE_EMULATOR_HOST=firestore_emulator,
    )
    finished = json.loads(image.run(env=env).stdout.splitlines()[-1])
    figures = re.findall(r"^\s+(\w+)\s+=", watched, re.MULTILINE)
    assert len(figures) == 14
    assert [name for name in figures if not isinstance(finished.get(name), int | float)] == []
    assert finished["exit_code"] == 0


@contextmanager
def silent_vendor() -> Iterator[socket.socket]:
    """A vendor that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(30)
        yield server


def waiting_for(server: socket.socket) -> dict[str, str]:
    """Settings whose vendors are the one that never answers."""
    url = f"http://127.0.0.1:{server.getsockname()[1]}"
    names = {"JIRA_ISSUE_ID_FIELD": "Halo ID", "JIRA_PROJECT_KEY": "SEC", "JIRA_ISSUE_TYPE": "Bug"}
    workflow = {
        "ISSUE_REOPEN_TRANSITION": "Reopen",
        "ISSUE_CLOSE_TRANSITION": "Done",
        "ISSUE_STATUS_CLOSED": "Done",
    }
    access = {
        "HALO_API_KEY": "a1b2c3d4",
        "HALO_API_SECRET_KEY": "0" * 32,
        "JIRA_API_USER": "a@b.example",
        "JIRA_API_TOKEN": "t" * 24,
    }
    return {
        **names,
        **workflow,
        **access,
        "HALO_API_HOSTNAME": url,
        "JIRA_API_URL": url,
        "STATE_URL": "sqlite:////tmp/state.db",
    }


def test_sigterm_ends_it_as_process_one_well_within_ten_seconds(
    image: Image, vendors: dict[str, Any]
) -> None:
    with image.start(
        "run", "--sweep", env=settings(vendors, STATE_URL="sqlite:////tmp/state.db")
    ) as process:
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["event"] == "run.started"
        began = time.monotonic()
        os.kill(process_one(process.pid), signal.SIGTERM)
        out, _ = process.communicate(timeout=10)
        assert time.monotonic() - began < 8
        assert "run.asked_to_stop" in out


def test_sigterm_ends_it_even_while_a_vendor_never_answers(image: Image) -> None:
    with (
        silent_vendor() as server,
        image.start(env=waiting_for(server)) as process,
        server.accept()[0],
    ):
        began = time.monotonic()
        os.kill(process_one(process.pid), signal.SIGTERM)
        try:
            process.communicate(timeout=10)
        finally:
            process.kill()
        assert time.monotonic() - began < 8


def process_one(unshare: int) -> int:
    """The program itself, which is PID 1 inside, as this machine sees it."""
    children = Path(f"/proc/{unshare}/task/{unshare}/children").read_text().split()
    (child,) = map(int, children)
    inside = Path(f"/proc/{child}/status").read_text()
    assert re.search(r"^NSpid:\s+\d+\s+1$", inside, re.MULTILINE), inside
    return child


def test_its_first_request_leaves_within_a_second_of_work(image: Image) -> None:
    def start() -> float:
        with (
            silent_vendor() as server,
            image.start(env=waiting_for(server)) as process,
            server.accept()[0],
        ):
            # What the program itself has used, so that a busy machine is not mistaken for a slow
            # start.
            spent = (
                Path(f"/proc/{process_one(process.pid)}/stat").read_text().rsplit(")", 1)[1].split()
            )
            process.kill()
        return (int(spent[11]) + int(spent[12])) / os.sysconf("SC_CLK_TCK")

    assert min(start() for _ in range(3)) < 1.0
