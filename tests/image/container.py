"""Builds the image as a person would, and runs it as Cloud Run does, without a container engine.

Promises: a run is PID 1 of its own process space, a numeric user, on a read-only root with a small
writable /tmp; it sees this machine's loopback, and no variable but those it is given. It needs root
and buildah. `../shared/tools/build_image.sh`, where it exists, serves the base image that otherwise
comes from a registry.
"""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

PROJECT = Path(__file__).resolve().parents[2]
STAND_IN = PROJECT.parent / "shared" / "tools" / "build_image.sh"
STORE = Path(os.environ.get("IMAGE_STORE", "/var/tmp/image-store"))  # noqa: S108 -- large, and kept between runs
TAG = "halo-jira-sync:tested"

# One read-only root, its own process space, and the program as PID 1 of it: `exec` all the way.
AS_CLOUD_RUN = """
mount --bind "$ROOT" "$ROOT"
mount -t proc proc "$ROOT/proc"
mount -t tmpfs -o size=64m tmpfs "$ROOT/tmp"
mount --bind /dev "$ROOT/dev"
mount -o remount,bind,ro "$ROOT"
cd "$ROOT"
exec chroot --userspec="$AS_USER" "$ROOT" /usr/bin/env -i -C "$WORKDIR" "$@"
"""


def buildah(*words: str) -> str:
    """One buildah command on the store that the image is built in."""
    where = [
        "--root",
        str(STORE / "root"),
        "--runroot",
        str(STORE / "run"),
        "--storage-driver",
        "overlay",
    ]
    done = subprocess.run(["buildah", *where, *words], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@dataclass(frozen=True)
class Image:
    """A built image: its mounted root, its description as JSON, and its size."""

    root: Path
    described: dict[str, Any]
    size_mb: float

    @property
    def config(self) -> dict[str, Any]:
        """What a container of it is started with."""
        return dict(self.described["OCIv1"]["config"])

    def start(
        self, *words: str, env: Mapping[str, str], entrypoint: Sequence[str] | None = None
    ) -> "subprocess.Popen[str]":
        """Start its entrypoint, or another, with these words; the caller ends the process."""
        given = [*self.config["Env"], *(f"{name}={value}" for name, value in env.items())]
        command = [*(entrypoint or self.config["Entrypoint"]), *words]
        isolated = [
            "unshare",
            "--mount",
            "--pid",
            "--fork",
            "--kill-child",
            "sh",
            "-euc",
            AS_CLOUD_RUN,
            "sh",
        ]
        where = {
            "ROOT": str(self.root),
            "AS_USER": self.config["User"],
            "WORKDIR": self.config["WorkingDir"],
        }
        return subprocess.Popen(
            [*isolated, *given, *command],
            env={"PATH": os.environ["PATH"], **where},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(
        self, *words: str, env: Mapping[str, str], entrypoint: Sequence[str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run it to the end."""
        with self.start(*words, env=env, entrypoint=entrypoint) as process:
            try:
                out, err = process.communicate(timeout=120)
            except subprocess.TimeoutExpired:
                process.kill()
                raise
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def require_builder() -> None:
    """Skip, with the reason, where no image can be built."""
    if os.geteuid() != 0:
        pytest.skip("building and mounting an image needs root")
    if not STAND_IN.exists() and not shutil.which("buildah"):
        pytest.skip("buildah is not installed")


@contextmanager
def built(folder: Path, *, env: Mapping[str, str]) -> Iterator[Image]:
    """Build the folder's Dockerfile and mount the result for as long as the block lasts."""
    STORE.mkdir(parents=True, exist_ok=True)
    if STAND_IN.exists():
        command = ["bash", str(STAND_IN), "build", str(folder), TAG]
        done = subprocess.run(
            command, check=False, env={**os.environ, **env}, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr
    else:
        buildah(
            "bud", "--isolation", "chroot", "--layers=false", "-t", f"localhost/{TAG}", str(folder)
        )
    described = json.loads(buildah("inspect", "--type", "image", f"localhost/{TAG}"))
    (listed,) = json.loads(buildah("images", "--json", f"localhost/{TAG}"))
    container = buildah("from", "--pull-never", f"localhost/{TAG}")
    try:
        yield Image(
            Path(buildah("mount", container)), described, float(listed["size"].removesuffix(" MB"))
        )
    finally:
        buildah("rm", container)
        buildah("rmi", "--prune")  # the image that this build's tag pointed at before
